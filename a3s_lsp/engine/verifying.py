"""Verification of a session: checks are run and recorded, and what is required is demanded before a run may succeed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from a3s_lsp.engine import facts as f
from a3s_lsp.engine.errors import RunFailed
from a3s_lsp.engine.journal import Journal
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.ports import ToolResult, Workspace
from a3s_lsp.engine.verification import Check, Report
from a3s_lsp.engine.verification_json import Command
from a3s_lsp.engine.verification_presets import Preset, presets
from a3s_lsp.engine.verification_state import Verifications
from a3s_lsp.engine.workspace.tree_digest import tree_digest

REQUIRED_SUBJECT = "required checks"
"""The subject of the reports that the engine makes by itself."""
_TAIL = 2_000
"""How many characters of a failed command's output the model is shown."""
_MOST_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Requirement:
    """What has to be verified before a run that changed files may succeed.

    `commands`, and those of the project's presets that are required, are run by the engine. `names` are subjects or
    ids of checks that somebody else reports. With none of these whatever is reported has to pass, and something has
    to be. `attempts` is how often the model is told what is missing.
    """

    commands: tuple[Command, ...] = ()
    presets: bool = False
    names: tuple[str, ...] = ()
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class _Missing:
    """What is not verified: a subject or a check, why, and the end of what a command said."""

    name: str
    why: str
    output: str = ""

    def __str__(self) -> str:
        return f"{self.name}: {self.why}"


class Verification:
    """The checks of one session. `call` uses a tool as the program's own act; `current` is the run that is going."""

    def __init__(
        self,
        journal: Journal,
        workspace: Workspace,
        call: Callable[[str, Json], Awaitable[ToolResult]],
        current: Callable[[], str | None],
        requirement: Requirement | None,
    ) -> None:
        self._journal = journal
        self._workspace = workspace
        self._call = call
        self._current = current
        self._requirement = requirement

    @property
    def _state(self) -> Verifications:
        return self._journal.state.verifications

    # ------------------------------------------------------------ reports

    async def record(self, reports: Sequence[Report]) -> None:
        """Keep reports that somebody else made, about the files as they are now."""
        edition = await self._look(self._current())
        for report in reports:
            self._report(report, edition, self._state.tree if edition is not None else "")
        await self._journal.settled()

    async def run(self, subject: str, commands: Iterable[Command]) -> Report:
        """Run commands one after the other, and keep what came of them. Nothing is kept if it is cancelled."""
        report, _ = await self._run(subject, commands)
        return report

    async def presets(self) -> list[Preset]:
        """Commands that would verify this project, as its files tell."""
        return await presets(self._workspace.root)

    async def _run(self, subject: str, commands: Iterable[Command]) -> tuple[Report, dict[str, str]]:
        edition = await self._look(self._current())
        begun, checks, outputs = self._state.command_count, [], {}
        quiet = not self._state.commands
        for command in commands:
            check, outputs[command.id] = await self._check(command)
            checks.append(check)
        report = Report.of(subject, checks)
        tree = "" if edition is None else await tree_digest(self._workspace.root)
        unmoved = quiet and begun == self._state.command_count
        self._report(report, edition if unmoved else None, tree)
        await self._journal.settled()
        return report, outputs

    async def _check(self, command: Command) -> tuple[Check, str]:
        limit: Json = {} if command.timeout_ms is None else {"timeout": command.timeout_ms}
        result = await self._call("bash", {"command": command.command, **limit})
        check = Check(
            command.id,
            command.kind,
            command.description,
            "passed" if result.exit_code == 0 else "failed",
            command.required,
            ("bash",),
            _evidence(result),
            None if result.exit_code == 0 else _risk(command, result),
        )
        return check, result.output

    def _report(self, report: Report, edition: int | None, tree: str) -> None:
        self._journal.append(f.VerificationReported(report, edition, tree), self._current())

    # ------------------------------------------------------------ what is required

    async def begin(self, run_id: str) -> None:
        """Look at the files before a run does anything to them."""
        await self._look(run_id)

    async def demand(self, run_id: str) -> f.VerificationDemanded | None:
        """What the model is to be told before the run may end; None if nothing is missing.

        Raises RunFailed if it was told already, as often as it may be.
        """
        required = self._requirement
        if required is None:
            return None
        await self._look(run_id)
        if run_id not in self._state.changed:
            return None
        missing = await self._missing(required)
        if not missing:
            return None
        names = tuple(dict.fromkeys(one.name for one in missing))
        if self._state.demands[run_id] >= required.attempts:
            listed = "; ".join(str(one) for one in missing[:_MOST_SHOWN])
            raise RunFailed(f"Verification required: {listed}. The answer and the changes are kept.")
        return f.VerificationDemanded(_told(missing), names)

    async def _missing(self, required: Requirement) -> list[_Missing]:
        commands = list(required.commands)
        if required.presets:
            found = [command for preset in await self.presets() for command in preset.commands]
            commands += [command for command in found if command.required]
        missing = await self._failing(commands)
        current = {report.subject: report for report in self._state.current()}
        missing += [_Missing(name, why) for name in required.names if (why := _objection(name, current.values()))]
        if not commands and not required.names:
            missing += _objections(list(current.values()))
        return missing

    async def _failing(self, commands: Sequence[Command]) -> list[_Missing]:
        """Run what has not passed on the files as they are now; those that do not pass now."""
        passed = {
            (check.id, check.description)
            for report in self._state.current()
            if report.subject == REQUIRED_SUBJECT
            for check in report.checks
            if check.status == "passed"
        }
        due = [replace(command, required=True) for command in commands]
        due = [command for command in due if (command.id, command.description) not in passed]
        if not due:
            return []
        report, outputs = await self._run(REQUIRED_SUBJECT, due)
        failed = [check for check in report.checks if check.status != "passed"]
        return [_Missing(check.id, f"failed ({check.residual_risk})", outputs[check.id]) for check in failed]

    async def _look(self, run_id: str | None) -> int | None:
        """The edition of the files as they are now; None where nobody asked for it, since looking takes time."""
        if self._requirement is None:
            return None
        tree = await tree_digest(self._workspace.root)
        if tree != self._state.tree:
            self._journal.append(f.TreeSeen(tree), run_id)
        return self._state.edition


def _objection(name: str, reports: Iterable[Report]) -> str:
    """Why the subject or check of this name has not passed; "" if it has."""
    whole = [report for report in reports if report.subject == name]
    checks = [check for report in reports for check in report.checks if check.id == name]
    if any(report.unpassed for report in whole) or any(check.status != "passed" for check in checks):
        return "did not pass"
    return "" if whole or checks else "nothing was reported about the files as they are now"


def _objections(reports: Sequence[Report]) -> list[_Missing]:
    if not reports:
        return [_Missing("verification", "nothing was reported about the files as they are now")]
    return [_Missing(report.subject, "did not pass") for report in reports if report.unpassed]


def _told(missing: Sequence[_Missing]) -> str:
    lines = ["This is not done yet: files were changed, and what has to be verified is not."]
    for one in missing[:_MOST_SHOWN]:
        lines.append(f"- {one}")
        if one.output.strip():
            lines.append(f"```\n{one.output.strip()[-_TAIL:]}\n```")
    lines.append(
        "Mend what the checks found, without weakening them, and answer again; then it is looked at once more. "
        "If something cannot be verified from here, say so plainly."
    )
    return "\n".join(lines)


def _evidence(result: ToolResult) -> tuple[str, ...]:
    artifact = (result.metadata or {}).get("artifact")
    uri = artifact.get("artifact_uri") if isinstance(artifact, dict) else None
    return (uri,) if isinstance(uri, str) else ()


def _risk(command: Command, result: ToolResult) -> str:
    code = (result.metadata or {}).get("exit_code")
    if isinstance(code, int):
        return f"verification command exited with code {code}: {command.command}"
    said = next((line for line in reversed(result.output.splitlines()) if line.strip()), "it said nothing")
    return f"verification command did not run to its end ({said.strip(' [].')}): {command.command}"
