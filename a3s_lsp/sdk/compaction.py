"""When the conversation of a session is made shorter by itself."""

from __future__ import annotations

from a3s_lsp.engine.context.room import CompactionPolicy
from a3s_lsp.sdk.options import SessionOptions


def compaction_of(options: SessionOptions) -> CompactionPolicy:
    """What a program wants. ValueError if the threshold is no part of something, or there would be no room at all."""
    default = CompactionPolicy()
    threshold = options.auto_compact_threshold
    if threshold is not None and not 0 < threshold <= 1:
        raise ValueError(f"auto_compact_threshold must be above 0 and at most 1, not {threshold}")
    if options.max_context_tokens == 0:
        raise ValueError("max_context_tokens must be at least 1; leave it at None for what the model can see")
    chosen = default.threshold if threshold is None else threshold
    return CompactionPolicy(bool(options.auto_compact), chosen, options.max_context_tokens)
