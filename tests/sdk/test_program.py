"""Scripts that use the tools of a session."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import a3s_lsp as a3s
from a3s_lsp.testing import Reply, ScriptedModel, call


@pytest.fixture
def session(tmp_path: Path) -> Iterator[a3s.Session]:
    (tmp_path / "a.py").write_text("import os\n# TODO one\n")
    (tmp_path / "b.py").write_text("# TODO two\n")
    with a3s.Agent.with_model(ScriptedModel([])).session(str(tmp_path)) as made:
        yield made


def value(result: a3s.ToolResult) -> object:
    assert result.exit_code == 0, result.output
    return (result.metadata or {})["script_result"]


def test_a_script_gathers_what_many_calls_say(session: a3s.Session) -> None:
    source = """
    export default async function run(ctx, inputs) {
      const paths = await ctx.glob("*.py");
      const texts = await Promise.all(paths.slice(0, 10).map((path) => ctx.readFile(path)));
      const found = await ctx.grep(inputs.word);
      return { paths, lines: texts.map((text) => text.split("\\n").length - 1), found: found.includes("2 match") };
    }"""
    result = session.program({"source": source, "inputs": {"word": "TODO"}})
    assert value(result) == {"paths": ["a.py", "b.py"], "lines": [2, 1], "found": True}
    assert "Tool calls: 4\n1. glob (ok, exit_code=0" in result.output
    program = (result.metadata or {})["program"]
    assert isinstance(program, dict) and program["runtime"] == "embedded-quickjs"
    assert [row["tool_name"] for row in program["tool_calls"]] == ["glob", "read", "read", "grep"]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('(await ctx.tool("ls", {})).name', "ls"),
        ("(await ctx.tools.ls({})).exitCode", 0),
        ('(await ctx.read("nothing")).exitCode', 1),
        ('(await ctx.read("a.py", {limit: 1})).output.includes("1 more")', True),
        ('(await ctx.bash("echo hi"))', "hi\n"),
        ('(await ctx.git({command: "status"})).exitCode', 1),
        ('await ctx.glob("*.txt")', []),
        ("typeof require + typeof fetch + typeof process + typeof setTimeout", "undefined" * 4),
        ("typeof __give", "undefined"),
        ("inputs", {}),
    ],
)
def test_what_a_script_finds_in_its_world(session: a3s.Session, expression: str, expected: object) -> None:
    source = f"async function run(ctx, inputs) {{ return {expression} }}"
    assert value(session.program({"source": source})) == expected


def test_what_is_logged_is_shown(session: a3s.Session) -> None:
    result = session.program({"source": "function run() { console.log('seen', {a: [1]}); return 1 }"})
    assert value(result) == 1 and 'Console:\nseen {"a":[1]}' in result.output
    failed = session.program({"source": "function run() { console.log('seen'); throw new Error('boom') }"})
    assert "boom" in failed.output and "Console:\nseen" in failed.output


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("async function run(ctx {", "<input>:1:"),
        ("async function run() {\n  return missing;\n}", "missing is not defined\n    at run (<input>:2:"),
        ("import fs from 'fs'; async function run() {}", "imports are not allowed"),
        ("async function run() { eval('1') }", "eval is not allowed"),
        ("async function run() { return () => 1 }", "not function"),
        ("async function run() { await new Promise(() => {}) }", "never comes"),
        ("async function run() { return await import('os') }", "Error"),
    ],
)
def test_a_fault_is_named_with_its_place(session: a3s.Session, source: str, named: str) -> None:
    result = session.program({"source": source})
    assert result.exit_code == 1 and result.metadata is None and named in result.output, result.output


HOSTILE = {
    "an endless loop": "async function run() { while (true) {} }",
    "an endless loop in a job": "async function run() { await null; for (;;) {} }",
    "a chain of jobs without end": "async function run() { const f = () => Promise.resolve().then(f); await f() }",
    "a catastrophic regular expression": "async function run() { return /^(a+)+$/.test('a'.repeat(40) + 'b') }",
    "a memory bomb": "async function run() { const a = []; for (;;) a.push(new Array(1000).fill(a.length)) }",
    "a string bomb": "async function run() { let s = 'x'; for (;;) s += s }",
    "deep recursion": "async function run() { const f = (n) => f(n + 1) + 1; return f(0) }",
    "a result without end": "async function run() { return { toJSON() { for (;;) {} } } }",
    "a huge result": "async function run() { return 'x'.repeat(30_000_000) }",
    "calls that nobody waits for": "async function run(ctx) { for (let i = 0; i < 10_000; i++) ctx.ls(); return 1 }",
    "a poisoned world": "JSON.stringify = () => '{'; Array.prototype.map = null; Promise.resolve = () => 5; "
    "async function run() { Object.prototype.then = (done) => done(1); while (true) {} }",
    "a log without end": "async function run() { for (;;) console.log('x'.repeat(1000)) }",
}


@pytest.mark.parametrize("source", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_script_ends_within_its_limits_and_the_session_goes_on(session: a3s.Session, source: str) -> None:
    result = session.program({"source": source, "limits": {"timeoutMs": 500}})
    assert result.exit_code == 1 and result.output and len(result.output) < 300_000
    assert value(session.program({"source": "async function run(ctx) { return (await ctx.glob('a*')).length }"})) == 1


TRICKS = [
    "ctx.tool('bash', {command: 'touch made'})",
    "ctx.tools.bash({command: 'touch made'})",
    "ctx.tool.constructor('return this')().ctx.bash('touch made')",
    "(ctx.tool = null, ctx.bash('touch made'))",
    "(Set.prototype.has = () => true, ctx.bash('touch made'))",
    "(Array.prototype.includes = () => true, ctx.verify({command: 'touch made'}))",
    "ctx.tool({toString: () => 'bash'}, {command: 'touch made'})",
    "ctx.tool('program', {type: 'script', source: 'async function run(c) { return await c.bash(\"touch made\") }'})",
]


@pytest.mark.parametrize("trick", TRICKS)
def test_no_trick_leads_to_a_tool_that_is_not_allowed(session: a3s.Session, trick: str) -> None:
    source = f"async function run(ctx) {{ return JSON.stringify(await {trick}) }}"
    session.program({"source": source, "allowed_tools": ["ls", "program"]})
    assert not (Path(session.workspace) / "made").exists()


def test_calls_that_nobody_waited_for_are_stopped(session: a3s.Session) -> None:
    source = (
        "async function run(ctx) { const first = ctx.ls(); ctx.bash('sleep 30; touch made'); await first; return 1 }"
    )
    result = session.program({"source": source})
    assert value(result) == 1 and "stopped: nobody waited for it" in result.output
    assert not (Path(session.workspace) / "made").exists()


@pytest.mark.parametrize(
    "options",
    [
        {"source": 5},
        {"source": "x", "limits": {"timeoutMs": 0}},
        {"source": "x", "limits": {"maxToolCalls": -1}},
        {"source": "x", "limits": 5},
        {"source": "x", "inputs": []},
        {"source": "x", "allowed_tools": "ls"},
        {"path": "../x.js"},
        {"path": "a.py"},
        {"source": "x" * 300_000},
    ],
)
def test_options_that_cannot_be_used_are_named(session: a3s.Session, options: dict[str, object]) -> None:
    assert session.program(options).exit_code == 1


def test_output_and_result_are_bounded(session: a3s.Session) -> None:
    source = "async function run(ctx) { return (await ctx.bash('seq 100000')).length }"
    got = value(session.program({"source": source, "limits": {"maxOutputBytes": 1000}}))
    assert isinstance(got, int) and 1000 <= got < 1100
    large = {"source": "async function run() { return 'x'.repeat(2000) }", "limits": {"maxOutputBytes": 1000}}
    assert session.program(large).exit_code == 1


def test_what_a_script_verifies_is_reported(session: a3s.Session) -> None:
    source = "async function run(ctx) { return (await ctx.verify({command: 'exit 3', id: 'unit'})).exitCode }"
    assert value(session.program({"source": source})) == 1
    assert session.verification_summary()["status"] == "failed"


def test_every_call_of_a_models_script_passes_the_gate_and_is_an_event(tmp_path: Path) -> None:
    source = "async function run(ctx) { await ctx.ls(); return await ctx.bash('touch made') }"
    model = ScriptedModel([Reply("", (call("program", type="script", source=source),)), "done"])
    policy = a3s.PermissionPolicy(allow=["program", "ls"], deny=["bash"])
    with a3s.Agent.with_model(model).session(str(tmp_path), permission_policy=policy) as session:
        events = list(session.stream("go"))
    ended = [(event.tool_name, event.exit_code) for event in events if event.event_type == "tool_end"]
    assert ended == [("ls", 0), ("bash", 1), ("program", 0)]
    assert not (tmp_path / "made").exists()


def test_cancel_ends_a_script_at_once(tmp_path: Path) -> None:
    source = "async function run(ctx) { await ctx.ls(); while (true) {} }"
    model = ScriptedModel([Reply("", (call("program", type="script", source=source),)), "done"])
    policy = a3s.PermissionPolicy(default_decision="allow")
    with a3s.Agent.with_model(model).session(str(tmp_path), permission_policy=policy) as session:
        stop = threading.Thread(target=session.cancel)
        types = []
        for event in session.stream("go"):
            types.append(event.event_type)
            if event.event_type == "tool_end" and event.tool_name == "ls":
                stop.start()
        stop.join(5)
    assert types[-1] == "cancelled"
