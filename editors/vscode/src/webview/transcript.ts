/** The conversation: speech, tool calls as rows that open, notices. */
import type { Item, NoticeItem, TextItem, ToolItem, ToolStatus } from "../chatModel";
import type { FileChange } from "../protocol";
import { button, element, KeyedList } from "./dom";
import { renderMarkdown } from "./markdown";
import { readPrompt } from "./promptText";
import { argumentsOf, displayPath, subjectOf } from "./toolSummary";

const STATUS: Record<ToolStatus, { sign: string; label: string }> = {
  writing: { sign: "…", label: "being written" },
  waiting: { sign: "?", label: "waiting for leave" },
  running: { sign: "", label: "running" },
  done: { sign: "✓", label: "done" },
  failed: { sign: "✕", label: "failed" },
  denied: { sign: "⊘", label: "denied" },
  cancelled: { sign: "–", label: "stopped" },
};

const CHANGE = { created: "A", modified: "M", deleted: "D" };

export interface TranscriptHost {
  workspace: string;
  open(path: string): void;
}

export class Transcript {
  readonly root = element("div", { className: "transcript", role: "log", ariaLive: "off" });
  private readonly list: KeyedList<Item>;

  constructor(private readonly host: TranscriptHost) {
    this.list = new KeyedList(
      this.root,
      (item) => item.id,
      (item, previous) => this.render(item, previous),
    );
  }

  show(items: Item[]): void {
    this.list.show(items);
  }

  private render(item: Item, previous: HTMLElement | undefined): HTMLElement {
    switch (item.kind) {
      case "user":
        return this.speech(item);
      case "notice":
        return notice(item);
      case "text":
        return markdown(item, previous);
      case "reasoning":
        return reasoning(item, previous);
      case "tool":
        return this.tool(item, previous);
    }
  }

  private speech(item: TextItem): HTMLElement {
    const { text, sources } = readPrompt(item.text);
    const along = sources.map((source) => displayPath(source, this.host.workspace)).join(", ");
    return element(
      "div",
      { className: "user", ariaLabel: `You said: ${text}` },
      text,
      along === "" ? undefined : element("div", { className: "along", textContent: along, title: "Went along" }),
    );
  }

  /** A row is changed in place: it stays open, and keeps the focus, while its call goes on. */
  private tool(tool: ToolItem, previous: HTMLElement = emptyRow()): HTMLElement {
    const [row, files] = previous.children as unknown as [HTMLDetailsElement, HTMLUListElement];
    const [summary, body] = row.children as unknown as [HTMLElement, HTMLElement];
    const args = argumentsOf(tool);
    row.className = `tool ${tool.status}`;
    summary.replaceChildren(...summaryOf(tool, subjectOf(args)));
    body.replaceChildren(...bodyOf(tool, args));
    files.replaceChildren(...tool.files.map((file) => this.file(file)));
    if (tool.note) {
      files.append(element("li", { className: "note", textContent: tool.note }));
    }
    return previous;
  }

  private file({ path, change }: FileChange): HTMLElement {
    return element(
      "li",
      {},
      element("span", { className: `change ${change}`, textContent: CHANGE[change], title: change }),
      button(displayPath(path, this.host.workspace), "link", () => this.host.open(path)),
    );
  }
}

function emptyRow(): HTMLElement {
  const row = element("details", {}, element("summary"), element("div", { className: "body" }));
  return element("div", { className: "call" }, row, element("ul", { className: "files" }));
}

function summaryOf(tool: ToolItem, subject: string): HTMLElement[] {
  const { sign, label } = STATUS[tool.status];
  return [
    element("span", { className: "sign", textContent: sign, title: label, role: "img", ariaLabel: label }),
    element("span", { className: "name", textContent: tool.name }),
    element("span", { className: "subject", textContent: subject, title: subject }),
  ];
}

function bodyOf(tool: ToolItem, args: object): HTMLElement[] {
  const written = Object.keys(args).length > 0 ? JSON.stringify(args, null, 2) : tool.input;
  const parts = [
    { className: "input", textContent: written, ariaLabel: "Arguments" },
    { className: "output", textContent: tool.output, ariaLabel: "Output" },
  ];
  return parts.filter(({ textContent }) => textContent !== "").map((part) => element("pre", part));
}

function notice(item: NoticeItem): HTMLElement {
  return element("div", { className: `notice ${item.level}`, textContent: item.text, role: "note" });
}

function markdown(item: TextItem, previous: HTMLElement = element("div", { className: "text" })): HTMLElement {
  previous.innerHTML = renderMarkdown(item.text);
  return previous;
}

function reasoning(item: TextItem, previous: HTMLElement | undefined): HTMLElement {
  const row =
    previous ??
    element("details", { className: "reasoning" }, element("summary", { textContent: "Thinking" }), element("div"));
  row.lastElementChild?.replaceChildren(item.text);
  return row;
}
