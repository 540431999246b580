"""Who has a session open, in a sentence for whoever wants it too."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Owner:
    """A process that has a session open. `sign` is how it shows that it lives."""

    pid: int
    host: str
    since_ms: int
    sign: str

    def busy(self, session_id: str) -> str:
        """Why the session cannot be opened, and what to do."""
        since = datetime.fromtimestamp(self.since_ms / 1000).astimezone().strftime("%Y-%m-%d %H:%M:%S")
        return (
            f"Session {session_id} is open in another window or program (process {self.pid} on {self.host}, "
            f"since {since}): close it there, fork it, or start a new session."
        )
