"""Reads memory folders of a3s-code: `items/<id>.json`, one item each. Nothing in them is changed."""

from __future__ import annotations

import json
import stat
from dataclasses import dataclass
from pathlib import Path

from a3s_lsp.engine.memory.items import CONTENT_LIMIT, MemoryItem, from_json

_FILE_LIMIT = 8 * CONTENT_LIMIT
_NAMED = 3


@dataclass(frozen=True, slots=True)
class OldFolder:
    """What such a folder holds. `unread` names each file that is no item, and says why."""

    items: tuple[MemoryItem, ...]
    unread: tuple[str, ...]

    @property
    def warning(self) -> str:
        """What was not imported, in a sentence; "" if that is nothing."""
        if not self.unread:
            return ""
        more = f", and {len(self.unread) - _NAMED} more" if len(self.unread) > _NAMED else ""
        return f"Memories that could not be read were not imported: {'; '.join(self.unread[:_NAMED])}{more}."


def read_old_folder(folder: Path) -> OldFolder:
    """The items of the folder; none if it is no such folder. Raises OSError if it cannot be listed."""
    items: list[MemoryItem] = []
    unread: list[str] = []
    source = folder / "items"
    for path in sorted(source.glob("*.json")) if source.is_dir() else ():
        try:
            items.append(from_json(json.loads(_text(path))))
        except RecursionError:
            unread.append(f"{path.name} (it is nested too deeply)")
        except (OSError, ValueError) as error:
            unread.append(f"{path.name} ({getattr(error, 'strerror', None) or error})")
    return OldFolder(tuple(items), tuple(unread))


def _text(path: Path) -> str:
    facts = path.stat()
    if not stat.S_ISREG(facts.st_mode):
        raise ValueError("it is not a file")
    if facts.st_size > _FILE_LIMIT:
        raise ValueError(f"it has {facts.st_size} bytes; {_FILE_LIMIT} are the most")
    return path.read_text(encoding="utf-8")
