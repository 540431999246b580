"""A language server that plays a script over stdio and writes down what it got.

Usage: fake_server.py SCRIPT RECORD [--version]. The script is JSON, read again whenever it is needed: `initialize` is
the answer to that request, `commands` maps each command to `{"answer": …}` and to the messages that come `before`
and `then`, `requests` maps other methods to answers, and `notifications` maps methods to the messages that follow.
Among these, `{"await": ID}` waits for the editor's response to a request, `{"exit": CODE}` ends the process, the text
"$version" stands for the version of the document that was told last, and "$version NAME" for that of the file NAME.
"""

from __future__ import annotations

import json
import re
import sys
from collections import deque
from pathlib import Path
from typing import Any, TypeAlias

Message: TypeAlias = dict[str, object]


class FakeServer:
    """One conversation with the editor."""

    def __init__(self, script: Path, record: Path) -> None:
        self._script = script
        self._record = record
        self._version = 0
        self._versions: dict[str, int] = {}
        self._pending: deque[Message] = deque()
        self._responses: set[object] = set()

    def serve(self) -> None:
        """Answers messages until the editor is gone."""
        while (message := _read()) is not None:
            with self._record.open("a", encoding="utf-8") as file:
                file.write(json.dumps(message) + "\n")
            self._receive(message)
            self._play()

    def _receive(self, message: Message) -> None:
        method, params = message.get("method"), message.get("params")
        if method is None:
            self._responses.add(message["id"])
        elif method == "initialize":
            _answer(message, self._read_script()["initialize"])
        elif method == "shutdown":
            _answer(message, None)
        elif method == "exit":
            sys.exit(0)
        elif method == "workspace/executeCommand" and isinstance(params, dict):
            self._run_command(message, str(params["command"]))
        elif "id" in message:
            self._answer_request(message, str(method))
        elif isinstance(params, dict):
            self._note_version(str(method), params)
            self._pending.extend(self._script_part("notifications").get(str(method), []))

    def _note_version(self, method: str, params: Message) -> None:
        document = params.get("textDocument")
        if method in ("textDocument/didOpen", "textDocument/didChange") and isinstance(document, dict):
            self._version = document["version"]
            self._versions[str(document["uri"]).rpartition("/")[2]] = self._version

    def _answer_request(self, message: Message, method: str) -> None:
        requests = self._script_part("requests")
        if method in requests:
            _answer(message, requests[method])
        else:
            _write({"id": message["id"], "error": {"code": -32601, "message": f"there is no method {method}"}})

    def _run_command(self, message: Message, name: str) -> None:
        commands = self._script_part("commands")
        if name in commands:
            for first in commands[name]["before"]:
                _write(first)
            _answer(message, commands[name]["answer"])
            self._pending.extend(commands[name]["then"])
        else:
            _write({"id": message["id"], "error": {"code": -32601, "message": f"there is no command {name}"}})

    def _read_script(self) -> Message:
        script: Message = json.loads(self._script.read_text("utf-8"))
        return script

    def _script_part(self, name: str) -> dict[str, Any]:
        part = self._read_script().get(name, {})
        assert isinstance(part, dict)
        return part

    def _with_versions(self, step: Message) -> Message:
        def version(found: re.Match[str]) -> str:
            return str(self._versions.get(found[1], 0) if found[1] else self._version)

        filled: Message = json.loads(re.sub(r'"\$version ?([^"]*)"', version, json.dumps(step)))
        return filled

    def _play(self) -> None:
        while self._pending:
            step = self._pending[0]
            if "await" in step and step["await"] not in self._responses:
                return
            self._pending.popleft()
            if "exit" in step:
                sys.exit(int(str(step["exit"])))
            if "method" in step:
                _write(self._with_versions(step))


def _read() -> Message | None:
    length = 0
    while line := sys.stdin.buffer.readline().strip():
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    if not length:
        return None
    message: Message = json.loads(sys.stdin.buffer.read(length))
    return message


def _answer(request: Message, result: object) -> None:
    _write({"id": request["id"], "result": result})


def _write(message: Message) -> None:
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    sys.stdout.buffer.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    if sys.argv[3:] == ["--version"]:
        sys.stdout.write("a3s-lsp 0.0.0-fake\n")
    else:
        FakeServer(Path(sys.argv[1]), Path(sys.argv[2])).serve()
