"""All measurements, as ratios in one run:

scripts/bench [imports|handshake|requests|notifications|typing|events|edits|rebases|checkpoints|sessions] …
scripts/bench truth [schedules]
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from bench.checkpoints import checkpoints
from bench.client import Client, framed
from bench.edits import edits, rebases
from bench.sessions import sessions
from bench.truth import truth

OURS, STOCK = "bench.our_server", "bench.stock_server"


def spread(values: Sequence[float]) -> str:
    """Median and the range, in milliseconds."""
    ordered = sorted(values)
    low, high = ordered[0] * 1e3, ordered[-1] * 1e3
    return f"{statistics.median(ordered) * 1e3:8.2f} ms  ({low:.2f} to {high:.2f})"


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> str:
    """Pair by pair, so that a machine that changes its speed changes both."""
    return f"{statistics.median(a / b for a, b in zip(ours, theirs, strict=True)):.2f}"


def imports(rounds: int = 15) -> None:
    """Importing the SDK against importing pydantic, each in a fresh process, without the interpreter's own start."""
    names = ("a3s_lsp", "pydantic", "pass")
    times: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            code = name if name == "pass" else f"import {name}"
            begun = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True)
            times[name].append(time.perf_counter() - begun)
    floor = statistics.median(times["pass"])
    ours, theirs = ([t - floor for t in times[name]] for name in names[:2])
    print(f"import a3s_lsp        {spread(ours)}")
    print(f"import pydantic       {spread(theirs)}")
    print(f"  ratio {ratio(ours, theirs)}   (goal: at most 2)\n")


def handshake(rounds: int = 9) -> None:
    """From the start of the process to the answer to `initialize`; ours is the command that users start."""
    times: dict[str, list[float]] = {"a3s_lsp --stdio": [], STOCK: []}
    for _ in range(rounds):
        for module, taken in times.items():
            begun = time.perf_counter()
            with Client(module) as client:
                client.request("initialize", {"processId": None, "rootUri": None, "capabilities": {}})
                taken.append(time.perf_counter() - begun)
    ours, theirs = times.values()
    print(f"initialize, a3s-lsp   {spread(ours)}")
    print(f"initialize, pygls     {spread(theirs)}")
    print(f"  ratio {ratio(ours, theirs)}   (goal: at most 1.3)\n")


def requests(count: int = 3000) -> None:
    """A custom request and its answer, one after the other."""
    for name, module in (("a3s-lsp", OURS), ("pygls", STOCK)):
        with Client(module) as client:
            client.hello()
            taken = [_timed(lambda: client.request("bench/echo", {"n": 1})) for _ in range(count)]
        ordered = sorted(taken)
        middle, late = ordered[count // 2] * 1e3, ordered[int(count * 0.99)] * 1e3
        print(f"request, {name:10}   p50 {middle:.3f} ms   p99 {late:.3f} ms")
    print("  (goal: p99 under 1 ms)\n")


def notifications(count: int = 5000) -> None:
    """Notifications from the client, until a request behind them is answered."""
    for name, module in (("a3s-lsp", OURS), ("pygls", STOCK)):
        with Client(module) as client:
            client.hello()
            burst = framed({"jsonrpc": "2.0", "method": "bench/note", "params": {"n": 1}}) * count
            begun = time.perf_counter()
            client.write(burst)
            client.request("bench/echo", {})
            taken = time.perf_counter() - begun
        print(f"notifications, {name:8} {count / taken:10,.0f} a second")
    print("  (goal: over 10,000)\n")


def typing(count: int = 500) -> None:
    """A keystroke in a document of 5,000 lines, until a request behind it is answered, less that request."""
    text = "".join(f"line {n} of a document that is not short\n" for n in range(5000))
    uri = "file:///tmp/bench.py"
    for name, module in (("a3s-lsp", OURS), ("pygls", STOCK)):
        with Client(module) as client:
            client.hello()
            item = {"uri": uri, "languageId": "python", "version": 0, "text": text}
            client.send("textDocument/didOpen", {"textDocument": item}, ask=False)
            client.request("bench/echo", {})
            plain = [_timed(lambda: client.request("bench/echo", {})) for _ in range(count)]
            typed = [_timed(lambda n=n: _type(client, uri, n)) for n in range(count)]  # type: ignore[misc]
        cost = (statistics.median(typed) - statistics.median(plain)) * 1e3
        print(f"didChange, {name:10}  {cost:.3f} ms")
    print("  (goal: under 1 ms)\n")


def _type(client: Client, uri: str, n: int) -> None:
    place = {"line": 2500, "character": n % 20}
    change = {"range": {"start": place, "end": place}, "text": "x"}
    names = {"uri": uri, "version": n + 1}
    client.send("textDocument/didChange", {"textDocument": names, "contentChanges": [change]}, ask=False)
    client.request("bench/echo", {})


def events() -> None:
    """20,000 pieces of a model that never pauses, through loop, log and server to the client."""
    options = {"a3s": {"model": "offline/assistant", "client": {"events": True}}}
    with Client(OURS) as client:
        client.hello(options)
        begun = time.perf_counter()
        client.send("workspace/executeCommand", {"command": "a3s.prompt", "arguments": [{"text": "go"}]}, ask=True)
        seen = 0
        while True:
            params = client.receive().get("params")
            event = params if isinstance(params, dict) else {}
            seen += "type" in event and "runId" in event
            if event.get("type") in ("end", "error"):
                break
        taken = time.perf_counter() - begun
    print(f"events                {seen / taken:10,.0f} a second, each in the log before it is shown")
    print("  (goal: over 10,000)\n")


def _timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


ALL: dict[str, Callable[[], None]] = {
    "imports": imports,
    "handshake": handshake,
    "requests": requests,
    "notifications": notifications,
    "typing": typing,
    "events": events,
    "edits": edits,
    "rebases": rebases,
    "checkpoints": checkpoints,
    "sessions": sessions,
}

if __name__ == "__main__":
    match sys.argv[1:]:
        case ["truth"]:  # takes too long to be one of all
            truth()
        case ["truth", count]:
            truth(int(count))
        case chosen:
            for name in chosen or ALL:
                ALL[name]()
