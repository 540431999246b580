"""The language server protocol on top of pygls, with everything mended that pygls 2.1.1 gets wrong.

pygls gives the types, the table of features, the capabilities and the generated methods; how a message is received,
run, answered and cancelled is decided here. Everything happens on the event loop, and handlers that are not
coroutines run at once. `tests/server/test_protocol_hardening.py` has the list of what stock pygls does instead.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

import attrs
from lsprotocol import types
from pygls.capabilities import ServerCapabilitiesBuilder
from pygls.constants import ATTR_EXECUTE_IN_THREAD
from pygls.exceptions import (
    JsonRpcException,
    JsonRpcInvalidParams,
    JsonRpcInvalidRequest,
    JsonRpcMethodNotFound,
    JsonRpcParseError,
    JsonRpcServerNotInitialized,
)
from pygls.protocol import LanguageServerProtocol

from a3s_lsp.server.asking import PendingRequests
from a3s_lsp.server.failures import client_is_gone, reply_to
from a3s_lsp.server.framing import frame
from a3s_lsp.server.jsonrpc import Invalid, MsgId, Notification, Request, Response, call, classify
from a3s_lsp.server.structuring import is_request, structured_params, structured_result
from a3s_lsp.server.textdocuments import Documents, Encoding

if TYPE_CHECKING:
    from cattrs import Converter
    from pygls.lsp.server import LanguageServer

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

_Handler: TypeAlias = Callable[..., object]
_Settle: TypeAlias = Callable[[object, BaseException | None], None]

_GRACE_S = 1.0
_FAREWELL_S = 5.0
_ENCODINGS: dict[str, Encoding] = {"utf-8": "utf-8", "utf-16": "utf-16", "utf-32": "utf-32"}


class HardenedProtocol(LanguageServerProtocol):
    """One conversation with one client.

    Parameters of methods that LSP does not know arrive as the plain JSON value, `{}` if there are none.
    """

    def __init__(self, server: LanguageServer, converter: Converter) -> None:
        self.documents = Documents()
        self.workspace_folders: tuple[types.WorkspaceFolder, ...] = ()
        self.experimental: dict[str, object] = {}
        """What `initialize` answers in `capabilities.experimental`."""
        self.ended = asyncio.Event()
        """Set when the client said `exit`, or is gone."""
        self.on_disconnect: list[Callable[[], Coroutine[object, object, None]]] = []
        self._phase: Literal["new", "initialized", "shut down"] = "new"
        self._running: dict[MsgId, asyncio.Future[object]] = {}
        self._background: set[asyncio.Future[Any]] = set()
        self._pending = PendingRequests(self._send_data)
        super().__init__(server, converter)

    def _register_builtin_features(self) -> None:
        builtins: dict[str, _Handler] = {
            types.INITIALIZE: self._initialize,
            types.SHUTDOWN: self._shut_down,
            types.EXIT: self._exit,
            types.CANCEL_REQUEST: self._cancel,
            types.TEXT_DOCUMENT_DID_OPEN: self.documents.open,
            types.TEXT_DOCUMENT_DID_CHANGE: self.documents.change,
            types.TEXT_DOCUMENT_WILL_SAVE: self.documents.will_save,
            types.TEXT_DOCUMENT_DID_SAVE: self.documents.save,
            types.TEXT_DOCUMENT_DID_CLOSE: self.documents.close,
            types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS: self._did_change_folders,
            types.WORKSPACE_EXECUTE_COMMAND: self._execute_command,
            types.WINDOW_WORK_DONE_PROGRESS_CANCEL: self._cancel_progress,
        }
        for method, handler in builtins.items():
            self.fm.add_builtin_feature(method, handler)

    # ---------------------------------------------------------------- receiving

    def receive(self, body: bytes | str) -> None:
        """Take one message as it came; whatever is wrong with it is answered, not raised."""
        try:
            message = json.loads(body)
        except (ValueError, RecursionError):
            self._reply_error(None, JsonRpcParseError("The message is not valid JSON."))
            return
        self.handle_message(message)

    def structure_message(self, data: dict[str, object]) -> dict[str, object]:
        """The message as it is: types are put on parameters only when their method is known."""
        return data

    def handle_message(self, message: object) -> None:
        """Take one message, or an array of them, as a JSON value."""
        if not isinstance(message, list):
            self._handle(message)
            return
        if not message:
            self._reply_error(None, JsonRpcInvalidRequest("An array of messages must not be empty."))
        for one in message:
            self._handle(one)

    def _handle(self, value: object) -> None:
        if self.ended.is_set():
            return
        match classify(value):
            case Request() as request:
                self._on_request(request)
            case Notification() as notification:
                self._on_notification(notification)
            case Response() as response:
                self._pending.answer(response)
            case Invalid(msg_id, reason):
                self._reply_error(msg_id, JsonRpcInvalidRequest(reason))

    def _on_request(self, request: Request) -> None:
        try:
            self._refuse_out_of_order(request)
            handler = self._builtin(request.method) or self._feature(request.method)
            if handler is None:
                raise JsonRpcMethodNotFound(f"This server does not know the request {request.method}.")
            params = structured_params(self._converter, request.method, request.params)
        except JsonRpcException as error:
            self._reply_error(request.id, error)
            return
        running = self._invoke(handler, params, partial(self._settle_request, request))
        if running is not None:
            self._running[request.id] = running

    def _refuse_out_of_order(self, request: Request) -> None:
        if self._phase == "shut down":
            raise JsonRpcInvalidRequest("The server is shutting down and takes no more requests.")
        if self._phase == "new" and request.method != types.INITIALIZE:
            raise JsonRpcServerNotInitialized("The first request must be initialize.")
        if self._phase == "initialized" and request.method == types.INITIALIZE:
            raise JsonRpcInvalidRequest("The server is initialized already.")
        if request.id in self._running:
            raise JsonRpcInvalidRequest(f"A request with the id {request.id} is still being answered.")

    def _on_notification(self, notification: Notification) -> None:
        method = notification.method
        if method != types.EXIT and self._phase != "initialized":
            _log.warning("The notification %s came before initialize or after shutdown, and is ignored.", method)
            return
        if is_request(method):
            _log.warning("The request %s came without an id, and is ignored.", method)
            return
        handlers = [handler for handler in (self._builtin(method), self._feature(method)) if handler is not None]
        if not handlers:
            _log.debug("The notification %s is not known, and is ignored.", method)
            return
        try:
            params = structured_params(self._converter, method, notification.params)
        except JsonRpcInvalidParams as error:
            _log.error("A notification is ignored. %s", error.message)
            return
        for handler in handlers:
            running = self._invoke(handler, params, partial(_log_failure, method))
            if running is not None:
                self._background.add(running)
                running.add_done_callback(self._background.discard)

    # ---------------------------------------------------------------- running handlers

    def _builtin(self, method: str) -> _Handler | None:
        handler: _Handler | None = self.fm.builtin_features.get(method)
        return handler

    def _feature(self, method: str) -> _Handler | None:
        handler: _Handler | None = self.fm.features.get(method)
        return handler

    def _invoke(self, handler: _Handler, params: object, settle: _Settle) -> asyncio.Future[object] | None:
        """Start a handler; what becomes of it is told to `settle`, at once if the handler is not a coroutine."""
        try:
            outcome = self._start(handler, params)
        except Exception as error:  # the server's guard: no handler may end the connection
            settle(None, error)
            return None
        if not inspect.isawaitable(outcome):
            settle(outcome, None)
            return None
        running = asyncio.ensure_future(outcome)
        running.add_done_callback(partial(_settle_future, settle))
        return running

    def _start(self, handler: _Handler, params: object) -> object:
        if getattr(handler, ATTR_EXECUTE_IN_THREAD, False):
            return asyncio.get_running_loop().run_in_executor(self._server.thread_pool, handler, params)
        return handler(params)

    async def _finish_feature(self, method: str, params: object) -> None:
        """Let the handler that was registered for a builtin method do its part."""
        handler = self._feature(method)
        outcome = None if handler is None else self._start(handler, params)
        if inspect.isawaitable(outcome):
            await outcome

    def _settle_request(self, request: Request, result: object, error: BaseException | None) -> None:
        self._running.pop(request.id, None)
        try:
            if error is None:
                self._send_data({"jsonrpc": "2.0", "id": request.id, "result": result})
            else:
                self._reply_error(request.id, reply_to(request.method, error))
        except (TypeError, ValueError, RecursionError) as unsendable:
            self._reply_error(request.id, reply_to(request.method, unsendable))

    # ---------------------------------------------------------------- sending

    def notify(self, method: str, params: object = None) -> None:
        """Send a notification. Raises TypeError or ValueError if the parameters are not JSON."""
        self._send_data(call(method, params))

    def send_request(
        self,
        method: str,
        params: object = None,
        callback: Callable[[object], None] | None = None,
        msg_id: MsgId | None = None,
    ) -> Future[object]:
        """Ask the client; the result has the type that LSP gives it. Cancelling the future cancels the request."""
        decode = partial(structured_result, self._converter, method)
        future = self._pending.ask(method, params, decode, msg_id)
        if callback is not None:
            future.add_done_callback(partial(_call_back, callback))
        return future

    async def request(self, method: str, params: object = None) -> object:
        """Ask the client; the result is the plain JSON value. Raises JsonRpcException if the client says no, or is
        gone. If the waiting task is cancelled, so is the request."""
        return await asyncio.wrap_future(self._pending.ask(method, params, _as_it_is))

    def _reply_error(self, msg_id: MsgId | None, error: JsonRpcException) -> None:
        content: dict[str, object] = {"code": error.code, "message": error.message}
        if error.data is not None:
            content["data"] = error.data
        self._send_data({"jsonrpc": "2.0", "id": msg_id, "error": content})

    def _send_data(self, data: object) -> None:
        body = json.dumps(data, default=self._serialize_message, allow_nan=False, separators=(",", ":")).encode()
        if self.writer is None:
            _log.debug("A message is dropped, because there is no client.")
            return
        self.writer.write(frame(body) if self._include_headers else body)

    def _serialize_message(self, data: object) -> dict[str, object]:
        if attrs.has(type(data)):
            plain: dict[str, object] = self._converter.unstructure(data)
            return plain
        raise TypeError(f"A {type(data).__name__} cannot be sent as JSON.")

    # ---------------------------------------------------------------- the life of the connection

    def _initialize(self, params: types.InitializeParams) -> object:
        self._phase = "initialized"
        self._server.process_id = params.process_id
        self.client_capabilities = params.capabilities
        self.workspace_folders = _folders(params)
        chosen = ServerCapabilitiesBuilder.choose_position_encoding(params.capabilities)
        self.documents.encoding = _ENCODINGS[types.PositionEncodingKind(chosen).value]
        return self._introduce(params)

    async def _introduce(self, params: types.InitializeParams) -> types.InitializeResult:
        await self._finish_feature(types.INITIALIZE, params)
        builder = ServerCapabilitiesBuilder(
            self.client_capabilities,
            {*self.fm.features, *self.fm.builtin_features},
            self.fm.feature_options,
            list(self.fm.commands),
            types.TextDocumentSyncKind.Incremental,
            position_encoding=types.PositionEncodingKind(self.documents.encoding),
        )
        self.server_capabilities = builder.build()  # type: ignore[no-untyped-call]  # pygls leaves it untyped
        self.server_capabilities.experimental = self.experimental or None
        return types.InitializeResult(self.server_capabilities, self.server_info)

    def _shut_down(self, params: object) -> object:
        self._phase = "shut down"
        return self._wind_down(params)

    async def _wind_down(self, params: object) -> None:
        await self._finish_feature(types.SHUTDOWN, params)
        await self._cancel_handlers()

    async def _cancel_handlers(self) -> None:
        handlers = {*self._running.values(), *self._background} - {asyncio.current_task()}
        for handler in handlers:
            handler.cancel()
        if handlers:
            await asyncio.wait(handlers, timeout=_GRACE_S)

    def _exit(self, params: object) -> None:
        self.ended.set()

    async def disconnected(self) -> int:
        """End the conversation: who waits for the client gets an error, and handlers that still run are cancelled.

        Returns the exit code of the process.
        """
        self.ended.set()
        self.writer = None
        self._pending.fail(client_is_gone())
        farewells = [self.run_task(handler(), "disconnect") for handler in self.on_disconnect]
        if farewells:
            await asyncio.wait(farewells, timeout=_FAREWELL_S)
        await self._cancel_handlers()
        return 0 if self._phase == "shut down" else 1

    def run_task(self, work: Coroutine[object, object, _T], name: str) -> asyncio.Task[_T]:
        """Run something that belongs to this connection. If it fails, the log says so."""
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(partial(_settle_future, partial(_log_failure, name)))
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task

    # ---------------------------------------------------------------- what every language server does

    def _cancel(self, params: types.CancelParams) -> None:
        running = self._running.get(params.id)
        if running is not None:
            running.cancel()

    def _did_change_folders(self, params: types.DidChangeWorkspaceFoldersParams) -> None:
        removed = {folder.uri for folder in params.event.removed}
        kept = [folder for folder in self.workspace_folders if folder.uri not in removed]
        self.workspace_folders = (*kept, *params.event.added)

    def _execute_command(self, params: types.ExecuteCommandParams) -> object:
        handler: _Handler | None = self.fm.commands.get(params.command)
        if handler is None:
            raise JsonRpcInvalidParams(f"There is no command {params.command}.")
        return handler(_only_argument(params))

    def _cancel_progress(self, params: types.WorkDoneProgressCancelParams) -> None:
        token = self.progress.tokens.get(params.token)
        if token is not None:
            token.cancel()


def _settle_future(settle: _Settle, future: asyncio.Future[object]) -> None:
    if future.cancelled():
        settle(None, asyncio.CancelledError())
        return
    error = future.exception()
    settle(None if error is not None else future.result(), error)


def _log_failure(name: str, result: object, error: BaseException | None) -> None:
    if error is not None and not isinstance(error, asyncio.CancelledError):
        _log.error("Handling %s failed.", name, exc_info=error)


def _as_it_is(result: object) -> object:
    return result


def _call_back(callback: Callable[[object], None], future: Future[object]) -> None:
    if not future.cancelled() and future.exception() is None:
        callback(future.result())


def _folders(params: types.InitializeParams) -> tuple[types.WorkspaceFolder, ...]:
    if params.workspace_folders:
        return tuple(params.workspace_folders)
    return () if params.root_uri is None else (types.WorkspaceFolder(params.root_uri, params.root_uri),)


def _only_argument(params: types.ExecuteCommandParams) -> dict[str, object]:
    match list(params.arguments or ()):
        case [] | [None]:
            return {}
        case [dict() as argument]:
            return argument
    raise JsonRpcInvalidParams(f"The command {params.command} takes one object as its only argument.")
