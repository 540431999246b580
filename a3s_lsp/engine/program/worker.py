"""The process that scripts run in: one at a time, spoken to in JSON lines. It imports nothing of this package.

To it: `{"script": {source, inputs, tools, maxToolCalls}}`, then a `{"result": {id, name, output, exitCode, metadata}}`
for each call. From it: `{"calls": [...], "log": [...], "state", "text"}`, the last one with state completed or failed.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import quickjs

_MEMORY = 64 * 1024 * 1024
_STACK = 512 * 1024
_ADDRESS_SPACE = 2 * 1024 * 1024 * 1024
_LOG_LINES = 1000
_FAR = 20_000
"""The prelude stands so many lines down, so that its places are told from those of the script."""
_FRAME = re.compile(r"^ +at .*?<input>:(\d+):\d+\)?\n?|^ +at .*\(native\)\n?", re.MULTILINE)
_BRIDGE = ("__begin", "__take", "__give")
_IMPORT = re.compile(r"^\s*import\b", re.MULTILINE)
_EXPORT = re.compile(r"^(\s*)export\s+default\s+(?=(?:async\s+)?function\s+run\b)", re.MULTILINE)


def bound() -> None:
    """Take from this process what no script needs."""
    try:
        import resource
    except ImportError:  # Windows has none of it: the parent's clock and the engine's own limits remain
        return
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE, _ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def say(message: object) -> None:
    """Tell the parent."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def failure(text: str) -> dict[str, object]:
    """How a script ended that did not get far enough to say so itself."""
    return {"calls": [], "log": [], "state": "failed", "text": text}


class Script:
    """One script in a world of its own."""

    def __init__(self, wanted: dict[str, object], prelude: str) -> None:
        self._context = quickjs.Context()
        self._context.set_memory_limit(_MEMORY)
        self._context.set_max_stack_size(_STACK)
        self._context.eval("\n" * _FAR + prelude)(
            self._context.parse_json(json.dumps(wanted["tools"])), wanted["maxToolCalls"]
        )
        self._begin, self._take, self._give = map(self._context.get, _BRIDGE)
        self._context.eval(";".join(f"delete globalThis.{name}" for name in _BRIDGE))
        self._source = str(wanted["source"])
        self._inputs = json.dumps(wanted["inputs"])

    def run(self) -> dict[str, object]:
        """Play it to its end; the last message."""
        try:
            return self._play()
        except quickjs.JSException as error:
            return failure(_own_frames(str(error)))
        except MemoryError:
            return failure("InternalError: out of memory")
        except (ValueError, TypeError, KeyError):  # what came out of its world is not what the prelude puts there
            return failure("Error: the script has broken its own world")

    def _play(self) -> dict[str, object]:
        try:
            self._context.eval(_EXPORT.sub(lambda m: m[1] + " " * (len(m[0]) - len(m[1])), self._source))
        except quickjs.JSException:
            if _IMPORT.search(self._source):
                return failure("SyntaxError: imports are not allowed inside PTC scripts")
            raise
        run = self._context.eval("typeof run === 'function' ? run : undefined")
        if run is None:
            return failure("TypeError: PTC script must define async function run(ctx, inputs)")
        self._begin(run, self._inputs)
        while True:
            while self._context.execute_pending_job():
                pass
            told: dict[str, object] = json.loads(self._take())
            told["calls"] = [json.loads(str(call)) for call in _listed(told["calls"])]
            told["log"] = _listed(told["log"])[:_LOG_LINES]
            if told["state"] == "failed":
                return {**told, "calls": [], "text": _own_frames(str(told["text"]))}
            if told["state"] != "running":
                return {**told, "calls": []}
            if not told["calls"] and not told["open"]:
                return failure("Error: the script waits for something that never comes")
            if told["calls"] or told["log"]:
                say(told)
            result = json.loads(sys.stdin.readline() or "null")
            if result is None:
                sys.exit()
            self._give(result["id"], json.dumps(result["result"]))


def _own_frames(text: str) -> str:
    """An error's text with those places alone that are in the script."""
    return _FRAME.sub(lambda frame: frame[0] if frame[1] and int(frame[1]) <= _FAR else "", text)


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def main() -> None:
    """Play one script after the other, until the parent is gone."""
    bound()
    prelude = Path(__file__).with_name("prelude.js").read_text(encoding="utf-8")
    for line in sys.stdin:
        say(Script(json.loads(line), prelude).run())


if __name__ == "__main__":
    main()
