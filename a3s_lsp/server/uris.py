"""Paths as URIs and back, for the spellings that editors use.

Which operating system's rules apply is told by the class of the path, so each rule can be tested everywhere.
"""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from urllib.parse import unquote, unquote_to_bytes, urlsplit

_DRIVE = re.compile(r"/[A-Za-z]:(/|$)")


def path_to_uri(path: PurePath) -> str:
    """The file URI of an absolute path. Raises ValueError for a relative one."""
    return path.as_uri()


def uri_to_path(uri: str) -> Path | None:
    """The path that a file URI names, or None for any other URI."""
    pure = posix_path(uri) if os.name == "posix" else windows_path(uri)
    return None if pure is None else Path(pure)


def posix_path(uri: str) -> PurePosixPath | None:
    """The POSIX path that a file URI names, or None."""
    parts = _file_parts(uri)
    if parts is None:
        return None
    # Names on a POSIX disk are bytes, and need not be UTF-8.
    path = unquote_to_bytes(parts[1]).decode("utf-8", "surrogateescape")
    return PurePosixPath(path) if path.startswith("/") else None


def windows_path(uri: str) -> PureWindowsPath | None:
    """The Windows path that a file URI names, with its drive letter in upper case, or None."""
    parts = _file_parts(uri)
    if parts is None:
        return None
    host, path = parts[0], unquote(parts[1])
    if host:
        return PureWindowsPath(f"//{host}{path}")
    if _DRIVE.match(path):
        return PureWindowsPath(path[1].upper() + path[2:])
    return PureWindowsPath(path) if path.startswith("/") else None


def uri_key(uri: str) -> str:
    """The same text for all spellings of one URI: escapes and the case of a drive letter do not count."""
    path = unquote(uri)
    if path.startswith("file:///") and _DRIVE.match(path, 7):
        return path[:8] + path[8].upper() + path[9:]
    return path


def _file_parts(uri: str) -> tuple[str, str] | None:
    try:
        parts = urlsplit(uri)
    except ValueError:  # for instance a broken IPv6 host
        return None
    if parts.scheme != "file":
        return None
    return ("" if parts.netloc == "localhost" else unquote(parts.netloc)), parts.path
