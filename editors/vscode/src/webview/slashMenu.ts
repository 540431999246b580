/** The list of slash commands under the cursor: what matches, and which one is chosen. */
import type { SlashCommand } from "../protocol";
import { element } from "./dom";

export class SlashMenu {
  readonly root = element("ul", {
    id: "slash-menu",
    className: "slash-menu",
    hidden: true,
    role: "listbox",
    ariaLabel: "Slash commands",
  });
  private matches: SlashCommand[] = [];
  private chosen = 0;

  constructor(private readonly pick: (command: SlashCommand) => void) {}

  get open(): boolean {
    return this.matches.length > 0;
  }

  /** The id of the chosen row, for `aria-activedescendant`. */
  get activeId(): string | undefined {
    return this.open ? rowId(this.chosen) : undefined;
  }

  /** Shows the commands that begin as the text does; nothing once the name is complete. */
  update(text: string, commands: SlashCommand[]): void {
    const typed = /^\/(\S*)$/.exec(text)?.[1];
    this.matches = typed === undefined ? [] : commands.filter(({ name }) => name.startsWith(typed));
    this.chosen = 0;
    this.show();
  }

  close(): void {
    this.matches = [];
    this.show();
  }

  move(by: number): void {
    this.chosen = (this.chosen + by + this.matches.length) % this.matches.length;
    this.show();
  }

  accept(): void {
    const command = this.matches[this.chosen];
    this.close();
    if (command !== undefined) {
      this.pick(command);
    }
  }

  private show(): void {
    this.root.hidden = !this.open;
    this.root.replaceChildren(...this.matches.map((command, at) => this.row(command, at)));
    this.root.children[this.chosen]?.scrollIntoView({ block: "nearest" });
  }

  private row({ name, description }: SlashCommand, at: number): HTMLElement {
    return element(
      "li",
      {
        id: rowId(at),
        role: "option",
        ariaSelected: String(at === this.chosen),
        // Not on click: the input would lose the focus first.
        onmousedown: (event) => {
          event.preventDefault();
          this.chosen = at;
          this.accept();
        },
      },
      element("span", { className: "name", textContent: `/${name}` }),
      element("span", { className: "description", textContent: description }),
    );
  }
}

function rowId(at: number): string {
  return `slash-${at}`;
}
