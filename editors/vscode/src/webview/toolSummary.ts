/** A tool call in one line. Pure. */
import type { ToolItem } from "../chatModel";
import type { Json } from "../protocol";

/** The arguments as far as they are known: announced, or what the model has written of them. */
export function argumentsOf(tool: ToolItem): Json {
  if (tool.args !== undefined) {
    return tool.args;
  }
  try {
    const parsed: unknown = JSON.parse(tool.input || "{}");
    return typeof parsed === "object" && parsed !== null ? (parsed as Json) : {};
  } catch {
    return {};
  }
}

/** What the call is about: its first argument that is a line of text. */
export function subjectOf(args: Json): string {
  const texts = Object.values(args).filter((value): value is string => typeof value === "string" && value !== "");
  const subject = texts.find((text) => !text.includes("\n")) ?? texts[0] ?? "";
  return subject.split("\n", 1)[0] ?? "";
}

/** A path as it is shown: relative to the workspace where it is below it. */
export function displayPath(path: string, workspace: string): string {
  const root = /[/\\]$/.test(workspace) ? workspace : `${workspace}${workspace.includes("\\") ? "\\" : "/"}`;
  return workspace && path.startsWith(root) ? path.slice(root.length) : path;
}
