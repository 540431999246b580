"""What the offline assistant does next: the next tool call for a request, or the answer from the results so far."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.models import offline_answers as answers
from a3s_lsp.engine.models.offline_answers import Done
from a3s_lsp.engine.models.offline_lines import last_part, whole_word
from a3s_lsp.engine.models.offline_requests import (
    Create,
    Find,
    Help,
    List,
    Outline,
    Rename,
    Request,
    Run,
    Show,
    Substitute,
    Unknown,
    Uses,
    Where,
)

_SHOWN_LINES = 200
_FILE_NAME = re.compile(
    r".*/.*|.+\.(?:py|pyi|toml|cfg|ini|[cm]?[jt]sx?|json|html|css|vue|rs|go|c|h|cc|cpp|hpp|java|kt|cs|swift|rb|php|lua|vim"
    r"|sh|md|rst|txt|ya?ml|xml|sql|acl|lock|log)"
)
_ENTRY = re.compile(r"(?:dir|file|link) +\S+  (?P<name>.+)")
_MISSING = "(os error 2)"
"""What the tool `read` says of a file that is not there."""
_PYTEST = "python3 -m pytest -q"
_TEST_COMMANDS: Mapping[str, str] = {
    "pyproject.toml": _PYTEST,
    "pytest.ini": _PYTEST,
    "setup.py": _PYTEST,
    "Cargo.toml": "cargo test",
    "go.mod": "go test ./...",
    "package.json": "npm test",
    "pom.xml": "mvn -q test",
    "mix.exs": "mix test",
    "Makefile": "make test",
}
"""How tests are run where this file is in the folder; the first one counts."""


@dataclass(frozen=True, slots=True)
class Use:
    """Call a tool, with a word to the person before."""

    tool: str
    arguments: Json
    remark: str = ""


Step: TypeAlias = Use | str
_Finish: TypeAlias = Callable[[Done], str]


def next_step(request: Request, done: Sequence[Done]) -> Step:
    """The next call, or the final answer."""
    match request:
        case Where(name=name):
            return _where(name, done)
        case Uses(name=name, calls=calls):
            return _once(Use("grep", {"pattern": whole_word(name)}), done, lambda d: answers.uses(name, d, calls=calls))
        case Find(text=text, scope=scope):
            arguments = {"pattern": re.escape(text), **_scope(scope)}
            return _once(Use("grep", arguments), done, lambda d: answers.lines_with(text, d))
        case List(folder=folder, pattern=""):
            return _once(Use("ls", {"path": folder} if folder else {}), done, answers.listing)
        case List(pattern=pattern):
            return _once(Use("glob", {"pattern": _anywhere(pattern)}), done, answers.listing)
        case Outline(file=file):
            return _read(file, {}, done, answers.outline)
        case Show(file=file, first=first, last=last):
            limit = last - first + 1 if last else _SHOWN_LINES
            return _read(file, {"offset": first - 1, "limit": max(1, limit)}, done, answers.contents)
        case Rename() | Substitute() | Create() | Run():
            return _act(request, done)
        case Help():
            return answers.HELP
        case Unknown():
            return answers.UNKNOWN


def _act(request: Rename | Substitute | Create | Run, done: Sequence[Done]) -> Step:
    match request:
        case Rename():
            return _rename(request, done)
        case Substitute(old=old, new=new, scope=scope):
            arguments = {"pattern": old, "replacement": new, **_scope(scope)}
            return _once(Use("replace", arguments), done, lambda d: answers.replaced(old, new, d))
        case Create():
            return _create(request, done)
        case Run(command=""):
            return _tests(done)
        case Run(command=command):
            return _once(Use("bash", {"command": command}), done, answers.ran)


def _once(use: Use, done: Sequence[Done], finish: _Finish) -> Step:
    """One call, and the answer from its result."""
    return finish(done[-1]) if done else use


def _where(name: str, done: Sequence[Done]) -> Step:
    """Ever wider searches until one finds something."""
    if done and (done[-1].failed or answers.found(done[-1])):
        return answers.where(name, done[-1])
    ways = [
        Use("grep", {"pattern": whole_word(last_part(name))}),
        Use("grep", {"pattern": re.escape(name), "-i": True}),
    ]
    if _FILE_NAME.fullmatch(name):
        ways.insert(0, Use("glob", {"pattern": _anywhere(name)}))
    return ways[len(done)] if len(done) < len(ways) else answers.nowhere(name)


def _read(file: str, window: Json, done: Sequence[Done], finish: _Finish) -> Step:
    """Read the file; one that is not where it was said to be is looked for by its name."""
    match done:
        case []:
            return Use("read", {"file_path": file, **window})
        case [missing] if missing.failed and _MISSING in missing.output:
            return Use("glob", {"pattern": _anywhere(file.rsplit("/", 1)[-1])})
        case [missing, Done(tool="glob") as looked]:
            names = [] if looked.failed else answers.names(looked)
            if len(names) == 1:
                return Use("read", {"file_path": names[0], **window})
            return answers.which(file, looked) if names else answers.failure(missing)
    return finish(done[-1])


def _rename(request: Rename, done: Sequence[Done]) -> Step:
    old, new = request.old, request.new
    if _FILE_NAME.fullmatch(old) and _FILE_NAME.fullmatch(new):
        return f"I rename names in text, not files. For the file, say: run git mv {old} {new}"
    if old == new:
        return f"`{old}` is its name already."
    scope = _scope(request.scope)
    match done:
        case []:
            return Use("grep", {"pattern": whole_word(new), **scope})
        case [taken]:
            arguments = {"pattern": old, "replacement": new, "whole_word": True, **scope}
            return Use("replace", arguments, answers.already_there(new, taken))
    return answers.renamed(old, new, taken=done[0], replaced=done[-1])


def _create(request: Create, done: Sequence[Done]) -> Step:
    match done:
        case []:
            return Use("read", {"file_path": request.file, "limit": 1})
        case [Done(failed=False)]:
            return f"`{request.file}` is there already; I changed nothing. I only create files that do not exist."
        case [looked] if _MISSING not in looked.output:
            return answers.failure(looked)
        case [_]:
            return Use("write", {"file_path": request.file, "content": request.content})
    return answers.wrote(request.file, done[-1])


def _tests(done: Sequence[Done]) -> Step:
    match done:
        case []:
            return Use("ls", {})
        case [listed] if listed.failed:
            return answers.failure(listed)
        case [listed]:
            command = _test_command(listed.output)
            return Use("bash", {"command": command}) if command else answers.NO_TESTS
    return answers.ran(done[-1])


def _test_command(listing: str) -> str | None:
    there = {entry["name"] for line in listing.split("\n") if (entry := _ENTRY.fullmatch(line))}
    command = next((command for file, command in _TEST_COMMANDS.items() if file in there), None)
    if command == _PYTEST and ".venv/" in there:
        return _PYTEST.replace("python3", ".venv/bin/python")
    return command


def _anywhere(pattern: str) -> str:
    return pattern if pattern.startswith(("/", "**/")) else f"**/{pattern.removeprefix('./')}"


def _scope(scope: str) -> Json:
    """As the tools take it: a pattern, or a file of which only the name was said, is looked for in all folders."""
    if not scope:
        return {}
    bare = "/" not in scope and _FILE_NAME.fullmatch(scope)
    return {"glob": scope} if bare or re.search(r"[*?{\[]", scope) else {"path": scope}
