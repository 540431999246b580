"""A scripted server that speaks the streaming dialects of OpenAI and of Anthropic, on the loopback, for tests."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

Body = dict[str, object]

USAGE: Body = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}


@dataclass(frozen=True)
class Answer:
    """One HTTP answer. `events` are sent as server-sent events; `body` is sent as it is instead."""

    status: int = 200
    events: Sequence[object] = ()
    done: bool = True
    body: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    hold_at: int | None = None
    """Before this event the server waits until `Server.release` or the end of the test; before all at SILENCE."""


def delta(content: Mapping[str, object], finish: str | None = None) -> Body:
    return {
        "id": "x",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "delta": dict(content), "finish_reason": finish}],
    }


def usage(numbers: Body | None = None) -> Body:
    return {**delta({}), "choices": [], "usage": numbers or USAGE}


def text(*pieces: str, numbers: Body | None = None, hold_at: int | None = None, finish: str = "stop") -> Answer:
    """A whole answer in these pieces."""
    events = [delta({"role": "assistant", "content": ""}), *(delta({"content": piece}) for piece in pieces)]
    return Answer(events=[*events, delta({}, finish), usage(numbers)], hold_at=hold_at)


def call(call_id: str, name: str, **arguments: object) -> Body:
    """A tool call for `calls`."""
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {"id": call_id, "type": "function", "function": function}


def calls(*wanted: Body) -> Answer:
    """An answer that is nothing but tool calls."""
    pieces = [{"index": index, **each} for index, each in enumerate(wanted)]
    return Answer(events=[delta({"tool_calls": pieces}), delta({}, "tool_calls"), usage()])


def cut(*pieces: str) -> Answer:
    """An answer whose connection ends before its end."""
    return Answer(events=[delta({"content": piece}) for piece in pieces], done=False)


def error(status: int, sentence: str, **headers: str) -> Answer:
    """A refusal in the provider's words."""
    body = json.dumps({"error": {"message": sentence, "type": "scripted"}})
    return Answer(status, body=body, headers={name.replace("_", "-"): value for name, value in headers.items()})


SILENCE = -1


@dataclass(frozen=True)
class Request:
    path: str
    headers: Mapping[str, str]
    body: Mapping[str, object]


class Server:
    """Gives the answers in order, the last one for ever, and keeps the requests."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.requests: list[Request] = []
        self.release = threading.Event()
        self.held = threading.Event()
        """Set when an answer has come to where it waits."""
        self.hung_up = threading.Event()
        """Set when a client closed its connection before the end of the answer."""
        self._http = _Http(self)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def next(self) -> Answer:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release.set()
        self._http.shutdown()
        self._http.server_close()


class _Http(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, script: Server) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script = script


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""

    @property
    def script(self) -> Server:
        assert isinstance(self.server, _Http)
        return self.server.script

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self._answer(json.loads(self.rfile.read(length)))

    def do_GET(self) -> None:
        self._answer({})

    def _answer(self, body: object) -> None:
        assert isinstance(body, dict)
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.script.requests.append(Request(self.path, headers, body))
        answer = self.script.next()
        if answer.hold_at == SILENCE:
            self.script.held.set()
            self.script.release.wait()
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "text/event-stream" if answer.body is None else "application/json")
        try:
            self._send(answer)
        except (BrokenPipeError, ConnectionResetError):
            self.script.hung_up.set()

    def _send(self, answer: Answer) -> None:
        self.end_headers()
        if answer.body is not None:
            self.wfile.write(answer.body.encode())
            return
        events = [*map(_event, answer.events), *([b"data: [DONE]\n\n"] if answer.done else [])]
        for index, event in enumerate(events):
            if index == answer.hold_at:
                self._hold()
            self.wfile.write(event)

    def _hold(self) -> None:
        """Waits, with a comment now and then, so that a client that has gone is noticed."""
        self.script.held.set()
        while not self.script.release.wait(0.02):
            self.wfile.write(b": waiting\n\n")


def _event(event: object) -> bytes:
    kind = event.get("type") if isinstance(event, dict) else None
    prefix = f"event: {kind}\n" if isinstance(kind, str) else ""
    return f"{prefix}data: {json.dumps(event)}\n\n".encode()
