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

/**
 * Applies all edits, or none where a document has another version by now. The document in which the person may be typing
 * comes first: if it is refused, nothing else was touched.
 */
export async function applyEach(parts: TextDocumentEdit[], convert: Convert): Promise<ApplyWorkspaceEditResult> {
  const steps = await Promise.all(
    parts.map(async (part, at) => ({ part, at, edit: await convert({ documentChanges: [part] }) })),
  );
  const outdated = steps.find(({ part }) => isOutdated(part));
  if (outdated !== undefined) {
    return refusal(outdated);
  }
  const done: (() => Promise<void>)[] = [];
  for (const step of steps.sort((one, other) => Number(isActive(other.part)) - Number(isActive(one.part)))) {
    const takeBack = inverseOf(step.edit);
    // Looked at right before, since the editor only checks that nothing was typed since this very moment.
    if (isOutdated(step.part) || !(await vscode.workspace.applyEdit(step.edit))) {
      await Promise.all(done.map((undo) => undo()));
      return refusal(step);
    }
    done.push(takeBack);
  }
  return { applied: true };
}

function refusal({ part, at }: { part: TextDocumentEdit; at: number }): ApplyWorkspaceEditResult {
  const name = path.basename(vscode.Uri.parse(part.textDocument.uri).path);
  const failureReason = isOutdated(part)
    ? `${name} has a newer version than the edit was made for.`
    : `The editor could not edit ${name}.`;
  return { applied: false, failureReason, failedChange: at };
}

function isOutdated({ textDocument: { uri, version } }: TextDocumentEdit): boolean {
  const document = openDocument(uri);
  return version !== null && document !== undefined && document.version !== version;
}

function isActive({ textDocument: { uri } }: TextDocumentEdit): boolean {
  const document = openDocument(uri);
  return document !== undefined && document === vscode.window.activeTextEditor?.document;
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
