"""A harness: a supervisor for sessions, which sees every call of the model before it is made, and may stop it.

    python examples/ahp_harness.py              speaks over standard input and output: StdioTransport("python", [this])
    python examples/ahp_harness.py --http 8080  speaks over HTTP: HttpTransport("http://127.0.0.1:8080/ahp", TOKEN),
                                                where the token is that of the variable AHP_TOKEN, if it is set

It stops commands that destroy, files that hold secrets and addresses of the local network, wants a person to decide
about publishing, and bounds how often each tool is used. It needs nothing but Python.
"""

import argparse
import collections
import hmac
import ipaddress
import json
import os
import re
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

VERSION = "2.4"
DESTROYS = re.compile(
    r"\brm\s+(-\w+\s+)*-\w*[rf]|\bmkfs\b|\bdd\b.*\bof=/dev/|>\s*/dev/sd|\bgit\s+push\s.*(--force|-f)\b"
)
PUBLISHES = re.compile(r"\bgit\s+push\b|\b(npm|cargo|poetry|uv)\s+publish\b|\btwine\s+upload\b")
SECRET_FILES = re.compile(r"(^|/)(\.env(\.\w+)?|\.ssh|\.aws|\.netrc|id_(rsa|ed25519)|credentials(\.json)?)($|/)")
MOST_CALLS = 10
WITHIN_SECONDS = 60


class RateLimit:
    """How often each tool of each session was used lately."""

    def __init__(self):
        self._calls = collections.defaultdict(collections.deque)
        self._lock = threading.Lock()

    def exceeded(self, session, tool):
        with self._lock:
            calls, now = self._calls[session, tool], time.monotonic()
            while calls and calls[0] <= now - WITHIN_SECONDS:
                calls.popleft()
            if len(calls) >= MOST_CALLS:
                return True
            calls.append(now)
            return False


LIMIT = RateLimit()


def decide(event):
    """The decision about one event."""
    if event["event_type"] != "pre_action":
        return {"decision": "allow"}
    payload = event["payload"]
    arguments = payload["arguments"]
    command = str(arguments.get("command", ""))
    if DESTROYS.search(command):
        return block("this command destroys what cannot be brought back")
    if any(SECRET_FILES.search(word) for word in [str(arguments.get("file_path", "")), *command.split()]):
        return block("this file may hold secrets")
    if is_local(str(arguments.get("url", ""))):
        return block("addresses of the local network are not fetched")
    if LIMIT.exceeded(event["session_id"], payload["tool"]):
        return block(f"'{payload['tool']}' was used {MOST_CALLS} times within {WITHIN_SECONDS} seconds")
    if PUBLISHES.search(command):
        return {"decision": "escalate", "reason": "this publishes something"}
    return {"decision": "allow"}


def block(reason):
    return {"decision": "block", "reason": reason}


def is_local(url):
    host = urllib.parse.urlsplit(url).hostname or ""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".internal", ".local"))


def answer(message):
    """The answer to one JSON-RPC message, None for a notification."""
    if "id" not in message:
        return None
    method, params = message["method"], message["params"]
    if method == "ahp/handshake":
        info = {"name": "example-guard", "version": "1.0", "capabilities": ["pre_action", "query", "batch"]}
        result = {"protocol_version": VERSION, "harness_info": info}
    elif method == "ahp/event":
        result = decide(params)
    elif method == "ahp/batch":
        result = {"decisions": [decide(event) for event in params["events"]]}
    elif method == "ahp/query":
        result = {"answer": f"At most {MOST_CALLS} calls of a tool within {WITHIN_SECONDS} seconds."}
    else:
        error = {"code": -32601, "message": f"unknown method {method}"}
        return {"jsonrpc": "2.0", "id": message["id"], "error": error}
    return {"jsonrpc": "2.0", "id": message["id"], "result": result}


def serve_lines():
    for line in sys.stdin:
        if (reply := answer(json.loads(line))) is not None:
            print(json.dumps(reply), flush=True)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not self.is_known():
            self.respond(401, b"")
            return
        reply = answer(json.loads(body))
        self.respond(200, b"" if reply is None else json.dumps(reply).encode())

    def is_known(self):
        token = os.environ.get("AHP_TOKEN")
        given = self.headers.get("Authorization") or ""
        return token is None or hmac.compare_digest(given.encode(), f"Bearer {token}".encode())

    def respond(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--http", type=int, metavar="PORT", help="speak over HTTP on this port of 127.0.0.1")
    port = parser.parse_args().http
    if port is None:
        serve_lines()
        return
    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        print(f"http://127.0.0.1:{server.server_address[1]}/ahp", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
