"""What was verified, of which state of the files, and which runs have changed them: a fold over the facts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from a3s_lsp.engine import facts as f
from a3s_lsp.engine.verification import Report, Summary, summarize

HARMLESS = frozenset(
    {"read", "ls", "glob", "grep", "edit", "write", "patch", "replace", "generate_object", "update_plan"}
)
"""Tools that change no files, or only by change sets that are facts themselves. Others may change any file."""


@dataclass(frozen=True, slots=True)
class Reported:
    """A report, the run that was going, and the edition of the files that it is about; None if it is about none."""

    report: Report
    run_id: str | None
    edition: int | None


class Verifications:
    """Apply facts in order; read the attributes; change nothing from outside.

    `edition` counts the states of the files: it goes up with each change that is known of.
    """

    def __init__(self) -> None:
        self.reported: list[Reported] = []
        self.edition = 0
        self.tree = ""
        self.changed: set[str] = set()
        """Runs that have changed files."""
        self.commands: dict[str, str] = {}
        """Calls that are going on and may change any file, with their runs."""
        self.command_count = 0
        """How many of those there ever were."""
        self.demands: Counter[str] = Counter()
        """How often each run was told what is missing."""
        self._commanded: set[str] = set()

    @property
    def reports(self) -> list[Report]:
        return [reported.report for reported in self.reported]

    def summary(self) -> Summary:
        """All reports of the session together."""
        return summarize(self.reports)

    def summary_of(self, run_id: str) -> Summary:
        """The reports that came while this run was going."""
        return summarize(reported.report for reported in self.reported if reported.run_id == run_id)

    def current(self) -> list[Report]:
        """The reports on the files as they are now, as far as is known."""
        return [reported.report for reported in self.reported if reported.edition == self.edition]

    def apply(self, fact: f.Fact, run_id: str | None) -> None:
        """Fold one more fact in."""
        match fact:
            case f.FilesChanged():
                self._changed(run_id)
            case f.TreeChanged() if run_id is not None:  # what others run is seen in the digest, as far as it matters
                self._changed(run_id)
            case f.TextEdited() | f.Rewound(files=True):
                self.edition += 1
            case f.TreeSeen(tree=tree):
                self._seen(tree, run_id)
            case f.VerificationReported(report=report, edition=edition, tree=tree):
                self.reported.append(Reported(report, run_id, edition))
                self.tree = tree or self.tree
            case f.VerificationDemanded():
                self.demands[run_id or ""] += 1
            case f.CallBegan(call_id=call_id, name=name) if run_id is not None and name not in HARMLESS:
                self.commands[call_id] = run_id
                self.command_count += 1
                self._commanded.add(run_id)
            case f.CallEnded(call_id=call_id):
                self.commands.pop(call_id, None)
            case f.RunEnded() | f.RunResumed():  # those that were cut have no end of their own
                self.commands = {call: run for call, run in self.commands.items() if run != run_id}
            case _:
                pass

    def _changed(self, run_id: str | None) -> None:
        self.edition += 1
        self.changed.update(self.commands.values())  # it may be theirs: a child that they sent has a run of its own
        if run_id is not None:
            self.changed.add(run_id)

    def _seen(self, tree: str, run_id: str | None) -> None:
        if self.tree:
            self._changed(run_id if run_id in self._commanded else None)
        self.tree = tree
