"""The journal of one session: facts go in, become durable in order, and only then are shown."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from a3s_lsp.engine import facts as f
from a3s_lsp.engine.errors import StoreError
from a3s_lsp.engine.events import Event, is_shown, project
from a3s_lsp.engine.policy.redaction import Redactor
from a3s_lsp.engine.sealing import Sealer
from a3s_lsp.engine.state import State, merged
from a3s_lsp.engine.store.writer import LogWriter

Listener: TypeAlias = Callable[[Event], None]
"""Called on the event loop, in order, once the fact behind the event is durable. Must not raise, must not block."""


class Journal:
    """Appends are immediate for the state and asynchronous for the log.

    While one batch is being written the next one gathers, and pieces of one stream that wait together become one
    record: a fast stream costs few writes, a slow one is shown piece by piece.
    """

    def __init__(self, session_id: str, writer: LogWriter, state: State, sealer: Sealer | None = None) -> None:
        self.session_id = session_id
        self.sealer = sealer or Sealer(Redactor())
        self.state = state
        self._writer = writer
        self._pending: list[f.Record] = []
        self._waiters: list[asyncio.Future[None]] = []
        self._flusher: asyncio.Task[None] | None = None
        self._listeners: list[Listener] = []
        self._shown_early: set[int] = set()
        self._tried = -1
        """The last record that may be in the log although writing it failed: it must stay what it is."""
        self._next_seq: dict[str | None, int] = {run.id: run.event_count for run in state.runs.values()}
        self._next_seq[None] = state.event_count

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Show every event from now on; call what is returned to stop that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def append(self, fact: f.Fact, run_id: str | None = None) -> None:
        """Take the fact, without secrets, into the state, and see to it that it is written and then shown."""
        for sealed in self.sealer.entering(fact, run_id):
            self._append(sealed, run_id)

    def _append(self, fact: f.Fact, run_id: str | None) -> None:
        last = self._pending[-1] if self._pending else None
        same = last is not None and last.run_id == run_id and last.position > self._tried
        joined = merged(last.fact, fact) if last is not None and same else None
        if last is not None and joined is not None:
            self._pending[-1] = replace(last, fact=joined)
            self.state.apply(replace(last, fact=fact, seq=None))
        else:
            record = f.Record(self.state.position, run_id, self._seq(fact, run_id), _now_ms(), fact)
            self._pending.append(record)
            self.state.apply(record)
        self._flush()

    async def settled(self) -> None:
        """Return when all that was appended is durable and shown. Raises StoreError if it cannot be written."""
        if not self._pending and self._flusher is None:
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        self._flush()
        await waiter

    async def settled_or_shown(self) -> None:
        """As `settled`, but if the log cannot be written show what there is all the same.

        For the end of a run: whoever waits for it must hear of it. The records stay, and are written with the next.
        """
        try:
            await self.settled()
        except StoreError:
            self._publish(self._pending)
            self._shown_early.update(record.position for record in self._pending)

    def _seq(self, fact: f.Fact, run_id: str | None) -> int | None:
        if not is_shown(fact, run_id):
            return None
        seq = self._next_seq.get(run_id, 0)
        self._next_seq[run_id] = seq + 1
        return seq

    def _flush(self) -> None:
        if self._flusher is None:
            self._flusher = asyncio.get_running_loop().create_task(self._write(), name=f"journal {self.session_id}")

    async def _write(self) -> None:
        try:
            while self._pending:
                await self._write_batch()
            self._wake(None)
        except StoreError as error:
            self._wake(error)
        finally:
            self._flusher = None

    async def _write_batch(self) -> None:
        batch, self._pending = self._pending, []
        try:
            await self._writer.append(self.session_id, batch)
        except BaseException:
            self._pending = batch + self._pending
            self._tried = batch[-1].position
            raise
        self._publish(batch)
        self._shown_early.clear()

    def _publish(self, batch: list[f.Record]) -> None:
        for record in batch:
            if record.position in self._shown_early:
                continue
            event = project(self.session_id, record)
            if event is not None:
                for listener in tuple(self._listeners):
                    listener(event)

    def _wake(self, error: StoreError | None) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if waiter.done():
                continue
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(error)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
