"""Agents that tasks can be given to: what they are for, what they may do, and which of them are always there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from a3s_lsp.engine.policy.permissions import PermissionPolicy

Inheritance: TypeAlias = Literal["auto_approve", "deny_on_ask", "inherit_parent"]
Kind: TypeAlias = Literal["custom", "implementer", "planner", "read_only", "reviewer", "verifier"]

_READING = ("read", "ls", "grep", "glob")
_CHANGING = ("write", "edit", "patch", "replace")
_UNDECLARED = "The agent has no leave for this tool"


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent. `permissions` None asks about everything. `source` is the file that it comes from."""

    name: str
    description: str
    prompt: str = ""
    permissions: PermissionPolicy | None = None
    model: str | None = None
    max_steps: int = 30
    hidden: bool = False
    native: bool = False
    confirmation_inheritance: Inheritance | None = None
    source: str = ""
    grants: bool = False
    """Whether its own rules give leave where its parent's policy has none that is about the call."""

    @property
    def inheritance(self) -> Inheritance:
        """What becomes of a call that its own policy asks about."""
        if self.confirmation_inheritance is not None:
            return self.confirmation_inheritance
        own = self.permissions
        return "auto_approve" if own is not None and (own.allow or own.deny) else "deny_on_ask"


@dataclass(frozen=True, slots=True)
class _Role:
    prompt: str
    permissions: PermissionPolicy | None
    max_steps: int


def _only(*tools: str) -> PermissionPolicy:
    return PermissionPolicy(allow=tools, default_decision="deny", denial=_UNDECLARED)


_ROLES: dict[Kind, _Role] = {
    "read_only": _Role(
        "You explore. Find what is asked for and report it with paths and lines. You change nothing.",
        _only(*_READING),
        20,
    ),
    "planner": _Role(
        "You plan. Look at what is there, then give ordered steps, each with the files it touches and how to tell "
        "that it is done. You change nothing.",
        _only(*_READING),
        30,
    ),
    "implementer": _Role("", _only(*_READING, "bash", *_CHANGING), 50),
    "verifier": _Role(
        "You verify. Run the checks that exist, report what passed, what failed and what was not checked, with the "
        "evidence. You do not edit files.",
        _only(*_READING, "bash"),
        30,
    ),
    "reviewer": _Role(
        "You review. Look for defects first, most serious first, each with path and line and why it is one. You do not "
        "edit files.",
        _only(*_READING, "bash"),
        25,
    ),
    "custom": _Role("", None, 30),
}
_KINDS: dict[str, Kind] = {
    "readonly": "read_only",
    "explore": "read_only",
    "scanner": "read_only",
    "plan": "planner",
    "implementation": "implementer",
    "general": "implementer",
    "executor": "implementer",
    "verification": "verifier",
    "verify": "verifier",
    "tester": "verifier",
    "review": "reviewer",
    "code_review": "reviewer",
    "code_reviewer": "reviewer",
    **{kind: kind for kind in _ROLES},
}


def parse_kind(text: str) -> Kind:
    """The kind that a text names. ValueError if it names none."""
    kind = _KINDS.get(text.strip().lower().replace("-", "_"))
    if kind is None:
        raise ValueError(f"unknown worker agent kind '{text}'")
    return kind


def parse_inheritance(text: str) -> Inheritance:
    """ValueError if it is none."""
    for known in get_args(Inheritance):
        if text == known:
            return known  # type: ignore[no-any-return]  # get_args tells no types
    raise ValueError(
        f"invalid confirmation_inheritance: '{text}' (expected: auto_approve, deny_on_ask, inherit_parent)"
    )


def worker(
    name: str,
    description: str,
    kind: Kind,
    *,
    prompt: str | None = None,
    permissions: PermissionPolicy | None = None,
    model: str | None = None,
    max_steps: int | None = None,
    hidden: bool = False,
    inheritance: Inheritance | None = None,
    source: str = "",
) -> Agent:
    """An agent of a kind; what is given wins over what the kind says, and prompts are joined. ValueError without a
    name."""
    if not name.strip():
        raise ValueError("worker agent name is required")
    role = _ROLES[kind]
    return Agent(
        name,
        description,
        "\n\n".join(text for text in (role.prompt, prompt) if text),
        permissions or role.permissions,
        model,
        role.max_steps if max_steps is None else max_steps,
        hidden,
        confirmation_inheritance=inheritance,
        source=source,
    )


def _native(name: str, description: str, kind: Kind) -> Agent:
    role = _ROLES[kind]
    return Agent(name, description, role.prompt, role.permissions, max_steps=role.max_steps, native=True)


NATIVE = (
    _native("explore", "Finds things in the code: where something is, how it works, what uses it", "read_only"),
    _native("general", "Does a task of several steps, with edits and commands", "implementer"),
    _native("plan", "Works out steps for a change, without making it", "planner"),
    _native("verification", "Runs tests and checks, and says what holds", "verifier"),
    _native("review", "Looks a change over for defects and risks", "reviewer"),
)
"""The agents that are always there."""

ALIASES = {
    "general": ("general-purpose", "general_purpose", "generalpurpose", "general purpose"),
    "verification": ("verify", "verifier"),
    "review": ("code-review", "code_reviewer", "reviewer"),
}
"""Other names of those."""
