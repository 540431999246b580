"""A run as work-done progress: the one display, and the one stop button, that every LSP client has."""

from __future__ import annotations

import asyncio
import logging

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from a3s_lsp.engine.events import TERMINAL, Event
from a3s_lsp.engine.messages import Json
from a3s_lsp.server.language_server import A3SLanguageServer

logger = logging.getLogger(__name__)

_PREFIX = "a3s/run/"


class Progress:
    """Shows the runs of one client that have no end yet."""

    def __init__(self, server: A3SLanguageServer) -> None:
        self._server = server
        self._begun: dict[str, asyncio.Task[bool]] = {}

    def show(self, event: Event) -> None:
        """Take one event into the display."""
        if not event.run_id or not self._supported():
            return
        if event.run_id not in self._begun and event.type not in TERMINAL:
            self._begun[event.run_id] = self._server.run_task(self._begin(event.run_id), "progress")
        begun = self._begun.get(event.run_id)
        if begun is None:
            return
        value = _value(event)
        if value is not None:
            # After the client has agreed to the token, and in the order of the events.
            begun.add_done_callback(lambda task: self._report(task, event.run_id, value))
        if event.type in TERMINAL:
            del self._begun[event.run_id]

    def run_of(self, token: object) -> str | None:
        """The run that a token stands for."""
        text = str(token)
        return text.removeprefix(_PREFIX) if text.startswith(_PREFIX) else None

    def _supported(self) -> bool:
        window = self._server.client_capabilities.window
        return bool(window and window.work_done_progress)

    async def _begin(self, run_id: str) -> bool:
        token = f"{_PREFIX}{run_id}"
        try:
            await self._server.request(types.WINDOW_WORK_DONE_PROGRESS_CREATE, {"token": token})
        except JsonRpcException as error:
            logger.warning("the client takes no progress: %s", error)
            return False
        begin: Json = {"kind": "begin", "title": "A3S", "message": "thinking", "cancellable": True}
        self._server.notify(types.PROGRESS, {"token": token, "value": begin})
        return True

    def _report(self, begun: asyncio.Task[bool], run_id: str, value: Json) -> None:
        if not begun.cancelled() and begun.exception() is None and begun.result():
            self._server.notify(types.PROGRESS, {"token": f"{_PREFIX}{run_id}", "value": value})


def _value(event: Event) -> Json | None:
    match event.type:
        case "turn_start":
            message = "thinking"
        case "tool_start":
            message = str(event.fields["tool_name"])
        case "step_start":
            message = (
                f"step {event.fields['step_number']} of {event.fields['total_steps']}: {event.fields['description']}"
            )
        case "model_retry":
            message = f"the model cannot be asked ({event.fields['reason']}), trying again"
        case "confirmation_required":
            message = f"waiting for you: {event.fields['title']}"
        case "end" | "error" | "cancelled" as ending:
            return {"kind": "end", "message": {"end": "done", "error": "failed"}.get(ending, "stopped")}
        case _:
            return None
    return {"kind": "report", "message": message, "cancellable": True}
