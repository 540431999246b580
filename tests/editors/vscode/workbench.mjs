// A VS Code in a browser, and the chat in its side bar, as a person uses them.
import assert from "node:assert/strict";
import { join } from "node:path";

export const PATIENCE = 15_000;

export class Workbench {
  constructor(page, plan) {
    this.page = page;
    this.plan = plan;
    this.pictures = 0;
  }

  async open() {
    await this.page.goto(this.plan.url);
    await this.page.locator(".monaco-workbench .statusbar").waitFor({ timeout: 60_000 });
    await this.openFile("main.py");
    await this.expectInEditor("def ");
  }

  async openFile(name) {
    await this.choose("Control+P", name, name);
    await this.tab(name).and(this.page.locator(".active")).waitFor();
  }

  /** Types into the box that a key opens, and takes the row with this text. */
  async choose(key, typed, row) {
    const deadline = Date.now() + PATIENCE;
    // What the last choice does may still take the focus, and with it close the box.
    while (!(await this.tryToChoose(key, typed, row))) {
      assert.ok(Date.now() < deadline, `There is no "${row}" to choose.`);
    }
    // What asks for more has the box open again, with something else in it.
    await this.page.waitForFunction((text) => {
      const input = document.querySelector(".quick-input-widget input");
      return !input.checkVisibility() || input.value !== text;
    }, typed);
  }

  async tryToChoose(key, typed, row) {
    const box = this.page.locator(".quick-input-widget input");
    try {
      if (!(await box.isVisible())) {
        await this.page.keyboard.press(key);
      }
      await box.fill(typed, { timeout: 1_000 });
      await this.page.locator(".quick-input-list .monaco-list-row", { hasText: row }).first().click({ timeout: 5_000 });
      return true;
    } catch {
      return false;
    }
  }

  tab(name) {
    return this.page.locator(".tab", { hasText: name });
  }

  async showChat() {
    await this.page.keyboard.press("Control+Alt+J");
    const frame = await this.chatFrame();
    await frame.locator("textarea").waitFor();
    return new Chat(this, frame);
  }

  /** The page of the chat is two frames deep; which one it is shows by what is in it. */
  async chatFrame() {
    const deadline = Date.now() + PATIENCE;
    while (Date.now() < deadline) {
      for (const frame of this.page.frames()) {
        if ((await frame.locator(".composer").count().catch(() => 0)) > 0) {
          return frame;
        }
      }
      await this.page.waitForTimeout(50);
    }
    throw new Error("The chat did not open.");
  }

  command(title) {
    return this.choose("F1", `>${title}`, title);
  }

  editor() {
    return this.page.locator(".editor-instance .view-lines").first();
  }

  async expectInEditor(text) {
    await this.editor().filter({ hasText: text }).waitFor();
  }

  async expectNotInEditor(text) {
    await this.editor().filter({ hasNotText: text }).waitFor();
  }

  lens(title) {
    return this.page.locator(".codelens-decoration a", { hasText: title });
  }

  /** An icon of our item in the status bar, and the text that follows it. */
  statusIcon(icon, text) {
    return this.page.locator(".statusbar-item", { hasText: text, has: this.page.locator(`.codicon-${icon}`) });
  }

  notification(text) {
    return this.page.locator(".notification-toast", { hasText: text });
  }

  status(text) {
    return this.page.locator(".statusbar-item", { hasText: text });
  }

  async picture(name) {
    this.pictures += 1;
    const number = String(this.pictures).padStart(2, "0");
    await this.page.screenshot({ path: join(this.plan.artifacts, `${this.plan.scenario}-${number}-${name}.png`) });
  }
}

export class Chat {
  constructor(workbench, frame) {
    this.workbench = workbench;
    this.frame = frame;
    this.input = frame.locator("textarea");
    this.card = frame.locator(".question");
  }

  async send(text) {
    await this.input.fill(text);
    await this.input.press("Enter");
  }

  async expect(selector, text) {
    await this.frame.locator(selector, { hasText: text }).first().waitFor();
  }

  async expectTimes(selector, text, times) {
    await this.frame.locator(selector, { hasText: text }).nth(times - 1).waitFor();
  }

  async press(title) {
    await this.frame.getByRole("button", { name: title, exact: true }).click();
  }

  /** The run is over when there is nothing left to stop. */
  async expectIdle() {
    await this.frame.locator("button.stop").waitFor({ state: "hidden" });
  }
}
