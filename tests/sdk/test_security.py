"""Secrets stay out of all that a session stores, shows and tells the model; what comes from outside is marked."""

from __future__ import annotations

import base64
import json
import logging
from pathlib import Path
from typing import Unpack

import pytest

import a3s_lsp as a3s
from a3s_lsp.engine.changes import ChangeSet
from a3s_lsp.engine.config.load import load
from a3s_lsp.engine.messages import AssistantMessage, Json, ToolCall, ToolMessage
from a3s_lsp.engine.policy.log_redaction import RedactingFormatter
from a3s_lsp.engine.ports import Lane, Model, ToolContext, ToolResult, ToolSpec
from a3s_lsp.sdk.named_options import NamedOptions
from a3s_lsp.testing import Pause, Reply, ScriptedModel, call

KEY = "sk-abcdefghijklmnopqrstuvwx"
CARD, SOCIAL, PHONE, MAIL = "4111 1111 1111 1111", "123-45-6789", "(555) 123-4567", "ann.lee@example.com"
EVERYTHING = f"{KEY} {CARD} {SOCIAL} {PHONE} {MAIL}"
HIDDEN = "[REDACTED:API_KEY] [REDACTED:CC] [REDACTED:SSN] [REDACTED:PHONE] [REDACTED:EMAIL]"
ALLOW = a3s.PermissionPolicy(default_decision="allow")


def session_with(model: ScriptedModel, folder: Path, /, **options: Unpack[NamedOptions]) -> a3s.Session:
    named: NamedOptions = {"permission_policy": ALLOW, "security_provider": a3s.DefaultSecurityProvider()}
    named.update(options)
    return a3s.Agent.with_model(model).session(str(folder), None, **named)


def bash(command: str) -> Reply:
    return Reply("", (call("bash", command=command),))


def last_result(model: ScriptedModel) -> ToolMessage:
    """What the model was told about its last call."""
    last = model.requests[-1].messages[-1]
    assert isinstance(last, ToolMessage)
    return last


def test_a_provider_of_another_type_is_a_type_error() -> None:
    options = a3s.SessionOptions()
    with pytest.raises(TypeError, match="security_provider must be a DefaultSecurityProvider, not str"):
        options.security_provider = "default"  # type: ignore[assignment]  # that is what is tried


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"enable_taint_tracking": 1}, TypeError, "true or false"),
        ({"custom_patterns": "x"}, TypeError, "must be a list"),
        ({"custom_patterns": ["x"]}, TypeError, "must be a dict"),
        ({"custom_patterns": [{"regex": "x"}]}, ValueError, "no label"),
        ({"custom_patterns": [{"regex": "(", "label": "X"}]}, ValueError, "not a regular expression"),
        ({"custom_patterns": [{"regex": "x*", "label": "X"}]}, ValueError, "matches the empty text"),
        ({"custom_patterns": [{"regex": "x", "label": "a b]"}]}, ValueError, "must be a word"),
        ({"custom_patterns": [{"regex": "x", "label": "X", "rgx": "y"}]}, ValueError, "not rgx"),
    ],
)
def test_a_provider_that_cannot_work_is_refused_at_once(
    given: dict[str, object], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        a3s.DefaultSecurityProvider(**given)  # type: ignore[arg-type]  # wrong on purpose


def test_secrets_in_output_reach_neither_model_nor_program_nor_log(tmp_path: Path) -> None:
    model = ScriptedModel([bash("cat data.txt"), f"It says {EVERYTHING}"])
    store = a3s.FileSessionStore(str(tmp_path / "log"))
    work = tmp_path / "w"
    work.mkdir()
    (work / "data.txt").write_text(EVERYTHING)
    session = session_with(model, work, session_store=store)
    events = list(session.stream(f"my key is {KEY}"))
    assert last_result(model).content == HIDDEN
    assert [event.tool_output for event in events if event.event_type == "tool_end"] == [HIDDEN]
    assert "".join(event.text or "" for event in events if event.event_type == "tool_output_delta") == HIDDEN
    assert "".join(event.text or "" for event in events if event.event_type == "text_delta") == f"It says {HIDDEN}"
    assert events[-1].text == f"It says {HIDDEN}"
    assert model.requests[0].messages[0].text == "my key is [REDACTED:API_KEY]"  # type: ignore[union-attr]  # a prompt
    shown = json.dumps([session.history(), session.runs(), [vars_of(event) for event in events]])
    session.close()
    stored = b"".join(path.read_bytes() for path in (tmp_path / "log").rglob("*") if path.is_file())
    for secret in (KEY, CARD, SOCIAL, PHONE, MAIL):
        assert secret not in shown and secret.encode() not in stored
    assert (work / "data.txt").read_text() == EVERYTHING


def vars_of(event: a3s.AgentEvent) -> list[object]:
    return [event.event_type, event.text, event.tool_output, event.prompt, event.data, event.error]


@pytest.mark.parametrize("size", [1, 2, 7, 30])
def test_a_secret_that_comes_in_pieces_is_never_shown_in_pieces(tmp_path: Path, size: int) -> None:
    said = f"The key is {KEY}, the card {CARD}; call {PHONE}."
    pieces = tuple(said[at : at + size] for at in range(0, len(said), size))
    session = session_with(ScriptedModel([Reply("", chunks=pieces)]), tmp_path)
    deltas = [event.text or "" for event in session.stream("go") if event.event_type == "text_delta"]
    assert "".join(deltas) == "The key is [REDACTED:API_KEY], the card [REDACTED:CC]; call [REDACTED:PHONE]."


def test_text_without_secrets_is_shown_while_it_is_written(tmp_path: Path) -> None:
    pause = Pause()
    model = ScriptedModel([Reply("", chunks=("One word ", "and more"), pause=pause)])
    session = session_with(model, tmp_path)
    with session.stream("go") as stream:
        first = next(event for event in stream if event.event_type == "text_delta")
        assert first.text == "One word"
        pause.release()
        assert "".join(event.text or "" for event in stream if event.event_type == "text_delta") == " and more"


def test_what_was_held_back_is_not_lost_when_the_run_is_stopped(tmp_path: Path) -> None:
    pause = Pause()
    model = ScriptedModel([Reply("", chunks=(f"half {KEY}", "never"), pause=pause)])
    session = session_with(model, tmp_path)
    with session.stream("go") as stream:
        next(event for event in stream if event.event_type == "text_delta")
        session.cancel()
        rest = list(stream)
    assert rest[-1].event_type == "cancelled" and rest[-1].text == "half [REDACTED:API_KEY]"
    assert session.history()[-1]["content"] == [{"type": "text", "text": "half [REDACTED:API_KEY]"}]


def test_a_call_gets_its_real_arguments_and_is_remembered_without_them(tmp_path: Path) -> None:
    writes = Reply("", (call("write", file_path="k.txt", content=f"key={KEY}\n"),))
    model = ScriptedModel([writes, "done"])
    session = session_with(model, tmp_path)
    events = list(session.stream("write my key"))
    assert (tmp_path / "k.txt").read_text() == f"key={KEY}\n"
    assert KEY not in json.dumps(session.history()) and "[REDACTED:API_KEY]" in json.dumps(session.history())
    assert not any(KEY in str(vars_of(event)) for event in events)


def test_a_secret_behind_an_escape_in_the_arguments_is_found(tmp_path: Path) -> None:
    model = ScriptedModel([bash(f"true\n{MAIL}\n:"), "done"])
    session = session_with(model, tmp_path)
    events = list(session.stream("go"))
    said = model.requests[-1].messages[1]
    assert isinstance(said, AssistantMessage) and MAIL not in said.tool_calls[0].arguments
    assert not any(MAIL in str(vars_of(event)) for event in events)


def test_a_question_shows_no_secret_and_offers_no_rule_with_one(tmp_path: Path) -> None:
    model = ScriptedModel([bash(f"echo {KEY} > k.txt"), "done"])
    confirmation = a3s.ConfirmationPolicy(enabled=True, default_timeout_ms=10_000)
    policy = a3s.PermissionPolicy()
    session = session_with(model, tmp_path, permission_policy=policy, confirmation_policy=confirmation)
    for event in session.stream("go"):
        assert KEY not in str(vars_of(event))
        if event.event_type == "confirmation_required":
            (row,) = session.pending_confirmations()
            assert row["args"] == {"command": "echo [REDACTED:API_KEY] > k.txt"}
            assert json.loads(str(event.data))["rule"] == ""
            assert session.confirm_tool_use(str(row["tool_id"]), approved=True)
    assert (tmp_path / "k.txt").read_text() == f"{KEY}\n"


def test_a_long_output_is_kept_without_secrets(tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_text(f"line {KEY}\n" * 6000)
    session = session_with(ScriptedModel([bash("cat long.txt"), "done"]), tmp_path)
    ended = next(event for event in session.stream("go") if event.event_type == "tool_end")
    uri = json.loads(str(ended.data))["metadata"]["artifact"]["artifact_uri"] if ended.data else ""
    kept = session.get_artifact(uri or _uri(session))
    assert kept is not None and KEY not in str(kept["content"]) and "[REDACTED:API_KEY]" in str(kept["content"])


def _uri(session: a3s.Session) -> str:
    text = json.dumps(session.history())
    return text[text.index("a3s://tool-output") :].split(". Use")[0].rstrip(".")


def test_a_file_with_hidden_text_is_not_written_over_with_marks(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"KEY={KEY}\nA=1\n")
    rewrite = Reply("", (call("write", file_path=".env", content="KEY=[REDACTED:API_KEY]\nA=2\n"),))
    edit = Reply("", (call("edit", file_path=".env", old_string="A=1", new_string="A=2"),))
    read = Reply("", (call("read", file_path=".env"),))
    model = ScriptedModel([read, rewrite, edit, "done"])
    session = session_with(model, tmp_path)
    session.send("set A to 2")
    refused = model.requests[2].messages[-1]
    assert isinstance(refused, ToolMessage) and "would write such marks over them" in refused.content
    assert (tmp_path / ".env").read_text() == f"KEY={KEY}\nA=2\n"


def test_a_mark_may_be_written_where_nothing_is_hidden(tmp_path: Path) -> None:
    model = ScriptedModel([Reply("", (call("write", file_path="doc.md", content="[REDACTED:EMAIL]\n"),)), "done"])
    session_with(model, tmp_path).send("go")
    assert (tmp_path / "doc.md").read_text() == "[REDACTED:EMAIL]\n"


def test_a_pattern_of_the_programs_own_is_hidden_too(tmp_path: Path) -> None:
    provider = a3s.DefaultSecurityProvider(custom_patterns=[{"name": "case", "regex": r"case \d+", "label": "CASE"}])
    model = ScriptedModel([Reply("", chunks=("about ca", "se 12", "34\nno case"))])
    assert session_with(model, tmp_path, security_provider=provider).send("go").text == "about [REDACTED:CASE]\nno case"


def test_without_a_provider_only_what_is_known_by_value_is_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERVICE_TOKEN", "Zq8-known-by-value")
    model = ScriptedModel([bash("cat data.txt"), "done"])
    (tmp_path / "data.txt").write_text(f"{EVERYTHING} Zq8-known-by-value")
    session_with(model, tmp_path, security_provider=None).send("go")
    assert last_result(model).content == f"{EVERYTHING} [REDACTED:SECRET]"


async def agent_with_key(model: ScriptedModel, key: str) -> a3s.AsyncAgent:
    async def fixed(name: str | None) -> Model:
        return model

    block = f'models "m" {{ }}\n headers = {{ "X-Team-Token" = "team-{key}" }}'
    source = (
        f'default_model = "x/m"\nproviders "x" {{\n api_key = "{key}"\n base_url = "http://127.0.0.1:1"\n {block} }}'
    )
    return a3s.AsyncAgent.of(fixed, load(source, {}).settings)


async def test_the_configured_keys_are_never_stored_or_shown_however_they_are_written(tmp_path: Path) -> None:
    key = "Kx9/own+key=value"
    encoded = base64.b64encode(f"user:{key}".encode()).decode()
    model = ScriptedModel([f"{key} {json.dumps(key)} Kx9%2Fown%2Bkey%3Dvalue {encoded} team-{key}"])
    agent = await agent_with_key(model, key)
    async with await agent.session(str(tmp_path)) as session:
        text = (await session.send("go")).text
    assert "own" not in text and encoded[8:20] not in text
    assert text.count("[REDACTED:SECRET]") >= 4


def test_ordinary_values_of_variables_named_like_secrets_are_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("SORT_KEY", "password"), ("MAX_TOKENS", "12345678"), ("SSH_KEY", str(tmp_path))):
        monkeypatch.setenv(name, value)
    said = f"password 12345678 {tmp_path}"
    assert session_with(ScriptedModel([said]), tmp_path, security_provider=None).send("go").text == said


def test_a_session_that_was_stored_without_a_provider_is_resumed_without_secrets(tmp_path: Path) -> None:
    store = a3s.FileSessionStore(str(tmp_path / "log"))
    first = session_with(ScriptedModel([KEY]), tmp_path, session_store=store, session_id="s", security_provider=None)
    first.send("go")
    first.close()
    options = a3s.SessionOptions()
    options.session_store, options.security_provider = store, a3s.DefaultSecurityProvider()
    model = ScriptedModel(["done"])
    session = a3s.Agent.with_model(model).resume_session("s", options)
    assert session.send("again").text == "done"
    assert KEY not in str(model.requests[0].messages) and KEY not in str(session.history())
    assert KEY not in str(session.run_events(str(session.runs()[0]["id"])))


async def test_a_call_whose_secrets_were_not_stored_is_not_run_after_a_restart(tmp_path: Path) -> None:
    store = a3s.FileSessionStore(str(tmp_path / "log"))
    calls = (call("bash", command="echo begun; sleep 60"), call("bash", command=f"echo {KEY} > made"))
    model = ScriptedModel([Reply("", calls)])
    options = a3s.SessionOptions()
    options.session_store, options.session_id = store, "s"
    options.permission_policy, options.security_provider = ALLOW, a3s.DefaultSecurityProvider()
    session = await a3s.AsyncAgent.with_model(model).session(str(tmp_path), options)
    stream = session.stream("go")
    async for event in stream:
        if event.event_type == "tool_output_delta":
            break
    await session.engine.suspend()
    again = ScriptedModel(["went on"])
    resumed = await a3s.AsyncAgent.with_model(again).resume_session("s", options)
    result = await resumed.resume()
    assert result is not None and result.text == "went on"
    assert "secrets in the arguments of this call were not stored" in last_result(again).content
    assert not (tmp_path / "made").exists()


async def test_a_tool_that_breaks_tells_the_log_no_secret(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Breaks:
        lane: Lane = "execute"
        spec = ToolSpec("breaks", "", {"type": "object", "properties": {}})

        def subject(self, args: Json) -> str:
            return ""

        async def plan(self, args: Json, context: ToolContext) -> ChangeSet | None:
            return None

        async def run(self, args: Json, context: ToolContext) -> ToolResult:
            raise LookupError(KEY)

    model = ScriptedModel([Reply("", (call("breaks"),)), "done"])
    options = a3s.SessionOptions()
    options.permission_policy, options.security_provider = ALLOW, a3s.DefaultSecurityProvider()
    session = await a3s.AsyncAgent.with_model(model).session(str(tmp_path), options)
    session.engine.tools.register(Breaks())
    assert (await session.send("go")).text == "done"
    assert "LookupError: [REDACTED:API_KEY]" in caplog.text and KEY not in caplog.text
    assert "LookupError: [REDACTED:API_KEY]" in last_result(model).content


def test_the_log_of_the_server_has_no_keys() -> None:
    formatter = RedactingFormatter("%(levelname)s %(message)s", {"A_TOKEN": "Zq8-known-by-value"})
    record = logging.LogRecord("a3s", logging.ERROR, "", 0, f"%s and {KEY}", ("Zq8-known-by-value",), None)
    assert formatter.format(record) == "ERROR [REDACTED:SECRET] and [REDACTED:API_KEY]"


def test_nothing_of_a_provider_shows_in_its_repr() -> None:
    pattern = {"name": "n", "regex": "my-own-secret", "label": "X"}
    provider = a3s.DefaultSecurityProvider(enable_taint_tracking=False, custom_patterns=[pattern])
    assert repr(a3s.DefaultSecurityProvider()) == "DefaultSecurityProvider()"
    assert repr(provider) == "DefaultSecurityProvider(enable_taint_tracking=false, custom_patterns=1)"


def test_a_call_that_was_sealed_is_told_apart_from_one_that_the_model_wrote_so() -> None:
    assert ToolCall("c", "bash", '{"command": "echo [REDACTED:API_KEY]"}').sealed is False
