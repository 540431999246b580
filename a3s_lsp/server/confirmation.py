"""An edit on its way to the editor, and what comes of it: decided by the texts that the editor tells."""

from __future__ import annotations

from pathlib import Path

from a3s_lsp.engine.facts import Cause
from a3s_lsp.engine.ports import BufferEdit, Shown, TextChange
from a3s_lsp.engine.texts import rebase
from a3s_lsp.server.standing import plain, standing
from a3s_lsp.server.uris import uri_key


class Confirmation:
    """Watches one document from before the request is sent. `target` is where the document goes, if it is moved too.

    `answered` says whether the editor has answered the request; texts are taken only after that. `heard` counts those
    texts; `shown` is there once one of them had the whole edit.
    """

    def __init__(self, edit: BufferEdit, target: Path | None = None) -> None:
        self.edit = edit
        self.answered = False
        self.heard = 0
        self.closed = False
        self.shown: Shown | None = None
        self._keys = {uri_key(path.as_uri()) for path in (edit.path, target) if path is not None}
        self._text = edit.before
        self._applied = False
        self._there = 0
        self._rest: Cause = "editor"

    @property
    def decided(self) -> bool:
        """Whether nothing needs to be waited for any more."""
        return self.closed or self.shown is not None

    @property
    def absent(self) -> bool:
        """Whether nothing of the edit is in the text."""
        return self._there == 0

    def answer(self, applied: bool) -> None:
        """The editor has said whether it applies the edit; if not, nothing that comes is ours."""
        self.answered, self._applied = True, applied

    def concerns(self, key: str) -> bool:
        """Whether this is the document of the edit."""
        return key in self._keys

    def take(self, path: Path, text: str, rest: Cause) -> list[TextChange] | None:
        """Take the next text of the document. If that has brought (more of) the edit, what happened: the edit, and
        then what `rest` has made of it. None if others changed the text.
        """
        self.heard += 1
        before, self._text = self._text, text
        if self.decided or not self._applied:
            return None
        found = standing(self.edit.before, self.edit.after, text)
        more, self._there = found.there > self._there, found.there
        alone = rebase(self.edit.before, self.edit.after, before)
        if not isinstance(alone, str) or found.absent:
            alone = text
        elif plain(alone) == plain(text):
            rest = "editor"
        if found.whole:
            self.shown = Shown(self.edit.path, text, rest)
        if not more:
            return None
        self._rest = rest
        # An editor may tell our edit and what was typed around it in one change.
        ours, all_of_it = TextChange(path, alone, "agent"), TextChange(path, text, rest)
        return [ours] if alone == text else [ours, all_of_it]

    def as_it_is(self) -> Shown:
        """The text that is there when all waiting is over."""
        return self.shown or Shown(self.edit.path, self._text, self._rest)
