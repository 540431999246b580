/**
 * What goes over the wire beyond standard LSP: every name and type of docs/protocol.md.
 */

/** A JSON object. */
export type Json = Record<string, unknown>;

/** The version of the protocol that this client speaks. */
export const PROTOCOL = 1;

/** Notification from the server: one thing that happened in a session. */
export const EVENT = "a3s/event";

/** Request from the server: may this call go ahead? */
export const CONFIRM = "a3s/confirm";

/** `initializationOptions.a3s`, and the settings section `a3s`. */
export interface Options {
  config?: string;
  model?: string;
  posture?: string;
  client: { events: boolean; confirm: boolean };
}

/** A slash command, as the server announces it. */
export interface SlashCommand {
  name: string;
  description: string;
  usage: string;
}

/** `capabilities.experimental.a3s` in the answer to `initialize`. */
export interface ServerCapabilities {
  protocol: number;
  commands: SlashCommand[];
}

export interface Position {
  line: number;
  character: number;
}

/** A document, or a part of one, that goes with a prompt. */
export interface PromptContext {
  uri: string;
  range?: { start: Position; end: Position };
}

/** A row of the session list. */
export interface SessionRow {
  sessionId: string;
  title: string;
  workspace: string;
  /** Milliseconds since the epoch. */
  updatedAt: number;
  status: string;
  messages: number;
}

/** The server's commands: what they take, what they answer. */
export interface Commands {
  "a3s.prompt": {
    argument: { text: string; sessionId?: string; context?: PromptContext[] };
    /** A prompt that is a slash command starts no run and is answered at once. */
    answer: { sessionId: string; runId: string | null; text?: string };
  };
  "a3s.cancel": { argument: { sessionId?: string; runId?: string }; answer: { cancelled: boolean } };
  "a3s.steer": { argument: { text: string; sessionId?: string }; answer: { queued: boolean } };
  "a3s.session.new": { argument: { workspace?: string }; answer: { sessionId: string } };
  "a3s.session.list": { argument: Record<string, never>; answer: SessionRow[] };
  "a3s.session.resume": {
    argument: { sessionId: string };
    answer: { sessionId: string; status: string; runId?: string | null };
  };
  "a3s.session.delete": { argument: { sessionId: string }; answer: { deleted: boolean } };
  "a3s.approve": { argument: Verdict; answer: { resolved: boolean } };
  "a3s.deny": { argument: Verdict; answer: { resolved: boolean } };
}

/** An answer to a question, given as a command. */
export interface Verdict {
  toolId: string;
  note?: string;
  remember?: boolean;
}

/** Every slash command `/x` is the command `a3s.x`; this is its argument and its answer. */
export interface SlashCall {
  argument: { args: string; sessionId?: string };
  answer: { text: string };
}

/** The parameters of `a3s/confirm`. */
export interface ConfirmParams {
  sessionId: string;
  runId: string;
  toolId: string;
  toolName: string;
  title: string;
  detail: string;
  args: Json;
  diff?: string | null;
  rule?: string | null;
  child?: string | null;
}

export type Choice = "allow_once" | "allow_always" | "reject_once" | "reject_always";

/** The answer to `a3s/confirm`. */
export interface ConfirmAnswer {
  choice: Choice;
  rule?: string;
  note?: string;
}

/** Tokens of one or more model calls; `cost` is in US dollars, null where a price is not known. */
export interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  cache_read_tokens: number;
  cache_write_tokens: number;
  cost: number | null;
}

/** A file that a call changed. */
export interface FileChange {
  path: string;
  change: "created" | "modified" | "deleted";
}

interface Spent {
  total_tokens: number;
  usage: Usage;
}

interface ToolRef {
  tool_id: string;
  tool_name: string;
}

/** What an event says, by its type. */
export type EventBody =
  /** Another run is going; this one waits its turn, and says `start` when that has come. */
  | { type: "queued"; prompt: string }
  | { type: "start"; prompt: string }
  | { type: "run_resumed" }
  | { type: "steered"; text: string }
  /** The same number twice: the turn was cut and is asked for again, so its text is void. */
  | { type: "turn_start"; turn: number }
  | { type: "text_delta"; text: string }
  | { type: "reasoning_delta"; text: string }
  | ({ type: "tool_start" } & ToolRef)
  | { type: "tool_input_delta"; tool_id: string; text: string }
  | ({ type: "turn_end"; turn: number } & Spent)
  | ({ type: "permission_denied"; args: Json; reason: string } & ToolRef)
  | ({
      type: "confirmation_required";
      args: Json;
      timeout_ms: number | null;
      title: string;
      detail: string;
      diff: string;
      rule: string;
    } & ToolRef)
  | ({ type: "confirmation_received"; approved: boolean; reason: string | null } & ToolRef)
  | ({ type: "confirmation_timeout"; action_taken: "rejected" | "auto_approved" } & ToolRef)
  | ({ type: "tool_output_delta"; text: string } & ToolRef)
  | { type: "files_changed"; tool_id: string; label: string; files: FileChange[]; undoes: string | null }
  | ({
      type: "tool_end";
      tool_output: string;
      exit_code: number;
      metadata: Json | null;
      error_kind: Json | null;
    } & ToolRef)
  | ({ type: "end"; text: string } & Spent)
  | ({ type: "error"; error: string } & Spent)
  | ({ type: "cancelled"; text: string; error: string | null } & Spent);

/** The parameters of `a3s/event`. `seq` has no gaps within a run. */
export type A3sEvent = EventBody & {
  sessionId: string;
  runId: string;
  seq: number;
  time: number;
  replay?: boolean;
};
