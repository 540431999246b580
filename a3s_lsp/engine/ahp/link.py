"""The way to a harness: connected when it is needed, greeted first, and within the time that an answer may take."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from a3s_lsp.engine.ahp import protocol
from a3s_lsp.engine.ahp.protocol import Greeting, HarnessFailed
from a3s_lsp.engine.ahp.targets import HarnessSpec
from a3s_lsp.engine.ahp.wires import Wire, open_wire
from a3s_lsp.engine.messages import Json

T = TypeVar("T")


class Link:
    """A connection that is made again when it was lost; a request that it was lost with fails."""

    def __init__(self, spec: HarnessSpec, environment: Mapping[str, str], session_id: str, agent_id: str) -> None:
        self.greeting = Greeting()
        self._spec = spec
        self._environment = environment
        self._names = session_id, agent_id
        self._wire: Wire | None = None
        self._connecting = asyncio.Lock()
        self._closed = False

    async def ask(self, method: str, params: Json) -> Json:
        """The result of a request. Raises HarnessFailed."""

        async def work(wire: Wire) -> Json:
            message = protocol.request(method, params)
            return protocol.result_of(await wire.ask(message), message)

        return await self._over_wire(work)

    async def tell(self, method: str, params: Json) -> None:
        """Send a notification. Raises HarnessFailed."""
        await self._over_wire(lambda wire: wire.tell(protocol.notification(method, params)))

    async def connect(self) -> None:
        """See to it that there is a connection. Raises HarnessFailed."""

        async def nothing(wire: Wire) -> None:
            pass

        await self._over_wire(nothing)

    async def close(self) -> None:
        """End the connection for good."""
        self._closed = True
        wire, self._wire = self._wire, None
        if wire is not None:
            await wire.close()

    async def _over_wire(self, work: Callable[[Wire], Awaitable[T]]) -> T:
        limit = self.greeting.timeout_ms or self._spec.timeout_ms
        place = self._spec.target.place
        try:
            async with asyncio.timeout(limit / 1000):
                return await work(await self._connected())
        except TimeoutError:
            raise HarnessFailed(f"The harness at {place} gave no answer within {limit} ms.") from None
        except HarnessFailed as error:
            raise HarnessFailed(f"The harness at {place}: {str(error).rstrip('.')}.") from None

    async def _connected(self) -> Wire:
        async with self._connecting:
            if self._closed:
                raise HarnessFailed("the session was closed")
            if self._wire is not None and self._wire.alive:
                return self._wire
            stale, self._wire = self._wire, None
            if stale is not None:
                await stale.close()
            wire = await open_wire(self._spec.target, self._environment)
            try:
                hello = protocol.handshake(*self._names)
                self.greeting = protocol.greeted(protocol.result_of(await wire.ask(hello), hello))
            except BaseException:
                await wire.close()
                raise
            self._wire = wire
            return wire
