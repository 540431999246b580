/** The connection to the server: started, stopped, restarted on request, and started again after a crash. */
import { accessSync, constants, statSync } from "node:fs";
import { homedir } from "node:os";
import * as vscode from "vscode";
import {
  CloseAction,
  ErrorAction,
  type ExecuteCommandParams,
  LanguageClient,
  type LanguageClientOptions,
  type Middleware,
  RevealOutputChannelOn,
} from "vscode-languageclient/node";
import type { ServerView } from "./chatModel";
import { Crashes } from "./crashes";
import { type Log, messageOf } from "./log";
import {
  type A3sEvent,
  COMMANDS,
  CONFIRM,
  type Commands,
  type ConfirmAnswer,
  type ConfirmParams,
  DIAGNOSTICS,
  type DiagnosticsParams,
  EVENT,
  type HunkQuestion,
  HUNKS,
  type HunksParams,
  PROTOCOL,
  RELOAD,
  SAVE,
  type ServerCapabilities,
  type SlashCall,
  type SlashCommand,
} from "./protocol";
import { EXECUTABLE, findServer, type Machine } from "./serverPath";
import { SECTION, serverOptions, serverPath } from "./settings";
import { applyEach, documentEdits } from "./workspaceEdits";

/** Who hears what the server says. */
export interface Listener {
  event(event: A3sEvent): void;
  confirm(params: ConfirmParams, withdrawn: vscode.CancellationToken): Promise<ConfirmAnswer>;
  hunks(params: HunksParams): void;
  /** There are other slash commands than before. */
  commands(): void;
  save(uris: string[]): Promise<string[]>;
  reload(uris: string[]): Promise<string[]>;
  /** The problems of this version from other servers; undefined if they are not known. */
  diagnostics(params: DiagnosticsParams): Promise<vscode.Diagnostic[] | undefined>;
  /** A code lens or a code action asks about a hunk, and the person has not yet said what. */
  askAbout(question: HunkQuestion): Promise<void>;
  /** A command of the server was run from elsewhere (a key, a code lens) and had something to say. */
  commandSaid(command: string, text: string): void;
}

const machine: Machine = {
  env: process.env,
  home: homedir(),
  windows: process.platform === "win32",
  isExecutable,
};

/** Failures go to the log only: what the person has to know of them is said once, from the client's state. */
class QuietLanguageClient extends LanguageClient {
  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }
}

export class Client implements vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<ServerView>();
  readonly onDidChangeState = this.changed.event;
  private readonly crashes = new Crashes();
  private view: ServerView = { state: "stopped" };
  private connection: LanguageClient | undefined;
  /** The slash commands since the server said hello, if they changed. */
  private laterCommands: SlashCommand[] | undefined;
  private restarting: Promise<void> | undefined;
  private restartAgain = false;
  private revival: NodeJS.Timeout | undefined;

  constructor(
    private readonly listener: Listener,
    private readonly log: Log,
  ) {}

  get state(): ServerView {
    return this.view;
  }

  /** The slash commands of the server. */
  get commands(): SlashCommand[] {
    return this.laterCommands ?? this.capabilities?.commands ?? [];
  }

  /** Starts the server, or starts it anew. Calls that come while it is starting are answered by one more start. */
  restart(): Promise<void> {
    this.crashes.forget();
    return this.startOver();
  }

  async stop(): Promise<void> {
    clearTimeout(this.revival);
    await this.restarting;
    await this.disconnect();
    this.become({ state: "stopped" });
  }

  /** Runs one of the server's commands. Rejects with a message that says what to do. */
  execute<C extends keyof Commands>(command: C, argument: Commands[C]["argument"]): Promise<Commands[C]["answer"]> {
    return this.send(command, argument);
  }

  /** Runs a slash command. */
  executeSlash(name: string, argument: SlashCall["argument"]): Promise<SlashCall["answer"]> {
    return this.send(`a3s.${name}`, argument);
  }

  dispose(): void {
    this.changed.dispose();
  }

  private get capabilities(): ServerCapabilities | undefined {
    const experimental = this.connection?.initializeResult?.capabilities.experimental as
      { a3s?: ServerCapabilities } | undefined;
    return experimental?.a3s;
  }

  private async send<A>(command: string, argument: object): Promise<A> {
    const { connection } = this;
    if (connection === undefined || this.view.state !== "ready") {
      throw new Error("The A3S server is not running; restart it, or look at the log.");
    }
    const params: ExecuteCommandParams = { command, arguments: [argument] };
    try {
      return await connection.sendRequest<A>("workspace/executeCommand", params);
    } catch (error) {
      throw connection === this.connection ? error : new Error("The A3S server stopped before it answered.");
    }
  }

  private startOver(): Promise<void> {
    clearTimeout(this.revival);
    if (this.restarting === undefined) {
      this.restarting = this.startUntilSettled().finally(() => (this.restarting = undefined));
    } else {
      this.restartAgain = true;
    }
    return this.restarting;
  }

  private async startUntilSettled(): Promise<void> {
    do {
      this.restartAgain = false;
      await this.disconnect();
      await this.connect();
    } while (this.restartAgain);
  }

  private async connect(): Promise<void> {
    const search = findServer(serverPath(), machine);
    if ("tried" in search) {
      this.log.error(`No ${EXECUTABLE} at: ${search.tried.join(", ")}`);
      this.become({ state: "missing", tried: search.tried });
      return;
    }
    this.become({ state: "starting" });
    this.log.info(`Starting ${search.found}`);
    const connection = this.createConnection(search.found);
    this.connection = connection;
    try {
      await connection.start();
    } catch (error) {
      this.log.error(`The server did not start: ${messageOf(error)}`);
      this.crashed(connection);
      return;
    }
    if (this.connection === connection) {
      this.welcome();
    }
  }

  private welcome(): void {
    const protocol = this.capabilities?.protocol;
    if (protocol === PROTOCOL) {
      this.become({ state: "ready" });
    } else {
      this.become({
        state: "failed",
        message: `This extension speaks version ${PROTOCOL} of the A3S protocol and the server ${protocol ?? "none"}; update the older one.`,
      });
    }
  }

  private async disconnect(): Promise<void> {
    const connection = this.connection;
    this.connection = undefined;
    this.laterCommands = undefined;
    if (connection?.isRunning()) {
      await connection.stop().catch((error: unknown) => this.log.warn(`The server did not stop: ${messageOf(error)}`));
    }
  }

  /** Called once for each connection that ended without being asked to. */
  private crashed(connection: LanguageClient): void {
    if (connection !== this.connection) {
      return;
    }
    this.connection = undefined;
    const delay = this.crashes.count(Date.now());
    if (delay === undefined) {
      this.become({ state: "failed", message: "The A3S server stopped three times in a row; the log says why." });
      return;
    }
    this.become({ state: "starting", message: "The server stopped; it is being started again." });
    this.revival = setTimeout(() => void this.startOver(), delay);
  }

  private createConnection(command: string): LanguageClient {
    const cwd = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
    const connection: LanguageClient = new QuietLanguageClient(
      SECTION,
      "A3S",
      { command, args: ["--stdio"], options: { cwd } },
      this.connectionOptions(() => connection),
    );
    connection.onNotification(EVENT, (event: A3sEvent) => this.listener.event(event));
    connection.onNotification(COMMANDS, ({ commands }: { commands: SlashCommand[] }) => {
      this.laterCommands = commands;
      this.listener.commands();
    });
    connection.onRequest(CONFIRM, (params: ConfirmParams, token: vscode.CancellationToken) =>
      this.listener.confirm(params, token),
    );
    this.serveDocuments(connection);
    return connection;
  }

  private serveDocuments(connection: LanguageClient): void {
    const { listener } = this;
    connection.onNotification(HUNKS, (params: HunksParams) => listener.hunks(params));
    connection.onRequest(SAVE, async ({ uris }: { uris: string[] }) => ({ saved: await listener.save(uris) }));
    connection.onRequest(RELOAD, async ({ uris }: { uris: string[] }) => ({ reloaded: await listener.reload(uris) }));
    connection.onRequest(DIAGNOSTICS, async (params: DiagnosticsParams) => {
      const found = await listener.diagnostics(params);
      return found === undefined
        ? { unknown: true }
        : { version: params.version, items: await connection.code2ProtocolConverter.asDiagnostics(found) };
    });
  }

  private connectionOptions(connection: () => LanguageClient): LanguageClientOptions {
    return {
      // Every document, so that the server sees every keystroke wherever it is made.
      documentSelector: [{ scheme: "file" }, { scheme: "untitled" }],
      initializationOptions: () => ({ a3s: serverOptions() }),
      outputChannel: this.log,
      revealOutputChannelOn: RevealOutputChannelOn.Never,
      middleware: this.middleware(connection),
      initializationFailedHandler: () => false,
      errorHandler: {
        error: () => ({ action: ErrorAction.Continue, handled: true }),
        closed: () => {
          this.crashed(connection());
          return { action: CloseAction.DoNotRestart, handled: true };
        },
      },
    };
  }

  private middleware(connection: () => LanguageClient): Middleware {
    return {
      workspace: {
        didChangeConfiguration: async () => {
          const settings = { [SECTION]: serverOptions() };
          await this.connection?.sendNotification("workspace/didChangeConfiguration", { settings });
        },
        configuration: async (params, token, next) => {
          const answers: unknown = await next(params, token);
          return Array.isArray(answers)
            ? params.items.map((item, i): unknown => (item.section === SECTION ? serverOptions() : answers[i]))
            : [];
        },
        handleApplyEdit: (params, whole) => {
          const edits = documentEdits(params.edit);
          return edits === undefined
            ? whole(params, new vscode.CancellationTokenSource().token)
            : applyEach(edits, (edit) => connection().protocol2CodeConverter.asWorkspaceEdit(edit));
        },
      },
      executeCommand: async (command, args: unknown[], next) => {
        if (command === "a3s.hunk.ask" && isOpenQuestion(args[0])) {
          return this.listener.askAbout(args[0]);
        }
        const answer: unknown = await next(command, args);
        if (saysText(answer)) {
          this.listener.commandSaid(command, answer.text);
        }
        return answer;
      },
    };
  }

  private become(view: ServerView): void {
    this.view = view;
    this.changed.fire(view);
  }
}

/** Whether the person was not asked yet what they want to know. */
function isOpenQuestion(argument: unknown): argument is HunkQuestion {
  return typeof argument === "object" && argument !== null && "hunkId" in argument && !("text" in argument);
}

function saysText(answer: unknown): answer is SlashCall["answer"] {
  return typeof answer === "object" && answer !== null && "text" in answer && typeof answer.text === "string";
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
