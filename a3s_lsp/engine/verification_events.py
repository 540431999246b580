"""What a client sees of verification. Part of `events`."""

from __future__ import annotations

import json

from a3s_lsp.engine import facts as f
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.verification import Summary
from a3s_lsp.engine.verification_json import report_json, summary_json


def describe_verification(fact: f.Fact) -> tuple[str, Json] | None:
    """The event's type and fields, or None for a fact that is not about verification."""
    match fact:
        case f.VerificationReported(report=report):
            names: Json = {"subject": report.subject, "status": report.status}
            return "verification_reported", {**names, "report": report_json(report)}
        case f.VerificationDemanded(text=text, missing=missing):
            return "verification_required", {"text": text, "missing": list(missing)}
        case _:
            return None


def verification_fields(summary: Summary) -> Json:
    """What the end of a run says of the reports that came while it was going."""
    return {
        "verification_summary_json": json.dumps(summary_json(summary)),
        "verification_summary_text": summary.text,
    }
