import assert from "node:assert/strict";
import { test } from "node:test";
import { hunkAt, linesOf, moved, neighbour, type Typed } from "../src/hunks";
import type { Range } from "../src/protocol";

function lines(first: number, end: number): { range: Range } {
  return { range: { start: { line: first, character: 0 }, end: { line: end, character: 0 } } };
}

function typed(from: [number, number], to: [number, number], text: string): Typed {
  const [start, end] = [from, to].map(([line, character]) => ({ line, character }));
  assert.ok(start && end);
  return { range: { start, end }, text };
}

const HUNKS = [lines(2, 4), lines(6, 6), lines(9, 10)];

test("a hunk is at the lines that it has, and at one line if it only deleted", () => {
  assert.deepEqual(
    HUNKS.map((hunk) => linesOf(hunk)),
    [
      { first: 2, last: 3 },
      { first: 6, last: 6 },
      { first: 9, last: 9 },
    ],
  );
  assert.deepEqual(linesOf({ range: { start: { line: 5, character: 0 }, end: { line: 5, character: 7 } } }), {
    first: 5,
    last: 5,
  });
});

const places: [string, number, number, number | undefined][] = [
  ["above the first", 1, 1, undefined],
  ["at its first line", 2, 2, 0],
  ["at its last line", 3, 3, 0],
  ["below it", 4, 4, undefined],
  ["at a deletion", 6, 6, 1],
  ["a selection over two: the upper one", 3, 9, 0],
];

for (const [name, from, to, expected] of places) {
  test(`the hunk at the cursor: ${name}`, () => {
    assert.equal(hunkAt(HUNKS, from, to), expected === undefined ? undefined : HUNKS[expected]);
  });
}

test("next and previous go round, also from within a hunk", () => {
  const next = [0, 3, 6, 9, 20].map((line) => HUNKS.indexOf(neighbour(HUNKS, line, 1) ?? lines(0, 0)));
  assert.deepEqual(next, [0, 1, 2, 0, 0]);
  const previous = [20, 9, 6, 3, 0].map((line) => HUNKS.indexOf(neighbour(HUNKS, line, -1) ?? lines(0, 0)));
  assert.deepEqual(previous, [2, 1, 0, 2, 2]);
  assert.equal(neighbour([], 3, 1), undefined);
});

const edits: [string, Typed, [number, number]][] = [
  ["words, without a new line", typed([0, 0], [0, 3], "other"), [5, 8]],
  ["a line above", typed([1, 2], [1, 2], "\n"), [6, 9]],
  ["a line right above, at its start", typed([5, 0], [5, 0], "new\n"), [6, 9]],
  ["two lines above removed", typed([1, 0], [3, 0], ""), [3, 6]],
  ["a line within", typed([6, 1], [6, 1], "\n"), [5, 9]],
  ["a line within removed", typed([6, 0], [7, 0], ""), [5, 7]],
  ["a line right below", typed([8, 0], [8, 0], "new\n"), [5, 8]],
  ["its first lines and those above it removed", typed([3, 0], [6, 0], ""), [3, 5]],
  ["all of it and more removed", typed([4, 0], [12, 0], ""), [4, 4]],
];

for (const [name, change, [first, end]] of edits) {
  test(`a hunk moves with what is typed: ${name}`, () => {
    assert.deepEqual(moved(lines(5, 8), change), lines(first, end));
  });
}
