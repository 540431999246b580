"""The rivals: how each is installed beside the project, and how its tools are called."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Protocol

from a3s_lsp.engine.messages import Json
from tests.properties.truth.agent import blocks

HERE = Path(__file__).parent
A3S_CODE = "3.1.0"
PI = "0.73.1"
FILESYSTEM = "2026.8.31"


class Tools(Protocol):
    """The file tools of an agent, which work in a folder."""

    @property
    def name(self) -> str: ...

    def begin(self, root: Path) -> None:
        """Work in this folder from now on."""

    def call(self, name: str, args: Json) -> tuple[bool, str]:
        """Make the call that the model wants, in the tools' own words: whether it worked, and what they said. What is
        read is given with line numbers."""

    def close(self) -> None:
        """End its process."""


def cache() -> Path:
    """Where the rivals are installed: outside of the project and of its environment."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "a3s-lsp" / "rivals"


def install(command: Sequence[str], folder: Path) -> None:
    """Run an installer in a folder, with what it says on standard error."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(command, cwd=folder, check=True, stdout=sys.stderr)


class Lines:
    """A process that answers each JSON line with one."""

    def __init__(self, command: Sequence[str | Path]) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def send(self, message: Json) -> None:
        """Send without waiting."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()

    def ask(self, message: Json) -> Json:
        """Send, and wait for the answer."""
        assert self._process.stdout is not None
        self.send(message)
        line = self._process.stdout.readline()
        answer: Json = json.loads(line)
        return answer

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()


class A3SCode:
    """The reference SDK: `read`, `edit`, `patch` and `write` of a session."""

    name = f"a3s-code {A3S_CODE}"

    def __init__(self) -> None:
        folder = cache() / f"a3s-code-{A3S_CODE}"
        python = folder / "bin" / "python"
        if not python.exists():
            install([sys.executable, "-m", "venv", str(folder)], cache())
            install([str(python), "-m", "pip", "install", "-q", f"a3s-code=={A3S_CODE}"], folder)
        self._lines = Lines([python, HERE / "a3s_code_worker.py"])

    def begin(self, root: Path) -> None:
        self._lines.ask({"root": str(root)})

    def call(self, name: str, args: Json) -> tuple[bool, str]:
        answer = self._lines.ask({"name": name, "args": args})
        return bool(answer["ok"]), str(answer["text"])

    def close(self) -> None:
        self._lines.close()


class Pi:
    """pi-coding-agent: `read`, `edit` and `write`; a patch is given to `edit` as its blocks."""

    name = f"pi-coding-agent {PI}"

    def __init__(self) -> None:
        package = "@mariozechner/pi-coding-agent"
        folder = cache() / f"pi-{PI}"
        module = folder / "node_modules" / package / "dist" / "index.js"
        if not module.exists():
            install(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", f"{package}@{PI}"], folder)
        self._lines = Lines(["node", HERE / "pi_worker.mjs", module])

    def begin(self, root: Path) -> None:
        self._lines.ask({"root": str(root)})

    def call(self, name: str, args: Json) -> tuple[bool, str]:
        tool = "edit" if name == "patch" else name
        answer = self._lines.ask({"name": tool, "args": {"path": args["file_path"], **in_blocks(name, args)}})
        text = str(answer["text"])
        return bool(answer["ok"]), numbered(text) if name == "read" and answer["ok"] else text

    def close(self) -> None:
        self._lines.close()


class Filesystem:
    """The Model Context Protocol's own file server: `read_text_file`, `edit_file` and `write_file`."""

    name = f"server-filesystem {FILESYSTEM}"
    _TOOLS: ClassVar[Mapping[str, str]] = {
        "read": "read_text_file",
        "edit": "edit_file",
        "patch": "edit_file",
        "write": "write_file",
    }

    def __init__(self) -> None:
        package = "@modelcontextprotocol/server-filesystem"
        folder = cache() / f"server-filesystem-{FILESYSTEM}"
        self._script = folder / "node_modules" / package / "dist" / "index.js"
        if not self._script.exists():
            install(
                ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", f"{package}@{FILESYSTEM}"], folder
            )
        self._lines: Lines | None = None
        self._root = Path()
        self._calls = 0

    def begin(self, root: Path) -> None:
        self._root = root
        if self._lines is None:
            self._lines = Lines(["node", self._script, root])
            hello: Json = {
                "protocolVersion": "2025-06-18",
                "capabilities": {},
                "clientInfo": {"name": "truth", "version": "1"},
            }
            self._ask("initialize", hello)
            self._lines.send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def call(self, name: str, args: Json) -> tuple[bool, str]:
        path = str(self._root / str(args["file_path"]))
        arguments = {"path": path, **in_blocks(name, args)}
        result = self._ask("tools/call", {"name": self._TOOLS[name], "arguments": arguments})
        content = result.get("content")
        text = "".join(str(part.get("text", "")) for part in content) if isinstance(content, list) else ""
        ok = result.get("isError") is not True
        return ok, numbered(text) if name == "read" and ok else text

    def close(self) -> None:
        if self._lines is not None:
            self._lines.close()

    def _ask(self, method: str, params: Json) -> Json:
        assert self._lines is not None
        self._calls += 1
        answer = self._lines.ask({"jsonrpc": "2.0", "id": self._calls, "method": method, "params": params})
        result = answer.get("result")
        return result if isinstance(result, dict) else {"isError": True, "content": [{"text": str(answer)}]}


def in_blocks(name: str, args: Json) -> Json:
    """The arguments of `edit`, `patch` and `write` for tools that replace texts by texts."""
    match name:
        case "edit":
            return {"edits": [{"oldText": args["old_string"], "newText": args["new_string"]}]}
        case "patch":
            return {"edits": [{"oldText": old, "newText": new} for old, new in blocks(str(args["diff"]))]}
        case "write":
            return {"content": args["content"]}
        case _:
            return {}


def numbered(text: str) -> str:
    """The text as the agent of the schedules expects it."""
    return "".join(f"{number:>6}\t{line}\n" for number, line in enumerate(text.splitlines(), 1))
