/** Open documents on behalf of the server: found, saved, and seen to be read from the disk again. */
import * as vscode from "vscode";

/** The editor reads a document again by itself as soon as its watcher has noticed; so long that is waited for. */
const RELOAD_MS = 3_000;

/** The open document at a URI, however that is written. */
export function openDocument(uri: string): vscode.TextDocument | undefined {
  const key = vscode.Uri.parse(uri).toString();
  return vscode.workspace.textDocuments.find((document) => document.uri.toString() === key);
}

/** Saves as the person would, formatters included. Answers those that are saved; nothing is asked. */
export function saveDocuments(uris: string[]): Promise<string[]> {
  return those(uris, (document) => !document.isUntitled && document.save());
}

/** Waits until the editor has read these documents from the disk again. Answers those that show what is there. */
export function awaitReload(uris: string[]): Promise<string[]> {
  return those(uris, reloaded);
}

async function those(
  uris: string[],
  done: (document: vscode.TextDocument) => boolean | PromiseLike<boolean>,
): Promise<string[]> {
  const answers = await Promise.all(
    uris.map(async (uri) => {
      const document = openDocument(uri);
      return document !== undefined && !document.isClosed && (await done(document));
    }),
  );
  return uris.filter((_, at) => answers[at]);
}

function reloaded(document: vscode.TextDocument): Promise<boolean> {
  return new Promise((resolve) => {
    const finish = (answer: boolean) => {
      clearTimeout(patience);
      listener.dispose();
      resolve(answer);
    };
    const look = async () => {
      if (document.isDirty) {
        finish(false);
      } else if (await showsDisk(document)) {
        finish(true);
      }
    };
    const patience = setTimeout(() => finish(false), RELOAD_MS);
    const listener = vscode.workspace.onDidChangeTextDocument((event) => event.document === document && void look());
    void look();
  });
}

/** Whether a document is what is on the disk. It cannot be known of a text in an encoding other than Unicode's. */
async function showsDisk(document: vscode.TextDocument): Promise<boolean> {
  try {
    const bytes = await vscode.workspace.fs.readFile(document.uri);
    return withLineFeeds(decode(bytes)) === withLineFeeds(document.getText());
  } catch {
    // Gone, or not to be read.
    return false;
  }
}

function decode(bytes: Uint8Array): string {
  const [one, two] = bytes;
  const encoding = one === 0xff && two === 0xfe ? "utf-16le" : one === 0xfe && two === 0xff ? "utf-16be" : "utf-8";
  return new TextDecoder(encoding).decode(bytes);
}

/** The editor makes all line ends of a document the same. */
function withLineFeeds(text: string): string {
  return text.replace(/\r\n?/g, "\n");
}
