/** The hunks under review, by document: as the server told them, moved along with what is typed. */
import * as vscode from "vscode";
import { moved } from "./hunks";
import type { Hunk, HunksParams } from "./protocol";

export class Review implements vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChange = this.changed.event;
  private readonly documents = new Map<string, Hunk[]>();
  private readonly typing = vscode.workspace.onDidChangeTextDocument((event) => this.follow(event));

  hear({ sessionId, uri, hunks }: HunksParams): void {
    const key = vscode.Uri.parse(uri).toString();
    const others = this.at(key).filter((hunk) => hunk.sessionId !== sessionId);
    const all = [...others, ...hunks];
    if (all.length > 0) {
      this.documents.set(
        key,
        all.sort((one, other) => one.range.start.line - other.range.start.line),
      );
    } else {
      this.documents.delete(key);
    }
    this.changed.fire();
  }

  /** Without its server nothing can be kept or undone. */
  forget(): void {
    this.documents.clear();
    this.changed.fire();
  }

  /** The hunks of a document, in the order of its text. */
  of(uri: vscode.Uri): readonly Hunk[] {
    return this.at(uri.toString());
  }

  /** The documents that have hunks. */
  get uris(): vscode.Uri[] {
    return [...this.documents.keys()].map((key) => vscode.Uri.parse(key));
  }

  get count(): number {
    return [...this.documents.values()].reduce((sum, hunks) => sum + hunks.length, 0);
  }

  dispose(): void {
    this.typing.dispose();
    this.changed.dispose();
  }

  private at(key: string): Hunk[] {
    return this.documents.get(key) ?? [];
  }

  private follow({ document, contentChanges }: vscode.TextDocumentChangeEvent): void {
    const key = document.uri.toString();
    const hunks = this.documents.get(key);
    if (hunks !== undefined) {
      this.documents.set(
        key,
        hunks.map((hunk) => contentChanges.reduce<Hunk>(moved, hunk)),
      );
    }
  }
}
