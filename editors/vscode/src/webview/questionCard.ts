/** A question of the agent: what it wants to do, and the four answers. */
import type { Question } from "../chatModel";
import type { Reply } from "../pageMessages";
import { button, element } from "./dom";
import { HunkList } from "./hunkList";

export interface QuestionHost {
  answer(toolId: string, reply: Reply): void;
  showDiff(toolId: string): void;
}

export function questionCard(question: Question, host: QuestionHost): HTMLElement {
  const { toolId, title, detail, diff, rule, child } = question;
  const hunks = new HunkList(question.hunks ?? []);
  return element(
    "section",
    { className: "question", ariaLabel: `The agent asks: ${title}` },
    element(
      "header",
      {},
      element("h2", { textContent: title }),
      diff ? button("Show diff", "link", () => host.showDiff(toolId)) : undefined,
    ),
    child ? element("p", { className: "child", textContent: `Asked by ${child}` }) : undefined,
    detail ? element("pre", { className: "detail", textContent: detail }) : undefined,
    diff ? diffBlock(diff) : undefined,
    hunks.root,
    actions(rule, hunks, (reply) => host.answer(toolId, reply)),
    rule
      ? element("p", { className: "rule" }, "Always allow keeps the rule ", element("code", { textContent: rule }))
      : undefined,
  );
}

function actions(rule: Question["rule"], hunks: HunkList, answer: (reply: Reply) => void): HTMLElement {
  const note = noteForm((text) => answer({ choice: "reject_once", note: text || undefined }));
  const denyWithNote = button("Deny with note…", "secondary", () => {
    note.hidden = false;
    note.querySelector("input")?.focus();
    note.closest(".question")?.scrollIntoView({ block: "end" });
  });
  const allow = (choice: Reply["choice"]) => answer({ choice, accepted: hunks.accepted });
  const allowing = [
    button("Allow once", "primary", () => allow("allow_once")),
    ...(rule ? [button("Always allow", "secondary", () => allow("allow_always"))] : []),
  ];
  // To leave everything out is to deny.
  hunks.root?.addEventListener("change", () => {
    allowing.forEach((each) => (each.disabled = hunks.accepted?.length === 0));
  });
  const row = element(
    "div",
    { className: "actions" },
    ...allowing,
    button("Deny", "secondary", () => answer({ choice: "reject_once" })),
    denyWithNote,
  );
  return element("div", {}, row, note);
}

function noteForm(deny: (note: string) => void): HTMLFormElement {
  const input = element("input", {
    type: "text",
    placeholder: "What should the agent do instead?",
    ariaLabel: "What should the agent do instead?",
  });
  const form = element(
    "form",
    { className: "note-form", hidden: true },
    input,
    element("button", { type: "submit", className: "primary", textContent: "Deny" }),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    deny(input.value.trim());
  });
  return form;
}

function diffBlock(diff: string): HTMLElement {
  const lines = diff
    .replace(/\n$/, "")
    .split("\n")
    .map((line) => element("span", { className: lineKind(line), textContent: `${line}\n` }));
  return element("pre", { className: "diff", tabIndex: 0, ariaLabel: "The change" }, ...lines);
}

function lineKind(line: string): string {
  if (line.startsWith("+++") || line.startsWith("---")) {
    return "file";
  }
  return { "+": "added", "-": "removed", "@": "hunk" }[line.charAt(0)] ?? "same";
}
