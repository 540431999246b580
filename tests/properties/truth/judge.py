"""What must never happen: characters lost, edits on other text, calls and ledgers that say what is not so."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from a3s_lsp.engine import facts as f
from a3s_lsp.engine.ledger import Ledger
from tests.properties.truth.agent import Attempt, ScheduledModel
from tests.properties.truth.buffers import Buffer, on_disk
from tests.properties.truth.editor import Cause
from tests.properties.truth.landing import carries, plain, takes_back
from tests.properties.truth.letters import AGENT, PERSON, SOMEBODY, written

_KNOWN_TEXTS = 40
"""How many texts back an edit may have been made for."""

_REMEDY = re.compile(
    r"\b(read|repeat|make|try|use|look|keep|add|save|close|open|create|give|check)\b"
    r"|The file has|nearest lines|nothing would change",
    re.I,
)
_ADMITS = re.compile(r"could not be rolled back|[Ll]ook at", re.I)


@dataclass(slots=True)
class Count:
    """What happened in a schedule, or in many."""

    schedules: int = 0
    steps: int = 0
    typed: int = 0
    applied: int = 0
    carried: int = 0
    refused: int = 0
    lost: int = 0
    stale: int = 0
    diverged: int = 0
    other: int = 0

    def add(self, more: Count) -> None:
        """Count another one in."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(more, name))


@dataclass(frozen=True, slots=True)
class Broken:
    """An invariant that does not hold, and what was seen."""

    kind: str
    text: str


@dataclass(slots=True)
class Judge:
    """Implements `editors.Witness`, and watches the disk."""

    root: Path
    model: ScheduledModel
    broken: list[Broken] = field(default_factory=list)
    count: Count = field(default_factory=Count)
    typed: set[str] = field(default_factory=set)
    excused: dict[str, str] = field(default_factory=dict)
    """Characters that their owner, or another program, has taken away."""
    landed: dict[str, set[Path]] = field(default_factory=lambda: defaultdict(set))
    """The characters of the agent, and the files into which they came."""
    standing: dict[str, set[Path]] = field(default_factory=lambda: defaultdict(set))
    """The same without those that the server itself took out again."""
    made: set[tuple[str, Path]] = field(default_factory=set)
    """Calls whose change was seen to be made, and in which file."""
    taking_back: bool = False
    """Whether the person has asked the server to take something back."""
    _texts: dict[Path, list[str]] = field(default_factory=dict)
    _disk: dict[Path, str | None] = field(default_factory=dict)

    # ------------------------------------------------------------ what is seen

    def changed(self, path: Path, before: str, after: str, cause: Cause) -> None:
        """A buffer has another text."""
        removed = written(SOMEBODY, before) - written(SOMEBODY, after)
        if cause == "agent":
            self._judge(path, before, after, removed)
        elif cause in ("person", "undo"):
            self.excused.update(dict.fromkeys(removed, cause))
        if cause == "person":
            self.typed |= written(PERSON, after) - written(PERSON, before)
        self._seen(path, after)

    def overwritten(self, path: Path, before: str | None, after: str) -> None:
        """The person wrote a file."""
        gone = written(SOMEBODY, before or "") - written(SOMEBODY, after)
        self.excused.update((letter, "overwritten by the person") for letter in gone)
        self._disk[path] = on_disk(path)
        self._seen(path, after)

    def external(self, path: Path, before: str | None, after: str) -> None:
        """Another program wrote a file."""
        gone = written(SOMEBODY, before or "") - written(SOMEBODY, after)
        self.excused.update((letter, "overwritten by another program") for letter in gone)
        self._disk[path] = on_disk(path)
        self._seen(path, after)

    def closed(self, buffer: Buffer) -> None:
        """The person closed a document: what only it had is gone, unless the agent took it before."""
        kept = written(SOMEBODY, buffer.disk_text() or "")
        gone = written(SOMEBODY, buffer.text) - kept
        self.excused.update((letter, "closed without saving") for letter in gone)

    def conflict(self, buffer: Buffer) -> None:
        """The disk has changed under unsaved text: the person chooses."""

    def wrong(self, text: str) -> None:
        """The server did what it must not."""
        self._break("wrong", text)

    def look_at_disk(self) -> None:
        """See what the server has written into files since the last time."""
        for path in (*self._disk, *(self.root.glob("*.py") if not self._disk else ())):
            before, after = self._disk.get(path), on_disk(path)
            if after == before:
                continue
            if path in self._disk:
                removed = written(SOMEBODY, before or "") - written(SOMEBODY, after or "")
                self._judge(path, before or "", after or "", removed)
            self._disk[path] = after
            self._seen(path, after or "")

    def watch(self, paths: Iterable[Path]) -> None:
        """The files that there may be."""
        for path in paths:
            self._disk[path] = text = on_disk(path)
            self._seen(path, text or "")

    def _seen(self, path: Path, text: str) -> None:
        for letter in written(SOMEBODY, text):
            self.excused.pop(letter, None)
        known = self._texts.setdefault(path, [])
        if not known or known[-1] != text:
            known.append(text)

    # ------------------------------------------------------------ edits

    def _judge(self, path: Path, before: str, after: str, removed: frozenset[str]) -> None:
        """An edit of the server was made: whose is it, and was it made for this text?"""
        new = written(AGENT, after) - written(AGENT, before)
        for letter in new:
            self.landed[letter].add(path)
            self.standing[letter].add(path)
        fresh = [attempt for attempt in self.model.attempts if new & attempt.letters]
        for attempt in self.model.attempts:
            if attempt.letter in before and attempt.letter not in after:
                self.standing[attempt.letter].discard(path)
        if self.taking_back and not fresh:
            return  # what goes with a hunk that was typed into is in the undo history, or in the log
        unseen = removed - frozenset(self.model.seen)
        by = " and ".join(attempt.call.name for attempt in fresh) or "something"
        if unseen:
            self._break("unseen", f"{by} took {_names(unseen)} away unseen: {path.name} {before!r} -> {after!r}")
        elif not self._explained(path, plain(before), plain(after), fresh):
            self._break("stale", f"{by} landed on other text: {path.name} {before!r} -> {after!r}")

    def _explained(self, path: Path, before: str, after: str, fresh: list[Attempt]) -> bool:
        about = [a for a in fresh or reversed(self.model.attempts) if a.file in ("", path.name)]
        guessed = False
        for attempt in about:
            for text in (*reversed(self._texts[path][-_KNOWN_TEXTS:]), *attempt.bases):
                effect = attempt.effect(text)
                if effect is None:
                    if attempt in fresh or attempt.letter not in attempt.letters:
                        guessed = True
                        self.made.add((attempt.call.id, path))
                elif carries(plain(text), plain(effect), before, after):
                    self.made.add((attempt.call.id, path))
                    self.count.applied += 1
                    self.count.carried += plain(text) != before
                    return True
                elif (attempt.call.id, path) in self.made and takes_back(plain(text), plain(effect), before, after):
                    return True
        self.count.applied += guessed
        return guessed

    # ------------------------------------------------------------ at rest

    def settle(self, buffers: Mapping[Path, Buffer], facts: Iterable[f.Fact]) -> None:
        """Everything has come to rest: is everything there?"""
        self._look_for_lost(buffers, facts := list(facts))
        ended = {fact.call_id: fact for fact in facts if isinstance(fact, f.CallEnded)}
        for attempt in self.model.attempts:
            if attempt.call.id in ended:
                self._hold_to(attempt, ended[attempt.call.id], buffers)
        self.count.typed = len(self.typed)

    def counted(self) -> Count:
        """What happened, with what was broken."""
        kinds = [broken.kind for broken in self.broken]
        self.count.lost, self.count.stale = kinds.count("lost"), kinds.count("stale") + kinds.count("unseen")
        self.count.diverged = kinds.count("diverged")
        self.count.other = len(kinds) - self.count.lost - self.count.stale - self.count.diverged
        return self.count

    def _look_for_lost(self, buffers: Mapping[Path, Buffer], facts: Iterable[f.Fact]) -> None:
        missing = self.typed - self.excused.keys()
        for buffer in buffers.values():
            missing -= written(PERSON, buffer.text)
        for path in self._disk:
            missing -= written(PERSON, on_disk(path) or "")
        if missing:
            missing -= written(PERSON, "".join(text for b in buffers.values() for text in b.history()))
        if missing:
            planned = (fact for fact in facts if isinstance(fact, f.FilesChanging | f.FilesChanged))
            changes = (change for fact in planned for change in fact.changes.changes)
            missing -= written(PERSON, "".join(change.before or "" for change in changes))
        if missing:
            self._break("lost", f"{_names(missing)} is nowhere any more")

    def _hold_to(self, attempt: Attempt, result: f.CallEnded, buffers: Mapping[Path, Buffer]) -> None:
        """A call that says that it did something did it; one that failed did nothing, and says what to do."""
        landed = self.landed[attempt.letter]
        texts = {path: buffers[path].text if path in buffers else on_disk(path) or "" for path in self._disk}
        standing = {path for path in self.standing[attempt.letter] if attempt.letter in texts[path]}
        said = f"{attempt.call.name} {attempt.file}: {result.output!r}"
        writes = attempt.letter in attempt.letters
        if result.exit_code == 0:
            if writes and not landed and not result.output.startswith("Replaced 0"):
                self._break("untrue", f"the call says that it did what nobody saw: {said}")
            return
        self.count.refused += 1
        if (result.error_kind or {}).get("type") == "cancelled" or result.output.startswith("Interrupted"):
            return
        if standing and not self._repeated(attempt) and not _ADMITS.search(result.output):
            names = ", ".join(sorted(path.name for path in standing))
            self._break("untrue", f"the call says that it failed, but {names} was changed: {said}")
        if result.output.startswith("No matches found"):
            return  # that is all there is to say
        if attempt.file not in result.output or not _REMEDY.search(result.output):
            self._break("unexplained", f"the refusal does not say which file, or what to do: {said}")
        if re.search(r"failed: \w+(Error|Exception)", result.output):
            self._break("wrong", f"the tool broke: {said}")

    def review(self, ledgers: Sequence[Ledger]) -> None:
        """The ledgers must say of each hunk what can be seen in the text."""
        covered: dict[str, str] = defaultdict(str)
        for ledger in ledgers:
            for hunk in ledger.hunks.values():
                stands = ledger.current(hunk)
                as_said = (stands == hunk.after) == (hunk.status == "applied")
                if hunk.status in ("applied", "undone", "tweaked") and not as_said:
                    self._break("ledger", f"{hunk.id} is {hunk.status}, but {stands!r} stands there: {hunk}")
                if hunk.status in ("applied", "kept", "tweaked"):
                    covered[hunk.path] += stands
        for path in {path for ledger in ledgers for path in ledger.paths()}:
            text = next(ledger.text(path) for ledger in ledgers if ledger.knows(path)) or ""
            nameless = written(AGENT, text) - written(AGENT, covered[path])
            if nameless:
                self._break("ledger", f"{_names(nameless)} of the agent is in no hunk of {Path(path).name}: {text!r}")

    def _repeated(self, attempt: Attempt) -> bool:
        """Whether another call writes the same character, being made for what this one should have left."""
        others = (other for other in self.model.attempts if other is not attempt)
        return any(attempt.letter in other.letters for other in others)

    def _break(self, kind: str, text: str) -> None:
        self.broken.append(Broken(kind, text))


def _names(letters: Iterable[str]) -> str:
    return ", ".join(f"{letter} (U+{ord(letter):04X})" for letter in sorted(letters))
