"""The secrets that are known by their value: what the configuration and the environment have under a telling name."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from urllib.parse import quote, unquote, urlsplit

SECRET_NAME = re.compile(
    r"SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|(^|_)(TOKENS?|KEY|PAT)$|_TOKEN_",
    re.IGNORECASE,
)
"""Names of variables and settings whose values are nobody's business."""
_SECRET_HEADER = re.compile(r"authorization|cookie|token|key|secret", re.IGNORECASE)
_SHORTEST = 8
_SHORTEST_LINE = 24
_SHORTEST_ENCODED = 12
_ORDINARY = re.compile(r"[A-Za-z]{1,12}|[\d.,:_-]{1,14}|(?:[A-Za-z]+[ _-])+[A-Za-z]{1,12}")
"""Words and numbers that stand in many texts: as a value they are a placeholder, or no secret."""


def environment_secrets(environ: Mapping[str, str]) -> frozenset[str]:
    """The values of variables that are named like secrets, and the passwords in the URLs of the others."""
    found = {value.strip() for name, value in environ.items() if SECRET_NAME.search(name)}
    found.update(password for value in environ.values() for password in _passwords(value))
    return frozenset(value for value in found if _is_telling(value) and not os.path.exists(value))  # noqa: PTH110  # a variable may hold anything, also what is no path at all


def setting_secrets(settings: object) -> frozenset[str]:
    """What the settings hold under names like `api_key`, and in HTTP headers that say who one is."""
    return frozenset(value for value in _of_settings(settings) if len(value) >= _SHORTEST)


def spellings(value: str) -> frozenset[str]:
    """How a value is written where it is quoted: as it is, in JSON, in a URL, in Base64, and its lines one by one."""
    lines = [line.strip() for line in value.splitlines()] if "\n" in value else []
    written = {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], quote(value, safe="")}
    written.update(line for line in lines if len(line) >= _SHORTEST_LINE)
    written.update(text for text in _encoded(value) if len(text) >= _SHORTEST_ENCODED)
    return frozenset(written)


def _encoded(value: str) -> Iterator[str]:
    """The part of a Base64 text that the value alone decides, wherever in the encoded bytes it begins."""
    data = value.encode(errors="replace")
    for before in range(3):
        text = base64.b64encode(b"\0" * before + data).decode().rstrip("=")
        whole = text[(0, 2, 3)[before] : len(text) - bool((before + len(data)) % 3)]
        yield whole
        yield whole.replace("+", "-").replace("/", "_")


def _is_telling(value: str) -> bool:
    return len(value) >= _SHORTEST and _ORDINARY.fullmatch(value) is None


def _passwords(value: str) -> Iterator[str]:
    if "://" not in value:
        return
    try:
        password = urlsplit(value).password
    except ValueError:
        return
    if password:
        yield from {password, unquote(password)}


def _of_settings(settings: object, name: str = "") -> Iterator[str]:
    match settings:
        case str():
            if SECRET_NAME.search(name):
                yield settings
            yield from _passwords(settings)
        case Mapping():
            for key, item in settings.items():
                yield from _of_header(str(key), item) if isinstance(item, str) else _of_settings(item, name)
        case tuple() | list():
            for item in settings:
                yield from _of_settings(item, name)
        case _ if is_dataclass(settings):
            for each in fields(settings):
                yield from _of_settings(getattr(settings, each.name), each.name)


def _of_header(name: str, value: str) -> Iterator[str]:
    if _SECRET_HEADER.search(name) or SECRET_NAME.search(name):
        yield value
        yield value.rpartition(" ")[2]
    yield from _passwords(value)
