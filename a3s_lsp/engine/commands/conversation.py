"""/clear, /compact, /cost and /history: the conversation and what it costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from a3s_lsp.engine.session import Session


async def clear(args: str, session: Session) -> str:
    """Forget the conversation, or bring back what was forgotten last."""
    if args == "undo":
        restored = session.compacting.undo_clear()
        return f"Brought back {restored} messages." if restored else "There is no cleared conversation to bring back."
    cleared = session.compacting.clear()
    return f"Cleared {cleared} messages." + (" /clear undo brings them back." if cleared else "")


async def compact(args: str, session: Session) -> str:
    """Put a summary in the place of the older messages, or bring those back."""
    if args == "undo":
        restored = await session.compacting.undo()
        return f"The conversation has {restored} messages again." if restored else "There is no compaction to undo."
    messages, tokens = len(session.state.messages), session.compacting.tokens
    begun = f"Compacting context... ({messages} messages, {tokens} tokens)"
    done = await session.compacting.compact()
    if done is None:
        return f"{begun}\nThere is nothing to compact yet: the first prompt and the latest messages are always kept."
    by_rule = "" if done.failure is None else f"\nThe summary was made by rule: {done.failure}"
    now = f"Now {done.after_messages} messages, about {session.compacting.tokens} tokens."
    return f"{begun}\n{now} /compact undo brings the others back.{by_rule}"


async def cost(args: str, session: Session) -> str:
    """What the session has cost so far."""
    usage = session.state.usage
    spent = "not known (no price for this model)" if usage.cost is None else f"${usage.cost:.4f}"
    if usage.total_tokens == 0:
        spent = "$0.0000"
    return f"Session: {session.id[:8]}\nModel:   {session.model_name}\nTokens:  {usage.total_tokens}\nCost:    {spent}"


async def history(args: str, session: Session) -> str:
    """How long the conversation is."""
    state = session.state
    return f"Messages: {len(state.messages)}\nTokens:   {state.usage.total_tokens}\nSession:  {session.id[:8]}"
