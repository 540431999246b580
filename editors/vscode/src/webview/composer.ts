/** Where the person types: Enter sends, Shift+Enter begins a line, a slash offers the commands. */
import { type ChatModel, type Spending, total } from "../chatModel";
import type { SlashCommand } from "../protocol";
import { button, element } from "./dom";
import { SlashMenu } from "./slashMenu";

export interface ComposerHost {
  send(text: string, withContext: boolean): void;
  stop(): void;
  draftChanged(text: string): void;
}

export class Composer {
  private readonly input = element("textarea", {
    rows: 1,
    ariaLabel: "Message to the agent",
    ariaAutoComplete: "list",
  });
  private readonly menu = new SlashMenu(({ name }) => this.setText(`/${name} `));
  private readonly chip = element("button", { type: "button", className: "chip", onclick: () => this.toggleContext() });
  private readonly sendButton = button("Send", "primary", () => this.send());
  private readonly stopButton = button("Stop", "secondary stop", () => this.host.stop());
  private readonly spending = element("span", { className: "spending" });
  private commands: SlashCommand[] = [];
  private withContext = true;
  private ready = false;
  readonly root: HTMLElement;

  constructor(private readonly host: ComposerHost) {
    this.input.setAttribute("aria-controls", this.menu.root.id);
    this.input.addEventListener("input", () => this.typed());
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.input.addEventListener("blur", () => this.closeMenu());
    this.root = element(
      "footer",
      { className: "composer" },
      this.menu.root,
      element(
        "div",
        { className: "box" },
        this.input,
        element(
          "div",
          { className: "row" },
          this.chip,
          element("span", { className: "gap" }),
          this.stopButton,
          this.sendButton,
        ),
      ),
      this.spending,
    );
  }

  show(model: ChatModel): void {
    const running = model.run !== undefined;
    this.commands = model.commands;
    this.input.placeholder = running ? "Steer the agent…" : "Ask the agent, or type / for commands";
    this.stopButton.hidden = !running;
    this.sendButton.textContent = running ? "Steer" : "Send";
    this.ready = model.server.state === "ready";
    this.allowSending();
    this.spending.textContent = describeSpending(total(model));
    this.showChip(model.chip?.label);
  }

  focus(): void {
    this.input.focus();
  }

  get text(): string {
    return this.input.value;
  }

  setText(text: string): void {
    this.input.value = text;
    this.typed();
    this.focus();
  }

  private showChip(label: string | undefined): void {
    this.chip.hidden = label === undefined;
    this.chip.textContent = label ?? "";
    this.chip.ariaPressed = String(this.withContext);
    this.chip.title = this.withContext
      ? `${label} goes along; click to leave it out`
      : `${label} is left out; click to send it along`;
  }

  private toggleContext(): void {
    this.withContext = !this.withContext;
    this.showChip(this.chip.textContent ?? undefined);
  }

  private typed(): void {
    this.grow();
    this.allowSending();
    this.menu.update(this.input.value, this.commands);
    this.tellMenu();
    this.host.draftChanged(this.input.value);
  }

  private allowSending(): void {
    this.sendButton.disabled = !this.ready || this.input.value.trim() === "";
  }

  private grow(): void {
    this.input.rows = Math.min(10, this.input.value.split("\n").length);
  }

  private key(event: KeyboardEvent): void {
    // While an input method composes a word, its keys are not ours.
    if (event.isComposing) {
      return;
    }
    if (this.menu.open && this.menuKey(event.key)) {
      event.preventDefault();
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.send();
    }
  }

  /** Whether the menu took the key. */
  private menuKey(key: string): boolean {
    switch (key) {
      case "ArrowDown":
        this.menu.move(1);
        break;
      case "ArrowUp":
        this.menu.move(-1);
        break;
      case "Enter":
      case "Tab":
        this.menu.accept();
        break;
      case "Escape":
        this.menu.close();
        break;
      default:
        return false;
    }
    this.tellMenu();
    return true;
  }

  private closeMenu(): void {
    this.menu.close();
    this.tellMenu();
  }

  private tellMenu(): void {
    this.input.ariaExpanded = String(this.menu.open);
    this.input.setAttribute("aria-activedescendant", this.menu.activeId ?? "");
  }

  private send(): void {
    const text = this.input.value.trim();
    if (text !== "" && this.ready) {
      this.setText("");
      this.host.send(text, this.withContext);
    }
  }
}

function describeSpending({ tokens, cost }: Spending): string {
  if (tokens === 0) {
    return "";
  }
  const price = cost > 0 ? ` · $${cost.toFixed(cost < 0.1 ? 4 : 2)}` : "";
  return `${tokens.toLocaleString()} tokens${price}`;
}
