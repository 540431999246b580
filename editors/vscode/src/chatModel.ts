/**
 * What the chat shows, as a fold over what happened. Pure: the extension keeps one model, the page another, and
 * both see the same actions in the same order.
 */
import type {
  A3sEvent,
  ConfirmParams,
  EventBody,
  FileChange,
  Json,
  PromptContext,
  RunEvent,
  SessionEventBody,
  SlashCommand,
  Usage,
} from "./protocol";

export type ToolStatus = "writing" | "waiting" | "running" | "done" | "failed" | "denied" | "cancelled";

export interface TextItem {
  kind: "user" | "text" | "reasoning";
  id: string;
  text: string;
}

/** A line from the client or the server that is nobody's speech. */
export interface NoticeItem {
  kind: "notice";
  id: string;
  level: "info" | "error";
  text: string;
}

/** One call of a tool, from the model's first letter to its result. */
export interface ToolItem {
  kind: "tool";
  id: string;
  toolId: string;
  name: string;
  /** The arguments as the model writes them. */
  input: string;
  args?: Json;
  output: string;
  status: ToolStatus;
  files: FileChange[];
  note?: string;
}

export type Item = TextItem | NoticeItem | ToolItem;

/** A question that waits for an answer. */
export type Question = Pick<
  ConfirmParams,
  "sessionId" | "toolId" | "toolName" | "title" | "detail" | "diff" | "rule" | "scopes" | "child" | "hunks"
>;

/** How the server is. `tried` are the places where it was looked for in vain. */
export interface ServerView {
  state: "starting" | "ready" | "missing" | "failed" | "stopped";
  message?: string;
  tried?: string[];
}

/** The document, or the selection in it, that the next prompt can take along. */
export interface ContextChip {
  label: string;
  context: PromptContext;
}

export interface Spending {
  tokens: number;
  cost: number;
}

export interface ChatModel {
  server: ServerView;
  commands: SlashCommand[];
  session?: string;
  items: Item[];
  questions: Question[];
  /** The run that is going. */
  run?: string;
  /** The last event seen, so that one that comes twice is shown once. */
  last?: { runId: string; seq: number };
  /** The turn that is open, and where its items begin; a turn that was cut is told again. */
  turn?: number;
  turnFrom: number;
  /** What the finished runs cost, and the turns of the one that is going. */
  spent: Spending;
  spending: Spending;
  chip?: ContextChip;
  nextId: number;
}

export type Action =
  | { kind: "server"; server: ServerView; commands: SlashCommand[] }
  | { kind: "session"; sessionId: string | undefined }
  | { kind: "adopted"; sessionId: string }
  | { kind: "resumed"; runId?: string | null }
  | { kind: "event"; event: A3sEvent }
  | { kind: "asked"; question: Question }
  | { kind: "settled"; toolId: string }
  | { kind: "notice"; level: "info" | "error"; text: string }
  | { kind: "slash"; line: string; answer: string }
  | { kind: "chip"; chip: ContextChip | undefined };

const NOTHING: Spending = { tokens: 0, cost: 0 };

/** As much of a tool's output as is shown: its end. */
export const OUTPUT_SHOWN = 20_000;

export const EMPTY: ChatModel = {
  server: { state: "starting" },
  commands: [],
  items: [],
  questions: [],
  turnFrom: 0,
  spent: NOTHING,
  spending: NOTHING,
  nextId: 0,
};

/** What the session has cost up to now. */
export function total(model: ChatModel): Spending {
  return { tokens: model.spent.tokens + model.spending.tokens, cost: model.spent.cost + model.spending.cost };
}

/** The model after an action; the same object if nothing changed. */
export function reduce(model: ChatModel, action: Action): ChatModel {
  switch (action.kind) {
    case "server":
      return withServer(model, action.server, action.commands);
    case "session":
      return {
        ...EMPTY,
        server: model.server,
        commands: model.commands,
        chip: model.chip,
        nextId: model.nextId,
        session: action.sessionId,
      };
    case "adopted":
      return model.session === undefined ? { ...model, session: action.sessionId } : model;
    case "resumed":
      return action.runId ? { ...model, run: action.runId } : settle(model);
    case "event":
      return withEvent(model, action.event);
    case "asked":
      return { ...model, questions: [...without(model.questions, action.question.toolId), action.question] };
    case "settled":
      return { ...model, questions: without(model.questions, action.toolId) };
    case "notice":
      return append(model, { kind: "notice", level: action.level, text: action.text });
    case "slash":
      return append(append(model, { kind: "user", text: action.line }), { kind: "text", text: action.answer });
    case "chip":
      return { ...model, chip: action.chip };
  }
}

/** Without its server, nothing of a run goes on, and nobody waits for an answer. */
function withServer(model: ChatModel, server: ServerView, commands: SlashCommand[]): ChatModel {
  const settled = server.state === "ready" ? model : settle(model);
  return { ...settled, server, commands };
}

function withEvent(model: ChatModel, event: A3sEvent): ChatModel {
  if (model.session !== undefined && event.sessionId !== model.session) {
    return model;
  }
  if (event.runId === null) {
    return event.type === "rewound" ? append(model, { kind: "notice", level: "info", text: wentBack(event) }) : model;
  }
  if (model.last?.runId === event.runId && event.seq <= model.last.seq) {
    return model;
  }
  const seen = { ...model, session: event.sessionId, last: { runId: event.runId, seq: event.seq } };
  return tell(seen, event, event);
}

function wentBack({ files, messages }: Extract<SessionEventBody, { type: "rewound" }>): string {
  const conversation =
    messages === null ? "" : `the conversation keeps ${messages} ${messages === 1 ? "message" : "messages"}`;
  const restored = files ? "the files are as they were" : "";
  return `You went back: ${[restored, conversation].filter(Boolean).join(", and ")}.`;
}

function tell(model: ChatModel, body: EventBody, { sessionId, runId }: RunEvent): ChatModel {
  switch (body.type) {
    case "queued":
      return model;
    case "start":
      return append({ ...model, run: runId }, { kind: "user", text: body.prompt });
    case "run_resumed":
      return { ...model, run: runId };
    case "steered":
      return append(model, { kind: "user", text: body.text });
    case "review_told":
      return append(model, {
        kind: "notice",
        level: "info",
        text: `The agent was told: ${body.text.replace(/^\[|\]$/g, "")}`,
      });
    case "model_retry":
      return append(model, { kind: "notice", level: "info", text: `Asking the model again: ${body.message}` });
    case "continuation":
      return append(model, { kind: "notice", level: "info", text: `The agent was told: ${body.text}` });
    case "planning_end":
      return body.plan.steps.length ? notice(model, `The plan: ${checklist(body.plan.steps)}`) : model;
    case "step_start":
      return notice(model, `Step ${body.step_number} of ${body.total_steps}: ${body.description}`);
    case "step_end":
      if (body.status === "completed" && body.text === undefined) {
        return model;
      }
      return notice(model, `Step ${body.step_number}: ${body.text ?? body.status}`);
    case "budget_threshold_hit":
      return append(model, {
        kind: "notice",
        level: body.kind === "hard" ? "error" : "info",
        text: `Budget: ${body.message}`,
      });
    case "turn_start":
      return beginTurn(model, body.turn);
    case "text_delta":
      return speak(model, "text", body.text);
    case "reasoning_delta":
      return speak(model, "reasoning", body.text);
    case "turn_end":
      return endTurn(model, body.usage);
    case "end":
    case "error":
    case "cancelled":
      return endRun(model, body, runId);
    case "confirmation_required":
      return ask(model, body, sessionId);
    default:
      return call(model, body);
  }
}

type CallBody = Extract<EventBody, { tool_id: string }>;

function call(model: ChatModel, body: CallBody): ChatModel {
  switch (body.type) {
    case "tool_start":
      return append(model, newTool(body.tool_id, body.tool_name, "writing"));
    case "tool_input_delta":
      return changeTool(model, body, (tool) => ({ input: tool.input + body.text }));
    case "permission_denied":
      return changeTool(model, body, () => ({ status: "denied", args: body.args, note: body.reason }));
    case "confirmation_required":
      return changeTool(model, body, () => ({ status: "waiting", args: body.args }));
    case "confirmation_received":
      return answered(model, body, body.approved, body.reason ?? undefined);
    case "confirmation_timeout":
      return answered(model, body, body.action_taken === "auto_approved", "Nobody answered in time.");
    case "tool_output_delta":
      return changeTool(model, body, (tool) => ({ status: "running", output: clip(tool.output + body.text) }));
    case "files_changed":
      return changeTool(model, { tool_id: body.tool_id, tool_name: body.label }, (tool) => ({
        files: [...tool.files, ...body.files],
        note: body.undoes ? body.label : tool.note,
      }));
    case "tool_end":
      return changeTool(model, body, (tool) => ({
        status: ending(tool.status, body.exit_code === 0 && !body.error_kind),
        output: clip(body.tool_output),
      }));
    default:
      // A newer server may have more to say.
      return model;
  }
}

function ask(
  model: ChatModel,
  body: Extract<EventBody, { type: "confirmation_required" }>,
  sessionId: string,
): ChatModel {
  const question = {
    sessionId,
    toolId: body.tool_id,
    toolName: body.tool_name,
    title: body.title,
    detail: body.detail,
    diff: body.diff,
    rule: body.rule,
    hunks: body.hunks,
  };
  return call({ ...model, questions: [...without(model.questions, body.tool_id), question] }, body);
}

function answered(model: ChatModel, body: ToolNames, approved: boolean, note?: string): ChatModel {
  const settled = { ...model, questions: without(model.questions, body.tool_id) };
  return changeTool(settled, body, () => ({ status: approved ? "running" : "denied", note }));
}

function notice(model: ChatModel, text: string): ChatModel {
  return append(model, { kind: "notice", level: "info", text });
}

function checklist(steps: { content: string }[]): string {
  return steps.map(({ content }, index) => `${index + 1}. ${content}`).join(" ");
}

function beginTurn(model: ChatModel, turn: number): ChatModel {
  const items = turn === model.turn ? model.items.slice(0, model.turnFrom) : model.items;
  return { ...model, items, turn, turnFrom: items.length };
}

function endTurn(model: ChatModel, usage: Usage): ChatModel {
  const items = model.items.map((item) => (isWriting(item) ? { ...item, status: "running" as const } : item));
  return { ...model, items, turn: undefined, turnFrom: items.length, spending: plus(model.spending, usage) };
}

type EndBody = Extract<EventBody, { type: "end" | "error" | "cancelled" }>;

function endRun(model: ChatModel, body: EndBody, runId: string): ChatModel {
  // One that never began may be taken back while another goes on.
  if (model.run !== undefined && model.run !== runId) {
    return model;
  }
  const ended = { ...settle(model), spent: plus(model.spent, body.usage), spending: NOTHING };
  if (body.type === "end") {
    return spoke(model) || !body.text ? ended : append(ended, { kind: "text", text: body.text });
  }
  if (body.type === "error") {
    return append(ended, { kind: "notice", level: "error", text: body.error });
  }
  return append(ended, { kind: "notice", level: "info", text: body.error ?? "Stopped." });
}

/** Nothing is going on any more: no run, no question, no open call. */
function settle(model: ChatModel): ChatModel {
  const items = model.items.map((item) => (isOpen(item) ? { ...item, status: "cancelled" as const } : item));
  return { ...model, items, turn: undefined, turnFrom: items.length, run: undefined, questions: [] };
}

function speak(model: ChatModel, kind: "text" | "reasoning", text: string): ChatModel {
  const last = model.items.at(-1);
  if (last?.kind === kind && model.items.length > model.turnFrom) {
    return { ...model, items: [...model.items.slice(0, -1), { ...last, text: last.text + text }] };
  }
  return append(model, { kind, text });
}

/** Whether the model has said anything since the person last did. */
function spoke(model: ChatModel): boolean {
  const since = model.items.findLastIndex((item) => item.kind === "user");
  return model.items.slice(since + 1).some((item) => item.kind === "text");
}

type ToolNames = { tool_id: string; tool_name?: string };

/** Changes the latest call of that id; one that was never announced (a child's) is added. */
function changeTool(model: ChatModel, names: ToolNames, change: (tool: ToolItem) => Partial<ToolItem>): ChatModel {
  const at = model.items.findLastIndex((item) => item.kind === "tool" && item.toolId === names.tool_id);
  const known = model.items[at];
  if (known?.kind !== "tool") {
    const added = append(model, newTool(names.tool_id, names.tool_name ?? "", "running"));
    return changeTool(added, names, change);
  }
  return { ...model, items: model.items.with(at, { ...known, ...change(known) }) };
}

function newTool(toolId: string, name: string, status: ToolStatus): Omit<ToolItem, "id"> {
  return { kind: "tool", toolId, name, input: "", output: "", status, files: [] };
}

function append(
  model: ChatModel,
  item: Omit<TextItem, "id"> | Omit<NoticeItem, "id"> | Omit<ToolItem, "id">,
): ChatModel {
  const added: Item = { ...item, id: String(model.nextId) };
  return { ...model, items: [...model.items, added], nextId: model.nextId + 1 };
}

function ending(status: ToolStatus, succeeded: boolean): ToolStatus {
  if (status === "denied") {
    return status;
  }
  return succeeded ? "done" : "failed";
}

function isOpen(item: Item): item is ToolItem {
  return item.kind === "tool" && ["writing", "waiting", "running"].includes(item.status);
}

function isWriting(item: Item): item is ToolItem {
  return item.kind === "tool" && item.status === "writing";
}

function without(questions: Question[], toolId: string): Question[] {
  return questions.filter((question) => question.toolId !== toolId);
}

function plus(spending: Spending, usage: Usage): Spending {
  return { tokens: spending.tokens + usage.total_tokens, cost: spending.cost + (usage.cost ?? 0) };
}

function clip(output: string): string {
  return output.length > OUTPUT_SHOWN ? `…${output.slice(-OUTPUT_SHOWN)}` : output;
}
