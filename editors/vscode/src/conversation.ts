/** What a person can do with a session: one method for each thing, whoever asks for it. */
import * as vscode from "vscode";
import type { ChatStore } from "./chatStore";
import type { Client } from "./client";
import { type Log, messageOf } from "./log";
import type {
  HunkQuestion,
  PromptContext,
  RewindOrder,
  RewindOutcome,
  RewindPoint,
  SessionRow,
  SlashCall,
} from "./protocol";

const LAST_SESSION = "a3s.lastSession";

export class Conversation {
  constructor(
    private readonly client: Client,
    private readonly store: ChatStore,
    private readonly memory: vscode.Memento,
    private readonly log: Log,
  ) {}

  /** Sends what was typed: a slash command, a word to the run that is going, or a prompt. */
  async send(text: string, context: PromptContext[]): Promise<void> {
    const [, name, args] = /^\/(\S+)\s*([\s\S]*)$/.exec(text) ?? [];
    if (name !== undefined && this.client.commands.some((command) => command.name === name)) {
      await this.slash(name, args ?? "");
    } else if (this.store.model.run === undefined || !(await this.steer(text))) {
      await this.prompt(text, context);
    }
  }

  async prompt(text: string, context: PromptContext[]): Promise<void> {
    const answer = await this.client.execute("a3s.prompt", { text, sessionId: this.session, context });
    const { sessionId } = answer;
    this.store.dispatch({ kind: "adopted", sessionId });
    if (answer.text !== undefined) {
      this.store.dispatch({ kind: "slash", line: text, answer: answer.text });
    }
    await this.remember(sessionId);
  }

  /** Whether the run that is going will read it. */
  async steer(text: string): Promise<boolean> {
    return (await this.client.execute("a3s.steer", { text, sessionId: this.session })).queued;
  }

  async slash(name: string, args: string): Promise<void> {
    const answer = await this.client.executeSlash(name, { args, sessionId: this.session });
    await this.follow(answer);
    this.store.dispatch({ kind: "slash", line: `/${name} ${args}`.trim(), answer: answer.text });
  }

  /** A slash command may have made another session the current one, or begun the first. */
  private async follow({ sessionId, runId }: SlashCall["answer"]): Promise<void> {
    if (sessionId === undefined || sessionId === this.session) {
      return;
    }
    if (runId === undefined) {
      await this.resume(sessionId);
    } else {
      this.store.dispatch({ kind: "adopted", sessionId });
      await this.remember(sessionId);
    }
  }

  async stop(): Promise<void> {
    await this.client.execute("a3s.cancel", { sessionId: this.session, runId: this.store.model.run });
  }

  /** Asks why a hunk was made, or what the person wants to know of it. */
  async askAbout(question: HunkQuestion): Promise<void> {
    const { sessionId } = await this.client.execute("a3s.hunk.ask", question);
    this.store.dispatch({ kind: "adopted", sessionId });
    await this.remember(sessionId);
  }

  /** The places that one can go back to. */
  async rewindPoints(): Promise<RewindPoint[]> {
    const answer = await this.client.execute("a3s.rewind", { sessionId: this.session });
    return "points" in answer ? answer.points : [];
  }

  /** Goes back, or says what that would change. */
  async rewind(order: RewindOrder): Promise<RewindOutcome> {
    const answer = await this.client.execute("a3s.rewind", { sessionId: this.session, ...order });
    if ("points" in answer) {
      throw new Error("The A3S server listed points instead of going to one; update it.");
    }
    return answer;
  }

  async newSession(): Promise<void> {
    const workspace = vscode.workspace.workspaceFolders?.[0]?.uri.toString();
    const { sessionId } = await this.client.execute("a3s.session.new", { workspace });
    this.store.dispatch({ kind: "session", sessionId });
    await this.remember(sessionId);
  }

  sessions(): Promise<SessionRow[]> {
    return this.client.execute("a3s.session.list", {});
  }

  /** Shows a stored session; its events come again, and a run that had been cut goes on. */
  async resume(sessionId: string): Promise<void> {
    this.store.dispatch({ kind: "session", sessionId });
    const { runId } = await this.client.execute("a3s.session.resume", { sessionId });
    this.store.dispatch({ kind: "resumed", runId });
    await this.remember(sessionId);
  }

  async delete(sessionId: string): Promise<void> {
    await this.client.execute("a3s.session.delete", { sessionId });
    if (sessionId === this.session) {
      this.store.dispatch({ kind: "session", sessionId: undefined });
      await this.remember(undefined);
    }
  }

  /** After the server came (back): the session that was last shown, if it is still there. */
  async reopen(): Promise<void> {
    const sessionId = this.session ?? this.memory.get<string>(LAST_SESSION);
    if (sessionId === undefined) {
      return;
    }
    try {
      await this.resume(sessionId);
    } catch (error) {
      this.log.info(`The last session was not reopened: ${messageOf(error)}`);
      this.store.dispatch({ kind: "session", sessionId: undefined });
    }
  }

  private get session(): string | undefined {
    return this.store.model.session;
  }

  private async remember(sessionId: string | undefined): Promise<void> {
    await this.memory.update(LAST_SESSION, sessionId);
  }
}
