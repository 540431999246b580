"""Messages in a stream of bytes: a header with Content-Length, an empty line, then the body."""

from __future__ import annotations

from collections.abc import Iterator

MAX_BODY_BYTES = 256 * 1024 * 1024
_MAX_HEADER_BYTES = 64 * 1024
_HEADER_END = b"\r\n\r\n"


class FramingError(ValueError):
    """The stream cannot be cut into messages any more; the connection has to end."""


def frame(body: bytes) -> bytes:
    """A body with its header."""
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


class FrameReader:
    """Cuts a stream into bodies, whatever the pieces are that it comes in."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._body_length: int | None = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Every body that is complete with this piece. Raises FramingError."""
        self._buffer += data
        while (body := self._next()) is not None:
            yield body

    def _next(self) -> bytes | None:
        if self._body_length is None:
            self._body_length = self._take_header()
        if self._body_length is None or len(self._buffer) < self._body_length:
            return None
        body = bytes(self._buffer[: self._body_length])
        del self._buffer[: self._body_length]
        self._body_length = None
        return body

    def _take_header(self) -> int | None:
        end = self._buffer.find(_HEADER_END, 0, _MAX_HEADER_BYTES)
        if end < 0:
            if len(self._buffer) >= _MAX_HEADER_BYTES:
                raise FramingError("The client sent a message header without end.")
            return None
        header = bytes(self._buffer[:end])
        del self._buffer[: end + len(_HEADER_END)]
        return _content_length(header)


def _content_length(header: bytes) -> int:
    for line in header.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return _checked_length(value.strip())
    raise FramingError("The client sent a message without Content-Length.")


def _checked_length(value: bytes) -> int:
    if not value.isdigit():
        raise FramingError("The client sent a Content-Length that is not a number.")
    # The digits are counted first, because Python refuses to read a number of many thousand.
    if len(value) > 12 or int(value) > MAX_BODY_BYTES:
        raise FramingError(f"The client announced a message of more than {MAX_BODY_BYTES >> 20} MiB.")
    return int(value)
