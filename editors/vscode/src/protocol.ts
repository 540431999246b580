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

/** Notification from the server: the hunks of a document that are under review now. */
export const HUNKS = "a3s/hunks";

/** Request from the server: write these buffers to the disk. */
export const SAVE = "a3s/save";

/** Request from the server: the disk has newer text than these buffers. */
export const RELOAD = "a3s/reload";

/** Request from the server: what is wrong with exactly this version of a document? */
export const DIAGNOSTICS = "a3s/diagnostics";
export const COMMANDS = "a3s/commands";

/** The `a3s/…` messages that a client understands. */
export type ClientFlags = Record<
  "events" | "confirm" | "hunks" | "save" | "reload" | "diagnostics" | "commands",
  boolean
>;

/** `initializationOptions.a3s`, and the settings section `a3s`. */
export interface Options {
  config?: string;
  model?: string;
  posture?: string;
  review?: string;
  remember?: string;
  unsaved?: string;
  planning?: string;
  client: ClientFlags;
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

export interface Range {
  start: Position;
  end: Position;
}

/** A document, or a part of one, that goes with a prompt. */
export interface PromptContext {
  uri: string;
  range?: Range;
}

export type HunkStatus = "applied" | "kept" | "undone" | "tweaked" | "superseded";

/** One place that the agent changed and that the person has not settled. */
export interface Hunk {
  hunkId: string;
  sessionId: string;
  /** Null for what no run did. */
  runId: string | null;
  toolId: string;
  uri: string;
  /** The lines that it has now; empty where it only deleted. */
  range: Range;
  status: "applied" | "tweaked";
  label: string;
  before: string;
  after: string;
}

/** The parameters of `a3s/hunks`: all hunks of a document, none when the review is over. */
export interface HunksParams {
  sessionId: string;
  uri: string;
  hunks: Hunk[];
}

/** Which hunks are meant: one, those that a range touches, all of a document, or all of a session. */
export interface HunkChoice {
  sessionId?: string;
  uri?: string;
  hunkId?: string;
  range?: Range;
}

/** A question about a hunk; without a text, why it was made. */
export interface HunkQuestion {
  sessionId?: string;
  uri: string;
  hunkId: string;
  text?: string;
}

/** The parameters of `a3s/diagnostics`. */
export interface DiagnosticsParams {
  uri: string;
  version: number;
  waitMs: number;
}

/** A place in a session that one can go back to. */
export interface RewindPoint {
  id: string;
  kind: "run" | "tool" | "rewind";
  label: string;
  /** Milliseconds since the epoch. */
  time: number;
}

/** How to go back; with `preview` nothing is done. */
export interface RewindOrder {
  sessionId?: string;
  to: string;
  files?: boolean;
  conversation?: boolean;
  preview?: boolean;
}

/**
 * What changes on the way back. `messages` is how many messages the conversation keeps, `leftOut` are sentences about
 * what is left as it is.
 */
export interface RewindOutcome {
  files: FileChange[];
  messages: number;
  leftOut: string[];
  rewindId?: string | null;
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
  "a3s.hunk.keep": { argument: HunkChoice; answer: { hunks: string[] } };
  "a3s.hunk.undo": { argument: HunkChoice; answer: { hunks: string[] } };
  "a3s.hunk.ask": { argument: HunkQuestion; answer: { sessionId: string; runId: string } };
  /** Without `to` it lists the points. */
  "a3s.rewind": { argument: Partial<RewindOrder>; answer: { points: RewindPoint[] } | RewindOutcome };
}

/** An answer to a question, given as a command. */
export interface Verdict {
  toolId: string;
  note?: string;
  remember?: boolean;
  scope?: Scope;
}

/** Every slash command `/x` is the command `a3s.x`; this is its argument and its answer. */
export interface SlashCall {
  argument: { args: string; sessionId?: string };
  /** `runId` if the agent works on it; another session than before if it made that the current one. */
  answer: { text: string; sessionId?: string; runId?: string };
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
  /** Where "always" can hold. */
  scopes?: Scope[] | null;
  child?: string | null;
  /** The parts of an edit that can be accepted one by one. */
  hunks?: ProposedHunk[] | null;
}

/** A part of an edit that waits for leave. */
export interface ProposedHunk {
  index: number;
  path: string;
  header: string;
}

/** Where a rule holds: in this session, in this folder, or for this person. */
export type Scope = "session" | "project" | "user";

export const SCOPE_LABELS: Record<Scope, string> = {
  session: "in this session",
  project: "in this project",
  user: "everywhere",
};

export type Choice = "allow_once" | "allow_always" | "reject_once" | "reject_always";

/** The answer to `a3s/confirm`. */
export interface ConfirmAnswer {
  choice: Choice;
  rule?: string;
  note?: string;
  /** The parts that are to be applied, if not all. */
  accepted?: number[];
  /** Where "always" holds; as the settings say if it is left out. */
  scope?: Scope;
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

interface FilesChanged {
  type: "files_changed";
  tool_id: string;
  label: string;
  files: FileChange[];
  undoes: string | null;
}

/** What an event of a run says, by its type. */
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
  /** The model could not be asked, and is asked again after a pause. */
  | { type: "model_retry"; reason: string; attempt: number; delay_ms: number; message: string }
  /** The answer was no end, and the model was told so. */
  | { type: "continuation"; reason: "empty" | "unfinished" | "length"; text: string }
  | { type: "planning_end"; plan: { steps: { content: string }[] } }
  | { type: "step_start"; step_number: number; total_steps: number; description: string }
  /** The text is there only if it was not shown already. */
  | { type: "step_end"; step_number: number; status: string; text?: string }
  | { type: "budget_threshold_hit"; kind: "soft" | "hard"; message: string }
  | ({ type: "permission_denied"; args: Json; reason: string } & ToolRef)
  | ({
      type: "confirmation_required";
      args: Json;
      timeout_ms: number | null;
      title: string;
      detail: string;
      diff: string;
      rule: string;
      hunks?: ProposedHunk[];
    } & ToolRef)
  | ({ type: "confirmation_received"; approved: boolean; reason: string | null } & ToolRef)
  | ({ type: "confirmation_timeout"; action_taken: "rejected" | "auto_approved" } & ToolRef)
  | ({ type: "tool_output_delta"; text: string } & ToolRef)
  | FilesChanged
  /** What the person did with the agent's changes, as the model is told it. */
  | { type: "review_told"; text: string }
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

/** What a person did by a command, or to a text, by its type. */
export type SessionEventBody =
  | FilesChanged
  | { type: "hunk_changed"; hunk_id: string; path: string; line: number; status: HunkStatus }
  /** `messages` is how many the conversation keeps, null if it was left alone. */
  | { type: "rewound"; id: string; to: string; files: boolean; messages: number | null };

interface Envelope {
  sessionId: string;
  seq: number;
  time: number;
  replay?: boolean;
}

/** An event of a run. `seq` has no gaps. */
export type RunEvent = EventBody & Envelope & { runId: string };

/** An event that belongs to the session, and to no run. */
export type SessionEvent = SessionEventBody & Envelope & { runId: null };

/** The parameters of `a3s/event`. */
export type A3sEvent = RunEvent | SessionEvent;
