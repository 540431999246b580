"""How a request to the offline assistant is read from a person's words: one pattern for each way to put it.

A sentence is understood as a whole or not at all; doing the half of what was asked would be worse than saying no.
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
_Reading: TypeAlias = tuple[re.Pattern[str], Callable[[_Words], Request]]

_CONTEXT = re.compile(r'\s*<context source="(?P<source>[^"]*)"[^>]*?(?:/>|>.*?</context>)', re.DOTALL)
_THIS_FILE = re.compile(r"\b(?:this|the (?:current|open)) file\b", re.IGNORECASE)
_POLITE_START = (
    r"(?:(?:please|hey|hi|ok|okay|now|then|just|(?:can|could|would|will) you|i(?: want|'d like) (?:you )?to|let's)"
    r"[\s,]+)*"
)
_POLITE_END = r"(?:[\s,]+(?:please|for me|thanks|thank you))?[\s?!.]*"

_THE = r"(?:(?:the|a|an|all|every|me) )*"
_KIND = rf"{_THE}(?:(?:function|method|class|type|variable|constant|symbol|name|word|file|module)s? )?"
_Q = r"[`'\"]?"
_FILE = rf"{_THE}(?:file )?{_Q}(?P<file>[^\s`'\"]+?){_Q}"
_FILE_LIKE = rf"{_THE}(?:file )?{_Q}(?P<file>[^\s`'\"]*[./][^\s`'\"]+?){_Q}"
_EVERYWHERE = (
    r"(?:in|across|over) (?:all|the|every|my|this|whole) ?(?:whole |entire |other )?(?:files?|project|workspace|code)"
)
_PLACE = rf"(?:in|under) {_THE}(?:file |folder )?{_Q}(?P<scope>[^\s`'\"]*[./*][^\s`'\"]*?){_Q}"
_SCOPE = rf"(?: (?:{_EVERYWHERE}|everywhere|{_PLACE}))?"
_LINES = r"lines? (?P<first>\d+)(?: ?(?:-|–|to) ?(?P<last>\d+))?"


def _name(group: str = "name") -> str:
    return rf"{_Q}(?P<{group}>[^\s`'\"]+?)(?:\(\))?{_Q}"


def _quoted(group: str) -> str:
    return rf"(?P<{group}_quote>[`'\"])(?P<{group}>.*?)(?P={group}_quote)"


def _uses(verb: str) -> Callable[[_Words], Request]:
    return lambda words: Uses(words["name"], calls=words[verb].startswith("call"))


def _show(words: _Words) -> Request:
    first, last = int(words["first"] or 0), int(words["last"] or 0)
    return Show(words["file"], max(1, first), last or first)


def _reading(pattern: str, request: Callable[[_Words], Request]) -> _Reading:
    return re.compile(_POLITE_START + f"(?:{pattern})" + _POLITE_END, re.IGNORECASE | re.DOTALL), request


_USE_NOUN = r"(?P<use>references?|usages?|uses|callers?|calls)"
_USED = r"(?P<use>used|called|referenced|mentioned|imported)"
_READINGS: tuple[_Reading, ...] = tuple(
    _reading(pattern, request)
    for pattern, request in (
        (r"|help|hi|hello|commands|who are you|what (?:can|do) you do|what can i (?:ask|do|say)", lambda _: Help()),
        (rf"(?:run|execute) {_THE}(?:my |our )?(?:unit )?(?:tests?|test suite)|test", lambda _: Run()),
        (
            rf"(?:who|what|which \w+) (?P<use>calls?|uses?|references?|mentions?|imports?) {_KIND}{_name()}",
            _uses("use"),
        ),
        (rf"where(?:'s| is| are) {_KIND}{_name()} {_USED}(?: from)?", _uses("use")),
        (rf"(?:(?:find|show|list) )?{_THE}{_USE_NOUN} (?:to|of|for) {_KIND}{_name()}", _uses("use")),
        (
            rf"(?:(?:show|give) )?{_THE}(?:outline|structure|symbols) (?:(?:of|for|in) )?{_FILE}"
            rf"|what(?:'s| is) in {_FILE_LIKE.replace('file>', 'inside>')}",
            lambda w: Outline(w["file"] or w["inside"]),
        ),
        (
            rf"(?:(?:find|show|go to|jump to) )?{_THE}(?:definition|declaration)s? (?:of|for) {_KIND}{_name()}",
            lambda w: Where(w["name"]),
        ),
        (
            rf"where(?:'s| is| are) {_KIND}{_name()}(?: (?:defined|declared|implemented|located))?",
            lambda w: Where(w["name"]),
        ),
        (
            rf"(?:find|search|grep|look)(?: for)? {_THE}(?:(?:text|string|words?) )?{_quoted('text')}{_SCOPE}",
            lambda w: Find(w["text"], w["scope"]),
        ),
        (rf"(?:search|grep)(?: for)? (?P<text>\S.*?){_SCOPE}", lambda w: Find(w["text"], w["scope"])),
        (
            rf"(?:list|find|show) {_THE}(?:files (?:matching |like )?)?"
            rf"{_Q}(?P<pattern>[^\s`'\"]*\*[^\s`'\"]*){_Q}(?: files)?",
            lambda w: List(pattern=w["pattern"]),
        ),
        (
            rf"(?:(?:list|show|what) {_THE}files(?: are)?(?: there)?|ls|list)(?: (?:(?:in|of|under) )?{_FILE})?",
            lambda w: List(folder=w["file"]),
        ),
        (rf"(?:read|show|open|print|cat) {_THE}{_LINES} (?:of|in|from) {_FILE}", _show),
        (rf"(?:read|cat) {_FILE}(?:,? {_LINES})?", _show),
        (rf"(?:show|open|print) {_FILE_LIKE}(?:,? {_LINES})?", _show),
        (rf"(?:find|locate) {_KIND}{_name()}", lambda w: Where(w["name"])),
        (
            rf"rename {_KIND}{_name('old')} (?:to|into|as|->|=>|→) {_name('new')}{_SCOPE}",
            lambda w: Rename(w["old"], w["new"], w["scope"]),
        ),
        (
            rf"(?:replace|substitute|change) {_THE}(?:(?:occurrences? of|text|string) )*{_quoted('old')} "
            rf"(?:with|by|to) {_quoted('new')}{_SCOPE}",
            lambda w: Substitute(w["old"], w["new"], w["scope"]),
        ),
        (
            rf"(?:replace|substitute) (?P<old>[^\s`'\"]+) (?:with|by) (?P<new>[^\s`'\"]+?){_SCOPE}",
            lambda w: Substitute(w["old"], w["new"], w["scope"]),
        ),
    )
)
_CREATE = re.compile(
    _POLITE_START + rf"(?:create|write|make|add) {_THE}(?:new )?(?:empty )?(?:file )?(?:called |named )?{_FILE_LIKE}"
    r"(?:\s+(?:with|containing)(?: the)?(?: contents?| text)?:?\s+(?P<content>.*)|[\s.!]*)",
    re.IGNORECASE | re.DOTALL,
)
_RUN = re.compile(
    _POLITE_START + r"(?:(?:run|execute) (?!(?:the|my|our|all|a|some)\b)(?:command )?|[$!] ?)(?P<command>\S.*)",
    re.IGNORECASE | re.DOTALL,
)
_FENCE = re.compile(r"```[^\n]*\n(?P<inside>.*?)```\s*", re.DOTALL)


def understand(prompt: str) -> Request:
    """What the person wants. Documents that came with the prompt are what "this file" means."""
    text = _CONTEXT.sub("", prompt).strip()
    attached = _CONTEXT.search(prompt)
    if attached:
        text = _THIS_FILE.sub(lambda _: f"`{attached['source']}`", text)
    sentence = re.sub(r"\s+", " ", re.sub(r"[“”]", '"', text))
    for pattern, request in _READINGS:
        if said := pattern.fullmatch(sentence):
            return request(_words(said))
    if said := _CREATE.fullmatch(text):
        return Create(said["file"], _content(said["content"] or ""))
    if said := _RUN.fullmatch(text):
        return Run(said["command"].strip().strip("`"))
    return Unknown()


def _words(said: re.Match[str]) -> _Words:
    return defaultdict(str, {group: text for group, text in said.groupdict().items() if text is not None})


def _content(text: str) -> str:
    """The text of a new file without the marks around it, and with a last line that ends."""
    if fenced := _FENCE.fullmatch(text):
        return fenced["inside"]
    if len(text) > 1 and text[0] == text[-1] and text[0] in "`'\"":
        text = text[1:-1]
    return text if not text or text.endswith("\n") else text + "\n"
