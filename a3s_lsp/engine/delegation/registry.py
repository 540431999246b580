"""The agents that a session knows, by name and alias."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from a3s_lsp.engine.delegation.agents import ALIASES, NATIVE, Agent
from a3s_lsp.engine.delegation.files import PROJECT_FOLDERS, agents_in


class Agents:
    """Of two of the same name the one that was registered last counts."""

    def __init__(self) -> None:
        self._agents = {agent.name: agent for agent in NATIVE}
        self.problems: list[str] = []
        """Sentences about files that are no agents."""

    @classmethod
    def of(cls, workspace: Path, home: Path | None, folders: Iterable[str], workers: Iterable[Agent]) -> Agents:
        """The agents of a session: those that are always there, those of the given folders, the person's, the
        project's, and the program's own."""
        self = cls()
        for folder in folders:
            self.load(workspace / Path(folder).expanduser())
        for place in (home, workspace):
            for name in PROJECT_FOLDERS if place is not None else ():
                self.load(place / name)  # type: ignore[operator]  # it is none of None
        for agent in workers:
            self.register(agent)
        return self

    def load(self, folder: Path) -> int:
        """Register the agents of a folder; how many there are."""
        found = agents_in(folder)
        self.problems += found.problems
        for agent in found.agents:
            self.register(agent)
        return len(found.agents)

    def register(self, agent: Agent) -> Agent:
        """Add an agent."""
        self._agents[agent.name] = agent
        return agent

    def get(self, name: str) -> Agent | None:
        """The agent of this name or alias."""
        return self._agents.get(name) or next(
            (self._agents[real] for real, others in ALIASES.items() if name in others and real in self._agents), None
        )

    def visible(self) -> Sequence[Agent]:
        """Those that the model is told of."""
        return [agent for agent in self._agents.values() if not agent.hidden]

    def names(self) -> list[str]:
        """All names, without aliases."""
        return list(self._agents)
