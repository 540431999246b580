/** Elements without a framework: made in one expression, reconciled by identity. */

/** An element with properties and children; text is always text, never HTML. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Partial<HTMLElementTagNameMap[K]> = {},
  ...children: (Node | string | undefined)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  Object.assign(made, properties);
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

export function button(text: string, className: string, onclick: () => void): HTMLButtonElement {
  return element("button", { type: "button", className, textContent: text, onclick });
}

/**
 * Elements for a list of values that grows at its end: one is made again only when its value is another object.
 */
export class KeyedList<T extends object> {
  private readonly shown = new Map<string, { value: T; node: HTMLElement }>();

  constructor(
    private readonly container: HTMLElement,
    private readonly key: (value: T) => string,
    private readonly render: (value: T, previous: HTMLElement | undefined) => HTMLElement,
  ) {}

  show(values: T[]): void {
    this.forget(new Set(values.map(this.key)));
    for (const value of values) {
      this.place(this.key(value), value);
    }
  }

  private place(key: string, value: T): void {
    const known = this.shown.get(key);
    if (known?.value === value) {
      return;
    }
    const node = this.render(value, known?.node);
    if (known === undefined) {
      this.container.append(node);
    } else if (known.node !== node) {
      known.node.replaceWith(node);
    }
    this.shown.set(key, { value, node });
  }

  private forget(kept: Set<string>): void {
    for (const [key, { node }] of this.shown) {
      if (!kept.has(key)) {
        node.remove();
        this.shown.delete(key);
      }
    }
  }
}
