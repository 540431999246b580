"""litellm keeps to itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.models.openai_server import Server, error, text

PROGRAM = """
import asyncio, json, os, socket, sys
from a3s_lsp.engine.config.target import Target
from a3s_lsp.engine.errors import ModelError
from a3s_lsp.engine.messages import UserMessage
from a3s_lsp.engine.models.litellm_model import LiteLLMModel
from a3s_lsp.engine.ports import ModelRequest, ToolSpec

assert "litellm" not in sys.modules
asked = []
connect = socket.socket.connect
socket.socket.connect = lambda self, address: (asked.append(str(address)), connect(self, address))[1]
resolve = socket.getaddrinfo
socket.getaddrinfo = lambda host, *rest, **more: (asked.append(str(host)), resolve(host, *rest, **more))[1]


async def main():
    model = LiteLLMModel(Target("mine", "llama-3", "k", sys.argv[1]))
    model.warm()
    request = ModelRequest("s", (UserMessage("hi"),), (ToolSpec("t", "d", {"type": "object", "properties": {}}),))
    for _ in range(2):
        try:
            async for chunk in model.stream(request):
                pass
        except ModelError as error:
            print(error, file=sys.stderr)

asyncio.run(main())
spoken = [name for name in asked if "127.0.0.1" not in name]
print(json.dumps({"env": os.environ.get("FROM_DOTENV"), "asked": spoken, "mcp": "mcp" in sys.modules}), file=sys.stderr)
"""


@pytest.mark.e2e
def test_a_request_reads_no_dotenv_asks_no_one_else_and_prints_nothing(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("FROM_DOTENV=1\n")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("LITELLM")}
    with Server(text("ok"), error(400, "no")) as server:
        done = subprocess.run(
            [sys.executable, "-X", "dev", "-c", PROGRAM, f"{server.url}/v1"],
            cwd=tmp_path,
            env=environ,
            capture_output=True,
            text=True,
            timeout=100,
        )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert lines[-2] == "mine/llama-3 answered HTTP 400: no"
    assert json.loads(lines[-1]) == {"env": None, "asked": [], "mcp": False}
