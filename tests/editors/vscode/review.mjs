// What the agent changed, as a person reviews it, with a server that follows the script of fake_review.py.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const TYPED = "# The person types while the agent edits and no key is lost";

export async function review(workbench) {
  await workbench.openFile("data.json");
  await workbench.openFile("main.py");
  const chat = await workbench.showChat();
  await typeAlong(workbench, chat);
  await undoInOneFile(workbench, chat);
  await settleChanges(workbench, chat);
  await chooseHunks(workbench, chat);
  await favours(workbench, chat);
  await rewind(workbench, chat);
}

/** Two documents are edited forty times while somebody types into one of them. */
async function typeAlong(workbench, chat) {
  const { page } = workbench;
  await chat.send("type along");
  await workbench.editor().click();
  await page.keyboard.press("Control+Home");
  await page.keyboard.type(`${TYPED}\n`, { delay: 25 });
  await chat.expect(".text", "All 40 edits are applied");
  await workbench.picture("typed-along");
  await chat.send("save");
  await chat.expect(".text", "Saved: data.json, main.py.");
  assert.equal(read(workbench, "main.py").split("\n")[0], TYPED, "what was typed is there as it was typed");
  for (const name of ["main.py", "data.json"]) {
    const agents = read(workbench, name).split("\n").filter((line) => line.startsWith("agent"));
    assert.deepEqual(agents, Array.from({ length: 40 }, (_, number) => `agent ${number}`));
  }
}

/** What is on the disk. */
function read(workbench, name) {
  return readFileSync(join(dirname(workbench.plan.program), name), "utf8");
}

/** One edit of two documents is a step of undo in each; nothing is asked, nothing opened, and the focus stays. */
async function undoInOneFile(workbench, chat) {
  const { page } = workbench;
  await workbench.editor().click();
  await page.keyboard.press("Control+End");
  await page.keyboard.type("# mine");
  await page.keyboard.press("Enter");
  const tabs = await page.locator(".tab").count();
  await chat.send("edit");
  await chat.expect(".text", "Applied: true.");
  await chat.expectIdle();
  await workbench.expectInEditor("edited = True");
  assert.equal(await page.locator(".tab").count(), tabs, "no tab is opened");
  assert.ok(await chat.input.evaluate((input) => input === document.activeElement), "the focus stays where it was");
  await workbench.tab("data.json").and(page.locator(".dirty")).waitFor();
  await workbench.picture("under-review");

  await workbench.editor().click();
  await page.keyboard.press("Control+Z");
  await workbench.expectNotInEditor("edited = True");
  await workbench.expectInEditor("# mine");
  // In the other document the edit still stands.
  await workbench.statusIcon("diff", "1").waitFor();
  await workbench.tab("data.json").and(page.locator(".dirty")).waitFor();
  assert.equal(await page.locator(".monaco-dialog-box").count(), 0, "undo asks nothing");
  await page.keyboard.press("Control+Y");
  await workbench.expectInEditor("edited = True");

  await chat.send("stale");
  await chat.expect(".text", "Refused: main.py has a newer version than the edit was made for.");
  await workbench.expectNotInEditor("stale");
  await chat.send("half");
  await chat.expect(".text", "Applied in half: False, taken back: True, reason: The editor could not edit gone.py.");
}

/** Lenses, commands and the count in the status bar. */
async function settleChanges(workbench, chat) {
  const { page } = workbench;
  await workbench.statusIcon("diff", "2").waitFor();
  await workbench.editor().click();
  await page.keyboard.press("Control+Home");
  await workbench.command("A3S: Next Change");
  await workbench.status("Ln 48, Col 1").waitFor();
  await workbench.command("A3S: Show Change");
  await workbench.tab("before the change").waitFor();
  await page.locator(".editor.modified .view-lines", { hasText: "edited = True" }).waitFor();
  await page.locator(".editor.original .view-lines", { hasText: "# mine", hasNotText: "edited = True" }).waitFor();
  await workbench.picture("shown-change");
  await workbench.command("View: Close Editor");

  await workbench.lens("Ask").click();
  const question = page.locator(".quick-input-widget input");
  await question.waitFor();
  await question.fill("Why at the end?");
  await workbench.picture("ask");
  await page.keyboard.press("Enter");
  await chat.expect(".user", "Why at the end?");
  await chat.expectIdle();
  await workbench.lens("Keep").click();
  await workbench.statusIcon("diff", "1").waitFor();
  await workbench.lens("Keep").waitFor({ state: "detached" });
  await workbench.command("A3S: Next Change");
  await workbench.tab("data.json").and(page.locator(".active")).waitFor();
  await workbench.command("A3S: Undo All Changes in File");
  await workbench.statusIcon("diff", "").waitFor({ state: "detached" });
}

/** An edit is allowed without one of its parts. */
async function chooseHunks(workbench, chat) {
  await chat.send("choose");
  await chat.card.waitFor();
  await chat.frame.locator(".hunks input").nth(1).uncheck();
  await workbench.picture("choose-hunks");
  await chat.press("Allow once");
  await chat.expect(".text", "You chose allow_once, accepted [0, 2].");
}

/** What the server has the editor do: save is seen above. */
async function favours(workbench, chat) {
  await chat.send("save");
  await chat.expectTimes(".text", "Saved: data.json, main.py.", 2);
  await workbench.openFile("main.py");
  await workbench.page.keyboard.type("# dirty");
  await chat.send("reload");
  await chat.expect(".text", "Reloaded ['data.json'], and I see it.");
  assert.equal(read(workbench, "data.json"), '{"from": "disk"}\n');
  await chat.send("diagnose");
  await chat.expect(".text", "Problems of this version (True): 1 by json; of an older one: {'unknown': True}.");
}

async function rewind(workbench, chat) {
  const { page } = workbench;
  const rows = page.locator(".quick-input-list .monaco-list-row");
  await workbench.command("A3S: Rewind…");
  await rows.filter({ hasText: "bash: make" }).waitFor();
  await workbench.picture("rewind-points");
  await page.keyboard.press("Enter");
  await rows.filter({ hasText: "main.py" }).waitFor();
  await workbench.picture("rewind-preview");
  await page.keyboard.press("Enter");
  const dialog = page.locator(".monaco-dialog-box", { hasText: "build/huge.bin" });
  await dialog.waitFor();
  await workbench.picture("rewind-sure");
  await dialog.getByRole("button", { name: "Rewind", exact: true }).click();
  const toast = workbench.notification("Back to before “edit”");
  await toast.waitFor();
  await chat.expect(".notice", "the conversation keeps 2 messages");
  await workbench.picture("rewound");
  await toast.getByText("Redo").click();
  await chat.expectTimes(".notice", "the conversation keeps 2 messages", 2);
}
