"""What the faces of a session are made of: each subject has an asynchronous part and its blocking twin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from a3s_lsp.engine.session import Session as EngineSession
from a3s_lsp.sdk.loop_thread import LoopThread
from a3s_lsp.sdk.results import Handle

if TYPE_CHECKING:
    from a3s_lsp.sdk.session import AsyncSession


class AsyncFace(Handle):
    """A part of `AsyncSession`. Everything happens on the event loop that the session was made on."""

    engine: EngineSession


class Face(Handle):
    """A part of `Session`, for callers that block; any thread may use it."""

    _loop: LoopThread
    _session: AsyncSession
