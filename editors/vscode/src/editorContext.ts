/** What of the editor the next prompt can take along: the file on the screen, or the selection in it. */
import * as path from "node:path";
import * as vscode from "vscode";
import type { ContextChip } from "./chatModel";

const SCHEMES = new Set(["file", "untitled"]);

/** Tells of every change of the active editor and of its selection. */
export function watchEditor(tell: (chip: ContextChip | undefined) => void): vscode.Disposable {
  let last = "";
  const look = () => {
    const chip = chipOf(vscode.window.activeTextEditor);
    const now = JSON.stringify(chip) ?? "";
    if (now !== last) {
      last = now;
      tell(chip);
    }
  };
  look();
  return vscode.Disposable.from(
    vscode.window.onDidChangeActiveTextEditor(look),
    vscode.window.onDidChangeTextEditorSelection(look),
  );
}

function chipOf(editor: vscode.TextEditor | undefined): ContextChip | undefined {
  if (editor === undefined || !SCHEMES.has(editor.document.uri.scheme)) {
    return undefined;
  }
  const { document, selection } = editor;
  const name = path.basename(document.uri.path);
  const uri = document.uri.toString();
  if (selection.isEmpty) {
    return { label: name, context: { uri } };
  }
  const lines =
    selection.start.line === selection.end.line
      ? `${selection.start.line + 1}`
      : `${selection.start.line + 1}-${selection.end.line + 1}`;
  return { label: `${name}:${lines}`, context: { uri, range: { start: at(selection.start), end: at(selection.end) } } };
}

function at({ line, character }: vscode.Position): { line: number; character: number } {
  return { line, character };
}
