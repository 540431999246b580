/** The chat in the side bar: a page that is sent every action, and the messages that come back from it. */
import { randomBytes } from "node:crypto";
import * as vscode from "vscode";
import type { Action } from "./chatModel";
import type { ChatStore } from "./chatStore";
import type { FromPage, ToPage } from "./pageMessages";

export const VIEW = "a3s.chat";

/** Actions are sent in batches, so that a fast stream is not one message per word. */
const BATCH_MS = 16;

export class ChatView implements vscode.WebviewViewProvider, vscode.Disposable {
  private readonly heard = new vscode.EventEmitter<FromPage>();
  readonly onMessage = this.heard.event;
  private readonly subscription: vscode.Disposable;
  private view: vscode.WebviewView | undefined;
  private batch: Action[] = [];
  private timer: NodeJS.Timeout | undefined;
  /** Whether the page has its model, and with it a use for actions. */
  private ready = false;
  private focusWanted = false;

  constructor(
    private readonly extensionUri: vscode.Uri,
    private readonly store: ChatStore,
  ) {
    this.subscription = store.onStep(({ action }) => this.queue(action));
  }

  get visible(): boolean {
    return this.view?.visible ?? false;
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    this.view = view;
    this.ready = false;
    view.webview.options = { enableScripts: true, localResourceRoots: [this.resource("media"), this.resource("out")] };
    view.webview.onDidReceiveMessage((message: FromPage) => this.receive(message));
    view.onDidDispose(() => {
      this.view = undefined;
      this.ready = false;
    });
    view.webview.html = this.html(view.webview);
  }

  /** Shows the chat and puts the cursor into its input. */
  async focus(): Promise<void> {
    this.focusWanted = true;
    await vscode.commands.executeCommand(`${VIEW}.focus`);
    this.giveFocus();
  }

  /** Gives back a prompt that could not be sent. */
  returnDraft(text: string): void {
    this.post({ kind: "draft", text });
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.subscription.dispose();
    this.heard.dispose();
  }

  private receive(message: FromPage): void {
    if (message.kind === "ready") {
      this.welcomePage();
    } else {
      this.heard.fire(message);
    }
  }

  private welcomePage(): void {
    this.ready = true;
    this.batch = [];
    const workspace = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? "";
    this.post({ kind: "model", model: this.store.model, workspace });
    this.giveFocus();
  }

  private giveFocus(): void {
    if (this.focusWanted && this.ready) {
      this.focusWanted = false;
      this.post({ kind: "focus" });
    }
  }

  private queue(action: Action): void {
    if (this.ready) {
      this.batch.push(action);
      this.timer ??= setTimeout(() => this.flush(), BATCH_MS);
    }
  }

  private flush(): void {
    this.timer = undefined;
    if (this.batch.length > 0) {
      this.post({ kind: "actions", actions: this.batch });
      this.batch = [];
    }
  }

  private post(message: ToPage): void {
    void this.view?.webview.postMessage(message);
  }

  private resource(...parts: string[]): vscode.Uri {
    return vscode.Uri.joinPath(this.extensionUri, ...parts);
  }

  /** Nothing is loaded but our own script and style; no picture, no frame, no connection. */
  private html(webview: vscode.Webview): string {
    const nonce = randomBytes(16).toString("hex");
    const script = webview.asWebviewUri(this.resource("out", "chat.js")).toString();
    const style = webview.asWebviewUri(this.resource("media", "chat.css")).toString();
    const policy = `default-src 'none'; style-src ${webview.cspSource}; script-src 'nonce-${nonce}'`;
    return `<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta http-equiv="Content-Security-Policy" content="${policy}">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <link rel="stylesheet" href="${style}">
    <title>A3S</title>
  </head>
  <body>
    <script nonce="${nonce}" src="${script}"></script>
  </body>
</html>`;
  }
}
