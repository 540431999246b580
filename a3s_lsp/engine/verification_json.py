"""Reports, summaries and commands as JSON: how they are shown, and how those that others wrote are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar, get_args

from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.verification import Check, CheckStatus, Report, Summary

T = TypeVar("T")

_STATUSES: tuple[CheckStatus, ...] = get_args(CheckStatus)
_COUNTS = (
    "report_count",
    "required_check_count",
    "pending_required_check_count",
    "failed_check_count",
    "residual_risk_count",
)


@dataclass(frozen=True, slots=True)
class Command:
    """A shell command that checks something; the check passes if it exits with 0."""

    id: str
    kind: str
    description: str
    command: str
    required: bool = False
    timeout_ms: int | None = None


# ------------------------------------------------------------ as they are shown


def report_json(report: Report) -> Json:
    """The report in the reference's shape; what is empty is left out."""
    risks: Json = {"residual_risks": list(report.residual_risks)} if report.residual_risks else {}
    checks = [_check_json(check) for check in report.checks]
    return {"schema": report.schema, "subject": report.subject, "status": report.status, "checks": checks, **risks}


def _check_json(check: Check) -> Json:
    optional: Json = {
        "suggested_tools": list(check.suggested_tools),
        "evidence_uris": list(check.evidence_uris),
        "residual_risk": check.residual_risk,
    }
    shown: Json = {"id": check.id, "kind": check.kind, "description": check.description}
    shown |= {"status": check.status, "required": check.required}
    return {**shown, **{name: value for name, value in optional.items() if value}}


def summary_json(summary: Summary) -> Json:
    """The summary in the reference's shape; subjects are left out where there are none."""
    subjects: Json = {
        "pending_subjects": list(summary.pending_subjects),
        "failed_subjects": list(summary.failed_subjects),
    }
    counts: Json = {name: getattr(summary, name) for name in _COUNTS}
    return {"status": summary.status, **counts, **{name: value for name, value in subjects.items() if value}}


def command_json(command: Command) -> Json:
    """The command as `verify_commands` takes it."""
    shown: Json = {"id": command.id, "kind": command.kind, "description": command.description}
    limit: Json = {} if command.timeout_ms is None else {"timeout_ms": command.timeout_ms}
    return {**shown, "command": command.command, "required": command.required, **limit}


# ------------------------------------------------------------ as they are read


def read_report(value: object) -> Report:
    """The report that was meant; unknown keys are dropped. ValueError says what is wrong with it."""
    return _read("verification report", value, _report)


def read_summary(value: object) -> Summary:
    """The summary that was meant. ValueError says what is wrong with it."""
    return _read("verification summary", value, _summary)


def read_command(value: object) -> Command:
    """The command that was meant; with a `label` alone the rest follows from it. ValueError says what is wrong."""
    return _read("verification command", value, _command)


def _read(what: str, value: object, read: Callable[[Mapping[str, object]], T]) -> T:
    try:
        return read(_mapping(what, value))
    except ValueError as error:
        raise ValueError(f"Invalid {what}: {error}") from None


def _report(value: Mapping[str, object]) -> Report:
    return Report(
        schema=_text(value, "schema"),
        subject=_text(value, "subject"),
        status=_status(value),
        checks=tuple(_check(_mapping("check", item)) for item in _list(value, "checks")),
        residual_risks=_texts(value, "residual_risks"),
    )


def _check(value: Mapping[str, object]) -> Check:
    risk = value.get("residual_risk")
    return Check(
        _text(value, "id"),
        _text(value, "kind"),
        _text(value, "description"),
        _status(value),
        _flag(value, "required"),
        _texts(value, "suggested_tools"),
        _texts(value, "evidence_uris"),
        None if risk is None else _text(value, "residual_risk"),
    )


def _summary(value: Mapping[str, object]) -> Summary:
    status = _status(value)
    reports, required, pending, failed, risks = (_count(value, name) for name in _COUNTS)
    subjects = _texts(value, "pending_subjects"), _texts(value, "failed_subjects")
    return Summary(status, reports, required, pending, failed, risks, *subjects)


def _command(value: Mapping[str, object]) -> Command:
    if "label" in value:
        label = _text(value, "label")
        value = {"id": label, "kind": "command", "description": label, **value}
    line = _text(value, "command")
    if not line.strip():
        raise ValueError("`command` is empty, and would pass without checking anything")
    if "\0" in line:
        raise ValueError("`command` has a NUL character, which no command line can have")
    timeout = None if value.get("timeout_ms") is None else _count(value, "timeout_ms")
    given = (_text(value, "id"), _text(value, "kind"), _text(value, "description"))
    return Command(*given, line, _flag(value, "required"), timeout)


def _mapping(what: str, value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise ValueError(f"a {what} must be a dict, not {type(value).__name__}")
    return value


def _given(value: Mapping[str, object], name: str) -> object:
    if name not in value:
        raise ValueError(f"missing field `{name}`")
    return value[name]


def _text(value: Mapping[str, object], name: str) -> str:
    return _string(name, _given(value, name))


def _string(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"`{name}` must be a string, not {type(value).__name__}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"`{name}` has half of a surrogate pair, which is no text") from None
    return value


def _list(value: Mapping[str, object], name: str) -> list[object] | tuple[object, ...]:
    items = _given(value, name)
    if not isinstance(items, list | tuple):
        raise ValueError(f"`{name}` must be a list, not {type(items).__name__}")
    return items


def _texts(value: Mapping[str, object], name: str) -> tuple[str, ...]:
    return tuple(_string(f"{name}[]", item) for item in _list(value, name)) if name in value else ()


def _flag(value: Mapping[str, object], name: str) -> bool:
    flag = value.get(name, False)
    if not isinstance(flag, bool):
        raise ValueError(f"`{name}` must be True or False, not {type(flag).__name__}")
    return flag


def _count(value: Mapping[str, object], name: str) -> int:
    count = _given(value, name)
    if isinstance(count, bool) or not isinstance(count, int):
        raise ValueError(f"`{name}` must be an integer, not {type(count).__name__}")
    if not 0 <= count < 1 << 63:
        raise ValueError(f"`{name}` must be from 0 to {(1 << 63) - 1}")
    return count


def _status(value: Mapping[str, object]) -> CheckStatus:
    status = _text(value, "status")
    for known in _STATUSES:
        if status == known:
            return known
    expected = ", ".join(f"`{known}`" for known in _STATUSES)
    raise ValueError(f"unknown variant `{status}`, expected one of {expected}")
