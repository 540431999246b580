"""Where a session works, with the tools that there are in such a place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from a3s_lsp.engine.ports import Tool, Workspace
from a3s_lsp.engine.tools.registry import bucket_tools, builtin_tools
from a3s_lsp.engine.tools.remote_git import RemoteGitTool
from a3s_lsp.engine.workspace.local import LocalWorkspace
from a3s_lsp.engine.workspace.remote_git import RemoteGit, RemoteGitSpec
from a3s_lsp.engine.workspace.s3 import Bucket, BucketSpec
from a3s_lsp.engine.workspace.s3_search import SearchableS3Workspace
from a3s_lsp.engine.workspace.s3_workspace import S3Workspace
from a3s_lsp.sdk.backends import S3WorkspaceBackend
from a3s_lsp.sdk.options import SessionOptions

_NO_CHECKPOINTS = "There are no checkpoints of a bucket: what review.rewind takes back are the edits alone."


@dataclass(frozen=True, slots=True)
class Place:
    """A workspace and its tools. `folder` is where on this machine the programs of the session run; `keys` has what is
    never to be told."""

    workspace: Workspace
    tools: tuple[Tool, ...]
    folder: Path
    keys: tuple[BucketSpec | RemoteGitSpec, ...] = ()
    warnings: tuple[str, ...] = ()


def place_of(workspace: str, options: SessionOptions) -> Place:
    """The place that a program has named. ValueError says what is wrong with it."""
    backend, remote = options.workspace_backend, options.remote_git
    if remote is not None and backend is None:
        raise ValueError("remote_git needs a workspace_backend: the files that belong to the repository")
    if backend is None and workspace.startswith("s3://"):
        raise ValueError(f"the workspace {workspace} needs workspace_backend=S3WorkspaceBackend(…) with its keys")
    asked = None if remote is None else remote.to_engine()
    git: tuple[Tool, ...] = () if asked is None else (RemoteGitTool(RemoteGit(asked)),)
    keys = () if asked is None else (asked,)
    if isinstance(backend, S3WorkspaceBackend):
        spec = backend.to_engine()
        made = SearchableS3Workspace if spec.search_enabled else S3Workspace
        tools = (*bucket_tools(searches=spec.search_enabled), *git)
        warnings = (_NO_CHECKPOINTS,) if options.checkpoint_dir else ()
        return Place(made(Bucket(spec)), tools, Path.cwd(), (spec, *keys), warnings)
    root = Path((workspace if backend is None else backend.root) or ".")
    return Place(LocalWorkspace(root), (*builtin_tools(), *git), root, keys)
