"""JSON values of a given shape, straight from the model of a session."""

from __future__ import annotations

from collections.abc import Mapping

from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.ports import unshown
from a3s_lsp.engine.tools.generate_object import DEFAULT_TIMEOUT_MS, generated_object
from a3s_lsp.sdk.checks import count, string
from a3s_lsp.sdk.faces import AsyncFace, Face


class AsyncObjects(AsyncFace):
    """Values that fit a JSON Schema."""

    async def generate_object(
        self,
        schema: Mapping[str, object],
        prompt: str,
        schema_name: str = "result",
        schema_description: str | None = None,
        system: str | None = None,
        mode: str = "auto",
        max_repair_attempts: int = 2,
        timeout_ms: int = DEFAULT_TIMEOUT_MS,
    ) -> Json:
        """`{"object", "mode_used", "repair_rounds"}`: a value that fits the schema. A3SError says why there is none."""
        if not isinstance(schema, Mapping):
            raise TypeError(f"schema must be a dict, not {type(schema).__name__}")
        args: Json = {
            "schema": dict(schema),
            "prompt": string("prompt", prompt),
            "schema_name": string("schema_name", schema_name),
            "mode": string("mode", mode),
            "max_repair_attempts": count("max_repair_attempts", max_repair_attempts),
            "timeout_ms": count("timeout_ms", timeout_ms),
        }
        if schema_description is not None:
            args["schema_description"] = string("schema_description", schema_description)
        if system is not None:
            args["system"] = string("system", system)
        made = await generated_object(args, self.engine.asking("generate_object"), unshown)
        value = self.engine.sealer.redactor.value(made.value)
        return {"object": value, "mode_used": made.mode, "repair_rounds": made.rounds}


class Objects(Face):
    """Values that fit a JSON Schema."""

    def generate_object(
        self,
        schema: Mapping[str, object],
        prompt: str,
        schema_name: str = "result",
        schema_description: str | None = None,
        system: str | None = None,
        mode: str = "auto",
        max_repair_attempts: int = 2,
        timeout_ms: int = DEFAULT_TIMEOUT_MS,
    ) -> Json:
        """`{"object", "mode_used", "repair_rounds"}`: a value that fits the schema. A3SError says why there is none."""
        named = (schema_name, schema_description, system, mode, max_repair_attempts, timeout_ms)
        return self._loop.call(self._session.generate_object(schema, prompt, *named))
