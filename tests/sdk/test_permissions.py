"""Leave: what a policy lets pass, what it asks about, and what the answers teach."""

from __future__ import annotations

import json
import multiprocessing
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Unpack

import pytest

import a3s_lsp as a3s
from a3s_lsp.engine.messages import ToolMessage
from a3s_lsp.engine.policy.learned import LearnedRule
from a3s_lsp.engine.store.learned_rules import FILE_NAME, RuleFile
from a3s_lsp.engine.tools.registry import builtin_tools
from a3s_lsp.sdk.named_options import NamedOptions
from a3s_lsp.testing import Reply, ScriptedModel, call

ASKS = a3s.PermissionPolicy()
CONFIRMS = a3s.ConfirmationPolicy(enabled=True, default_timeout_ms=20_000)


def bash(*commands: str) -> Reply:
    return Reply("", tuple(call("bash", command=command) for command in commands))


def session_with(folder: Path, *replies: Reply, **options: Unpack[NamedOptions]) -> a3s.Session:
    model = ScriptedModel([*replies, "done"])
    named: NamedOptions = {"permission_policy": ASKS, "confirmation_policy": CONFIRMS}
    named.update(options)
    return a3s.Agent.with_model(model).session(str(folder), None, **named)


Say = Callable[[a3s.Session, str], object]


def yes(session: a3s.Session, tool_id: str) -> object:
    return session.confirm_tool_use(tool_id, True)


def no(session: a3s.Session, tool_id: str) -> object:
    return session.confirm_tool_use(tool_id, False, "not today")


def remembering(scope: str, approved: bool = True) -> Say:
    return lambda session, tool_id: session.confirm_tool_use(tool_id, approved, None, scope)


def asked_about(session: a3s.Session, say: Say = yes) -> list[str]:
    """The commands that were asked about in one run."""
    asked = []
    for event in session.stream("go"):
        if event.event_type == "confirmation_required":
            asked.append(str(json.loads(str(event.data))["args"].get("command", event.tool_name)))
            say(session, str(event.tool_id))
    return asked


def outcomes(folder: Path, policy: a3s.PermissionPolicy | None, *calls: tuple[str, dict[str, object]]) -> list[bool]:
    """Which of the calls were let through, where nobody can be asked."""
    reply = Reply("", tuple(call(name, **args) for name, args in calls))
    session = session_with(folder, reply, permission_policy=policy, confirmation_policy=None)
    events = list(session.stream("go"))
    denied = {event.tool_id for event in events if event.event_type == "permission_denied"}
    return [event.tool_id not in denied for event in events if event.event_type == "tool_start"]


@pytest.mark.parametrize(
    ("pattern", "tool", "args", "fits"),
    [
        ("bash", "bash", {"command": "echo 1"}, True),
        ("BASH", "bash", {"command": "echo 1"}, True),
        ("ba*", "bash", {"command": "echo 1"}, True),
        ("b?sh", "bash", {"command": "echo 1"}, True),
        ("*", "ls", {}, True),
        ("bash(echo:*)", "bash", {"command": "echo 1"}, True),
        ("bash (echo:*)", "bash", {"command": "echo 1"}, True),
        ("bash(ECHO:*)", "bash", {"command": "echo 1"}, False),
        ("bash(ech:*)", "bash", {"command": "echo 1"}, False),
        ("bash(echo 1)", "bash", {"command": "echo 1"}, True),
        ("bash(echo)", "bash", {"command": "echo 1"}, False),
        ("bash()", "bash", {"command": "echo 1"}, False),
        ("ls()", "ls", {}, True),
        ("ls()", "ls", {"path": "sub"}, False),
        ("read(*.txt)", "read", {"file_path": "a.txt"}, True),
        ("read(*.txt)", "read", {"file_path": "sub/b.txt"}, False),
        ("read(**.txt)", "read", {"file_path": "sub/b.txt"}, True),
        ("read(**/*.txt)", "read", {"file_path": "sub/b.txt"}, True),
        ("read(sub/*)", "read", {"file_path": "./sub/b.txt"}, True),
        ("read(sub/*)", "read", {"file_path": "x/../sub/b.txt"}, True),
        ("read(*)", "read", {"file_path": "sub/b.txt"}, True),
        ("mcp__files", "bash", {"command": "echo 1"}, False),
        ("no_such_tool", "bash", {"command": "echo 1"}, False),
        ("bash(", "bash", {"command": "echo 1"}, False),
        ("", "bash", {"command": "echo 1"}, False),
    ],
)
def test_a_pattern_allows_and_denies_the_calls_that_it_fits(
    tmp_path: Path, pattern: str, tool: str, args: dict[str, object], fits: bool
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "sub" / "b.txt").write_text("b")
    allowing = a3s.PermissionPolicy(allow=[pattern], default_decision="deny")
    assert outcomes(tmp_path, allowing, (tool, args)) == [fits]
    if "(ech:" not in pattern:  # a denial reads a prefix in the same way
        denying = a3s.PermissionPolicy(deny=[pattern], default_decision="allow")
        assert outcomes(tmp_path, denying, (tool, args)) == [not fits]


@pytest.mark.parametrize(
    "command", ["  rm x", "/bin/rm x", "true && rm x", "sh -c 'rm x'", "$(rm x)", "env A=1 rm x", "echo `rm x`"]
)
def test_a_denied_command_is_found_wherever_it_hides(tmp_path: Path, command: str) -> None:
    (tmp_path / "x").write_text("")
    policy = a3s.PermissionPolicy(deny=["bash(rm:*)"], default_decision="allow")
    assert outcomes(tmp_path, policy, ("bash", {"command": command})) == [False]
    assert (tmp_path / "x").exists()


def test_lists_are_asked_in_the_order_deny_allow_ask_default(tmp_path: Path) -> None:
    echo: tuple[str, dict[str, object]] = ("bash", {"command": "echo 1"})
    for policy, passes in (
        (a3s.PermissionPolicy(deny=["bash"], allow=["bash"]), False),
        (a3s.PermissionPolicy(allow=["bash"], ask=["bash"]), True),
        (a3s.PermissionPolicy(ask=["bash"], default_decision="allow"), False),
        (a3s.PermissionPolicy(default_decision=" ALLOW "), True),
        (a3s.PermissionPolicy(deny=["*"], enabled=False), True),
        (None, False),
    ):
        assert outcomes(tmp_path, policy, echo) == [passes], policy


def test_lanes_are_those_of_the_reference() -> None:
    lanes = {tool.spec.name: tool.lane for tool in builtin_tools()}
    query = {"read", "ls", "glob", "grep", "web_fetch", "web_search"}
    assert lanes and {name for name, lane in lanes.items() if lane == "query"} == query & set(lanes)
    assert {lane for name, lane in lanes.items() if name not in query} == {"execute"}


def test_a_question_lists_its_call_as_pending_and_as_active(tmp_path: Path) -> None:
    session = session_with(tmp_path, bash("echo 1"))
    seen = []

    def look(session: a3s.Session, tool_id: str) -> object:
        seen.append(([row["tool_id"] for row in session.pending_confirmations()], session.active_tools()))
        return yes(session, tool_id)

    asked_about(session, look)
    ((pending, active),) = seen
    assert [row["id"] for row in active] == pending and session.pending_confirmations() == []


def test_a_question_without_an_answer_says_which_tool_timed_out(tmp_path: Path) -> None:
    policy = a3s.ConfirmationPolicy(enabled=True, default_timeout_ms=30)
    events = list(session_with(tmp_path, bash("echo 1"), confirmation_policy=policy).stream("go"))
    (expired,) = [event for event in events if event.event_type == "confirmation_timeout"]
    assert (expired.tool_name, json.loads(str(expired.data))["action_taken"]) == ("bash", "rejected")
    ended = next(event for event in events if event.event_type == "tool_end")
    assert "user confirmation timed out after 30ms" in str(ended.tool_output)


def test_cancelled_questions_are_refusals_that_say_so(tmp_path: Path) -> None:
    session = session_with(tmp_path, bash("touch made"))
    assert asked_about(session, lambda session, _: session.cancel_confirmations()) == ["touch made"]
    assert not (tmp_path / "made").exists() and "Confirmation cancelled" in json.dumps(session.history())


def test_a_stop_withdraws_the_question_at_once(tmp_path: Path) -> None:
    session = session_with(tmp_path, bash("touch made"))
    ended = []
    for event in session.stream("go"):
        if event.event_type == "confirmation_required":
            assert session.cancel() and session.pending_confirmations() == []
        ended.append(event.event_type)
    assert ended[-1] == "cancelled" and "confirmation_timeout" not in ended and not (tmp_path / "made").exists()


def test_many_threads_that_answer_one_question_give_one_answer(tmp_path: Path) -> None:
    session = session_with(tmp_path, bash("echo 1"))
    said: list[bool] = []

    def crowd(session: a3s.Session, tool_id: str) -> object:
        start = threading.Barrier(8)

        def answer(approved: bool) -> None:
            start.wait(5)
            said.append(session.confirm_tool_use(tool_id, approved))

        threads = [threading.Thread(target=answer, args=(number % 2 == 0,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(5)
        return None

    asked_about(session, crowd)
    assert sorted(said) == [False] * 7 + [True]


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"remember": "for ever"}, ValueError, "remember must be session, project, user or None"),
        ({"remember": "project"}, ValueError, "set SessionOptions.rules_dir"),
        ({"remember": 1}, TypeError, "remember must be a string"),
        ({"approved": "yes"}, TypeError, "approved must be true or false"),
        ({"reason": 1}, TypeError, "reason must be a string"),
    ],
)
def test_an_answer_that_makes_no_sense_leaves_the_question_open(
    tmp_path: Path, given: dict[str, object], error: type[Exception], words: str
) -> None:
    session = session_with(tmp_path, bash("echo 1"))

    def answer(session: a3s.Session, tool_id: str) -> object:
        with pytest.raises(error, match=words):
            session.confirm_tool_use(tool_id, **{"approved": True, **given})  # type: ignore[arg-type]  # wrong on purpose
        return yes(session, tool_id)

    assert asked_about(session, answer) == ["echo 1"]


def test_what_has_no_safe_rule_cannot_be_remembered(tmp_path: Path) -> None:
    session = session_with(tmp_path, bash("$(cat command)"))

    def answer(session: a3s.Session, tool_id: str) -> object:
        with pytest.raises(ValueError, match="No rule would be safe"):
            session.confirm_tool_use(tool_id, True, remember="session")
        return no(session, tool_id)

    asked_about(session, answer)
    assert [row for row in session.permission_rules() if row["id"]] == []


def test_always_holds_for_the_session_and_can_be_taken_back(tmp_path: Path) -> None:
    session = session_with(tmp_path, bash("echo 1"), Reply("one"), bash("echo 2"), Reply("two"), bash("echo 3"))
    assert asked_about(session, remembering("session")) == ["echo 1"]
    assert asked_about(session) == []
    (rule,) = [row for row in session.permission_rules() if row["id"]]
    assert (rule["rule"], rule["decision"], rule["scope"]) == ("bash(echo:*)", "allow", "session")
    assert session.remove_permission_rule(str(rule["id"])) is True
    assert session.remove_permission_rule(str(rule["id"])) is False
    assert asked_about(session) == ["echo 3"]


def test_never_denies_from_then_on(tmp_path: Path) -> None:
    session = session_with(tmp_path, bash("echo 1"), bash("echo 2"))
    assert asked_about(session, remembering("session", approved=False)) == ["echo 1"]
    refused = json.dumps(session.history())
    assert "REJECTED by the user" in refused and "Blocked by deny rule in permission policy: bash(echo:*)" in refused


def test_rules_of_a_session_survive_its_resumption(tmp_path: Path) -> None:
    store = a3s.MemorySessionStore()
    first = session_with(tmp_path, bash("echo 1"), session_store=store, session_id="s")
    asked_about(first, remembering("session"))
    first.close()
    options = a3s.SessionOptions()
    options.session_store, options.permission_policy, options.confirmation_policy = store, ASKS, CONFIRMS
    again = a3s.Agent.with_model(ScriptedModel([bash("echo 2"), "done"])).resume_session("s", options)
    assert asked_about(again) == []
    (rule,) = [row for row in again.permission_rules() if row["id"]]
    assert again.remove_permission_rule(str(rule["id"]))


@pytest.mark.parametrize(("scope", "elsewhere"), [("project", ["echo 2"]), ("user", [])])
def test_a_rule_holds_in_the_project_or_for_the_person(tmp_path: Path, scope: str, elsewhere: list[str]) -> None:
    rules = str(tmp_path / "rules")
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    assert asked_about(session_with(here, bash("echo 1"), rules_dir=rules), remembering(scope)) == ["echo 1"]
    again = session_with(here, bash("echo 2"), rules_dir=rules)
    assert asked_about(again) == []
    assert asked_about(session_with(there, bash("echo 2"), rules_dir=rules)) == elsewhere
    assert list(here.iterdir()) == [], "a rule in the project could be written by others, and by the agent"
    (rule,) = [row for row in again.permission_rules() if row["id"]]
    assert (rule["scope"], str(rule["source"]).split()[0]) == (scope, "session")
    assert again.remove_permission_rule(str(rule["id"]))
    assert asked_about(session_with(here, bash("echo 3"), rules_dir=rules)) == ["echo 3"]


def test_a_rule_that_was_learned_elsewhere_holds_at_once(tmp_path: Path) -> None:
    rules = str(tmp_path / "rules")
    one = session_with(tmp_path, bash("echo 1"), rules_dir=rules)
    two = session_with(tmp_path, bash("echo 2"), rules_dir=rules)
    asked_about(one, remembering("user", approved=False))
    assert asked_about(two) == [] and "Blocked by deny rule" in json.dumps(two.history())


def test_the_last_word_about_the_same_calls_holds(tmp_path: Path) -> None:
    rules = str(tmp_path / "rules")
    asked_about(session_with(tmp_path, bash("echo 1"), rules_dir=rules), remembering("user"))
    RuleFile(Path(rules)).add(LearnedRule("r", "bash(echo:*)", allow=False, scope="user"))
    session = session_with(tmp_path, bash("echo 2"), rules_dir=rules)
    assert [row["decision"] for row in session.permission_rules() if row["id"]] == ["deny"]


@pytest.mark.parametrize(
    "policy",
    [
        a3s.PermissionPolicy(deny=["bash(rm:*)"], default_decision="deny"),
        a3s.PermissionPolicy(deny=["bash"], default_decision="allow"),
        a3s.PermissionPolicy(default_decision="deny"),
    ],
)
def test_always_cannot_lift_what_the_policy_denies(tmp_path: Path, policy: a3s.PermissionPolicy) -> None:
    rules = str(tmp_path / "rules")
    RuleFile(Path(rules)).add(LearnedRule("r", "bash", allow=True, scope="user"))
    session = session_with(tmp_path, bash("rm x", "echo 1"), rules_dir=rules, permission_policy=policy)
    events = list(session.stream("go"))
    assert [event.event_type for event in events].count("permission_denied") == 2


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"[]", b'{"version": 1}', b'{"version": 1, "rules": [{"id": 1}]}', b"\xff"]
)
def test_a_damaged_file_of_rules_allows_nothing_unasked_and_is_told(tmp_path: Path, damage: bytes) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / FILE_NAME).write_bytes(damage)
    policy = a3s.PermissionPolicy(default_decision="allow")
    session = session_with(tmp_path, bash("echo 1"), rules_dir=str(rules), permission_policy=policy)
    assert "is damaged" in str(session.init_warning) and str(rules) in str(session.init_warning)
    assert asked_about(session, no) == ["echo 1"]
    unasked = session_with(
        tmp_path, bash("echo 1"), rules_dir=str(rules), permission_policy=policy, confirmation_policy=None
    )
    unasked.send("go")
    assert "is damaged" in json.dumps(unasked.history())
    assert (rules / FILE_NAME).read_bytes() == damage, "what a person might still mend is left alone"


def test_a_file_of_rules_of_a_newer_version_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text('{"version": 99, "rules": []}')
    session = session_with(tmp_path, bash("echo 1"), rules_dir=str(tmp_path))
    assert "newer a3s-lsp" in str(session.init_warning)


def test_a_rule_that_cannot_be_kept_holds_for_the_session_and_says_so(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_text("in the way")
    session = session_with(tmp_path, bash("echo 1"), Reply("one"), bash("echo 2"), rules_dir=str(place / "rules"))
    events = []
    for event in session.stream("go"):
        events.append(event)
        if event.event_type == "confirmation_required":
            session.confirm_tool_use(str(event.tool_id), True, remember="user")
    (learned,) = [json.loads(str(event.data)) for event in events if event.event_type == "rule_learned"]
    assert learned["scope"] == "session" and "cannot be written" in learned["note"]


def _learn(folder: str, first: int) -> None:
    for number in range(first, first + 20):
        RuleFile(Path(folder)).add(LearnedRule(f"r{number}", f"bash(echo {number})", allow=True, scope="user"))


def test_processes_that_learn_at_once_lose_no_rule(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_learn, args=(str(tmp_path), number)) for number in (0, 20, 40, 60)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    book = RuleFile(tmp_path).read("")
    assert book.trouble is None and len(book.rules) == 80


def test_the_agent_is_asked_before_it_writes_its_own_rules(tmp_path: Path) -> None:
    policy = a3s.PermissionPolicy(default_decision="allow")
    target = tmp_path / "elsewhere" / FILE_NAME
    session = session_with(tmp_path, bash(f"echo x > {target}"), permission_policy=policy)
    assert asked_about(session, no) == [f"echo x > {target}"]


def test_all_rules_that_hold_are_listed_with_where_they_come_from(tmp_path: Path) -> None:
    policy = a3s.PermissionPolicy(allow=["read"], deny=["bash(rm:*)"], ask=["write"], default_decision="deny")
    rows = session_with(tmp_path, permission_policy=policy).permission_rules()
    assert [(row["rule"], row["decision"], row["scope"]) for row in rows] == [
        ("bash(rm:*)", "deny", "policy"),
        ("read", "allow", "policy"),
        ("write", "ask", "policy"),
        ("*", "deny", "policy"),
    ]


@pytest.mark.parametrize(
    ("posture", "write", "command"),
    [("plan", "denied", "denied"), ("ask", "asked", "asked"), ("accept-edits", "", "asked"), ("auto", "", "")],
)
def test_a_posture_says_what_is_asked_and_what_is_denied(
    tmp_path: Path, posture: str, write: str, command: str
) -> None:
    calls = Reply("", (call("write", file_path="a", content="x"), call("bash", command="touch b")))
    session = session_with(tmp_path, calls, permission_policy=None, posture=posture)
    fates = {"write": "", "bash": ""}
    for event in session.stream("go"):
        if event.event_type == "confirmation_required":
            fates[str(event.tool_name)] = "asked"
            session.confirm_tool_use(str(event.tool_id), False)
        if event.event_type == "permission_denied":
            fates[str(event.tool_name)] = "denied"
    assert fates == {"write": write, "bash": command}


def test_a_posture_can_be_changed_between_calls(tmp_path: Path) -> None:
    session = session_with(tmp_path, bash("touch a"), Reply("one"), bash("touch b"), permission_policy=None)
    session.set_posture("plan")
    session.send("go")
    session.set_posture("auto")
    session.send("go")
    assert not (tmp_path / "a").exists() and (tmp_path / "b").exists()
    with pytest.raises(ValueError, match="Invalid posture 'yolo'"):
        session.set_posture("yolo")
    with pytest.raises(TypeError, match="posture must be a string"):
        session.set_posture(1)  # type: ignore[arg-type]  # wrong on purpose


def test_a_posture_and_a_policy_exclude_each_other(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="one or the other"):
        session_with(tmp_path, posture="auto")
    with pytest.raises(ValueError, match="Invalid posture"):
        a3s.SessionOptions().posture = "yolo"


def test_the_model_reads_why_a_call_was_refused(tmp_path: Path) -> None:
    model = ScriptedModel([bash("echo 1"), "done"])
    session = a3s.Agent.with_model(model).session(str(tmp_path), None, permission_policy=ASKS)
    session.send("go")
    last = model.requests[-1].messages[-1]
    assert isinstance(last, ToolMessage) and "Configure a confirmation policy" in last.content
