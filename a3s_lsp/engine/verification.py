"""Verification as values: what was checked, how it came out, and what follows from several reports together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

CheckStatus: TypeAlias = Literal["passed", "failed", "needs_review", "skipped"]
SCHEMA = "a3s.verification_report.v1"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `evidence_uris` name artifacts; `residual_risk` is what remains open."""

    id: str
    kind: str
    description: str
    status: CheckStatus
    required: bool = False
    suggested_tools: tuple[str, ...] = ()
    evidence_uris: tuple[str, ...] = ()
    residual_risk: str | None = None

    @property
    def pending(self) -> bool:
        """Whether it is required, and did not come out one way or the other."""
        return self.required and self.status in ("needs_review", "skipped")


@dataclass(frozen=True, slots=True)
class Report:
    """What was checked of one subject. `status` is what the report says of itself."""

    subject: str
    status: CheckStatus
    checks: tuple[Check, ...]
    residual_risks: tuple[str, ...] = ()
    schema: str = SCHEMA

    @classmethod
    def of(cls, subject: str, checks: Sequence[Check]) -> Report:
        """A report whose status follows from its checks."""
        if not checks:
            return cls(subject, "skipped", ())
        bare = cls(subject, "passed", tuple(checks))
        return cls(subject, "failed" if bare.failed else "needs_review" if bare.open else "passed", bare.checks)

    @property
    def failed(self) -> bool:
        """Whether a required check failed, or the report says failed for a reason that its checks do not show."""
        failed = [check for check in self.checks if check.status == "failed"]
        return any(check.required for check in failed) or (self.status == "failed" and not failed)

    @property
    def open(self) -> bool:
        """Whether somebody has to look at it: something is pending, a risk remains, or an optional check failed."""
        return self.status == "needs_review" or any(
            check.pending or check.residual_risk is not None or (check.status == "failed" and not check.required)
            for check in self.checks
        )

    @property
    def unpassed(self) -> bool:
        """Whether what is required of the subject did not pass. Failed optional checks and risks are not in the way."""
        explained = any(check.status == "failed" or check.residual_risk is not None for check in self.checks)
        unclear = self.status == "needs_review" and not explained
        return self.failed or self.empty or unclear or any(check.pending for check in self.checks)

    @property
    def empty(self) -> bool:
        """Whether nothing was checked."""
        return self.status == "skipped" and not self.checks


@dataclass(frozen=True, slots=True)
class Summary:
    """What several reports say together."""

    status: CheckStatus = "skipped"
    report_count: int = 0
    required_check_count: int = 0
    pending_required_check_count: int = 0
    failed_check_count: int = 0
    residual_risk_count: int = 0
    pending_subjects: tuple[str, ...] = ()
    failed_subjects: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The summary in a line."""
        parts = [self._verdict()]
        if self.report_count or self.status != "skipped":
            parts.append(_counted(self.report_count, "report"))
            if self.status != "skipped":
                parts[-1] += f", {_counted(self.required_check_count, 'required check')}"
            parts[-1] += "."
        if self.residual_risk_count:
            parts.append(f"Residual risks: {self.residual_risk_count}.")
        return " ".join(parts)

    def _verdict(self) -> str:
        match self.status:
            case "failed":
                count = self.failed_check_count
                failed = _counted(count, "failed check") if count else "failed report"
                return f"Verification failed: {failed}{_across(self.failed_subjects)}."
            case "needs_review":
                return f"Verification needs review: {self._open()}{_across(self.pending_subjects)}."
            case "passed":
                return "Verification passed:"
            case "skipped":
                return "Verification skipped:" + ("" if self.report_count else " no reports.")

    def _open(self) -> str:
        if self.pending_required_check_count:
            return _counted(self.pending_required_check_count, "pending required check")
        if self.failed_check_count:
            return _counted(self.failed_check_count, "failed optional check")
        return "review required"


def summarize(reports: Iterable[Report]) -> Summary:
    """What the reports say together: a failed required check fails them all, an optional one asks for a look."""
    given = list(reports)
    checks = [check for report in given for check in report.checks]
    risks = sum(len(report.residual_risks) for report in given)
    risks += sum(check.residual_risk is not None for check in checks)
    failed = tuple(dict.fromkeys(report.subject for report in given if report.failed))
    pending = tuple(dict.fromkeys(report.subject for report in given if report.open))
    return Summary(
        _status(given, failed=bool(failed), unclear=bool(pending or risks)),
        len(given),
        sum(check.required for check in checks),
        sum(check.pending for check in checks),
        sum(check.status == "failed" for check in checks),
        risks,
        pending,
        failed,
    )


def _status(reports: Sequence[Report], *, failed: bool, unclear: bool) -> CheckStatus:
    if failed:
        return "failed"
    if unclear:
        return "needs_review"
    return "skipped" if all(report.empty for report in reports) else "passed"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _across(subjects: Sequence[str]) -> str:
    return f" across subjects: {', '.join(subjects)}" if subjects else ""
