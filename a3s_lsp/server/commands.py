"""The LSP commands: a few lines each, from the wire to the engine and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pygls.exceptions import JsonRpcInvalidParams

from a3s_lsp.engine.attachments import image_of_text
from a3s_lsp.engine.commands.command import Command
from a3s_lsp.engine.commands.rows import BUILTIN
from a3s_lsp.engine.commands.sessions import forked
from a3s_lsp.engine.facts import RunQueued
from a3s_lsp.engine.messages import Attachment, Json
from a3s_lsp.engine.session import Session
from a3s_lsp.engine.state import State
from a3s_lsp.server import names, wire
from a3s_lsp.server.context import with_context
from a3s_lsp.server.hunk_commands import HunkCommands
from a3s_lsp.server.patience import in_time
from a3s_lsp.server.uris import uri_to_path

if TYPE_CHECKING:
    from a3s_lsp.server.host import Host


class Commands:
    """The handlers; each gets the one argument object of `workspace/executeCommand`."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._hunks = HunkCommands(host)

    async def run(self, name: str, argument: Json) -> object:
        """The command of this name: one of docs/protocol.md, else a slash command."""
        match name:
            case names.PROMPT:
                return await self.prompt(argument)
            case names.CANCEL:
                return await self.cancel(argument)
            case names.STEER:
                return await self.steer(argument)
            case names.SESSION_NEW:
                return await self.new(argument)
            case names.SESSION_LIST:
                return await self.list(argument)
            case names.SESSION_RESUME:
                return await self.resume(argument)
            case names.SESSION_DELETE:
                return await self.delete(argument)
            case names.APPROVE | names.DENY:
                return await self.decide(argument, approved=name == names.APPROVE)
            case names.HUNK_LIST | names.HUNK_KEEP | names.HUNK_UNDO | names.HUNK_ASK:
                return await self._hunks.run(name, argument)
            case names.REWIND if "args" not in argument:
                return await self.rewind(argument)
            case _:
                return await self.slash(name.removeprefix(names.SLASH_PREFIX), argument)

    async def prompt(self, argument: Json) -> Json:
        """Start a run, or a slash command; returns before it ends."""
        params = wire.read(wire.Prompt, argument)
        if not params.text.strip():
            raise JsonRpcInvalidParams("'text' is empty: say what is to be done.")
        session = await self._host.session(params.session_id)
        before = self._host.open_session(None)
        attached = _images(params.attachments)
        asked = await session.slash.answer(RunQueued(params.text, attached))
        if isinstance(asked, str):
            return {"sessionId": self._moved(before) or session.id, "runId": None, "text": asked}
        prompt = with_context(asked.prompt, params.context, self._host.server.documents)
        run = session.start(replace(asked, prompt=prompt))
        return {"sessionId": session.id, "runId": run.id}

    async def cancel(self, argument: Json) -> Json:
        """Stop a run, or all of a session; answered after the terminal event."""
        params = wire.read(wire.Cancel, argument)
        if params.run_id is not None:
            run = self._host.run_of(params.run_id)
            return {"cancelled": run is not None and await run.cancel()}
        session = self._host.open_session(params.session_id)
        return {"cancelled": session is not None and await session.cancel()}

    async def steer(self, argument: Json) -> Json:
        """Give the run that is going one more message."""
        params = wire.read(wire.Steer, argument)
        session = self._host.open_session(params.session_id)
        run = session.current_run() if session else None
        return {"queued": run is not None and run.steer(params.text)}

    async def new(self, argument: Json) -> Json:
        """A new session."""
        params = wire.read(wire.NewSession, argument)
        session = await self._host.new_session(self._folder(params.workspace))
        return {"sessionId": session.id}

    def _folder(self, named: str | None) -> Path:
        if named is None:
            return self._host.root()
        path = uri_to_path(named) if "://" in named else Path(named)
        if path is None:
            raise JsonRpcInvalidParams(f"'workspace' must be a folder on this machine, not {named}.")
        return path

    async def list(self, argument: Json) -> list[Json]:
        """All stored sessions, newest first."""
        wire.read(wire.Nothing, argument)
        return [
            {
                "sessionId": row.id,
                "title": row.title,
                "workspace": row.workspace,
                "updatedAt": row.updated_ms,
                "status": row.status,
                "messages": row.messages,
            }
            for row in await self._host.stored_sessions()
        ]

    async def resume(self, argument: Json) -> Json:
        """Open a stored session, show its events again, and go on with what was cut."""
        params = wire.read(wire.OneSession, argument)
        session = await self._host.resume_session(params.session_id)
        run = session.resume() or session.current_run()
        answer: Json = {"sessionId": session.id, "status": "running" if run else _status(session.state)}
        return answer if run is None else {**answer, "runId": run.id}

    async def delete(self, argument: Json) -> Json:
        """Delete a stored session."""
        params = wire.read(wire.OneSession, argument)
        return {"deleted": await self._host.delete_session(params.session_id)}

    async def decide(self, argument: Json, *, approved: bool) -> Json:
        """Answer a question."""
        return {"resolved": self._host.questions.answer(wire.read(wire.Verdict, argument), approved=approved)}

    async def rewind(self, argument: Json) -> Json:
        """Take files and conversation back to an earlier point, show what that would do, or list the points."""
        params = wire.read(wire.Rewind, argument)
        session = await self._host.session(params.session_id)
        if params.to is None:
            points = await session.rewinding.points()
            return {"points": [{"id": p.id, "kind": p.kind, "label": p.label, "time": p.time_ms} for p in points]}
        with_what = {"files": params.files, "conversation": params.conversation}
        if params.preview:
            done = await session.rewinding.preview(params.to, **with_what)
        elif self._host.settings.client.events:
            done = await session.rewind(params.to, **with_what)
        else:
            shown = await session.rewinding.preview(params.to, **with_what)
            done = await in_time(self._host.server, session.rewind(params.to, **with_what), "rewind") or shown
        answer: Json = {
            "files": [{"path": str(path), "change": change} for path, change in done.files],
            "messages": done.messages,
            "leftOut": list(done.left_out),
        }
        return answer if done.id is None else {**answer, "rewindId": done.id}

    async def slash(self, name: str, argument: Json) -> Json:
        """Run a slash command."""
        params = wire.read(wire.Slash, argument)
        session = await self._host.session(params.session_id)
        work = self._run_slash(session, name, params.args)
        if self._host.settings.client.events:
            return await work
        going: Json = {"text": "It takes a moment, and goes on."}
        return await in_time(self._host.server, work, f"/{name}") or going

    async def _run_slash(self, session: Session, name: str, args: str) -> Json:
        """What a command says. If it has a prompt for the model, with the run that was started, and if it made another
        session the current one, with that."""
        before = self._host.open_session(None)
        said = await session.slash.run(name, args)
        if isinstance(said, str):
            moved = self._moved(before)
            return {"text": said} if moved is None else {"text": said, "sessionId": moved}
        run = session.start(said)
        return {"text": f"The agent works on /{name}.", "sessionId": session.id, "runId": run.id}

    def _moved(self, before: Session | None) -> str | None:
        """The session that is the current one now, if it was another one before."""
        now = self._host.open_session(None)
        return None if now is None or now is before else now.id

    # ------------------------------------------------------------ slash commands that change the current session

    def of_sessions(self) -> tuple[Command, ...]:
        """The slash commands that can do more here than where a program holds its session."""
        return tuple(
            Command(row.name, row.description, row.usage, run)
            for row in BUILTIN
            if (run := {"fork": self._fork, "resume": self._resume}.get(row.name)) is not None
        )

    async def _resume(self, args: str, session: Session) -> str:
        if not args:
            return "Usage: /resume <id>; /sessions lists them."
        opened = await self._host.resume_session(args)
        opened.resume()
        return f"Session {args} is open, with {len(opened.state.messages)} messages."

    async def _fork(self, args: str, session: Session) -> str:
        fork_id = await forked(args, session)
        await self._host.resume_session(fork_id)
        return f"Forked: session {fork_id} is open now."


def _status(state: State) -> str:
    last = next((run for run in reversed(state.runs.values()) if run.parent is None), None)
    return "idle" if last is None else last.status


def _images(given: Sequence[wire.Attachment]) -> tuple[Attachment, ...]:
    """The attachments of a prompt, which are images. Raises JsonRpcInvalidParams."""
    try:
        return tuple(image_of_text(item.data, item.media_type) for item in given)
    except ValueError as error:
        raise JsonRpcInvalidParams(str(error)) from None
