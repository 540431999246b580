import assert from "node:assert/strict";
import { test } from "node:test";
import { Crashes } from "../src/crashes";
import { findServer, type Machine } from "../src/serverPath";

function machine(executables: string[], windows = false): Machine {
  const env = { PATH: windows ? "C:\\one;C:\\two" : "/one:/two" };
  const home = windows ? "C:\\Users\\me" : "/home/me";
  return { env, home, windows, isExecutable: (file) => executables.includes(file) };
}

const cases: [string, string, Machine, string | string[]][] = [
  ["the first on PATH wins", "", machine(["/two/a3s-lsp", "/home/me/.local/bin/a3s-lsp"]), "/two/a3s-lsp"],
  ["pipx's folder is looked into", "", machine(["/home/me/.local/bin/a3s-lsp"]), "/home/me/.local/bin/a3s-lsp"],
  ["nothing found names every place", "", machine([]), ["/one/a3s-lsp", "/two/a3s-lsp", "/home/me/.local/bin/a3s-lsp"]],
  ["a configured path is the only one", "/mine", machine(["/two/a3s-lsp"]), ["/mine"]],
  ["a configured path may begin at home", "~/bin/a3s", machine(["/home/me/bin/a3s"]), "/home/me/bin/a3s"],
  ["Windows has its own separators and names", "", machine(["C:\\two\\a3s-lsp.exe"], true), "C:\\two\\a3s-lsp.exe"],
];

for (const [name, configured, where, expected] of cases) {
  test(`finding the server: ${name}`, () => {
    assert.deepEqual(
      findServer(configured, where),
      Array.isArray(expected) ? { tried: expected } : { found: expected },
    );
  });
}

test("a crashed server is started again twice, each time later, then left alone", () => {
  const crashes = new Crashes();
  assert.deepEqual([crashes.count(0), crashes.count(1_000), crashes.count(2_000)], [500, 1_000, undefined]);
});

test("crashes that are long ago do not count", () => {
  const crashes = new Crashes();
  assert.deepEqual([crashes.count(0), crashes.count(200_000), crashes.count(400_000)], [500, 500, 500]);
});

test("a restart by the person begins the count anew", () => {
  const crashes = new Crashes();
  crashes.count(0);
  crashes.count(1);
  crashes.forget();
  assert.equal(crashes.count(2), 500);
});
