/** What a person can do with hunks under review: keep, undo and ask, look at them, and go from one to the next. */
import * as vscode from "vscode";
import type { ChatView } from "./chatView";
import type { Client } from "./client";
import type { Conversation } from "./conversation";
import type { DiffDocuments } from "./diffDocuments";
import { hunkAt, linesOf, neighbour } from "./hunks";
import type { Hunk, HunkQuestion } from "./protocol";
import type { Review } from "./review";

export interface ReviewParts {
  client: Client;
  review: Review;
  conversation: Conversation;
  chat: ChatView;
  diffs: DiffDocuments;
}

type Settling = "a3s.hunk.keep" | "a3s.hunk.undo";

export function reviewCommands(parts: ReviewParts): Record<string, () => Promise<void>> {
  const { review, diffs } = parts;
  return {
    keepChange: () => settle(parts, "a3s.hunk.keep"),
    undoChange: () => settle(parts, "a3s.hunk.undo"),
    keepFile: () => settleFile(parts, "a3s.hunk.keep"),
    undoFile: () => settleFile(parts, "a3s.hunk.undo"),
    askChange: () => withHunk(review, (hunk) => askAbout(parts, hunk)),
    showChange: () => withHunk(review, (hunk, { document }) => diffs.compare(document, hunk)),
    nextChange: () => go(review, 1),
    previousChange: () => go(review, -1),
  };
}

/** Asks the person what they want to know of a hunk, and the agent to answer it. */
export async function askAbout(
  { conversation, chat }: Pick<ReviewParts, "conversation" | "chat">,
  { sessionId, uri, hunkId }: HunkQuestion,
): Promise<void> {
  const text = await vscode.window.showInputBox({
    title: "Ask about this change",
    placeHolder: "Why was this changed?",
    prompt: "Enter alone asks why it was made.",
  });
  if (text !== undefined) {
    await conversation.askAbout({ sessionId, uri, hunkId, text: text.trim() || undefined });
    await chat.focus();
  }
}

/** Keeps the context keys of the editor's menu true: whether the document has hunks, and whether the cursor is at one. */
export function watchPlace(review: Review): vscode.Disposable {
  const look = () => {
    const editor = vscode.window.activeTextEditor;
    const hunks = editor === undefined ? [] : review.of(editor.document.uri);
    const here = editor !== undefined && hunkIn(hunks, editor) !== undefined;
    void vscode.commands.executeCommand("setContext", "a3s.changesInFile", hunks.length > 0);
    void vscode.commands.executeCommand("setContext", "a3s.atChange", here);
  };
  look();
  return vscode.Disposable.from(
    review.onDidChange(look),
    vscode.window.onDidChangeActiveTextEditor(look),
    vscode.window.onDidChangeTextEditorSelection(look),
  );
}

/** One hunk, or with a selection the part of every hunk that is in it. */
async function settle({ client, review }: ReviewParts, command: Settling): Promise<void> {
  await withHunk(review, async ({ sessionId, uri, hunkId }, { selection }) => {
    const { start, end } = selection;
    const chosen = selection.isEmpty ? { hunkId } : { range: { start: at(start), end: at(end) } };
    await client.execute(command, { sessionId, uri, ...chosen });
  });
}

async function settleFile({ client, review }: ReviewParts, command: Settling): Promise<void> {
  const uri = vscode.window.activeTextEditor?.document.uri;
  const hunks = uri === undefined ? [] : review.of(uri);
  if (hunks.length === 0) {
    void vscode.window.showInformationMessage("No change of the agent is under review in this file.");
  }
  for (const sessionId of new Set(hunks.map((hunk) => hunk.sessionId))) {
    await client.execute(command, { sessionId, uri: hunks[0]?.uri });
  }
}

async function go(review: Review, step: 1 | -1): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  const here = editor === undefined ? [] : review.of(editor.document.uri);
  const target =
    editor !== undefined && here.length > 0
      ? neighbour(here, editor.selection.active.line, step)
      : review.uris.flatMap((uri) => review.of(uri)).at(0);
  if (target === undefined) {
    void vscode.window.showInformationMessage("No change of the agent is under review.");
    return;
  }
  const { first } = linesOf(target);
  const place = new vscode.Range(first, 0, first, 0);
  await vscode.window.showTextDocument(vscode.Uri.parse(target.uri), { selection: place });
}

async function withHunk(review: Review, act: (hunk: Hunk, editor: vscode.TextEditor) => Promise<void>): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  const hunk = editor && hunkIn(review.of(editor.document.uri), editor);
  if (editor === undefined || hunk === undefined) {
    void vscode.window.showInformationMessage("The cursor is not at a change of the agent that is under review.");
    return;
  }
  await act(hunk, editor);
}

function hunkIn(hunks: readonly Hunk[], { selection }: vscode.TextEditor): Hunk | undefined {
  return hunkAt(hunks, selection.start.line, selection.end.line);
}

function at({ line, character }: vscode.Position): { line: number; character: number } {
  return { line, character };
}
