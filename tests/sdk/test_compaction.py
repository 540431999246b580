"""Compaction through the SDK: what gives way, what stays word for word, and that it can be undone."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import a3s_lsp as a3s
from a3s_lsp.engine.config.load import load
from a3s_lsp.engine.context.compaction import plan
from a3s_lsp.engine.context.room import configured_room
from a3s_lsp.engine.messages import AssistantMessage, Json, Message, ToolCall, ToolMessage, Usage, UserMessage
from a3s_lsp.engine.ports import ModelRequest
from a3s_lsp.testing import Pause, Reply, ScriptedModel, call

ALLOW = a3s.PermissionPolicy(default_decision="allow")
LONG = "A long answer with many words. " * 240


def options_for(room: int = 16_000, threshold: float = 0.5, *, auto: bool = True) -> a3s.SessionOptions:
    options = a3s.SessionOptions()
    options.permission_policy = ALLOW
    options.auto_compact = auto
    options.auto_compact_threshold = threshold
    options.max_context_tokens = room
    return options


def is_summary_request(request: ModelRequest) -> bool:
    return "summary" in request.system and not request.tools


class Talker:
    """A model that answers at length, and gives summaries when it is asked for one."""

    def __init__(self, summary: str = "SUMMARY", calls: Sequence[ToolCall] = ()) -> None:
        self.summary = summary
        self.summaries: list[ModelRequest] = []
        self.calls = list(calls)
        self.scripted = ScriptedModel([self._reply] * 200)

    def _reply(self, request: ModelRequest) -> Reply:
        if is_summary_request(request):
            self.summaries.append(request)
            return Reply(self.summary, usage=Usage(100, 20))
        return Reply("", (self.calls.pop(0),)) if self.calls else Reply(f"{len(request.messages)}: {LONG}")

    @property
    def turns(self) -> list[ModelRequest]:
        return [request for request in self.scripted.requests if not is_summary_request(request)]


def compacted(events: Sequence[a3s.AgentEvent]) -> list[Json]:
    return [json.loads(event.data or "{}") for event in events if event.event_type == "context_compacted"]


def texts(request: ModelRequest) -> list[str]:
    return [message.text for message in request.messages if isinstance(message, UserMessage)]


def assert_whole(messages: Sequence[Message]) -> None:
    """Every call has its result right behind it, and every result its call."""
    open_calls: list[str] = []
    for message in messages:
        match message:
            case ToolMessage(call_id=call_id):
                assert call_id in open_calls, "a result without its call"
                open_calls.remove(call_id)
            case _:
                assert not open_calls, "a call without its result"
                open_calls = [c.id for c in message.tool_calls] if isinstance(message, AssistantMessage) else []
    assert not open_calls


# ---------------------------------------------------------------- by itself


def test_a_long_conversation_is_compacted_before_a_turn_and_says_so(tmp_path: Path) -> None:
    talker = Talker()
    session = a3s.Agent.with_model(talker.scripted).session(str(tmp_path), options_for())
    found: list[Json] = []
    for n in range(8):
        found += compacted(list(session.stream(f"prompt {n}")))
    assert found and len(found) == len(talker.summaries)
    for data in found:
        assert int(str(data["after_messages"])) < int(str(data["before_messages"]))
        assert float(str(data["percent_before"])) >= 0.5 > float(str(data["percent_after"]))
        assert (data["summary"], data["failure"]) == ("SUMMARY", None)
        assert data["session_id"] == session.session_id
    last = talker.turns[-1]
    assert texts(last)[0] == "prompt 0" and texts(last)[-1] == "prompt 7"
    assert any(text.startswith("[Summary of") and "SUMMARY" in text for text in texts(last))
    assert_whole(last.messages)


def test_nothing_is_said_and_no_model_is_asked_where_nothing_would_be_won(tmp_path: Path) -> None:
    model = ScriptedModel([Reply("ok", usage=Usage(170_000, 5))] * 5)
    session = a3s.Agent.with_model(model).session(str(tmp_path), options_for(200_000, 0.8))
    for n in range(4):
        assert compacted(list(session.stream(f"p{n}"))) == []
    assert len(model.requests) == 4


def test_what_the_provider_counts_decides(tmp_path: Path) -> None:
    talker = Talker()
    talker.scripted.replies = [Reply(LONG, usage=Usage(170_000, 5))] * 2 + talker.scripted.replies
    session = a3s.Agent.with_model(talker.scripted).session(str(tmp_path), options_for(200_000, 0.8))
    events = [event for n in range(4) for event in session.stream(f"p{n}")]
    data = compacted(events)[0]
    assert float(str(data["percent_before"])) == pytest.approx(0.85, abs=0.01)
    assert (data["before_messages"], data["after_messages"], len(talker.summaries)) == (5, 3, 1)


def test_without_auto_compact_nothing_is_touched(tmp_path: Path) -> None:
    talker = Talker()
    session = a3s.Agent.with_model(talker.scripted).session(str(tmp_path), options_for(100, auto=False))
    events = [event for n in range(4) for event in session.stream(f"p{n}")]
    assert compacted(events) == [] and len(talker.turns[-1].messages) == 7


def test_one_long_run_keeps_its_prompt_and_every_call_with_its_result(tmp_path: Path) -> None:
    (tmp_path / "big.txt").write_text("line of text\n" * 300)
    reads = [call("read", file_path="big.txt", offset=n, limit=100) for n in range(12)]
    talker = Talker(calls=reads)
    session = a3s.Agent.with_model(talker.scripted).session(str(tmp_path), options_for(12_000))
    session.send("the goal of it all")
    assert talker.summaries, "it was compacted while the run was going"
    for request in talker.turns:
        assert texts(request)[0] == "the goal of it all"
        assert_whole(request.messages)
    assert_whole([message for request in talker.turns[-1:] for message in request.messages])


def test_the_prompt_that_is_being_answered_is_kept_word_for_word(tmp_path: Path) -> None:
    (tmp_path / "big.txt").write_text("line of text\n" * 300)
    talker = Talker()
    session = a3s.Agent.with_model(talker.scripted).session(str(tmp_path), options_for(12_000))
    for n in range(2):
        session.send(f"earlier {n}")
    talker.calls = [call("read", file_path="big.txt", offset=n, limit=100) for n in range(10)]
    session.send("the one that counts: exactly THIS")
    assert talker.summaries
    for request in talker.turns[2:]:
        assert "the one that counts: exactly THIS" in texts(request)


def test_the_files_that_were_changed_are_in_the_summary(tmp_path: Path) -> None:
    (tmp_path / "big.txt").write_text("line of text\n" * 300)
    writes = [call("write", file_path=f"made{n}.txt", content="x\n") for n in range(3)]
    talker = Talker(calls=[*writes, *(call("read", file_path="big.txt", offset=n, limit=100) for n in range(10))])
    session = a3s.Agent.with_model(talker.scripted).session(str(tmp_path), options_for(12_000))
    session.send("make files")
    session.review.keep([hunk.id for hunk in session.review.hunks() if "made1" in hunk.path])
    session.send("/compact")
    summary = next(text for text in texts_of(session.history()) if text.startswith("[Summary of"))
    assert "- made0.txt: 1 under review" in summary and "- made1.txt: 1 kept by the person" in summary


def texts_of(history: list[Json]) -> list[str]:
    blocks = [block for message in history for block in message["content"]]  # type: ignore[attr-defined]  # blocks
    return [str(block["text"]) for block in blocks if block.get("type") == "text"]


def test_large_old_outputs_give_way_to_markers_first(tmp_path: Path) -> None:
    (tmp_path / "big.txt").write_text("line of text\n" * 900)
    talker = Talker(calls=[call("read", file_path="big.txt"), *(call("ls", path=".") for _ in range(3))])
    session = a3s.Agent.with_model(talker.scripted).session(str(tmp_path), options_for(20_000, 0.35))
    events = list(session.stream("read it"))
    pruned = [json.loads(event.data or "{}") for event in events if event.event_type == "context_pruned"]
    assert pruned and pruned[0]["outputs"] == 1 and talker.summaries == []
    marker = next(
        m.content for m in talker.turns[-1].messages if isinstance(m, ToolMessage) and "taken out" in m.content
    )
    address = marker.split("artifact: ")[1].split(". ")[0]
    artifact = session.get_artifact(address)
    assert artifact is not None and "line of text" in str(artifact["content"])
    assert session.undo_compaction() is True
    assert not any("taken out" in str(message) for message in session.history())


def test_a_run_with_its_own_history_is_compacted_too_and_the_sessions_is_left_alone(tmp_path: Path) -> None:
    talker = Talker()
    session = a3s.Agent.with_model(talker.scripted).session(str(tmp_path), options_for())
    session.send("the session's own")
    own = session.history()
    given: list[Json] = []
    for n in range(6):
        given.append({"role": "user", "content": [{"type": "text", "text": f"given {n}"}]})
        given.append({"role": "assistant", "content": [{"type": "text", "text": LONG}]})
    assert compacted(list(session.stream({"prompt": "now", "history": given})))
    assert texts(talker.turns[-1])[0] == "given 0" and texts(talker.turns[-1])[-1] == "now"
    assert session.history() == own
    assert session.undo_compaction() is False


@pytest.mark.parametrize(
    "failing", [Reply(""), a3s.ModelError("the line is down"), Reply("x" * 100_000)], ids=["empty", "failed", "endless"]
)
def test_a_summary_that_fails_is_made_by_rule_and_that_is_said(tmp_path: Path, failing: Reply | Exception) -> None:
    model = ScriptedModel([LONG, LONG, LONG, LONG, failing])
    session = a3s.Agent.with_model(model).session(str(tmp_path), options_for(auto=False))
    for n in range(4):
        session.send(f"prompt {n}")
    told = session.send("/compact").text
    summary = next(text for text in texts_of(session.history()) if text.startswith("[Summary of"))
    if isinstance(failing, Reply) and failing.text:
        assert len(summary) < 12_000 and "by rule" not in told
    else:
        assert "by rule" in told and "The person said: prompt 1" in summary


def test_the_request_for_a_summary_is_bounded(tmp_path: Path) -> None:
    model = ScriptedModel(["word " * 20_000, *[LONG] * 10, "SUMMARY"])
    session = a3s.Agent.with_model(model).session(str(tmp_path), options_for(2_000, auto=False))
    for n in range(10):
        session.send(f"prompt {n} " + "more " * 3_000)
    model.replies = ["SUMMARY"]
    session.send("/compact")
    asked = str(model.requests[-1].messages[0])
    assert len(asked) < 2_000 * 4 and "left out" in asked


def test_the_summary_counts_among_what_the_session_used(tmp_path: Path) -> None:
    talker = Talker()
    session = a3s.Agent.with_model(talker.scripted).session(str(tmp_path), options_for(auto=False))
    for n in range(4):
        session.send(f"p{n}")
    assert session.send("/compact").total_tokens == 0
    assert f"Tokens:  {4 * 15 + 120}" in session.send("/cost").text


def test_the_room_of_a_model_is_the_configured_one_if_the_program_names_none() -> None:
    source = (
        'default_model = "a/m"\nproviders "a" { api_key = "k" models "m" { limit { context = 321 } } models "n" {} }'
    )
    providers = load(source, {}).settings.providers
    assert configured_room(providers, "a/m") == 321
    assert [configured_room(providers, name) for name in ("a/n", "a/x", "b/m", "offline")] == [None] * 4


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("auto_compact_threshold", 0, ValueError),
        ("auto_compact_threshold", -0.1, ValueError),
        ("auto_compact_threshold", 1.5, ValueError),
        ("auto_compact_threshold", float("nan"), ValueError),
        ("auto_compact_threshold", "0.8", TypeError),
        ("max_context_tokens", 0, ValueError),
        ("max_context_tokens", -1, OverflowError),
        ("max_context_tokens", 1.5, TypeError),
        ("auto_compact", "yes", TypeError),
    ],
)
def test_options_that_make_no_sense_are_errors(tmp_path: Path, name: str, value: object, kind: type[Exception]) -> None:
    agent, options = a3s.Agent.with_model(ScriptedModel()), a3s.SessionOptions()
    with pytest.raises(kind, match=name):
        setattr(options, name, value)
        agent.session(str(tmp_path), options)


# ---------------------------------------------------------------- by the person's word


def test_compact_and_its_undo_give_the_very_same_conversation(tmp_path: Path) -> None:
    talker = Talker()
    session = a3s.Agent.with_model(talker.scripted).session(str(tmp_path), options_for(auto=False))
    for n in range(5):
        session.send(f"p{n}")
    before = session.history()
    done = session.compact()
    assert done is not None and done["summary"] == "SUMMARY" and len(session.history()) == done["after_messages"]
    assert session.history()[0] == before[0] and session.history()[-1] == before[-1]
    session.send("since")
    assert session.undo_compaction() is True
    assert session.history()[:10] == before and texts_of(session.history())[-2] == "since"
    assert session.undo_compaction() is False


def test_compactions_of_compactions_are_undone_one_by_one(tmp_path: Path) -> None:
    talker = Talker()
    session = a3s.Agent.with_model(talker.scripted).session(str(tmp_path), options_for(auto=False))
    kept: list[list[Json]] = []
    for _ in range(3):
        for n in range(4):
            session.send(f"p{n}")
        kept.append(session.history())
        assert "Now" in session.send("/compact").text
    assert sum(text.startswith("[Summary of") for text in texts_of(session.history())) == 1
    for n, before in reversed(list(enumerate(kept))):
        assert session.undo_compaction() is True
        assert session.history()[: len(before)] == before, n
    assert texts_of(kept[0])[0] == "p0"


def test_compactions_outlive_the_process(tmp_path: Path) -> None:
    options = options_for(auto=False)
    options.session_store = a3s.FileSessionStore(str(tmp_path / "store"))
    talker = Talker()
    agent = a3s.Agent.with_model(talker.scripted)
    with agent.session(str(tmp_path), options) as session:
        for n in range(4):
            session.send(f"p{n}")
        before = session.history()
        session.compact()
        after = session.history()
        name = session.session_id
    with agent.resume_session(name, options) as again:
        assert again.history() == after
        assert again.undo_compaction() is True
        assert again.history() == before


def test_clear_and_rewind_go_over_a_compaction(tmp_path: Path) -> None:
    talker = Talker()
    session = a3s.Agent.with_model(talker.scripted).session(str(tmp_path), options_for(auto=False))
    for n in range(4):
        session.send(f"p{n}")
    before = session.history()
    third = str(session.runs()[2]["id"])
    session.compact()
    compact = session.history()
    session.review.rewind(third)
    assert session.history() == before[:4], "the conversation before a prompt is the whole one"
    assert session.undo_compaction() is False
    session.send("/rewind redo")
    assert session.history() == compact
    session.send("/clear")
    assert session.undo_compaction() is False
    session.send("/clear undo")
    assert session.history() == compact


def test_nothing_is_compacted_or_brought_back_while_a_run_is_going(tmp_path: Path) -> None:
    pause = Pause()
    model = ScriptedModel(["a", "b", "c", Reply("d", pause=pause)])
    session = a3s.Agent.with_model(model).session(str(tmp_path))
    for n in range(3):
        session.send(f"p{n}")
    stream = session.stream("go")
    assert pause.wait()
    for act in (session.compact, session.undo_compaction, session.undo_clear):
        with pytest.raises(a3s.A3SError, match="A run is going"):
            act()
    pause.release()
    assert [event.event_type for event in stream][-1] == "end"


def test_a_prompt_that_comes_while_the_summary_is_made_waits_and_is_kept(tmp_path: Path) -> None:
    pause = Pause()
    model = ScriptedModel(["a", "b", "c", Reply("SUMMARY", chunks=("SUM", "MARY"), pause=pause), "the answer"])
    session = a3s.Agent.with_model(model).session(str(tmp_path))
    for n in range(3):
        session.send(f"p{n}")
    done: list[Json | None] = []
    thread = threading.Thread(target=lambda: done.append(session.compact()))
    thread.start()
    assert pause.wait()
    stream = session.stream("meanwhile")
    pause.release()
    assert [event.event_type for event in stream][-1] == "end"
    thread.join(10)
    assert done[0] is not None
    assert texts_of(session.history())[-2:] == ["meanwhile", "the answer"]
    assert texts(model.requests[-1])[-1] == "meanwhile"


def test_clearing_while_the_summary_is_made_wins(tmp_path: Path) -> None:
    pause = Pause()
    model = ScriptedModel(["a", "b", "c", Reply("SUMMARY", chunks=("SUM", "MARY"), pause=pause)])
    session = a3s.Agent.with_model(model).session(str(tmp_path))
    for n in range(3):
        session.send(f"p{n}")
    done: list[Json | None] = []
    thread = threading.Thread(target=lambda: done.append(session.compact()))
    thread.start()
    assert pause.wait()
    assert session.send("/clear").text.startswith("Cleared 6")
    pause.release()
    thread.join(10)
    assert done == [None] and session.history() == []


def test_cancel_stops_the_making_of_a_summary_and_changes_nothing(tmp_path: Path) -> None:
    pause = Pause()
    model = ScriptedModel(["a", "b", "c", Reply("SUMMARY", pause=pause)])
    session = a3s.Agent.with_model(model).session(str(tmp_path))
    for n in range(3):
        session.send(f"p{n}")
    before = session.history()
    stream = session.stream("/compact")
    assert pause.wait()
    assert session.cancel() is True
    assert [event.event_type for event in stream] == ["cancelled"]
    assert session.history() == before


async def test_two_compactions_at_once_do_not_get_into_each_others_way(tmp_path: Path) -> None:
    session = await a3s.AsyncAgent.with_model(Talker().scripted).session(str(tmp_path))
    for n in range(5):
        await session.send(f"p{n}")
    before = session.history()
    done = await asyncio.gather(session.compact(), session.compact())
    assert done[0] is not None
    while await session.undo_compaction():
        pass
    assert session.history() == before


# ---------------------------------------------------------------- what may give way


@st.composite
def conversations(draw: st.DrawFn) -> list[Message]:
    talk: list[Message] = []
    for n in range(draw(st.integers(0, 12))):
        kind = draw(st.integers(0, 3))
        if kind == 0:
            talk.append(UserMessage(draw(st.sampled_from(["goal", "other"])) + " word" * draw(st.integers(0, 400))))
        elif kind == 1:
            talk.append(AssistantMessage("said " * draw(st.integers(0, 400))))
        else:
            ids = [f"{n}-{k}" for k in range(draw(st.integers(1, 3)))]
            talk.append(AssistantMessage("", tuple(ToolCall(i, "read", "{}") for i in ids)))
            talk += [ToolMessage(i, "out " * draw(st.integers(0, 600))) for i in ids]
    return talk


@given(conversations(), st.sampled_from([None, "goal", "absent"]))
@settings(max_examples=300, deadline=None)
def test_whatever_gives_way_the_rest_is_whole(talk: list[Message], prompt: str | None) -> None:
    planned = plan(talk, prompt)
    if planned is None:
        return
    rest = [*talk[: planned.first], UserMessage("[Summary]"), *planned.kept, *talk[planned.last :]]
    assert_whole(rest)
    assert len(rest) < len(talk)
    first = next((message for message in talk if isinstance(message, UserMessage)), None)
    assert first is None or rest[planned.first - 1] is first
    goals = [message for message in talk if isinstance(message, UserMessage) and message.text == prompt]
    assert not goals or goals[-1] in rest
    assert rest[-1] is talk[-1]
