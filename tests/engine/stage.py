"""A session on a real folder, with a scripted model and a store, as the tests of the engine use it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from a3s_lsp.engine import facts as f
from a3s_lsp.engine.errors import A3SError
from a3s_lsp.engine.events import TERMINAL, Event
from a3s_lsp.engine.kit import Limits
from a3s_lsp.engine.policy.confirmation import ConfirmationPolicy
from a3s_lsp.engine.policy.permissions import PermissionPolicy
from a3s_lsp.engine.ports import Approver, Editor, Model, SessionStore
from a3s_lsp.engine.run import RunResult
from a3s_lsp.engine.session import Session, Setup
from a3s_lsp.engine.state import State
from a3s_lsp.engine.store.memory import MemoryStore
from a3s_lsp.engine.store.writer import LogWriter
from a3s_lsp.engine.tools.registry import Registry, builtin_tools
from a3s_lsp.engine.workspace.checkpoints import CheckpointStore
from a3s_lsp.engine.workspace.local import LocalWorkspace
from a3s_lsp.testing import ScriptedModel

ALLOW = PermissionPolicy(default_decision="allow")
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin"}


@dataclass
class Stage:
    """Opens sessions on `folder`; every event that was shown is in `events`."""

    folder: Path
    store: SessionStore = field(default_factory=MemoryStore)
    events: list[Event] = field(default_factory=list)
    _more: asyncio.Event = field(default_factory=asyncio.Event)

    def setup(
        self,
        model: Model,
        *,
        permission: PermissionPolicy | None = ALLOW,
        approver: Approver | None = None,
        editor: Editor | None = None,
        limits: Limits | None = None,
        checkpoints: CheckpointStore | None = None,
        reviews_first: bool = False,
    ) -> Setup:
        async def open_model(name: str) -> Model:
            if name != "scripted/other":
                raise A3SError(f"no model {name}")
            return ScriptedModel(["from the other"], name)

        return Setup(
            workspace=LocalWorkspace(self.folder, editor),
            model=model,
            open_model=open_model,
            tools=Registry(builtin_tools()),
            environment=ENVIRONMENT,
            approver=approver,
            permission=permission,
            confirmation=ConfirmationPolicy(enabled=True),
            checkpoints=checkpoints,
            reviews_first=reviews_first,
            limits=limits or Limits(),
        )

    async def open(self, setup: Setup, session_id: str = "s") -> Session:
        session = await Session.create(session_id, setup, LogWriter(self.store))
        session.subscribe(self.take)
        return session

    async def load(self, setup: Setup, session_id: str = "s") -> Session:
        async def give(state: State) -> Setup:
            return setup

        session = await Session.load(session_id, give, LogWriter(self.store))
        session.subscribe(self.take)
        return session

    async def seen(self, event_type: str) -> Event:
        """Wait for the first event of this type."""
        async with asyncio.timeout(5):
            while True:
                found = next((event for event in self.events if event.type == event_type), None)
                if found is not None:
                    return found
                self._more.clear()
                await self._more.wait()

    def take(self, event: Event) -> None:
        self.events.append(event)
        self._more.set()

    def types(self, run_id: str | None = None) -> list[str]:
        return [event.type for event in self.events if run_id in (None, event.run_id)]

    def one(self, event_type: str) -> Event:
        found = [event for event in self.events if event.type == event_type]
        assert len(found) == 1, f"{len(found)} events {event_type} in {self.types()}"
        return found[0]


async def answer(session: Session, prompt: str) -> RunResult:
    return await session.start(f.RunQueued(prompt)).wait()


async def slash(session: Session, name: str, args: str = "") -> str:
    """What a slash command says."""
    said = await session.slash.run(name, args)
    assert isinstance(said, str)
    return said


def assert_well_formed(events: Iterable[Event]) -> None:
    """Of each run: seq without gaps, and one terminal event, which is the last."""
    runs: dict[str, list[Event]] = {}
    for event in events:
        runs.setdefault(event.run_id, []).append(event)
    for shown in runs.values():
        assert [event.seq for event in shown] == list(range(len(shown)))
        assert [event.type in TERMINAL for event in shown] == [False] * (len(shown) - 1) + [True]
