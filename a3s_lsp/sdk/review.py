"""What became of a session's changes, for programs: its hunks, and the way back to any prompt or call."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from a3s_lsp.engine.ledger import HunkStatus
from a3s_lsp.engine.rewind_points import Point
from a3s_lsp.engine.rewinding import Rewind
from a3s_lsp.engine.session import Session as EngineSession
from a3s_lsp.sdk.loop_thread import LoopThread
from a3s_lsp.sdk.results import Handle


@dataclass(frozen=True, slots=True)
class HunkInfo:
    """One piece of a change: `before` is what stood there, `after` what the agent put there, `text` what is there now,
    from `line` (from 1) on."""

    id: str
    path: str
    line: int
    status: HunkStatus
    label: str
    before: str
    after: str
    text: str


class AsyncReview(Handle):
    """The review of one session. Made by `AsyncSession.review`."""

    _engine: EngineSession

    @classmethod
    def of(cls, engine: EngineSession) -> AsyncReview:
        """Of a session of the engine."""
        self = object.__new__(cls)
        self._engine = engine
        return self

    async def hunks(self) -> list[HunkInfo]:
        """All that the session changed in files, in the order in which it was changed."""
        await self._engine.review.reconcile()
        ledger = self._engine.review.ledger
        return [
            HunkInfo(h.id, h.path, ledger.line(h), h.status, h.label, h.before, h.after, ledger.current(h))
            for h in ledger.hunks.values()
        ]

    async def keep(self, hunks: Iterable[str] | None = None) -> list[str]:
        """Take hunks out of the review, all if none are named; returns those that were in it."""
        return list(self._engine.review.keep(self._named(hunks)))

    async def undo(self, hunks: Iterable[str] | None = None) -> list[str]:
        """Put back what stood there before, in one step; returns the hunks that were undone. A3SError if somebody else
        has changed the same lines."""
        return list(await self._engine.review.undo(self._named(hunks)))

    def _named(self, hunks: Iterable[str] | None) -> list[str]:
        return [hunk.id for hunk in self._engine.review.ledger.live()] if hunks is None else list(hunks)

    async def points(self) -> list[Point]:
        """Where one can go back to, the latest first."""
        return await self._engine.rewinding.points()

    async def preview(self, to: str, *, files: bool = True, conversation: bool = True) -> Rewind:
        """What `rewind` would do."""
        return await self._engine.rewinding.preview(to, files=files, conversation=conversation)

    async def rewind(self, to: str, *, files: bool = True, conversation: bool = True) -> Rewind:
        """Go back to just before a run or a call, or forth by the id of a rewind. What shell commands did is taken back
        if the session has a `checkpoint_dir`. A3SError while a run is going, and for a point that is not there."""
        return await self._engine.rewind(to, files=files, conversation=conversation)


class Review(Handle):
    """The blocking twin of `AsyncReview`. Made by `Session.review`."""

    _loop: LoopThread
    _review: AsyncReview

    @classmethod
    def of(cls, loop: LoopThread, review: AsyncReview) -> Review:
        """The blocking twin of a review."""
        self = object.__new__(cls)
        self._loop, self._review = loop, review
        return self

    def hunks(self) -> list[HunkInfo]:
        """All that the session changed in files, in the order in which it was changed."""
        return self._loop.call(self._review.hunks())

    def keep(self, hunks: Iterable[str] | None = None) -> list[str]:
        """Take hunks out of the review, all if none are named; returns those that were in it."""
        return self._loop.call(self._review.keep(hunks))

    def undo(self, hunks: Iterable[str] | None = None) -> list[str]:
        """Put back what stood there before, in one step; returns the hunks that were undone."""
        return self._loop.call(self._review.undo(hunks))

    def points(self) -> list[Point]:
        """Where one can go back to, the latest first."""
        return self._loop.call(self._review.points())

    def preview(self, to: str, *, files: bool = True, conversation: bool = True) -> Rewind:
        """What `rewind` would do."""
        return self._loop.call(self._review.preview(to, files=files, conversation=conversation))

    def rewind(self, to: str, *, files: bool = True, conversation: bool = True) -> Rewind:
        """Go back to just before a run or a call, or forth by the id of a rewind."""
        return self._loop.call(self._review.rewind(to, files=files, conversation=conversation))
