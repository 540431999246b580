/** Where the server's executable is. Pure, so that every machine can be tested on one. */
import { posix, win32 } from "node:path";

export interface Machine {
  env: Record<string, string | undefined>;
  home: string;
  windows: boolean;
  isExecutable(file: string): boolean;
}

export type Search = { found: string } | { tried: string[] };

export const EXECUTABLE = "a3s-lsp";

/** The configured path and nothing else, or the first on PATH and where pipx and uv install. */
export function findServer(configured: string, machine: Machine): Search {
  const tried = configured ? [expandHome(configured, machine)] : candidates(machine);
  const found = tried.find((file) => machine.isExecutable(file));
  return found === undefined ? { tried } : { found };
}

function candidates(machine: Machine): string[] {
  const path = pathOf(machine);
  const name = machine.windows ? `${EXECUTABLE}.exe` : EXECUTABLE;
  const onPath = (machine.env.PATH ?? machine.env.Path ?? "").split(path.delimiter).filter((folder) => folder !== "");
  const folders = new Set([...onPath, path.join(machine.home, ".local", "bin")]);
  return [...folders].map((folder) => path.join(folder, name));
}

function expandHome(file: string, machine: Machine): string {
  return /^~[/\\]/.test(file) ? pathOf(machine).join(machine.home, file.slice(2)) : file;
}

function pathOf(machine: Machine): typeof posix {
  return machine.windows ? win32 : posix;
}
