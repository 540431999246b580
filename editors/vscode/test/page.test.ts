import assert from "node:assert/strict";
import { test } from "node:test";
import { renderMarkdown } from "../src/webview/markdown";
import { readPrompt } from "../src/webview/promptText";
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

const prompts: [string, string, string, string[]][] = [
  ["nothing", "Go", "Go", []],
  ["a file", 'Go\n\n<context source="/w/a.py"/>', "Go", ["/w/a.py"]],
  [
    "a selection and a file",
    'Go\n\n<context source="/w/a.py" lines="1-2">\nx = 1\n\ny\n</context>\n\n<context source="/w/b.py"/>',
    "Go",
    ["/w/a.py:1-2", "/w/b.py"],
  ],
  [
    "a change that is asked about",
    'Why?\n\n<hunk source="/w/a.py" lines="3-4" status="applied">\n-x\n+y\n</hunk>',
    "Why?",
    ["/w/a.py:3-4"],
  ],
  ["a word about contexts, which is speech", '<context source="x"/> is what?', '<context source="x"/> is what?', []],
];

for (const [name, prompt, text, sources] of prompts) {
  test(`what went along with a prompt stands apart: ${name}`, () => {
    assert.deepEqual(readPrompt(prompt), { text, sources });
  });
}

test("a path in the workspace is shown relative to it", () => {
  assert.equal(displayPath("/w/src/a.py", "/w"), "src/a.py");
  assert.equal(displayPath("/web/a.py", "/w"), "/web/a.py");
  assert.equal(displayPath("C:\\w\\a.py", "C:\\w"), "a.py");
});
