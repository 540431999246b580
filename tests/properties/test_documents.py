"""Open documents against a naive model, over all encodings, line ends, look-alikes of line ends, and odd characters.

`A3S_PROPERTY_EDITS` sets how many random edits are tried; without it the same few thousand are tried each time.
"""

from __future__ import annotations

import os
from itertools import pairwise
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st
from lsprotocol import types

from a3s_lsp.engine.texts import minimal_edits
from a3s_lsp.server.textdocuments import Encoding, TextDocument

EDITS_PER_EXAMPLE = 10
EDITS = int(os.environ.get("A3S_PROPERTY_EDITS", "5000"))
SETTINGS = settings(
    max_examples=EDITS // EDITS_PER_EXAMPLE, derandomize="A3S_PROPERTY_EDITS" not in os.environ, deadline=None
)

CHARACTERS = ("a", "b", " ", "\t", "\0", "é", "ß", "漢", "\u0301", "😀", "𝔸", "\U0010ffff", "\ud800", "\udc00")
LOOK_ALIKES = ("\f", "\v", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029")
pieces = st.sampled_from(("\n", "\r", "\r\n")) | st.sampled_from((*CHARACTERS, *LOOK_ALIKES))
texts = st.lists(pieces, max_size=25).map("".join)
encodings: st.SearchStrategy[Encoding] = st.sampled_from(("utf-8", "utf-16", "utf-32"))
positions = st.builds(
    types.Position, st.integers(0, 9) | st.just(2**31 - 1), st.integers(0, 3) | st.integers(0, 12) | st.just(2**31 - 1)
)


class Edit(NamedTuple):
    """A random change; without `end` it replaces everything."""

    start: types.Position
    end: types.Position | None
    text: str

    def change(self) -> types.TextDocumentContentChangeEvent:
        """The edit as a client sends it."""
        if self.end is None:
            return types.TextDocumentContentChangeWholeDocument(self.text)
        start, end = sorted((self.start, self.end))
        return types.TextDocumentContentChangePartial(types.Range(start, end), self.text)


edits = st.builds(Edit, positions, positions, texts) | st.builds(Edit, positions, st.none() | positions, texts)


# ---------------------------------------------------------------- the model


def model_width(character: str, encoding: Encoding) -> int:
    code = ord(character)
    if encoding == "utf-32":
        return 1
    if encoding == "utf-16":
        return 2 if code > 0xFFFF else 1
    return 1 if code < 0x80 else 2 if code < 0x800 else 3 if code < 0x10000 else 4


def model_lines(text: list[str]) -> list[tuple[int, int]]:
    """Where each line begins, and where its characters end."""
    lines, begin, at = [], 0, 0
    while at < len(text):
        if text[at] == "\r" or text[at] == "\n":
            lines.append((begin, at))
            at += 2 if text[at : at + 2] == ["\r", "\n"] else 1
            begin = at
        else:
            at += 1
    return [*lines, (begin, at)]


def model_offset(text: list[str], position: types.Position, encoding: Encoding) -> int:
    lines = model_lines(text)
    if position.line >= len(lines):
        return len(text)
    at, end = lines[position.line]
    left = position.character
    while at < end and model_width(text[at], encoding) <= left:
        left -= model_width(text[at], encoding)
        at += 1
    return at


def model_apply(text: list[str], edit: Edit, encoding: Encoding) -> list[str]:
    if edit.end is None:
        return list(edit.text)
    start, end = sorted((edit.start, edit.end))
    return [
        *text[: model_offset(text, start, encoding)],
        *edit.text,
        *text[model_offset(text, end, encoding) :],
    ]


# ---------------------------------------------------------------- the properties


@SETTINGS
@given(texts, st.lists(edits, min_size=EDITS_PER_EXAMPLE, max_size=EDITS_PER_EXAMPLE), encodings)
def test_a_document_stays_equal_to_the_naive_model(text: str, changes: list[Edit], encoding: Encoding) -> None:
    document, model = TextDocument("file:///a", "plaintext", 0, text), list(text)
    for edit in changes:
        document.apply([edit.change()], encoding)
        model = model_apply(model, edit, encoding)
        assert document.text == "".join(model)
        lines = model_lines(model)
        assert document.line_count == len(lines)
        starts = [document.offset(types.Position(number, 0), encoding) for number in range(len(lines))]
        assert starts == [begin for begin, _ in lines]


@SETTINGS
@given(texts, positions, encodings)
def test_a_position_means_the_same_place_as_in_the_naive_model(
    text: str, position: types.Position, encoding: Encoding
) -> None:
    document = TextDocument("file:///a", "plaintext", 0, text)
    assert document.offset(position, encoding) == model_offset(list(text), position, encoding)


@SETTINGS
@given(texts, st.data(), encodings)
def test_an_offset_survives_the_way_through_a_position(text: str, data: st.DataObject, encoding: Encoding) -> None:
    document = TextDocument("file:///a", "plaintext", 0, text)
    offset = data.draw(st.integers(0, len(text)))
    between_cr_and_lf = text[max(offset - 1, 0) : offset + 1] == "\r\n"
    expected = offset - 1 if between_cr_and_lf else offset
    assert document.offset(document.position(offset, encoding), encoding) == expected


@SETTINGS
@given(texts, texts, texts, texts, encodings)
def test_minimal_edits_lead_to_the_new_text_in_an_editor(
    shared: str, before: str, after: str, rest: str, encoding: Encoding
) -> None:
    before, after = shared + before + rest, shared + after + rest
    document = TextDocument("file:///a", "plaintext", 0, before)
    edits = minimal_edits(before, after)
    assert all(left[1] < right[0] for left, right in pairwise(edits))
    # From the last to the first, so that the positions of those before stay what they are.
    for start, end, text in reversed(edits):
        change = types.TextDocumentContentChangePartial(document.range(start, end, encoding), text)
        document.apply([change], encoding)
    assert document.text == after
