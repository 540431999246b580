"""The conversation with a client: requests, commands, cancellation, and how it begins and ends."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams
from pygls.lsp.server import LanguageServer

from a3s_lsp.engine.errors import StoreError
from a3s_lsp.server.language_server import A3SLanguageServer
from tests.server.memory import MemoryClient

HELLO: dict[str, Any] = {"processId": None, "rootUri": "file:///work", "capabilities": {}}


class Waiting:
    """A handler that waits for ever, and knows whether it was cancelled."""

    def __init__(self) -> None:
        self.started, self.cancelled = asyncio.Event(), asyncio.Event()

    async def __call__(self, params: object) -> None:
        self.started.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled.set()


async def greeted(server: A3SLanguageServer, **hello: object) -> MemoryClient:
    client = MemoryClient(server)
    reply = await client.request("initialize", {**HELLO, **hello})
    assert "result" in reply
    client.notify("initialized", {})
    return client


def make_server() -> A3SLanguageServer:
    return A3SLanguageServer("test", "1")


def code(reply: dict[str, Any]) -> object:
    return reply["error"]["code"]


def message(reply: dict[str, Any]) -> str:
    return str(reply["error"]["message"])


def is_call(method: str) -> Any:
    return lambda received: received.get("method") == method


# ---------------------------------------------------------------- requests


async def test_cancelling_a_custom_request_cancels_its_coroutine() -> None:
    server, waiting = make_server(), Waiting()
    client = await greeted(server)

    @server.feature("a3s/wait")
    async def wait(params: dict[str, object]) -> None:
        await waiting(params)

    client.send({"jsonrpc": "2.0", "id": 7, "method": "a3s/wait", "params": {}})
    await waiting.started.wait()
    client.notify("$/cancelRequest", {"id": 7})
    reply = await client.expect(lambda received: received.get("id") == 7)
    assert code(reply) == -32800
    assert waiting.cancelled.is_set()


async def test_a_request_that_is_cancelled_before_it_starts_is_answered() -> None:
    server = make_server()
    client = await greeted(server)
    server.add_command("a3s.wait", Waiting())
    client.send({"jsonrpc": "2.0", "id": 7, "method": "workspace/executeCommand", "params": {"command": "a3s.wait"}})
    client.notify("$/cancelRequest", {"id": 7})
    assert code(await client.expect(lambda received: received.get("id") == 7)) == -32800


async def test_an_id_that_is_in_use_is_refused() -> None:
    server, waiting = make_server(), Waiting()
    client = await greeted(server)
    server.add_command("a3s.wait", waiting)
    twice = {"jsonrpc": "2.0", "id": 7, "method": "workspace/executeCommand", "params": {"command": "a3s.wait"}}
    client.send(twice)
    client.send(twice)
    assert code(await client.expect(lambda received: received.get("id") == 7)) == -32600
    assert not waiting.cancelled.is_set()


async def test_an_engine_error_reaches_the_client_as_its_sentence() -> None:
    server = make_server()
    client = await greeted(server)

    async def fail(argument: dict[str, object]) -> None:
        raise StoreError("The session log is full; free some space.")

    server.add_command("a3s.fail", fail)
    reply = await client.request("workspace/executeCommand", {"command": "a3s.fail"})
    assert (code(reply), message(reply)) == (-32803, "The session log is full; free some space.")


async def test_an_unexpected_error_stays_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    server = make_server()
    client = await greeted(server)

    async def fail(argument: dict[str, object]) -> None:
        raise KeyError("/home/somebody/.secret")

    server.add_command("a3s.fail", fail)
    reply = await client.request("workspace/executeCommand", {"command": "a3s.fail"})
    assert code(reply) == -32603
    assert ".secret" not in str(reply)
    assert ".secret" in caplog.text


async def test_the_data_of_an_error_reaches_the_client() -> None:
    server = make_server()
    client = await greeted(server)

    @server.feature("a3s/x")
    def fail(params: dict[str, object]) -> None:
        raise JsonRpcException("No.", code=-32050, data={"why": [1]})

    @server.feature("a3s/y")
    def fail_oddly(params: dict[str, object]) -> None:
        raise JsonRpcException("No.", data=object())

    assert (await client.request("a3s/x"))["error"] == {"code": -32050, "message": "No.", "data": {"why": [1]}}
    assert code(await client.request("a3s/y")) == -32603


async def test_a_handler_in_a_thread_is_answered() -> None:
    server = make_server()
    client = await greeted(server)

    @server.thread()
    @server.feature("a3s/x")
    def work(params: dict[str, object]) -> str:
        return "from a thread"

    assert (await client.request("a3s/x"))["result"] == "from a thread"


async def test_a_failing_notification_handler_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    server = make_server()
    client = await greeted(server)

    @server.feature("a3s/x")
    async def fail(params: dict[str, object]) -> None:
        raise ValueError("the cause")

    client.notify("a3s/x", {})
    assert (await client.request("shutdown"))["result"] is None
    assert "Handling a3s/x failed." in caplog.text and "the cause" in caplog.text


async def test_a_feature_for_didchange_sees_the_new_text() -> None:
    server = make_server()
    client = await greeted(server)
    seen: list[str] = []

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def changed(params: types.DidChangeTextDocumentParams) -> None:
        document = server.documents.get(params.text_document.uri)
        assert document is not None
        seen.append(document.text)

    item = {"uri": "file:///a", "languageId": "x", "version": 1, "text": "old"}
    client.notify("textDocument/didOpen", {"textDocument": item})
    client.notify(
        "textDocument/didChange",
        {"textDocument": {"uri": "file:///a", "version": 2}, "contentChanges": [{"text": "new"}]},
    )
    assert seen == ["new"]


# ---------------------------------------------------------------- commands


async def test_a_command_gets_its_argument_as_it_was_sent() -> None:
    server = make_server()

    async def echo(argument: dict[str, object]) -> object:
        return argument

    server.add_command("a3s.echo", echo)
    client = await greeted(server)
    odd = {"content-type": 1, "class": [{"jsonrpc": "2.0"}], "type_name": None, "snake_case": {"camelCase": 1.5}}
    reply = await client.request("workspace/executeCommand", {"command": "a3s.echo", "arguments": [odd]})
    assert reply["result"] == odd


@pytest.mark.parametrize("arguments", [["text"], [{}, {}], [[]], {"a": 1}, "text"])
async def test_anything_but_one_object_is_refused(arguments: object) -> None:
    server = make_server()
    server.add_command("a3s.never", Waiting())
    client = await greeted(server)
    reply = await client.request("workspace/executeCommand", {"command": "a3s.never", "arguments": arguments})
    assert code(reply) == -32602


async def test_a_command_refuses_a_bad_argument_in_its_own_words() -> None:
    server = make_server()
    client = await greeted(server)

    async def strict(argument: dict[str, object]) -> object:
        raise JsonRpcInvalidParams("The field 'text' is missing.")

    server.add_command("a3s.strict", strict)
    reply = await client.request("workspace/executeCommand", {"command": "a3s.strict", "arguments": [{}]})
    assert (code(reply), message(reply)) == (-32602, "The field 'text' is missing.")


async def test_commands_come_and_go_at_run_time() -> None:
    server = make_server()
    client = await greeted(server)

    async def one(argument: dict[str, object]) -> object:
        return 1

    server.add_command("a3s.one", one)
    assert (await client.request("workspace/executeCommand", {"command": "a3s.one"}))["result"] == 1
    server.remove_command("a3s.one")
    assert message(await client.request("workspace/executeCommand", {"command": "a3s.one"})) == (
        "There is no command a3s.one."
    )


# ---------------------------------------------------------------- asking the client


async def test_the_client_is_asked_and_its_answer_is_plain_json() -> None:
    server = make_server()
    client = await greeted(server)
    asking = asyncio.create_task(server.request("workspace/applyEdit", {"edit": {}}))
    question = await client.expect(is_call("workspace/applyEdit"))
    client.send({"jsonrpc": "2.0", "id": question["id"], "result": {"applied": True, "x-more": 1}})
    assert await asking == {"applied": True, "x-more": 1}


async def test_the_methods_of_pygls_get_typed_answers() -> None:
    server = make_server()
    client = await greeted(server)
    asking = asyncio.create_task(
        server.workspace_apply_edit_async(types.ApplyWorkspaceEditParams(types.WorkspaceEdit()))
    )
    question = await client.expect(is_call("workspace/applyEdit"))
    client.send({"jsonrpc": "2.0", "id": question["id"], "result": {"applied": True}})
    assert (await asking).applied is True


@pytest.mark.parametrize(
    "answer",
    [
        {"result": {"applied": {}, "failedChange": "x"}},
        {"error": {"code": -32000, "message": "I will not."}},
        {"error": "odd"},
        {"error": {"code": "odd"}},
    ],
)
async def test_an_answer_that_cannot_be_used_is_an_exception(answer: dict[str, object]) -> None:
    server = make_server()
    client = await greeted(server)
    asking = asyncio.create_task(
        server.workspace_apply_edit_async(types.ApplyWorkspaceEditParams(types.WorkspaceEdit()))
    )
    question = await client.expect(is_call("workspace/applyEdit"))
    client.send({"jsonrpc": "2.0", "id": question["id"], **answer})
    with pytest.raises(JsonRpcException):
        await asking


async def test_what_is_not_json_is_not_sent() -> None:
    server = make_server()
    client = await greeted(server)
    before = len(client.received)
    with pytest.raises(TypeError, match="cannot be sent as JSON"):
        server.notify("a3s/event", {"a": object()})
    with pytest.raises(ValueError, match="Out of range"):
        await server.request("a3s/ask", {"a": float("inf")})
    assert len(client.received) == before


async def test_a_client_that_goes_leaves_nobody_waiting() -> None:
    server = make_server()
    client = await greeted(server)
    asking = asyncio.create_task(server.request("a3s/ask", {}))
    await client.expect(is_call("a3s/ask"))
    await client.disconnect()
    with pytest.raises(JsonRpcException, match="The editor is gone"):
        await asking
    with pytest.raises(JsonRpcException, match="The editor is gone"):
        await server.request("a3s/ask", {})
    server.notify("a3s/event", {})


async def test_the_stop_button_of_a_progress_cancels_its_token() -> None:
    server = make_server()
    client = await greeted(server)
    server.work_done_progress.begin("token", types.WorkDoneProgressBegin("Working", cancellable=True))
    client.notify("window/workDoneProgress/cancel", {"token": "unknown"})
    assert not server.work_done_progress.tokens["token"].cancelled()
    client.notify("window/workDoneProgress/cancel", {"token": "token"})
    assert server.work_done_progress.tokens["token"].cancelled()


# ---------------------------------------------------------------- the beginning


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (["utf-8", "utf-16"], "utf-8"),
        (["utf-32"], "utf-32"),
        (["utf-7", "utf-16", "utf-8"], "utf-16"),
        (["utf-7"], "utf-16"),
        ([], "utf-16"),
        (None, "utf-16"),
    ],
)
async def test_the_first_encoding_that_both_know_is_chosen(offered: list[str] | None, chosen: str) -> None:
    server = make_server()
    client = MemoryClient(server)
    general = {} if offered is None else {"positionEncodings": offered}
    reply: Any = await client.request("initialize", {**HELLO, "capabilities": {"general": general}})
    assert reply["result"]["capabilities"]["positionEncoding"] == chosen
    assert server.documents.encoding == chosen


async def test_a_handler_of_initialize_can_add_experimental_capabilities() -> None:
    server = make_server()

    @server.feature(types.INITIALIZE)
    async def initialize(params: types.InitializeParams) -> None:
        server.experimental = {"a3s": params.initialization_options}

    reply: Any = await MemoryClient(server).request("initialize", {**HELLO, "initializationOptions": {"class": 1}})
    assert reply["result"]["capabilities"]["experimental"] == {"a3s": {"class": 1}}


async def test_the_capabilities_are_those_of_stock_pygls() -> None:
    ours, stock = make_server(), LanguageServer("stock", "1")
    for server in (ours, stock):
        server.feature(types.TEXT_DOCUMENT_CODE_LENS)(lambda params: [])
        server.feature(types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=["/"]))(
            lambda params: []
        )
        server.feature(types.TEXT_DOCUMENT_DID_SAVE)(lambda params: None)
    reply: Any = await MemoryClient(ours).request("initialize", HELLO)
    generator = stock.protocol.lsp_initialize(types.InitializeParams(capabilities=types.ClientCapabilities()))
    with pytest.raises(StopIteration) as stopped:
        next(generator)
    plain = stock.protocol._converter.unstructure(stopped.value.value.capabilities)
    theirs = {name: value for name, value in plain.items() if not name.startswith("notebook")}
    assert reply["result"]["capabilities"] == theirs


async def test_roots_follow_the_folders_of_the_client() -> None:
    server = make_server()
    folders = [{"uri": "file:///one", "name": "one"}, {"uri": "vscode-remote://two", "name": "two"}]
    client = await greeted(server, workspaceFolders=folders)
    assert [str(root) for root in server.roots()] == ["/one"]
    event = {"added": [{"uri": "file:///three%20four", "name": "three"}], "removed": [folders[0]]}
    client.notify("workspace/didChangeWorkspaceFolders", {"event": event})
    assert [str(root) for root in server.roots()] == ["/three four"]


async def test_the_root_uri_stands_for_missing_folders() -> None:
    server = make_server()
    await greeted(server)
    assert [str(root) for root in server.roots()] == ["/work"]


# ---------------------------------------------------------------- the end


@pytest.mark.parametrize(
    ("goodbye", "exit_code"), [(("shutdown", "exit"), 0), (("exit",), 1), (("shutdown",), 0), ((), 1)]
)
async def test_only_a_shutdown_makes_for_exit_code_zero(goodbye: tuple[str, ...], exit_code: int) -> None:
    server = make_server()
    client = await greeted(server)
    if "shutdown" in goodbye:
        await client.request("shutdown")
    if "exit" in goodbye:
        client.notify("exit")
        assert server.protocol.ended.is_set()
    assert await client.disconnect() == exit_code


async def test_a_client_that_goes_ends_handlers_and_tasks() -> None:
    server, handler, task = make_server(), Waiting(), Waiting()
    client = await greeted(server)
    server.add_command("a3s.wait", handler)
    client.send({"jsonrpc": "2.0", "id": 7, "method": "workspace/executeCommand", "params": {"command": "a3s.wait"}})
    server.run_task(task(None), "a task")
    await handler.started.wait()
    await client.disconnect()
    assert handler.cancelled.is_set() and task.cancelled.is_set()


async def test_all_farewells_are_said_even_if_one_fails(caplog: pytest.LogCaptureFixture) -> None:
    server, said = make_server(), asyncio.Event()
    client = await greeted(server)

    async def fail() -> None:
        raise RuntimeError("a farewell that fails")

    async def say() -> None:
        said.set()

    server.on_disconnect(fail)
    server.on_disconnect(say)
    await client.disconnect()
    assert said.is_set()
    assert "a farewell that fails" in caplog.text


async def test_notifications_before_initialize_and_after_shutdown_are_ignored() -> None:
    server, seen = make_server(), list[object]()
    server.feature("a3s/x")(lambda params: seen.append(params))
    client = MemoryClient(server)
    client.notify("a3s/x", "too early")
    await client.request("initialize", HELLO)
    client.notify("a3s/x", "in time")
    await client.request("shutdown")
    client.notify("a3s/x", "too late")
    assert seen == ["in time"]


async def test_a_request_without_an_id_changes_nothing() -> None:
    server = make_server()
    client = await greeted(server)
    client.notify("initialize", {**HELLO, "capabilities": {"general": {"positionEncodings": ["utf-8"]}}})
    client.notify("shutdown")
    assert server.documents.encoding == "utf-16"
    assert code(await client.request("a3s/nothing")) == -32601


async def test_nothing_is_taken_after_exit() -> None:
    server = make_server()
    client = await greeted(server)
    client.notify("exit")
    client.send({"jsonrpc": "2.0", "id": 7, "method": "a3s/x"})
    assert not [received for received in client.received if received.get("id") == 7]


async def test_pygls_errors_are_logged_and_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    server = make_server()
    client = await greeted(server)
    with caplog.at_level(logging.ERROR):
        server.report_server_error(ValueError("inner"), JsonRpcException)
    assert "inner" in caplog.text
    assert not [received for received in client.received if received.get("method") == "window/showMessage"]


# ---------------------------------------------------------------- whatever a client sends

KEYS = ("uri", "textDocument", "position", "id", "token", "command")
json_values: st.SearchStrategy[object] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=3) | st.sampled_from(("uri", "textDocument", "position", "id")), inner, max_size=4
        )
    ),
    max_leaves=8,
)
methods = st.sampled_from(sorted({*types.METHOD_TO_TYPES, "a3s/x"} - {"shutdown", "exit", "initialize"}))


@settings(max_examples=300, derandomize=True, deadline=None)
@given(methods, json_values)
async def test_every_request_is_answered_once_whatever_its_parameters(method: str, params: object) -> None:
    server = make_server()
    client = await greeted(server)
    server.feature(method)(lambda params: None)
    client.notify(method, params)
    await client.request(method, params)
    ids = [str(received.get("id")) for received in client.received if "method" not in received]
    assert sorted(ids) == ["client-1", "client-2"]
    assert not [received for received in client.received if received.get("method") == "window/showMessage"]


parts_of_messages = st.sampled_from(("jsonrpc", "id", "method", "params", "result", "error"))


@settings(max_examples=200, derandomize=True, deadline=None)
@given(json_values | st.dictionaries(parts_of_messages, json_values | st.just("2.0")))
async def test_no_message_ends_the_conversation(message: object) -> None:
    server = make_server()
    client = await greeted(server)
    client.send(message)
    assert (await client.request("shutdown"))["result"] is None
