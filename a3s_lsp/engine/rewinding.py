"""The way back: checkpoints around what a session does to files, and rewinding to before any prompt or call.

Only what the session did is taken back: the files of its change sets and of its commands. What others did to further
files stays. The conversation goes back by folding the log up to that point.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from a3s_lsp.engine import facts as f
from a3s_lsp.engine.changes import Change, ChangeSet
from a3s_lsp.engine.errors import A3SError, StoreError, ToolError
from a3s_lsp.engine.messages import Message
from a3s_lsp.engine.ports import Workspace
from a3s_lsp.engine.review import Review
from a3s_lsp.engine.state import State
from a3s_lsp.engine.workspace.checkpoint_listing import listed
from a3s_lsp.engine.workspace.checkpoints import Checkpoint, CheckpointStore
from a3s_lsp.engine.workspace.shielding import uninterrupted

logger = logging.getLogger(__name__)

_LABEL_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class Point:
    """A place to go back to: just before a run or a call, or where one was before an earlier rewind."""

    id: str
    kind: Literal["run", "tool", "rewind"]
    label: str
    time_ms: int


@dataclass(frozen=True, slots=True)
class Rewind:
    """What goes, or went, back. `files` are pairs of a path and `created`, `modified` or `deleted`; `left_out` are
    sentences about what was left alone. `messages` is how many the conversation has then. `id` leads forth again."""

    files: tuple[tuple[Path, str], ...]
    messages: int
    left_out: tuple[str, ...] = ()
    id: str | None = None


@dataclass(slots=True)
class _Target:
    """How the work tree was: as in the checkpoint (None: as it is now), but for these files, which the checkpoint has
    too late. `touched` are the files that the session has changed since."""

    checkpoint: str | None = None
    texts: dict[Path, str | None] = field(default_factory=dict)
    touched: set[Path] = field(default_factory=set)

    def take(self, record: f.Record) -> None:
        """Go on through the log from the point on."""
        match record.fact:
            case f.FilesChanged(changes=changes):
                for path, text in _befores(changes):
                    self.touched.add(path)
                    if self.checkpoint is None:
                        self.texts.setdefault(path, text)
            case f.TreeChanged(before=before, files=files):
                self.checkpoint = self.checkpoint or before
                self.touched |= {Path(path) for path, _ in files}
            case f.Checkpointed(checkpoint=checkpoint):
                self.checkpoint = self.checkpoint or checkpoint
            case _:
                pass


class Rewinding:
    """The checkpoints of one session; without a `store` only what edits did can be taken back, and not commands."""

    def __init__(
        self,
        review: Review,
        workspace: Workspace,
        store: CheckpointStore | None,
        records: Callable[[], Awaitable[Iterable[f.Record]]],
    ) -> None:
        self._review = review
        self._workspace = workspace
        self._store = store
        self._records = records
        self._kept: set[str] = set()

    # ------------------------------------------------------------ checkpoints

    async def before_change(self, call_id: str, run_id: str | None) -> None:
        """Keep the work tree before the first change of a run."""
        if run_id is None or run_id in self._kept:
            return
        self._kept.add(run_id)
        checkpoint = await self._take()
        if checkpoint is not None:
            left_out = len(checkpoint.left_out)
            self._review.record(f.Checkpointed(checkpoint.id, call_id, before=True, left_out=left_out), run_id)

    @asynccontextmanager
    async def around_command(self, call_id: str, run: Callable[[], str | None]) -> AsyncIterator[None]:
        """Keep the work tree before and after something that may change it in any way, and note what it changed."""
        before = await self._take()
        if before is not None:
            left_out = len(before.left_out)
            self._review.record(f.Checkpointed(before.id, call_id, before=True, left_out=left_out), run())
            self._kept.add(run() or "")
        try:
            yield
        finally:
            if before is not None:
                await uninterrupted(self._note_changes(call_id, before, run))

    async def _note_changes(self, call_id: str, before: Checkpoint, run: Callable[[], str | None]) -> None:
        store, after = self._store, await self._take()
        if store is None or after is None:
            return
        deltas = await asyncio.to_thread(store.changes, before.id, after.id)
        if deltas:
            files = tuple((str(delta.path), "modified" if delta.kind == "mode" else delta.kind) for delta in deltas)
            self._review.record(f.TreeChanged(call_id, before.id, after.id, files), run())

    async def _take(self) -> Checkpoint | None:
        """Keep the tree as it is now; None, with a line in the log, if that cannot be done."""
        if self._store is None:
            return None
        root = self._workspace.root
        texts = {document.path: document.text for document in self._workspace.unsaved()}
        stop = threading.Event()
        try:
            return await asyncio.to_thread(self._store.take, root, await listed(root), texts, stop)
        except asyncio.CancelledError:
            stop.set()
            raise
        except (StoreError, ToolError) as error:
            logger.warning("there is no checkpoint, so what commands do now cannot be rewound: %s", error)
            return None

    # ------------------------------------------------------------ going back

    async def points(self) -> list[Point]:
        """Where one can go back to, the latest first."""
        found: list[Point] = []
        begun: dict[str, tuple[f.CallBegan, int]] = {}
        for record in await self._records():
            match record.fact:
                case f.RunStarted(prompt=prompt) if record.run_id is not None:
                    found.append(Point(record.run_id, "run", _short(prompt), record.time_ms))
                case f.CallBegan(call_id=call_id):
                    begun[call_id] = record.fact, record.time_ms
                case f.FilesChanged(call_id=call_id) | f.TreeChanged(call_id=call_id) if call_id in begun:
                    call, time_ms = begun.pop(call_id)
                    found.append(Point(call_id, "tool", _short(_described(call)), time_ms))
                case f.Rewound(id=rewind_id, to=to):
                    found.append(Point(rewind_id, "rewind", f"undo the rewind to {to}", record.time_ms))
                case _:
                    pass
        return found[::-1]

    async def preview(self, to: str, *, files: bool = True, conversation: bool = True) -> Rewind:
        """What `rewind` would do. Raises A3SError if there is no such point."""
        records = list(await self._records())
        target, messages = _target(records, to), _messages(records, to)
        shown, left_out = await self._differences(target, await self._take()) if files else ((), ())
        kept = messages if conversation else await self._conversation()
        return Rewind(tuple(shown), len(kept), tuple(left_out))

    async def rewind(self, to: str, *, files: bool = True, conversation: bool = True) -> Rewind:
        """Go back to just before a run or a call, or forth by the id of a rewind.

        Documents that are open go back in the editor, by an edit that its undo takes back. Raises A3SError if there is
        no such point, StaleEdit and EditRefused; then nothing was changed.
        """
        records = list(await self._records())
        target, messages = _target(records, to), _messages(records, to)
        rewind_id = f"rewind-{uuid.uuid4()}"
        now = await self._take() if files else None
        shown, left_out = await self._differences(target, now) if files else ((), ())
        if files:
            left_out = (*left_out, *await self._restore(rewind_id, target, now))
        dropped = tuple(await self._conversation())
        self._review.record(
            f.Rewound(
                rewind_id,
                to,
                redo=None if now is None else now.id,
                messages=tuple(messages) if conversation else None,
                dropped=dropped if conversation else (),
                files=files,
            )
        )
        return Rewind(tuple(shown), len(messages) if conversation else len(dropped), tuple(left_out), rewind_id)

    async def _conversation(self) -> Sequence[Message]:
        state = State()
        for record in await self._records():
            state.apply(record)
        return state.messages

    async def _differences(
        self, target: _Target, now: Checkpoint | None
    ) -> tuple[Sequence[tuple[Path, str]], Sequence[str]]:
        """What would change, and what cannot be brought back."""
        found: dict[Path, str] = {}
        left_out: list[str] = []
        if self._store is not None and now is not None and target.checkpoint is not None:
            deltas = await asyncio.to_thread(self._store.changes, now.id, target.checkpoint)
            found |= {delta.path: delta.kind for delta in deltas if delta.path in target.touched}
            then = await asyncio.to_thread(self._store.checkpoint, target.checkpoint)
            left_out += [f"{self._workspace.display(each.path)}: {each.reason}" for each in then.left_out]
        for change in await self._edits(target):
            kind = "created" if change.before is None else "deleted" if change.after is None else "modified"
            found[Path(change.path)] = kind
        kinds = {"mode": "modified"}
        return [(path, kinds.get(kind, kind)) for path, kind in sorted(found.items())], left_out

    async def _edits(self, target: _Target) -> list[Change]:
        """What is to be done to texts: of unsaved documents, and of files that the checkpoint has too late. Documents
        without unsaved text are read again once their files are restored."""
        unsaved = {document.path for document in self._workspace.unsaved()}
        wanted = dict(target.texts)
        for path in target.touched & (unsaved - wanted.keys()):
            text = await asyncio.to_thread(self._kept_text, target, path)
            if text is not None:
                wanted[path] = text
        changes: list[Change] = []
        for path, text in sorted(wanted.items()):
            current = await self._review.text(str(path))
            if current != text:
                changes.append(Change(str(path), current, text))
        return changes

    def _kept_text(self, target: _Target, path: Path) -> str | None:
        """The text of a document at the time of the checkpoint; None if it had none, or if that is not a text."""
        if self._store is None or target.checkpoint is None:
            return None
        unsaved = self._store.buffer(target.checkpoint, path)
        if unsaved is not None:
            return unsaved
        data = self._store.text(target.checkpoint, path)
        try:
            return None if data is None else data.decode()
        except UnicodeDecodeError:
            return None

    async def _restore(self, rewind_id: str, target: _Target, now: Checkpoint | None) -> Sequence[str]:
        """Bring the files back; returns sentences about those for which that did not work."""
        changes = await self._edits(target)
        if changes:
            label = "rewind"
            clean = [document.path for document in self._workspace.opened() if not document.dirty]
            await self._review.apply(f.FilesChanged(rewind_id, ChangeSet(label, tuple(changes)), undoes=rewind_id))
            await self._workspace.save([path for path in clean if str(path) in {change.path for change in changes}])
        failed: Sequence[str] = ()
        if self._store is not None and now is not None and target.checkpoint is not None:
            failed = await self._restore_tree(self._store, target, now, {Path(change.path) for change in changes})
        await self._workspace.reload()
        await self._review.reconcile()
        return failed

    async def _restore_tree(
        self, store: CheckpointStore, target: _Target, now: Checkpoint, done: set[Path]
    ) -> Sequence[str]:
        assert target.checkpoint is not None
        deltas = await asyncio.to_thread(store.changes, now.id, target.checkpoint)
        unsaved = {document.path for document in self._workspace.unsaved()}
        skip = {delta.path for delta in deltas if delta.path not in target.touched or delta.path in unsaved} | done
        root = self._workspace.root
        restored = await asyncio.to_thread(store.restore, root, target.checkpoint, now.id, skip)
        return [f"{self._workspace.display(each.path)}: {each.reason}" for each in restored.failed]


def _befores(changes: ChangeSet) -> Iterable[tuple[Path, str | None]]:
    for change in changes.changes:
        if change.source is not None:
            yield Path(change.source), change.before
            yield Path(change.path), None
        else:
            yield Path(change.path), change.before


def _place(records: Sequence[f.Record], to: str) -> int:
    """The index of the record before which the point lies. Raises A3SError."""
    for index, record in enumerate(records):
        match record.fact:
            case f.RunStarted() if record.run_id == to:
                return index
            case f.CallBegan(call_id=call_id) if call_id == to:
                return index
            case f.Rewound(id=rewind_id) if rewind_id == to:
                return index
            case _:
                pass
    raise A3SError(f"There is no prompt, call or rewind {to} in this session to go back to; /rewind lists them.")


def _target(records: Sequence[f.Record], to: str) -> _Target:
    place = _place(records, to)
    fact = records[place].fact
    target = _Target()
    if isinstance(fact, f.Rewound):  # forth again: what the rewind did is what is taken back
        return _forth(records, place, fact)
    for record in records[place:]:
        target.take(record)
    return target


def _forth(records: Sequence[f.Record], place: int, fact: f.Rewound) -> _Target:
    """How it was just before a rewind: the files that it, and whatever came later, has touched."""
    target = _Target()
    for record in records:
        if isinstance(record.fact, f.FilesChanged) and record.fact.call_id == fact.id:
            target.take(record)
    origin = _target(records[:place], fact.to)
    for record in records[place:]:
        target.take(record)
    target.touched |= origin.touched
    target.checkpoint = fact.redo or target.checkpoint
    return target


def _messages(records: Sequence[f.Record], to: str) -> Sequence[Message]:
    """The conversation just before the point."""
    place = _place(records, to)
    fact = records[place].fact
    if isinstance(fact, f.Rewound) and fact.messages is not None:
        return fact.dropped
    end = place
    if isinstance(fact, f.CallBegan):  # before the turn that has the call
        turns = (at for at in range(place, -1, -1) if _is_turn_with(records[at].fact, fact.call_id))
        end = next(turns, place)
    state = State()
    for record in records[:end]:
        state.apply(record)
    return state.messages


def _is_turn_with(fact: f.Fact, call_id: str) -> bool:
    return isinstance(fact, f.TurnEnded) and any(call.id == call_id for call in fact.message.tool_calls)


def _described(call: f.CallBegan) -> str:
    args: Mapping[str, object] = call.args
    subject = next((args[name] for name in ("command", "file_path", "path", "pattern") if name in args), "")
    return f"{call.name} {subject}".strip()


def _short(text: str) -> str:
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line if len(line) <= _LABEL_CHARACTERS else f"{line[: _LABEL_CHARACTERS - 1]}…"
