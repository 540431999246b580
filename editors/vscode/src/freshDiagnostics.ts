/** The problems of exactly one version of a document, from all languages servers but ours; or the word that they are unknown. */
import * as vscode from "vscode";
import { Freshness } from "./freshness";
import { openDocument } from "./openDocuments";
import type { DiagnosticsParams } from "./protocol";

/** What our own server calls itself in what it finds. */
const OURS = "a3s";

export class FreshDiagnostics implements vscode.Disposable {
  private readonly versions = new Map<string, { version: number; freshness: Freshness<vscode.Diagnostic> }>();
  private readonly news = new vscode.EventEmitter<void>();
  private readonly subscriptions = [
    vscode.workspace.onDidOpenTextDocument((document) => this.begin(document)),
    vscode.workspace.onDidChangeTextDocument(({ document }) => this.begin(document)),
    vscode.workspace.onDidCloseTextDocument(({ uri }) => this.versions.delete(uri.toString())),
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
        if (document === undefined || document.isClosed || document.version !== version) {
          return finish(undefined);
        }
        const problems = found(document.uri);
        const due = this.versions.get(document.uri.toString())?.freshness.dueIn(Date.now(), problems);
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
    const key = uri.toString();
    if (this.versions.get(key)?.version !== version) {
      this.versions.set(key, { version, freshness: new Freshness(Date.now(), found(uri)) });
    }
  }

  private told(uris: readonly vscode.Uri[]): void {
    const now = Date.now();
    uris.forEach((uri) => this.versions.get(uri.toString())?.freshness.told(now));
    this.news.fire();
  }
}

function found(uri: vscode.Uri): vscode.Diagnostic[] {
  return vscode.languages.getDiagnostics(uri).filter(({ source }) => source !== OURS);
}
