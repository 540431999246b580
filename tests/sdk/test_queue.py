"""Lanes: how many calls go on at once, and workers outside."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import a3s_lsp as a3s
from a3s_lsp.testing import Reply, ScriptedModel, call

FREE = a3s.PermissionPolicy(default_decision="allow")
BASH = Reply("", (call("bash", command="touch made"),))


def opened(tmp_path: Path, queue: a3s.SessionQueueConfig | None, *replies: Reply | str) -> a3s.Session:
    options = a3s.SessionOptions()
    options.permission_policy, options.queue_config = FREE, queue
    return a3s.Agent.with_model(ScriptedModel(replies)).session(str(tmp_path), options)


def external(mode: str = "external", timeout_ms: int = 20_000) -> a3s.SessionQueueConfig:
    queue = a3s.SessionQueueConfig().with_lane_features()
    queue.set_lane_handler("execute", mode, timeout_ms)
    return queue


def played(session: a3s.Session, at_work: Callable[[str], object]) -> list[a3s.AgentEvent]:
    """The events of a run, with each call that waits for a worker handed to one on another thread."""
    events, threads = [], []
    for event in session.stream("go"):
        events.append(event)
        if event.event_type == "external_task_pending":
            assert event.data is not None
            threads.append(threading.Thread(target=at_work, args=(json.loads(event.data)["task_id"],)))
            threads[-1].start()
    for thread in threads:
        thread.join(5)
    return events


def types(events: list[a3s.AgentEvent]) -> list[str]:
    return [event.event_type for event in events]


def test_a_worker_outside_gives_the_result_of_a_call(tmp_path: Path) -> None:
    with opened(tmp_path, external(), BASH, "done") as session:

        def work(task_id: str) -> None:
            [row] = session.pending_external_tasks()
            assert (row["task_id"], row["command_type"], row["payload"]) == (task_id, "bash", {"command": "touch made"})
            assert session.complete_external_task(task_id, result={"output": "OUTSIDE", "exit_code": 0}) is True
            assert session.complete_external_task(task_id) is False

        events = played(session, work)
        assert [event.tool_output for event in events if event.event_type == "tool_end"] == ["OUTSIDE"]
        assert session.pending_external_tasks() == [] and session.dead_letters() == []
    assert not (tmp_path / "made").exists()


def test_what_fails_outside_is_tried_again_buried_and_never_executed_here(tmp_path: Path) -> None:
    with opened(tmp_path, external(), BASH, "done") as session:
        events = played(session, lambda task_id: session.complete_external_task(task_id, False, error="no disk"))
        assert types(events).count("external_task_pending") == 4
        assert types(events).count("command_retry") == 3 and types(events).count("command_dead_lettered") == 1
        [end] = [event for event in events if event.event_type == "tool_end"]
        assert end.exit_code == 1 and "no disk" in (end.tool_output or "")
        [letter] = session.dead_letters()
        assert (letter["command_type"], letter["lane_id"], letter["attempts"]) == ("bash", "Execute", 4)
        metrics = session.queue_metrics()
        assert metrics is not None and metrics["counters"]["retried.execute"] == 3  # type: ignore[index]
    assert not (tmp_path / "made").exists()


def test_a_worker_that_does_not_come_is_a_failure(tmp_path: Path) -> None:
    with opened(tmp_path, external(timeout_ms=20), BASH, "done") as session:
        session.send("go")
        [letter] = session.dead_letters()
        assert "no worker gave a result within 20ms" in str(letter["error"])
    assert not (tmp_path / "made").exists()


def test_a_hybrid_lane_executes_here_what_failed_outside_and_says_so(tmp_path: Path) -> None:
    with opened(tmp_path, external("hybrid"), BASH, "done") as session:
        events = played(session, lambda task_id: session.complete_external_task(task_id, False, error="busy"))
        [end] = [event for event in events if event.event_type == "tool_end"]
        assert end.exit_code == 0 and "Executed by the session itself: busy" in (end.tool_output or "")
    assert (tmp_path / "made").exists()


def test_cancel_takes_a_call_back_from_the_workers(tmp_path: Path) -> None:
    with opened(tmp_path, external(), BASH, "done") as session:
        events = played(session, lambda task_id: session.cancel())
        assert types(events)[-1] == "cancelled" and session.pending_external_tasks() == []


def test_what_a_call_does_itself_waits_for_no_place_of_its_own_lane(tmp_path: Path) -> None:
    queue = a3s.SessionQueueConfig()
    queue.set_execute_concurrency(1)
    inner = [{"tool": "bash", "args": {"command": "touch made"}}]
    with opened(tmp_path, queue, Reply("", (call("batch", invocations=inner),)), "done") as session:
        assert session.send("go").text == "done"
    assert (tmp_path / "made").exists()


def test_a_handler_can_be_set_while_the_session_lives(tmp_path: Path) -> None:
    with opened(tmp_path, None, BASH, "done") as session:
        assert session.has_queue() is False
        session.set_lane_handler("execute", "External", 20_000)
        played(session, lambda task_id: session.complete_external_task(task_id, result={"output": "x"}))
        lanes = session.queue_stats()["lanes"]
        assert isinstance(lanes, dict) and lanes["Execute"]["handler_mode"] == "External"
    assert not (tmp_path / "made").exists()


def test_calls_that_read_are_not_sent_to_the_workers_of_another_lane(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("here\n")
    with opened(tmp_path, external(), Reply("", (call("read", file_path="a.txt"),)), "done") as session:
        events = played(session, lambda task_id: None)
    assert "external_task_pending" not in types(events)


def test_without_a_configuration_there_is_nothing_to_see(tmp_path: Path) -> None:
    with opened(tmp_path, None) as session:
        empty = {"total_pending": 0, "total_active": 0, "external_pending": 0, "lanes": {}}
        assert session.queue_stats() == empty and session.queue_metrics() is None
        assert session.dead_letters() == session.pending_external_tasks() == []
        assert session.complete_external_task("x") is False


def test_the_queue_of_the_configuration_holds(tmp_path: Path) -> None:
    source = (
        'default_model = "offline/assistant"\nqueue {\n  execute_max_concurrency = 7\n  enable_metrics = true\n'
        '  lane_handlers "execute" { mode = "external" timeout_ms = 5 }\n  retry_policy { strategy = "none" }\n}\n'
    )
    with a3s.Agent.create(source).session(str(tmp_path)) as session:
        lanes = session.queue_stats()["lanes"]
        assert isinstance(lanes, dict)
        assert (lanes["Execute"]["max_concurrency"], lanes["Execute"]["handler_mode"]) == (7, "External")
        assert session.queue_metrics() is not None


@pytest.mark.parametrize(
    ("given", "error"),
    [(("bogus", "external"), ValueError), (("query", "bogus"), ValueError), (("Query", "external"), ValueError)],
)
def test_lanes_and_modes_that_there_are_not_are_refused(given: tuple[str, str], error: type[Exception]) -> None:
    queue = a3s.SessionQueueConfig()
    with pytest.raises(error):
        queue.set_lane_handler(*given)
    with pytest.raises(OverflowError):
        queue.set_query_concurrency(-1)
    with pytest.raises(TypeError):
        queue.set_timeout("soon")  # type: ignore[arg-type]  # on purpose


def test_the_configuration_shows_itself() -> None:
    shown = "SessionQueueConfig(query=4, execute=2, generate=1, dlq=false, metrics=false)"
    assert repr(a3s.SessionQueueConfig()) == shown
