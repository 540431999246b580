"""Where hooks see, and may stop, what is looked up for a prompt."""

from __future__ import annotations

from pathlib import Path

from a3s_lsp.engine.errors import RunFailed
from a3s_lsp.engine.hook_firing import SessionHooks
from a3s_lsp.engine.messages import Json


async def detect_intent(hooks: SessionHooks, prompt: str, root: Path) -> None:
    """Ask what the prompt wants, before anything is done for it. Raises RunFailed if it is not to be answered."""
    answer = await hooks.ask("intent_detection", {"prompt": prompt, "workspace": str(root), "language_hint": None})
    if answer.blocked:
        raise RunFailed(f"Prompt blocked by hook: {answer.reason}")


async def may_look(hooks: SessionHooks, prompt: str, root: Path, about: Json | None = None) -> bool:
    """Whether anything may be looked up for the prompt; `about` is what is known of it already."""
    payload: Json = {
        "intent": "prompt",
        "target_type": "workspace",
        "target_name": root.name,
        "domain": "code",
        "query": prompt,
        "working_directory": str(root),
        "urgency": "normal",
        **(about or {}),
    }
    return not (await hooks.ask("pre_context_perception", payload)).blocked


async def has_looked(hooks: SessionHooks, memories: int, files: int) -> None:
    """Tell how much was found."""
    found: Json = {"success": True, "facts_retrieved": memories, "files_retrieved": files}
    await hooks.tell("post_context_perception", {"intent": "prompt", "target_type": "workspace", **found})


async def recall_query(hooks: SessionHooks, query: str, most: int, root: Path) -> str | None:
    """What the memory is to be searched for as the hooks leave it; None if it is not to be searched."""
    answer = await hooks.ask("pre_memory_recall", {"query": query, "max_results": most, **_memory(root)})
    if answer.blocked:
        return None
    changed = answer.payload.get("query")
    return changed if isinstance(changed, str) else query


async def has_recalled(hooks: SessionHooks, query: str, found: int, error: str, root: Path) -> None:
    """Tell how many memories the model is told."""
    payload: Json = {"query": query, "facts_retrieved": found, "success": not error, **_memory(root)}
    await hooks.tell("post_memory_recall", {**payload, **({"error": error} if error else {})})


def _memory(root: Path) -> Json:
    return {"memory_type": "long_term", "working_directory": str(root)}
