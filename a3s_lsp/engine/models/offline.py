"""The offline assistant: what answers where there is no language model.

It says so, and does by rule what can be done by rule. It acts only through the tools that it is offered, and keeps
nothing in mind: what comes next is read from the conversation each time.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Sequence

from a3s_lsp.engine.config.target import OFFLINE
from a3s_lsp.engine.messages import AssistantMessage, Message, ToolCall, ToolMessage, Usage, UserMessage
from a3s_lsp.engine.models.offline_answers import Done, no_tool
from a3s_lsp.engine.models.offline_sentences import understand
from a3s_lsp.engine.models.offline_steps import Use, next_step
from a3s_lsp.engine.ports import CallDelta, Chunk, Finish, ModelRequest, TextDelta

_FREE = Usage(cost=0.0)
_ID = "offline-"
"""How the ids of its calls begin; those of another model that the session had before mean nothing to it."""


class OfflineAssistant:
    """A `ports.Model` without a language model."""

    @property
    def name(self) -> str:
        return OFFLINE

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk]:
        """One turn, as `ports.Model` says: a tool call, or the answer."""
        prompt, done = _read(request.messages)
        step = next_step(understand(prompt), done)
        if isinstance(step, Use) and step.tool not in {tool.name for tool in request.tools}:
            step = no_tool(step.tool)
        for word in re.findall(r"\s*\S+|\s+$", step if isinstance(step, str) else step.remark):
            yield TextDelta(word)
            await asyncio.sleep(0)  # a long answer must not hold up the loop
        if isinstance(step, str):
            yield Finish("stop", _FREE)
            return
        yield CallDelta(
            0, f"{_ID}{len(_calls(request.messages)) + 1}", step.tool, json.dumps(step.arguments, ensure_ascii=False)
        )
        yield Finish("tool_calls", _FREE)


def _read(messages: Sequence[Message]) -> tuple[str, list[Done]]:
    """The newest thing that the person said, and what was done about it."""
    prompt, done = "", list[Done]()
    own = {call.id: call for call in _calls(messages) if call.id.startswith(_ID)}
    for message in messages:
        match message:
            case UserMessage(text=text):
                prompt, done = text, []
            case ToolMessage(call_id, content, failed) if call_id in own:
                call = own[call_id]
                done.append(Done(call.name, json.loads(call.arguments), content, failed))
            case _:
                continue
    return prompt, done


def _calls(messages: Sequence[Message]) -> list[ToolCall]:
    return [call for message in messages if isinstance(message, AssistantMessage) for call in message.tool_calls]
