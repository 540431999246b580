"""The schedules of tests/properties/truth in a real Neovim with the plugin and the real server, in real time.

`A3S_TRUTH_NEOVIM` sets how many there are. What needs a clock of its own (delays, kills) stays with the models.
"""

from __future__ import annotations

import os
import pickle
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from a3s_lsp.engine import facts as f
from tests.editors.neovim.driver import REPOSITORY, Json, Neovim, running, wait_until
from tests.properties.truth import steps as s
from tests.properties.truth.agent import Attempt, ScheduledModel
from tests.properties.truth.buffers import Buffer, Splice, on_disk
from tests.properties.truth.generate import schedules
from tests.properties.truth.judge import Broken, Judge
from tests.properties.truth.letters import AGENT, Letters, written
from tests.properties.truth.person import splices_of
from tests.properties.truth.world import NAMES, written_by_another

pytestmark = [pytest.mark.e2e, pytest.mark.editor]

SCHEDULES = int(os.environ.get("A3S_TRUTH_NEOVIM", "60"))
VERSIONS = 2
THINK_MS, WAIT_MS = 20, 30
LEFT_OUT = (s.Crash, s.Refuse, s.Stop, s.Keep, s.TakeBack)

SETUP = """
vim.o.hidden = true
vim.o.swapfile = false
vim.o.autoread = true
-- What a person would say who does not want to lose unsaved text.
vim.api.nvim_create_autocmd("FileChangedShell", { callback = function()
  vim.v.fcs_choice = vim.bo.modified and "" or "reload"
end })
local T = {}
_G.T = T
function T.find(path) return vim.fn.bufnr("^" .. vim.fn.escape(path, "*?[") .. "$") end
function T.text(buf)
  local ending = vim.bo[buf].fileformat == "dos" and "\\r\\n" or "\\n"
  local lines = vim.api.nvim_buf_get_lines(buf, 0, -1, true)
  return table.concat(lines, ending) .. (vim.bo[buf].endofline and ending or "")
end
-- Do something with a buffer as a step of undo; the texts before and after it, nothing if it is not open.
function T.act(path, what)
  local buf = T.find(path)
  if buf < 0 or not vim.api.nvim_buf_is_loaded(buf) then return nil end
  local before = T.text(buf)
  vim.cmd.buffer(buf)
  vim.cmd("let &undolevels = &undolevels")
  what(buf, before)
  return { before, T.text(buf) }
end
function T.edit(path, expected, pieces)
  return T.act(path, function(buf, before)
    if before ~= expected then return end
    for _, piece in ipairs(pieces) do
      local first, column, last, stop, lines = unpack(piece)
      vim.api.nvim_buf_set_text(buf, first, column, last, stop, lines)
    end
  end)
end
function T.run(path, command)
  return T.act(path, function() vim.cmd(command) end)
end
-- Every text that undo and redo can bring back.
function T.history(path)
  local texts = {}
  T.act(path, function(buf)
    local function walk(entries)
      for _, entry in ipairs(entries) do
        vim.cmd("silent undo " .. entry.seq)
        table.insert(texts, T.text(buf))
        walk(entry.alt or {})
      end
    end
    local tree = vim.fn.undotree()
    walk(tree.entries)
    vim.cmd("silent undo 0")
    table.insert(texts, T.text(buf))
    vim.cmd("silent undo " .. tree.seq_cur)
  end)
  return texts
end
function T.ask(method, params)
  local client = vim.lsp.get_clients({ name = "a3s" })[1]
  local function send(...) return client.request_sync(...) end
  local answer = vim.fn.has("nvim-0.11") == 1 and client:request_sync(method, params, 5000, 0)
    or vim.fn.has("nvim-0.11") == 0 and send(method, params, 5000, 0)
  return assert(answer and answer.result, method .. " was not answered: " .. vim.inspect(answer))
end
"""


class Play:
    """One schedule in the running editor."""

    def __init__(self, editor: Neovim, root: Path, schedule: s.Schedule) -> None:
        self.editor = editor
        self.schedule = schedule
        self.paths = [root / name for name in NAMES]
        self.letters = Letters()
        self.judge = Judge(root, ScheduledModel(NAMES, lambda: ""))
        self.asked = 0
        self.seen: dict[Path, str] = {}

    def run(self) -> list[Broken]:
        """Play it, and say what was broken."""
        self._clean()
        for path, text in zip(self.paths, self.schedule.files, strict=False):
            path.write_bytes(text.encode())
        self.judge.watch(self.paths)
        jobs = [replace(step.job, think_ms=THINK_MS) for step in self.schedule.steps if isinstance(step, s.Ask)]
        for session in self._ask("truth/state", {})["sessions"]:
            self._server_command("a3s.session.delete", {"sessionId": session})
        self._server_command("a3s.session.new", {})
        self._ask("truth/begin", {"jobs": pickle.dumps(jobs).hex()})
        for step in self.schedule.steps:
            self._step(step)
        self._rest()
        return self.judge.broken

    def _clean(self) -> None:
        self.editor.command("silent! %bwipeout!")
        for path in self.paths:
            path.unlink(missing_ok=True)

    # ------------------------------------------------------------ steps

    def _step(self, step: s.Step) -> None:
        match step:
            case s.Open(file):
                if self._text(self.paths[file]) is None:
                    self.editor.command(f"silent edit {self.paths[file]}")
            case s.Ask():
                text = f"job {self.asked}"
                self.asked += 1
                self.editor.lua("require('a3s.client').execute('a3s.prompt', { text = ... })", text)
            case s.External(file, line, insert):
                self._external(self.paths[file], line, insert=insert)
            case s.Look():
                self.editor.command("silent checktime")
            case s.Wait(ms):
                time.sleep(min(ms, WAIT_MS) / 1000)
            case s.Type() | s.Save() | s.Undo() | s.Redo() | s.Close():
                self._person(step, self.paths[step.file])
            case s.Paste() | s.DeleteLines() | s.ChangeLine() | s.Rub() | s.Scatter():
                self._edit(step, self.paths[step.file])

    def _person(self, step: s.Type | s.Save | s.Undo | s.Redo | s.Close, path: Path) -> None:
        match step:
            case s.Type():
                self._type(step, path)
            case s.Undo(_, times):
                self._command(path, f"silent! undo | {'silent! undo | ' * (times - 1)} echo ''", undoing=True)
            case s.Redo(_, times):
                self._command(path, f"silent! redo | {'silent! redo | ' * (times - 1)} echo ''", undoing=True)
            case s.Save(_, overwrite):
                self._save(path, overwrite=overwrite)
            case s.Close(_, save):
                if save:
                    self._save(path, overwrite=True)
                self._close(path)

    def _command(self, path: Path, command: str, *, undoing: bool) -> None:
        texts = self._pair(self.editor.lua("return T.run(...)", str(path), command))
        if texts is not None:
            self.judge.changed(path, *texts, "undo" if undoing else "reload")

    def _edit(self, step: s.Edits, path: Path) -> None:
        """As a person who sees the text changing under the hands: once more, if it was not the one that was meant."""
        for _ in range(10):
            text = self._text(path)
            if text is None:
                return
            buffer = Buffer(path, "utf-8", text, None, 0)
            pieces = [_piece(text, one) for one in sorted(splices_of(step, buffer, self.letters.person), reverse=True)]
            texts = self._pair(self.editor.lua("return T.edit(...)", str(path), text, pieces))
            if texts is not None and texts[0] == text:
                self.judge.changed(path, *texts, "person")
                return

    def _type(self, step: s.Type, path: Path) -> None:
        """With real keys, in insert mode."""
        text = self._text(path)
        if text is None:
            return
        buffer = Buffer(path, "utf-8", text, None, 0)
        row, column, *_ = _piece(text, Splice(at := buffer.spot(step.line, step.column), at, ""))
        self.editor.lua("T.run(...)", str(path), f"silent! call cursor({_number(row) + 1}, {_number(column) + 1})")
        typed = [next(self.letters.person) for _ in range(step.count)]
        self.judge.typed.update(typed)
        self.editor.keys("i")
        for letter in typed:
            self.editor.keys(letter)
            time.sleep(min(step.pace_ms, 5) / 1000)
        self.editor.keys("<Esc>")
        wait_until(lambda: self.editor.mode() == "n", "insert mode is left")
        self.judge.changed(path, "", self._text(path) or "", "reload")

    def _save(self, path: Path, *, overwrite: bool) -> None:
        text = self._text(path)
        if text is None:
            return
        before = on_disk(path)
        known = self.seen.get(path, before)
        if before != known and before is not None and not overwrite:
            self._command(path, "silent edit!", undoing=True)
        elif (texts := self._pair(self.editor.lua("return T.run(...)", str(path), "silent write!"))) is not None:
            self.judge.overwritten(path, before, texts[0])
        self.seen[path] = on_disk(path) or ""

    def _close(self, path: Path) -> None:
        text = self._text(path)
        if text is not None:
            self.judge.closed(Buffer(path, "utf-8", text, None, 0))
            self.editor.command(f"silent! bwipeout! {path}")

    def _external(self, path: Path, line: int, *, insert: bool) -> None:
        before = on_disk(path)
        after = written_by_another(before or "", line, next(self.letters.disk), insert=insert)
        path.write_bytes(after.encode())
        self.judge.external(path, before, after)

    # ------------------------------------------------------------ the end

    def _rest(self) -> None:
        """Wait for the runs and for the server to have what is on the screen; then judge."""
        wait_until(lambda: self._ask("truth/state", {})["ended"] == self.asked, "all runs have ended")
        self.editor.command("silent checktime")
        texts: dict[Path, str] = {}

        def agree() -> bool:
            told = self._ask("truth/state", {})["documents"]
            documents = {uri: "" if text == "\n" else text for uri, text in told.items()}
            texts.clear()
            texts.update({path: text for path in self.paths if (text := self._text(path)) is not None})
            # An empty buffer has one empty line for Neovim, and for the server none.
            return documents == {path.as_uri(): "" if text == "\n" else text for path, text in texts.items()}

        try:
            wait_until(agree, "the server has what is on the screen")
        except AssertionError:
            documents = self._ask("truth/state", {})["documents"]
            self.judge.broken.append(Broken("diverged", f"the screen has {texts}, the server {documents}"))
        self._judge(texts)

    def _judge(self, texts: dict[Path, str]) -> None:
        state = self._ask("truth/state", {})
        made = pickle.loads(bytes.fromhex(str(state["attempts"])))
        facts: list[f.Fact] = pickle.loads(bytes.fromhex(str(state["facts"])))
        self.judge.model.attempts = [Attempt(call, letter, ()) for call, letter in made]
        buffers: dict[Path, Buffer] = {}
        for path, text in texts.items():
            past = self.editor.lua("return T.history(...)", str(path))
            assert isinstance(past, list)
            buffers[path] = Buffer(path, "utf-8", text, None, 0, remembered=set(map(str, past)))
        for path in self.paths:
            standing = texts[path] if path in texts else on_disk(path) or ""
            history = buffers[path].history() if path in buffers else []
            for letter in written(AGENT, "".join([standing, on_disk(path) or "", *history])):
                self.judge.landed[letter].add(path)
            for letter in written(AGENT, standing):
                self.judge.standing[letter].add(path)
        # Files on the disk, and documents that were closed, have no history but the log.
        changes = [change for fact in facts if isinstance(fact, f.FilesChanged) for change in fact.changes.changes]
        for change in changes:
            if Path(change.path) not in buffers:
                for letter in written(AGENT, change.after or ""):
                    self.judge.landed[letter].add(Path(change.path))
        self.judge.settle(buffers, facts)

    # ------------------------------------------------------------ the editor

    def _text(self, path: Path) -> str | None:
        code = "local b = T.find(...) return b > 0 and vim.api.nvim_buf_is_loaded(b) and T.text(b) or nil"
        text = self.editor.lua(code, str(path))
        return None if text is None else str(text)

    def _ask(self, method: str, params: Json) -> dict[str, Any]:
        answer = self.editor.lua("return T.ask(...)", method, params)
        assert isinstance(answer, dict)
        return answer

    def _server_command(self, name: str, argument: Json) -> None:
        self._ask("workspace/executeCommand", {"command": name, "arguments": [argument]})

    def _pair(self, texts: object) -> tuple[str, str] | None:
        if texts is None:
            return None
        assert isinstance(texts, list)
        return str(texts[0]), str(texts[1])


def _piece(text: str, splice: Splice) -> list[object]:
    """The arguments of `nvim_buf_set_text`: rows and bytes, of lines that do not have their ends."""
    dos = text.count("\r\n") == text.count("\n")
    kept, new = (one.replace("\r\n", "\n") if dos else one for one in (text, splice.text))
    start, end = (len(text[:at].replace("\r\n", "\n")) if dos else at for at in (splice.start, splice.end))
    (row, column), (last, stop) = _place(kept, start), _place(kept, end)
    lines = kept.count("\n") + (not kept.endswith("\n"))
    if last >= lines:  # behind the last line end, where the editor has no line
        last, stop = lines - 1, len(kept.split("\n")[lines - 1].encode())
        new = new.removesuffix("\n")
    if row >= lines:
        row, column, new = last, stop, f"\n{new}"
    return [row, column, last, stop, new.split("\n")]


def _place(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset), len(text[text.rfind("\n", 0, offset) + 1 : offset].encode())


def _number(value: object) -> int:
    assert isinstance(value, int)
    return value


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workspace of all schedules."""
    root = tmp_path_factory.mktemp("truth") / "workspace"
    (root / ".git").mkdir(parents=True)
    return root


@pytest.fixture(scope="module")
def stage(binary: Path, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neovim]:
    """One editor for all schedules, with the plugin and the server of `truth_server`."""
    with running(binary, tmp_path_factory.mktemp("truth") / "home", folder) as editor:
        editor.lua(SETUP)
        server = [sys.executable, "-m", "tests.editors.neovim.truth_server"]
        settings = {"model": "offline/assistant", "posture": "auto"}
        editor.setup(cmd=server, env={"PYTHONPATH": str(REPOSITORY)}, settings=settings)
        (folder / "one.py").write_text("alpha\n")
        editor.edit(folder / "one.py")
        wait_until(lambda: editor.status() == "idle", "the server is ready")
        yield editor


def _real(schedule: s.Schedule) -> s.Schedule:
    """The schedule without what only the models can do."""
    steps = tuple(step for step in schedule.steps if not isinstance(step, LEFT_OUT))
    return replace(schedule, steps=steps)


def _play(stage: Neovim, folder: Path, chosen: Sequence[s.Schedule]) -> None:
    for schedule in chosen:
        broken = Play(stage, folder, schedule).run()
        assert not broken, f"{schedule}\n{broken}"


@pytest.mark.timeout(1200)  # for many more schedules than by default
@pytest.mark.parametrize("part", range(3))
def test_nothing_is_lost_or_hidden_in_a_real_editor(part: int, stage: Neovim, folder: Path) -> None:
    count = SCHEDULES // VERSIONS // 3
    first = part * count + (10_000 if stage.version() == "0.10" else 0)
    _play(stage, folder, [_real(schedule) for schedule in schedules("neovim", first, count)])
