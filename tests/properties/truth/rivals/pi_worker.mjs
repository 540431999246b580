// The file tools of @mariozechner/pi-coding-agent, a JSON line for each call.
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const { createEditTool, createReadTool, createWriteTool } = await import(pathToFileURL(process.argv[2]).href);
let tools = {};

async function answer(message) {
  if (message.root) {
    const { root } = message;
    tools = { read: createReadTool(root), edit: createEditTool(root), write: createWriteTool(root) };
    return { ok: true, text: "" };
  }
  try {
    const result = await tools[message.name].execute("call", message.args);
    return { ok: true, text: result.content.map((part) => part.text ?? "").join("") };
  } catch (error) {
    return { ok: false, text: String(error.message) };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line)))}\n`);
}
