"""A real Neovim without a screen, driven as a person would: keys, commands, and looking at buffers."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias, TypeVar

import pynvim  # type: ignore[import-untyped]  # ships no types

REPOSITORY = Path(__file__).parents[3]
PLUGIN = REPOSITORY / "editors" / "neovim"
FAKE_SERVER = Path(__file__).with_name("fake_server.py")
PATIENCE = 10.0
SLASH_COMMANDS = ("compact", "cost", "help")
CAPABILITIES: dict[str, object] = {
    "textDocumentSync": {"openClose": True, "change": 2, "willSave": True, "save": True},
    "experimental": {
        "a3s": {
            "protocol": 1,
            "commands": [{"name": name, "description": name, "usage": f"/{name}"} for name in SLASH_COMMANDS],
        }
    },
}

_LINES = "vim.api.nvim_buf_get_lines(vim.fn.bufadd(...), 0, -1, true)"

Json: TypeAlias = dict[str, object]
T = TypeVar("T")


def wait_until(sight: Callable[[], T], what: str) -> T:
    """Looks until `sight` gives something true, and gives it back; fails after PATIENCE seconds."""
    deadline = time.monotonic() + PATIENCE
    while not (seen := sight()):
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.01)
    return seen


class Neovim:
    """An editor with the plugin loaded."""

    def __init__(self, nvim: pynvim.Nvim) -> None:
        self._nvim = nvim
        nvim.ui_attach(120, 40, rgb=True)
        self.command("runtime plugin/a3s.lua")
        self.lua("_G.notes = {}; vim.notify = function(text, level) table.insert(_G.notes, text) end")

    def lua(self, code: str, *args: object) -> object:
        """Runs Lua; `...` are the arguments."""
        return self._nvim.exec_lua(code, *args)

    def command(self, line: str) -> None:
        """Runs an Ex command."""
        self._nvim.command(line)

    def keys(self, keys: str) -> None:
        """Types, also while the editor waits for a key."""
        self._nvim.input(keys)

    def mode(self) -> str:
        """The mode in short, for instance `n` or `i`."""
        return str(self._nvim.api.get_mode()["mode"])

    def setup(self, **options: object) -> None:
        """Calls the plugin's setup."""
        self.lua("require('a3s').setup(...)", options)

    def edit(self, path: Path) -> None:
        """Opens a file."""
        self.command(f"edit {path}")

    def text(self) -> str:
        """The text of the current buffer."""
        return "\n".join(self._nvim.current.buffer[:])

    def type_line(self, number: int, text: str) -> None:
        """Replaces a line of the current buffer (from 1), without saving."""
        self._nvim.current.buffer[number - 1] = text

    def text_of(self, path: Path) -> str:
        """The text of the buffer of this name."""
        return "\n".join(str(line) for line in _list(self.lua(f"return {_LINES}", str(path))))

    def cursor(self) -> tuple[int, int]:
        """Line (from 1) and byte (from 0) of the cursor."""
        line, column = self._nvim.current.window.cursor
        return int(line), int(column)

    def transcript(self) -> str:
        """The text of the transcript."""
        buffer = "require('a3s.transcript').buffer()"
        lines = _list(self.lua(f"return vim.api.nvim_buf_get_lines({buffer}, 0, -1, true)"))
        return "\n".join(str(line) for line in lines)

    def version(self) -> str:
        """The version in short, for instance `0.10`."""
        return str(self.lua("local v = vim.version() return v.major .. '.' .. v.minor"))

    def window(self) -> int:
        """The window that has the focus."""
        return int(str(self.lua("return vim.api.nvim_get_current_win()")))

    def transcript_cursor(self) -> int:
        """The line of the cursor in the transcript's window, from 1."""
        return int(str(self.lua("return vim.api.nvim_win_get_cursor(vim.fn.bufwinid('a3s://transcript'))[1]")))

    def floats(self) -> list[str]:
        """The text of each floating window."""
        code = """
            local texts = {}
            for _, window in ipairs(vim.api.nvim_list_wins()) do
              if vim.api.nvim_win_get_config(window).relative ~= "" then
                local lines = vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(window), 0, -1, true)
                table.insert(texts, table.concat(lines, "\\n"))
              end
            end
            return texts
        """
        return [str(text) for text in _list(self.lua(code))]

    def screen(self) -> str:
        """What a person sees, row by row."""
        code = """
            vim.cmd.redraw()
            local rows = {}
            for row = 1, vim.o.lines do
              local cells = {}
              for column = 1, vim.o.columns do
                table.insert(cells, vim.fn.screenstring(row, column))
              end
              table.insert(rows, (table.concat(cells):gsub(" +$", "")))
            end
            return rows
        """
        return "\n".join(str(row) for row in _list(self.lua(code)))

    def keep_screen(self, name: str) -> None:
        """Leaves what a person sees where one can look at it after the run."""
        folder = REPOSITORY / "artifacts" / "neovim"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}-{self.version()}.txt").write_text(self.screen())

    def completions(self, line: str) -> list[str]:
        """What the command line offers after `line`."""
        return [str(word) for word in self._nvim.funcs.getcompletion(line, "cmdline")]

    def status(self) -> str:
        """What the plugin gives to status lines."""
        return str(self.lua("return require('a3s').status()"))

    def notes(self) -> list[str]:
        """The notifications so far."""
        return [str(note) for note in _list(self.lua("return _G.notes"))]

    def shows(self, text: str) -> str:
        """Waits until the transcript has the text, and gives the whole transcript."""
        return wait_until(lambda: seen if text in (seen := self.transcript()) else "", f"the transcript shows {text!r}")

    def pick_with(self, *answers: str) -> None:
        """Answers coming dialogs at once, by what a choice begins with, or empty to dismiss; later ones stay open."""
        self.lua(
            """
            local answers = ...
            _G.dialogs = {}
            vim.ui.select = function(items, options, on_choice)
              local labels = vim.tbl_map(options.format_item or tostring, items)
              table.insert(_G.dialogs, { prompt = options.prompt, labels = labels })
              _G.pick = function(answer)
                for number, label in ipairs(labels) do
                  if answer ~= "" and vim.startswith(label, answer) then
                    return on_choice(items[number], number)
                  end
                end
                assert(answer == "", "no such choice: " .. answer)
                on_choice(nil)
              end
              if #answers > 0 then
                _G.pick(table.remove(answers, 1))
              end
            end
            """,
            list(answers),
        )

    def pick(self, answer: str) -> None:
        """Answers the dialog that is open."""
        self.lua("_G.pick(...)", answer)

    def dialogs(self) -> list[tuple[str, list[str]]]:
        """The dialogs so far: their prompts and choices."""
        seen = _list(self.lua("return _G.dialogs"))
        return [(str(dialog["prompt"]), dialog["labels"]) for dialog in seen if isinstance(dialog, dict)]


@contextlib.contextmanager
def running(binary: Path, home: Path, workspace: Path) -> Iterator[Neovim]:
    """An editor process of its own, in `workspace`, that keeps its files in `home`; it ends with the block."""
    home.mkdir()
    homes = {name: str(home) for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")}
    address = str(home / "nvim.sock")
    flags = ["--headless", "--listen", address, "-u", "NONE", "-i", "NONE", "-n", "--cmd", f"set rtp^={PLUGIN}"]
    process = subprocess.Popen(
        [binary, *flags], cwd=workspace, env=os.environ | homes, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    with contextlib.ExitStack() as stack:
        stack.callback(_end, process)
        wait_until(lambda: _listens(address), "Neovim listens")
        nvim = pynvim.attach("socket", path=address)
        stack.callback(_disconnect, nvim, process)
        yield Neovim(nvim)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(timeout=5)


def _disconnect(nvim: pynvim.Nvim, process: subprocess.Popen[bytes]) -> None:
    """Ends the process first: pynvim frees its socket only when it sees the end of the stream."""
    _end(process)
    with contextlib.suppress(OSError):
        nvim.request("nvim_get_mode")
    nvim.close()


class Scene:
    """The script of the fake server, and what it got."""

    def __init__(self, home: Path) -> None:
        self._script = home / "script.json"
        self._record = home / "record.jsonl"
        self._capabilities = CAPABILITIES
        self._commands: dict[str, Json] = {}
        self._requests: dict[str, object] = {}
        self._notifications: dict[str, list[Json]] = {}
        self.command = home / "a3s-lsp"
        fake = shlex.join([sys.executable, str(FAKE_SERVER), str(self._script), str(self._record)])
        self.command.write_text(f'#!/bin/sh\nexec {fake} "$@"\n')
        self.command.chmod(0o755)
        self._save()

    def on(self, command: str, answer: object, *then: Json, before: Sequence[Json] = ()) -> None:
        """Answers a command, and plays what comes `before` the answer and what follows."""
        self._commands[command] = {"before": list(before), "answer": answer, "then": list(then)}
        self._save()

    def on_prompt(self, *then: Json) -> None:
        """Plays what follows a prompt."""
        self.on("a3s.prompt", {"sessionId": "s1", "runId": "r1"}, *then)

    def can(self, **capabilities: object) -> None:
        """Gives the server more capabilities; to be called before it starts."""
        self._capabilities = {**self._capabilities, **capabilities}
        self._save()

    def on_request(self, method: str, answer: object) -> None:
        """Answers a request that is no command."""
        self._requests[method] = answer
        self._save()

    def on_notification(self, method: str, *then: Json) -> None:
        """Plays what follows each notification of that method."""
        self._notifications[method] = list(then)
        self._save()

    def _save(self) -> None:
        script = {
            "initialize": {"capabilities": self._capabilities},
            "commands": self._commands,
            "requests": self._requests,
            "notifications": self._notifications,
        }
        draft = self._script.with_suffix(".new")
        draft.write_text(json.dumps(script))
        draft.replace(self._script)  # the server may be reading it

    def received(self, method: str) -> list[Json]:
        """The params of what the editor sent, by method."""
        return [_object(message.get("params")) for message in self._messages() if message.get("method") == method]

    def heard(self) -> list[str]:
        """The methods of what the editor sent, in order; responses are `answer`."""
        return [str(message.get("method", "answer")) for message in self._messages()]

    def commands(self, name: str) -> list[object]:
        """The arguments with which a command was sent."""
        sent = [params for params in self.received("workspace/executeCommand") if params["command"] == name]
        return [argument for params in sent for argument in _list(params["arguments"])]

    def response(self, request: str) -> Json:
        """Waits for the editor's response to a request of the server."""

        def sight() -> Json | None:
            answers = [m for m in self._messages() if m.get("id") == request and "method" not in m]
            return answers[0] if answers else None

        answer = wait_until(sight, f"the request {request} is answered")
        assert answer is not None
        return answer

    def _messages(self) -> Sequence[Json]:
        if not self._record.exists():
            return []
        lines = self._record.read_text("utf-8").splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]


def event(kind: str, /, **fields: object) -> Json:
    """An `a3s/event` as the server sends it."""
    return {"method": "a3s/event", "params": {"sessionId": "s1", "runId": "r1", "type": kind, **fields}}


def ending(kind: str = "end", /, **fields: object) -> Json:
    """A terminal event."""
    return event(kind, total_tokens=12, usage={"total_tokens": 12, "cost": None}, **fields)


def tool(name: str, call: str, arguments: Json) -> list[Json]:
    """The events with which a call is announced."""
    return [
        event("tool_start", tool_id=call, tool_name=name),
        event("tool_input_delta", tool_id=call, text=json.dumps(arguments)),
    ]


def question(call: str, **fields: object) -> Json:
    """An `a3s/confirm` request; its id is the one of the call."""
    asked = {"sessionId": "s1", "runId": "r1", "toolId": call, "toolName": "bash", "title": "Run a command"}
    return {"id": call, "method": "a3s/confirm", "params": {**asked, "detail": "pytest -q", "args": {}, **fields}}


def answered(call: str) -> Json:
    """Waits for the answer to a question."""
    return {"await": call}


def edit(path: Path, lines: dict[int, str], version: object = None) -> Json:
    """One document's part of an edit: new texts by line number (from 1), for the version that was told last."""
    spans = {(line - 1, 0, line, 0): f"{text}\n" for line, text in lines.items()}
    return text_edit(path, spans, version)


def text_edit(path: Path, spans: dict[tuple[int, int, int, int], str], version: object = None) -> Json:
    """One document's part of an edit: new texts by line, character, end line and end character (from 0)."""
    edits = [
        {
            "range": {"start": {"line": top, "character": left}, "end": {"line": bottom, "character": right}},
            "newText": text,
        }
        for (top, left, bottom, right), text in spans.items()
    ]
    told = f"$version {path.name}" if version is None else version
    return {"textDocument": {"uri": path.as_uri(), "version": told}, "edits": edits}


def apply_edit(*changes: Json, name: str = "edit") -> Json:
    """A request to change documents."""
    params = {"label": "rename", "edit": {"documentChanges": list(changes)}}
    return {"id": name, "method": "workspace/applyEdit", "params": params}


def asked(method: str, **params: object) -> Json:
    """A request of the server; its id is the last word of the method."""
    return {"id": method.rpartition("/")[2], "method": method, "params": params}


def hunk(name: str, path: Path, lines: tuple[int, int], **fields: object) -> Json:
    """A hunk under review that has the lines from the first up to, but not with, the second (from 0)."""
    first, last = lines
    span = {"start": {"line": first, "character": 0}, "end": {"line": last, "character": 0}}
    ids = {"hunkId": name, "sessionId": "s1", "runId": "r1", "toolId": "t1", "uri": path.as_uri()}
    return {**ids, "range": span, "status": "applied", "label": "edit", "before": "", "after": "new\n", **fields}


def hunks(path: Path, *listed: Json, session: str = "s1") -> Json:
    """The notification of all hunks of a document."""
    return {"method": "a3s/hunks", "params": {"sessionId": session, "uri": path.as_uri(), "hunks": list(listed)}}


def _listens(address: str) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(address) == 0


def _list(value: object) -> list[object]:
    assert isinstance(value, list)
    return value


def _object(value: object) -> Json:
    return value if isinstance(value, dict) else {}
