"""Agents in files: Markdown with a head, or YAML, in folders of the project, the person, or the program."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from a3s_lsp.engine.delegation.agents import Agent, parse_inheritance, parse_kind, worker
from a3s_lsp.engine.frontmatter import BadFile, Document, names_of, parse_markdown, parse_yaml, text_of
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.policy.permissions import PermissionPolicy, parse_decision

PROJECT_FOLDERS = (".claude/agents", ".a3s/agents")
"""Below the workspace, and below the person's home; the later ones win."""
_MOST_FILES = 500
_LARGEST = 256 * 1024


@dataclass(slots=True)
class Found:
    """The agents of a folder, and a sentence for each file that is none."""

    agents: list[Agent] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def agents_in(folder: Path) -> Found:
    """The agents of a folder and those below it, by path. A folder that is not there has none."""
    found = Found()
    for path in _files(folder):
        try:
            if path.stat().st_size > _LARGEST:
                raise BadFile(f"it is larger than {_LARGEST // 1024} KiB")
            found.agents.append(parse_agent(path.read_text(encoding="utf-8"), path))
        except (BadFile, ValueError, OSError) as error:
            found.problems.append(f"{path} is no agent: {_sentence(error)}")
    return found


def _files(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        return
    root = folder.resolve()
    count = 0
    for path in sorted(folder.rglob("*")):
        inside = (
            path.suffix.lower() in (".md", ".yaml", ".yml") and path.is_file() and path.resolve().is_relative_to(root)
        )
        count += inside
        if inside and count <= _MOST_FILES:
            yield path


def _sentence(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8."
    text = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
    return text if text.endswith(".") else f"{text}."


def parse_agent(text: str, path: Path) -> Agent:
    """The agent that a file describes. Raises BadFile or ValueError."""
    markdown = path.suffix.lower() == ".md"
    document = parse_markdown(text) if markdown else Document(parse_yaml(text), "")
    head = document.head
    name = text_of(head, "name").strip()
    if not name:
        raise BadFile("'name' is missing")
    inheritance = text_of(head, "confirmation_inheritance")
    policy, listed = _policy(head)
    chosen = parse_inheritance(inheritance) if inheritance else "auto_approve" if listed else None
    return worker(
        name,
        text_of(head, "description"),
        parse_kind(text_of(head, "kind", "custom")),
        prompt=text_of(head, "prompt") or document.body,
        permissions=policy,
        model=_model(text_of(head, "model")),
        max_steps=_steps(head),
        hidden=head.get("hidden") is True,
        inheritance=chosen,
        source=str(path),
    )


def _model(name: str) -> str | None:
    """A model of ours is `provider/model`; other words, such as `inherit` or `sonnet`, mean the parent's."""
    return name if "/" in name else None


def _steps(head: Json) -> int | None:
    steps = head.get("max_steps", head.get("maxSteps"))
    if steps is None:
        return None
    if not isinstance(steps, int) or isinstance(steps, bool) or steps < 1:
        raise BadFile("'max_steps' must be a positive number")
    return steps


def _policy(head: Json) -> tuple[PermissionPolicy | None, bool]:
    """The policy, and whether it was written as lists of tools."""
    allowed = names_of(head, "tools", "allowedTools", "allowed_tools", "allowed-tools")
    denied = names_of(head, "disallowedTools", "disallowed-tools", "disallowed_tools")
    given = head.get("permissions")
    if given is not None and not isinstance(given, dict):
        raise BadFile("'permissions' must have lists: allow, deny, ask")
    table: Json = given or {}
    if allowed is None and denied is None and given is None:
        return None, False
    everything = allowed == ("*",)
    default = text_of(table, "default_decision", "deny" if allowed is not None else "ask")
    if denied is not None and allowed is None and given is None:
        default = "allow"
    policy = PermissionPolicy(
        allow=(*map(_rule, allowed or ()), *_rules(table, "allow")),
        deny=(*map(_rule, denied or ()), *_rules(table, "deny")),
        ask=_rules(table, "ask"),
        default_decision="allow" if everything else parse_decision(default),
        denial="The agent has no leave for this tool",
    )
    return policy, allowed is not None or denied is not None


def _rule(name: str) -> str:
    """Tools are named in lower case here; what has arguments is kept."""
    return name if "(" in name else name.lower()


def _rules(table: Json, name: str) -> tuple[str, ...]:
    rows = table.get(name) or []
    if not isinstance(rows, list):
        raise BadFile(f"'permissions.{name}' must be a list")
    rules = [row.get("rule") if isinstance(row, dict) else row for row in rows]
    if not all(isinstance(rule, str) for rule in rules):
        raise BadFile(f"'permissions.{name}' must be a list of rules")
    return tuple(str(rule) for rule in rules)
