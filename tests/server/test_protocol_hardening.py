"""What the protocol layer promises, next to what stock pygls does in the same situation.

Each scenario is played on both. Where stock pygls fails it is listed as defective, so that we notice when it is
mended and our own code for it can go.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import pytest
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from a3s_lsp.server.language_server import A3SLanguageServer
from tests.server.memory import MemoryClient

Message = dict[str, Any]
INITIALIZE: Message = {"processId": None, "rootUri": None, "capabilities": {}}


class Door(Protocol):
    """A server with a client in the same event loop."""

    server: LanguageServer
    received: list[Message]

    def receive(self, body: str) -> None:
        """Bring one message, as text, to the server."""


class Hardened:
    """Our server."""

    def __init__(self) -> None:
        self.server: LanguageServer = A3SLanguageServer("hardened", "1")
        assert isinstance(self.server, A3SLanguageServer)
        self.received: list[Message] = MemoryClient(self.server).received
        self.receive = self.server.protocol.receive


class Stock:
    """A server of pygls as it is, fed as its own reader feeds it."""

    def __init__(self) -> None:
        self.server = LanguageServer("stock", "1")
        self.received: list[Message] = []
        self.server.protocol.set_writer(self, include_headers=False)

    def receive(self, body: str) -> None:
        protocol = self.server.protocol
        try:
            protocol.handle_message(json.loads(body, object_hook=protocol.structure_message))
        except Exception as error:
            self.server.report_server_error(error, JsonRpcException)

    def write(self, data: bytes) -> None:
        self.received.append(json.loads(data))

    def close(self) -> None:
        pass


async def settle() -> None:
    """Let everything run that can run; nothing here waits for the outside."""
    for _ in range(20):
        await asyncio.sleep(0)


async def send(door: Door, *messages: object) -> None:
    for message in messages:
        door.receive(json.dumps(message))
    await settle()


def call(method: str, params: object = None, **more: object) -> Message:
    return {"jsonrpc": "2.0", "method": method, **({} if params is None else {"params": params}), **more}


async def greet(door: Door) -> None:
    await send(door, call("initialize", INITIALIZE, id="hello"), call("initialized", {}))


def replies(door: Door, msg_id: object) -> list[Message]:
    return [message for message in door.received if message.get("id") == msg_id and "method" not in message]


def reply(door: Door, msg_id: object) -> Message:
    found = replies(door, msg_id)
    assert len(found) == 1, f"{len(found)} replies to {msg_id}"
    return found[0]


def error_code(door: Door, msg_id: object) -> object:
    return reply(door, msg_id).get("error", {}).get("code")


def popups(door: Door) -> list[Message]:
    return [message for message in door.received if message.get("method") == "window/showMessage"]


def asked(door: Door, method: str) -> Message:
    found = [message for message in door.received if message.get("method") == method]
    assert found, f"the client got no {method}"
    return found[0]


class Held:
    """A coroutine that waits, and knows how it ended."""

    def __init__(self) -> None:
        self.started = self.cancelled = False

    async def run(self) -> None:
        self.started = True
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise


# ---------------------------------------------------------------- scenarios in which stock pygls fails


async def invalid_parameters_are_answered(door: Door) -> None:
    door.server.feature("textDocument/hover")(lambda params: None)
    await greet(door)
    await send(door, call("textDocument/hover", {"textDocument": {"uri": 5}}, id=1))
    assert error_code(door, 1) == -32602


async def a_custom_request_without_parameters_is_answered(door: Door) -> None:
    door.server.feature("a3s/x")(lambda params: "fine")
    await greet(door)
    await send(door, call("a3s/x", id=1))
    assert reply(door, 1)["result"] == "fine"


async def an_unknown_request_without_parameters_is_answered(door: Door) -> None:
    await greet(door)
    await send(door, call("a3s/nothing", id=1))
    assert error_code(door, 1) == -32601


async def a_nested_message_is_data(door: Door) -> None:
    door.server.feature("a3s/x")(lambda params: params)
    await greet(door)
    embedded = {"inner": call("tools/call", {"a": 1}, id=9)}
    await send(door, call("a3s/x", embedded, id=1))
    assert reply(door, 1)["result"] == embedded


ODD_KEYS = {"content-type": 1, "class": 2, "type_name": "kept", "_": [{"a b": {"jsonrpc": None}}], "1": {}}


async def custom_parameters_arrive_as_they_were_sent(door: Door) -> None:
    seen: list[object] = []
    door.server.feature("a3s/x")(lambda params: seen.append(params))
    await greet(door)
    await send(door, call("a3s/x", ODD_KEYS))
    assert seen == [ODD_KEYS]


async def custom_results_arrive_as_they_were_sent(door: Door) -> None:
    await greet(door)
    result = asyncio.ensure_future(door.server.protocol.send_request_async("a3s/ask", {}))
    await settle()
    await send(door, {"jsonrpc": "2.0", "id": asked(door, "a3s/ask")["id"], "result": ODD_KEYS})
    assert result.done() and result.result() == ODD_KEYS


async def cancelling_a_command_stops_its_coroutine(door: Door) -> None:
    held = Held()

    @door.server.command("a3s.hold")
    async def hold(*_: object) -> None:
        await held.run()

    await greet(door)
    await send(door, call("workspace/executeCommand", {"command": "a3s.hold", "arguments": [{}]}, id=1))
    assert held.started
    await send(door, call("$/cancelRequest", {"id": 1}))
    assert error_code(door, 1) == -32800
    assert held.cancelled


async def an_abandoned_request_is_cancelled_at_the_client(door: Door) -> None:
    await greet(door)
    waiting = asyncio.ensure_future(door.server.protocol.send_request_async("a3s/ask", {}))
    await settle()
    waiting.cancel()
    await settle()
    assert asked(door, "$/cancelRequest")["params"] == {"id": asked(door, "a3s/ask")["id"]}


async def a_late_answer_is_dropped_silently(door: Door) -> None:
    await greet(door)
    waiting = asyncio.ensure_future(door.server.protocol.send_request_async("a3s/ask", {}))
    await settle()
    waiting.cancel()
    await settle()
    await send(door, {"jsonrpc": "2.0", "id": asked(door, "a3s/ask")["id"], "result": {}})
    assert popups(door) == []


async def shutdown_ends_what_is_in_flight(door: Door) -> None:
    held = Held()

    @door.server.command("a3s.hold")
    async def hold(*_: object) -> None:
        await held.run()

    await greet(door)
    for msg_id in range(3):
        await send(door, call("workspace/executeCommand", {"command": "a3s.hold", "arguments": [{}]}, id=msg_id))
    await send(door, call("shutdown", id="bye"))
    assert "error" not in reply(door, "bye")
    assert [error_code(door, msg_id) for msg_id in range(3)] == [-32800] * 3
    assert held.cancelled


async def a_change_of_an_unopened_document_is_not_shown(door: Door) -> None:
    await greet(door)
    change = {"textDocument": {"uri": "file:///no", "version": 1}, "contentChanges": [{"text": "x"}]}
    await send(door, call("textDocument/didChange", change))
    assert popups(door) == []


async def a_failing_notification_handler_is_not_shown(door: Door) -> None:
    def fail(params: object) -> None:
        raise ValueError("secret detail")

    door.server.feature("a3s/x")(fail)
    await greet(door)
    await send(door, call("a3s/x", {}))
    assert popups(door) == []


async def an_error_reply_has_no_traceback(door: Door) -> None:
    def fail(params: object) -> None:
        raise ValueError("secret detail")

    door.server.feature("a3s/x")(fail)
    await greet(door)
    await send(door, call("a3s/x", {}, id=1))
    assert error_code(door, 1) == -32603
    assert "Traceback" not in str(reply(door, 1)) and "secret" not in str(reply(door, 1))
    assert "data" not in reply(door, 1)["error"]


async def a_request_before_initialize_is_refused(door: Door) -> None:
    door.server.feature("a3s/x")(lambda params: "done")
    await send(door, call("a3s/x", {}, id=1))
    assert error_code(door, 1) == -32002


async def a_second_initialize_is_refused(door: Door) -> None:
    await greet(door)
    await send(door, call("initialize", INITIALIZE, id="again"))
    assert error_code(door, "again") == -32600


async def a_request_after_shutdown_is_refused(door: Door) -> None:
    door.server.feature("a3s/x")(lambda params: "done")
    await greet(door)
    await send(door, call("shutdown", id="bye"), call("a3s/x", {}, id=1))
    assert error_code(door, 1) == -32600


async def an_array_of_messages_is_understood(door: Door) -> None:
    door.server.feature("a3s/x")(lambda params: "done")
    await greet(door)
    await send(door, [call("a3s/x", {}, id=1), call("a3s/x", {}, id=2), 3])
    assert [reply(door, msg_id)["result"] for msg_id in (1, 2)] == ["done", "done"]
    assert error_code(door, None) == -32600


async def malformed_json_is_answered(door: Door) -> None:
    await greet(door)
    door.receive('{"jsonrpc": "2.0", "id": 1, ')
    assert error_code(door, None) == -32700


async def a_message_that_is_none_is_answered(door: Door) -> None:
    await greet(door)
    await send(door, {"jsonrpc": "2.0", "id": 4})
    assert error_code(door, 4) == -32600


async def a_command_without_arguments_gets_an_empty_object(door: Door) -> None:
    @door.server.command("a3s.echo")
    async def echo(argument: dict[str, object]) -> object:
        return argument

    await greet(door)
    await send(door, call("workspace/executeCommand", {"command": "a3s.echo"}, id=1))
    assert reply(door, 1).get("result") == {}


async def a_result_that_is_not_json_is_an_error(door: Door) -> None:
    door.server.feature("a3s/x")(lambda params: {"a": float("nan")})
    door.server.feature("a3s/y")(lambda params: {"a": object()})
    await greet(door)
    await send(door, call("a3s/x", {}, id=1), call("a3s/y", {}, id=2))
    assert (error_code(door, 1), error_code(door, 2)) == (-32603, -32603)


async def form_feeds_do_not_end_lines(door: Door) -> None:
    await greet(door)
    item = {"uri": "file:///a", "languageId": "x", "version": 1, "text": "a\fb\u2028c\nd"}
    at = {"line": 1, "character": 0}
    change = {
        "textDocument": {"uri": "file:///a", "version": 2},
        "contentChanges": [{"range": {"start": at, "end": at}, "text": "X"}],
    }
    await send(door, call("textDocument/didOpen", {"textDocument": item}), call("textDocument/didChange", change))
    assert text_of(door, "file:///a") == "a\fb\u2028c\nXd"


def text_of(door: Door, uri: str) -> str:
    if isinstance(door.server, A3SLanguageServer):
        document = door.server.documents.get(uri)
        assert document is not None
        return document.text
    return str(door.server.workspace.get_text_document(uri).source)


DEFECTIVE_IN_STOCK: list[Callable[[Door], Awaitable[None]]] = [
    invalid_parameters_are_answered,
    a_custom_request_without_parameters_is_answered,
    an_unknown_request_without_parameters_is_answered,
    a_nested_message_is_data,
    custom_parameters_arrive_as_they_were_sent,
    custom_results_arrive_as_they_were_sent,
    cancelling_a_command_stops_its_coroutine,
    an_abandoned_request_is_cancelled_at_the_client,
    a_late_answer_is_dropped_silently,
    shutdown_ends_what_is_in_flight,
    a_change_of_an_unopened_document_is_not_shown,
    a_failing_notification_handler_is_not_shown,
    an_error_reply_has_no_traceback,
    a_request_before_initialize_is_refused,
    a_second_initialize_is_refused,
    a_request_after_shutdown_is_refused,
    an_array_of_messages_is_understood,
    malformed_json_is_answered,
    a_message_that_is_none_is_answered,
    a_command_without_arguments_gets_an_empty_object,
    a_result_that_is_not_json_is_an_error,
    form_feeds_do_not_end_lines,
]


@pytest.mark.parametrize("scenario", DEFECTIVE_IN_STOCK, ids=lambda scenario: scenario.__name__)
async def test_the_hardened_server_keeps_its_promise(scenario: Callable[[Door], Awaitable[None]]) -> None:
    await scenario(Hardened())


@pytest.mark.parametrize("scenario", DEFECTIVE_IN_STOCK, ids=lambda scenario: scenario.__name__)
async def test_stock_pygls_is_still_defective(scenario: Callable[[Door], Awaitable[None]]) -> None:
    with pytest.raises(AssertionError):
        await scenario(Stock())
