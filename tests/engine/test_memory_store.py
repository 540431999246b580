"""Memories are found by their words, kept once, shared by processes, dropped by rule, and taken over from a3s-code."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import time
import uuid
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a3s_lsp.engine.config.settings import Memory, Prune, Relevance
from a3s_lsp.engine.errors import StoreError
from a3s_lsp.engine.memory.items import MemoryItem, from_json, to_json
from a3s_lsp.engine.memory.memories import Memories
from a3s_lsp.engine.memory.words import words_of

DAY_NS = 86_400 * 1_000_000_000


async def remembering(*contents: str, folder: Path | None = None) -> Memories:
    memories = Memories(folder)
    for content in contents:
        await memories.add(MemoryItem(content), Memory())
    return memories


async def found(memories: Memories, query: str, limit: int = 5) -> list[str]:
    return [one.item.content for one in await memories.search(query, limit, Relevance())]


def aged(content: str, days: float, importance: float = 0.5) -> MemoryItem:
    return MemoryItem(content, importance, time_ns=time.time_ns() - int(days * DAY_NS))


@pytest.mark.parametrize(
    ("content", "query"),
    [
        ("Fix the auth login bug", "login auth"),
        ("Fix the auth login bug", "AUTHENTICATION of auth"),
        ("the tests were failing", "fail test"),
        ("one parser", "parsers"),
        ("how to run", "running"),
        ("naïve résumé", "naive"),
        ("naive resume", "résumé"),
        ("renamed parseConfigFile", "config"),
        ("renamed parse_config_file", "parseConfigFile"),
        ("修复登录失败的问题", "登录"),
        ("ログインの失敗", "失敗"),
        ("파일을 읽는 중 오류", "파일"),
        ("แก้ไขการเข้าสู่ระบบ", "ระบบ"),
        ("Le café de l'école", "cafe ECOLE"),
        ("Straße gesperrt", "STRASSE"),
        ("relogin", "ogin"),
        ("see ://host", "://"),
        ("what is it", "it"),
    ],
)
async def test_a_memory_is_found_by_its_words(content: str, query: str) -> None:
    memories = await remembering(content, "something wholly different")
    assert (await found(memories, query))[:1] == [content]


@pytest.mark.parametrize(
    "query",
    ['"', "'", "*", "AND", "a AND OR NOT", "NEAR(a b)", "words:x", "^a", "(", "a\0b", "-a", "\ud800", "%", "😀", "{x}"],
)
async def test_no_query_is_taken_for_syntax(query: str) -> None:
    memories = await remembering("alpha beta")
    assert await found(memories, query) in ([], ["alpha beta"])
    assert await found(memories, "alpha") == ["alpha beta"]


@given(st.text(), st.text())
async def test_whatever_has_the_query_in_it_is_found(before: str, query: str) -> None:
    memories = await remembering(f"{before}{query}")
    assert len(await found(memories, query)) == 1


async def test_more_shared_words_come_first_then_importance_then_age() -> None:
    memories = Memories(None)
    for item in (
        aged("parser crash on empty input", 0),
        aged("parser notes, old", 300),
        aged("parser notes, new", 0),
        aged("parser notes, important", 0, importance=0.9),
    ):
        await memories.add(item, Memory())
    assert await found(memories, "parser crash empty") == [
        "parser crash on empty input",
        "parser notes, important",
        "parser notes, new",
        "parser notes, old",
    ]


async def test_an_empty_query_gives_the_best_of_all() -> None:
    memories = Memories(None)
    await memories.add(aged("old", 200), Memory())
    await memories.add(aged("new", 0), Memory())
    await memories.add(aged("important", 0, importance=1.0), Memory())
    assert await found(memories, "", 2) == ["important", "new"]


async def test_the_weights_decide_what_counts() -> None:
    memories = Memories(None)
    await memories.add(aged("old but important", 100, importance=1.0), Memory())
    await memories.add(aged("new", 0, importance=0.0), Memory())
    by_age = Relevance(importance_weight=0.0, recency_weight=1.0)
    by_importance = Relevance(importance_weight=1.0, recency_weight=0.0)
    for weights, first in ((by_age, "new"), (by_importance, "old but important")):
        assert (await memories.search("", 1, weights))[0].item.content == first
        assert (await memories.by_tags([], 1, weights)) == []
    assert len(await memories.search("", 2, Relevance(importance_weight=0.0, recency_weight=0.0))) == 2


@pytest.mark.parametrize(("decay_days", "first"), [(30.0, "new"), (10_000.0, "old but important")])
async def test_recency_fades_with_the_days(decay_days: float, first: str) -> None:
    memories = Memories(None)
    await memories.add(aged("old but important", 100, importance=1.0), Memory())
    await memories.add(aged("new", 0, importance=0.2), Memory())
    weights = Relevance(decay_days, importance_weight=0.5, recency_weight=0.5)
    assert (await memories.search("", 1, weights))[0].item.content == first


async def test_what_says_the_same_is_kept_once() -> None:
    memories = Memories(None)
    first = await memories.add(MemoryItem("Use  tabs", 0.4, ("style",), "semantic", {"by": "a"}), Memory())
    again = await memories.add(MemoryItem("use tabs", 0.6, ("tabs",), "semantic", {"in": "b"}), Memory())
    assert await memories.count() == 1
    assert again.id == first.id and again.importance == 0.6 and again.time_ns >= first.time_ns
    assert (again.tags, dict(again.metadata)) == (("style", "tabs"), {"by": "a", "in": "b"})
    assert [item.id for item in await memories.by_tags(["tabs"], 5, Relevance())] == [first.id]


async def test_what_is_old_and_unimportant_is_dropped_and_then_the_worst_of_too_many() -> None:
    rules = Memory(prune_interval_secs=1, prune=Prune(max_age_days=30, min_importance_to_keep=0.5, max_items=2))
    memories = Memories(None)
    await memories.add(aged("old, unimportant", 60, 0.1), Memory(prune_interval_secs=0))
    await memories.add(aged("old, important", 60, 0.9), Memory(prune_interval_secs=0))
    await memories.add(aged("new, unimportant", 0, 0.1), Memory(prune_interval_secs=0))
    assert await memories.count() == 3
    await memories.add(aged("new, important", 0, 0.9), rules)
    assert {item.content for item in await memories.recent(9)} == {"old, important", "new, important"}
    assert await found(memories, "unimportant") == []


async def test_nothing_is_dropped_before_the_interval_is_over() -> None:
    rules = Memory(prune=Prune(max_items=1))
    memories = Memories(None)
    await memories.add(aged("one", 2), rules)
    await memories.add(aged("two", 1), rules)
    assert await memories.count() == 2


async def test_what_is_forgotten_is_found_no_more(tmp_path: Path) -> None:
    memories = await remembering("alpha", "beta", folder=tmp_path)
    [alpha] = await memories.search("alpha", 1, Relevance())
    assert await memories.forget(alpha.item.id) and not await memories.forget(alpha.item.id)
    assert await found(memories, "alpha") == [] and await memories.count() == 1
    assert await memories.forget_all() == 1 and await memories.recent(9) == []


WRITER = """
import asyncio, sys
from pathlib import Path
from a3s_lsp.engine.config.settings import Memory
from a3s_lsp.engine.memory.items import MemoryItem
from a3s_lsp.engine.memory.memories import Memories

async def main():
    memories = Memories(Path(sys.argv[1]))
    await memories.open()
    for n in range(25):
        await memories.add(MemoryItem(f"{sys.argv[2]} number {n}"), Memory(prune_interval_secs=0))

asyncio.run(main())
"""


def test_processes_share_a_folder_from_its_first_moment(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "memory"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(folder), name]) for name in "abcd"]
    assert [writer.wait(60) for writer in writers] == [0] * 4

    async def look() -> tuple[int, int]:
        memories = Memories(folder)
        return await memories.count(), len(await found(memories, "number 7", 100))

    assert asyncio.run(look()) == (100, 100)


async def test_calls_at_once_are_all_kept(tmp_path: Path) -> None:
    one, other = Memories(tmp_path), Memories(tmp_path)
    await asyncio.gather(
        *((one if n % 2 else other).add(MemoryItem(f"thing {n}"), Memory(prune_interval_secs=0)) for n in range(40))
    )
    assert await one.count() == await other.count() == 40


def old_item(folder: Path, content: str = "Success: x\nTools: bash\nResult: y", **fields: object) -> dict[str, object]:
    """An item in the manner of a3s-code."""
    item: dict[str, object] = {
        "id": str(uuid.uuid4()),
        "content": content,
        "timestamp": "2026-03-01T10:20:30.123456789Z",
        "importance": 0.8,
        "tags": ["success", "pattern"],
        "memory_type": "procedural",
        "metadata": {"prompt": "x", "tools": "bash"},
        "access_count": 3,
        "last_accessed": None,
        **fields,
    }
    (folder / "items").mkdir(parents=True, exist_ok=True)
    (folder / "items" / f"{item['id']}.json").write_text(json.dumps(item, indent=2), encoding="utf-8")
    (folder / "index.json").write_text("[]", encoding="utf-8")
    return item


async def test_a_folder_of_a3s_code_is_taken_over_once_and_left_as_it_is(tmp_path: Path) -> None:
    kept = old_item(tmp_path)
    before = {path: path.read_bytes() for path in (tmp_path / "index.json", *(tmp_path / "items").iterdir())}
    memories = Memories(tmp_path)
    assert await memories.open() == ""
    [item] = await memories.recent(9)
    assert to_json(item) == kept
    assert await memories.forget(item.id)
    assert await Memories(tmp_path).open() == "" and await Memories(tmp_path).count() == 0
    assert {path: path.read_bytes() for path in before} == before


async def test_items_that_cannot_be_read_are_named_and_the_others_taken(tmp_path: Path) -> None:
    old_item(tmp_path)
    items = tmp_path / "items"
    (items / "cut.json").write_text('{"id": "a", "cont', encoding="utf-8")
    (items / "deep.json").write_text("[" * 100_000, encoding="utf-8")
    (items / "latin.json").write_bytes(b'{"content": "\xe9"}')
    (items / "list.json").write_text("[]", encoding="utf-8")
    os.mkfifo(items / "pipe.json")
    (items / "gone.json").symlink_to(items / "nowhere")
    old_item(tmp_path, timestamp="yesterday", id="bad-time")
    old_item(tmp_path, importance=7, id="bad-importance")
    memories = Memories(tmp_path)
    warning = await memories.open()
    assert "bad-importance.json ('importance' is not a number from 0 to 1)" in warning and "5 more" in warning
    assert await memories.count() == 1
    new, old = await memories.import_folder(tmp_path)
    assert new == 0 and len(old.unread) == 8


@pytest.mark.parametrize(
    ("spoil", "remedy"),
    [
        ("folder is a file", "give another folder"),
        ("newer", "update this one"),
        ("not a database", "move the file away"),
        ("read only", "make this one writable"),
    ],
)
async def test_a_folder_that_cannot_be_used_is_told_with_a_remedy(tmp_path: Path, spoil: str, remedy: str) -> None:
    folder = tmp_path / "memory"
    match spoil:
        case "folder is a file":
            folder.write_text("")
        case "newer":
            folder.mkdir()
            with sqlite3.connect(folder / "memory.db") as db:
                db.execute("PRAGMA user_version = 99")
        case "not a database":
            folder.mkdir()
            (folder / "memory.db").write_text("nothing of the kind" * 100)
        case _:
            folder = Path("/proc/memory")
    with pytest.raises(StoreError, match=remedy):
        await Memories(folder).open()


def test_the_files_are_nobody_elses_business(tmp_path: Path) -> None:
    asyncio.run(remembering("secret plan", folder=tmp_path / "m"))
    assert (tmp_path / "m").stat().st_mode & 0o77 == 0
    assert all(path.stat().st_mode & 0o77 == 0 for path in (tmp_path / "m").iterdir())


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(
    st.builds(
        MemoryItem,
        texts,
        st.floats(0, 1),
        st.lists(texts, unique=True).map(tuple),
        st.sampled_from(["episodic", "semantic", "procedural", "working"]),
        st.dictionaries(texts, texts),
        texts,
        st.integers(0, 2**62),
        st.integers(0, 2**31),
        st.none() | st.integers(0, 2**62),
    )
)
async def test_an_item_comes_back_as_it_was(item: MemoryItem) -> None:
    assert from_json(json.loads(json.dumps(to_json(item)))) == item
    memories = Memories(None)
    assert await memories.add(item, Memory(prune_interval_secs=0)) == item
    assert await memories.recent(1) == [item]
    await memories.touch([item])
    [touched] = await memories.these([item.id])
    assert touched.access_count == item.access_count + 1 and (touched.accessed_ns or 0) > 0
    assert replace(touched, access_count=item.access_count, accessed_ns=item.accessed_ns) == item


@given(st.text(max_size=3000))
def test_words_are_bounded_and_plain(text: str) -> None:
    words = words_of(text)
    assert len(words) == len(set(words)) <= 2000
    assert all(word and len(word) <= 64 and '"' not in word and not word.isspace() for word in words)
