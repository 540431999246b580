"""The server that follows a script, with what docs/protocol.md says of review: hunks, lenses, favours and going back.

- `type along`: 40 edits at the end of both documents, while the person types
- `edit`: one edit of two documents in one step; its hunks are under review
- `stale`: the same, made for a version that is long gone
- `half`: an edit of a document and of a file that does not exist
- `choose`: asks for leave for an edit of three hunks
- `save`, `reload`, `diagnose`: what the client did is told in words
- anything else: as `fake_server.py`
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import BinaryIO, cast
from urllib.parse import unquote, urlsplit

from tests.editors.vscode.fake_server import FakeServer, Json, Script

REVIEW = ["a3s.hunk.keep", "a3s.hunk.undo", "a3s.hunk.ask", "a3s.rewind"]
RUN_POINT: Json = {"id": "run-1", "kind": "run", "label": "edit", "time": int(time.time() * 1000)}
CALL_POINT: Json = {"id": "call-1", "kind": "tool", "label": "bash: make", "time": int(time.time() * 1000)}


class ReviewingServer(FakeServer):
    """Documents are named by the last part of their path; texts are ASCII, so a character is one everywhere."""

    def __init__(self, source: BinaryIO, sink: BinaryIO) -> None:
        super().__init__(source, sink)
        self._made: dict[str, Json] = {}

    def _result(self, method: str, params: Json) -> object:
        result = super()._result(method, params)
        if method == "initialize":
            capabilities = cast(Json, cast(Json, result)["capabilities"])
            cast(dict[str, list[str]], capabilities["executeCommandProvider"])["commands"] += REVIEW
            capabilities["codeLensProvider"] = {}
            capabilities["textDocumentSync"] = {"openClose": True, "change": 2, "save": True}
        if method == "textDocument/codeLens":
            uri = str(cast(Json, params["textDocument"])["uri"])
            return [self._lens(hunk, word) for hunk in self._hunks(uri) for word in ("keep", "undo", "ask")]
        return result

    def _lens(self, hunk: Json, word: str) -> Json:
        start = cast(Json, hunk["range"])["start"]
        argument = {"sessionId": self._current, "uri": hunk["uri"], "hunkId": hunk["hunkId"]}
        command = {"title": word.title(), "command": f"a3s.hunk.{word}", "arguments": [argument]}
        return {"range": {"start": start, "end": start}, "command": command}

    def _command(self, command: str, argument: Json) -> object:
        match command:
            case "a3s.hunk.keep" | "a3s.hunk.undo":
                return {"hunks": self._settle(argument)}
            case "a3s.hunk.ask":
                prompt = str(argument.get("text") or "Why was this changed?")
                return super()._command("a3s.prompt", {"text": prompt})
            case "a3s.rewind":
                return self._rewind(argument)
            case _:
                return super()._command(command, argument)

    def _settle(self, argument: Json) -> list[object]:
        uri = str(argument["uri"])
        settled = self._made.pop(uri)
        self._look(uri)
        return [settled["hunkId"]]

    def _hunks(self, uri: str) -> list[Json]:
        """The hunk of a document, if it stands in the text."""
        hunk, text = self._made.get(uri), str(self._documents[uri]["text"])
        if hunk is None or str(hunk["after"]) not in text:
            return []
        line = text[: text.index(str(hunk["after"]))].count("\n")
        return [{**hunk, "range": {"start": {"line": line, "character": 0}, "end": {"line": line + 1, "character": 0}}}]

    def _look(self, uri: str) -> None:
        told = {"sessionId": self._current, "uri": uri, "hunks": self._hunks(uri)}
        self._send({"method": "a3s/hunks", "params": told})
        self._send({"id": f"refresh-{time.monotonic()}", "method": "workspace/codeLens/refresh"})

    def _dispatch(self, message: Json) -> None:
        if "method" in message or not str(message.get("id")).startswith("refresh"):
            super()._dispatch(message)

    def _rewind(self, argument: Json) -> Json:
        if "to" not in argument:
            return {"points": [RUN_POINT, CALL_POINT]}
        files: list[Json] = [{"path": str(path_of(self._uri("main.py"))), "change": "modified"}]
        outcome: Json = {"files": files, "messages": 2, "leftOut": ["build/huge.bin is too large to be kept."]}
        if argument.get("preview"):
            return outcome
        event = {"sessionId": self._current, "runId": None, "seq": 0, "time": int(time.time() * 1000)}
        told = {"type": "rewound", "id": "rewind-1", "to": argument["to"], "files": True, "messages": 2}
        self._send({"method": "a3s/event", "params": {**event, **told}})
        return {**outcome, "rewindId": "rewind-1"}

    # ------------------------------------------------------------ the script

    async def _run(self, session: str, run_id: str, prompt: str) -> None:
        plays = {"type along": self._type_along, "edit": self._edit, "stale": self._stale, "choose": self._choose}
        plays |= {"half": self._half, "save": self._save, "reload": self._reload, "diagnose": self._diagnose}
        if prompt not in plays:
            await super()._run(session, run_id, prompt)
            return
        script = Script(self, session, run_id)
        script.tell("start", prompt=prompt)
        script.tell("turn_start", turn=1)
        await script.stream(await plays[prompt](script))
        script.end("end", text="")

    async def _type_along(self, script: Script) -> str:
        refused = 0
        for number in range(40):
            while not await self._append({name: f"agent {number}\n" for name in ("main.py", "data.json")}):
                refused += 1
            await asyncio.sleep(0.03)
        return f"All 40 edits are applied, {'some' if refused else 'none'} in a second try."

    async def _edit(self, script: Script) -> str:
        applied = await self._append({"main.py": "edited = True\n", "data.json": "// edited\n"})
        for name, after in (("main.py", "edited = True\n"), ("data.json", "// edited\n")):
            names: Json = {"hunkId": f"h-{name}", "runId": "run-1", "toolId": "edit-1", "uri": self._uri(name)}
            names["sessionId"] = self._current
            self._made[self._uri(name)] = {**names, "label": "edit", "status": "applied", "before": "", "after": after}
            self._look(self._uri(name))
        return f"Applied: {applied}."

    async def _stale(self, script: Script) -> str:
        answer = await self._ask_to_append({name: "stale\n" for name in ("main.py", "data.json")}, behind=1)
        return f"Refused: {answer.get('failureReason')}"

    async def _half(self, script: Script) -> str:
        main, gone = self._documents[self._uri("main.py")], self._uri("main.py").replace("main", "gone")
        before = main["text"]
        top = {"line": 0, "character": 0}
        edits = [{"range": {"start": top, "end": top}, "newText": "half\n"}]
        known = {"textDocument": {"uri": main["uri"], "version": main["version"]}, "edits": edits}
        unknown = {"textDocument": {"uri": gone, "version": None}, "edits": edits}
        answer = await self._request("workspace/applyEdit", {"edit": {"documentChanges": [known, unknown]}})
        same = main["text"] == before
        return f"Applied in half: {answer['applied']}, taken back: {same}, reason: {answer.get('failureReason')}"

    async def _choose(self, script: Script) -> str:
        hunks = [{"index": index, "path": "main.py", "header": f"@@ -{index + 1} @@"} for index in range(3)]
        question: Json = {
            "title": "Edit a file",
            "detail": "main.py",
            "diff": "",
            "rule": "Edit(main.py)",
            "hunks": hunks,
        }
        answer = await script.confirm({"tool_id": "edit-2", "tool_name": "edit"}, {}, {**question, "hunks": hunks})
        return f"You chose {answer['choice']}, accepted {answer.get('accepted')}."

    async def _save(self, script: Script) -> str:
        answer = await self._request("a3s/save", {"uris": [*self._documents, "file:///not/open.py"]})
        return f"Saved: {', '.join(sorted(path_of(str(uri)).name for uri in cast(list[object], answer['saved'])))}."

    async def _reload(self, script: Script) -> str:
        clean, dirty = self._uri("data.json"), self._uri("main.py")
        await asyncio.to_thread(path_of(clean).write_text, '{"from": "disk"}\n', "utf-8")
        answer = await self._request("a3s/reload", {"uris": [clean, dirty]})
        there = "from" in str(self._documents[clean]["text"])
        named = [path_of(str(uri)).name for uri in cast(list[object], answer["reloaded"])]
        return f"Reloaded {named}, and I {'see' if there else 'do not see'} it."

    async def _diagnose(self, script: Script) -> str:
        uri = self._uri("data.json")
        await self._append({"data.json": "[broken\n"})
        version = self._documents[uri]["version"]
        asked: Json = {"uri": uri, "version": version, "waitMs": 5000}
        fresh = await self._request("a3s/diagnostics", asked)
        older = await self._request("a3s/diagnostics", {**asked, "version": int(str(version)) - 1})
        items = cast(list[Json], fresh.get("items", []))
        right = fresh.get("version") == version
        return f"Problems of this version ({right}): {len(items)} by {items[0]['source']}; of an older one: {older}."

    # ------------------------------------------------------------ documents

    def _hear(self, method: str, params: Json) -> None:
        if method == "textDocument/didChange":
            changes, named = cast(list[Json], params["contentChanges"]), cast(Json, params["textDocument"])
            text = str(self._documents[str(named["uri"])]["text"])
            for change in changes:
                text = changed(text, change)
            params = {**params, "contentChanges": [{"text": text}]}
        super()._hear(method, params)
        for uri in self._made:
            self._look(uri)

    def _uri(self, name: str) -> str:
        return next(uri for uri in self._documents if uri.endswith(name))

    async def _append(self, texts: dict[str, str]) -> bool:
        before = {name: self._documents[self._uri(name)]["version"] for name in texts}
        answer = await self._ask_to_append(texts)
        if not answer["applied"]:
            await asyncio.sleep(0.02)
            return False
        while any(self._documents[self._uri(name)]["version"] == version for name, version in before.items()):
            self._changed.clear()
            await self._changed.wait()
        return True

    async def _ask_to_append(self, texts: dict[str, str], behind: int = 0) -> Json:
        changes: list[Json] = []
        for name, text in texts.items():
            document = self._documents[self._uri(name)]
            end = {"line": str(document["text"]).count("\n"), "character": 0}
            edit = {"range": {"start": end, "end": end}, "newText": text}
            named = {"uri": document["uri"], "version": int(str(document["version"])) - behind}
            changes.append({"textDocument": named, "edits": [edit]})
        return await self._request("workspace/applyEdit", {"label": "append", "edit": {"documentChanges": changes}})


def changed(text: str, change: Json) -> str:
    """The text with one change of a part of it."""
    starts = [0, *(at + 1 for at, character in enumerate(text) if character == "\n")]
    ends = cast(dict[str, dict[str, int]], change["range"])
    start, end = (starts[ends[name]["line"]] + ends[name]["character"] for name in ("start", "end"))
    return text[:start] + str(change["text"]) + text[end:]


def path_of(uri: str) -> Path:
    """The file of a URI."""
    return Path(unquote(urlsplit(uri).path))


if __name__ == "__main__":
    asyncio.run(ReviewingServer(sys.stdin.buffer, sys.stdout.buffer).serve())
