/** The problems of exactly one version of a document, from all linters but our server; or that they are not known. */
import * as vscode from "vscode";
import { Freshness } from "./freshness";
import { openDocument } from "./openDocuments";
import type { DiagnosticsParams } from "./protocol";

/** What our own server calls itself in what it finds. */
const OURS = "a3s";

/** A linter that tells nothing for so long after a change, not even that there are no problems, is not there. */
const SILENCE_MS = 10_000;

interface Watched {
  /** When the document was changed first. */
  changedAt?: number;
  /** Whether anything was ever told of it. */
  told: boolean;
  version: number;
  freshness: Freshness<vscode.Diagnostic>;
}

export class FreshDiagnostics implements vscode.Disposable {
  private readonly watched = new Map<string, Watched>();
  private readonly news = new vscode.EventEmitter<void>();
  private readonly subscriptions = [
    vscode.workspace.onDidOpenTextDocument((document) => this.begin(document)),
    vscode.workspace.onDidChangeTextDocument(({ document }) => this.begin(document)),
    vscode.workspace.onDidCloseTextDocument(({ uri }) => this.watched.delete(uri.toString())),
    vscode.languages.onDidChangeDiagnostics(({ uris }) => this.told(uris)),
  ];

  constructor() {
    vscode.workspace.textDocuments.forEach((document) => this.begin(document));
  }

  /** Waits for them, but not for longer than was asked; undefined if they are not known. */
  of({ uri, version, waitMs }: DiagnosticsParams): Promise<vscode.Diagnostic[] | undefined> {
    const document = openDocument(uri);
    return new Promise((resolve) => {
      let quiet: NodeJS.Timeout | undefined;
      const finish = (answer: vscode.Diagnostic[] | undefined) => {
        clearTimeout(quiet);
        clearTimeout(patience);
        listeners.dispose();
        resolve(answer);
      };
      const look = () => {
        clearTimeout(quiet);
        const watched = document && this.watched.get(document.uri.toString());
        if (document === undefined || watched?.version !== version || isSilent(watched)) {
          return finish(undefined);
        }
        const problems = found(document.uri);
        const due = watched.freshness.dueIn(Date.now(), problems);
        if (due === 0) {
          return finish(problems);
        }
        quiet = due === undefined ? undefined : setTimeout(look, due);
      };
      const patience = setTimeout(() => finish(undefined), waitMs);
      const listeners = vscode.Disposable.from(this.news.event(look), vscode.workspace.onDidChangeTextDocument(look));
      look();
    });
  }

  dispose(): void {
    vscode.Disposable.from(...this.subscriptions, this.news).dispose();
  }

  private begin({ uri, version }: vscode.TextDocument): void {
    const known = this.watched.get(uri.toString());
    if (known?.version !== version) {
      const now = Date.now();
      const changedAt = known && (known.changedAt ?? now);
      const freshness = new Freshness(now, found(uri));
      this.watched.set(uri.toString(), { changedAt, told: known?.told ?? false, version, freshness });
    }
  }

  private told(uris: readonly vscode.Uri[]): void {
    const now = Date.now();
    for (const uri of uris) {
      const watched = this.watched.get(uri.toString());
      if (watched !== undefined) {
        watched.told = true;
        watched.freshness.told(now);
      }
    }
    this.news.fire();
  }
}

function isSilent({ changedAt, told }: Watched): boolean {
  return !told && changedAt !== undefined && Date.now() - changedAt > SILENCE_MS;
}

function found(uri: vscode.Uri): vscode.Diagnostic[] {
  return vscode.languages.getDiagnostics(uri).filter(({ source }) => source !== OURS);
}
