/** What is shown instead of a chat while there is no server. */
import type { ServerView } from "../chatModel";
import type { Remedy } from "../pageMessages";
import { button, element } from "./dom";

/** The panel, or nothing while the server is well. */
export function serverPanel(server: ServerView, apply: (remedy: Remedy) => void): HTMLElement | undefined {
  switch (server.state) {
    case "ready":
      return undefined;
    case "starting":
      return panel("Starting…", server.message ?? "The A3S server is starting.");
    case "stopped":
      return panel(
        "Stopped",
        "The A3S server is not running.",
        button("Start", "primary", () => apply("restart")),
      );
    case "failed":
      return panel(
        "The server does not run",
        server.message ?? "The A3S server has stopped.",
        button("Restart", "primary", () => apply("restart")),
        button("Show log", "secondary", () => apply("log")),
      );
    case "missing":
      return missing(server.tried ?? [], apply);
  }
}

function missing(tried: string[], apply: (remedy: Remedy) => void): HTMLElement {
  const made = panel(
    "The server is not installed",
    "The a3s-lsp executable was not found. Install it, or say where it is.",
    button("Install in a terminal", "primary", () => apply("install")),
    button("Choose path…", "secondary", () => apply("choose")),
    button("Try again", "secondary", () => apply("restart")),
    button("Show log", "secondary", () => apply("log")),
  );
  const places = tried.map((file) => element("li", { textContent: file }));
  made.append(
    element(
      "details",
      {},
      element("summary", { textContent: "Where it was looked for" }),
      element("ul", {}, ...places),
    ),
  );
  return made;
}

function panel(title: string, text: string, ...buttons: HTMLButtonElement[]): HTMLElement {
  return element(
    "section",
    { className: "panel", role: "status" },
    element("h2", { textContent: title }),
    element("p", { textContent: text }),
    element("div", { className: "actions" }, ...buttons),
  );
}
