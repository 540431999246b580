"""`review: before`: what is about to change is shown first, and what was accepted is applied."""

from __future__ import annotations

from pathlib import Path

from a3s_lsp.engine.messages import ToolMessage
from a3s_lsp.engine.ports import Answer
from a3s_lsp.engine.session import Session
from a3s_lsp.testing import Reply, ScriptedApprover, ScriptedModel, call
from tests.engine.stage import Stage, answer

BEFORE = "".join(f"line {number}\n" for number in range(1, 13))
AFTER = BEFORE.replace("line 2\n", "line two\n").replace("line 9\n", "line nine\n")


async def asked(folder: Path, answers: list[Answer], *, first: bool = True) -> tuple[Session, ScriptedApprover]:
    (folder / "a.py").write_text(BEFORE)
    stage = Stage(folder)
    approver = ScriptedApprover(answers)
    read = Reply("", (call("read", file_path="a.py"),))
    write = Reply("", (call("write", file_path="a.py", content=AFTER),))
    setup = stage.setup(ScriptedModel([read, write, "done"]), approver=approver, reviews_first=first)
    session = await stage.open(setup)
    await answer(session, "go")
    return session, approver


def result(session: Session) -> str:
    return [message.content for message in session.state.messages if isinstance(message, ToolMessage)][-1]


async def test_a_change_that_policy_allows_is_shown_first_and_not_otherwise(tmp_path: Path) -> None:
    _, approver = await asked(tmp_path, [Answer("approved")])
    (question,) = approver.questions
    assert "+line two" in question.diff
    assert [part.header for part in question.parts] == ["@@ -2,1 +2,1 @@", "@@ -9,1 +9,1 @@"]
    assert (tmp_path / "a.py").read_text() == AFTER
    _, approver = await asked(tmp_path, [], first=False)
    assert approver.questions == []


async def test_the_accepted_hunk_alone_is_applied_and_the_model_is_told(tmp_path: Path) -> None:
    session, _ = await asked(tmp_path, [Answer("approved", accepted=(1,))])
    assert (tmp_path / "a.py").read_text() == BEFORE.replace("line 9\n", "line nine\n")
    assert result(session).startswith("The person accepted 1 of 2 hunks, and these alone were applied:")
    assert [hunk.after for hunk in session.review.ledger.live()] == ["line nine\n"]


async def test_a_change_of_which_nothing_is_accepted_is_a_failed_result(tmp_path: Path) -> None:
    session, _ = await asked(tmp_path, [Answer("approved", accepted=())])
    assert (tmp_path / "a.py").read_text() == BEFORE
    assert result(session) == "The person accepted none of the hunks; nothing was changed."


async def test_a_change_that_is_declined_is_not_made(tmp_path: Path) -> None:
    session, _ = await asked(tmp_path, [Answer("rejected", "not like this")])
    assert (tmp_path / "a.py").read_text() == BEFORE
    assert "not like this" in result(session)
