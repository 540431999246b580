"""A repository behind an HTTP service: one POST for each operation, JSON both ways."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

from a3s_lsp.engine.errors import ToolError
from a3s_lsp.engine.messages import Json

if TYPE_CHECKING:
    import ssl

    import httpx

_SMALLEST_CAP = 64 * 1024
_CONFLICTS = (409, 422)
_REASONS = {400: "bad request", 401: "auth failed", 403: "auth failed", 404: "not found"}


@dataclass(frozen=True, slots=True)
class RemoteGitSpec:
    """Where the service is, who asks, and how much is asked for."""

    base_url: str
    repo_id: str
    bearer_token: str | None = field(default=None, repr=False)
    certificate: str | None = None
    """A PEM file, with `key` another: who this client is, for services that want to know."""
    key: str | None = field(default=None, repr=False)
    seconds: float = 30.0
    max_diff_bytes: int = 1024 * 1024
    max_log_entries: int = 200

    @property
    def most_bytes(self) -> int:
        """How much of an answer is taken in."""
        return max(4 * self.max_diff_bytes, _SMALLEST_CAP)

    def url(self, operation: str) -> str:
        """Where an operation is asked for."""
        return f"{self.base_url.rstrip('/')}/v1/repos/{quote(self.repo_id)}/git/{operation}"


class RemoteGit:
    """Asks the service. Redirects are not followed: they could lead the token elsewhere."""

    def __init__(self, spec: RemoteGitSpec) -> None:
        self.spec = spec
        self._trusted: ssl.SSLContext | None = None

    async def ask(self, operation: str, body: Json | None = None) -> Json:
        """What the service answers. Raises ToolError, of the kind remote_git_conflict if a change is in the way."""
        import httpx

        try:
            async with self._client() as client, client.stream("POST", self.spec.url(operation), json=body) as answer:
                text = await self._read(answer, operation)
        except httpx.TimeoutException:
            kind: Json = {"type": "timeout", "op": operation, "duration_ms": round(self.spec.seconds * 1000)}
            raise ToolError(f"remote git '{operation}' has not answered in time; try again.", kind) from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise ToolError(
                f"remote git '{operation}' could not be asked ({type(error).__name__}); "
                "check base_url, the certificate and the network.",
                {"type": "backend"},
            ) from None
        value = _parsed(text)
        if answer.is_success and value is not None:
            return value
        raise _refusal(operation, answer.status_code, value or {})

    def _client(self) -> httpx.AsyncClient:
        import httpx

        spec = self.spec
        headers = {"Authorization": f"Bearer {spec.bearer_token}"} if spec.bearer_token else {}
        if self._trusted is None:
            self._trusted = httpx.create_ssl_context()
            if spec.certificate is not None:
                self._trusted.load_cert_chain(spec.certificate, spec.key)
        return httpx.AsyncClient(headers=headers, timeout=spec.seconds, verify=self._trusted)

    async def _read(self, answer: httpx.Response, operation: str) -> bytes:
        body = bytearray()
        async for piece in answer.aiter_bytes(65536):
            body += piece
            if len(body) > self.spec.most_bytes:
                raise ToolError(
                    f"remote git '{operation}' answers with more than {self.spec.most_bytes} bytes; ask for less.",
                    {"type": "backend"},
                )
        return bytes(body)


def _parsed(text: bytes) -> Json | None:
    try:
        value: object = json.loads(text or b"{}")
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _refusal(operation: str, status: int, value: Mapping[str, object]) -> ToolError:
    told = value.get("error")
    error: Mapping[str, object] = told if isinstance(told, dict) else {}
    code, message = str(error.get("code") or f"HTTP_{status}"), str(error.get("message") or "no reason given")
    if status in _CONFLICTS:
        kind: Json = {"type": "remote_git_conflict", "code": code, "message": message}
        return ToolError(f"remote git conflict: {code}: {message}", kind)
    if 200 <= status < 300:
        return ToolError(f"remote git '{operation}' has not answered with a JSON object.", {"type": "backend"})
    reason = _REASONS.get(status, "failed in the service" if status >= 500 else f"answered HTTP {status}")
    kind = {"type": "not_found", "path": operation} if status == 404 else {"type": "backend"}
    return ToolError(f"remote git '{operation}' {reason}: {code}: {message}", kind)
