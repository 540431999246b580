import assert from "node:assert/strict";
import { test } from "node:test";
import { Freshness, QUIET_MS, TOLD_LATE_MS } from "../src/freshness";

const OLD = { message: "old" };
const NEW = { message: "new" };
const SOON = TOLD_LATE_MS + 1;

test("what nobody has told of since the version began is not known", () => {
  assert.equal(new Freshness(0, []).dueIn(60_000, []), undefined);
});

test("what was told right at the beginning may be of the version before", () => {
  const freshness = new Freshness<typeof NEW>(0, []);
  freshness.told(TOLD_LATE_MS);
  assert.equal(freshness.dueIn(60_000, [NEW]), undefined);
});

test("problems are known when it has been quiet since they were told", () => {
  const freshness = new Freshness(0, [OLD]);
  freshness.told(SOON);
  assert.equal(freshness.dueIn(SOON + 100, [NEW]), QUIET_MS - 100);
  freshness.told(SOON + 200);
  assert.equal(freshness.dueIn(SOON + 200, [NEW]), QUIET_MS);
  assert.equal(freshness.dueIn(SOON + 200 + QUIET_MS, [NEW]), 0);
});

test("as long as one linter's old problem stands, nothing is known", () => {
  const freshness = new Freshness(0, [OLD]);
  freshness.told(SOON);
  assert.equal(freshness.dueIn(60_000, [OLD, NEW]), undefined);
  assert.equal(freshness.dueIn(60_000, [NEW]), 0);
});

test("an equal problem that was found again is a new one", () => {
  const freshness = new Freshness(0, [OLD]);
  freshness.told(SOON);
  assert.equal(freshness.dueIn(60_000, [{ ...OLD }]), 0);
});
