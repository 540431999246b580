"""The tools of a session, by name."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Collection, Iterable, MutableMapping

from a3s_lsp.engine.ports import Tool, ToolSpec
from a3s_lsp.engine.tools.bash import Bash
from a3s_lsp.engine.tools.batch import Batch
from a3s_lsp.engine.tools.edit import Edit
from a3s_lsp.engine.tools.generate_object import GenerateObject
from a3s_lsp.engine.tools.git import Git
from a3s_lsp.engine.tools.glob import Glob
from a3s_lsp.engine.tools.grep import Grep
from a3s_lsp.engine.tools.ls import Ls
from a3s_lsp.engine.tools.patch import Patch
from a3s_lsp.engine.tools.program import Program
from a3s_lsp.engine.tools.read import Read
from a3s_lsp.engine.tools.replace import Replace
from a3s_lsp.engine.tools.write import Write


class Registry:
    """Tools in the order in which they were registered, which is the order in which the model sees them; those that are
    `hidden` are there, but not offered."""

    def __init__(self, tools: Iterable[Tool] = (), hidden: Collection[str] = ()) -> None:
        self._hidden = frozenset(hidden)
        self._tools: MutableMapping[str, Tool] = {}
        for tool in tools:
            self.register(tool)

    def register(self, tool: Tool) -> None:
        """Add a tool; one of the same name is replaced in its place."""
        self._tools[tool.spec.name] = tool

    def unregister(self, name: str) -> bool:
        """Take a tool away. False if there was none of this name."""
        return self._tools.pop(name, None) is not None

    def get(self, name: str) -> Tool | None:
        """The tool of this name, or None."""
        return self._tools.get(name)

    def beside(self, tool: Tool) -> Registry:
        """These tools, as they come and go, and one more."""
        both = Registry(hidden=self._hidden)
        both._tools = ChainMap({tool.spec.name: tool}, self._tools)
        return both

    def names(self) -> tuple[str, ...]:
        """All names, in order."""
        return tuple(self._tools)

    def specs(self) -> tuple[ToolSpec, ...]:
        """What the model is told, in order: stable, so that a provider's prompt cache holds."""
        return tuple(tool.spec for name, tool in self._tools.items() if name not in self._hidden)


def bucket_tools(*, searches: bool) -> tuple[Tool, ...]:
    """The tools of a session in a bucket: no commands, no repository, and no search unless it is allowed."""
    found: tuple[Tool, ...] = (Glob(), Grep()) if searches else ()
    return Read(), Write(), Edit(), Patch(), Ls(), *found, Batch(), Program(), GenerateObject()


def builtin_tools() -> tuple[Tool, ...]:
    """The tools that every local session has, in the order in which the model sees them."""
    files = Read(), Write(), Edit(), Patch(), Replace(), Ls(), Glob(), Grep()
    return *files, Bash(), Git(), Batch(), Program(), GenerateObject()
