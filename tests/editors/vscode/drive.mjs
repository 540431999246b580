// Drives a real VS Code in a browser as a person would: node drive.mjs PLAN, where PLAN is a file written by
// test_extension.py. Ends with 1 and a picture of the page when something that should be seen is not.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { review } from "./review.mjs";
import { truth } from "./truth.mjs";
import { PATIENCE, Workbench } from "./workbench.mjs";

const plan = JSON.parse(readFileSync(process.argv[2], "utf8"));
const { chromium } = createRequire(import.meta.url)(plan.playwright);

/** A whole conversation with a server that follows a script. */
async function conversation(workbench) {
  const chat = await workbench.showChat();
  await chat.expect(".welcome", "What shall we work on?");
  await workbench.picture("welcome");
  await chat.send("What is here?");
  await chat.expect(".text strong", "what is on your screen");
  await chat.expectIdle();
  await chat.expect(".spending", "1,234 tokens · $0.0042");
  await workbench.picture("answer");

  await chat.input.press("/");
  await chat.expect(".slash-menu [aria-selected=true]", "/help");
  await chat.input.press("ArrowDown");
  await workbench.picture("slash-commands");
  await chat.input.press("Tab");
  assert.equal(await chat.input.inputValue(), "/history ");
  await chat.send("/history 3");
  await chat.expect(".text code", "a3s.history");

  await approveAnEdit(workbench, chat);
  await denyWithANote(workbench, chat);
  await stopARun(workbench, chat);
  await answerWhileHidden(workbench, chat);
  await resumeASession(workbench);
}

async function approveAnEdit(workbench, chat) {
  await chat.send("rename old_name to new_name");
  await chat.card.waitFor();
  await workbench.expectInEditor("old_name");
  await workbench.picture("question");
  await chat.press("Show diff");
  await workbench.page.locator(".tab", { hasText: "Edit a file.diff" }).waitFor();
  await workbench.picture("diff");
  await workbench.page.locator(".tab", { hasText: "main.py" }).click();
  await chat.press("Allow once");
  await workbench.expectInEditor("new_name");
  await workbench.page.locator(".tab.dirty", { hasText: "main.py" }).waitFor();
  assert.match(readFileSync(plan.program, "utf8"), /old_name/, "an edit belongs to the buffer, not to the disk");
  await chat.expect(".tool.done", "edit");
  await chat.expect(".files", "main.py");
  await chat.expectIdle();
  await chat.frame.locator(".tool.done summary").first().click();
  await workbench.picture("edited");
  await workbench.editor().click();
  await workbench.page.keyboard.press("Control+Z");
  await workbench.expectInEditor("old_name");
}

async function denyWithANote(workbench, chat) {
  await chat.send("rename old_name to other_name");
  await chat.card.waitFor();
  await chat.press("Deny with note…");
  const note = chat.frame.locator(".note-form input");
  await note.fill("leave it");
  await workbench.picture("deny-with-note");
  await note.press("Enter");
  await chat.expect(".tool.denied", "edit");
  await chat.expect(".files .note", "leave it");
  await chat.expectIdle();
  await workbench.expectInEditor("old_name");
}

async function stopARun(workbench, chat) {
  await chat.send("wait");
  await chat.expect(".text", "Working until you stop me");
  await workbench.picture("working");
  await chat.press("Stop");
  await chat.expect(".notice", "Stopped.");
  await chat.expectIdle();
  await chat.send("rename old_name to third_name");
  await chat.card.waitFor();
  await chat.press("Stop");
  await chat.card.waitFor({ state: "detached" });
  await chat.expectIdle();
}

async function answerWhileHidden(workbench, chat) {
  await chat.send("rename old_name to new_name when saved");
  await chat.expect(".text", "I shall rename");
  await workbench.page.keyboard.press("Control+Shift+E");
  await workbench.page.locator(".explorer-viewlet").waitFor();
  await workbench.editor().click();
  await workbench.page.keyboard.press("Control+S");
  const toast = workbench.notification("Edit a file");
  await toast.waitFor();
  await workbench.status("A3S asks").waitFor();
  await workbench.picture("notification");
  await toast.getByText("Allow once").click();
  await workbench.expectInEditor("new_name");
  await workbench.status("A3S asks").waitFor({ state: "detached" });
}

async function resumeASession(workbench) {
  await workbench.command("A3S: New Session");
  const fresh = await workbench.showChat();
  await fresh.expect(".welcome", "What shall we work on?");
  await workbench.command("A3S: Sessions…");
  await workbench.page.locator(".quick-input-list .monaco-list-row", { hasText: "What is here?" }).waitFor();
  await workbench.picture("sessions");
  await workbench.page.keyboard.press("ArrowDown");
  await workbench.page.keyboard.press("Enter");
  await fresh.expect(".user", "What is here?");
  await fresh.expect(".tool.denied", "edit");
  await fresh.expectIdle();
  await workbench.command("Preferences: Toggle between Light/Dark Themes");
  await workbench.page.locator(".monaco-workbench.vs").waitFor();
  await workbench.picture("resumed-light");
}

/** No server, then one that will not stay. */
async function trouble(workbench) {
  const toast = workbench.notification("was not found at /nowhere/a3s-lsp");
  await toast.waitFor();
  const chat = await workbench.showChat();
  await chat.expect(".panel", "The server is not installed");
  await chat.frame.locator(".panel summary").click();
  await chat.expect(".panel li", "/nowhere/a3s-lsp");
  await workbench.picture("missing");
  for (const remedy of ["Install in a terminal", "Choose path…", "Show log"]) {
    await toast.getByText(remedy).waitFor();
  }
  writeFileSync(plan.machineSettings, JSON.stringify({ "a3s.serverPath": plan.fakeServer }));
  await chat.expect(".welcome", "What shall we work on?");
  for (const crash of [1, 2, 3]) {
    await chat.send("crash");
    await chat.frame.locator(".panel", { hasText: crash < 3 ? "being started again" : "The server does not run" }).waitFor();
    if (crash < 3) {
      await chat.frame.locator(".panel").waitFor({ state: "detached" });
    }
  }
  await workbench.notification("stopped three times in a row").waitFor();
  await chat.press("Show log");
  // The panel opens; what is in it cannot be seen, since this editor is installed without native logging.
  await workbench.page.locator(".part.panel", { hasText: "Output" }).waitFor();
  await workbench.picture("crashed");
  await chat.press("Restart");
  await chat.frame.locator(".panel").waitFor({ state: "detached" });
  await chat.send("Are you there?");
  await chat.expect(".text strong", "what is on your screen");
}

/** The real server with the offline assistant: it sees what was typed and not saved, asks, and edits the buffer. */
async function rename(workbench) {
  await workbench.editor().click();
  await workbench.page.keyboard.type("print(old_name() + 1)");
  const chat = await workbench.showChat();
  await chat.expect(".welcome", "What shall we work on?");
  await chat.send("rename old_name to new_name");
  await chat.card.waitFor();
  await chat.expect(".question .added", "print(new_name() + 1)");
  await chat.expect(".user .along", /^main\.py$/);
  await workbench.picture("question");
  await chat.press("Allow once");
  await workbench.expectInEditor("print(new_name() + 1)");
  await chat.expectIdle();
  await workbench.picture("renamed");
  const disk = readFileSync(plan.program, "utf8");
  assert.ok(disk.includes("old_name") && !disk.includes("+ 1"), "an edit belongs to the buffer, not to the disk");
  await workbench.editor().click();
  await workbench.page.keyboard.press("Control+Z");
  await workbench.expectInEditor("print(old_name() + 1)");
  await chat.input.press("/");
  await workbench.picture("slash-commands");
}

const scenarios = { conversation, trouble, rename, review, truth };

const browser = await chromium.launch({ executablePath: plan.chromium, args: ["--no-sandbox"] });
const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
page.setDefaultTimeout(PATIENCE);
const workbench = new Workbench(page, plan);
try {
  await workbench.open();
  await scenarios[plan.scenario](workbench);
} catch (error) {
  await workbench.picture("failed");
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
} finally {
  await browser.close();
}
