/** Hunks under review as places in a text: which one is meant, which comes next, where they are after typing. Pure. */
import type { Hunk, Position, Range } from "./protocol";

/** A text that replaced what was between two positions. */
export interface Typed {
  range: Range;
  text: string;
}

type Placed = Pick<Hunk, "range">;

/** The first and the last line of a hunk; one that only deleted is at the line that follows. */
export function linesOf({ range: { start, end } }: Placed): { first: number; last: number } {
  const endsBefore = end.character === 0 && end.line > start.line;
  return { first: start.line, last: endsBefore ? end.line - 1 : end.line };
}

/** The hunk at one of these lines. */
export function hunkAt<H extends Placed>(hunks: readonly H[], from: number, to = from): H | undefined {
  return hunks.find((hunk) => {
    const { first, last } = linesOf(hunk);
    return first <= to && last >= from;
  });
}

/** The hunk that follows a line, or comes before it; after the last one comes the first. */
export function neighbour<H extends Placed>(hunks: readonly H[], line: number, step: 1 | -1): H | undefined {
  return step > 0
    ? (hunks.find((hunk) => linesOf(hunk).first > line) ?? hunks.at(0))
    : (hunks.findLast((hunk) => linesOf(hunk).last < line) ?? hunks.at(-1));
}

/** Where a hunk is after something was typed. The server says it exactly; this holds until it has. */
export function moved<H extends Placed>(hunk: H, { range, text }: Typed): H {
  const { start, end } = hunk.range;
  const growth = text.split("\n").length - 1 - (range.end.line - range.start.line);
  if (growth === 0) {
    return hunk;
  }
  if (!precedes(start, range.end)) {
    return { ...hunk, range: { start: down(start, growth), end: down(end, growth) } };
  }
  if (!precedes(range.start, end)) {
    return hunk;
  }
  const first = precedes(range.start, start) ? range.start : start;
  const last = down(end, growth);
  return { ...hunk, range: { start: first, end: precedes(last, first) ? first : last } };
}

function precedes(one: Position, other: Position): boolean {
  return one.line < other.line || (one.line === other.line && one.character < other.character);
}

function down({ line, character }: Position, lines: number): Position {
  return { line: line + lines, character };
}
