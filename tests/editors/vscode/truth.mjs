// The real server and a scripted model: an edit of three files in one call, of which one is open and dirty, one open and
// clean, and one closed, while the person types.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const FIRST = "# I began this before the agent was done ";
const SECOND = "and I go on while its edit arrives";
const TYPED = FIRST + SECOND;

export async function truth(workbench) {
  const disk = (name) => readFileSync(join(dirname(workbench.plan.program), name), "utf8");
  await workbench.openFile("clean.py");
  await workbench.openFile("main.py");
  const chat = await workbench.showChat();
  await chat.expect(".welcome", "What shall we work on?");
  const before = { "main.py": disk("main.py"), "clean.py": disk("clean.py") };
  await typeMeanwhile(workbench, chat);
  for (const [name, text] of Object.entries(before)) {
    assert.equal(disk(name), text, "the edit of an open document belongs to the buffer");
  }
  assert.equal(disk("closed.py"), "print(new_name)\n", "the edit of a closed file belongs to the disk");
  await takeBack(workbench);
  await undoOncePerFile(workbench, chat);
  await rewind(workbench, () => disk("closed.py"));
}

async function typeMeanwhile(workbench, chat) {
  const { page } = workbench;
  await chat.send("Rename old_name to new_name");
  await workbench.editor().click();
  await page.keyboard.press("Control+Home");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.type(FIRST, { delay: 15 });
  await workbench.tab("main.py").and(page.locator(".dirty")).waitFor();
  writeFileSync(workbench.plan.go, "go");
  await page.keyboard.type(SECOND, { delay: 70 });
  await chat.expect(".text", "Renamed everywhere.");
  assert.deepEqual(await chat.frame.locator(".tool.failed .output").allTextContents(), []);
  await workbench.expectInEditor(TYPED);
  await workbench.expectInEditor("def new_name() -> int:");
  await workbench.expectInEditor("print(new_name())");
  await workbench.tab("clean.py").and(page.locator(".dirty")).waitFor();
  await workbench.statusIcon("diff", "4").waitFor();
  assert.equal(await page.locator(".tab").count(), 2, "no tab is opened");
  await workbench.picture("under-review");
}

/** In the editor, by command, and kept with a lens: the ledger counts what is left. */
async function takeBack(workbench) {
  await workbench.command("A3S: Undo All Changes in File");
  await workbench.expectInEditor("def old_name() -> int:");
  await workbench.expectInEditor(TYPED);
  await workbench.statusIcon("diff", "2").waitFor();
  await workbench.openFile("clean.py");
  await workbench.editor().click();
  await workbench.page.keyboard.press("Control+Z");
  await workbench.expectInEditor("old_name = 1");
  await workbench.statusIcon("diff", "1").waitFor();
  await workbench.openFile("closed.py");
  await workbench.expectInEditor("print(new_name)");
  await workbench.picture("closed");
  await workbench.lens("Keep").click();
  await workbench.statusIcon("diff", "").waitFor({ state: "detached" });
}

/** The model hears what became of its changes; what it does then is one step of undo in each document. */
async function undoOncePerFile(workbench, chat) {
  const { page } = workbench;
  await workbench.openFile("main.py");
  await chat.send("Again");
  await chat.expect(".text", "My last message was: [What became of your changes");
  const said = await chat.frame.locator(".text", { hasText: "My last message was" }).innerText();
  for (const part of ["kept 1 of 4 hunks", "of clean.py (line 1) undone", "of main.py (line 1) undone"]) {
    assert.ok(said.includes(part), `the model was not told "${part}": ${said}`);
  }
  await chat.expect(".notice", "The agent was told: What became of your changes");
  await chat.expect(".text", "Renamed again.");
  await workbench.expectInEditor("def other_name() -> int:");
  await workbench.statusIcon("diff", "3").waitFor();
  await workbench.picture("told");
  await workbench.editor().click();
  await page.keyboard.press("Control+Z");
  await workbench.expectInEditor("def old_name() -> int:");
  await workbench.expectInEditor("print(old_name())");
  await workbench.expectInEditor(TYPED);
  await workbench.statusIcon("diff", "1").waitFor();
  await workbench.openFile("clean.py");
  await workbench.expectInEditor("other_name = 1");
  await workbench.editor().click();
  await page.keyboard.press("Control+Z");
  await workbench.expectInEditor("old_name = 1");
  await workbench.statusIcon("diff", "").waitFor({ state: "detached" });
}

/** To before the first prompt, and forth again: nothing that was typed since is lost. */
async function rewind(workbench, closed) {
  const { page } = workbench;
  const rows = page.locator(".quick-input-list .monaco-list-row");
  await workbench.command("A3S: Rewind…");
  await rows.filter({ hasText: "Rename old_name to new_name" }).click();
  await rows.filter({ hasText: "closed.py" }).waitFor();
  await workbench.picture("rewind-preview");
  await rows.filter({ hasText: "Files and conversation" }).click();
  await page.locator(".monaco-dialog-box").getByRole("button", { name: "Rewind", exact: true }).click();
  const toast = workbench.notification("Back to before");
  await toast.waitFor();
  assert.equal(closed(), "print(old_name)\n");
  await toast.getByText("Redo").click();
  await workbench.openFile("closed.py");
  await workbench.expectInEditor("print(new_name)");
  await workbench.openFile("main.py");
  await workbench.expectInEditor(TYPED);
}
