"""pytest-lsp over stdio: the agent with what real editors announce, and with nothing of ours."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_lsp
from lsprotocol import types
from pytest_lsp import ClientServerConfig, LanguageClient, client_capabilities, make_test_lsp_client

from a3s_lsp.places import STATE_VARIABLE

pytestmark = pytest.mark.e2e
WITHIN_S = 30


def make_client() -> LanguageClient:
    """A client that takes edits, presses the first button, and knows no message of ours."""
    client = make_test_lsp_client()
    client.edits = asyncio.Queue()  # type: ignore[attr-defined]  # a place for the test

    @client.feature(types.WORKSPACE_APPLY_EDIT)  # type: ignore[untyped-decorator]  # pygls has no types here
    async def apply(ls: LanguageClient, params: types.ApplyWorkspaceEditParams) -> types.ApplyWorkspaceEditResult:
        client.edits.put_nowait(params)  # type: ignore[attr-defined]
        for uri in touched(params.edit):
            asyncio.get_running_loop().call_soon(
                ls.text_document_did_change,
                types.DidChangeTextDocumentParams(
                    types.VersionedTextDocumentIdentifier(2, uri),
                    [types.TextDocumentContentChangeWholeDocument("found = 1\n")],
                ),
            )
        return types.ApplyWorkspaceEditResult(applied=True)

    @client.feature(types.WINDOW_SHOW_MESSAGE_REQUEST)  # type: ignore[untyped-decorator]  # pygls has no types here
    async def press(ls: LanguageClient, params: types.ShowMessageRequestParams) -> types.MessageActionItem:
        assert params.actions
        return params.actions[0]

    @client.feature(types.CLIENT_REGISTER_CAPABILITY)  # type: ignore[untyped-decorator]  # pygls has no types here
    async def register(ls: LanguageClient, params: types.RegistrationParams) -> None:
        return None

    return client


def touched(edit: types.WorkspaceEdit) -> list[str]:
    """The documents of an edit, whose versions are checked where the client can be told them."""
    for change in edit.document_changes or []:
        assert isinstance(change, types.TextDocumentEdit) and change.text_document.version == 1
    documents = [c.text_document.uri for c in edit.document_changes or [] if isinstance(c, types.TextDocumentEdit)]
    return documents or list(edit.changes or {})


@pytest_lsp.fixture(  # type: ignore[untyped-decorator]  # pytest-lsp has no types here
    params=["neovim", "visual_studio_code", "emacs"],
    config=ClientServerConfig(
        server_command=[sys.executable, "-m", "a3s_lsp", "--stdio"],
        client_factory=make_client,
        server_env={**os.environ, STATE_VARIABLE: tempfile.mkdtemp(prefix="a3s-state-")},
    ),
)
async def client(request: pytest.FixtureRequest, lsp_client: LanguageClient, tmp_path: Path) -> AsyncIterator[None]:
    (tmp_path / "a.py").write_text("wanted = 1\n")
    (tmp_path / "b.py").write_text("wanted = 1\n")
    params = types.InitializeParams(
        capabilities=client_capabilities(request.param),
        root_uri=tmp_path.as_uri(),
        workspace_folders=[types.WorkspaceFolder(tmp_path.as_uri(), "w")],
        initialization_options={"a3s": {"model": "offline/assistant"}},
    )
    lsp_client.root = tmp_path  # type: ignore[attr-defined]
    async with asyncio.timeout(WITHIN_S):
        await lsp_client.initialize_session(params)
    yield
    async with asyncio.timeout(WITHIN_S):
        await lsp_client.shutdown_session()


async def command(client: LanguageClient, name: str, argument: dict[str, object]) -> Any:
    async with asyncio.timeout(WITHIN_S):
        return await client.workspace_execute_command_async(types.ExecuteCommandParams(name, [argument]))


async def test_a_rename_is_asked_about_applied_and_told_by_standard_messages(client: LanguageClient) -> None:
    root: Path = client.root  # type: ignore[attr-defined]
    path = root / "a.py"
    client.text_document_did_open(
        types.DidOpenTextDocumentParams(types.TextDocumentItem(path.as_uri(), "python", 1, "wanted = 1\n"))
    )
    started = await command(client, "a3s.prompt", {"text": "rename wanted to found"})
    async with asyncio.timeout(WITHIN_S):
        edit = await client.edits.get()  # type: ignore[attr-defined]
    assert (root / "b.py").read_text() == "found = 1\n", "closed files are written before the editor is asked"
    assert edit.label and touched(edit.edit) == [path.as_uri()]
    assert path.read_text() == "wanted = 1\n", "an open document is the editor's to save"
    said = await command(client, "a3s.history", {"sessionId": started["sessionId"]})
    assert "Messages: " in said["text"]


async def test_the_commands_are_announced_and_bad_input_is_answered(client: LanguageClient) -> None:
    with pytest.raises(Exception, match="'text' is missing"):
        await command(client, "a3s.prompt", {})
    assert (await command(client, "a3s.cancel", {}))["cancelled"] is False
    assert "offline/assistant" in (await command(client, "a3s.model", {}))["text"]
