// Bundles the extension and the chat's page into out/; with --tests also the unit tests.
import { readdirSync, rmSync } from "node:fs";
import { build } from "esbuild";

const minify = process.argv.includes("--minify");
const shared = { bundle: true, minify, sourcemap: minify ? false : "linked", target: "es2022", logLevel: "warning" };

rmSync("out", { recursive: true, force: true });

const bundles = [
  { entryPoints: ["src/main.ts"], outfile: "out/extension.js", platform: "node", format: "cjs", external: ["vscode"] },
  { entryPoints: ["src/webview/main.ts"], outfile: "out/chat.js", platform: "browser", format: "iife" },
];
if (process.argv.includes("--tests")) {
  bundles.push({
    entryPoints: readdirSync("test").map((name) => `test/${name}`),
    outdir: "out/test",
    outExtension: { ".js": ".cjs" },
    platform: "node",
    format: "cjs",
  });
}
await Promise.all(bundles.map((bundle) => build({ ...shared, ...bundle })));
