"""A budget: one is told near its limits, stopped when it is spent, and an unknown price is not taken for none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Unpack

import pytest

import a3s_lsp as a3s
from a3s_lsp.engine.messages import Json, Usage
from a3s_lsp.sdk.named_options import NamedOptions
from a3s_lsp.testing import Reply, Script, ScriptedModel, call

ALLOWED = a3s.PermissionPolicy(default_decision="allow")


def session_with(
    model: ScriptedModel, folder: Path, budget: a3s.Budget | None, /, **options: Unpack[NamedOptions]
) -> a3s.Session:
    named: NamedOptions = {"permission_policy": ALLOWED, "budget": budget}
    named.update(options)
    return a3s.Agent.with_model(model).session(str(folder), None, **named)


def step(number: int, usage: Usage) -> Script:
    return Reply("", (call("bash", command=f"echo {number}"),), usage=usage)


def steps(count: int, usage: Usage) -> list[Script]:
    return [step(number, usage) for number in range(count)]


def hits(events: list[a3s.AgentEvent]) -> list[Json]:
    return [json.loads(event.data or "{}") for event in events if event.event_type == "budget_threshold_hit"]


def test_a_spent_budget_stops_the_run_before_the_next_request(tmp_path: Path) -> None:
    model = ScriptedModel(steps(9, Usage(80, 20)))
    session = session_with(model, tmp_path, a3s.Budget(max_tokens=250))
    with pytest.raises(a3s.RunFailed, match=r"used 300 of 250 tokens .*Raise it with session\.set_budget") as failed:
        session.send("go")
    assert len(model.requests) == 3
    assert failed.value.limits is not None and failed.value.limits["stopped_by"] == "budget"
    assert failed.value.budget is not None and failed.value.budget["used_tokens"] == 300
    with pytest.raises(a3s.RunFailed, match="Budget spent"):
        session.send("again")
    assert len(model.requests) == 3


def test_each_threshold_is_told_once(tmp_path: Path) -> None:
    model = ScriptedModel([*steps(3, Usage(40, 10)), Reply("done", usage=Usage(40, 10)), "later"])
    session = session_with(model, tmp_path, a3s.Budget(max_tokens=200, soft_limit=0.5))
    told = hits(list(session.stream("go")))
    assert [(row["resource"], row["kind"], row["consumed"], row["limit"]) for row in told] == [
        ("tokens", "soft", 100, 200),
        ("tokens", "hard", 200, 200),
    ]
    assert "100 of 200 tokens" in str(told[0]["message"])
    assert hits(list(session.stream("again"))) == []


def test_money_counts_where_the_price_is_known(tmp_path: Path) -> None:
    model = ScriptedModel(steps(9, Usage(1, 1, cost=0.4)))
    session = session_with(model, tmp_path, a3s.Budget(max_cost_usd=1.0))
    events = list(session.stream("go"))
    assert "cost $1.2000 of $1.0000" in str(events[-1].error) and len(model.requests) == 3
    assert [row["kind"] for row in hits(events)] == ["soft", "hard"]
    assert session.budget["used_cost_usd"] == pytest.approx(1.2)


def test_an_unknown_price_is_not_taken_for_none(tmp_path: Path) -> None:
    model = ScriptedModel(steps(9, Usage(10, 5)))
    session = session_with(model, tmp_path, a3s.Budget(max_cost_usd=1.0))
    events = list(session.stream("go"))
    assert "The price of 15 tokens is not known" in str(events[-1].error) and len(model.requests) == 1
    [told] = hits(events)
    assert told["consumed"] is None and "agent.acl" in str(told["message"])
    assert session.budget["used_cost_usd"] is None and session.budget["unpriced_tokens"] == 15


def test_an_unknown_price_may_be_allowed_and_is_told_all_the_same(tmp_path: Path) -> None:
    model = ScriptedModel([*steps(3, Usage(10, 5)), step(3, Usage(10, 5, cost=0.5)), "done"])
    session = session_with(model, tmp_path, a3s.Budget(max_cost_usd=1.0, unknown_price="allow"))
    events = list(session.stream("go"))
    assert events[-1].text == "done" and len(hits(events)) == 1
    assert session.budget["used_cost_usd"] == 0.5 and session.budget["unpriced_tokens"] == 60


def test_a_larger_budget_lets_the_session_go_on(tmp_path: Path) -> None:
    session = session_with(ScriptedModel([Reply("one", usage=Usage(90, 10)), "two", "three"]), tmp_path, None)
    session.set_budget(a3s.Budget(max_tokens=50))
    assert session.send("go").text == "one"
    with pytest.raises(a3s.RunFailed, match="100 of 50 tokens"):
        session.send("go")
    session.set_budget(a3s.Budget(max_tokens=500))
    assert session.send("go").text == "two"
    session.set_budget(None)
    assert session.send("go").text == "three"
    with pytest.raises(TypeError, match="Budget"):
        session.set_budget(5)  # type: ignore[arg-type]  # that is what is refused


def test_what_was_spent_is_known_after_a_restart(tmp_path: Path) -> None:
    options = a3s.SessionOptions()
    options.session_store = a3s.FileSessionStore(str(tmp_path / "store"))
    options.session_id, options.budget, options.permission_policy = "s", a3s.Budget(max_tokens=120), ALLOWED
    first = a3s.Agent.with_model(ScriptedModel([Reply("one", usage=Usage(90, 10))]))
    session = first.session(str(tmp_path), options)
    assert len(hits(list(session.stream("go")))) == 1
    session.close()
    model = ScriptedModel([Reply("two", usage=Usage(10, 10)), "never"])
    again = a3s.Agent.with_model(model).resume_session("s", options)
    assert again.budget["used_tokens"] == 100
    assert [row["kind"] for row in hits(list(again.stream("go")))] == ["hard"]  # the soft limit was told before
    with pytest.raises(a3s.RunFailed, match="120 of 120 tokens"):
        again.send("go")
    assert len(model.requests) == 1


def test_results_say_what_was_used_of_what(tmp_path: Path) -> None:
    session = session_with(ScriptedModel(["one", Reply("two", usage=Usage(20, 10, cost=0.1))]), tmp_path, None)
    session.send("go")
    events = list(session.stream("go"))
    budget = json.loads(events[-1].data or "{}")["budget"]
    assert budget == {
        "max_tokens": None,
        "max_cost_usd": None,
        "soft_limit": 0.8,
        "used_tokens": 45,
        "used_cost_usd": 0.1,
        "unpriced_tokens": 15,
        "run_tokens": 30,
        "run_cost_usd": 0.1,
    }
    assert session.send("/help").budget is None


@pytest.mark.parametrize(
    ("named", "error"),
    [
        ({"max_tokens": -1}, OverflowError),
        ({"max_tokens": 2**64}, OverflowError),
        ({"max_tokens": 1.5}, TypeError),
        ({"max_tokens": True}, TypeError),
        ({"max_cost_usd": "1"}, TypeError),
        ({"max_cost_usd": -0.1}, OverflowError),
        ({"max_cost_usd": float("nan")}, ValueError),
        ({"soft_limit": 0}, ValueError),
        ({"soft_limit": 1.1}, ValueError),
        ({"soft_limit": None}, TypeError),
        ({"unknown_price": "maybe"}, ValueError),
    ],
)
def test_a_wrong_budget_is_told_at_once(named: dict[str, object], error: type[Exception]) -> None:
    [name] = named
    with pytest.raises(error, match=name):
        a3s.Budget(**named)  # type: ignore[arg-type]  # that is what is refused


def test_something_else_is_no_budget(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="budget"):
        a3s.Agent.with_model(ScriptedModel()).session(str(tmp_path), budget={"max_tokens": 5})  # type: ignore[arg-type]  # on purpose


def test_no_tokens_at_all_ask_no_model(tmp_path: Path) -> None:
    model = ScriptedModel(["never"])
    with pytest.raises(a3s.RunFailed, match="0 of 0 tokens"):
        session_with(model, tmp_path, a3s.Budget(max_tokens=0)).send("go")
    assert not model.requests
