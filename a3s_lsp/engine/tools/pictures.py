"""Images that a model can look at, known by their bytes."""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeAlias

from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.messages import Attachment
from a3s_lsp.engine.ports import ToolResult

HEAD_BYTES = 16
MOST_BYTES = 5 * 1024 * 1024
MOST_PIXELS = 8_000
_SMALLER = "make a smaller copy, for instance with: magick in.png -resize 1500x1500 out.png, and read that"

Size: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of image; `size` finds its width and height, and None if it is damaged."""

    name: str
    media_type: str
    size: Callable[[bytes], Size | None]


def format_of(head: bytes) -> Format | None:
    """The kind of image that begins with these bytes."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return Format("PNG", "image/png", _png)
    if head.startswith(b"\xff\xd8\xff"):
        return Format("JPEG", "image/jpeg", _jpeg)
    if head.startswith((b"GIF87a", b"GIF89a")):
        return Format("GIF", "image/gif", _gif)
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return Format("WebP", "image/webp", _webp)
    return None


def picture(file: BinaryIO, path: Path, kind: Format) -> ToolResult:
    """The image for the model, and a line about it. Raises ToolError if no model would take it."""
    data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise _unfit(path, f"the {kind.name} image has more than {MOST_BYTES} bytes, which is too much; {_SMALLER}")
    size = kind.size(data)
    if size is None or 0 in size:
        raise _unfit(path, f"it begins like a {kind.name} image, but is damaged or not complete")
    width, height = size
    if max(size) > MOST_PIXELS:
        raise _unfit(path, f"the image is {width}x{height} pixels large, and {MOST_PIXELS} is the most; {_SMALLER}")
    metadata: dict[str, object] = {
        "media_type": kind.media_type,
        "width": width,
        "height": height,
        "bytes": len(data),
    }
    shown = Attachment(base64.b64encode(data).decode(), kind.media_type)
    text = f"{kind.name} image, {width}x{height} pixels, {len(data)} bytes."
    return ToolResult(text, metadata=metadata, attachments=(shown,))


def _unfit(path: Path, reason: str) -> ToolError:
    return ToolError(f"Failed to read file {path}: {reason}.", {"type": "unsupported", "path": str(path)})


def _png(data: bytes) -> Size | None:
    if data[12:16] != b"IHDR" or len(data) < 33 or b"IEND" not in data[-64:]:
        return None
    return _pair(">II", data, 16)


def _gif(data: bytes) -> Size | None:
    return _pair("<HH", data, 6) if len(data) > 13 else None


def _jpeg(data: bytes) -> Size | None:
    for marker, body in _segments(data):
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            found = _pair(">HH", body, 1)
            return None if found is None else (found[1], found[0])
    return None


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xFF:  # padding
            at += 1
            continue
        yield marker, data[at + 4 : at + 2 + length]
        at += 2 + length


def _webp(data: bytes) -> Size | None:
    match data[12:16]:
        case b"VP8X" if len(data) >= 30:
            return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
        case b"VP8L" if len(data) >= 25:
            bits = int.from_bytes(data[21:25], "little")
            return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        case b"VP8 ":
            found = _pair("<HH", data, 26)
            return None if found is None else (found[0] & 0x3FFF, found[1] & 0x3FFF)
        case _:
            return None


def _pair(layout: str, data: bytes, at: int) -> Size | None:
    if len(data) < at + struct.calcsize(layout):
        return None
    first, second = struct.unpack_from(layout, data, at)
    return int(first), int(second)
