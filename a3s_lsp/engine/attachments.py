"""Images that go with a prompt, looked at before anything is sent."""

from __future__ import annotations

import base64
import binascii

from a3s_lsp.engine.messages import Attachment
from a3s_lsp.engine.tools.pictures import HEAD_BYTES, MOST_BYTES, MOST_PIXELS, format_of

MEDIA_TYPES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_OTHER_NAMES = {"image/jpg": "image/jpeg"}
_OTHER_CONTENTS = {b"%PDF-": "a PDF", b"PK\x03\x04": "a ZIP archive", b"\x7fELF": "a program", b"BM": "a BMP image"}


def image(data: bytes, media_type: str) -> Attachment:
    """The image, under the media type that its content has. ValueError if no model would take it."""
    named = _OTHER_NAMES.get(media_type.strip().lower(), media_type.strip().lower())
    if named not in MEDIA_TYPES:
        raise ValueError(
            f"Attachment of media_type '{media_type[:60]}': images of {', '.join(MEDIA_TYPES)} can be sent."
        )
    if not data:
        raise ValueError("Attachment is empty: its 'data' has no bytes.")
    if len(data) > MOST_BYTES:
        raise ValueError(f"Attachment has {len(data)} bytes, and {MOST_BYTES} is the most: send a smaller copy.")
    kind = format_of(data[:HEAD_BYTES])
    if kind is None:
        other = next((name for magic, name in _OTHER_CONTENTS.items() if data.startswith(magic)), None)
        if other is not None:
            raise ValueError(f"Attachment is {other}, not an image: images of {', '.join(MEDIA_TYPES)} can be sent.")
        return Attachment(base64.b64encode(data).decode(), named)
    size = kind.size(data)
    if size is not None and max(size) > MOST_PIXELS:
        large = f"{size[0]}x{size[1]}"
        raise ValueError(f"Attachment is {large} pixels large, and {MOST_PIXELS} is the most: send a smaller copy.")
    return Attachment(base64.b64encode(data).decode(), kind.media_type)


def image_of_text(text: str, media_type: str) -> Attachment:
    """The same for an image that comes as Base64."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("Attachment is not Base64 text: its 'data' cannot be decoded.") from None
    return image(data, media_type)
