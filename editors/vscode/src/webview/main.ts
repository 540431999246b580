/** The chat's page: keeps the same model as the extension, and draws it once per frame. */
import { type Action, type ChatModel, EMPTY, type Question, reduce } from "../chatModel";
import type { FromPage, ToPage } from "../pageMessages";
import { Composer } from "./composer";
import { element, KeyedList } from "./dom";
import { questionCard } from "./questionCard";
import { serverPanel } from "./serverPanel";
import { Transcript } from "./transcript";

interface Saved {
  draft: string;
}

const vscode = acquireVsCodeApi<Saved>();
const post = (message: FromPage) => vscode.postMessage(message);

/** So close to the end, the page follows what is streamed. */
const FOLLOW_PX = 40;

class Page {
  private model: ChatModel = EMPTY;
  private drawn: ChatModel | undefined;
  private frame = 0;
  private readonly host = { workspace: "", open: (path: string) => post({ kind: "open", path }) };
  private readonly transcript = new Transcript(this.host);
  private readonly questions = element("div", { className: "questions" });
  private readonly panel = element("div");
  private readonly welcome = element(
    "div",
    { className: "welcome", hidden: true },
    element("h2", { textContent: "What shall we work on?" }),
    element("p", { textContent: "The agent reads what is on your screen, saved or not, and asks before it acts." }),
  );
  private readonly news = element("div", { className: "visually-hidden", ariaLive: "polite" });
  private readonly scroller = element("main", {}, this.panel, this.welcome, this.transcript.root, this.questions);
  private readonly cards = new KeyedList<Question>(
    this.questions,
    (question) => question.toolId,
    (question) =>
      questionCard(question, {
        answer: (toolId, reply) => post({ kind: "answer", toolId, reply }),
        showDiff: (toolId) => post({ kind: "showDiff", toolId }),
      }),
  );
  private readonly composer = new Composer({
    send: (text, withContext) => post({ kind: "send", text, withContext }),
    stop: () => post({ kind: "stop" }),
    draftChanged: (draft) => vscode.setState({ draft }),
  });

  start(): void {
    document.body.append(this.scroller, this.composer.root, this.news);
    const draft = vscode.getState()?.draft;
    if (draft) {
      this.composer.setText(draft);
    }
    window.addEventListener("message", ({ data }: MessageEvent<ToPage>) => this.receive(data));
    post({ kind: "ready" });
  }

  private receive(message: ToPage): void {
    switch (message.kind) {
      case "model":
        this.model = message.model;
        this.host.workspace = message.workspace;
        break;
      case "actions":
        this.model = message.actions.reduce<ChatModel>((model, action) => this.step(model, action), this.model);
        break;
      case "focus":
        this.composer.focus();
        return;
      case "draft":
        // What was typed since then is not overwritten.
        if (this.composer.text === "") {
          this.composer.setText(message.text);
        }
        return;
    }
    this.frame ||= requestAnimationFrame(() => this.draw());
  }

  private step(model: ChatModel, action: Action): ChatModel {
    const next = reduce(model, action);
    const news = newsOf(model, next);
    if (news !== undefined) {
      this.news.textContent = news;
    }
    return next;
  }

  private draw(): void {
    this.frame = 0;
    const { model, drawn } = this;
    const following = this.scroller.scrollHeight - this.scroller.scrollTop - this.scroller.clientHeight < FOLLOW_PX;
    if (model.server !== drawn?.server) {
      const panel = serverPanel(model.server, (remedy) => post({ kind: "remedy", remedy }));
      this.panel.replaceChildren(...(panel === undefined ? [] : [panel]));
    }
    this.transcript.show(model.items);
    this.cards.show(model.questions);
    this.welcome.hidden = model.items.length > 0 || model.server.state !== "ready";
    document.body.classList.toggle("working", model.run !== undefined && model.questions.length === 0);
    this.composer.show(model);
    if (following || model.questions.length > (drawn?.questions.length ?? 0)) {
      this.scroller.scrollTop = this.scroller.scrollHeight;
    }
    this.drawn = model;
  }
}

/** What somebody who does not see the page has to hear of a step. */
function newsOf(before: ChatModel, after: ChatModel): string | undefined {
  const asked = after.questions.find((question) => !before.questions.includes(question));
  if (asked !== undefined) {
    return `The agent asks: ${asked.title}. ${asked.detail}`;
  }
  if (before.run !== undefined && after.run === undefined) {
    const last = after.items.at(-1);
    return last !== undefined && last.kind !== "tool" ? last.text : "The agent is done.";
  }
  return undefined;
}

new Page().start();
