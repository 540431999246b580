"""A bucket of an S3 server: objects read with their version, written only over the version they were made for."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from a3s_lsp.engine.errors import ToolError

if TYPE_CHECKING:
    from botocore.client import BaseClient

_MOST_BYTES = 10 * 1024 * 1024
_CONNECT_SECONDS, _READ_SECONDS, _TRIES = 5, 30, 3
_CONTENT_TYPE = "text/plain; charset=utf-8"
_ABSENT = frozenset({"NoSuchKey", "404", "NotFound"})
_CONFLICTS = frozenset({"PreconditionFailed", "412", "ConditionalRequestConflict", "409"})
_KEY_BYTES = 1024
_REASONS = {
    "NoSuchBucket": "the bucket does not exist",
    "AccessDenied": "access is denied; check what the key may do",
    "403": "access is denied; check what the key may do",
    "InvalidAccessKeyId": "the server does not know the access key",
    "SignatureDoesNotMatch": "the secret access key is not the right one",
    "ExpiredToken": "the session token has expired",
}


@dataclass(frozen=True, slots=True)
class BucketSpec:
    """Which bucket, with which keys, and how much of it may be looked at in one call."""

    bucket: str
    prefix: str = ""
    access_key_id: str = field(default="", repr=False)
    secret_access_key: str = field(default="", repr=False)
    endpoint: str | None = field(default=None, repr=False)
    region: str = "us-east-1"
    session_token: str | None = field(default=None, repr=False)
    force_path_style: bool = False
    max_read_bytes: int = _MOST_BYTES
    search_enabled: bool = False
    max_objects_scanned: int = 500
    max_grep_bytes_per_object: int = 1024 * 1024
    search_concurrency: int = 8

    @property
    def address(self) -> str:
        """`s3://bucket/prefix`, without a slash at the end."""
        return "/".join(("s3:/", self.bucket, *filter(None, self.prefix.split("/"))))

    def key(self, relative: str) -> str:
        """The key of a path below the prefix. ToolError if no key can be that long."""
        key = "/".join((*filter(None, self.prefix.split("/")), *filter(None, (relative,))))
        if len(key.encode()) > _KEY_BYTES:
            raise ToolError(f"The path {relative[:80]}… is too long for S3.", {"type": "invalid_argument"})
        return key


@dataclass(frozen=True, slots=True)
class Stored:
    """An object: its bytes, and the version that these are."""

    data: bytes
    etag: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A page or more of a listing: pseudo folders, and objects with their sizes. Not `complete`: there are more."""

    folders: tuple[str, ...]
    objects: tuple[tuple[str, int], ...]
    complete: bool


class Conflict(Exception):
    """The object has another version than the one that was to be replaced."""


class Bucket:
    """Calls block, and may be made from any thread. All raise ToolError."""

    def __init__(self, spec: BucketSpec) -> None:
        self.spec = spec
        self._lock = threading.Lock()
        self._clients: dict[int, BaseClient] = {}
        self._honest: bool | None = None
        self._bare = False

    # ------------------------------------------------------------ reading

    def get(self, key: str, limit: int | None = None) -> Stored:
        """An object that is not larger than the limit; not_found if there is none."""
        name, most = self._name(key), self.spec.max_read_bytes if limit is None else limit
        with self._told(name):
            answer = self._client(_TRIES).get_object(Bucket=self.spec.bucket, Key=key)
            with answer["Body"] as body:
                size, etag = answer.get("ContentLength"), answer.get("ETag")
                if size is None or not etag:
                    missing = "length" if size is None else "version (ETag)"
                    raise ToolError(f"The server does not tell the {missing} of {name}.", {"type": "backend"})
                if size > most:
                    raise ToolError(
                        f"S3 object {name} is {size} bytes, exceeds workspace max_read_bytes ({most}); "
                        "raise the limit, or read another object.",
                        {"type": "invalid_argument", "path": name},
                    )
                return Stored(body.read(), etag)

    def exists(self, key: str) -> bool:
        """Whether there is an object with this very key."""
        return self._etag(key) is not None

    def list(self, prefix: str, limit: int, delimiter: str = "") -> Listed:
        """What begins with the prefix, up to a number; with a delimiter only as far as that."""
        folders: list[str] = []
        objects: list[tuple[str, int]] = []
        with self._told(self._name(prefix)):
            pages = self._client(_TRIES).get_paginator("list_objects_v2")
            chosen = {"Bucket": self.spec.bucket, "Prefix": prefix, "Delimiter": delimiter}
            for page in pages.paginate(**chosen, PaginationConfig={"PageSize": min(1000, limit + 1)}):
                folders += [each["Prefix"] for each in page.get("CommonPrefixes", ())]
                objects += [(each["Key"], each["Size"]) for each in page.get("Contents", ())]
                if len(folders) + len(objects) > limit:
                    return Listed(tuple(folders[:limit]), tuple(objects[: max(0, limit - len(folders))]), False)
        return Listed(tuple(folders), tuple(objects), True)

    # ------------------------------------------------------------ writing

    def honest(self) -> bool:
        """Whether the server keeps to preconditions: tried out once, where it is not S3 itself."""
        with self._lock:
            known = self._honest
        if known is None:
            known = self.spec.endpoint is None or self._tried()
            with self._lock:
                self._honest = known
        return known

    def put(self, key: str, data: bytes, expected: str | None) -> str:
        """Write an object over the version `expected`, or where there is none; returns the new version."""
        if not self.honest():
            return self._put(key, data, {})
        if expected is None:
            return self._put(key, data, {"IfNoneMatch": "*"})
        try:
            return self._put(key, data, {"IfMatch": expected.strip('"') if self._bare else expected})
        except Conflict:
            # Some servers give versions in quotes, and take them without only.
            if self._bare or self._etag(key) != expected:
                raise
            new = self._put(key, data, {"IfMatch": expected.strip('"')})
            self._bare = True
            return new

    def delete(self, key: str, expected: str) -> None:
        """Take an object of this version away. Servers that do not know the condition take away any."""
        with self._told(self._name(key), writes=True):
            conditions = {"IfMatch": expected} if self.honest() else {}
            self._client(1).delete_object(Bucket=self.spec.bucket, Key=key, **conditions)

    def _put(self, key: str, data: bytes, conditions: Mapping[str, str]) -> str:
        with self._told(self._name(key), writes=True):
            where = {"Bucket": self.spec.bucket, "Key": key}
            answer = self._client(1).put_object(**where, Body=data, ContentType=_CONTENT_TYPE, **conditions)
            return str(answer["ETag"])

    def _etag(self, key: str) -> str | None:
        try:
            with self._told(self._name(key)):
                return str(self._client(_TRIES).head_object(Bucket=self.spec.bucket, Key=key)["ETag"])
        except ToolError as error:
            if (error.kind or {}).get("type") == "not_found":
                return None
            raise

    def _tried(self) -> bool:
        key = self.spec.key(f".a3s-precondition-{uuid.uuid4()}")
        self._put(key, b"1", {"IfNoneMatch": "*"})
        try:
            return all(self._is_refused(key, each) for each in ({"IfNoneMatch": "*"}, {"IfMatch": f'"{"0" * 32}"'}))
        finally:
            with self._told(self._name(key), writes=True):
                self._client(1).delete_object(Bucket=self.spec.bucket, Key=key)

    def _is_refused(self, key: str, conditions: Mapping[str, str]) -> bool:
        try:
            self._put(key, b"2", conditions)
        except Conflict:
            return True
        return False

    # ------------------------------------------------------------ the server

    def _name(self, key: str) -> str:
        return f"s3://{self.spec.bucket}/{key}"

    def _client(self, tries: int) -> BaseClient:
        """What talks to the server. Writes are sent once: whether a second one met the first could not be told."""
        with self._lock:
            if tries not in self._clients:
                self._clients[tries] = _connected(self.spec, tries)
            return self._clients[tries]

    @contextmanager
    def _told(self, name: str, *, writes: bool = False) -> Iterator[None]:
        """What goes wrong, in a sentence that names the object and no key."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", "unknown"))
            if writes and code in _CONFLICTS:
                raise Conflict from None
            if writes and code in _ABSENT:
                raise Conflict from None  # it was to be replaced, and is gone
            if code in _ABSENT:
                raise ToolError(f"path not found: {name}", {"type": "not_found", "path": name}) from None
            raise ToolError(f"{name}: {_REASONS.get(code, f'S3 service error {code}')}.", {"type": "backend"}) from None
        except BotoCoreError as error:
            unsure = " Whether it was written is not known: read it again." if writes else ""
            raise ToolError(
                f"{name}: the S3 server could not be asked (dispatch failure: {type(error).__name__}); "
                f"check the endpoint and the network.{unsure}",
                {"type": "backend"},
            ) from None


def _connected(spec: BucketSpec, tries: int) -> BaseClient:
    from boto3.session import Session
    from botocore.config import Config

    config = Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        retries={"total_max_attempts": tries, "mode": "standard"},
        max_pool_connections=max(10, spec.search_concurrency),
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        ignore_configured_endpoint_urls=True,
        s3={"addressing_style": "path" if spec.force_path_style else "auto"},
    )
    session = Session(spec.access_key_id, spec.secret_access_key, spec.session_token, spec.region)
    return session.client("s3", endpoint_url=spec.endpoint, config=config)
