/** What the extension and the chat's page tell each other. */
import type { Action, ChatModel } from "./chatModel";
import type { ConfirmAnswer } from "./protocol";

/** What can be done about a server that is not there or will not stay. */
export type Remedy = "install" | "choose" | "restart" | "log";

/** A person's answer to a question. */
export type Reply = Omit<ConfirmAnswer, "rule">;

export type ToPage =
  /** Everything, for a page that has just been made. */
  | { kind: "model"; model: ChatModel; workspace: string }
  | { kind: "actions"; actions: Action[] }
  | { kind: "focus" }
  /** A prompt that could not be sent goes back to where it was typed. */
  | { kind: "draft"; text: string };

export type FromPage =
  | { kind: "ready" }
  | { kind: "send"; text: string; withContext: boolean }
  | { kind: "stop" }
  | { kind: "answer"; toolId: string; reply: Reply }
  | { kind: "showDiff"; toolId: string }
  | { kind: "open"; path: string }
  | { kind: "remedy"; remedy: Remedy };
