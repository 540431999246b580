"""The facts about verification: what was reported, what the files were like then, and what was demanded of a run.

Part of `facts`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from a3s_lsp.engine.verification import Report


@dataclass(frozen=True, slots=True)
class VerificationReported:
    """Something was checked. `edition` is that of the files when the check began; None if nobody looked at them, or if
    they were being changed meanwhile. `tree` is their digest when it ended, "" if nobody looked."""

    report: Report
    edition: int | None = None
    tree: str = ""
    type: Literal["verification_reported"] = "verification_reported"


@dataclass(frozen=True, slots=True)
class TreeSeen:
    """The files of the workspace are not what they were when they were looked at last; `tree` is their digest."""

    tree: str
    type: Literal["tree_seen"] = "tree_seen"


@dataclass(frozen=True, slots=True)
class VerificationDemanded:
    """The model said it was done, and was told what is not verified yet."""

    text: str
    missing: tuple[str, ...] = ()
    type: Literal["verification_demanded"] = "verification_demanded"
