/** A question of the agent: what it wants to do, and the four answers. */
import type { Question } from "../chatModel";
import type { Reply } from "../pageMessages";
import { SCOPE_LABELS, type Scope } from "../protocol";
import { button, element } from "./dom";
import { HunkList } from "./hunkList";

export interface QuestionHost {
  answer(toolId: string, reply: Reply): void;
  showDiff(toolId: string): void;
}

export function questionCard(question: Question, host: QuestionHost): HTMLElement {
  const { toolId, title, detail, diff, rule, child } = question;
  const hunks = new HunkList(question.hunks ?? []);
  const scope = scopeList(question.scopes ?? []);
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
    actions(rule, hunks, scope, (reply) => host.answer(toolId, reply)),
    rule ? ruleLine(rule, scope) : undefined,
  );
}

function ruleLine(rule: string, scope: HTMLSelectElement | undefined): HTMLElement {
  const where = scope === undefined ? [] : [" ", scope];
  return element(
    "p",
    { className: "rule" },
    "Always allow keeps the rule ",
    element("code", { textContent: rule }),
    ...where,
  );
}

/** Where "always" is to hold, if there is something to choose. */
function scopeList(scopes: Scope[]): HTMLSelectElement | undefined {
  if (scopes.length < 2) {
    return undefined;
  }
  const options = scopes.map((scope) => element("option", { value: scope, textContent: SCOPE_LABELS[scope] }));
  return element("select", { ariaLabel: "Where the rule holds" }, ...options);
}

function actions(
  rule: Question["rule"],
  hunks: HunkList,
  scope: HTMLSelectElement | undefined,
  answer: (reply: Reply) => void,
): HTMLElement {
  const note = noteForm((text) => answer({ choice: "reject_once", note: text || undefined }));
  const denyWithNote = button("Deny with note…", "secondary", () => {
    note.hidden = false;
    note.querySelector("input")?.focus();
    note.closest(".question")?.scrollIntoView({ block: "end" });
  });
  const allow = (choice: Reply["choice"]) => answer({ choice, accepted: hunks.accepted });
  const always = () =>
    answer({ choice: "allow_always", accepted: hunks.accepted, scope: scope?.value as Scope | undefined });
  const allowing = [
    button("Allow once", "primary", () => allow("allow_once")),
    ...(rule ? [button("Always allow", "secondary", always)] : []),
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
