"""Every shape that this server adds to LSP. docs/protocol.md is the contract, editors/*/protocol its twins."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Literal, TypeVar

from pydantic import AliasGenerator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel
from pygls.exceptions import JsonRpcInvalidParams

from a3s_lsp.engine.facts import RuleScope
from a3s_lsp.engine.planning.plans import PlanningMode
from a3s_lsp.engine.ports import Unsaved

logger = logging.getLogger(__name__)

PostureName = Literal["plan", "ask", "accept-edits", "auto"]
Review = Literal["before", "after"]


class Shape(BaseModel):
    """A JSON object on the wire: camelCase names there, snake_case here, unknown fields ignored."""

    model_config = ConfigDict(
        alias_generator=AliasGenerator(alias=to_camel), populate_by_name=True, extra="ignore", frozen=True
    )


class ClientFlags(Shape):
    """The `a3s/…` messages that the client understands."""

    events: bool = False
    confirm: bool = False
    hunks: bool = False
    save: bool = False
    reload: bool = False
    diagnostics: bool = False
    commands: bool = False


class Settings(Shape):
    """The section `a3s` of the client's settings."""

    config: str | None = None
    model: str | None = None
    posture: PostureName = "ask"
    review: Review = "after"
    remember: RuleScope = "session"
    unsaved: Unsaved = "overlay"
    planning: PlanningMode = "disabled"
    client: ClientFlags = Field(default_factory=ClientFlags)


class Nothing(Shape):
    """A command without arguments."""


class Position(Shape):
    line: int = Field(ge=0)
    character: int = Field(ge=0)


class Range(Shape):
    start: Position
    end: Position


class ContextItem(Shape):
    """A document, or a part of it, that goes with a prompt."""

    uri: str
    range: Range | None = None


class Attachment(Shape):
    """A picture or another file; `data` is Base64 text."""

    data: str
    media_type: str


class Prompt(Shape):
    text: str
    session_id: str | None = None
    context: list[ContextItem] = Field(default_factory=list)
    attachments: list[Attachment] = Field(default_factory=list)


class Cancel(Shape):
    session_id: str | None = None
    run_id: str | None = None


class Steer(Shape):
    text: str
    session_id: str | None = None


class NewSession(Shape):
    workspace: str | None = None


class OneSession(Shape):
    session_id: str


class Verdict(Shape):
    """An answer by command. `scope` says where the rule holds that is remembered; None means as the settings say."""

    tool_id: str
    note: str | None = None
    remember: bool = False
    scope: RuleScope | None = None


class HunkQuery(Shape):
    uri: str | None = None
    session_id: str | None = None


class HunkChoice(Shape):
    """Which hunks are meant: one, those of a range, all of a document, or all of a session."""

    uri: str | None = None
    hunk_id: str | None = None
    range: Range | None = None
    session_id: str | None = None


class HunkQuestion(Shape):
    uri: str
    hunk_id: str
    text: str | None = None
    session_id: str | None = None


class Rewind(Shape):
    """Where to go back to, and with what; without `to` the points are listed."""

    to: str | None = None
    files: bool = True
    conversation: bool = True
    preview: bool = False
    session_id: str | None = None


class Slash(Shape):
    args: str = ""
    session_id: str | None = None


class Choice(Shape):
    """The answer to `a3s/confirm`. `accepted` has the hunks that are allowed, if it is not all; `scope` says where
    "always" holds, None means as the settings say."""

    choice: Literal["allow_once", "allow_always", "reject_once", "reject_always"]
    rule: str | None = None
    note: str | None = None
    accepted: list[int] | None = None
    scope: RuleScope | None = None


S = TypeVar("S", bound=Shape)


def read(shape: type[S], value: object) -> S:
    """The value as this shape. JsonRpcInvalidParams says what is wrong with it."""
    if value is None:
        value = {}
    if not isinstance(value, Mapping):
        raise JsonRpcInvalidParams(f"Expected one object as the argument, not {type(value).__name__}.")
    known = {field.alias for field in shape.model_fields.values()} | set(shape.model_fields)
    if unknown := [str(name) for name in value if name not in known]:
        logger.warning("ignored unknown fields of %s: %s", shape.__name__, ", ".join(unknown))
    try:
        return shape.model_validate(value)
    except ValidationError as error:
        raise JsonRpcInvalidParams(" ".join(_sentence(dict(problem)) for problem in error.errors())) from None


def _sentence(problem: Mapping[str, object]) -> str:
    place = problem["loc"]
    where = ".".join(str(part) for part in place) if isinstance(place, tuple) else str(place)
    if problem["type"] == "missing":
        return f"'{where}' is missing."
    return f"'{where}': {problem['msg']}."
