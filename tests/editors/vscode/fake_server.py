"""A language server that speaks docs/protocol.md and follows a script: what it does depends on the prompt only.

- `rename A to B`: asks, and renames in the open document; `... when saved`: after the document was saved
- `wait`: works until it is stopped
- `crash`: ends the process
- anything else: streams an answer in Markdown
"""

from __future__ import annotations

import asyncio
import difflib
import itertools
import json
import os
import sys
import time
from typing import BinaryIO, TypeAlias, cast

Json: TypeAlias = dict[str, object]

ANSWER = """I read **what is on your screen**, saved or not.

- `main.py` defines `old_name`
- it is used once

```python
def old_name() -> int:
    return 1
```

Ask me to rename it, and see the [documentation](https://example.org)."""

SLASH = [
    {"name": "help", "description": "What can be asked", "usage": "/help"},
    {"name": "history", "description": "What was said", "usage": "/history [count]"},
    {"name": "model", "description": "Which model answers", "usage": "/model [provider/name]"},
]


class FakeServer:
    def __init__(self, source: BinaryIO, sink: BinaryIO) -> None:
        self._source = source
        self._sink = sink
        self._ids = itertools.count(1)
        self._replies: dict[object, asyncio.Future[Json]] = {}
        self._documents: dict[str, Json] = {}
        self._saved = asyncio.Event()
        self._changed = asyncio.Event()
        self._sessions: dict[str, list[Json]] = {}
        self._current: str | None = None
        self._runs: dict[str, asyncio.Task[None]] = {}

    async def serve(self) -> None:
        while (message := await asyncio.to_thread(self._receive)) is not None:
            self._dispatch(message)

    # ------------------------------------------------------------ the wire

    def _receive(self) -> Json | None:
        length = 0
        while (line := self._source.readline().strip()) or not length:
            if not line:
                return None
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return cast(Json, json.loads(self._source.read(length)))

    def _send(self, message: Json) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._sink.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._sink.flush()

    async def _request(self, method: str, params: Json) -> Json:
        request_id = next(self._ids)
        reply: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._replies[request_id] = reply
        self._send({"id": request_id, "method": method, "params": params})
        try:
            return await reply
        except asyncio.CancelledError:
            self._send({"method": "$/cancelRequest", "params": {"id": request_id}})
            raise

    def _dispatch(self, message: Json) -> None:
        method, params = message.get("method"), cast(Json, message.get("params") or {})
        if method is None:
            reply = self._replies.pop(message["id"])
            if not reply.done():
                reply.set_result(cast(Json, message.get("result") or {}))
        elif "id" in message:
            self._answer(message["id"], str(method), params)
        else:
            self._hear(str(method), params)

    def _answer(self, request_id: object, method: str, params: Json) -> None:
        try:
            result = self._result(method, params)
        except KeyError as unknown:
            self._send({"id": request_id, "error": {"code": -32602, "message": f"There is no {unknown}."}})
        else:
            self._send({"id": request_id, "result": result})

    def _hear(self, method: str, params: Json) -> None:
        document = cast(Json, params.get("textDocument") or {})
        match method:
            case "textDocument/didOpen":
                self._documents[str(document["uri"])] = document
            case "textDocument/didChange":
                [change] = cast(list[Json], params["contentChanges"])
                self._documents[str(document["uri"])].update(text=change["text"], version=document["version"])
                self._changed.set()
            case "textDocument/didSave":
                self._saved.set()
            case "exit":
                os._exit(0)

    # ------------------------------------------------------------ what can be asked of it

    def _result(self, method: str, params: Json) -> object:
        if method == "initialize":
            return {
                "capabilities": {
                    "textDocumentSync": {"openClose": True, "change": 1, "save": True},
                    "executeCommandProvider": {"commands": ["a3s.prompt", *(f"a3s.{row['name']}" for row in SLASH)]},
                    "experimental": {"a3s": {"protocol": 1, "commands": SLASH}},
                }
            }
        if method == "workspace/executeCommand":
            [argument] = cast(list[Json], params["arguments"])
            return self._command(str(params["command"]), argument)
        return None

    def _command(self, command: str, argument: Json) -> object:
        session = str(argument.get("sessionId") or self._current or self._new_session())
        match command:
            case "a3s.prompt":
                run_id = f"run-{next(self._ids)}"
                self._runs[session] = asyncio.create_task(self._run(session, run_id, str(argument["text"])))
                return {"sessionId": session, "runId": run_id}
            case "a3s.cancel":
                return {"cancelled": self._runs[session].cancel()}
            case "a3s.steer":
                return {"queued": False}
            case "a3s.session.new":
                return {"sessionId": self._new_session()}
            case "a3s.session.list":
                return [self._row(name) for name in reversed(self._sessions)]
            case "a3s.session.resume":
                return self._resume(session)
            case "a3s.session.delete":
                return {"deleted": self._sessions.pop(session, None) is not None}
            case _:
                return {"text": f"You ran `{command}` with `{argument['args']}`."}

    def _new_session(self) -> str:
        self._current = f"session-{next(self._ids)}"
        self._sessions[self._current] = []
        return self._current

    def _row(self, session: str) -> Json:
        events = self._sessions[session]
        title = events[0]["prompt"] if events else "Untitled"
        row: Json = {"sessionId": session, "title": title, "workspace": "", "status": "idle", "messages": len(events)}
        return {**row, "updatedAt": int(time.time() * 1000)}

    def _resume(self, session: str) -> Json:
        for event in self._sessions[session]:
            self._send({"method": "a3s/event", "params": {**event, "replay": True}})
        self._current = session
        return {"sessionId": session, "status": "idle", "runId": None}

    # ------------------------------------------------------------ the script

    async def _run(self, session: str, run_id: str, prompt: str) -> None:
        script = Script(self, session, run_id)
        script.tell("start", prompt=prompt)
        script.tell("turn_start", turn=1)
        try:
            words = prompt.split()
            if prompt == "crash":
                os._exit(1)
            elif words[0] == "rename":
                await self._rename(script, words[1], words[3], when_saved="saved" in words)
            elif prompt == "wait":
                script.tell("text_delta", text="Working until you stop me…")
                await asyncio.Event().wait()
            else:
                await script.stream(ANSWER)
        except asyncio.CancelledError:
            script.end("cancelled", text="", error=None)
        else:
            script.end("end", text="")

    async def _rename(self, script: Script, old: str, new: str, *, when_saved: bool) -> None:
        await script.stream(f"I shall rename `{old}` to `{new}`.")
        if when_saved:
            await self._saved.wait()
        uri, document = next((uri, d) for uri, d in self._documents.items() if old in str(d["text"]))
        before = str(document["text"])
        after = before.replace(old, new)
        tool: Json = {"tool_id": "edit-1", "tool_name": "edit"}
        args: Json = {"file_path": "main.py", "old": old, "new": new}
        script.tell("tool_start", **tool)
        script.tell("tool_input_delta", tool_id="edit-1", text=json.dumps(args))
        script.turn_end()
        diff = "".join(
            difflib.unified_diff(before.splitlines(True), after.splitlines(True), "a/main.py", "b/main.py", n=2)
        )
        question: Json = {"title": "Edit a file", "detail": "main.py", "diff": diff, "rule": "Edit(main.py)"}
        script.tell("confirmation_required", **tool, args=args, timeout_ms=None, **question)
        answer = await script.confirm(tool, args, question)
        allowed = str(answer["choice"]).startswith("allow")
        note = answer.get("note")
        script.tell("confirmation_received", **tool, approved=allowed, reason=note)
        if not allowed:
            script.finish(tool, f"Denied: {note}", exit_code=1)
            await script.stream("Then I leave it as it is.")
            return
        await self._apply(uri, document, before, after)
        files = [{"path": uri.removeprefix("file://"), "change": "modified"}]
        script.tell("files_changed", tool_id="edit-1", label="Edit main.py", files=files, undoes=None)
        script.finish(tool, "Edited main.py.", exit_code=0)
        await script.stream("Done.")

    async def _apply(self, uri: str, document: Json, before: str, after: str) -> None:
        end = {"line": before.count("\n") + 1, "character": 0}
        edit = {"range": {"start": {"line": 0, "character": 0}, "end": end}, "newText": after}
        named = {"uri": uri, "version": document["version"]}
        self._changed.clear()
        changes = [{"textDocument": named, "edits": [edit]}]
        result = await self._request(
            "workspace/applyEdit", {"label": "Edit main.py", "edit": {"documentChanges": changes}}
        )
        assert result["applied"], result
        await self._changed.wait()
        assert self._documents[uri]["text"] == after

    def notify(self, session: str, event: Json) -> None:
        """Remember an event and send it."""
        self._sessions[session].append(event)
        self._send({"method": "a3s/event", "params": event})

    async def confirm(self, params: Json) -> Json:
        """Ask the person."""
        return await self._request("a3s/confirm", params)


class Script:
    """The events of one run."""

    def __init__(self, server: FakeServer, session: str, run_id: str) -> None:
        self._server = server
        self._names: Json = {"sessionId": session, "runId": run_id}
        self._seq = itertools.count()

    def tell(self, event_type: str, **fields: object) -> None:
        event = {**self._names, "seq": next(self._seq), "time": int(time.time() * 1000), "type": event_type, **fields}
        self._server.notify(str(self._names["sessionId"]), event)

    async def stream(self, text: str) -> None:
        for word in text.split(" "):
            self.tell("text_delta", text=f"{word} ")
            await asyncio.sleep(0)

    async def confirm(self, tool: Json, args: Json, question: Json) -> Json:
        names: Json = {"toolId": tool["tool_id"], "toolName": tool["tool_name"]}
        return await self._server.confirm({**self._names, **names, "args": args, **question})

    def finish(self, tool: Json, output: str, exit_code: int) -> None:
        self.tell("tool_end", **tool, tool_output=output, exit_code=exit_code, metadata=None, error_kind=None)

    def turn_end(self) -> None:
        self.tell("turn_end", turn=1, **spent())

    def end(self, event_type: str, **fields: object) -> None:
        self.tell(event_type, **fields, **spent())


def spent() -> Json:
    usage = {"prompt_tokens": 1200, "completion_tokens": 34, "total_tokens": 1234, "cache_read_tokens": 0}
    return {"total_tokens": 1234, "usage": {**usage, "cache_write_tokens": 0, "cost": 0.0042}}


if __name__ == "__main__":
    asyncio.run(FakeServer(sys.stdin.buffer, sys.stdout.buffer).serve())
