/** The settings section `a3s`, as the server wants it. */
import * as vscode from "vscode";
import type { Options } from "./protocol";

export const SECTION = "a3s";

/** The path that the person chose, or nothing. */
export function serverPath(): string {
  return vscode.workspace.getConfiguration(SECTION).get<string>("serverPath", "").trim();
}

/** What the server is told; a setting that is empty is left out, so that `agent.acl` decides. */
export function serverOptions(): Options {
  const settings = vscode.workspace.getConfiguration(SECTION);
  const set = (name: string) => settings.get<string>(name)?.trim() || undefined;
  return {
    config: set("config"),
    model: set("model"),
    posture: set("posture"),
    review: set("review"),
    remember: set("remember"),
    unsaved: set("unsaved"),
    planning: set("planning"),
    client: { events: true, confirm: true, hunks: true, save: true, reload: true, diagnostics: true, commands: true },
  };
}
