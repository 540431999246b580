"""Verification as programs see it: reports, their summary, commands that check something, and presets for them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.verification_json import (
    Command,
    command_json,
    read_command,
    read_report,
    read_summary,
    report_json,
    summary_json,
)
from a3s_lsp.engine.verifying import Requirement
from a3s_lsp.sdk.checks import count, string, strings
from a3s_lsp.sdk.faces import AsyncFace, Face

Commands: TypeAlias = Sequence[Mapping[str, object]]
"""`[{"id", "kind", "description", "command", "required"?, "timeout_ms"?}]`, or `[{"label", "command"}]`."""
Reports: TypeAlias = Mapping[str, object] | Sequence[Mapping[str, object]]
"""One report or several: `{"schema", "subject", "status", "checks", "residual_risks"?}`."""

_MOST_ATTEMPTS = 10
_REQUIREMENT_KEYS = ("commands", "presets", "checks", "attempts")


class AsyncVerification(AsyncFace):
    """What was verified, and verifying it."""

    async def record_verification_reports(self, reports: Reports) -> None:
        """Keep reports that were made elsewhere: all of them, or none with a ValueError that says what is wrong."""
        given = [reports] if isinstance(reports, Mapping) else reports
        if not isinstance(given, list | tuple):
            raise TypeError("verification reports must be a list or dict")
        await self.engine.verification.record([read_report(report) for report in given])

    def verification_reports(self) -> list[Json]:
        """All reports of the session, oldest first."""
        return [report_json(report) for report in self.engine.state.verifications.reports]

    def verification_summary(self) -> Json:
        """What all reports say together: status, counts, and the subjects that failed or are open."""
        return summary_json(self.engine.state.verifications.summary())

    def verification_summary_text(self) -> str:
        """The summary in a line."""
        return self.engine.state.verifications.summary().text

    async def verify_commands(self, subject: str, commands: Commands) -> Json:
        """Run commands one after the other; a check passes if its command exits with 0. The report is kept."""
        checked = string("subject", subject), command_list("commands", commands)
        return report_json(await self.engine.verification.run(*checked))

    async def verification_presets(self) -> list[Json]:
        """Commands that would verify this project: `[{"id", "project_kind", "description", "commands"}]`."""
        return [
            {
                "id": preset.id,
                "project_kind": preset.project_kind,
                "description": preset.description,
                "commands": [command_json(command) for command in preset.commands],
            }
            for preset in await self.engine.verification.presets()
        ]


class Verification(Face):
    """What was verified, and verifying it."""

    def record_verification_reports(self, reports: Reports) -> None:
        """Keep reports that were made elsewhere: all of them, or none with a ValueError that says what is wrong."""
        self._loop.call(self._session.record_verification_reports(reports))

    def verification_reports(self) -> list[Json]:
        """All reports of the session, oldest first."""
        return self._loop.here(self._session.verification_reports)

    def verification_summary(self) -> Json:
        """What all reports say together: status, counts, and the subjects that failed or are open."""
        return self._loop.here(self._session.verification_summary)

    def verification_summary_text(self) -> str:
        """The summary in a line."""
        return self._loop.here(self._session.verification_summary_text)

    def verify_commands(self, subject: str, commands: Commands) -> Json:
        """Run commands one after the other; a check passes if its command exits with 0. The report is kept."""
        return self._loop.call(self._session.verify_commands(subject, commands))

    def verification_presets(self) -> list[Json]:
        """Commands that would verify this project: `[{"id", "project_kind", "description", "commands"}]`."""
        return self._loop.call(self._session.verification_presets())


def format_verification_summary(summary: Mapping[str, object] | str) -> str:
    """A summary, as a dict or as JSON text, in a line. ValueError says what is wrong with it."""
    return read_summary(_decoded(summary) if isinstance(summary, str) else summary).text


def _decoded(text: str) -> object:
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"Invalid verification summary: it is not JSON ({error})") from None
    return value


def command_list(name: str, value: object) -> tuple[Command, ...]:
    """The commands that were meant. TypeError says what is wrong with them."""
    if not isinstance(value, list | tuple):
        raise TypeError(f"{name} must be a list of commands, not {type(value).__name__}")
    try:
        return tuple(read_command(item) for item in value)
    except ValueError as error:
        raise TypeError(str(error)) from None


def requirement_of(value: object) -> Requirement | None:
    """What `require_verification` means; None if nothing is required. TypeError and ValueError say what is wrong."""
    match value:
        case None | False:
            return None
        case True:
            return Requirement()
        case str():
            return _presets() if value == "presets" else Requirement(names=(string("require_verification", value),))
        case list() | tuple():
            return _listed(list(value))
        case Mapping():
            return _spelled_out(value)
        case _:
            kinds = "True, 'presets', a name, a list of names or commands, or a dict"
            raise TypeError(f"require_verification must be {kinds}, not {type(value).__name__}")


def _presets() -> Requirement:
    return Requirement(presets=True)


def _listed(items: list[object]) -> Requirement:
    if not items:
        raise ValueError("require_verification is an empty list, which requires nothing; use False or None for that")
    names = [string("require_verification", item) for item in items if not isinstance(item, Mapping)]
    commands = command_list("require_verification", [item for item in items if isinstance(item, Mapping)])
    return Requirement(commands=commands, names=tuple(names))


def _spelled_out(value: Mapping[str, object]) -> Requirement:
    unknown = [str(key) for key in value if key not in _REQUIREMENT_KEYS]
    if unknown:
        known = ", ".join(_REQUIREMENT_KEYS)
        raise ValueError(f"require_verification has no key {', '.join(unknown)}; known are {known}")
    presets = value.get("presets", False)
    if not isinstance(presets, bool):
        raise TypeError(f"require_verification['presets'] must be True or False, not {type(presets).__name__}")
    attempts = count("require_verification['attempts']", value.get("attempts", 1))
    if attempts > _MOST_ATTEMPTS:
        raise ValueError(f"require_verification['attempts'] must be from 0 to {_MOST_ATTEMPTS}, not {attempts}")
    checks = value.get("checks", [])
    if not isinstance(checks, list | tuple):
        raise TypeError(f"require_verification['checks'] must be a list of names, not {type(checks).__name__}")
    return Requirement(
        command_list("require_verification['commands']", value.get("commands", [])),
        presets,
        tuple(strings("require_verification['checks']", checks)),
        attempts,
    )
