/** Marks at the lines of hunks under review, in the theme's own colours for changes. */
import * as vscode from "vscode";
import { linesOf } from "./hunks";
import type { Hunk } from "./protocol";
import type { Review } from "./review";

type Look = "added" | "modified" | "deleted";

const BORDERS: Record<Look, string> = { added: "0 0 0 2px", modified: "0 0 0 2px", deleted: "2px 0 0 0" };

export class ReviewDecorations implements vscode.Disposable {
  private readonly types: Record<Look, vscode.TextEditorDecorationType> = {
    added: decoration("added"),
    modified: decoration("modified"),
    deleted: decoration("deleted"),
  };
  private readonly subscriptions: vscode.Disposable[];

  constructor(private readonly review: Review) {
    this.subscriptions = [
      review.onDidChange(() => this.draw()),
      vscode.window.onDidChangeVisibleTextEditors(() => this.draw()),
    ];
  }

  dispose(): void {
    vscode.Disposable.from(...this.subscriptions, ...Object.values(this.types)).dispose();
  }

  private draw(): void {
    for (const editor of vscode.window.visibleTextEditors) {
      const hunks = this.review.of(editor.document.uri);
      for (const look of Object.keys(this.types) as Look[]) {
        const marked = hunks.filter((hunk) => lookOf(hunk) === look);
        editor.setDecorations(this.types[look], marked.map(rangeOf));
      }
    }
  }
}

function lookOf({ before, after }: Hunk): Look {
  if (after === "") {
    return "deleted";
  }
  return before === "" ? "added" : "modified";
}

function rangeOf(hunk: Hunk): vscode.Range {
  const { first, last } = linesOf(hunk);
  return new vscode.Range(first, 0, last, 0);
}

function decoration(look: Look): vscode.TextEditorDecorationType {
  return vscode.window.createTextEditorDecorationType({
    isWholeLine: true,
    backgroundColor: look === "deleted" ? undefined : new vscode.ThemeColor("diffEditor.insertedLineBackground"),
    borderColor: new vscode.ThemeColor(`editorGutter.${look}Background`),
    borderStyle: "solid",
    borderWidth: BORDERS[look],
    overviewRulerColor: new vscode.ThemeColor(`editorOverviewRuler.${look}Foreground`),
    overviewRulerLane: vscode.OverviewRulerLane.Left,
    rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
  });
}
