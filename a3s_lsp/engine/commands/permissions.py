"""/permissions: what needs leave, and the rules that were learned from "always"."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from a3s_lsp.engine.leave import RuleRow
    from a3s_lsp.engine.session import Session

_USAGE = "Usage: /permissions remove N, with the number of a learned rule; /permissions lists them."


async def permissions(args: str, session: Session) -> str:
    """The policy and the learned rules; or let one of these hold no more."""
    rules = session.leave.rules()
    learned = [rule for rule in rules if rule.id is not None]
    if args:
        return await _remove(args, learned, session)
    rows = [f"  {n}. {_told(rule)} ({rule.scope}, from {rule.source})" for n, rule in enumerate(learned, 1)]
    shown = ["Learned:", *rows] if rows else ["No rules were learned."]
    policy = [f"  {_told(rule)}" for rule in rules if rule.id is None]
    trouble = [] if session.leave.trouble is None else [session.leave.trouble]
    return "\n".join(["Policy, in the order in which it is asked:", *policy, *shown, *trouble])


async def _remove(args: str, learned: list[RuleRow], session: Session) -> str:
    verb, _, wanted = args.partition(" ")
    wanted = wanted.strip()
    if verb != "remove" or not wanted:
        return _USAGE
    chosen = [rule for n, rule in enumerate(learned, 1) if wanted in (str(n), rule.id)]
    if not chosen or chosen[0].id is None or not await session.leave.forget(chosen[0].id):
        return f"There is no learned rule {wanted}. {_USAGE}"
    return f"Removed: {_told(chosen[0])}"


def _told(rule: RuleRow) -> str:
    return f"{rule.decision:<5} {rule.rule}"
