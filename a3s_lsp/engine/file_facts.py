"""The facts about files: what was changed, by whom, what became of it, and the way back. Part of `facts`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from a3s_lsp.engine.changes import ChangeSet
from a3s_lsp.engine.messages import Message

Cause: TypeAlias = Literal["person", "editor", "disk", "agent"]
"""Who changed a text: the person, the editor by itself (format on save, auto-pairs), someone on the disk, or we."""


@dataclass(frozen=True, slots=True)
class FilesChanging:
    """A change set is about to be applied. Written ahead: without a `FilesChanged` after it, the files tell how much of
    it was done when the process died."""

    call_id: str
    changes: ChangeSet
    type: Literal["files_changing"] = "files_changing"


@dataclass(frozen=True, slots=True)
class FilesChanged:
    """A change set was applied. With `undoes` it took back the one that this call had made; with `reverts` it took back
    these hunks. Otherwise its hunks join the ledger."""

    call_id: str
    changes: ChangeSet
    undoes: str | None = None
    reverts: tuple[str, ...] = ()
    type: Literal["files_changed"] = "files_changed"


@dataclass(frozen=True, slots=True)
class TextEdited:
    """A file that this session has changed got other text, and not by this session: what was between `start` and `end`
    was replaced. `text` is None if the file is gone."""

    path: str
    start: int
    end: int
    text: str | None
    cause: Cause
    type: Literal["text_edited"] = "text_edited"


@dataclass(frozen=True, slots=True)
class HunksKept:
    """The person is content with these hunks; they are not under review any more."""

    hunks: tuple[str, ...]
    type: Literal["hunks_kept"] = "hunks_kept"


@dataclass(frozen=True, slots=True)
class HunkChanged:
    """A hunk has another status now. It follows from the facts before it, and is there to be shown. `line` is from
    1."""

    hunk: str
    path: str
    line: int
    status: Literal["applied", "kept", "undone", "tweaked", "superseded"]
    type: Literal["hunk_changed"] = "hunk_changed"


@dataclass(frozen=True, slots=True)
class HunkSplit:
    """A hunk became several, named `<hunk>.1` and so on. `cuts` are offsets into its text before and after, where each
    of them but the first begins."""

    hunk: str
    cuts: tuple[tuple[int, int], ...]
    type: Literal["hunk_split"] = "hunk_split"


@dataclass(frozen=True, slots=True)
class ReviewTold:
    """The model was told what the person did with its changes."""

    text: str
    type: Literal["review_told"] = "review_told"


@dataclass(frozen=True, slots=True)
class Checkpointed:
    """The work tree was kept as it is. `call_id` names the call before (or after) which that was, None for the start of
    the run; `before` tells which."""

    checkpoint: str
    call_id: str | None
    before: bool
    left_out: int = 0
    type: Literal["checkpointed"] = "checkpointed"


@dataclass(frozen=True, slots=True)
class TreeChanged:
    """A command changed files: pairs of a path and `created`, `modified` or `deleted`. The checkpoints before and after
    it have the contents."""

    call_id: str
    before: str
    after: str
    files: tuple[tuple[str, str], ...]
    type: Literal["tree_changed"] = "tree_changed"


@dataclass(frozen=True, slots=True)
class Rewound:
    """The session went back to where it was before the run or the call `to`, or forth to where it was before an
    earlier rewind. With `files` the work tree did; `redo` is the checkpoint of how it was just before, if there is one.
    `messages` is the whole conversation from then on, None if it was left alone; `dropped` is what it was before."""

    id: str
    to: str
    files: bool = False
    redo: str | None = None
    messages: tuple[Message, ...] | None = None
    dropped: tuple[Message, ...] = ()
    type: Literal["rewound"] = "rewound"
