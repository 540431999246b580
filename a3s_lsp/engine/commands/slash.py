"""The slash commands of one session: built in, registered by the program, from files, and skills."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING

from a3s_lsp.engine.commands.builtin import builtin_commands
from a3s_lsp.engine.commands.command import Command, check_name, parse
from a3s_lsp.engine.errors import A3SError, RunCancelled
from a3s_lsp.engine.facts import RunQueued
from a3s_lsp.engine.project_commands import CommandFiles, PromptFile
from a3s_lsp.engine.prompt_references import with_references
from a3s_lsp.engine.skills.commands import skill_commands

if TYPE_CHECKING:
    from a3s_lsp.engine.session import Session

_DEEPEST = 16
_CANCELLED = "Agent execution failed: Operation cancelled by user"
_within: ContextVar[tuple[object, ...]] = ContextVar("a3s_commands", default=())
"""What stands for the commands that the code which looks at it was called from."""


class SlashCommands:
    """What is registered wins over what is built in, and both over files: a file that came with a project cannot
    stand in for a command that people know."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._builtin = {command.name: command for command in builtin_commands()}
        self._registered: dict[str, Command] = {}
        self._listeners: list[Callable[[], None]] = []
        self._going: dict[object, asyncio.Task[str | RunQueued]] = {}
        self.files = CommandFiles(session.workspace, session.setup.own_commands)

    # ------------------------------------------------------------ which there are

    def register(self, command: Command) -> None:
        """Add a command, in the place of one of the same name. ValueError if the name cannot be typed."""
        check_name(command.name)
        self._registered[command.name] = command
        self._tell()

    def unregister(self, name: str) -> bool:
        """Take a registered command away; what it stood in for is back. False if there was none."""
        known = self._registered.pop(name, None) is not None
        if known:
            self._tell()
        return known

    def listed(self) -> list[Command]:
        """All commands, sorted by name."""
        return [command for _, command in sorted(self._all().items())]

    def problems(self) -> list[str]:
        """What is wrong with command files, and with the files of skills."""
        return [*self.files.look()[1], *self._session.setup.skills.look().problems]

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Have it told when commands are registered or taken away; call what is returned to stop that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _all(self) -> dict[str, Command]:
        of_files = [*skill_commands(self._session.setup.skills), *file_commands(self.files)]
        return {**{command.name: command for command in of_files}, **self._builtin, **self._registered}

    def _tell(self) -> None:
        for listener in tuple(self._listeners):
            listener()

    # ------------------------------------------------------------ running them

    def find(self, text: str) -> tuple[str, str] | None:
        """Name and arguments if the text is a slash command, else None."""
        if not text.lstrip().startswith("/"):
            return None
        return parse(text, self._all().__contains__)

    async def answer(self, prompt: RunQueued) -> str | RunQueued:
        """What a command says, or the prompt for the run that is to be started: this one, if it is no command."""
        found = self.find(prompt.prompt)
        if found is None:
            return prompt
        said = await self.run(*found)
        if isinstance(said, str):
            return said
        return replace(said, attachments=prompt.attachments, history=prompt.history)

    async def run(self, name: str, args: str) -> str | RunQueued:
        """Run a command; what goes wrong is told in the text. Raises RunCancelled if it is stopped by `cancel`."""
        self._session.check_open()
        command = self._all().get(name)
        if command is None:
            return f"Unknown command: /{name}\nType /help for available commands."
        if len(_within.get()) >= _DEEPEST:
            return f"Command error: /{name} was called from within {_DEEPEST} other commands."
        act = object()
        before = _within.set((*_within.get(), act))
        self._going[act] = task = asyncio.get_running_loop().create_task(self._run(command, args), name=f"/{name}")
        _within.reset(before)
        try:
            return await task
        except asyncio.CancelledError:
            caller = asyncio.current_task()
            if caller is not None and caller.cancelling():
                raise
            raise RunCancelled(_CANCELLED) from None
        finally:
            del self._going[act]

    async def _run(self, command: Command, args: str) -> str | RunQueued:
        try:
            return await command.run(args, self._session)
        except RunCancelled:
            raise
        except A3SError as error:
            return f"Command error: {error}"

    def cancel(self) -> bool:
        """Stop the commands that are going, but those from which this is called. True if there were any."""
        chosen = [task for act, task in self._going.items() if act not in _within.get() and not task.done()]
        for task in chosen:
            task.cancel()
        return bool(chosen)


def file_commands(files: CommandFiles) -> list[Command]:
    """The commands of files."""
    return [_from_file(file) for file in files.look()[0].values()]


def _from_file(file: PromptFile) -> Command:
    async def run(args: str, session: Session) -> RunQueued:
        prompt = await with_references(file.prompt(args), session.workspace, session.leave.denies_reading)
        return RunQueued(prompt, model=file.model, allowed=file.allowed)

    usage = f"/{file.name} {file.hint}" if file.hint else None
    return Command(file.name, f"{file.description} ({file.source})", usage, run)
