"""The offline assistant's answers: what the results of tools say, in sentences, with the places they name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from a3s_lsp.engine.config.target import KNOWN
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.models.offline_lines import (
    Place,
    grep_places,
    is_call,
    is_definition,
    is_landmark,
    last_part,
    read_places,
)

_LISTED = 20
_LISTED_NAMES = 60
_OUTPUT_LINES = 60
_REFUSAL = re.compile(
    r"(?:Permission denied: )?Tool '\w+' (?:is blocked|requires confirmation|execution was REJECTED).*", re.DOTALL
)
_CUT = "[tool output truncated"
_MORE_LINES = re.compile(r"\n\.\.\. \((?:(?P<count>\d+) )?more lines not shown[^\n]*\n")
_REPLACED = re.compile(r"Replaced (?P<count>\d+) occurrence\(s\) in (?P<files>\d+) file\(s\):\n(?P<rows>.*)", re.DOTALL)
_NAMED_PLACE = re.compile(r'File "(?P<file>[^"<]+)", line (?P<at>\d+)|(?P<path>[\w./-]*\w\.\w+):(?P<line>\d+)')

_ABILITIES = """\
- `where is NAME`, `who calls NAME`, `references to NAME`
- `outline of FILE`, `read FILE lines 10-40`, `list files in FOLDER`, `find *.toml`
- `search "text"`, also `in FILE` or `in *.py`
- `rename OLD to NEW`, `replace "this" with "that" in FILE`
- `create file PATH with TEXT`
- `run COMMAND`, `run the tests`"""
HELP = f"""\
I am the offline assistant: I have no language model, but a few things I can do by rule, with the same tools and the \
same questions before anything is changed:
{_ABILITIES}"""
UNKNOWN = f"""\
I am the offline assistant and have no language model, so I cannot do that. I understand:
{_ABILITIES}

For everything else give me a model: set one of {", ".join(known.variable for known in KNOWN.values())}, or start \
Ollama, or name a `default_model` in agent.acl."""
NO_TESTS = "I see no file that tells how this project is tested. Say it yourself: `run COMMAND`."


@dataclass(frozen=True, slots=True)
class Done:
    """A call of this request and what came of it."""

    tool: str
    arguments: Json
    output: str
    failed: bool

    @property
    def refused(self) -> bool:
        """It was not even tried: a person or their policy said no."""
        return self.failed and _REFUSAL.fullmatch(self.output) is not None


def no_tool(tool: str) -> str:
    """What to say when a tool is not there."""
    return f"I would need the tool `{tool}` for that, and this session does not offer it."


def failure(done: Done) -> str:
    """Why a call did not work, or was not made."""
    if not done.refused:
        return f"`{done.tool}` did not work: {done.output}"
    rejected = re.search(r"Reason: (.*?)\. DO NOT", done.output, re.DOTALL)
    reason = f" The reason given: {rejected[1]}." if rejected else f" {done.output.split(' DO NOT')[0]}"
    return f"I was not allowed to use `{done.tool}`, so nothing was done.{reason}"


def found(done: Done) -> bool:
    """Whether a search found anything."""
    return not done.failed and not done.output.startswith(("No matches found", "No files found"))


def names(done: Done) -> list[str]:
    """The paths that the tool `glob` found."""
    return done.output.split("\n\n")[0].split("\n") if found(done) else []


def where(name: str, done: Done) -> str:
    """Where a name is defined, and where else it stands."""
    if done.failed:
        return failure(done)
    if done.tool == "glob":
        return _named(f"`{name}` is here:", done)
    places = grep_places(done.output)
    if "-i" in done.arguments:
        places.sort(key=is_landmark, reverse=True)
        return f"`{name}` is no whole word anywhere. As a part of others it is found here:\n{_listed(places, done)}"
    short = last_part(name)
    subject = f"`{name}`" if short == name else f"`{short}`, the last part of `{name}`,"
    definitions: list[Place] = []
    others: list[Place] = []
    for place in places:
        (definitions if is_definition(place, short) else others).append(place)
    if not definitions:
        return f"I recognise no definition, but {subject} is found here:\n{_listed(others, done)}"
    if not others or len(definitions) >= _LISTED:
        return f"{subject} is defined here:\n{_listed(definitions, done)}"
    return (
        f"{subject} is defined here:\n{_rows(definitions)}\n\n"
        f"It is also found here:\n{_listed(others, done, _LISTED - len(definitions))}"
    )


def nowhere(name: str) -> str:
    """A name that is in no file."""
    return f"`{name}` is in no file that I can search, in whatever case."


def uses(name: str, done: Done, *, calls: bool) -> str:
    """What uses a name, definitions left out."""
    if done.failed:
        return failure(done)
    others = [place for place in grep_places(done.output) if not is_definition(place, name)]
    if not others:
        return f"Nothing uses `{name}`." if found(done) else f"`{name}` is in no file that I can search."
    callers = [place for place in others if is_call(place, name)]
    if not calls:
        return f"`{name}` is used here:\n{_listed(others, done)}"
    if not callers:
        return f"Nothing seems to call `{name}`, but it is named here:\n{_listed(others, done)}"
    rest = len(others) - len(callers)
    note = f"\n\nIt is named without a call on {_count(rest, 'line')} more." if rest else ""
    return f"`{name}` is called here:\n{_listed(callers, done)}{note}"


def lines_with(text: str, done: Done) -> str:
    """Where a text is."""
    if done.failed:
        return failure(done)
    if not found(done):
        return f"{_code(text)} is in no file that I searched."
    return f"{_code(text)} is here:\n{_listed(grep_places(done.output), done)}"


def listing(done: Done) -> str:
    """What is in a folder, or which files there are."""
    if done.failed:
        return failure(done)
    if done.tool == "glob":
        return _named("These match:", done) if found(done) else done.output
    return _fenced(done.output)


def outline(done: Done) -> str:
    """What a file defines."""
    if done.failed:
        return failure(done)
    path = str(done.arguments["file_path"])
    places = [place for place in read_places(path, done.output) if is_landmark(place)]
    if not places:
        return f"I recognise no definitions in `{path}`.{_lines_left(done)}"
    rows = "\n".join(f"{place.line:>5}  {place.text.rstrip()}" for place in places)
    return f"`{path}` defines, by line:\n{_fenced(rows)}{_lines_left(done)}"


def contents(done: Done) -> str:
    """The lines of a file."""
    if done.failed:
        return failure(done)
    path = done.arguments["file_path"]
    if not done.output:
        return f"`{path}` is empty."
    return f"`{path}`:\n{_fenced(_MORE_LINES.sub('', done.output))}{_lines_left(done)}"


def which(file: str, done: Done) -> str:
    """Several files of the same name."""
    return _named(f"There are several of the name `{file}`; which one?", done)


def already_there(name: str, looked: Done) -> str:
    """The warning that the new name is taken, or that nobody could look; nothing if it is free."""
    if looked.failed:
        return f"I could not look whether `{name}` is in use already."
    places = grep_places(looked.output)
    if not places:
        return ""
    return f"Careful: `{name}` was in use before on {_count(len(places), 'line')}, for instance {places[0]}."


def renamed(old: str, new: str, *, taken: Done, replaced: Done) -> str:
    """What a renaming has changed."""
    if replaced.failed:
        return _not_replaced(old, replaced)
    warning = already_there(new, taken)
    return (
        f"Renamed `{old}` to `{new}`: {_counts(replaced)}\n\n"
        "I went by the whole word, so comments and strings are changed too, and anything else of that name."
        + (f"\n{warning}" if warning else "")
    )


def replaced(old: str, new: str, done: Done) -> str:
    """What a replacement has changed."""
    return _not_replaced(old, done) if done.failed else f"Replaced {_code(old)} with {_code(new)}: {_counts(done)}"


def wrote(file: str, done: Done) -> str:
    """A new file."""
    return failure(done) if done.failed else f"Created `{file}`."


def ran(done: Done) -> str:
    """What a command has printed, and the places that it names."""
    if done.refused:
        return failure(done)
    command = str(done.arguments["command"])
    verdict = "failed" if done.failed else "succeeded"
    if not done.output.strip():
        return f"{_code(command)} {verdict} and printed nothing."
    return f"{_code(command)} {verdict}:\n{_fenced(_last_lines(done.output))}{_named_places(done)}"


def _lines_left(done: Done) -> str:
    """What the tool `read` has not shown of a file."""
    left = _MORE_LINES.search(done.output)
    if left:
        return f"\n\n{_count(left['count'], 'line')} after that." if left["count"] else "\n\nThere are more lines."
    return "\n\nThere is more, but it was too long for me to see." if _CUT in done.output else ""


def _named_places(done: Done) -> str:
    """The places in the output of a command that failed: where to look."""
    if not done.failed:
        return ""
    found = (f"{p['file'] or p['path']}:{p['at'] or p['line']}" for p in _NAMED_PLACE.finditer(done.output))
    places = list(dict.fromkeys(found))[:_LISTED]
    return f"\n\nIt names {', '.join(places)}." if places else ""


def _not_replaced(old: str, done: Done) -> str:
    if done.output.startswith("No matches found"):
        return f"{_code(old)} was not found, so nothing is changed."
    return failure(done)


def _counts(done: Done) -> str:
    """The tool's own count: the sum, the files, and what was left alone."""
    counted = _REPLACED.fullmatch(done.output)
    if not counted:
        return done.output
    rows = "".join(f"\n- {row.strip()}" for row in counted["rows"].split("\n") if row.strip())
    return f"{_count(counted['count'], 'occurrence')} in {_count(counted['files'], 'file')}:{rows}"


def _named(heading: str, done: Done) -> str:
    """The first of the paths that the tool `glob` found, and how many are left out."""
    paths = names(done)
    answer = "\n".join([heading, *(f"- {path}" for path in paths[:_LISTED_NAMES])])
    left = len(paths) - _LISTED_NAMES
    if left <= 0:
        return answer
    return f"{answer}\n… and {'more than ' if _CUT in done.output else ''}{left} more."


def _listed(places: Sequence[Place], done: Done, most: int = _LISTED) -> str:
    """The places, up to `most`, and how many are left out."""
    shown = places[:most]
    rest = _rest(len(places) - len(shown), done)
    return _rows(shown) + (f"\n{rest}" if rest else "")


def _rows(places: Sequence[Place]) -> str:
    return "\n".join(f"- {place} {_code(place.text.strip())}" for place in places)


def _rest(left: int, done: Done) -> str:
    """The honest remainder: lines that are not listed, and whether the search itself was cut short."""
    cut = "[There are more" in done.output or _CUT in done.output
    counted = f"… and on {_count(left, 'line')} more." if left else ""
    return f"{counted} The search was cut short: there are still more.".lstrip() if cut else counted


def _count(number: int | str, noun: str) -> str:
    return f"{number} {noun}" if int(number) == 1 else f"{number} {noun}s"


def _code(text: str) -> str:
    text = text if len(text) <= 120 else f"{text[:120]}…"
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def _last_lines(text: str) -> str:
    lines = text.strip("\n").split("\n")
    before = len(lines) - _OUTPUT_LINES
    return "\n".join([f"… {_count(before, 'line')} before", *lines[before:]]) if before > 0 else text


def _fenced(text: str) -> str:
    """A block of code, with a fence that is longer than any in the text."""
    text = text.strip("\n")
    fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`+", text))])
    return f"{fence}\n{text}\n{fence}"
