"""Pages of the web: redirects are followed one by one, each to an address that was checked, up to a size and a time."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.web.reach import Reach

if TYPE_CHECKING:
    import httpx

MOST_BYTES = 5 * 1024 * 1024
_MOST_REDIRECTS = 10
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PLAIN_CODINGS = frozenset({"", "identity", "gzip", "deflate"})
_HEADERS = {
    "User-Agent": "a3s-lsp (a coding agent; fetches single pages when a person asks for them)",
    "Accept": "text/html,application/xhtml+xml,text/*;q=0.9,application/json;q=0.9,*/*;q=0.5",
    "Accept-Language": "en,*;q=0.5",
    "Accept-Encoding": "gzip, deflate",
}
_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?([\w-]{1,40})""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Page:
    """What came from an address in the end; `kind` is the media type without its parameters."""

    url: str
    status: int
    kind: str
    charset: str
    body: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """The body as text, in the encoding that the server or the page names, else UTF-8."""
        named = self.charset or next((found[1].decode() for found in [_CHARSET.search(self.body[:4096])] if found), "")
        try:
            return self.body.decode(named or "utf-8-sig", errors="replace")
        except LookupError:
            return self.body.decode("utf-8-sig", errors="replace")


async def fetch(url: str, reach: Reach, seconds: float, proxy: str | None = None) -> Page:
    """The page. A server's refusal is a page too; ToolError says why there is none."""
    import httpx

    try:
        async with asyncio.timeout(seconds), _client(None if proxy is None else await _pinned(proxy, reach)) as client:
            return await _followed(client, _parsed(url), reach, proxied=proxy is not None)
    except TimeoutError:
        raise ToolError(f"Failed to fetch URL {url}: no answer within {seconds:g} s.", {"type": "timeout"}) from None
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, ImportError) as error:
        reason = str(error) or type(error).__name__
        raise ToolError(f"Failed to fetch URL {url}: {reason}.", {"type": "backend"}) from None


async def _pinned(proxy: str, reach: Reach) -> httpx.URL:
    """The proxy, at an address that was checked."""
    parsed = _parsed(proxy)
    return parsed.copy_with(host=(await _checked(parsed, reach))[0])


def _client(proxy: httpx.URL | None) -> httpx.AsyncClient:
    import httpx

    return httpx.AsyncClient(
        headers=_HEADERS, trust_env=False, follow_redirects=False, timeout=None, proxy=proxy, verify=_trusted()
    )


@cache
def _trusted() -> ssl.SSLContext:
    """The authorities that are trusted; reading them takes a tenth of a second."""
    import httpx

    return httpx.create_ssl_context(trust_env=False)


def _parsed(url: str) -> httpx.URL:
    import httpx

    if not url.lower().startswith(("http://", "https://")):
        raise ToolError(f"URL must start with http:// or https://, not '{url[:80]}'.", {"type": "invalid_argument"})
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ToolError(f"'{url[:80]}' is not a URL: {error}.", {"type": "invalid_argument"}) from None
    if not parsed.host:
        raise ToolError(f"The URL '{url[:80]}' names no host.", {"type": "invalid_argument"})
    if parsed.userinfo:
        raise ToolError("A URL with a name or a password in it is not fetched.", {"type": "invalid_argument"})
    return parsed


async def _checked(url: httpx.URL, reach: Reach, *, needed: bool = True) -> Sequence[str]:
    """The addresses of the host, all of them checked; a proxy may know hosts that this machine does not."""
    try:
        return await reach.addresses(url.host, url.port or (443 if url.scheme == "https" else 80))
    except ToolError as error:
        if needed or (error.kind or {}).get("type") != "not_found":
            raise
        return ()


async def _followed(client: httpx.AsyncClient, url: httpx.URL, reach: Reach, *, proxied: bool) -> Page:
    for _ in range(_MOST_REDIRECTS + 1):
        addresses = await _checked(url, reach, needed=not proxied)
        answer = await _asked(client, url, None if proxied else addresses)
        try:
            target = answer.headers.get("location")
            if answer.status_code not in _REDIRECTS or not target:
                return await _read(answer, url)
        finally:
            await answer.aclose()
        url = _parsed(str(url.join(target)))
    raise ToolError(f"Failed to fetch URL {url}: more than {_MOST_REDIRECTS} redirects.", {"type": "invalid_argument"})


async def _asked(client: httpx.AsyncClient, url: httpx.URL, addresses: Sequence[str] | None) -> httpx.Response:
    """The answer of the server at one of the addresses, which are not looked up again."""
    import httpx

    if addresses is None:
        return await client.send(client.build_request("GET", url), stream=True)
    failed: httpx.TransportError = httpx.ConnectError("no address")
    headers, name = {"Host": url.netloc.decode()}, {"sni_hostname": url.host}
    for address in addresses:
        request = client.build_request("GET", url.copy_with(host=address), headers=headers, extensions=name)
        try:
            return await client.send(request, stream=True)
        except httpx.ConnectError as error:
            failed = error
    raise failed


async def _read(answer: httpx.Response, url: httpx.URL) -> Page:
    coding = answer.headers.get("content-encoding", "").strip().lower()
    if coding not in _PLAIN_CODINGS:  # what is packed twice may be any size when it is unpacked
        raise ToolError(f"Failed to fetch URL {url}: it is packed as {coding[:40]}.", {"type": "unsupported"})
    size = answer.headers.get("content-length", "")
    body = bytearray()
    if not (size.isdigit() and int(size) > MOST_BYTES):
        async for piece in answer.aiter_bytes(65536):
            body += piece
            if len(body) > MOST_BYTES:
                break
        else:
            kind, charset = _kind(answer.headers)
            return Page(str(url), answer.status_code, kind, charset, bytes(body))
    raise ToolError(
        f"Failed to fetch URL {url}: it is larger than {MOST_BYTES // 1024 // 1024} MB; look for a smaller page.",
        {"type": "invalid_argument"},
    )


def _kind(headers: Mapping[str, str]) -> tuple[str, str]:
    named, *parameters = headers.get("content-type", "").split(";")
    charset = next((text.partition("=")[2] for text in parameters if text.strip().lower().startswith("charset=")), "")
    return named.strip().lower(), charset.strip().strip("\"'")
