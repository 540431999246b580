/** The commands of the palette. Ids begin with `a3s.ui.`; every other `a3s.…` command is the server's own. */
import * as vscode from "vscode";
import type { ChatStore } from "./chatStore";
import type { Confirmations } from "./confirm";
import type { Conversation } from "./conversation";
import type { Log } from "./log";
import { reviewCommands, type ReviewParts } from "./reviewCommands";
import { rewind } from "./rewind";
import type { ServerTrouble } from "./serverTrouble";
import { pickSession } from "./sessionPicker";

export interface Parts extends ReviewParts {
  store: ChatStore;
  confirmations: Confirmations;
  trouble: ServerTrouble;
  log: Log;
  guard(work: Promise<void>): Promise<void>;
}

export function registerCommands(parts: Parts): vscode.Disposable[] {
  const { client, store, chat, conversation, log } = parts;
  const handlers: Record<string, (argument?: unknown) => Promise<void>> = {
    prompt: (text) => prompt(parts, text),
    stop: () => conversation.stop(),
    newSession: async () => {
      await conversation.newSession();
      await chat.focus();
    },
    sessions: () => pickSession(conversation, chat),
    resume: () => resumeLatest(parts),
    steer: () => steer(conversation),
    approve: () => answerOldest(parts, "allow_once"),
    deny: () => answerOldest(parts, "reject_once"),
    slash: () => pickSlash(parts),
    rewind: () => rewind(conversation),
    ...reviewCommands(parts),
    showLog: () => Promise.resolve(log.show()),
    restart: () => client.restart(),
    mend: () => parts.trouble.tell(store.model.server),
  };
  return Object.entries(handlers).map(([name, handler]) =>
    vscode.commands.registerCommand(`a3s.ui.${name}`, (argument?: unknown) => parts.guard(handler(argument))),
  );
}

/** From the palette: go and type. From a key with a text for an argument: send that. */
async function prompt({ chat, conversation }: Parts, text: unknown): Promise<void> {
  await chat.focus();
  if (typeof text === "string") {
    await conversation.send(text, []);
  }
}

async function resumeLatest({ conversation, chat, store }: Parts): Promise<void> {
  const [latest] = await conversation.sessions();
  if (latest === undefined) {
    store.dispatch({ kind: "notice", level: "info", text: "There is no session to resume yet." });
  } else {
    await conversation.resume(latest.sessionId);
  }
  await chat.focus();
}

async function steer(conversation: Conversation): Promise<void> {
  const text = await vscode.window.showInputBox({
    title: "Steer the run that is going",
    prompt: "The agent reads this before its next step.",
  });
  if (text && !(await conversation.steer(text))) {
    void vscode.window.showInformationMessage("No run is going; send a prompt instead.");
  }
}

async function answerOldest({ client, confirmations }: Parts, choice: "allow_once" | "reject_once"): Promise<void> {
  const question = confirmations.oldest;
  if (question === undefined) {
    void vscode.window.showInformationMessage("A3S is not asking anything.");
    return;
  }
  const note =
    choice === "allow_once"
      ? ""
      : await vscode.window.showInputBox({
          title: `Deny: ${question.title}`,
          prompt: "What should the agent do instead? May be left empty.",
        });
  // Escape takes the command back.
  if (note !== undefined) {
    await confirmations.answer(client, question.toolId, { choice, note: note || undefined });
  }
}

async function pickSlash({ client, conversation, chat }: Parts): Promise<void> {
  const picked = await vscode.window.showQuickPick(
    client.commands.map((command) => ({ label: `/${command.name}`, description: command.description, command })),
    { title: "Run a slash command", matchOnDescription: true },
  );
  if (picked === undefined) {
    return;
  }
  const { name, usage } = picked.command;
  const takesArguments = usage.trim() !== `/${name}`;
  const args = takesArguments ? await vscode.window.showInputBox({ title: usage, prompt: picked.description }) : "";
  if (args !== undefined) {
    await conversation.slash(name, args);
    await chat.focus();
  }
}
