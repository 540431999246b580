/** The parts of an edit that can be accepted one by one, each with a box to tick. */
import type { ProposedHunk } from "../protocol";
import { element } from "./dom";

export class HunkList {
  /** Nothing where there is nothing to choose from. */
  readonly root: HTMLElement | undefined;
  private readonly boxes: { index: number; box: HTMLInputElement }[];

  constructor(hunks: ProposedHunk[]) {
    this.boxes = hunks.map(({ index }) => ({ index, box: element("input", { type: "checkbox", checked: true }) }));
    const rows = hunks.map(({ path, header }, at) =>
      element("label", {}, this.boxes[at]?.box, path, element("code", { textContent: header })),
    );
    this.root =
      hunks.length > 1
        ? element(
            "fieldset",
            { className: "hunks" },
            element("legend", { textContent: "Which of the changes? Those without a tick are not made." }),
            ...rows,
          )
        : undefined;
  }

  /** The ticked ones; undefined if there was no choice, or nothing was left out. */
  get accepted(): number[] | undefined {
    const ticked = this.boxes.filter(({ box }) => box.checked);
    return ticked.length === this.boxes.length ? undefined : ticked.map(({ index }) => index);
  }
}
