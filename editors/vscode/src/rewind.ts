/** Going back to an earlier point of the session: pick one, see what it changes, be sure, and change your mind. */
import * as path from "node:path";
import * as vscode from "vscode";
import type { Conversation } from "./conversation";
import type { FileChange, RewindOrder, RewindOutcome, RewindPoint } from "./protocol";

const ICONS: Record<RewindPoint["kind"], string> = { run: "comment", tool: "tools", rewind: "discard" };
const REDO = "Redo";

type Scope = Pick<RewindOrder, "files" | "conversation">;

interface ScopeItem extends vscode.QuickPickItem {
  scope?: Scope;
}

export async function rewind(conversation: Conversation): Promise<void> {
  const point = await pickPoint(await conversation.rewindPoints());
  if (point === undefined) {
    return;
  }
  const preview = await conversation.rewind({ to: point.id, preview: true });
  const scope = await pickScope(point, preview);
  if (scope !== undefined && (await isSure(point, preview, scope))) {
    const done = await conversation.rewind({ to: point.id, ...scope });
    void offerRedo(conversation, point, done, scope);
  }
}

async function pickPoint(points: RewindPoint[]): Promise<RewindPoint | undefined> {
  const items = points.map((point) => ({
    label: `$(${ICONS[point.kind]}) ${point.label}`,
    description: new Date(point.time).toLocaleString(),
    point,
  }));
  const placeHolder = items.length > 0 ? "Go back to just before…" : "There is nothing to go back to yet";
  const picked = await vscode.window.showQuickPick(items, { title: "Rewind", placeHolder, matchOnDescription: true });
  return picked?.point;
}

/** What is to go back; below the choices stand the files that would change. */
async function pickScope({ label }: RewindPoint, preview: RewindOutcome): Promise<Scope | undefined> {
  const kept = `${preview.messages} ${preview.messages === 1 ? "message stays" : "messages stay"}`;
  const files = count(preview.files.length, "file");
  const items: ScopeItem[] = [
    { label: "Files and conversation", description: `${files}, ${kept}`, scope: { files: true, conversation: true } },
    { label: "Files only", description: files, scope: { files: true, conversation: false } },
    { label: "Conversation only", description: kept, scope: { files: false, conversation: true } },
    { label: "Files that change", kind: vscode.QuickPickItemKind.Separator },
    ...preview.files.map((file) => ({ label: nameOf(file), description: file.change })),
  ];
  const title = `Rewind to before “${label}”`;
  const picked = await vscode.window.showQuickPick(items, { title, placeHolder: "What is to go back?" });
  // To pick a file is to have had enough of looking.
  return picked?.scope;
}

async function isSure({ label }: RewindPoint, { files, leftOut }: RewindOutcome, scope: Scope): Promise<boolean> {
  const parts = [scope.files ? count(files.length, "file") : "", scope.conversation ? "the conversation" : ""];
  const what = parts.filter(Boolean).join(" and ");
  const detail = [...(scope.files ? leftOut : []), "You can go forth again afterwards."].join("\n");
  const message = `Take ${what} back to before “${label}”?`;
  return (await vscode.window.showWarningMessage(message, { modal: true, detail }, "Rewind")) === "Rewind";
}

async function offerRedo(
  conversation: Conversation,
  { label }: RewindPoint,
  { rewindId, files }: RewindOutcome,
  scope: Scope,
): Promise<void> {
  const restored = scope.files ? `${count(files.length, "file")} changed` : "no file changed";
  const message = `Back to before “${label}”: ${restored}.`;
  const pressed = await vscode.window.showInformationMessage(message, ...(rewindId ? [REDO] : []));
  if (pressed === REDO && rewindId) {
    await conversation.rewind({ to: rewindId, ...scope });
  }
}

function nameOf(file: FileChange): string {
  const relative = vscode.workspace.asRelativePath(file.path);
  return path.isAbsolute(relative) ? file.path : relative;
}

function count(number: number, noun: string): string {
  return number === 1 ? `1 ${noun}` : `${number} ${noun}s`;
}
