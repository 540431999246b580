/** The list of sessions: pick one to resume it, press its bin to delete it. */
import * as vscode from "vscode";
import type { ChatView } from "./chatView";
import type { Conversation } from "./conversation";
import type { SessionRow } from "./protocol";

interface SessionItem extends vscode.QuickPickItem {
  session: SessionRow;
}

const DELETE: vscode.QuickInputButton = { iconPath: new vscode.ThemeIcon("trash"), tooltip: "Delete this session" };

export async function pickSession(conversation: Conversation, chat: ChatView): Promise<void> {
  const picked = await choose(conversation);
  if (picked !== undefined) {
    await conversation.resume(picked.sessionId);
    await chat.focus();
  }
}

async function choose(conversation: Conversation): Promise<SessionRow | undefined> {
  const items = (await conversation.sessions()).map(itemOf);
  const picker = vscode.window.createQuickPick<SessionItem>();
  picker.title = "Sessions";
  picker.placeholder = items.length > 0 ? "Pick a session to resume" : "There are no sessions yet";
  picker.matchOnDescription = true;
  picker.items = items;
  picker.onDidTriggerItemButton(({ item }) => void remove(conversation, picker, item));
  try {
    return await new Promise((resolve) => {
      picker.onDidAccept(() => resolve(picker.selectedItems[0]?.session));
      picker.onDidHide(() => resolve(undefined));
      picker.show();
    });
  } finally {
    picker.dispose();
  }
}

async function remove(
  conversation: Conversation,
  picker: vscode.QuickPick<SessionItem>,
  { session }: SessionItem,
): Promise<void> {
  try {
    await conversation.delete(session.sessionId);
    picker.items = picker.items.filter((item) => item.session !== session);
  } catch (error) {
    picker.title = error instanceof Error ? error.message : String(error);
  }
}

function itemOf(session: SessionRow): SessionItem {
  const when = new Date(session.updatedAt).toLocaleString();
  return {
    label: session.title || "Untitled",
    description: `${session.status} · ${session.messages} messages`,
    detail: when,
    buttons: [DELETE],
    session,
  };
}
