"""Verification: what was checked is kept and summed up, and what is required is not taken on trust."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

import a3s_lsp as a3s
from a3s_lsp.engine.messages import Json
from a3s_lsp.testing import Pause, Reply, ScriptedModel, call

WRITE = Reply("", (call("write", file_path="new.txt", content="one\n"),))


def check(status: str = "passed", *, required: bool = True, **more: object) -> Json:
    return {"id": "c", "kind": "test", "description": "d", "status": status, "required": required, **more}


def report(*checks: Json, status: str = "passed", subject: str = "s", **more: object) -> Json:
    return {"schema": "a3s.verification_report.v1", "subject": subject, "status": status, "checks": [*checks], **more}


def command(line: str, *, name: str = "t", required: object = True, **more: object) -> Json:
    return {"id": name, "kind": "test", "description": "D", "command": line, "required": required, **more}


async def session_of(folder: Path, model: ScriptedModel, **options: object) -> a3s.AsyncSession:
    folder.mkdir(exist_ok=True)  # noqa: ASYNC240 - a test may block
    chosen = a3s.SessionOptions()
    chosen.permission_policy = a3s.PermissionPolicy(default_decision="allow")
    for name, value in options.items():
        setattr(chosen, name, value)
    return await a3s.AsyncAgent.with_model(model).session(str(folder), chosen)


async def until(found: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not found():  # noqa: ASYNC110 - what it waits for is a file
            await asyncio.sleep(0.01)


# ---------------------------------------------------------------- summaries


@pytest.mark.parametrize(
    ("reports", "status", "text"),
    [
        ([], "skipped", "Verification skipped: no reports."),
        ([report(status="skipped")], "skipped", "Verification skipped: 1 report."),
        ([report(check())], "passed", "Verification passed: 1 report, 1 required check."),
        ([report()], "passed", "Verification passed: 1 report, 0 required checks."),
        (
            [report(check("failed"), subject="a"), report(check("failed"), subject="b")],
            "failed",
            "Verification failed: 2 failed checks across subjects: a, b. 2 reports, 2 required checks.",
        ),
        (
            [report(check(), status="failed")],
            "failed",
            "Verification failed: failed report across subjects: s. 1 report, 1 required check.",
        ),
        (
            [report(check("skipped"), subject="x")],
            "needs_review",
            "Verification needs review: 1 pending required check across subjects: x. 1 report, 1 required check.",
        ),
        (
            [report(check(residual_risk="r"))],
            "needs_review",
            "Verification needs review: review required across subjects: s. 1 report, 1 required check. "
            "Residual risks: 1.",
        ),
        (
            [report(check(), residual_risks=["x", "y"])],
            "needs_review",
            "Verification needs review: review required. 1 report, 1 required check. Residual risks: 2.",
        ),
        (
            [report(check(), check("failed", required=False), status="failed")],
            "needs_review",
            "Verification needs review: 1 failed optional check across subjects: s. 1 report, 1 required check.",
        ),
        (
            [report(check("needs_review", required=False))],
            "passed",
            "Verification passed: 1 report, 0 required checks.",
        ),
    ],
)
async def test_a_summary_follows_from_the_reports(tmp_path: Path, reports: list[Json], status: str, text: str) -> None:
    session = await session_of(tmp_path, ScriptedModel())
    await session.record_verification_reports(reports)
    summary = session.verification_summary()
    assert (summary["status"], session.verification_summary_text()) == (status, text)
    assert a3s.format_verification_summary(summary) == text
    assert a3s.format_verification_summary(json.dumps(summary)) == text


async def test_a_report_comes_back_as_it_was_without_unknown_keys(tmp_path: Path) -> None:
    session = await session_of(tmp_path, ScriptedModel())
    given = report(check(suggested_tools=["bash"], evidence_uris=["u"], residual_risk="r"), residual_risks=["x"])
    await session.record_verification_reports({**given, "unknown": 1})
    assert session.verification_reports() == [given]


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ({}, "missing field `schema`"),
        (report(status="pending"), "unknown variant `pending`, expected one of `passed`"),
        ({**report(), "subject": 1}, "`subject` must be a string"),
        ({**report(), "subject": "\ud800"}, "surrogate"),
        ({**report(), "checks": 5}, "`checks` must be a list"),
        (report(check(), {}), "missing field `id`"),
        (report(check(evidence_uris=[1])), "evidence_uris"),
        (report({**check(), "required": 1}), "`required` must be True or False"),
        (5, "must be a dict, not int"),
    ],
)
async def test_one_bad_report_keeps_all_of_them_out(tmp_path: Path, bad: Json, says: str) -> None:
    session = await session_of(tmp_path, ScriptedModel())
    with pytest.raises(ValueError, match=f"Invalid verification report: .*{says}"):
        await session.record_verification_reports([report(check()), bad])
    assert session.verification_reports() == []


@pytest.mark.parametrize("bad", [None, 5, "text", {1, 2}])
async def test_what_are_no_reports_at_all_is_a_type_error(tmp_path: Path, bad: object) -> None:
    session = await session_of(tmp_path, ScriptedModel())
    with pytest.raises(TypeError, match="verification reports must be a list or dict"):
        await session.record_verification_reports(bad)  # type: ignore[arg-type]  # that is the point


@pytest.mark.parametrize(
    "bad", [{}, "x", "[" * 100_000, None, 5, [], {"status": "passed"}, {"status": "passed", "report_count": -1}]
)
def test_what_is_no_summary_is_a_value_error(bad: Json) -> None:
    with pytest.raises(ValueError, match="Invalid verification summary"):
        a3s.format_verification_summary(bad)


# ---------------------------------------------------------------- commands


async def test_commands_are_checks_by_their_exit_codes(tmp_path: Path) -> None:
    session = await session_of(tmp_path, ScriptedModel())
    made = await session.verify_commands("all", [command("true"), command("exit 3", name="u")])
    assert made["status"] == "failed"
    common = {"kind": "test", "description": "D", "required": True, "suggested_tools": ["bash"]}
    risk = "verification command exited with code 3: exit 3"
    assert made["checks"] == [
        {"id": "t", "status": "passed", **common},
        {"id": "u", "status": "failed", "residual_risk": risk, **common},
    ]
    assert session.verification_reports() == [made]


async def test_a_failed_optional_check_asks_for_a_look_and_fails_nothing(tmp_path: Path) -> None:
    session = await session_of(tmp_path, ScriptedModel())
    made = await session.verify_commands("s", [command("true"), command("false", required=False)])
    assert made["status"] == session.verification_summary()["status"] == "needs_review"


async def test_no_commands_skip_and_a_label_is_enough(tmp_path: Path) -> None:
    session = await session_of(tmp_path, ScriptedModel())
    assert (await session.verify_commands("s", []))["status"] == "skipped"
    made = await session.verify_commands("s", [{"label": "unit tests", "command": "true"}])
    assert made["checks"][0]["id"] == "unit tests"  # type: ignore[index]  # the shape is what is tested


async def test_a_command_that_cannot_end_fails_with_its_reason(tmp_path: Path) -> None:
    session = await session_of(tmp_path, ScriptedModel())
    made = await session.verify_commands("s", [command("sleep 60", timeout_ms=50), command("true", timeout_ms=0)])
    risks = [str(each["residual_risk"]) for each in made["checks"]]  # type: ignore[attr-defined]  # a list of checks
    assert "Command timed out after 50ms" in risks[0]
    assert "timeout must be a positive number" in risks[1]


async def test_long_output_is_evidence_that_can_be_fetched(tmp_path: Path) -> None:
    session = await session_of(tmp_path, ScriptedModel())
    made = await session.verify_commands("s", [command("seq 1 40000")])
    (uri,) = made["checks"][0]["evidence_uris"]  # type: ignore[index]  # the shape is what is tested
    artifact = session.get_artifact(uri)
    assert artifact is not None
    assert str(artifact["content"]).rstrip().endswith("40000")


async def test_a_cancelled_verification_ends_its_command_and_reports_nothing(tmp_path: Path) -> None:
    session = await session_of(tmp_path, ScriptedModel())
    verifying = asyncio.create_task(session.verify_commands("s", [command("echo $$ > pid; exec sleep 60")]))
    await until((tmp_path / "pid").exists)
    verifying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await verifying
    await until(lambda: not Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}").exists())
    assert session.verification_reports() == []


@pytest.mark.parametrize(
    "bad",
    [None, 5, "x", [{}], [5], command("true"), [command("")], [command("a\0b")], [command("true", required="x")]]
    + [[command("true", timeout_ms=value)] for value in (-1, 1.5, True, 1 << 70)],
)
async def test_what_are_no_commands_is_a_type_error(tmp_path: Path, bad: object) -> None:
    session = await session_of(tmp_path, ScriptedModel())
    with pytest.raises(TypeError):
        await session.verify_commands("s", bad)  # type: ignore[arg-type]  # that is the point
    assert session.verification_reports() == []


async def test_a_subject_is_a_string(tmp_path: Path) -> None:
    session = await session_of(tmp_path, ScriptedModel())
    with pytest.raises(TypeError, match="subject must be a string"):
        await session.verify_commands(5, [])  # type: ignore[arg-type]  # that is the point


async def test_a_closed_session_verifies_nothing(tmp_path: Path) -> None:
    session = await session_of(tmp_path, ScriptedModel())
    await session.close()
    with pytest.raises(a3s.A3SError, match="closed"):
        await session.record_verification_reports(report(check()))
    with pytest.raises(a3s.A3SError, match="closed"):
        await session.verify_commands("s", [])


# ---------------------------------------------------------------- what runs say of it


async def test_a_result_has_the_reports_that_came_while_its_run_was_going(tmp_path: Path) -> None:
    pause = Pause()
    session = await session_of(tmp_path, ScriptedModel([Reply("one", pause=pause), "two"]))
    await session.record_verification_reports(report(check("failed"), subject="before"))
    sending = asyncio.create_task(session.send("go"))
    await pause.reached()
    await session.record_verification_reports(report(check(), subject="meanwhile"))
    pause.release()
    first, second = await sending, await session.send("again")
    assert (first.verification_status, first.verification_report_count) == ("passed", 1)
    assert json.loads(first.verification_summary_json)["required_check_count"] == 1
    assert first.verification_summary_text == "Verification passed: 1 report, 1 required check."
    assert repr(first) == 'AgentResult(text="one", tool_calls=0, tokens=15, verification=passed)'
    assert (second.verification_status, second.verification_report_count) == ("skipped", 0)
    assert session.verification_summary()["report_count"] == 2


async def test_the_events_of_a_run_tell_of_its_reports(tmp_path: Path) -> None:
    pause = Pause()
    session = await session_of(tmp_path, ScriptedModel([Reply("one", pause=pause)]))
    stream = session.stream("go")
    await pause.reached()
    await session.record_verification_reports(report(check("failed")))
    pause.release()
    events = [event async for event in stream]
    (told,) = [event for event in events if event.event_type == "verification_reported"]
    assert json.loads(told.data or "")["report"]["checks"] == [check("failed")]
    assert (events[-1].event_type, events[-1].verification_summary_text) == (
        "end",
        "Verification failed: 1 failed check across subjects: s. 1 report, 1 required check.",
    )


async def test_reports_outlive_the_session(tmp_path: Path) -> None:
    store = a3s.FileSessionStore(str(tmp_path / "store"))
    session = await session_of(tmp_path / "ws", ScriptedModel(), session_store=store, session_id="kept")
    await session.verify_commands("s", [command("exit 1")])
    await session.close()
    options = a3s.SessionOptions()
    options.session_store = store
    again = await a3s.AsyncAgent.with_model(ScriptedModel()).resume_session("kept", options)
    assert again.verification_summary_text().startswith("Verification failed: 1 failed check across subjects: s.")
    assert len(again.verification_reports()) == 1
    await again.close()


# ---------------------------------------------------------------- presets


@pytest.mark.parametrize(
    ("files", "commands"),
    [
        ({}, []),
        ({"sub/Cargo.toml": ""}, []),
        ({"Cargo.toml": ""}, ["cargo fmt -- --check*", "cargo check*", "cargo test*", "cargo clippy -- -D warnings"]),
        ({"go.mod": ""}, ["go test ./...*", "go vet ./..."]),
        ({"pyproject.toml": ""}, []),
        ({"pyproject.toml": "", "tests/test_a.py": ""}, ["python -m pytest*"]),
        (
            {"pyproject.toml": "[tool.pytest.ini_options]\n[tool.ruff]\n[tool.mypy]\n"},
            ["python -m pytest*", "python -m ruff check .", "python -m mypy ."],
        ),
        ({"pyproject.toml": "not = [toml", "ruff.toml": ""}, ["python -m ruff check ."]),
        ({"setup.cfg": "[tool:pytest]\n[mypy]\n"}, ["python -m pytest*", "python -m mypy ."]),
        ({"package.json": '{"scripts": {"test": "x", "lint": "y"}}'}, ["npm test*", "npm run lint"]),
        ({"package.json": '{"scripts": {"typecheck": "y"}}', "yarn.lock": ""}, ["yarn typecheck"]),
        ({"package.json": '{"scripts": {"test": "x"}, "packageManager": "pnpm@9"}', "yarn.lock": ""}, ["pnpm test*"]),
        ({"package.json": '{"scripts": {"test": "x"}}', "bun.lockb": ""}, ["bun run test*"]),
        ({"package.json": '{"scripts": {"test": "echo \\"Error: no test specified\\" && exit 1"}}'}, []),
        ({"package.json": "{" * 50_000}, []),
        ({"package.json": '{"scripts": 5, "packageManager": []}'}, []),
    ],
)
async def test_presets_follow_from_the_files_in_the_root(
    tmp_path: Path, files: dict[str, str], commands: list[str]
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    session = await session_of(tmp_path, ScriptedModel())
    presets = await session.verification_presets()
    found: list[Json] = [each for preset in presets for each in preset["commands"]]  # type: ignore[attr-defined]  # a list
    assert [f"{each['command']}{'*' if each['required'] else ''}" for each in found] == commands


# ---------------------------------------------------------------- what is required


async def test_a_run_that_changed_files_fails_while_nothing_was_verified(tmp_path: Path) -> None:
    model = ScriptedModel([WRITE, "All done.", "Still done."])
    session = await session_of(tmp_path, model, require_verification=True)
    stream = session.stream("write it")
    events = [event async for event in stream]
    assert events[-1].event_type == "error"
    assert "Verification required: verification: nothing was reported" in (events[-1].error or "")
    assert [event.event_type for event in events].count("verification_required") == 1
    assert len(model.requests) == 3
    assert "what has to be verified is not" in str(session.history()[-2])
    assert "Still done." in str(session.history()[-1])
    assert (tmp_path / "new.txt").read_text() == "one\n"
    assert session.runs()[-1]["status"] == "failed"


async def test_a_run_that_changed_nothing_needs_no_verification(tmp_path: Path) -> None:
    (tmp_path / "old.txt").write_text("x")
    model = ScriptedModel(
        [Reply("", (call("read", file_path="old.txt"), call("bash", command="cat old.txt"))), "Read."]
    )
    session = await session_of(tmp_path, model, require_verification=True)
    assert (await session.send("read it")).text == "Read."


async def test_what_a_command_of_the_model_changed_counts(tmp_path: Path) -> None:
    model = ScriptedModel([Reply("", (call("bash", command="echo x > sneaky.txt"),)), "Done.", "Done."])
    session = await session_of(tmp_path, model, require_verification=True)
    with pytest.raises(a3s.RunFailed, match="Verification required"):
        await session.send("go")


async def test_what_a_child_changed_counts_for_the_run_that_sent_it(tmp_path: Path) -> None:
    delegate = Reply("", (call("task", agent="general", description="d", prompt="write it"),))
    model = ScriptedModel([delegate, WRITE, "Written.", "Done.", "Done."])
    session = await session_of(tmp_path, model, require_verification=True)
    with pytest.raises(a3s.RunFailed, match="Verification required"):
        await session.send("go")
    assert (tmp_path / "new.txt").exists()


async def test_required_commands_are_run_and_what_they_find_can_be_mended(tmp_path: Path) -> None:
    mend = Reply("", (call("write", file_path="new.txt", content="two\n"),))
    model = ScriptedModel([WRITE, "Done.", mend, "Mended."])
    required = {"commands": [{"label": "says two", "command": "cat new.txt; grep -q two new.txt"}]}
    session = await session_of(tmp_path, model, require_verification=required)
    result = await session.send("go")
    assert result.text == "Mended."
    told = model.requests[2].messages[-1]
    assert "says two: failed" in str(told)
    assert "one" in str(told)
    statuses = [each["status"] for each in session.verification_reports()]
    assert statuses == ["failed", "passed"]


async def test_required_commands_that_keep_failing_fail_the_run(tmp_path: Path) -> None:
    model = ScriptedModel([WRITE, "Done.", "Done."])
    session = await session_of(tmp_path, model, require_verification=[{"label": "never", "command": "exit 7"}])
    with pytest.raises(a3s.RunFailed, match=r"Verification required: never: failed \(.*code 7: exit 7\)"):
        await session.send("go")


async def test_without_attempts_the_model_is_not_told(tmp_path: Path) -> None:
    model = ScriptedModel([WRITE, "Done."])
    session = await session_of(tmp_path, model, require_verification={"checks": ["tests"], "attempts": 0})
    with pytest.raises(a3s.RunFailed, match="Verification required: tests: nothing was reported"):
        await session.send("go")
    assert len(model.requests) == 2


@pytest.mark.parametrize(
    ("names", "reports", "passes"),
    [
        ("c", [report(check())], True),
        ("s", [report(check())], True),
        (["c", "other"], [report(check())], False),
        (["c", "other"], [report(check()), report(check(), subject="other")], True),
        ("c", [report(check("failed"))], False),
        ("c", [report(check("failed")), report(check())], True),
        ("c", [report(check()), report(check("failed"), subject="again")], False),
        ("s", [report(check("skipped"))], False),
        ("s", [report(status="skipped")], False),
        ("s", [report(check(), check("failed", required=False), status="needs_review")], True),
    ],
)
async def test_named_checks_have_to_be_reported_as_passed(
    tmp_path: Path, names: object, reports: list[Json], passes: bool
) -> None:
    pause = Pause()
    model = ScriptedModel([WRITE, Reply("Done.", pause=pause), "Still."])
    session = await session_of(tmp_path, model, require_verification=names)
    sending = asyncio.create_task(session.send("go"))
    await pause.reached()
    await session.record_verification_reports(reports)
    pause.release()
    await asyncio.wait([sending])
    assert (sending.exception() is None) is passes


async def test_a_report_is_stale_after_the_next_change(tmp_path: Path) -> None:
    pause = Pause()
    change = Reply("", (call("bash", command="echo more >> new.txt"),), pause=pause)
    session = await session_of(tmp_path, ScriptedModel([WRITE, change, "Done.", "Done."]), require_verification=True)
    sending = asyncio.create_task(session.send("go"))
    await pause.reached()
    await session.record_verification_reports(report(check()))
    pause.release()
    with pytest.raises(a3s.RunFailed, match="nothing was reported about the files as they are now"):
        await sending


async def test_what_others_change_meanwhile_is_not_the_runs(tmp_path: Path) -> None:
    (tmp_path / "old.txt").write_text("x")
    pause = Pause()
    look = Reply("", (call("read", file_path="old.txt"),), pause=pause)
    session = await session_of(tmp_path, ScriptedModel([look, "Read."]), require_verification=True)
    sending = asyncio.create_task(session.send("read it"))
    await pause.reached()
    (tmp_path / "old.txt").write_text("by somebody else")
    pause.release()
    assert (await sending).text == "Read."


HOLD = "touch begun; until test -e go; do sleep 0.01; done; echo more > other.txt; touch done"


@pytest.mark.parametrize("first", ["command", "check"])
async def test_a_check_beside_a_command_of_the_model_proves_nothing(tmp_path: Path, first: str) -> None:
    pause, end = Pause(), Pause()
    change = Reply("", (call("bash", command=HOLD),), pause=pause)
    model = ScriptedModel([WRITE, change, Reply("Done.", pause=end), "Done."])
    session = await session_of(tmp_path, model, require_verification=["beside"])
    sending = asyncio.create_task(session.send("go"))
    await pause.reached()
    if first == "command":
        pause.release()
        await until((tmp_path / "begun").exists)
    checking = asyncio.create_task(
        session.verify_commands("beside", [command("touch go checked; until test -e done; do sleep 0.01; done")])
    )
    await until((tmp_path / "checked").exists)
    pause.release()
    assert (await checking)["status"] == "passed"
    end.release()
    with pytest.raises(a3s.RunFailed, match="beside: nothing was reported about the files as they are now"):
        await sending


async def test_what_a_check_leaves_behind_does_not_make_other_reports_stale(tmp_path: Path) -> None:
    pause = Pause()
    model = ScriptedModel([WRITE, Reply("Done.", pause=pause)])
    session = await session_of(tmp_path, model, require_verification=["first", "second"])
    sending = asyncio.create_task(session.send("go"))
    await pause.reached()
    await session.verify_commands("first", [command("echo cache > .cache1")])
    await session.verify_commands("second", [command("echo cache > .cache2")])
    pause.release()
    assert (await sending).verification_status == "passed"


async def test_required_presets_run_and_a_project_without_any_is_not_verified(tmp_path: Path) -> None:
    session = await session_of(tmp_path, ScriptedModel([WRITE, "Done.", "Done."]), require_verification="presets")
    with pytest.raises(a3s.RunFailed, match="nothing was reported"):
        await session.send("go")
    (tmp_path / "new.txt").unlink()
    # mypy is configured, but not required.
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\n[tool.mypy]\n")
    (tmp_path / "wrong.py").write_text("number: int = 'text'\n")
    (tmp_path / "test_it.py").write_text("def test_it(): assert open('new.txt').read() == 'two\\n'\n")
    mend = Reply("", (call("write", file_path="new.txt", content="two\n"),))
    session = await session_of(
        tmp_path, ScriptedModel([WRITE, "Done.", mend, "Mended."]), require_verification="presets"
    )
    assert (await session.send("go")).text == "Mended."


async def test_a_run_is_cancelled_while_it_is_being_verified(tmp_path: Path) -> None:
    required = [{"label": "slow", "command": "echo x > begun; sleep 60"}]
    session = await session_of(tmp_path, ScriptedModel([WRITE, "Done."]), require_verification=required)
    sending = asyncio.create_task(session.send("go"))
    await until((tmp_path / "begun").exists)
    assert await session.cancel() is True
    with pytest.raises(a3s.RunCancelled):
        await sending


async def test_what_was_demanded_is_not_demanded_anew_after_a_restart(tmp_path: Path) -> None:
    store = a3s.FileSessionStore(str(tmp_path / "store"))
    pause = Pause()
    model = ScriptedModel([WRITE, "Done.", Reply("Still done.", pause=pause)])
    session = await session_of(tmp_path / "ws", model, session_store=store, session_id="cut", require_verification=True)
    sending = asyncio.create_task(session.send("go"))
    await pause.reached()
    await session.engine.suspend()
    sending.cancel()
    options = a3s.SessionOptions()
    options.session_store = store
    options.require_verification = True
    again = await a3s.AsyncAgent.with_model(ScriptedModel(["Still done."])).resume_session("cut", options)
    with pytest.raises(a3s.RunFailed, match="Verification required"):
        await again.resume()
    await again.close()


@pytest.mark.parametrize(
    ("bad", "kind"),
    [
        (5, TypeError),
        (b"x", TypeError),
        ([5], TypeError),
        ([{"command": "true"}], TypeError),
        ([], ValueError),
        ("\ud800", ValueError),
        ({"comands": []}, ValueError),
        ({"commands": "pytest"}, TypeError),
        ({"checks": "tests"}, TypeError),
        ({"presets": 1}, TypeError),
        ({"attempts": -1}, OverflowError),
        ({"attempts": 11}, ValueError),
        ({"attempts": "1"}, TypeError),
    ],
)
async def test_a_requirement_that_is_none_is_refused_at_once(
    tmp_path: Path, bad: object, kind: type[Exception]
) -> None:
    options = a3s.SessionOptions()
    with pytest.raises(kind):
        options.require_verification = bad  # type: ignore[assignment]  # that is the point
    with pytest.raises(kind):
        await a3s.AsyncAgent.with_model(ScriptedModel()).session(str(tmp_path), require_verification=bad)  # type: ignore[arg-type]  # on purpose
