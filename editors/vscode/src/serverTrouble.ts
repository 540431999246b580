/** A server that is not there or will not stay: what the person is told, and the buttons that mend it. */
import * as vscode from "vscode";
import type { ServerView } from "./chatModel";
import type { Log } from "./log";
import type { Remedy } from "./pageMessages";
import { EXECUTABLE } from "./serverPath";
import { SECTION } from "./settings";

const TITLES: Record<Remedy, string> = {
  install: "Install in a terminal",
  choose: "Choose path…",
  restart: "Restart",
  log: "Show log",
};

export class ServerTrouble {
  constructor(
    private readonly restart: () => Promise<void>,
    private readonly log: Log,
  ) {}

  /** Says what is wrong, and does what the person picks. */
  async tell(server: ServerView): Promise<void> {
    const remedies = remediesFor(server);
    const titles = remedies.map((remedy) => TITLES[remedy]);
    const pressed = await vscode.window.showErrorMessage(describe(server), ...titles);
    const remedy = remedies.find((candidate) => TITLES[candidate] === pressed);
    if (remedy !== undefined) {
      await this.apply(remedy);
    }
  }

  async apply(remedy: Remedy): Promise<void> {
    switch (remedy) {
      case "install":
        installInTerminal();
        break;
      case "choose":
        await choosePath();
        break;
      case "restart":
        await this.restart();
        break;
      case "log":
        this.log.show();
        break;
    }
  }
}

function remediesFor(server: ServerView): Remedy[] {
  return server.state === "missing" ? ["install", "choose", "log"] : ["restart", "log"];
}

/** The message is short; the log and the chat name every place. */
function describe({ state, message, tried = [] }: ServerView): string {
  if (state !== "missing") {
    return message ?? "The A3S server has stopped.";
  }
  const places = tried.length > 1 ? `on PATH or at ${tried.at(-1)}` : `at ${tried[0]}`;
  return `The A3S server (${EXECUTABLE}) was not found ${places}; install it or choose its path.`;
}

function installInTerminal(): void {
  const terminal = vscode.window.createTerminal("Install A3S");
  terminal.show();
  terminal.sendText("pipx install a3s-lsp");
}

/** The setting's listener restarts the server. */
async function choosePath(): Promise<void> {
  const picked = await vscode.window.showOpenDialog({ title: `Where is ${EXECUTABLE}?`, openLabel: "Use this one" });
  const file = picked?.[0];
  if (file !== undefined) {
    const settings = vscode.workspace.getConfiguration(SECTION);
    await settings.update("serverPath", file.fsPath, vscode.ConfigurationTarget.Global);
  }
}
