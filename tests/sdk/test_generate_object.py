"""generate_object: a value that fits a schema, or an error that says why there is none."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

import a3s_lsp as a3s
from a3s_lsp.engine.errors import ModelError, ModelRefused
from a3s_lsp.engine.messages import Json, ToolMessage, Usage
from a3s_lsp.engine.ports import ModelRequest
from a3s_lsp.testing import Pause, Reply, Script, ScriptedModel, call

SCHEMA: Json = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
GOOD = Reply("", (call("emit_result", n=1),))
BAD = Reply("", (call("emit_result", n="x"),))


async def session_of(folder: Path, *replies: Script) -> tuple[a3s.AsyncSession, ScriptedModel]:
    model = ScriptedModel(replies)
    allow = a3s.PermissionPolicy(default_decision="allow")
    return await a3s.AsyncAgent.with_model(model).session(str(folder), permission_policy=allow), model


@pytest.mark.parametrize("mode", ["auto", "tool"])
async def test_the_model_hands_the_object_to_a_tool_that_it_has_to_call(tmp_path: Path, mode: str) -> None:
    session, model = await session_of(tmp_path, Reply("", (call("emit_point", n=1),)))
    made = await session.generate_object(SCHEMA, "Give n.", schema_name="point", system="Be exact.", mode=mode)
    assert made == {"object": {"n": 1}, "mode_used": "tool", "repair_rounds": 0}
    (request,) = model.requests
    assert ([tool.name for tool in request.tools], request.tool_choice) == (["emit_point"], "emit_point")
    assert request.tools[0].parameters == SCHEMA
    assert request.system.startswith("Be exact.")
    assert request.messages[-1].text == "Give n."  # type: ignore[union-attr]  # the prompt


@pytest.mark.parametrize(
    ("mode", "shape"), [("strict", "json_schema"), ("json", "json_object"), ("prompt", None), ("prompt", None)]
)
async def test_other_modes_ask_for_text(tmp_path: Path, mode: str, shape: str | None) -> None:
    session, model = await session_of(tmp_path, '{"n": 1}')
    made = await session.generate_object(SCHEMA, "Give n.", mode=mode)
    assert made == {"object": {"n": 1}, "mode_used": mode, "repair_rounds": 0}
    (request,) = model.requests
    assert (request.response_format or {}).get("type") == shape
    assert request.tools == ()
    assert ('"integer"' in str(request.messages)) is (mode != "strict")


@pytest.mark.parametrize(
    "said",
    [
        '{"n": 1}',
        'Here it is:\n```json\n{"n": 1}\n```\nDone.',
        'It is {"n": 1}.',
        ' \n{"n": 1}\n',
        '```\n{"n": 1}\n```',
    ],
)
async def test_the_object_is_found_in_what_the_model_says(tmp_path: Path, said: str) -> None:
    session, _ = await session_of(tmp_path, said)
    assert (await session.generate_object(SCHEMA, "Give n."))["object"] == {"n": 1}


async def test_what_is_no_object_is_asked_for_in_words(tmp_path: Path) -> None:
    session, _ = await session_of(tmp_path, "[1, 2]")
    made = await session.generate_object({"type": "array", "items": {"type": "integer"}}, "Give numbers.")
    assert made == {"object": [1, 2], "mode_used": "prompt", "repair_rounds": 0}


async def test_faults_are_told_to_the_model_and_mended(tmp_path: Path) -> None:
    session, model = await session_of(tmp_path, BAD, "no idea", GOOD)
    made = await session.generate_object(SCHEMA, "Give n.")
    assert made == {"object": {"n": 1}, "mode_used": "tool", "repair_rounds": 2}
    told = model.requests[1].messages[-1]
    assert isinstance(told, ToolMessage)
    assert "$.n: 'x' is not of type 'integer'" in told.content
    assert "not valid JSON" in str(model.requests[2].messages[-1])


@pytest.mark.parametrize("repairs", [0, 1, 5, 9])
async def test_after_the_last_attempt_the_error_says_what_was_wrong(tmp_path: Path, repairs: int) -> None:
    session, model = await session_of(tmp_path, *[BAD] * 10)
    with pytest.raises(a3s.A3SError, match=r"no value that fits the schema.*'x' is not of type 'integer'"):
        await session.generate_object(SCHEMA, "Give n.", max_repair_attempts=repairs)
    assert len(model.requests) == min(repairs, 5) + 1


async def test_every_call_of_a_refused_answer_gets_its_result(tmp_path: Path) -> None:
    session, model = await session_of(tmp_path, Reply("", (call("emit_result", n="x"), call("emit_result", n=2))), GOOD)
    await session.generate_object(SCHEMA, "Give n.")
    assert [message.role for message in model.requests[1].messages] == ["user", "assistant", "tool", "tool"]


async def test_a_provider_that_refuses_one_way_is_asked_in_another(tmp_path: Path) -> None:
    refused = ModelRefused("tool_choice is not supported")
    session, model = await session_of(tmp_path, refused, refused, GOOD)
    made = await session.generate_object(SCHEMA, "Give n.", mode="strict")
    assert made["mode_used"] == "tool"
    assert [bool(r.response_format) for r in model.requests] == [True, False, False]
    assert [r.tool_choice for r in model.requests] == [None, "emit_result", None]


async def test_a_model_that_fails_is_an_error(tmp_path: Path) -> None:
    session, model = await session_of(tmp_path, ModelError("cut"), GOOD, ModelError("gone"), ModelError("gone"))
    assert (await session.generate_object(SCHEMA, "Give n."))["object"] == {"n": 1}
    with pytest.raises(a3s.A3SError, match="generate_object failed: gone"):
        await session.generate_object(SCHEMA, "Give n.")
    assert len(model.requests) == 4


async def test_it_may_take_only_so_long(tmp_path: Path) -> None:
    session, _ = await session_of(tmp_path, Reply("", GOOD.calls, pause=Pause()))
    with pytest.raises(a3s.A3SError, match="gave up after 50ms"):
        await session.generate_object(SCHEMA, "Give n.", timeout_ms=50)


async def test_cancelling_ends_the_request(tmp_path: Path) -> None:
    pause = Pause()
    session, _ = await session_of(tmp_path, Reply("", GOOD.calls, pause=pause), GOOD)
    asking = asyncio.create_task(session.generate_object(SCHEMA, "Give n."))
    await pause.reached()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert (await session.generate_object(SCHEMA, "Give n."))["object"] == {"n": 1}


async def test_a_large_object_comes_whole(tmp_path: Path) -> None:
    long = "x" * 200_000
    session, _ = await session_of(tmp_path, json.dumps({"text": long}))
    schema = {"type": "object", "properties": {"text": {"type": "string"}}}
    assert (await session.generate_object(schema, "Say much.", mode="prompt"))["object"] == {"text": long}


# ---------------------------------------------------------------- as the model's tool


async def test_the_model_uses_it_and_what_it_costs_is_counted(tmp_path: Path) -> None:
    ask = Reply("", (call("generate_object", schema=SCHEMA, prompt="p"),), usage=Usage(10, 5))
    session, _ = await session_of(
        tmp_path, ask, Reply("", GOOD.calls, usage=Usage(100, 50)), Reply("ok", usage=Usage(10, 5))
    )
    events = [event async for event in session.stream("go")]
    partial = [json.loads(event.text or "") for event in events if event.event_type == "tool_output_delta"]
    assert partial[-1] == {"object_partial": {"n": 1}, "final": True, "mode_used": "tool", "repair_rounds": 0}
    (ended,) = [event for event in events if event.event_type == "tool_end"]
    assert json.loads(ended.tool_output or "") == {"mode_used": "tool", "object": {"n": 1}, "repair_rounds": 0}
    assert events[-1].total_tokens == 180
    assert [message["role"] for message in session.history()] == ["user", "assistant", "user", "assistant"]


async def test_the_object_is_shown_while_it_is_being_written(tmp_path: Path) -> None:
    pause = Pause()
    ask = Reply("", (call("generate_object", schema=SCHEMA, prompt="p", mode="prompt"),))
    session, _ = await session_of(
        tmp_path, ask, Reply(chunks=('```json\n{"n": 1, "te', 'xt": "a"}\n```'), pause=pause), "ok"
    )
    events = []
    async with asyncio.timeout(10):
        async for event in session.stream("go"):
            events.append(event)
            if event.event_type == "tool_output_delta":
                pause.release()
    shown = [json.loads(event.text or "") for event in events if event.event_type == "tool_output_delta"]
    assert shown[0] == {"object_partial": {"n": 1}, "final": False}


async def test_secrets_are_in_no_event_and_in_no_request(tmp_path: Path) -> None:
    schema: Json = {"type": "object"}
    ask = Reply("", (call("generate_object", schema=schema, prompt="Write to bob@example.com", mode="prompt"),))
    pause = Pause()
    said = Reply(chunks=('{"mails": ["ann@exam', 'ple.com", "x"], "n": 4', "1}"), pause=pause)
    options = a3s.SessionOptions()
    options.permission_policy = a3s.PermissionPolicy(default_decision="allow")
    options.security_provider = a3s.DefaultSecurityProvider()
    model = ScriptedModel([ask, said, "ok", '{"mail": "ann@example.com"}'])
    session = await a3s.AsyncAgent.with_model(model).session(str(tmp_path), options)
    pause.release()
    events = [event async for event in session.stream("go")]
    shown = [json.loads(event.text or "") for event in events if event.event_type == "tool_output_delta"]
    assert shown[0]["object_partial"] in ({}, {"mails": []}), "nothing of a string that is not complete"
    assert shown[-1]["object_partial"] == {"mails": ["[REDACTED:EMAIL]", "x"], "n": 41}
    assert "Write to [REDACTED:EMAIL]" in str(model.requests[1].messages)
    assert "@exam" not in str([vars(event) for event in events])
    made = await session.generate_object(schema, "The mail of ann@example.com", mode="prompt")
    assert made["object"] == {"mail": "[REDACTED:EMAIL]"}
    assert "@" not in str(model.requests[-1].messages)


async def test_it_needs_leave_like_any_tool(tmp_path: Path) -> None:
    ask = Reply("", (call("generate_object", schema=SCHEMA, prompt="p"),))
    model = ScriptedModel([ask, "denied"])
    deny = a3s.PermissionPolicy(deny=["generate_object"], default_decision="allow")
    session = await a3s.AsyncAgent.with_model(model).session(str(tmp_path), permission_policy=deny)
    assert (await session.send("go")).text == "denied"
    assert len(model.requests) == 2


async def test_the_conversation_knows_nothing_of_it(tmp_path: Path) -> None:
    session, model = await session_of(tmp_path, GOOD, "hello")
    await session.generate_object(SCHEMA, "Give n.")
    await session.send("hi")
    assert len(model.requests[1].messages) == 1
    assert session.history() == [
        {"role": "user", "content": [{"type": "text", "text": "hi"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "hello"}]},
    ]


# ---------------------------------------------------------------- what cannot be asked for


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ({}, "says nothing of the value"),
        ({"type": "zz"}, "not valid"),
        ({"$ref": "http://127.0.0.1:9/schema"}, "nothing is fetched"),
        ({"$ref": "file:///etc/passwd"}, "nothing is fetched"),
        ({"type": "object", "properties": {"a": {"$ref": "#/$defs/none"}}}, "not in it"),
        ({"$schema": "http://127.0.0.1:9/dialect", "type": "object"}, "dialect"),
        ({"type": "string", "pattern": "("}, "not valid"),
        ({"type": "string", "pattern": "((a{999}){999}){999}"}, "too costly"),
        ({"type": "string", "description": "x" * 70_000}, "more than 65536 bytes"),
        ({"type": "object", "properties": {"a": {1, 2}}}, "is not JSON"),
        ({"type": "object", "properties": {"a": {"const": float("nan")}}}, "is not JSON"),
        (json.loads('{"not":' * 40 + '{"type": "null"}' + "}" * 40) | {"type": "object"}, "more than 32 levels"),
    ],
)
async def test_a_schema_that_cannot_be_used_is_refused_before_the_model_is_asked(
    tmp_path: Path, schema: Json, says: str
) -> None:
    session, model = await session_of(tmp_path)
    with pytest.raises(a3s.A3SError, match=says):
        await session.generate_object(schema, "Give it.")
    assert model.requests == []


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "string", "pattern": "^(x+x+)+y$"}, json.dumps("x" * 40_000)),
        ({"$ref": "#"}, "1"),
        (
            {
                "$defs": {
                    **{f"a{n}": {"anyOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(40)},
                    "a40": {"type": "string"},
                },
                "$ref": "#/$defs/a0",
            },
            "1",
        ),
    ],
)
async def test_a_schema_that_would_never_be_done_with_is_an_error(tmp_path: Path, schema: Json, said: str) -> None:
    session, _ = await session_of(tmp_path, said)
    async with asyncio.timeout(20):
        with pytest.raises(a3s.A3SError, match=r"generate_object failed: The (schema|pattern)"):
            await session.generate_object(schema, "Give it.")


@pytest.mark.parametrize(
    "said", ["[" * 100_000, '{"n": NaN}', '{"n": "\\ud800"}', '{"n": ' + "9" * 5000 + "}", "", "null"]
)
async def test_what_the_model_says_can_be_anything(tmp_path: Path, said: str) -> None:
    session, _ = await session_of(tmp_path, said, GOOD)
    made = await session.generate_object(SCHEMA, "Give n.")
    assert made == {"object": {"n": 1}, "mode_used": "tool", "repair_rounds": 1}


@pytest.mark.parametrize(
    ("named", "kind"),
    [
        ({"schema": 5}, TypeError),
        ({"schema": [SCHEMA]}, TypeError),
        ({"prompt": None}, TypeError),
        ({"prompt": "  "}, a3s.A3SError),
        ({"prompt": "x" * 200_000}, a3s.A3SError),
        ({"prompt": "\ud800"}, ValueError),
        ({"mode": "guess"}, a3s.A3SError),
        ({"mode": 5}, TypeError),
        ({"schema_name": 5}, TypeError),
        ({"system": b"x"}, TypeError),
        ({"max_repair_attempts": "2"}, TypeError),
        ({"max_repair_attempts": -1}, OverflowError),
        ({"max_repair_attempts": True}, TypeError),
        ({"timeout_ms": 0}, a3s.A3SError),
        ({"timeout_ms": 1 << 70}, OverflowError),
    ],
)
async def test_arguments_of_the_wrong_kind_are_refused(tmp_path: Path, named: Json, kind: type[Exception]) -> None:
    session, model = await session_of(tmp_path)
    with pytest.raises(kind):
        await session.generate_object(**{"schema": SCHEMA, "prompt": "p", **named})  # type: ignore[arg-type]  # that is the point
    assert model.requests == []


async def test_text_that_is_no_text_is_asked_for_again(tmp_path: Path) -> None:
    session, _ = await session_of(
        tmp_path, Reply("", (call("emit_result", s="\ud800"),)), Reply("", (call("emit_result", s="é"),))
    )
    made = await session.generate_object({"type": "object", "properties": {"s": {"type": "string"}}}, "Give s.")
    assert (made["object"], made["repair_rounds"]) == ({"s": "é"}, 1)


async def test_a_name_is_made_fit_for_a_tool(tmp_path: Path) -> None:
    session, model = await session_of(tmp_path, GOOD)
    await session.generate_object(SCHEMA, "Give n.", schema_name="über name! " + "x" * 100)
    (tool,) = model.requests[0].tools
    assert tool.name.isascii()
    assert len(tool.name) == 64


async def test_a_spent_budget_is_kept(tmp_path: Path) -> None:
    model = ScriptedModel([Reply("", BAD.calls, usage=Usage(900, 200)), GOOD])
    session = await a3s.AsyncAgent.with_model(model).session(str(tmp_path), budget=a3s.Budget(1000))
    with pytest.raises(a3s.A3SError, match="Budget spent"):
        await session.generate_object(SCHEMA, "Give n.")
    assert len(model.requests) == 1


def test_the_blocking_face_has_it_too(tmp_path: Path) -> None:
    def said(request: ModelRequest) -> Reply:
        return Reply("", (call(request.tools[0].name, n=7),))

    with a3s.Agent.with_model(ScriptedModel([said])).session(str(tmp_path)) as session:
        assert session.generate_object(SCHEMA, "Give n.")["object"] == {"n": 7}
