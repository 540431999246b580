"""The tool `git` beside an editor: it reads the disk, so what it did not see is asked about or said."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from a3s_lsp.engine.ports import ToolContext, ToolResult
from tests.engine.tools.desk import Desk


@pytest.fixture
def repository(desk: Desk) -> Desk:
    """A desk on a repository with a committed a.txt, which is open in the editor with unsaved text."""
    path = desk.put("a.txt", "saved\n")
    script = (
        "git init -q -b main . && git config user.email a@b && git config user.name n && git add . && git commit -qm 1"
    )
    subprocess.run(["bash", "-ec", script], cwd=desk.root, check=True, timeout=60)
    desk.editor.open(path, "saved\n")
    desk.editor.type(path, "typed\n")
    return desk


async def run(context: ToolContext, desk: Desk, **args: object) -> ToolResult:
    return await desk.tool("git").run(args, context)


async def test_reading_says_which_unsaved_text_it_did_not_see(repository: Desk) -> None:
    result = await repository.call("git", command="diff", target="HEAD")
    assert result.output.startswith("No changes.")
    assert "did not see the unsaved text of a.txt" in result.output


async def test_reading_sees_unsaved_text_where_commands_can(repository: Desk) -> None:
    result = await run(replace(repository.context(), unsaved="overlay"), repository, command="diff", target="HEAD")
    if "did not see" in result.output:
        pytest.skip("bubblewrap does not work here")
    assert "-saved\n+typed\n" in result.output
    assert "saw the unsaved text of a.txt" in result.output
    assert repository.get("a.txt") == "saved\n"


@pytest.mark.parametrize("unsaved", ["ask", "overlay"])
async def test_changing_asks_first_and_a_no_changes_nothing(repository: Desk, unsaved: str) -> None:
    questions: list[str] = []

    async def no(title: str, detail: str) -> bool:
        questions.append(title)
        return False

    context = replace(repository.context(), unsaved="overlay" if unsaved == "overlay" else "ask", ask=no)
    with pytest.raises(Exception, match="was not run"):
        await run(context, repository, command="branch", name="b")
    assert "a.txt" in questions[0]
    assert (await repository.call("git", command="branch")).output == "Branches:\n* main"


async def test_changing_is_kept_in_a_checkpoint_and_looking_is_not(repository: Desk) -> None:
    desk = repository
    desk.editor.save(desk.root / "a.txt")
    entered: list[str] = []

    @asynccontextmanager
    async def around() -> AsyncIterator[None]:
        entered.append("in")
        yield
        entered.append("out")

    context = replace(desk.context(), around_command=around)
    await run(context, desk, command="status")
    assert entered == []
    await run(context, desk, command="add", path="a.txt")
    assert entered == ["in", "out"]
