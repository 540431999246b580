"""How a request to the offline assistant is read from a person's words: one pattern for each way to put it.

A sentence is understood as a whole or not at all: to do half of what was asked would be worse than to decline.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import TypeAlias

from a3s_lsp.engine.models.offline_requests import (
    Create,
    Find,
    Help,
    List,
    Outline,
    Rename,
    Request,
    Run,
    Show,
    Substitute,
    Unknown,
    Uses,
    Where,
)

_Words: TypeAlias = Mapping[str, str]
_Build: TypeAlias = Callable[[_Words], Request]

_LONGEST_SENTENCE = 1000
_CONTEXT = re.compile(r'(?:^|\n\n)<context source="(?P<source>[^"]*)".*', re.DOTALL)
"""What the editor adds to a prompt, up to its end."""
_THIS_FILE = re.compile(r"\b(?:this|the (?:current|open)) file\b", re.IGNORECASE)
_FENCED = re.compile(r"```[^\n]*\n(?P<inside>.*?)```\s*", re.DOTALL)

# In these pieces a space stands for any white space.
_PLEASE = (
    r"(?:(?:please|hey|hi|ok|okay|now|then|just|(?:can|could|would|will) you|i(?: want|'d like) (?:you )?to|let's)"
    r"[\s,]+)*"
)
_END = r"(?:[\s,]+(?:please|for me|thanks|thank you))?[\s?!.]*"
_THE = r"(?:(?:the|a|an|all|every|me|my|our) )*"
_KIND = rf"{_THE}(?:(?:function|method|class|type|variable|constant|symbol|name|word|file|module) )?"
_QUOTED = r"""(?:"[^"]*"|'[^']*'|`[^`]*`)"""
_TOKEN = rf"(?:{_QUOTED}|[^\s\"'`]{{1,300}}?)"
_PATH = rf"(?:{_QUOTED}|[^\s\"'`]{{0,300}}?[./][^\s\"'`]{{0,300}}?)"
_NAME = rf"{_KIND}(?P<name>{_TOKEN})(?:\(\))?"
_FILE = rf"{_THE}(?:file )?(?P<file>{_TOKEN})"
_FILE_PATH = rf"{_THE}(?:file )?(?P<file>{_PATH})"
_GLOB = r"(?P<pattern>[`'\"]?[^\s`'\"]{0,300}?\*[^\s`'\"]{0,300}?[`'\"]?)"
_EVERYWHERE = r"everywhere|(?:in|across) (?:all|the|every|this|whole)(?: whole)? (?:files?|project|workspace|code)"
_SCOPE = rf"(?: (?:{_EVERYWHERE}|(?:in|under) {_THE}(?:file |folder )?(?P<scope>{_PATH}|[^\s]*\*[^\s]*)))?"
_LINES = r"lines? (?P<first>\d{1,9})(?:\s*(?:-|–|to)\s*(?P<last>\d{1,9}))?"
_USED = r"(?P<use>used|called|referenced|mentioned|imported)"
_USES = r"(?P<use>calls?|uses?|references?|mentions?|imports?)"
_USAGES = r"(?P<use>references?|usages?|uses|callers?|calls)"


def understand(prompt: str) -> Request:
    """What the person wants. A document that came with the prompt is what "this file" means."""
    text = prompt.strip()
    if attached := _CONTEXT.search(prompt):
        source = f"`{attached['source']}`"
        text = _THIS_FILE.sub(lambda _: source, prompt[: attached.start()].strip())
    if len(text) <= _LONGEST_SENTENCE:
        sentence = re.sub("[“”]", '"', text)
        for pattern, build in _READINGS:
            if said := pattern.fullmatch(sentence):
                return build(_words(said))
    if said := _CREATE.fullmatch(text):
        return Create(_unquoted(said["file"]), _content(said["content"] or ""))
    if said := _RUN.fullmatch(text):
        return Run(_unquoted(said["command"].strip()))
    return Unknown()


def _words(said: re.Match[str]) -> _Words:
    """What stands in the groups, nothing for those that were not said."""
    return defaultdict(str, {group: _unquoted(text) for group, text in said.groupdict().items() if text})


def _unquoted(text: str) -> str:
    return text[1:-1] if re.fullmatch(_QUOTED, text) else text


def _content(text: str) -> str:
    """The text of a new file without the marks around it, and with a last line that ends."""
    if fenced := _FENCED.fullmatch(text):
        return fenced["inside"]
    text = _unquoted(text)
    return text if not text or text.endswith("\n") else text + "\n"


def _where(words: _Words) -> Request:
    return Where(words["name"].removesuffix("()"))


def _uses(words: _Words) -> Request:
    return Uses(words["name"].removesuffix("()"), calls=words["use"].startswith("call"))


def _outline(words: _Words) -> Request:
    return Outline(words["file"])


def _list(words: _Words) -> Request:
    return List(words["file"], words["pattern"])


def _find(words: _Words) -> Request:
    return Find(words["text"], words["scope"])


def _show(words: _Words) -> Request:
    first, last = int(words["first"] or 0), int(words["last"] or 0)
    return Show(words["file"], max(1, first), last or first)


def _rename(words: _Words) -> Request:
    return Rename(words["old"].removesuffix("()"), words["new"].removesuffix("()"), words["scope"])


def _substitute(words: _Words) -> Request:
    return Substitute(words["old"], words["new"], words["scope"])


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern.replace(" ", r"\s+"), re.IGNORECASE | re.DOTALL)


_READINGS: tuple[tuple[re.Pattern[str], _Build], ...] = tuple(
    (_compiled(f"{_PLEASE}(?:{pattern}){_END}"), build)
    for pattern, build in (
        (r"|help|hi|hello|commands|who are you|what (?:can|do) you do|what can i (?:ask|do|say)", lambda _: Help()),
        (rf"(?:run|execute) {_THE}(?:unit )?(?:tests?|test suite)|test", lambda _: Run()),
        (rf"(?:who|what|which \w+) {_USES} {_NAME}", _uses),
        (rf"where(?:'s| is| are) {_NAME} {_USED}(?: from)?", _uses),
        (rf"where do (?:we|i|you) {_USES} {_NAME}", _uses),
        (rf"(?:(?:find|show|list) )?{_THE}{_USAGES} (?:to|of|for) {_NAME}", _uses),
        (rf"(?:(?:find|show|go to) )?{_THE}(?:definition|declaration)s? (?:of|for) {_NAME}", _where),
        (rf"where(?:'s| is| are) {_NAME}(?: (?:defined|declared|implemented|located))?", _where),
        (rf"(?:(?:show|give) )?{_THE}(?:outline|structure|symbols)(?: (?:of|for|in))? {_FILE}", _outline),
        (rf"what(?:'s| is) in {_FILE_PATH}", _outline),
        (rf"what does {_FILE_PATH} (?:define|contain)", _outline),
        (rf"(?:find|search|grep|look)(?: for)? {_THE}(?:(?:text|string|words?) )?(?P<text>{_QUOTED}){_SCOPE}", _find),
        (rf"(?:list|find|show) {_THE}(?:files )?(?:(?:matching|like) )?{_GLOB}(?: files)?", _list),
        (rf"(?:search|grep)(?: for)? (?P<text>\S.*?){_SCOPE}", _find),
        (rf"(?:(?:list|show|what) {_THE}files(?: are)?(?: there)?|ls|list)(?: (?:(?:in|of|under) )?{_FILE})?", _list),
        (rf"(?:read|show|open|print|cat) {_THE}{_LINES} (?:of|in|from) {_FILE}", _show),
        (rf"(?:read|cat) {_FILE}(?:,? {_LINES})?", _show),
        (rf"(?:show|open|print) {_FILE_PATH}(?:,? {_LINES})?", _show),
        (rf"(?:find|locate) {_NAME}", _where),
        (rf"rename {_KIND}(?P<old>{_TOKEN}) (?:to|into|as|->|=>|→) (?P<new>{_TOKEN}){_SCOPE}", _rename),
        (
            rf"(?:replace|substitute|change) {_THE}(?:(?:occurrences? of|text|string) )*(?P<old>{_QUOTED}) "
            rf"(?:with|by|to) (?P<new>{_QUOTED}){_SCOPE}",
            _substitute,
        ),
        (rf"(?:replace|substitute) (?P<old>{_TOKEN}) (?:with|by) (?P<new>{_TOKEN}){_SCOPE}", _substitute),
    )
)
_CREATE = _compiled(
    rf"{_PLEASE}(?:create|write|make|add) {_THE}(?:new )?(?:empty )?(?:file )?(?:(?:called|named) )?(?P<file>{_PATH})"
    r"(?: (?:with|containing)(?: the)?(?: contents?| text)?:? (?P<content>.*)|[\s.!]*)"
)
_RUN = _compiled(
    rf"{_PLEASE}(?:(?:run|execute) (?!(?:the|my|our|all|a|some|tests)\b)(?:command )?|[$!]\s*)(?P<command>\S.*)"
)
