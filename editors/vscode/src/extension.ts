/** The extension put together: who hears whom. It holds no engine logic, shows events and passes answers on. */
import * as vscode from "vscode";
import type { ServerView } from "./chatModel";
import { ChatStore } from "./chatStore";
import { ChatView, VIEW } from "./chatView";
import { Client } from "./client";
import { registerCommands } from "./commands";
import { Confirmations } from "./confirm";
import { Conversation } from "./conversation";
import { DiffDocuments } from "./diffDocuments";
import { watchEditor } from "./editorContext";
import { createLog, messageOf } from "./log";
import { FreshDiagnostics } from "./freshDiagnostics";
import { awaitReload, saveDocuments } from "./openDocuments";
import type { FromPage } from "./pageMessages";
import { Review } from "./review";
import { askAbout, watchPlace } from "./reviewCommands";
import { ReviewDecorations } from "./reviewDecorations";
import { ServerTrouble } from "./serverTrouble";
import { StatusBar } from "./statusBar";

export class Extension {
  private readonly log = createLog();
  private readonly store = new ChatStore();
  private readonly diffs = new DiffDocuments();
  private readonly statusBar = new StatusBar();
  private readonly review = new Review();
  private readonly decorations = new ReviewDecorations(this.review);
  private readonly diagnostics = new FreshDiagnostics();
  private readonly client: Client;
  private readonly chat: ChatView;
  private readonly confirmations: Confirmations;
  private readonly conversation: Conversation;
  private readonly trouble: ServerTrouble;

  constructor(private readonly context: vscode.ExtensionContext) {
    this.chat = new ChatView(context.extensionUri, this.store);
    this.confirmations = new Confirmations(this.store, this.diffs, this.chat);
    this.client = new Client(
      {
        event: (event) => this.store.dispatch({ kind: "event", event }),
        confirm: (params, withdrawn) => this.confirmations.ask(params, withdrawn),
        hunks: (params) => this.review.hear(params),
        commands: () => this.serverCommands(),
        save: saveDocuments,
        reload: awaitReload,
        diagnostics: (params) => this.diagnostics.of(params),
        askAbout: (question) => this.guard(askAbout(this.parts, question)),
        commandSaid: (command, text) =>
          this.store.dispatch({ kind: "slash", line: command.replace(/^a3s\./, "/"), answer: text }),
      },
      this.log,
    );
    this.conversation = new Conversation(this.client, this.store, context.workspaceState, this.log);
    this.trouble = new ServerTrouble(() => this.client.restart(), this.log);
    context.subscriptions.push(this.log, this.store, this.diffs, this.statusBar, this.client, this.chat);
    context.subscriptions.push(this.review, this.decorations, this.diagnostics);
  }

  async start(): Promise<void> {
    const { store, chat, client, review } = this;
    this.context.subscriptions.push(
      store.onStep(() => this.statusBar.show(store.model, review)),
      review.onDidChange(() => this.statusBar.show(store.model, review)),
      watchPlace(review),
      chat.onMessage((message) => void this.guard(this.receive(message))),
      client.onDidChangeState((server) => this.serverChanged(server)),
      vscode.window.registerWebviewViewProvider(VIEW, chat, { webviewOptions: { retainContextWhenHidden: true } }),
      vscode.workspace.onDidChangeConfiguration((change) => {
        if (change.affectsConfiguration("a3s.serverPath")) {
          void client.restart();
        }
      }),
      watchEditor((chip) => store.dispatch({ kind: "chip", chip })),
      ...registerCommands({ ...this.parts, guard: (work) => this.guard(work) }),
    );
    await client.restart();
  }

  async stop(): Promise<void> {
    await this.client.stop();
  }

  private get parts() {
    const { client, store, chat, conversation, confirmations, trouble, log, review, diffs } = this;
    return { client, store, chat, conversation, confirmations, trouble, log, review, diffs };
  }

  private serverCommands(): void {
    this.store.dispatch({ kind: "server", server: this.client.state, commands: this.client.commands });
  }

  private serverChanged(server: ServerView): void {
    this.serverCommands();
    if (server.state === "ready") {
      void this.conversation.reopen();
    } else {
      this.confirmations.abandon();
      this.review.forget();
    }
    if (server.state === "missing" || server.state === "failed") {
      void this.trouble.tell(server);
    }
  }

  private async receive(message: FromPage): Promise<void> {
    switch (message.kind) {
      case "ready":
        return;
      case "send":
        return this.send(message.text, message.withContext);
      case "stop":
        return this.conversation.stop();
      case "answer":
        return this.confirmations.answer(this.client, message.toolId, message.reply);
      case "showDiff":
        return this.confirmations.showDiff(message.toolId);
      case "open":
        await vscode.window.showTextDocument(vscode.Uri.file(message.path), { preview: true });
        return;
      case "remedy":
        return this.trouble.apply(message.remedy);
    }
  }

  private async send(text: string, withContext: boolean): Promise<void> {
    const chip = withContext ? this.store.model.chip : undefined;
    try {
      await this.conversation.send(text, chip === undefined ? [] : [chip.context]);
    } catch (error) {
      this.chat.returnDraft(text);
      throw error;
    }
  }

  /** Waits for what a person asked for; a failure is told in the chat, or as a message while that is hidden. */
  private async guard(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      const text = messageOf(error);
      this.log.error(text);
      this.store.dispatch({ kind: "notice", level: "error", text });
      if (!this.chat.visible) {
        void vscode.window.showErrorMessage(`A3S: ${text}`);
      }
    }
  }
}
