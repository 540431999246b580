"""Questions to the person at the editor, by whatever that editor can do.

The ladder, probed and never assumed: `a3s/confirm` for clients that know it, else `window/showMessageRequest`; beside
both, and where neither works, the commands `a3s.approve` and `a3s.deny`. One question at a time. A question waits:
nobody's timer answers it. An error is a rejection.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import get_args

from lsprotocol import types
from pydantic import ValidationError
from pygls.exceptions import JsonRpcException

from a3s_lsp.engine.errors import StoreError
from a3s_lsp.engine.facts import Outcome, QuestionAsked, RuleScope
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.ports import Answer
from a3s_lsp.engine.session import Session
from a3s_lsp.server import names, wire
from a3s_lsp.server.language_server import A3SLanguageServer

logger = logging.getLogger(__name__)

ALLOW, ALWAYS, DENY = "Allow once", "Always allow", "Deny"
SCOPES: tuple[RuleScope, ...] = get_args(RuleScope)
"""Where a rule can hold, from the narrowest to the widest."""
_SHOWN_DIFF_LINES = 30


class Questions:
    """The questions of one client: who is asked, and in which order."""

    def __init__(self, server: A3SLanguageServer, settings: Callable[[], wire.Settings]) -> None:
        self._server = server
        self._settings = settings
        self._waiting: dict[str, tuple[QuestionAsked, asyncio.Future[Answer]]] = {}
        self._turn = asyncio.Lock()

    def answer(self, verdict: wire.Verdict, *, approved: bool) -> bool:
        """An answer by command. False if no such question waits."""
        question, future = self._waiting.get(verdict.tool_id, (None, None))
        if question is None or future is None or future.done():
            return False
        remember = question.rule if verdict.remember and question.rule else None
        outcome: Outcome = "approved" if approved else "rejected"
        future.set_result(Answer(outcome, verdict.note, remember, scope=self._scope(verdict.scope)))
        return True

    def register(self, question: QuestionAsked) -> asyncio.Future[Answer]:
        """From now on the question can be answered by command."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[question.call_id] = (question, future)
        return future

    async def ask(self, question: QuestionAsked, about: Json, by_command: asyncio.Future[Answer]) -> Answer:
        """Put the question to the client; the first answer counts, by whatever way it comes."""
        asking = self._server.run_task(self._put(question, about), f"question {question.call_id}")
        asking.add_done_callback(lambda task: _hand_over(task, by_command))
        try:
            return await by_command
        finally:
            asking.cancel()
            self._waiting.pop(question.call_id, None)

    async def _put(self, question: QuestionAsked, about: Json) -> Answer | None:
        """The person's answer, or None if this client cannot ask."""
        async with self._turn:
            ways: list[Callable[[QuestionAsked, Json], Awaitable[Answer | None]]] = [self._by_message]
            if self._settings().client.confirm:
                ways.insert(0, self._by_confirm)
            for way in ways:
                try:
                    return await way(question, about)
                except (JsonRpcException, ValidationError) as error:
                    logger.warning("the client could not be asked: %s", error)
        self._server.log(
            f"A question waits: {question.title}: {question.detail}. "
            f"Answer with the command a3s.approve or a3s.deny, toolId {question.call_id}."
        )
        return None

    async def _by_confirm(self, question: QuestionAsked, about: Json) -> Answer | None:
        params: Json = {
            **about,
            "toolId": question.call_id,
            "toolName": question.name,
            "title": question.title,
            "detail": question.detail,
            "args": question.args,
        }
        hunks = [{"index": at, "path": part.path, "header": part.header} for at, part in enumerate(question.parts)]
        more = {"diff": question.diff, "rule": question.rule, "hunks": hunks}
        if question.rule:
            more["scopes"] = list(SCOPES)
        params |= {name: value for name, value in more.items() if value}
        reply = await self._server.request(names.CONFIRM, params)
        choice = wire.Choice.model_validate(reply)
        allowed = choice.choice.startswith("allow")
        # Only the rule that was shown may be stored, whatever the client sends back.
        remember = question.rule if choice.choice.endswith("always") and question.rule else None
        accepted = _accepted(question, choice)
        outcome: Outcome = "approved" if allowed else "rejected"
        return Answer(outcome, choice.note, remember, accepted, self._scope(choice.scope))

    def _scope(self, given: RuleScope | None) -> RuleScope:
        return given or self._settings().remember

    async def _by_message(self, question: QuestionAsked, about: Json) -> Answer | None:
        titles = [ALLOW, f"{ALWAYS}: {question.rule}", DENY] if question.rule else [ALLOW, DENY]
        reply = await self._server.request(
            types.WINDOW_SHOW_MESSAGE_REQUEST,
            {
                "type": types.MessageType.Info.value,
                "message": _message(question),
                "actions": [{"title": title} for title in titles],
            },
        )
        title = reply.get("title") if isinstance(reply, dict) else None
        if title == ALLOW:
            return Answer("approved")
        if question.rule and title == f"{ALWAYS}: {question.rule}":
            return Answer("approved", remember=question.rule, scope=self._scope(None))
        return Answer("rejected", None if title == DENY else "the question was dismissed")


class SessionApprover:
    """Implements `ports.Approver` for one session of one client; `session` finds it once it is there."""

    timeout_ms = None

    def __init__(self, questions: Questions, session: Callable[[], Session | None]) -> None:
        self._questions = questions
        self._session = session

    async def ask(self, question: QuestionAsked) -> Answer:
        by_command = self._questions.register(question)
        session = self._session()
        run = session and session.current_run()
        if session is None or run is None:
            return Answer("rejected", "the run is over")
        try:
            # Not before the client has seen the call that the question is about.
            await session.settled()
        except StoreError as error:
            return Answer("rejected", str(error))
        return await self._questions.ask(question, {"sessionId": session.id, "runId": run.id}, by_command)


def _hand_over(asking: asyncio.Task[Answer | None], answer: asyncio.Future[Answer]) -> None:
    """The client's answer is the answer, unless a command was faster, or the client cannot ask."""
    if answer.done() or asking.cancelled():
        return
    error = asking.exception()
    given = Answer("rejected", f"the question failed: {error}") if error else asking.result()
    if given is not None:
        answer.set_result(given)


def _accepted(question: QuestionAsked, choice: wire.Choice) -> tuple[int, ...] | None:
    """The hunks that were accepted of those that were shown; None if it is all or nothing."""
    if not question.parts or choice.accepted is None:
        return None
    return tuple(index for index in range(len(question.parts)) if index in choice.accepted)


def _message(question: QuestionAsked) -> str:
    lines = question.diff.splitlines()
    shown = lines[:_SHOWN_DIFF_LINES]
    if len(lines) > len(shown):
        shown.append(f"… {len(lines) - len(shown)} more lines")
    return "\n".join([f"{question.title}: {question.detail}", *shown])
