/** A prompt as the person wrote it, and what went along with it. Pure. */

export interface PromptText {
  text: string;
  /** Paths, with the lines where only a part went along. */
  sources: string[];
}

const BLOCK = /<(context|hunk) source="([^"]*)"(?: lines="([^"]*)")?(?: status="[^"]*")?(?:\/>|>\n[\s\S]*?\n<\/\1>)/;
const TAIL = new RegExp(`(?:\\n\\n${BLOCK.source})+$`);

/** The server puts what went along behind the text, in blocks; a prompt of another form stays whole. */
export function readPrompt(prompt: string): PromptText {
  const tail = TAIL.exec(prompt);
  if (tail === null) {
    return { text: prompt, sources: [] };
  }
  const blocks = [...tail[0].matchAll(new RegExp(BLOCK, "g"))];
  const sources = blocks.map(([, , path, lines]) => (lines === undefined ? `${path}` : `${path}:${lines}`));
  return { text: prompt.slice(0, tail.index), sources };
}
