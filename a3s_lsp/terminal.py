"""One prompt in a terminal: the answer on standard output, what happens meanwhile on standard error."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import uuid
from pathlib import Path
from typing import Literal, TypeAlias

from a3s_lsp.engine.assembly import Surroundings, Wishes, assemble
from a3s_lsp.engine.errors import A3SError
from a3s_lsp.engine.events import Event
from a3s_lsp.engine.facts import QuestionAsked, RunQueued
from a3s_lsp.engine.policy.postures import Posture
from a3s_lsp.engine.ports import Answer
from a3s_lsp.engine.run import Run
from a3s_lsp.engine.session import Session
from a3s_lsp.engine.store.sqlite import SQLiteStore
from a3s_lsp.engine.store.trust import Trust
from a3s_lsp.engine.store.writer import LogWriter
from a3s_lsp.engine.workspace.checkpoints import CheckpointStore
from a3s_lsp.engine.workspace.leases import Leases
from a3s_lsp.places import checkpoint_store, lease_folder, session_log, trust_folder, user_config

ExitCode: TypeAlias = Literal[0, 1, 130]


async def run_prompt(
    prompt: str, workspace: Path, *, model: str | None, posture: Posture, config: str | None
) -> ExitCode:
    """Answer the prompt. 0 with an answer, 1 without, 130 if it was stopped."""
    writer = LogWriter(SQLiteStore(session_log(os.environ)))
    session_id = str(uuid.uuid4())
    try:
        setup = await assemble(
            workspace,
            Wishes(model, posture, config, session=session_id),
            Surroundings(
                os.environ,
                user_config(),
                leases=Leases(lease_folder(os.environ)),
                checkpoints=CheckpointStore(checkpoint_store(os.environ)),
                trust=Trust(trust_folder(os.environ)),
            ),
            TerminalApprover() if sys.stdin.isatty() else None,
        )
        session = await Session.create(session_id, setup, writer)
    except A3SError as error:
        _say(str(error))
        return 1
    try:
        return await _answer(session, prompt)
    finally:
        await session.close()
        writer.close()


async def _answer(session: Session, prompt: str) -> ExitCode:
    asked = await session.slash.answer(RunQueued(prompt))
    if isinstance(asked, str):
        print(asked)
        return 0
    session.subscribe(_show)
    run = session.start(asked)
    with _CtrlC(run):
        result = await run.wait()
    print(flush=True)
    if result.status == "completed":
        return 0
    _say(f"{'Stopped' if result.status == 'cancelled' else 'Failed'}: {result.error}")
    return 130 if result.status == "cancelled" else 1


def _show(event: Event) -> None:
    match event.type:
        case "text_delta":
            sys.stdout.write(str(event.fields["text"]))
            sys.stdout.flush()
        case "tool_start":
            _say(f"· {event.fields['tool_name']}")
        case "tool_end" if event.fields["exit_code"]:
            _say(f"  {str(event.fields['tool_output']).splitlines()[0]}")
        case "files_changed":
            _say(f"  {event.fields['label']}")
        case _:
            pass


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class _CtrlC:
    """While it is entered, Ctrl-C stops the run instead of the program."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._stopping: asyncio.Task[bool] | None = None

    def __enter__(self) -> None:
        loop = asyncio.get_running_loop()
        self._before = signal.signal(signal.SIGINT, lambda *_: loop.call_soon_threadsafe(self._stop))

    def _stop(self) -> None:
        self._stopping = asyncio.ensure_future(self._run.cancel())

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._before)


class TerminalApprover:
    """Implements `ports.Approver` by a question in the terminal."""

    timeout_ms = None

    async def ask(self, question: QuestionAsked) -> Answer:
        always = f", [A]lways ({question.rule})" if question.rule else ""
        _say(f"\n{question.title}: {question.detail}")
        if question.diff:
            _say(question.diff)
        _say(f"[y]es{always}, [n]o, or a reason why not:")
        reply = (await _line()).strip()
        match reply:
            case "y" | "yes":
                return Answer("approved")
            case "A" if question.rule:
                return Answer("approved", remember=question.rule)
            case "" | "n" | "no":
                return Answer("rejected")
            case _:
                return Answer("rejected", reply)


async def _line() -> str:
    """A line from the terminal; on a thread that does not keep the program alive when the question is moot."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[str] = loop.create_future()

    def read() -> None:
        line = sys.stdin.readline()
        loop.call_soon_threadsafe(_settle, answer, line)

    threading.Thread(target=read, daemon=True, name="a3s-terminal").start()
    return await answer


def _settle(answer: asyncio.Future[str], line: str) -> None:
    if not answer.done():
        answer.set_result(line)
