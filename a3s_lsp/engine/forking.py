"""Forking: a session that begins as another one was at some point, and goes its own way from there.

Files stay as they are: a fork is of the conversation, with the runs, the rules and the review that belong to it.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Sequence

from a3s_lsp.engine import facts as f
from a3s_lsp.engine.ports import SessionStore
from a3s_lsp.engine.rewind_points import end_before
from a3s_lsp.engine.state import State
from a3s_lsp.engine.store.artifacts import copy_artifacts, shelf_of
from a3s_lsp.engine.store.log_building import LogBuilder, add

logger = logging.getLogger(__name__)

_FORKED = "The session was forked while this prompt was being answered."
_NOT_RUN = "Not known: the session was forked before this call had a result. Look at what it may have done."


def fork(store: SessionStore, session_id: str, at: str | None = None, new_id: str | None = None) -> str:
    """Store a fork of a session, which may be open, and return its id.

    `at` is the id of a run or a call: the fork has what was before it. Blocks. Raises A3SError if there is no such
    session or point, or if `new_id` is taken.
    """
    fork_id = str(uuid.uuid4()) if new_id is None else new_id
    add(store, fork_id, forked(list(store.read(session_id)), session_id, at))
    try:
        copy_artifacts(shelf_of(store, session_id), shelf_of(store, fork_id))
    except OSError as error:
        logger.warning("the fork %s is without long outputs of %s: %s", fork_id, session_id, error)
    return fork_id


def forked(records: Sequence[f.Record], origin: str, at: str | None) -> Sequence[f.Record]:
    """The log of a fork. Runs that only waited are left out, one that was going has ended."""
    kept = records if at is None else records[: end_before(records, at)]
    state = State()
    for record in kept:
        state.apply(record)
    now = time.time_ns() // 1_000_000
    log = LogBuilder()
    waiting = {run.id for run in state.open_runs if run.status == "queued"}
    log.take(record for record in kept if record.run_id not in waiting)
    log.end_runs(_FORKED, _NOT_RUN, now)
    log.add(f.SessionForked(origin, at), None, now)
    return log.records
