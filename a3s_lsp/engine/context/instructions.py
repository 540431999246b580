"""The instructions of the person and of the project: `AGENTS.md` files, with the files that they import by `@path`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from a3s_lsp.engine.context.blocks import Piece, block
from a3s_lsp.engine.context.in_play import InPlay
from a3s_lsp.engine.context.perceiving import may_look
from a3s_lsp.engine.context.realms import OwnRealm, ProjectRealm, Realm
from a3s_lsp.engine.errors import PathRefused, ToolError
from a3s_lsp.engine.hook_firing import SessionHooks
from a3s_lsp.engine.instruction_facts import InstructionsTold
from a3s_lsp.engine.messages import Message, UserMessage
from a3s_lsp.engine.ports import Workspace

FILE = "AGENTS.md"
_LIMIT = 32 * 1024
_TOGETHER = 128 * 1024
_MOST_FILES = 64
_DEEPEST = 5
_MOST_TELLINGS = 10
"""How often a run is told one file, however often its conversation is made shorter."""
_CODE = re.compile(r"^(`{3,}|~{3,}).*?(?:^\1|\Z)|`[^`\n]*`", re.DOTALL | re.MULTILINE)
_IMPORT = re.compile(r"(?<![\w@`])@([\w./~-]*[\w/~])")
_NOTE = """\
[These instructions have come into play by the files that you work on. Where they differ from those of the folders \
above, they hold for the files in their folder.]"""


@dataclass(slots=True)
class _Gathering:
    """What has been read so far, so that nothing is told twice and all together has an end."""

    told: set[Path] = field(default_factory=set)
    room: int = _TOGETHER
    pieces: list[Piece] = field(default_factory=list)

    @property
    def full(self) -> bool:
        return self.room <= 0 or len(self.pieces) >= _MOST_FILES


class Instructions:
    """Reads the files anew whenever it is asked: what is on the screen counts, then what is on the disk."""

    def __init__(self, workspace: Workspace, own: Path | None, denied: Callable[[str], bool]) -> None:
        self._workspace = workspace
        self._own = own
        self._project = ProjectRealm(workspace, denied)

    async def standing(self) -> Sequence[Piece]:
        """What holds for every run: the person's own, and the project's."""
        gathering = _Gathering()
        if self._own is not None:
            file = (self._own / FILE).resolve()
            await _gather(OwnRealm(file.parent, self._workspace), file, f"Personal Instructions ({FILE})", gathering)
        await _gather(self._project, self._workspace.root / FILE, f"Project Instructions ({FILE})", gathering)
        return gathering.pieces

    async def of_folders(self, folders: Iterable[Path]) -> Sequence[Piece]:
        """What holds for the files in these folders."""
        gathering = _Gathering()
        for folder in folders:
            name = f"{self._workspace.display(folder)}/{FILE}"
            await _gather(self._project, folder / FILE, f"Project Instructions ({name})", gathering)
        return gathering.pieces

    async def may_tell(self, hooks: SessionHooks, pieces: Sequence[Piece]) -> bool:
        """Whether hooks let the model know of them."""
        return await may_look(hooks, " ".join(piece.source for piece in pieces), self._workspace.root)

    def folders_of(self, path: str) -> Iterator[Path]:
        """The folders below the root that a file is in, the outermost first."""
        try:
            place = self._workspace.resolve(path)
        except ToolError:
            return
        root = self._workspace.root
        yield from (folder for folder in reversed(place.parents) if folder.is_relative_to(root) and folder != root)


class FolderInstructions:
    """The instructions of folders, told to the model of one run as its files come into play, and told again when the
    conversation has lost them."""

    def __init__(
        self,
        instructions: Instructions,
        in_play: InPlay,
        hooks: SessionHooks,
        conversation: Callable[[], Sequence[Message]],
        redacted: Callable[[str], str],
    ) -> None:
        self._instructions = instructions
        self._in_play = in_play
        self._hooks = hooks
        self._conversation = conversation
        self._redacted = redacted
        self._paths = 0
        self._looked: set[Path] = set()
        self._pieces: dict[str, Piece] = {}
        self._tellings = Counter[str]()

    async def __call__(self) -> InstructionsTold | None:
        """What the model does not know, or no longer; None if there is nothing."""
        if folders := self._fresh_folders():
            await self._look(folders)
        if not self._pieces:
            return None
        known = [message.text for message in self._conversation() if isinstance(message, UserMessage)]
        lost = [piece for piece in self._pieces.values() if not any(piece.text in text for text in known)]
        news = [piece for piece in lost if self._tellings[piece.source] < _MOST_TELLINGS]
        if not news:
            return None
        self._tellings.update(piece.source for piece in news)
        return InstructionsTold("\n".join([_NOTE, *(piece.text for piece in news)]), tuple(p.source for p in news))

    def _fresh_folders(self) -> Sequence[Path]:
        fresh = list(self._in_play.paths)[self._paths :]
        self._paths += len(fresh)
        folders = dict.fromkeys(folder for path in fresh for folder in self._instructions.folders_of(path))
        return [folder for folder in folders if folder not in self._looked]

    async def _look(self, folders: Sequence[Path]) -> None:
        self._looked.update(folders)
        pieces = await self._instructions.of_folders(folders)
        if pieces and await self._instructions.may_tell(self._hooks, pieces):
            for piece in pieces:
                self._pieces[piece.source] = replace(piece, text=self._redacted(piece.text))


async def _gather(realm: Realm, path: Path, title: str, gathering: _Gathering, depth: int = 0) -> None:
    """Add a file that should be there if it is there, and what it imports."""
    try:
        place = realm.place(path.parent, path.name)
        await _add(realm, place, title, gathering, depth)
    except ToolError:
        return


async def _add(realm: Realm, place: Path, title: str, gathering: _Gathering, depth: int) -> None:
    """Add a file, and behind it what it imports. Raises ToolError."""
    text = await realm.text(place)
    gathering.told.add(place)
    if "\0" in text:
        raise ToolError("it is no text")
    if not text.strip():
        return
    shown, most = realm.shown(place), min(_LIMIT, gathering.room)
    cut = "" if len(text) <= most else f"\n[cut: {shown} is longer than {most} characters]"
    gathering.room -= len(text[:most])
    at = len(gathering.pieces)
    gathering.pieces.append(Piece("instructions", place.as_uri(), ""))
    remarks = await _imports(realm, place, text[:most], gathering, depth)
    told = "\n".join([f"# {title}", "", text[:most] + cut, *remarks])
    gathering.pieces[at] = Piece("instructions", place.as_uri(), block(place.as_uri(), "Resource", told))


async def _imports(realm: Realm, place: Path, text: str, gathering: _Gathering, depth: int) -> Sequence[str]:
    """Add what the text of a file imports, and say what of it is not there."""
    names = list(dict.fromkeys(_IMPORT.findall(_CODE.sub("", text))))[:_MOST_FILES]
    remarks = [(name, await _import(realm, place, name, gathering, depth)) for name in names]
    return [f"[@{name} is not shown: {remark}]" for name, remark in remarks if remark]


async def _import(realm: Realm, importing: Path, name: str, gathering: _Gathering, depth: int) -> str:
    """Add a file that another one imports, or say why not; "" also for what is no file at all."""
    try:
        place = realm.place(importing.parent, name)
        if place in gathering.told or place.is_dir():
            return ""
        if depth == _DEEPEST and place.exists():
            return f"it is imported over more than {_DEEPEST} files"
        if gathering.full:
            return "the instructions together are too long"
        title = f"Imported by {realm.shown(importing)}: {realm.shown(place)}"
        await _add(realm, place, title, gathering, depth + 1)
    except PathRefused as error:
        return str(error)
    except ToolError as error:
        if error.kind is None or error.kind.get("type") != "not_found":
            return str(error)
        return "there is no such file" if "/" in name or "." in name else ""
    return ""
