/** What is shown only when asked for: unified diffs, and the text as it was before a hunk, as read-only documents. */
import * as path from "node:path";
import * as vscode from "vscode";
import type { Hunk } from "./protocol";

const SCHEME = "a3s-diff";

export class DiffDocuments implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly texts = new Map<string, string>();
  private readonly registrations = [
    vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
    vscode.workspace.onDidCloseTextDocument(({ uri }) => this.texts.delete(uri.toString())),
  ];

  /** Opens a diff beside what the person is doing, without taking the focus. */
  async show(toolId: string, title: string, diff: string): Promise<void> {
    const uri = vscode.Uri.from({ scheme: SCHEME, path: `/${title.replaceAll("/", "∕")}.diff`, query: toolId });
    this.texts.set(uri.toString(), diff);
    const document = await vscode.workspace.openTextDocument(uri);
    await vscode.languages.setTextDocumentLanguage(document, "diff");
    await vscode.window.showTextDocument(document, { preview: true, preserveFocus: true });
  }

  /** Shows a document beside itself without one of its hunks. */
  async compare(document: vscode.TextDocument, { hunkId, range: { start, end }, before }: Hunk): Promise<void> {
    const text = document.getText();
    const range = new vscode.Range(start.line, start.character, end.line, end.character);
    const [from, to] = [document.offsetAt(range.start), document.offsetAt(range.end)];
    const query = `${hunkId} ${document.version}`;
    const left = vscode.Uri.from({ scheme: SCHEME, path: document.uri.path, query });
    this.texts.set(left.toString(), text.slice(0, from) + before + text.slice(to));
    const title = `${path.basename(document.uri.path)}: before the change ↔ now`;
    const selection = new vscode.Range(range.start, range.start);
    await vscode.commands.executeCommand("vscode.diff", left, document.uri, title, { preview: true, selection });
  }

  provideTextDocumentContent(uri: vscode.Uri): string | undefined {
    return this.texts.get(uri.toString());
  }

  dispose(): void {
    vscode.Disposable.from(...this.registrations).dispose();
  }
}
