"""Memory items: what is remembered, and its JSON."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, TypeAlias, get_args

from a3s_lsp.engine.messages import Json

MemoryType: TypeAlias = Literal["episodic", "semantic", "procedural", "working"]
MEMORY_TYPES: tuple[MemoryType, ...] = get_args(MemoryType)
CONTENT_LIMIT = 1024 * 1024
"""Characters that one item may have."""
_SECOND = 1_000_000_000
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?([Zz]|[+-]\d\d:\d\d)")


@dataclass(frozen=True, slots=True)
class MemoryItem:
    """One thing that is remembered. Times are in nanoseconds since the epoch; `importance` goes from 0 to 1."""

    content: str
    importance: float = 0.5
    tags: tuple[str, ...] = ()
    memory_type: MemoryType = "episodic"
    metadata: Mapping[str, str] = field(default_factory=dict)
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    time_ns: int = field(default_factory=time.time_ns)
    access_count: int = 0
    accessed_ns: int | None = None


def storable(text: str) -> str:
    """The text without what no file can hold: halves of surrogate pairs."""
    return text.encode("utf-8", "replace").decode("utf-8")


def success(task: str, tools: Sequence[str], result: str) -> MemoryItem:
    """What worked."""
    task, tools, result = storable(task), [storable(tool) for tool in tools], storable(result)
    return MemoryItem(
        f"Success: {task}\nTools: {', '.join(tools)}\nResult: {result}",
        0.8,
        ("success", "pattern"),
        "procedural",
        {"prompt": task, "tools": ",".join(tools)},
    )


def failure(task: str, error: str, tools: Sequence[str]) -> MemoryItem:
    """What did not work."""
    task, error, tools = storable(task), storable(error), [storable(tool) for tool in tools]
    return MemoryItem(
        f"Failure: {task}\nError: {error}\nAttempted tools: {', '.join(tools)}",
        0.9,
        ("failure", "avoid"),
        "episodic",
        {"prompt": task, "error": error},
    )


def to_json(item: MemoryItem) -> Json:
    """The item as programs see it."""
    return {
        "id": item.id,
        "content": item.content,
        "timestamp": written_time(item.time_ns),
        "importance": item.importance,
        "tags": list(item.tags),
        "memory_type": item.memory_type,
        "metadata": dict(item.metadata),
        "access_count": item.access_count,
        "last_accessed": None if item.accessed_ns is None else written_time(item.accessed_ns),
    }


def from_json(value: object) -> MemoryItem:
    """The item that `to_json`, or another program, wrote. ValueError says what is wrong with it."""
    if not isinstance(value, dict):
        raise ValueError("it is not a JSON object")
    accessed = value.get("last_accessed")
    metadata = value.get("metadata") or {}
    if not isinstance(metadata, dict):
        raise ValueError("'metadata' is not an object")
    return MemoryItem(
        content=_content(value),
        importance=_importance(value.get("importance", 0.5)),
        tags=_tags(value.get("tags") or []),
        memory_type=_memory_type(value.get("memory_type", "episodic")),
        metadata={storable(name): storable(str(text)) for name, text in metadata.items()},
        id=_text(value, "id"),
        time_ns=read_time(_text(value, "timestamp")),
        access_count=_count(value.get("access_count", 0)),
        accessed_ns=None if accessed is None else read_time(str(accessed)),
    )


def _content(value: dict[str, object]) -> str:
    content = _text(value, "content")
    if len(content) > CONTENT_LIMIT:
        raise ValueError(f"'content' has {len(content)} characters; an item may have {CONTENT_LIMIT}")
    return content


def _text(value: dict[str, object], name: str) -> str:
    text = value.get(name)
    if not isinstance(text, str) or not text:
        raise ValueError(f"'{name}' is not a text")
    return storable(text)


def _tags(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(tag, str) for tag in value):
        raise ValueError("'tags' is not a list of texts")
    return tuple(dict.fromkeys(storable(tag) for tag in value))


def _importance(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError("'importance' is not a number from 0 to 1")
    return float(value)


def _memory_type(value: object) -> MemoryType:
    name = value.lower() if isinstance(value, str) else value
    found = next((known for known in MEMORY_TYPES if known == name), None)
    if found is None:
        raise ValueError(f"'memory_type' is none of {', '.join(MEMORY_TYPES)}")
    return found


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
        raise ValueError("'access_count' is not a count")
    return value


def written_time(time_ns: int) -> str:
    """The time as RFC 3339 text in UTC, to the nanosecond."""
    seconds, rest = divmod(time_ns, _SECOND)
    return f"{datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat()}.{rest:09d}Z"


def read_time(text: str) -> int:
    """The time that an RFC 3339 text means. ValueError if it is none."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:40]!r} is not an RFC 3339 time")
    day, clock, fraction, zone = match.groups()
    zone = "+00:00" if zone in "Zz" else zone
    moment = datetime.fromisoformat(f"{day}T{clock}{zone}")
    time_ns = int(moment.timestamp()) * _SECOND + int((fraction or "0").ljust(9, "0"))
    if not 0 <= time_ns < 2**63:
        raise ValueError(f"{text[:40]!r} is out of range")
    return time_ns
