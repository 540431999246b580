"""The ledger: what became of each piece of text that the agent changed.

A fold over facts, like the rest of the state. Nobody reports that a hunk was undone or typed over: it follows from the
text. A hunk whose place has the text from before is undone, by whatever key that was; one with other text is tweaked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from a3s_lsp.engine import facts as f
from a3s_lsp.engine.changes import Change
from a3s_lsp.engine.texts import Edit, fine_edits, line_hunks, line_of, splice

_CHANGING = (f.FilesChanged, f.TextEdited, f.HunksKept, f.HunkSplit, f.ReviewTold, f.Rewound)
HunkStatus: TypeAlias = Literal["applied", "kept", "undone", "tweaked", "superseded"]


@dataclass(frozen=True, slots=True)
class Hunk:
    """One piece of a change set. `before` is what stood there, `after` what the agent put there; now it is the text
    between the offsets `start` and `end` of the file. `whole` hunks created or deleted the file."""

    id: str
    call_id: str
    run_id: str | None
    label: str
    path: str
    before: str
    after: str
    start: int
    end: int
    status: HunkStatus = "applied"
    by: f.Cause = "person"
    """Who changed its text last, once it is not as the agent left it."""
    whole: Literal["created", "deleted"] | None = None
    earlier: tuple[str, ...] = ()
    """What the agent had put there before, in hunks that this one took in: undo and redo can lead there."""

    @property
    def live(self) -> bool:
        """Whether it is under review: it stands, and nobody has said that it is to stay."""
        return self.status in ("applied", "tweaked")


@dataclass(slots=True)
class _File:
    """A file as this session knows it: its text (None: not there), and the hunks in it, oldest first."""

    text: str | None
    hunks: list[str] = field(default_factory=list)


class Ledger:
    """Apply facts in order; read the rest. `recent` has the hunks whose status the last fact changed."""

    def __init__(self) -> None:
        self.hunks: dict[str, Hunk] = {}
        self.recent: tuple[Hunk, ...] = ()
        self._files: dict[str, _File] = {}
        self._told: dict[str, tuple[HunkStatus, str]] = {}

    # ------------------------------------------------------------ reading

    def paths(self) -> Sequence[str]:
        """The files that this session has changed."""
        return tuple(self._files)

    def knows(self, path: str) -> bool:
        """Whether this session has changed the file."""
        return path in self._files

    def text(self, path: str) -> str | None:
        """The text of a file that this session has changed; None if it is not there."""
        return self._files[path].text

    def current(self, hunk: Hunk) -> str:
        """What stands in the place of the hunk now."""
        return (self._files[hunk.path].text or "")[hunk.start : hunk.end]

    def line(self, hunk: Hunk) -> int:
        """The line, from 1, on which the hunk begins now."""
        return line_of(self._files[hunk.path].text or "", hunk.start)

    def live(self, path: str | None = None) -> list[Hunk]:
        """The hunks under review, of one file in the order of its text, or of all."""
        found = [hunk for hunk in self.hunks.values() if hunk.live and path in (None, hunk.path)]
        return sorted(found, key=lambda hunk: (hunk.path, hunk.start, hunk.end))

    def untold(self) -> list[Hunk]:
        """The hunks with which the person did something that the model does not know of."""
        touched = (hunk for hunk in self.hunks.values() if hunk.status != "superseded")
        return [hunk for hunk in touched if self._told.get(hunk.id, ("applied", hunk.after)) != self._sight(hunk)]

    def _sight(self, hunk: Hunk) -> tuple[HunkStatus, str]:
        return hunk.status, hunk.after if hunk.status in ("kept", "undone") else self.current(hunk)

    # ------------------------------------------------------------ folding

    def apply(self, fact: f.Fact, run_id: str | None) -> None:
        """Fold one more fact in; most have nothing to do with the ledger."""
        self.recent = ()
        if not isinstance(fact, _CHANGING):
            return
        earlier = dict(self.hunks)
        match fact:
            case f.FilesChanged():
                self._changed(fact, run_id)
            case f.TextEdited(path=path, start=start, end=end, text=text, cause=cause):
                self._edited(path, Edit(start, end, text or ""), cause)
                self._files[path].text = None if text is None else self._files[path].text
            case f.HunksKept(hunks=hunks):
                self._settle(hunks, "kept")
            case f.HunkSplit(hunk=name, cuts=cuts):
                self._split(self.hunks[name], cuts)
            case f.ReviewTold() | f.Rewound():
                self._told = {hunk.id: self._sight(hunk) for hunk in self.hunks.values()}
        self.recent = tuple(
            hunk for hunk in self.hunks.values() if hunk.id not in earlier or earlier[hunk.id].status != hunk.status
        )

    def _settle(self, names: Iterable[str], status: HunkStatus) -> None:
        for name in names:
            if name in self.hunks:
                self.hunks[name] = replace(self.hunks[name], status=status)

    def _changed(self, fact: f.FilesChanged, run_id: str | None) -> None:
        taken_back = fact.undoes is not None or bool(fact.reverts)
        count = 0
        for change in fact.changes.changes:
            self._meet(change)
            if taken_back:
                self._rewrite(change)
            else:
                count = self._propose(_Origin(fact.call_id, run_id, fact.changes.label, change.path), change, count)
            self._files[change.path].text = change.after
        self._settle(fact.reverts, "undone")
        if fact.undoes is not None:
            ours = (hunk.id for hunk in self.hunks.values() if hunk.call_id == fact.undoes)
            self._settle([name for name in ours if self.hunks[name].status != "superseded"], "undone")

    def _meet(self, change: Change) -> None:
        """Make the file known with the text that the change starts from."""
        if change.source is not None and change.source in self._files:
            moved = self._files.pop(change.source)
            for name in moved.hunks:
                self.hunks[name] = replace(self.hunks[name], path=change.path)
            self._files[change.path] = moved
            self._files[change.source] = _File(None)
        file = self._files.setdefault(change.path, _File(change.before))
        if file.text != change.before:
            edit = splice(file.text or "", change.before or "")
            if edit is not None:
                self._edited(change.path, edit, "person")
            file.text = change.before

    def _rewrite(self, change: Change) -> None:
        edit = splice(change.before or "", change.after or "")
        if edit is not None:
            self._edited(change.path, edit, "person")

    def _edited(self, path: str, edit: Edit, cause: f.Cause | None) -> None:
        """Follow an edit; without a cause it is our own, which only moves hunks."""
        file = self._files[path]
        text = file.text or ""
        hunks = [self.hunks[name] for name in file.hunks]
        for piece in _pieces(text, edit, hunks):
            hunks = [_moved(text, hunk, _slid(text, piece, hunk)) for hunk in hunks]
            text = text[: piece.start] + piece.text + text[piece.end :]
        for hunk in hunks:
            unchanged = cause is None or self.current(self.hunks[hunk.id]) == text[hunk.start : hunk.end]
            self.hunks[hunk.id] = hunk if unchanged else _judged(replace(hunk, by=cause or hunk.by), text)
        file.text = text

    def _propose(self, origin: _Origin, change: Change, count: int) -> int:
        """Enter the hunks of a change; returns how many this call has by now."""
        file = self._files[change.path]
        if change.before is None or change.after is None:
            self._settle([name for name in file.hunks if self.hunks[name].live], "superseded")
            whole: Literal["created", "deleted"] = "created" if change.before is None else "deleted"
            new = origin.hunk(count + 1, change.before or "", change.after or "", 0, whole)
            self._enter(file, new)
            file.text = change.after
            return count + 1
        shift = 0
        for edit in line_hunks(change.before, change.after):
            count = self._propose_one(origin, file, Edit(edit.start + shift, edit.end + shift, edit.text), count)
            shift += len(edit.text) - (edit.end - edit.start)
        return count

    def _propose_one(self, origin: _Origin, file: _File, edit: Edit, count: int) -> int:
        """A later edit of the same lines takes the earlier hunks in: undoing it leads to the text before the agent."""
        text = file.text or ""
        met = [self.hunks[name] for name in file.hunks if _changes(self.hunks[name], edit)]
        absorbed = [hunk for hunk in met if hunk.live and hunk.whole is None]
        start = min([edit.start, *(hunk.start for hunk in absorbed)])
        end = max([edit.end, *(hunk.end for hunk in absorbed)])
        before = _without(text, start, end, absorbed)
        after = text[start : edit.start] + edit.text + text[edit.end : end]
        created = next((hunk for hunk in met if hunk.whole == "created" and hunk.status == "applied"), None)
        self._edited(origin.path, edit, None)
        if created is not None:  # still a new file, with another text
            self.hunks[created.id] = replace(created, after=file.text or "", end=len(file.text or ""), status="applied")
            return count
        # An own change never brings a hunk back, nor does it undo one: the new hunk stands for what is there now.
        self._settle([hunk.id for hunk in met if hunk.status != "kept"], "superseded")
        if before != after:
            count += 1
            taken_in = {text[start:end], *(old for hunk in absorbed for old in hunk.earlier)} if absorbed else ()
            self._enter(file, replace(origin.hunk(count, before, after, start), earlier=tuple(taken_in)))
        return count

    def _enter(self, file: _File, hunk: Hunk) -> None:
        file.hunks.append(hunk.id)
        self.hunks[hunk.id] = hunk

    def _split(self, hunk: Hunk, cuts: Sequence[tuple[int, int]]) -> None:
        befores = [0, *(cut[0] for cut in cuts), len(hunk.before)]
        afters = [0, *(cut[1] for cut in cuts), len(hunk.after)]
        self.hunks[hunk.id] = replace(hunk, status="superseded")
        for number in range(len(befores) - 1):
            before = hunk.before[befores[number] : befores[number + 1]]
            after = hunk.after[afters[number] : afters[number + 1]]
            start = hunk.start + afters[number]
            part = replace(hunk, id=f"{hunk.id}.{number + 1}", before=before, after=after, start=start)
            self._enter(self._files[hunk.path], replace(part, end=start + len(after)))


@dataclass(frozen=True, slots=True)
class _Origin:
    """Where a hunk comes from."""

    call_id: str
    run_id: str | None
    label: str
    path: str

    def hunk(
        self, number: int, before: str, after: str, start: int, whole: Literal["created", "deleted"] | None = None
    ) -> Hunk:
        name = f"{self.call_id}:{number}"
        end = start + len(after)
        return Hunk(name, self.call_id, self.run_id, self.label, self.path, before, after, start, end, whole=whole)


def _without(text: str, start: int, end: int, hunks: Iterable[Hunk]) -> str:
    """The text between two offsets as it was before these hunks."""
    pieces: list[str] = []
    at = start
    for hunk in sorted(hunks, key=lambda hunk: (hunk.start, hunk.end)):
        pieces += (text[at : hunk.start], hunk.before)
        at = hunk.end
    return "".join([*pieces, text[at:end]])


def _touches(hunk: Hunk, edit: Edit) -> bool:
    if hunk.start == hunk.end or edit.start == edit.end:
        return edit.start <= hunk.end and hunk.start <= edit.end
    return edit.start < hunk.end and hunk.start < edit.end


def _changes(hunk: Hunk, edit: Edit) -> bool:
    """Whether the edit changes the text of the hunk itself, and not only what is next to it. Where text was deleted,
    there is only that place."""
    if hunk.start == hunk.end:
        return edit.start <= hunk.start <= edit.end
    return edit.start < hunk.end and hunk.start < edit.end


def _pieces(text: str, edit: Edit, hunks: Sequence[Hunk]) -> list[Edit]:
    """The edit in as small pieces as are needed to tell what it did to each hunk; each is one of the text before it."""
    old = text[edit.start : edit.end]
    if not old or not edit.text or not any(_touches(hunk, edit) for hunk in hunks):
        return [edit]
    shift = edit.start
    pieces: list[Edit] = []
    for piece in fine_edits(old, edit.text):
        pieces.append(Edit(piece.start + shift, piece.end + shift, piece.text))
        shift += len(piece.text) - (piece.end - piece.start)
    return pieces


def _slid(text: str, edit: Edit, hunk: Hunk) -> Edit:
    """The same edit, placed where the hunk is. Deleting the first of two equal lines leaves the same text as deleting
    the second: when one of them is the hunk, that is the one that is meant."""
    if edit.end > edit.start and not edit.text:
        if edit.end - edit.start == hunk.end - hunk.start and _is_same_deletion(text, edit, hunk.start):
            return Edit(hunk.start, hunk.end, "")
    elif edit.start == edit.end and hunk.start == hunk.end and edit.start != hunk.start:
        for wanted in (hunk.before, hunk.after):
            moved = text[: hunk.start] + wanted + text[hunk.start :]
            if wanted and len(wanted) == len(edit.text) and _inserted(text, edit) == moved:
                return Edit(hunk.start, hunk.start, wanted)
    return edit


def _is_same_deletion(text: str, edit: Edit, start: int) -> bool:
    size = edit.end - edit.start
    low, high = sorted((edit.start, start))
    return text[low:high] == text[low + size : high + size]


def _inserted(text: str, edit: Edit) -> str:
    return text[: edit.start] + edit.text + text[edit.end :]


def _restores(text: str, edit: Edit, hunk: Hunk) -> bool:
    """Whether an insertion at an end of the hunk brings back a part of one of its two texts, as undo does."""
    if edit.start != edit.end or edit.start not in (hunk.start, hunk.end):
        return False
    current = text[hunk.start : hunk.end]
    behind, ahead = current + edit.text, edit.text + current
    for wanted in (hunk.after, *hunk.earlier, hunk.before):
        if edit.start == hunk.end and wanted.startswith(behind) and current != wanted:
            return True
        if edit.start == hunk.start and wanted.endswith(ahead) and current != wanted:
            return True
    return False


def _brought_back(text: str, edit: Edit, hunk: Hunk) -> Hunk | None:
    """The hunk, if an insertion at an end of it brings back what is missing of one of its two texts, as undo does. More
    may come back with it, which is not its."""
    current = text[hunk.start : hunk.end]
    for wanted in (hunk.after, *hunk.earlier, hunk.before):
        missing = len(wanted) - len(current)
        if edit.start != edit.end or missing <= 0:
            continue
        if edit.start == hunk.start and wanted.endswith(current) and edit.text.endswith(wanted[:missing]):
            start = edit.start + len(edit.text) - missing
        elif edit.start == hunk.end and wanted.startswith(current) and edit.text.startswith(wanted[len(current) :]):
            start = hunk.start
        elif edit.start == hunk.start == hunk.end and edit.text.count(wanted) == 1:
            start = edit.start + edit.text.index(wanted)
        else:
            continue
        return replace(hunk, start=start, end=start + len(wanted))
    return None


def _moved(text: str, hunk: Hunk, edit: Edit) -> Hunk:
    """The hunk after an edit of the text: shifted, stretched, or cut."""
    grown = len(edit.text) - (edit.end - edit.start)
    start, end = hunk.start, hunk.end
    back = _brought_back(text, edit, hunk)
    if back is not None:
        return back
    if _restores(text, edit, hunk):
        return replace(hunk, end=end + grown)
    if edit.end <= start:
        return replace(hunk, start=start + grown, end=end + grown)
    if edit.start >= end:
        return hunk
    if (
        edit.start <= start and edit.end >= end
    ):  # all of it, and perhaps more: nothing of the new text is known to be its
        if (edit.start, edit.end) == (start, end):
            return replace(hunk, end=start + len(edit.text))
        place = edit.start + len(edit.text)
        return replace(hunk, start=place, end=place)
    if edit.start < start:
        return replace(hunk, start=edit.start + len(edit.text), end=end + grown)
    return replace(hunk, end=edit.start if edit.end > end else end + grown)


def _judged(hunk: Hunk, text: str) -> Hunk:
    if hunk.status in ("kept", "superseded"):
        return hunk
    current = text[hunk.start : hunk.end]
    if current == hunk.after:
        return replace(hunk, status="applied")
    if current in hunk.earlier and current != hunk.before:
        return replace(hunk, status="tweaked")
    if current == hunk.before or hunk.status == "undone":
        return replace(hunk, status="undone")
    return replace(hunk, status="tweaked")
