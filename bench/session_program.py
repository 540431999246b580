"""What one implementation takes for many sessions, as JSON. Runs in a process of its own, with either package.

python session_program.py MODULE URL WORKSPACE [STORE]
"""

from __future__ import annotations

import gc
import importlib
import json
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

OPEN, SENT, STREAMS = 1000, 50, 50


def memory() -> int:
    """What the process has in memory, in KiB."""
    gc.collect()
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def streamed(session: Any, heard: list[str]) -> None:
    heard.append("".join(event.text or "" for event in session.stream("go") if event.event_type == "text_delta"))


def stream_at_once(sessions: list[Any]) -> list[str]:
    """What each says, when each is asked on a thread of its own."""
    heard: list[str] = []
    threads = [threading.Thread(target=streamed, args=(session, heard)) for session in sessions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return heard


def main(module: str, url: str, workspace: str, store: str | None = None) -> dict[str, float]:
    a3s = importlib.import_module(module)
    agent = a3s.Agent.create(f"""
default_model = "openai/m"
providers "openai" {{
  api_key = "none"
  base_url = "{url}"
  models "m" {{ name = "m" }}
}}
""")
    options = a3s.SessionOptions()
    options.planning_mode = "disabled"
    if store is not None:
        options.session_store = a3s.FileSessionStore(store)
    agent.session(workspace, options).send("go")  # what is loaded once is loaded now

    def batch() -> dict[str, float]:
        """As many sessions as are measured, made, used and closed."""
        sessions: list[Any] = []
        heard: list[str] = []
        before = memory()
        made = timed(lambda: sessions.extend(agent.session(workspace, options) for _ in range(OPEN)))
        found = {"made": made / OPEN, "each": (memory() - before) / OPEN}
        found["sent"] = timed(lambda: [session.send("go") for session in sessions[:SENT]]) / SENT
        found["at_once"] = timed(lambda: heard.extend(stream_at_once(sessions[:STREAMS])))
        found |= {"heard": float(len(heard)), "texts": float(len(set(heard)))}
        if store is not None:
            found["list"] = timed(options.session_store.sessions)
        found["closed"] = timed(lambda: [session.close() for session in sessions]) / OPEN
        return found

    found = batch()
    after = memory()
    batch()
    return {**found, "left": (memory() - after) / OPEN}


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
