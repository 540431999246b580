/**
 * Edits of the server. Each document is edited on its own, so that undo takes back that document's part and nothing
 * else: of an edit over several documents the editor makes one step, which undo in any of them takes back in all.
 */
import * as path from "node:path";
import * as vscode from "vscode";
import { type ApplyWorkspaceEditResult, TextDocumentEdit, type WorkspaceEdit } from "vscode-languageclient/node";
import { openDocument } from "./openDocuments";

/** Makes the editor's edit of the server's. */
type Convert = (edit: WorkspaceEdit) => Promise<vscode.WorkspaceEdit>;

/** The edits of documents, if there is nothing else in an edit: moving a file is one step with what is edited in it. */
export function documentEdits({ documentChanges }: WorkspaceEdit): TextDocumentEdit[] | undefined {
  return documentChanges?.every((change) => TextDocumentEdit.is(change)) ? documentChanges : undefined;
}

/** Applies all edits, or none where a document has another version by now. */
export async function applyEach(parts: TextDocumentEdit[], convert: Convert): Promise<ApplyWorkspaceEditResult> {
  const edits = await Promise.all(parts.map((part) => convert({ documentChanges: [part] })));
  // From here to the last call nothing is waited for: the versions must be those that were looked at.
  const outdated = parts.findIndex(isOutdated);
  if (outdated >= 0) {
    return refusal(parts, outdated);
  }
  const inverses = edits.map(inverseOf);
  const applied = await Promise.all(edits.map((edit) => vscode.workspace.applyEdit(edit)));
  const failed = applied.indexOf(false);
  if (failed < 0) {
    return { applied: true };
  }
  await Promise.all(inverses.filter((_, at) => applied[at]).map((takeBack) => takeBack()));
  return refusal(parts, failed);
}

function refusal(parts: TextDocumentEdit[], failedChange: number): ApplyWorkspaceEditResult {
  const failed = parts[failedChange];
  const failureReason =
    failed === undefined || isOutdated(failed)
      ? "The document changed since the edit was made."
      : `The editor could not edit ${path.basename(vscode.Uri.parse(failed.textDocument.uri).path)}.`;
  return { applied: false, failureReason, failedChange };
}

function isOutdated({ textDocument: { uri, version } }: TextDocumentEdit): boolean {
  const document = openDocument(uri);
  return version !== null && document !== undefined && document.version !== version;
}

/** What takes an edit of one document back, unless somebody has typed into it since. */
function inverseOf(edit: vscode.WorkspaceEdit): () => Promise<void> {
  const [[uri, edits] = []] = edit.entries();
  const document = uri && openDocument(uri.toString());
  if (document === undefined || edits === undefined) {
    return () => Promise.resolve();
  }
  const { version } = document;
  // The editor gives all lines the ends that the document has.
  const lineEnd = document.eol === vscode.EndOfLine.CRLF ? "\r\n" : "\n";
  const pieces = edits
    .map(({ range, newText }) => ({
      start: document.offsetAt(range.start),
      old: document.getText(range),
      length: newText.replace(/\r\n|\r|\n/g, lineEnd).length,
    }))
    .sort((one, other) => one.start - other.start);
  return async () => {
    if (document.version !== version + 1) {
      return;
    }
    const back = new vscode.WorkspaceEdit();
    let growth = 0;
    for (const { start, old, length } of pieces) {
      const from = document.positionAt(start + growth);
      back.replace(document.uri, new vscode.Range(from, document.positionAt(start + growth + length)), old);
      growth += length - old.length;
    }
    await vscode.workspace.applyEdit(back);
  };
}
