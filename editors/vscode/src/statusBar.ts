/** The item in the status bar, and the context keys that commands and keys depend on. */
import * as vscode from "vscode";
import type { ChatModel } from "./chatModel";
import type { Review } from "./review";

interface Face {
  text: string;
  tooltip: string;
  command: string;
  background?: string;
}

export class StatusBar implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem("a3s.status", vscode.StatusBarAlignment.Right, 100);
  private readonly keys = new Map<string, boolean>();

  constructor() {
    this.item.name = "A3S";
    this.item.show();
  }

  show(model: ChatModel, review: Review): void {
    const face = faceOf(model);
    const { count } = review;
    this.item.text = count > 0 ? `${face.text} $(diff) ${count}` : face.text;
    this.item.tooltip = count > 0 ? `${face.tooltip} ${described(count, review.uris.length)}` : face.tooltip;
    this.item.command = face.command;
    this.item.backgroundColor = face.background ? new vscode.ThemeColor(face.background) : undefined;
    this.setKey("a3s.running", model.run !== undefined);
    this.setKey("a3s.asking", model.questions.length > 0);
    this.setKey("a3s.reviewing", count > 0);
  }

  dispose(): void {
    this.item.dispose();
  }

  private setKey(key: string, value: boolean): void {
    if (this.keys.get(key) !== value) {
      this.keys.set(key, value);
      void vscode.commands.executeCommand("setContext", key, value);
    }
  }
}

function described(hunks: number, documents: number): string {
  const where = documents === 1 ? "one file" : `${documents} files`;
  return hunks === 1 ? "One change is under review." : `${hunks} changes in ${where} are under review.`;
}

function faceOf({ server, questions, run }: ChatModel): Face {
  const chat = "a3s.chat.focus";
  switch (server.state) {
    case "starting":
      return { text: "$(loading~spin) A3S", tooltip: server.message ?? "The A3S server is starting.", command: chat };
    case "missing":
      return {
        text: "$(warning) A3S",
        tooltip: "The A3S server is not installed. Click for what to do.",
        command: "a3s.ui.mend",
        background: "statusBarItem.warningBackground",
      };
    case "failed":
      return {
        text: "$(error) A3S",
        tooltip: server.message ?? "The A3S server has stopped.",
        command: "a3s.ui.mend",
        background: "statusBarItem.errorBackground",
      };
    case "stopped":
      return { text: "$(circle-slash) A3S", tooltip: "The A3S server is stopped.", command: "a3s.ui.restart" };
    case "ready":
      break;
  }
  if (questions.length > 0) {
    return {
      text: "$(question) A3S asks",
      tooltip: `${questions[0]?.title ?? "A question"}: click to answer.`,
      command: chat,
      background: "statusBarItem.warningBackground",
    };
  }
  return run === undefined
    ? { text: "$(comment-discussion) A3S", tooltip: "A3S is ready.", command: chat }
    : { text: "$(sync~spin) A3S", tooltip: "A3S is working.", command: chat };
}
