"""Questions that a program answers."""

from __future__ import annotations

import asyncio
import threading

import pytest

from a3s_lsp.engine.facts import QuestionAsked
from a3s_lsp.engine.policy.confirmation import ConfirmationPolicy, Confirmations, TimeoutAction
from a3s_lsp.engine.ports import Answer


def question(call_id: str = "c1") -> QuestionAsked:
    return QuestionAsked(call_id, "bash", {"command": "ls"}, "Run a command")


def confirmations(timeout_ms: int = 8000, action: TimeoutAction = "reject") -> Confirmations:
    return Confirmations(ConfirmationPolicy(True, timeout_ms, action))


async def asked(approver: Confirmations, call_id: str = "c1") -> asyncio.Task[Answer]:
    """A question that is on the list, which it must be before it first waits."""
    task = asyncio.create_task(approver.ask(question(call_id)))
    await asyncio.sleep(0)
    assert call_id in [row["tool_id"] for row in approver.pending()]
    return task


@pytest.mark.parametrize(("approved", "outcome"), [(True, "approved"), (False, "rejected")])
async def test_answer_reaches_the_question_exactly_once(approved: bool, outcome: str) -> None:
    approver = confirmations()
    task = await asked(approver)
    (row,) = approver.pending()
    assert (row["tool_id"], row["tool_name"], row["args"]) == ("c1", "bash", {"command": "ls"})
    assert 0 < int(str(row["remaining_ms"])) <= 8000
    assert approver.confirm("unknown", True) is False
    assert approver.confirm("c1", approved, "because") is True
    assert approver.confirm("c1", True) is False
    assert approver.pending() == []
    answer = await asyncio.wait_for(task, 5)
    assert (answer.outcome, answer.reason) == (outcome, "because")


@pytest.mark.parametrize(("action", "outcome"), [("reject", "expired_rejected"), ("auto_approve", "expired_approved")])
async def test_time_that_is_up_answers_as_the_policy_says(action: TimeoutAction, outcome: str) -> None:
    approver = confirmations(30, action)
    answer = await asyncio.wait_for(approver.ask(question()), 5)
    assert answer.outcome == outcome
    assert approver.pending() == []
    assert approver.confirm("c1", True) is False


async def test_any_thread_can_answer() -> None:
    approver = confirmations()
    task = await asked(approver)
    thread = threading.Thread(target=approver.confirm, args=("c1", True))
    thread.start()
    assert (await asyncio.wait_for(task, 5)).outcome == "approved"
    thread.join(5)


async def test_cancelling_all_answers_all() -> None:
    approver = confirmations()
    tasks = [await asked(approver, call_id) for call_id in ("c1", "c2")]
    assert approver.cancel_all() == 2
    assert approver.cancel_all() == 0
    answers = await asyncio.wait_for(asyncio.gather(*tasks), 5)
    assert [answer.outcome for answer in answers] == ["cancelled", "cancelled"]
    assert {answer.reason for answer in answers} == {"Confirmation cancelled"}


async def test_question_is_gone_when_nobody_waits_for_its_answer() -> None:
    approver = confirmations()
    task = await asked(approver)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert approver.pending() == []
    assert approver.confirm("c1", True) is False


async def test_second_question_with_the_same_id_is_rejected() -> None:
    approver = confirmations()
    task = await asked(approver)
    assert (await asyncio.wait_for(approver.ask(question()), 5)).outcome == "rejected"
    assert approver.confirm("c1", True) is True
    assert (await asyncio.wait_for(task, 5)).outcome == "approved"


def test_answer_for_a_loop_that_is_closed_is_refused() -> None:
    approver = confirmations()
    loop = asyncio.new_event_loop()
    task = loop.run_until_complete(asked(approver))
    loop.close()
    assert approver.confirm("c1", True) is False
    assert not task.done()
