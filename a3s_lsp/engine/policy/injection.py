"""Texts that try to give the model orders. What is found is only told: no list of phrases is a defence."""

from __future__ import annotations

import re

_MOST = 10
_LONGEST_TEXT = 200_000
_PHRASES = (
    r"(?:ignore|disregard|forget)[ \t]+(?:all[ \t]+)?(?:of[ \t]+)?(?:(?:the|your|my)[ \t]+)?"
    r"(?:previous|prior|above|earlier)[ \t]+(?:context|instructions?|prompts?|rules)",
    r"you[ \t]+are[ \t]+now[ \t]+(?:in[ \t]+)?(?:developer|admin|debug|god|jailbreak)[ \t]+mode",
    r"forget[ \t]+(?:everything|all)[ \t]+(?:that[ \t]+)?(?:you|we)(?:'ve|[ \t]+have)?[ \t]+(?:learned|discussed|know)",
    r"new[ \t]+instructions?[ \t]*:",
    r"system[ \t]+prompt[ \t]+override",
    r"override[ \t]+(?:the[ \t]+|your[ \t]+)?system[ \t]+prompt",
)
_INJECTION = re.compile("|".join(f"(?:{phrase})" for phrase in _PHRASES), re.IGNORECASE)


def find_injections(text: str) -> list[str]:
    """The phrases that look like orders to the model, each once, in the order in which they stand there."""
    found = (" ".join(match[0].split()) for match in _INJECTION.finditer(text[:_LONGEST_TEXT]))
    return list(dict.fromkeys(found))[:_MOST]
