"""The harness of a session, if it has one: from the handshake to the end of the connection."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from a3s_lsp.engine.ahp.link import Link
from a3s_lsp.engine.ahp.protocol import HarnessFailed
from a3s_lsp.engine.ahp.supervision import Supervision
from a3s_lsp.engine.ahp.targets import HarnessSpec
from a3s_lsp.engine.errors import A3SError
from a3s_lsp.engine.hooks import Hooks
from a3s_lsp.engine.journal import Journal
from a3s_lsp.engine.messages import Json


class Harness:
    """Nothing but a promise until it has begun."""

    def __init__(self, journal: Journal, hooks: Hooks, environment: Mapping[str, str]) -> None:
        self.warning: str | None = None
        """Why the session began without its supervisor."""
        self._journal = journal
        self._hooks = hooks
        self._environment = environment
        self._supervision: Supervision | None = None

    @asynccontextmanager
    async def begun(self, spec: HarnessSpec | None) -> AsyncIterator[None]:
        """Begin, and end again if what follows fails."""
        try:
            await self.begin(spec)
            yield
        except BaseException:
            await self.close()
            raise

    async def begin(self, spec: HarnessSpec | None) -> None:
        """Be supervised from now on. Raises A3SError if that cannot be, and the session must not go on without."""
        if spec is None:
            return
        agent_id = f"agent-{uuid.uuid4()}"
        link = Link(spec, self._environment, self._journal.session_id, agent_id)
        try:
            await link.connect()
        except HarnessFailed as error:
            if spec.on_failure == "block":
                await link.close()
                raise A3SError(
                    f"The session has no supervision. {error} Start the harness, or let the session go on without it: "
                    "ahp_on_failure = 'allow', in agent.acl on_failure = \"allow\"."
                ) from None
            self.warning = f"The session began without its harness. {error}"
        self._supervision = Supervision(spec, link, self._journal, agent_id)
        self._hooks.stand_first(self._supervision.hooks())

    async def query(self, query_type: str, payload: Json) -> Json:
        """What the harness answers to a question. Raises A3SError."""
        if self._supervision is None:
            raise A3SError("The session has no harness that could be asked: give it one with ahp_transport.")
        return await self._supervision.query(query_type, payload)

    async def close(self) -> None:
        """Tell the harness what it has not heard yet, and leave it."""
        supervision, self._supervision = self._supervision, None
        if supervision is not None:
            await supervision.close()
