import assert from "node:assert/strict";
import { test } from "node:test";
import { renderMarkdown } from "../src/webview/markdown";
import { argumentsOf, displayPath, subjectOf } from "../src/webview/toolSummary";
import type { ToolItem } from "../src/chatModel";

function tool(input: string): ToolItem {
  return { kind: "tool", id: "0", toolId: "t", name: "bash", input, output: "", status: "writing", files: [] };
}

const unsafe: [string, string][] = [
  ["HTML", "<img src=x onerror=alert(1)>"],
  ["a picture, which would tell others what is read", "![x](https://example.org/leak)"],
  ["a command link", "[run](command:workbench.action.quit)"],
  ["a script link", "[run](javascript:alert(1))"],
];

for (const [name, text] of unsafe) {
  test(`the model cannot smuggle in ${name}`, () => {
    const html = renderMarkdown(text);
    assert.doesNotMatch(html, /<img|href="(command|javascript)/);
  });
}

test("markdown links to the web stay links", () => {
  assert.match(renderMarkdown("[docs](https://example.org)"), /<a href="https:\/\/example.org">docs<\/a>/);
});

test("arguments that are still being written are no arguments yet", () => {
  assert.deepEqual(argumentsOf(tool('{"command": "l')), {});
  assert.deepEqual(argumentsOf(tool('{"command": "ls"}')), { command: "ls" });
});

test("a call is about its first line of text", () => {
  assert.equal(subjectOf({ count: 1, content: "many\nlines", path: "a.py" }), "a.py");
  assert.equal(subjectOf({ content: "many\nlines" }), "many");
  assert.equal(subjectOf({}), "");
});

test("a path in the workspace is shown relative to it", () => {
  assert.equal(displayPath("/w/src/a.py", "/w"), "src/a.py");
  assert.equal(displayPath("/work/a.py", "/w"), "/work/a.py");
  assert.equal(displayPath("C:\\w\\a.py", "C:\\w"), "a.py");
});
