/** The one chat model of the extension, and who hears of its changes. */
import * as vscode from "vscode";
import { type Action, type ChatModel, EMPTY, reduce } from "./chatModel";

export interface Step {
  action: Action;
  model: ChatModel;
}

export class ChatStore implements vscode.Disposable {
  private readonly stepped = new vscode.EventEmitter<Step>();
  readonly onStep = this.stepped.event;
  private current = EMPTY;

  get model(): ChatModel {
    return this.current;
  }

  dispatch(action: Action): void {
    this.current = reduce(this.current, action);
    this.stepped.fire({ action, model: this.current });
  }

  dispose(): void {
    this.stepped.dispose();
  }
}
