"""A real S3 server on the loopback, in this process: moto's; and one in front of it that forgets preconditions."""

from __future__ import annotations

import threading
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Literal, TypeAlias

import a3s_lsp as a3s

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Manner: TypeAlias = Literal["plain", "forgetful", "bare"]


@contextmanager
def s3_server(manner: Manner = "plain") -> Iterator[str]:
    """Its address. A forgetful one overwrites whatever is there, a bare one takes versions only without quotes."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    app = DomainDispatcherApplication(create_backend_app)
    manners: Mapping[Manner, WSGIApplication] = {
        "plain": app,
        "forgetful": partial(_forgetful, app),
        "bare": partial(_bare, app),
    }
    server = make_server("127.0.0.1", 0, manners[manner], threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(10)


def _forgetful(app: WSGIApplication, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    kept = {name: value for name, value in environ.items() if name not in ("HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH")}
    return app(kept, start_response)


def _bare(app: WSGIApplication, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    wanted = environ.get("HTTP_IF_MATCH", "")
    if wanted.startswith('"'):
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        start_response("412 Precondition Failed", [("Content-Type", "application/xml")])
        return [b"<Error><Code>PreconditionFailed</Code></Error>"]
    return app({**environ, "HTTP_IF_MATCH": f'"{wanted}"'} if wanted else environ, start_response)


def make_bucket(endpoint: str, name: str) -> str:
    """A new bucket; its name."""
    with urllib.request.urlopen(urllib.request.Request(f"{endpoint}/{name}", method="PUT"), timeout=10):
        return name


def backend(endpoint: str, bucket: str, prefix: str = "p", **limits: object) -> a3s.S3WorkspaceBackend:
    """The bucket as a place for a session."""
    named = {"endpoint": endpoint, "force_path_style": True, **limits}
    return a3s.S3WorkspaceBackend(bucket, prefix, "AKIDOFTESTS1", "the-secret-of-tests", **named)  # type: ignore[arg-type]  # each is checked there
