/** Questions of the server: who asks, who may answer, and what is answered when nobody can. */
import * as vscode from "vscode";
import type { Question } from "./chatModel";
import type { ChatStore } from "./chatStore";
import type { Client } from "./client";
import type { DiffDocuments } from "./diffDocuments";
import type { Reply } from "./pageMessages";
import { SCOPE_LABELS, type Choice, type ConfirmAnswer, type ConfirmParams } from "./protocol";

const ALLOW_ONCE = "Allow once";
const ALWAYS_ALLOW = "Always allow";
const DENY = "Deny";
const SHOW_DIFF = "Show diff";

/** Where a question can be seen: in the chat, or, while that is hidden, as a notification. */
export interface Stage {
  readonly visible: boolean;
}

export class Confirmations {
  private readonly waiting = new Map<string, (answer: ConfirmAnswer) => void>();

  constructor(
    private readonly store: ChatStore,
    private readonly diffs: DiffDocuments,
    private readonly stage: Stage,
  ) {}

  /** Asks the person. Resolves when they answer; a question that the server withdraws is taken down. */
  async ask(params: ConfirmParams, withdrawn: vscode.CancellationToken): Promise<ConfirmAnswer> {
    const { toolId } = params;
    this.store.dispatch({ kind: "asked", question: params });
    if (!this.stage.visible) {
      void this.notify(params);
    }
    const answer = new Promise<ConfirmAnswer>((resolve) => this.waiting.set(toolId, resolve));
    const withdrawal = withdrawn.onCancellationRequested(() => this.settle(toolId, { choice: "reject_once" }));
    try {
      return await answer;
    } finally {
      withdrawal.dispose();
      this.store.dispatch({ kind: "settled", toolId });
    }
  }

  /** Answers a question; one that came as an event only (after a restart) is answered by command. */
  async answer(client: Client, toolId: string, { choice, note, accepted, scope }: Reply): Promise<void> {
    const question = this.find(toolId);
    if (question === undefined) {
      return;
    }
    if (this.settle(toolId, { choice, rule: ruleFor(choice, question), note, accepted, scope })) {
      return;
    }
    if (accepted !== undefined) {
      throw new Error("The server has not asked again yet, so it cannot be told which changes to make; try once more.");
    }
    const command = choice.startsWith("allow") ? "a3s.approve" : "a3s.deny";
    await client.execute(command, { toolId, note, remember: choice.endsWith("always"), scope });
    this.store.dispatch({ kind: "settled", toolId });
  }

  /** The question that has waited longest. */
  get oldest(): Question | undefined {
    return this.store.model.questions[0];
  }

  async showDiff(toolId: string): Promise<void> {
    const question = this.find(toolId);
    if (question?.diff) {
      await this.diffs.show(toolId, question.title, question.diff);
    }
  }

  /** The server is gone: nobody waits for these answers. */
  abandon(): void {
    for (const toolId of this.waiting.keys()) {
      this.settle(toolId, { choice: "reject_once" });
    }
  }

  private settle(toolId: string, answer: ConfirmAnswer): boolean {
    const resolve = this.waiting.get(toolId);
    this.waiting.delete(toolId);
    resolve?.(answer);
    return resolve !== undefined;
  }

  private find(toolId: string): Question | undefined {
    return this.store.model.questions.find((question) => question.toolId === toolId);
  }

  /** Asks where the rule is to hold; who does not say is asked the question again. */
  private async allowAlways(question: Question): Promise<void> {
    const scopes = question.scopes ?? [];
    const items = scopes.map((scope) => ({ label: SCOPE_LABELS[scope], scope }));
    const picked =
      items.length > 1
        ? await vscode.window.showQuickPick(items, { title: `Always allow ${question.rule ?? ""}` })
        : { scope: undefined };
    if (picked !== undefined) {
      this.settle(question.toolId, { choice: "allow_always", rule: question.rule ?? undefined, scope: picked.scope });
    } else if (this.waiting.has(question.toolId)) {
      await this.notify(question);
    }
  }

  private async notify(question: Question): Promise<void> {
    const pressed = await vscode.window.showInformationMessage(describe(question), ...buttons(question));
    switch (pressed) {
      case ALLOW_ONCE:
        this.settle(question.toolId, { choice: "allow_once" });
        break;
      case ALWAYS_ALLOW:
        await this.allowAlways(question);
        break;
      case DENY:
        this.settle(question.toolId, { choice: "reject_once" });
        break;
      case SHOW_DIFF:
        await this.showDiff(question.toolId);
        // The button closed the notification; the question still waits.
        if (this.waiting.has(question.toolId)) {
          await this.notify(question);
        }
        break;
      default:
        break;
    }
  }
}

function ruleFor(choice: Choice, question: Question): string | undefined {
  return choice.endsWith("always") ? (question.rule ?? undefined) : undefined;
}

function buttons(question: Question): string[] {
  return [ALLOW_ONCE, ...(question.rule ? [ALWAYS_ALLOW] : []), DENY, ...(question.diff ? [SHOW_DIFF] : [])];
}

function describe(question: Question): string {
  const detail = question.detail ? `: ${question.detail}` : "";
  const rule = question.rule ? ` — “Always allow” keeps the rule ${question.rule}` : "";
  return `${question.title}${detail}${rule}`;
}
