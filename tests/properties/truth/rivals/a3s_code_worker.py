"""Runs in the virtual environment of the reference: tools of `a3s_code`, a JSON line for each call."""

from __future__ import annotations

import json
import sys

import a3s_code  # type: ignore[import-not-found]  # is in an environment of its own

# Nobody asks this model anything: tools are called directly.
CONFIG = """
default_model = "openai/none"
providers "openai" {
  apiKey = "none"
  baseUrl = "http://127.0.0.1:9/v1"
  models "none" {
    name = "none"
    toolCall = true
  }
}
"""


def main() -> None:
    """Answer calls until there are no more."""
    agent = a3s_code.Agent.create(CONFIG)
    options = a3s_code.SessionOptions()
    options.permission_policy = a3s_code.PermissionPolicy(default_decision="allow")
    session = agent.session(".", options)
    for line in sys.stdin:
        message = json.loads(line)
        if "root" in message:
            session = agent.session(message["root"], options)
            answer = {"ok": True, "text": ""}
        else:
            result = session.tool(message["name"], message["args"])
            answer = {"ok": result.exit_code == 0, "text": result.output}
        print(json.dumps(answer), flush=True)


main()
