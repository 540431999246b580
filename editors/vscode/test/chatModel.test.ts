import assert from "node:assert/strict";
import { test } from "node:test";
import { type Action, type ChatModel, EMPTY, type Item, OUTPUT_SHOWN, reduce, total } from "../src/chatModel";
import type { EventBody, RunEvent, SessionEventBody, Usage } from "../src/protocol";

const TOOL = { tool_id: "t1", tool_name: "bash" };
const ASKED: EventBody = {
  type: "confirmation_required",
  ...TOOL,
  args: { command: "ls" },
  timeout_ms: null,
  title: "Run a command",
  detail: "ls",
  diff: "",
  rule: "Bash(ls)",
};
const FINISHED: EventBody = {
  type: "tool_end",
  ...TOOL,
  tool_output: "a.py",
  exit_code: 0,
  metadata: null,
  error_kind: null,
};

function usage(total_tokens: number, cost: number | null): Usage {
  return { prompt_tokens: 0, completion_tokens: 0, total_tokens, cache_read_tokens: 0, cache_write_tokens: 0, cost };
}

function spent(tokens: number, cost: number | null = null) {
  return { total_tokens: tokens, usage: usage(tokens, cost) };
}

/** The events of one run, numbered as the server numbers them. */
function run(bodies: EventBody[], runId = "r1", sessionId = "s1"): RunEvent[] {
  return bodies.map((body, seq) => ({ ...body, sessionId, runId, seq, time: 0 }));
}

function show(bodies: EventBody[], model: ChatModel = EMPTY): ChatModel {
  return run(bodies).reduce((shown, event) => reduce(shown, { kind: "event", event }), model);
}

function after(model: ChatModel, ...actions: Action[]): ChatModel {
  return actions.reduce(reduce, model);
}

/** Items as short lines, to compare a whole transcript at a glance. */
function lines({ items }: ChatModel): string[] {
  return items.map((item: Item) =>
    item.kind === "tool" ? `${item.name} ${item.status}` : `${item.kind}: ${item.text}`,
  );
}

test("an answer streams into one block", () => {
  const model = show([
    { type: "start", prompt: "hello" },
    { type: "turn_start", turn: 1 },
    { type: "reasoning_delta", text: "hm" },
    { type: "text_delta", text: "Good " },
    { type: "text_delta", text: "day" },
    { type: "turn_end", turn: 1, ...spent(5) },
    { type: "end", text: "Good day", ...spent(5) },
  ]);
  assert.deepEqual(lines(model), ["user: hello", "reasoning: hm", "text: Good day"]);
  assert.equal(model.run, undefined);
});

test("an answer that was not streamed is shown at the end", () => {
  const model = show([
    { type: "start", prompt: "hello" },
    { type: "end", text: "Good day", ...spent(0) },
  ]);
  assert.deepEqual(lines(model), ["user: hello", "text: Good day"]);
});

test("a call goes from writing over a question to done", () => {
  const events: EventBody[] = [
    { type: "start", prompt: "list" },
    { type: "turn_start", turn: 1 },
    { type: "tool_start", ...TOOL },
    { type: "tool_input_delta", tool_id: "t1", text: '{"command":"ls"}' },
    { type: "turn_end", turn: 1, ...spent(3) },
    ASKED,
    { type: "confirmation_received", ...TOOL, approved: true, reason: null },
    { type: "tool_output_delta", ...TOOL, text: "a" },
    FINISHED,
  ];
  const statuses = events.map(
    (_, at) => show(events.slice(0, at + 1)).items.find((item) => item.kind === "tool")?.status,
  );
  assert.deepEqual(statuses, [
    undefined,
    undefined,
    "writing",
    "writing",
    "running",
    "waiting",
    "running",
    "running",
    "done",
  ]);
});

test("a question is there until it is answered", () => {
  const asking = show([{ type: "start", prompt: "list" }, { type: "tool_start", ...TOOL }, ASKED]);
  assert.deepEqual(
    asking.questions.map(({ rule }) => rule),
    ["Bash(ls)"],
  );
  const answered: RunEvent = {
    type: "confirmation_received",
    ...TOOL,
    approved: false,
    reason: "no",
    sessionId: "s1",
    runId: "r1",
    seq: 3,
    time: 0,
  };
  const model = after(asking, { kind: "event", event: answered });
  assert.deepEqual(model.questions, []);
  assert.deepEqual(lines(model), ["user: list", "bash denied"]);
});

test("the same question as event and as request is one card", () => {
  const asking = show([{ type: "start", prompt: "list" }, ASKED]);
  const question = {
    sessionId: "s1",
    toolId: "t1",
    toolName: "bash",
    title: "Run",
    detail: "ls",
    diff: null,
    rule: null,
  };
  assert.equal(after(asking, { kind: "asked", question }).questions.length, 1);
});

test("a question that comes again after a restart has the parts that it can be accepted in", () => {
  const hunks = [{ index: 0, path: "a.py", header: "@@ -1 +1 @@" }];
  assert.deepEqual(show([{ ...ASKED, hunks }]).questions[0]?.hunks, hunks);
});

function ofSession(body: SessionEventBody, model: ChatModel): ChatModel {
  return after(model, { kind: "event", event: { ...body, sessionId: "s1", runId: null, seq: 0, time: 0 } });
}

test("what a person does to hunks during a run leaves the run's events in their order", () => {
  const going = show([
    { type: "start", prompt: "go" },
    { type: "text_delta", text: "Yes" },
  ]);
  const kept = ofSession({ type: "hunk_changed", hunk_id: "h1", path: "a.py", line: 1, status: "kept" }, going);
  assert.equal(kept, going);
});

const ways: [boolean, number | null, string][] = [
  [true, 3, "You went back: the files are as they were, and the conversation keeps 3 messages."],
  [true, null, "You went back: the files are as they were."],
  [false, 1, "You went back: the conversation keeps 1 message."],
];

for (const [files, messages, text] of ways) {
  test(`going back stands in the chat: ${text}`, () => {
    const model = ofSession(
      { type: "rewound", id: "w1", to: "r1", files, messages },
      show([{ type: "start", prompt: "go" }]),
    );
    assert.deepEqual(lines(model), ["user: go", `notice: ${text}`]);
  });
}

test("what the agent was told of the review stands in the chat", () => {
  assert.deepEqual(lines(show([{ type: "review_told", text: "[You kept 3 of 4.]" }])), [
    "notice: The agent was told: You kept 3 of 4.",
  ]);
});

test("a denied call stays denied when its result comes", () => {
  const model = show([
    { type: "start", prompt: "list" },
    { type: "tool_start", ...TOOL },
    { type: "permission_denied", ...TOOL, args: {}, reason: "A rule forbids it." },
    { ...FINISHED, exit_code: 1 },
  ]);
  assert.deepEqual(lines(model), ["user: list", "bash denied"]);
});

test("a stopped run leaves nothing going", () => {
  const model = show([
    { type: "start", prompt: "list" },
    { type: "tool_start", ...TOOL },
    ASKED,
    { type: "cancelled", text: "", error: null, ...spent(1) },
  ]);
  assert.deepEqual(lines(model), ["user: list", "bash cancelled", "notice: Stopped."]);
  assert.deepEqual([model.run, model.questions], [undefined, []]);
});

test("a server that is gone leaves nothing going", () => {
  const asking = show([{ type: "start", prompt: "list" }, { type: "tool_start", ...TOOL }, ASKED]);
  const model = after(asking, { kind: "server", server: { state: "starting" }, commands: [] });
  assert.deepEqual(lines(model), ["user: list", "bash cancelled"]);
  assert.deepEqual([model.run, model.questions], [undefined, []]);
});

test("a resumed run tells the cut turn again, once", () => {
  const model = show([
    { type: "start", prompt: "go" },
    { type: "turn_start", turn: 1 },
    { type: "text_delta", text: "First." },
    { type: "turn_end", turn: 1, ...spent(1) },
    { type: "turn_start", turn: 2 },
    { type: "text_delta", text: "Sec" },
    { type: "run_resumed" },
    { type: "turn_start", turn: 2 },
    { type: "text_delta", text: "Second." },
  ]);
  assert.deepEqual(lines(model), ["user: go", "text: First.", "text: Second."]);
  assert.equal(model.run, "r1");
});

test("a plan is shown with its steps, and what was done beside each other with its answers", () => {
  const model = show([
    { type: "start", prompt: "go" },
    { type: "planning_end", plan: { steps: [{ content: "Look" }, { content: "Ask" }] } },
    { type: "step_start", step_number: 1, total_steps: 2, description: "Look" },
    { type: "step_end", step_number: 1, status: "completed" },
    { type: "step_end", step_number: 2, status: "completed", text: "Asked." },
    { type: "step_end", step_number: 2, status: "failed" },
    { type: "planning_end", plan: { steps: [] } },
  ]);
  assert.deepEqual(lines(model), [
    "user: go",
    "notice: The plan: 1. Look 2. Ask",
    "notice: Step 1 of 2: Look",
    "notice: Step 2: Asked.",
    "notice: Step 2: failed",
  ]);
});

test("pauses are shown while they last, and what the agent and the person were told stays", () => {
  const busy: EventBody = { type: "model_retry", reason: "cut", attempt: 1, delay_ms: 100, message: "it broke off" };
  const waiting = show([{ type: "start", prompt: "go" }, { type: "turn_start", turn: 1 }, busy]);
  assert.deepEqual(lines(waiting), ["user: go", "notice: Asking the model again: it broke off"]);
  const model = show([
    { type: "agent_mode_changed" } as unknown as EventBody,
    { type: "start", prompt: "go" },
    { type: "turn_start", turn: 1 },
    busy,
    { type: "turn_start", turn: 1 },
    { type: "text_delta", text: "Let me see:" },
    { type: "turn_end", turn: 1, ...spent(10) },
    { type: "budget_threshold_hit", kind: "soft", message: "10 of 12 tokens." },
    { type: "continuation", reason: "unfinished", text: "Go on." },
  ]);
  assert.deepEqual(lines(model), [
    "user: go",
    "text: Let me see:",
    "notice: Budget: 10 of 12 tokens.",
    "notice: The agent was told: Go on.",
  ]);
});

test("a turn that was cut and is asked for again is shown once", () => {
  const model = show([
    { type: "start", prompt: "go" },
    { type: "turn_start", turn: 1 },
    { type: "text_delta", text: "Fir" },
    { type: "turn_start", turn: 1 },
    { type: "text_delta", text: "First." },
  ]);
  assert.deepEqual(lines(model), ["user: go", "text: First."]);
});

test("taking back a prompt that waits its turn leaves the run that is going alone", () => {
  const going = show([{ type: "start", prompt: "go" }]);
  const waiting = run(
    [
      { type: "queued", prompt: "later" },
      { type: "cancelled", text: "", error: null, ...spent(0) },
    ],
    "r2",
  );
  const model = waiting.reduce((shown, event) => reduce(shown, { kind: "event", event }), going);
  assert.deepEqual([model.run, lines(model)], ["r1", ["user: go"]]);
});

test("an event that comes twice is shown once", () => {
  const events = run([
    { type: "start", prompt: "go" },
    { type: "text_delta", text: "Yes" },
  ]);
  const twice = [...events, ...events.slice(1)].reduce(
    (model, event) => reduce(model, { kind: "event", event }),
    EMPTY,
  );
  assert.deepEqual(lines(twice), ["user: go", "text: Yes"]);
});

test("events of another session are not shown", () => {
  const model = show([{ type: "start", prompt: "mine" }]);
  const [other] = run([{ type: "start", prompt: "theirs" }], "r9", "s9");
  assert.ok(other);
  assert.equal(after(model, { kind: "event", event: other }), model);
});

test("switching sessions empties the chat and keeps the server", () => {
  const ready = after(EMPTY, {
    kind: "server",
    server: { state: "ready" },
    commands: [{ name: "help", description: "", usage: "" }],
  });
  const model = after(show([{ type: "start", prompt: "go" }, ASKED], ready), {
    kind: "session",
    sessionId: "s2",
  });
  assert.deepEqual([model.items, model.questions, model.run], [[], [], undefined]);
  assert.deepEqual([model.session, model.server.state, model.commands.length], ["s2", "ready", 1]);
});

test("a replay that ends without a run going leaves nothing going", () => {
  const replayed = show([
    { type: "start", prompt: "go" },
    { type: "tool_start", ...TOOL },
  ]);
  assert.deepEqual(lines(after(replayed, { kind: "resumed", runId: null })), ["user: go", "bash cancelled"]);
  assert.equal(after(replayed, { kind: "resumed", runId: "r1" }).run, "r1");
});

test("the price is the sum of the runs and of the turns that are going", () => {
  const events: EventBody[] = [
    { type: "start", prompt: "go" },
    { type: "turn_end", turn: 1, ...spent(10, 0.5) },
    { type: "turn_end", turn: 2, ...spent(20, 0.25) },
  ];
  const going = show(events);
  assert.deepEqual(total(going), { tokens: 30, cost: 0.75 });
  const done = show([...events, { type: "end", text: "ok", ...spent(30, 0.75) }]);
  assert.deepEqual(total(done), { tokens: 30, cost: 0.75 });
});

test("changed files are shown with their call, also one that was never announced", () => {
  const files = [{ path: "/w/a.py", change: "modified" as const }];
  const model = show([
    { type: "start", prompt: "go" },
    { type: "files_changed", tool_id: "child", label: "Rename", files, undoes: null },
  ]);
  const [, tool] = model.items;
  assert.ok(tool?.kind === "tool");
  assert.deepEqual([tool.name, tool.files], ["Rename", files]);
});

test("only the end of a long output is kept", () => {
  const model = show([{ type: "tool_output_delta", ...TOOL, text: `x${"y".repeat(OUTPUT_SHOWN)}` }]);
  const [tool] = model.items;
  assert.ok(tool?.kind === "tool");
  assert.equal(tool.output, `…${"y".repeat(OUTPUT_SHOWN)}`);
});

test("a slash command and its answer stand in the chat", () => {
  assert.deepEqual(lines(after(EMPTY, { kind: "slash", line: "/help", answer: "Help." })), [
    "user: /help",
    "text: Help.",
  ]);
});
