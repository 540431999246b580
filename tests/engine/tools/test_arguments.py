"""What the model sends, and what it is told when it does not fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from a3s_lsp.engine.changes import ChangeSet
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.ports import Lane, Tool, ToolContext, ToolResult, ToolSpec
from a3s_lsp.engine.tools.arguments import Invalid, Prepared, prepare
from a3s_lsp.engine.tools.registry import Registry, builtin_tools

REGISTRY = Registry(builtin_tools())

CONTRACT: dict[str, tuple[dict[str, str], list[str]]] = {
    "read": ({"file_path": "string", "offset": "integer", "limit": "integer", "raw": "boolean"}, ["file_path"]),
    "write": ({"file_path": "string", "content": "string"}, ["file_path", "content"]),
    "edit": (
        {"file_path": "string", "old_string": "string", "new_string": "string", "replace_all": "boolean"},
        ["file_path", "old_string", "new_string"],
    ),
    "patch": ({"file_path": "string", "diff": "string"}, ["file_path", "diff"]),
    "ls": ({"path": "string"}, []),
    "glob": ({"pattern": "string", "path": "string"}, ["pattern"]),
    "grep": (
        {"pattern": "string", "path": "string", "glob": "string", "-i": "boolean", "context": "integer"},
        ["pattern"],
    ),
    "bash": ({"command": "string", "timeout": "integer"}, ["command"]),
    "git": (
        dict.fromkeys(
            ["command", "subcommand", "name", "path", "ref", "target", "base", "message", "remote_name"],
            "string",
        )
        | dict.fromkeys(["max_count", "offset", "limit"], "integer")
        | dict.fromkeys(["force", "new_branch", "include_untracked", "all", "staged"], "boolean")
        | {"paths": "array"},
        ["command"],
    ),
    "batch": ({"invocations": "array"}, ["invocations"]),
}


def tool(name: str) -> Tool:
    found = REGISTRY.get(name)
    assert found is not None
    return found


@pytest.mark.parametrize("name", CONTRACT)
def test_schema_is_the_contract_with_a_description_for_everything(name: str) -> None:
    spec = tool(name).spec
    properties = spec.parameters["properties"]
    assert isinstance(properties, dict)
    assert {key: value["type"] for key, value in properties.items()} == CONTRACT[name][0]
    assert spec.parameters["required"] == CONTRACT[name][1]
    assert spec.parameters["additionalProperties"] is False
    assert spec.description
    assert all(value["description"] for value in properties.values())


def test_lanes_tell_looking_from_doing() -> None:
    lanes = {name: tool(name).lane for name in REGISTRY.names()}
    assert {name for name, lane in lanes.items() if lane == "query"} == {"read", "ls", "glob", "grep"}


@pytest.mark.parametrize(
    ("name", "args", "subject"),
    [
        ("bash", {"command": "ls -l"}, "ls -l"),
        ("edit", {"file_path": "a", "old_string": "x", "new_string": "y"}, "a"),
        ("grep", {"pattern": "x", "path": "src"}, "src"),
        ("ls", {}, ""),
    ],
)
def test_subject_is_what_permissions_look_at(name: str, args: Json, subject: str) -> None:
    assert tool(name).subject(args) == subject


@pytest.mark.parametrize("raw", ["", "  ", "null", "[]", "{}", {}])
def test_no_arguments_come_in_many_forms(raw: str | Json) -> None:
    assert prepare(tool("ls"), raw) == Prepared({})


@pytest.mark.parametrize("raw", ['{"command": "echo', '"ls"', "5", '{"timeout": NaN}', "[" * 100_000])
def test_what_is_not_a_json_object_is_malformed(raw: str) -> None:
    prepared = prepare(tool("bash"), raw)
    assert isinstance(prepared, Invalid)
    assert prepared.kind == {"type": "malformed"}


@pytest.mark.parametrize(
    ("raw", "args"),
    [
        ('{"file_path": "a", "offset": "5"}', {"file_path": "a", "offset": 5}),
        ('{"file_path": "a", "offset": 5.0}', {"file_path": "a", "offset": 5}),
        ('{"file_path": "a", "offset": null}', {"file_path": "a"}),
        ('{"file_path": 7}', {"file_path": "7"}),
    ],
)
def test_arguments_that_only_look_different_are_understood(raw: str, args: Json) -> None:
    assert prepare(tool("read"), raw) == Prepared(args)


@pytest.mark.parametrize(
    ("name", "args", "message"),
    [
        ("read", {}, "file_path parameter is required."),
        ("read", {"file_path": None}, "file_path parameter is required."),
        ("read", {"file_path": {"a": 1}}, "file_path parameter must be a string, not {'a': 1}."),
        ("grep", {"pattern": "x", "-i": "maybe"}, "-i parameter must be true or false, not 'maybe'."),
        ("read", {"path": "a"}, "'path' is not a parameter, 'file_path' was probably meant."),
        ("edit", {"file_path": "a", "old_str": "x", "new_str": "y"}, "'old_string' was probably meant."),
        ("write", {"file_path": "a", "content": "\ud800"}, "not valid Unicode"),
    ],
)
def test_arguments_that_do_not_fit_say_why(name: str, args: Json, message: str) -> None:
    prepared = prepare(tool(name), args)
    assert isinstance(prepared, Invalid)
    assert message in prepared.message
    assert prepared.kind == {"type": "invalid_argument"}


def test_unknown_arguments_are_dropped_and_named() -> None:
    prepared = prepare(tool("ls"), {"paht": "src", "recursive": True})
    assert isinstance(prepared, Prepared)
    assert prepared.args == {}
    assert prepared.notes == (
        "\n\n[Ignored unknown arguments: 'paht' (did you mean 'path'?), 'recursive'. Known are: path.]"
    )


class Foreign:
    """A tool that has a schema and no class of arguments, as from a server of others."""

    spec = ToolSpec("foreign", "", {"type": "object", "properties": {"a": {"type": "object"}}, "required": ["a"]})
    lane: Lane = "execute"

    def subject(self, args: Json) -> str:
        return ""

    async def plan(self, args: Json, context: ToolContext) -> ChangeSet | None:
        return None

    async def run(self, args: Json, context: ToolContext) -> ToolResult:
        return ToolResult("")


def test_tool_of_others_is_checked_by_its_schema() -> None:
    assert prepare(Foreign(), {"a": {"deep": 1}, "more": 2}) == Prepared({"a": {"deep": 1}, "more": 2})
    assert isinstance(prepare(Foreign(), "{}"), Invalid)


def test_registry_keeps_its_order_when_a_tool_is_replaced() -> None:
    registry = Registry(builtin_tools())
    names = registry.names()
    registry.register(Foreign())
    registry.register(tool("read"))
    assert registry.names() == (*names, "foreign")
    assert registry.unregister("foreign")
    assert not registry.unregister("foreign")
    assert [spec.name for spec in registry.specs()] == list(names)


def test_importing_the_tools_loads_nothing_heavy(tmp_path: Path) -> None:
    import subprocess
    import sys

    heavy = ["pydantic", "rapidfuzz", "psutil", "pathspec", "pygls", "litellm"]
    code = f"import sys, a3s_lsp.engine.tools.registry; print([m for m in {heavy} if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, cwd=tmp_path)
    assert shown.stdout == "[]\n"
