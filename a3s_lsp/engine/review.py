"""The review of a session: what others do to the files that it changed, and what the person says of its hunks."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from a3s_lsp.engine import facts as f
from a3s_lsp.engine.changes import Change, ChangeSet
from a3s_lsp.engine.errors import A3SError, ToolError
from a3s_lsp.engine.journal import Journal
from a3s_lsp.engine.ledger import Hunk, Ledger
from a3s_lsp.engine.ports import TextChange, Workspace
from a3s_lsp.engine.review_note import review_note
from a3s_lsp.engine.texts import splice, split_lines, without


class Review:
    """Use `start` once the session is there. Listeners are called with the path of a file whose hunks, or whose text,
    have changed."""

    def __init__(self, journal: Journal, workspace: Workspace) -> None:
        self._journal = journal
        self._workspace = workspace
        self._listeners: list[Callable[[str], None]] = []
        self._stop: Callable[[], None] | None = None
        self._acting = asyncio.Lock()

    @property
    def ledger(self) -> Ledger:
        """The hunks and what became of them."""
        return self._journal.state.ledger

    async def start(self) -> None:
        """Watch the files, and find out what happened to them while nobody did."""
        self._stop = self._workspace.subscribe(self._take_notice)
        self._workspace.watch([Path(path) for path in self.ledger.paths()])
        await self._recover()
        await self.reconcile()

    def stop(self) -> None:
        """Watch no more."""
        if self._stop is not None:
            self._stop()
            self._stop = None

    def subscribe(self, listener: Callable[[str], None]) -> Callable[[], None]:
        """Have the path told of each file whose hunks or text change; call what is returned to stop that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    # ------------------------------------------------------------ what happens to the texts

    def record(self, fact: f.Fact, run_id: str | None = None) -> None:
        """Append a fact, and show what became of hunks by it."""
        self._journal.append(fact, run_id)
        recent = self.ledger.recent
        for hunk in recent:
            self._journal.append(f.HunkChanged(hunk.id, hunk.path, self.ledger.line(hunk), hunk.status))
        if isinstance(fact, f.FilesChanged):
            self._workspace.watch([Path(change.path) for change in fact.changes.changes])
        for path in _touched(fact, recent):
            for listener in tuple(self._listeners):
                listener(path)

    def _take_notice(self, change: TextChange) -> None:
        # A document that was closed has the disk's text from now on, what is gone may come again: `reconcile` looks.
        if change.text is not None:
            self._meet(str(change.path), change.text, change.cause)

    def _meet(self, path: str, text: str | None, cause: f.Cause) -> None:
        """Make the ledger have the text that a file has now."""
        if not self.ledger.knows(path):
            return
        known = self.ledger.text(path)
        if known == text:
            return
        edit = splice(known or "", text or "")
        start, end = (0, 0) if edit is None else (edit.start, edit.end)
        new = None if text is None else "" if edit is None else edit.text
        self.record(f.TextEdited(path, start, end, new, cause))

    async def reconcile(self) -> None:
        """Look at the files that this session has changed: the disk tells nobody what is done to it."""
        for path in self.ledger.paths():
            try:
                text = await self.text(path)
            except ToolError:  # not text any more, or not to be read: what it has now cannot be told in texts
                continue
            self._meet(path, text, "disk")

    async def text(self, path: str) -> str | None:
        """The text that a file has, None if it is not there. Raises ToolError if it is not text."""
        try:
            return (await self._workspace.read(Path(path))).text
        except ToolError as error:
            if error.kind is not None and error.kind.get("type") == "not_found":
                return None
            raise

    async def _recover(self) -> None:
        """Enter what was done of change sets in the middle of which the process died."""
        for run_id, planned in tuple(self._journal.state.changing.values()):
            found = [await self._done(change) for change in planned.changes.changes]
            done = [change for change in found if change is not None]
            if done:
                changes = ChangeSet(planned.changes.label, tuple(done))
                self.record(f.FilesChanged(planned.call_id, changes), run_id)

    async def _done(self, change: Change) -> Change | None:
        """The change as it stands in the file, with what came into the file since; None if it was not made."""
        try:
            text = await self.text(change.path)
        except ToolError:
            return None
        if text == change.after:
            return None if change.before == change.after else change
        if text is None or change.before is None or change.after is None:
            return None
        bare = without(change.before, change.after, text)
        return None if bare is None else replace(change, before=bare, after=text)

    # ------------------------------------------------------------ what the person says

    def keep(self, names: Iterable[str]) -> tuple[str, ...]:
        """Take hunks out of the review, as they stand; returns those that were in it."""
        kept = self._live(names)
        if kept:
            self.record(f.HunksKept(kept))
        return kept

    async def undo(self, names: Iterable[str]) -> tuple[str, ...]:
        """Put back what stood there before, as one step; returns the hunks that were undone.

        Raises StaleEdit or EditRefused; then nothing was undone.
        """
        async with self._acting:
            await self.reconcile()
            undone = self._live(names)
            if not undone:
                return ()
            hunks = [self.ledger.hunks[name] for name in undone]
            labels = dict.fromkeys(hunk.label for hunk in hunks)
            changes = ChangeSet(f"undo {', '.join(labels)}", tuple(self._without(hunks)))
            await self.apply(f.FilesChanged(f"undo-{uuid.uuid4()}", changes, reverts=undone))
            return undone

    async def take_back(self) -> ChangeSet | None:
        """Take back the last change set that was not taken back yet; None if there is none. Raises StaleEdit."""
        async with self._acting:
            if not self._journal.state.changes:
                return None
            last = self._journal.state.changes[-1]
            inverse = last.changes.inverse(f"undo {last.changes.label}")
            await self.apply(f.FilesChanged(last.call_id, inverse, undoes=last.call_id))
            return last.changes

    async def apply(self, fact: f.FilesChanged) -> None:
        """Do what the person wants, and record it as it was made. Raises StaleEdit or EditRefused."""

        async def planned(changes: ChangeSet) -> None:
            self.record(f.FilesChanging(f"undo-{fact.call_id}", changes))
            await self._journal.settled()

        def made(changes: ChangeSet) -> None:
            self.record(replace(fact, changes=changes))

        await self._workspace.apply(fact.changes, planned, made)
        await self._journal.settled()

    def _live(self, names: Iterable[str]) -> tuple[str, ...]:
        known = self.ledger.hunks
        return tuple(name for name in dict.fromkeys(names) if name in known and known[name].live)

    def _without(self, hunks: Sequence[Hunk]) -> Iterable[Change]:
        for path in dict.fromkeys(hunk.path for hunk in hunks):
            text = self.ledger.text(path)
            mine = sorted((h for h in hunks if h.path == path), key=lambda h: (h.start, h.end), reverse=True)
            whole = next((hunk for hunk in mine if hunk.whole is not None), None)
            if whole is not None:
                yield Change(path, text, None if whole.whole == "created" else whole.before)
                continue
            after = text or ""
            for hunk in mine:
                after = after[: hunk.start] + hunk.before + after[hunk.end :]
            yield Change(path, text, after)

    def select(self, path: str, first: int, last: int) -> tuple[str, ...]:
        """The hunks under review on these lines of a file (from 0, both included). One of which only a part lies there
        is split, and only that part is meant."""
        chosen: list[str] = []
        for hunk in self.ledger.live(path):
            top = self.ledger.line(hunk) - 1
            size = len(split_lines(self.ledger.current(hunk)))
            if last < top or first > top + max(size, 1) - 1:
                continue
            inside = range(max(first - top, 0), min(last - top + 1, size))
            chosen.append(hunk.id if len(inside) >= size else self._split(hunk, inside))
        return tuple(chosen)

    def _split(self, hunk: Hunk, inside: range) -> str:
        """The name of the part of a hunk that has these lines of it."""
        if hunk.status != "applied" or hunk.whole is not None:
            return hunk.id
        old, new = split_lines(hunk.before), split_lines(hunk.after)
        edges = [line for line in (inside.start, inside.stop) if 0 < line < len(new)]
        cuts = tuple((sum(map(len, old[:line])), sum(map(len, new[:line]))) for line in edges)
        self.record(f.HunkSplit(hunk.id, cuts))
        return f"{hunk.id}.{2 if inside.start > 0 else 1}"

    # ------------------------------------------------------------ what the model hears

    async def note(self) -> str:
        """What the person did with the agent's changes since the model was told last; "" if nothing."""
        await self.reconcile()
        return review_note(self.ledger, lambda path: self._workspace.display(Path(path)))

    def done_by(self, call_id: str) -> str:
        """What a call that was cut is known to have done; "" if nothing."""
        mine = (fact for fact in self._journal.state.changes if f"{fact.call_id}.".startswith(f"{call_id}."))
        names = [self._workspace.display(Path(change.path)) for fact in mine for change in fact.changes.changes]
        return f" It had changed {', '.join(names)} by then." if names else ""

    def find(self, name: str) -> Hunk:
        """The hunk of this name. Raises A3SError."""
        if name not in self.ledger.hunks:
            raise A3SError(f"There is no hunk {name} in this session; list them with a3s.hunk.list.")
        return self.ledger.hunks[name]


def _touched(fact: f.Fact, recent: Iterable[Hunk]) -> Iterable[str]:
    paths = [hunk.path for hunk in recent]
    match fact:
        case f.TextEdited(path=path):
            paths.append(path)
        case f.FilesChanged(changes=changes):
            paths += [name for change in changes.changes for name in (change.path, change.source) if name]
        case _:
            pass
    return dict.fromkeys(paths)
