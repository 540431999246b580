"""The offline assistant: what it understands, what it does, and that what it says is true."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from a3s_lsp.engine.messages import AssistantMessage, Json, Message, ToolCall, ToolMessage, Usage, UserMessage
from a3s_lsp.engine.models.offline import OfflineAssistant
from a3s_lsp.engine.policy.permissions import PermissionPolicy
from a3s_lsp.engine.policy.postures import posture_policy
from a3s_lsp.engine.ports import Answer, CallDelta, Chunk, Finish, ModelRequest, TextDelta, ToolSpec
from a3s_lsp.engine.tools.registry import Registry, builtin_tools
from a3s_lsp.testing import ScriptedApprover
from tests.engine.stage import Stage, answer

TOOLS = Registry(builtin_tools()).specs()
SHOP = {
    "shop/prices.py": (
        "TAX = 1.2\n\n\ndef total(items):\n    return sum(items) * TAX\n\n\nclass Cart:\n    def total(self):\n"
        "        return total(self.items)  # not subtotal\n"
    ),
    "shop/web.py": "from shop.prices import total\n\nprint(total([1]))\n",
    "web/cart.ts": "export const total = (items: number[]) => items.length;\n",
    "notes with space.md": "# Notes\n\nThe total is printed.\n\n## Later\n",
}


@pytest.fixture
def shop(tmp_path: Path) -> Stage:
    for name, text in SHOP.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return Stage(tmp_path)


async def ask(stage: Stage, *prompts: str, permission: PermissionPolicy | None = None) -> str:
    """What the assistant says in the end to the last of the prompts, in a real session."""
    setup = stage.setup(OfflineAssistant(), permission=permission or posture_policy("auto"))
    session = await stage.open(setup, f"s{len(stage.events)}")
    answers = [(await answer(session, prompt)).text for prompt in prompts]
    await session.close()
    return answers[-1]


async def turn(*messages: Message, tools: Sequence[ToolSpec] = TOOLS) -> list[Chunk]:
    return [chunk async for chunk in OfflineAssistant().stream(ModelRequest("", messages, tuple(tools)))]


def said(chunks: Sequence[Chunk]) -> str:
    return "".join(chunk.text for chunk in chunks if isinstance(chunk, TextDelta))


def called(chunks: Sequence[Chunk]) -> tuple[str, Json] | None:
    found = [chunk for chunk in chunks if isinstance(chunk, CallDelta)]
    return (found[0].name, json.loads(found[0].arguments)) if found else None


def word(name: str) -> Json:
    return {"pattern": rf"\b{name}\b"}


@pytest.mark.parametrize(
    ("wording", "tool", "arguments"),
    [
        ("where is total?", "grep", word("total")),
        ("Where's the function `total` defined?", "grep", word("total")),
        ("hey, can you find the definition of total() please", "grep", word("total")),
        ("where is Cart.total", "grep", word("total")),
        ("where is prices.py", "glob", {"pattern": "**/prices.py"}),
        ("who calls total?", "grep", word("total")),
        ("what uses the constant TAX?", "grep", word("TAX")),
        ("where is total used", "grep", word("total")),
        ("find all references to total.", "grep", word("total")),
        ("outline of shop/prices.py", "read", {"file_path": "shop/prices.py"}),
        ("outline of `notes with space.md`", "read", {"file_path": "notes with space.md"}),
        ("what is in web/cart.ts?", "read", {"file_path": "web/cart.ts"}),
        ('find "a.b  c"', "grep", {"pattern": r"a\.b\ \ c"}),
        ("search for “items” in *.py", "grep", {"pattern": "items", "glob": "*.py"}),
        ("search is printed in shop/", "grep", {"pattern": r"is\ printed", "path": "shop/"}),
        ("list files", "ls", {}),
        ("list the files in shop", "ls", {"path": "shop"}),
        ("find *.ts", "glob", {"pattern": "**/*.ts"}),
        ("read shop/web.py", "read", {"file_path": "shop/web.py", "offset": 0, "limit": 200}),
        ("show me lines 2-3 of shop/web.py", "read", {"file_path": "shop/web.py", "offset": 1, "limit": 2}),
        ("read shop/web.py line 3", "read", {"file_path": "shop/web.py", "offset": 2, "limit": 1}),
        ('replace "a b" with "c"', "replace", {"pattern": "a b", "replacement": "c"}),
        ("replace TAX by VAT in prices.py", "replace", {"pattern": "TAX", "replacement": "VAT", "glob": "prices.py"}),
        ('replace "x" with "" in shop/web.py', "replace", {"pattern": "x", "replacement": "", "path": "shop/web.py"}),
        ("rename total to sum_of", "grep", word("sum_of")),
        ("create file a/b.txt with hello", "read", {"file_path": "a/b.txt", "limit": 1}),
        ("run npm test -- --watch=false", "bash", {"command": "npm test -- --watch=false"}),
        ("$ git status", "bash", {"command": "git status"}),
        ("run `ls -l`", "bash", {"command": "ls -l"}),
        ("please run the tests", "ls", {}),
    ],
)
async def test_wording_becomes_this_call(wording: str, tool: str, arguments: Json) -> None:
    assert called(await turn(UserMessage(wording))) == (tool, arguments)


@pytest.mark.parametrize(
    "wording",
    [
        "explain total",
        "rename total to sum_of and run the tests",
        "where is the bug in my code?",
        "run the linter",
        "fix it",
        "where is " + "x" * 2000,
    ],
)
async def test_what_is_not_wholly_understood_is_declined_with_the_way_to_a_real_model(wording: str) -> None:
    chunks = await turn(UserMessage(wording))
    assert called(chunks) is None
    assert "no language model" in said(chunks)
    assert "ANTHROPIC_API_KEY" in said(chunks)


async def test_help_says_what_it_is_and_can() -> None:
    text = said(await turn(UserMessage("help")))
    assert "no language model" in text
    assert "rename OLD to NEW" in text


async def test_this_file_is_the_one_that_came_with_the_prompt() -> None:
    prompt = 'outline of this file\n\n<context source="/w/my shop/web.py" lines="1-2">\nsearch "x"\n</context>'
    assert called(await turn(UserMessage(prompt))) == ("read", {"file_path": "/w/my shop/web.py"})


async def test_answer_comes_in_pieces_and_costs_nothing() -> None:
    chunks = await turn(UserMessage("help"))
    pieces = [chunk.text for chunk in chunks if isinstance(chunk, TextDelta)]
    assert len(pieces) > 20
    assert all(len(piece.split()) == 1 for piece in pieces)
    assert chunks[-1] == Finish("stop", Usage(cost=0.0))


async def test_tool_that_is_not_offered_is_named_and_not_called() -> None:
    chunks = await turn(UserMessage("where is total"), tools=[tool for tool in TOOLS if tool.name != "grep"])
    assert called(chunks) is None
    assert "`grep`" in said(chunks)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.text(st.characters(codec="utf-8"), max_size=80), st.sampled_from(("", "run ", "find ", "read ")))
async def test_any_prompt_has_an_answer_or_a_call_that_is_offered(prompt: str, start: str) -> None:
    chunks = await turn(UserMessage(start + prompt))
    call = called(chunks)
    assert isinstance(chunks[-1], Finish)
    assert said(chunks) or (call and call[0] in {tool.name for tool in TOOLS})


async def test_where_tells_definitions_from_uses_and_cites_truly(shop: Stage) -> None:
    text = await ask(shop, "where is total?")
    defined, _, used = text.partition("It is also found here:")
    assert set(cited(defined)) == {("shop/prices.py", 4), ("shop/prices.py", 9), ("web/cart.ts", 1)}
    assert set(cited(used)) == {
        ("shop/prices.py", 10),
        ("shop/web.py", 1),
        ("shop/web.py", 3),
        ("notes with space.md", 3),
    }
    for name, number in cited(text):
        assert "total" in SHOP[name].splitlines()[number - 1]


def cited(text: str) -> list[tuple[str, int]]:
    return [(name, int(number)) for name, number in re.findall(r"^- (.+?):(\d+) ", text, re.MULTILINE)]


async def test_callers_are_told_from_mentions(shop: Stage) -> None:
    text = await ask(shop, "who calls total?")
    assert cited(text) == [("shop/prices.py", 10), ("shop/web.py", 3)]
    assert "2 lines" in text


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("a.py", "    async def wanted(self) -> None:"),
        ("a.py", "FIRST, wanted = 1, 2"),
        ("a.py", "    wanted: int = 3"),
        ("a.py", "        self.wanted = 3"),
        ("a.js", "export default async function wanted() {"),
        ("a.ts", "  private static wanted(a: string): Promise<void> {"),
        ("a.ts", "export interface wanted {"),
        ("a.rs", "pub(crate) async fn wanted<T>(a: T) {"),
        ("a.rs", "    let mut wanted = 1;"),
        ("a.go", "func (s *Server) wanted(a int) error {"),
        ("a.go", "\twanted, err := f()"),
        ("a.c", "static int *wanted(int a)"),
        ("a.h", "#define wanted(x) (x)"),
        ("a.cpp", "void Thing::wanted(int a) {"),
        ("a.java", "    public static List<String> wanted(int a) {"),
        ("a.rb", "  def self.wanted"),
        ("a.lua", "function M.wanted(a)"),
        ("a.sh", "wanted() {"),
    ],
)
async def test_definition_is_known_in_this_language(tmp_path: Path, name: str, line: str) -> None:
    (tmp_path / name).write_text(f"{line}\n", encoding="utf-8")
    assert "`wanted` is defined here" in await ask(Stage(tmp_path), "where is wanted?")


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("a.py", "if wanted == 1:"),
        ("a.py", "from a import wanted"),
        ("a.ts", "    if (wanted(1)) {"),
        ("a.c", "    return wanted(1)"),
        ("a.go", "    x := wanted(1)"),
        ("a.rs", "    // the fn wanted"),
    ],
)
async def test_use_is_not_taken_for_a_definition(tmp_path: Path, name: str, line: str) -> None:
    (tmp_path / name).write_text(f"{line}\n", encoding="utf-8")
    assert "recognise no definition" in await ask(Stage(tmp_path), "where is wanted?")


async def test_name_that_is_nowhere_is_looked_for_within_others(shop: Stage) -> None:
    assert "no whole word" in await ask(shop, "where is Subtot?")
    assert "in no file" in await ask(shop, "where is nothing_like_it?")


async def test_names_around_a_part_are_listed_from_their_definitions_on(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("subtotal()\n\n\ndef subtotal(): ...\n", encoding="utf-8")
    assert cited(await ask(Stage(tmp_path), "where is subtot?")) == [("a.py", 4), ("a.py", 1)]


async def test_comment_calls_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("# wanted() is called by hand\n", encoding="utf-8")
    assert "Nothing seems to call `wanted`" in await ask(Stage(tmp_path), "who calls wanted?")


async def test_many_places_are_counted_and_not_listed(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("wanted\n" * 50, encoding="utf-8")
    text = await ask(Stage(tmp_path), 'search "wanted"')
    assert len(cited(text)) == 20
    assert text.endswith("… and on 30 lines more.")


async def test_search_that_was_cut_short_is_not_told_as_whole(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("wanted\n" * 20_000, encoding="utf-8")
    assert "there are still more" in await ask(Stage(tmp_path), 'search "wanted"')


async def test_outline_finds_a_file_by_its_name_alone(shop: Stage) -> None:
    text = await ask(shop, "outline of prices.py")
    assert "shop/prices.py" in text
    assert re.findall(r"^ +(\d+)  ", text, re.MULTILINE) == ["1", "4", "8", "9"]
    assert re.findall(r"^ +(\d+)  ", await ask(shop, "outline of 'notes with space.md'"), re.MULTILINE) == ["1", "5"]


async def test_file_name_that_several_have_is_asked_back(shop: Stage) -> None:
    (shop.folder / "web/web.py").touch()
    text = await ask(shop, "read web.py")
    assert "which one?" in text
    assert "- shop/web.py\n- web/web.py" in text


async def test_read_says_how_much_is_left(shop: Stage) -> None:
    text = await ask(shop, "read shop/web.py lines 1-2")
    assert "from shop.prices import total" in text
    assert "1 line after that" in text


async def test_rename_changes_whole_words_everywhere_and_counts_them(shop: Stage) -> None:
    text = await ask(shop, "rename total to sum_of")
    assert "7 occurrences in 4 files" in text
    assert "def sum_of(items)" in (shop.folder / "shop/prices.py").read_text(encoding="utf-8")
    assert "not subtotal" in (shop.folder / "shop/prices.py").read_text(encoding="utf-8")


async def test_rename_warns_of_a_name_that_is_taken(shop: Stage) -> None:
    text = await ask(shop, "rename total to TAX")
    assert "`TAX` was in use before on 2 lines, for instance shop/prices.py:1" in text


async def test_rename_asks_once(shop: Stage) -> None:
    approver = ScriptedApprover(["approved"])
    setup = shop.setup(OfflineAssistant(), permission=posture_policy("ask"), approver=approver)
    session = await shop.open(setup)
    text = (await answer(session, "rename TAX to VAT")).text
    await session.close()
    assert [question.name for question in approver.questions] == ["replace"]
    assert "2 occurrences in 1 file" in text


async def test_no_of_a_person_is_reported_and_nothing_is_changed(shop: Stage) -> None:
    approver = ScriptedApprover([Answer("rejected", "not today")])
    setup = shop.setup(OfflineAssistant(), permission=posture_policy("ask"), approver=approver)
    session = await shop.open(setup)
    text = (await answer(session, "rename TAX to VAT")).text
    await session.close()
    assert "not allowed to use `replace`" in text
    assert "not today" in text
    assert "DO NOT" not in text
    assert "VAT" not in (shop.folder / "shop/prices.py").read_text(encoding="utf-8")


async def test_policy_that_denies_a_command_is_not_told_as_its_failure(shop: Stage) -> None:
    text = await ask(shop, "run echo hi", permission=posture_policy("plan"))
    assert "not allowed to use `bash`" in text


async def test_files_are_created_but_never_overwritten(shop: Stage) -> None:
    assert "Created" in await ask(shop, "create a file called new/a.txt with:\n```\ntwo\nlines\n```")
    assert (shop.folder / "new/a.txt").read_text(encoding="utf-8") == "two\nlines\n"
    assert "there already" in await ask(shop, "create file shop/web.py with nothing")
    assert (shop.folder / "shop/web.py").read_text(encoding="utf-8") == SHOP["shop/web.py"]


async def test_failed_command_is_told_with_the_places_it_names(shop: Stage) -> None:
    text = await ask(shop, "run echo shop/web.py:3: bad; false")
    assert "failed" in text
    assert "It names shop/web.py:3." in text
    assert "succeeded" in await ask(shop, "run true")


async def test_tests_are_run_as_the_project_does(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text("test:\n\t@echo all is well\n", encoding="utf-8")
    text = await ask(Stage(tmp_path), "run the tests")
    assert "`make test` succeeded" in text
    assert "all is well" in text


async def test_second_request_does_not_see_the_results_of_the_first(shop: Stage) -> None:
    text = await ask(shop, "where is total?", "where is Cart?")
    assert "`Cart` is defined here" in text
    assert "total" not in text
    calls = [event.fields["tool_id"] for event in shop.events if event.type == "tool_start"]
    assert len(set(calls)) == len(calls) == 2


async def test_id_of_a_call_is_new_in_the_conversation() -> None:
    earlier = (UserMessage("list files"), AssistantMessage("", (ToolCall("offline-1", "ls", "{}"),)))
    chunks = await turn(*earlier, ToolMessage("offline-1", "?"), UserMessage("where is total"))
    assert [chunk.id for chunk in chunks if isinstance(chunk, CallDelta)] == ["offline-2"]


async def test_calls_of_a_model_that_answered_before_are_not_its_own() -> None:
    foreign = ToolCall("call_1", "bash", "not JSON")
    messages = (UserMessage("where is total"), AssistantMessage("", (foreign,)), ToolMessage("call_1", "?"))
    assert called(await turn(*messages)) == ("grep", word("total"))


async def test_interrupted_change_is_not_told_as_undone(shop: Stage) -> None:
    arguments = json.dumps({"pattern": "a", "replacement": "b"})
    messages = (
        UserMessage('replace "a" with "b"'),
        AssistantMessage("", (ToolCall("offline-1", "replace", arguments),)),
        ToolMessage("offline-1", "Interrupted: its result is not known.", is_error=True),
    )
    text = said(await turn(*messages))
    assert "its result is not known" in text
    assert "nothing" not in text.lower()
