"""Where the files of a session are: on this machine, or in a bucket; and a repository that is asked over HTTP."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

from a3s_lsp.engine.workspace.remote_git import RemoteGitSpec
from a3s_lsp.engine.workspace.s3 import BucketSpec
from a3s_lsp.sdk.checks import count, lower, optional_string, string


class LocalWorkspaceBackend:
    """The files of a folder; what runs, runs in it."""

    def __init__(self, root: str) -> None:
        self.root = string("root", root)

    def __repr__(self) -> str:
        return f'LocalWorkspaceBackend(root="{self.root}")'


class S3WorkspaceBackend:
    """The objects of a bucket below a prefix, on S3 or a server that speaks its language. There are no commands and no
    git there; `search_enabled` allows grep and glob, which list and download objects."""

    def __init__(
        self,
        bucket: str,
        prefix: str,
        access_key_id: str,
        secret_access_key: str,
        endpoint: str | None = None,
        region: str | None = None,
        session_token: str | None = None,
        force_path_style: bool = False,
        max_read_bytes: int | None = None,
        search_enabled: bool = False,
        max_objects_scanned: int | None = None,
        max_grep_bytes_per_object: int | None = None,
        search_concurrency: int | None = None,
    ) -> None:
        self.bucket, self.prefix = string("bucket", bucket), string("prefix", prefix)
        self.access_key_id = string("access_key_id", access_key_id)
        self.secret_access_key = string("secret_access_key", secret_access_key)
        self.endpoint, self.region = optional_string("endpoint", endpoint), optional_string("region", region)
        self.session_token = optional_string("session_token", session_token)
        self.force_path_style = _flag("force_path_style", force_path_style)
        self.search_enabled = _flag("search_enabled", search_enabled)
        self.max_read_bytes = _limit("max_read_bytes", max_read_bytes)
        self.max_objects_scanned = _limit("max_objects_scanned", max_objects_scanned)
        self.max_grep_bytes_per_object = _limit("max_grep_bytes_per_object", max_grep_bytes_per_object)
        self.search_concurrency = _limit("search_concurrency", search_concurrency)

    def to_engine(self) -> BucketSpec:
        """The frozen value of the engine. ValueError says what is wrong with this one."""
        if not self.bucket or "/" in self.bucket:
            raise ValueError(f"bucket must be the name of a bucket, not '{self.bucket}'")
        if {".", ".."} & set(self.prefix.split("/")) or "\0" in self.prefix:
            raise ValueError("prefix must not have . or .. among its parts, nor a NUL character")
        if not self.access_key_id or not self.secret_access_key:
            raise ValueError(
                "access_key_id and secret_access_key must be given; those of the surroundings are not used"
            )
        limits = {
            "max_read_bytes": self.max_read_bytes,
            "max_objects_scanned": self.max_objects_scanned,
            "max_grep_bytes_per_object": self.max_grep_bytes_per_object,
            "search_concurrency": self.search_concurrency,
        }
        return BucketSpec(
            self.bucket,
            self.prefix,
            self.access_key_id,
            self.secret_access_key,
            self.endpoint,
            self.region or "us-east-1",
            self.session_token,
            self.force_path_style,
            search_enabled=self.search_enabled,
            **{name: value for name, value in limits.items() if value is not None},
        )

    def __repr__(self) -> str:
        return (
            f'S3WorkspaceBackend(bucket="{self.bucket}", prefix="{self.prefix}", endpoint={_address(self.endpoint)}, '
            f"region={_quoted(self.region)}, force_path_style={lower(self.force_path_style)}, "
            f"search_enabled={lower(self.search_enabled)})"
        )


class RemoteGitBackendConfig:
    """A repository behind an HTTP service, for the tool `git`; the two PEM files are the certificate of this client."""

    def __init__(
        self,
        base_url: str,
        repo_id: str,
        bearer_token: str | None = None,
        client_cert_pem: str | None = None,
        client_key_pem: str | None = None,
        request_timeout_ms: int | None = None,
        max_diff_bytes: int | None = None,
        max_log_entries: int | None = None,
    ) -> None:
        self.base_url, self.repo_id = string("base_url", base_url), string("repo_id", repo_id)
        self.bearer_token = optional_string("bearer_token", bearer_token)
        self.client_cert_pem = optional_string("client_cert_pem", client_cert_pem)
        self.client_key_pem = optional_string("client_key_pem", client_key_pem)
        self.request_timeout_ms = _limit("request_timeout_ms", request_timeout_ms)
        self.max_diff_bytes = _limit("max_diff_bytes", max_diff_bytes)
        self.max_log_entries = _limit("max_log_entries", max_log_entries)

    def to_engine(self) -> RemoteGitSpec:
        """The frozen value of the engine. ValueError says what is wrong with this one."""
        if not self.base_url.lower().startswith(("http://", "https://")):
            raise ValueError(f"base_url must begin with http:// or https://, not {_address(self.base_url)}")
        if not self.repo_id or {"", ".", ".."} & set(self.repo_id.split("/")):
            raise ValueError(f"repo_id must name a repository, not '{self.repo_id}'")
        if (self.client_cert_pem is None) != (self.client_key_pem is None):
            raise ValueError("client_cert_pem and client_key_pem belong together: give both, or none")
        spec = RemoteGitSpec(self.base_url, self.repo_id, self.bearer_token, self.client_cert_pem, self.client_key_pem)
        return replace(
            spec,
            seconds=spec.seconds if self.request_timeout_ms is None else self.request_timeout_ms / 1000,
            max_diff_bytes=self.max_diff_bytes or spec.max_diff_bytes,
            max_log_entries=self.max_log_entries or spec.max_log_entries,
        )

    def __repr__(self) -> str:
        return f'RemoteGitBackendConfig(base_url={_address(self.base_url)}, repo_id="{self.repo_id}")'


def backend_checked(value: object) -> LocalWorkspaceBackend | S3WorkspaceBackend | None:
    """The backend. TypeError if it is none."""
    if value is None or isinstance(value, LocalWorkspaceBackend | S3WorkspaceBackend):
        return value
    raise TypeError("workspace_backend must be a LocalWorkspaceBackend or S3WorkspaceBackend instance")


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be true or false, not {type(value).__name__}")
    return value


def _limit(name: str, value: object) -> int | None:
    if value is None:
        return None
    if (limit := count(name, value)) == 0:
        raise ValueError(f"{name} must be at least 1")
    return limit


def _quoted(text: str | None) -> str:
    return "None" if text is None else f'"{text}"'


def _address(url: str | None) -> str:
    """An address without the name and the password that may stand in it."""
    if url is None:
        return "None"
    try:
        host = urlsplit(url).netloc
    except ValueError:
        return '"(no URL)"'
    return _quoted(url.replace(host, host.rpartition("@")[2]) if "@" in host else url)
