"""The way back: checkpoints around what a session does to files, and rewinding to before any prompt or call.

Only what the session did is taken back: the files of its change sets and of its commands. What others did to further
files stays, and in the same files too where it can be told apart. The conversation goes back by folding the log.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from a3s_lsp.engine import facts as f
from a3s_lsp.engine.changes import Change, ChangeSet
from a3s_lsp.engine.errors import StoreError, ToolError
from a3s_lsp.engine.messages import Message
from a3s_lsp.engine.ports import Workspace
from a3s_lsp.engine.review import Review
from a3s_lsp.engine.rewind_points import Point, Target, messages_at, points_of, target_of
from a3s_lsp.engine.state import State
from a3s_lsp.engine.workspace.checkpoint_listing import listed
from a3s_lsp.engine.workspace.checkpoints import Checkpoint, CheckpointStore
from a3s_lsp.engine.workspace.shielding import uninterrupted

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rewind:
    """What goes, or went, back. `files` are pairs of a path and `created`, `modified` or `deleted`; `left_out` are
    sentences about what was left alone. `messages` is how many the conversation has then. `id` leads forth again."""

    files: tuple[tuple[Path, str], ...]
    messages: int
    left_out: tuple[str, ...] = ()
    id: str | None = None


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
        self._keeping = asyncio.Lock()

    # ------------------------------------------------------------ checkpoints

    async def before_change(self, call_id: str, run_id: str | None) -> None:
        """Keep the work tree before the first change of a run."""
        async with self._keeping:  # calls that run beside the first one wait for its checkpoint too
            if run_id is None or run_id in self._kept:
                return
            checkpoint = await self._take()
            if checkpoint is not None:
                left_out = len(checkpoint.left_out)
                self._review.record(f.Checkpointed(checkpoint.id, call_id, before=True, left_out=left_out), run_id)
            self._kept.add(run_id)

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
        return points_of(await self._records())

    async def preview(self, to: str, *, files: bool = True, conversation: bool = True) -> Rewind:
        """What `rewind` would do. Raises A3SError if there is no such point."""
        records = list(await self._records())
        target, messages = target_of(records, to), messages_at(records, to)
        shown, left_out = await self._differences(target, await self._take()) if files else ((), ())
        kept = messages if conversation else await self._conversation()
        return Rewind(tuple(shown), len(kept), tuple(left_out))

    async def rewind(self, to: str, *, files: bool = True, conversation: bool = True) -> Rewind:
        """Go back to just before a run or a call, or forth by the id of a rewind.

        Documents that are open go back in the editor, by an edit that its undo takes back. Raises A3SError if there is
        no such point, StaleEdit and EditRefused; then nothing was changed.
        """
        records = list(await self._records())
        target, messages = target_of(records, to), messages_at(records, to)
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
        self, target: Target, now: Checkpoint | None
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

    async def _edits(self, target: Target) -> list[Change]:
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
            bare = None if current is None or text is None else target.without_edits(path, current)
            wish = text if bare is None else bare
            if current != wish:
                changes.append(Change(str(path), current, wish))
        return changes

    def _kept_text(self, target: Target, path: Path) -> str | None:
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

    async def _restore(self, rewind_id: str, target: Target, now: Checkpoint | None) -> Sequence[str]:
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
        self, store: CheckpointStore, target: Target, now: Checkpoint, done: set[Path]
    ) -> Sequence[str]:
        assert target.checkpoint is not None
        deltas = await asyncio.to_thread(store.changes, now.id, target.checkpoint)
        unsaved = {document.path for document in self._workspace.unsaved()}
        skip = {delta.path for delta in deltas if delta.path not in target.touched or delta.path in unsaved} | done
        root = self._workspace.root
        restored = await asyncio.to_thread(store.restore, root, target.checkpoint, now.id, skip)
        return [f"{self._workspace.display(each.path)}: {each.reason}" for each in restored.failed]
