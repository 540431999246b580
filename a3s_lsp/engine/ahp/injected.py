"""What a harness knows about a prompt, as a block of the system prompt."""

from __future__ import annotations

from collections.abc import Iterator

from a3s_lsp.engine.context.blocks import Piece, block
from a3s_lsp.engine.messages import Json

_SOURCE = "ahp://harness"
_LIMIT = 32 * 1024
_HEADING = "# Context from the supervisor of this session"


def context_piece(decision: Json) -> Piece | None:
    """The block of `injected_context`, `injected_facts` and the hints of a refinement; None where there is nothing."""
    given = decision.get("injected_context")
    context = given if isinstance(given, dict) else {}
    facts = [*_rows(context.get("facts")), *_rows(decision.get("injected_facts"))]
    sections = [
        ("Facts", [_fact(fact) for fact in facts]),
        ("Files", [_file(file) for file in _rows(context.get("file_contents"))]),
        ("Project", list(_project(context.get("project_summary")))),
        ("Knowledge", _told(context.get("knowledge"))),
        ("Suggestions", _told(context.get("suggestions"))),
        ("Where to look", _told(decision.get("scope_hints"))),
    ]
    text = "\n\n".join(f"## {heading}\n" + "\n".join(lines) for heading, lines in sections if any(lines))
    if not text:
        return None
    if len(text) > _LIMIT:
        text = f"{text[:_LIMIT]}\n[cut: longer than {_LIMIT} characters]"
    return Piece("harness", _SOURCE, block(_SOURCE, "Context", f"{_HEADING}\n\n{text}"))


def _fact(row: Json) -> str:
    source, sure = row.get("source"), row.get("confidence")
    notes = [f"from {source}"] if source else []
    notes += [f"confidence {sure}"] if isinstance(sure, int | float) else []
    return f"- {_text(row.get('content'))}" + (f" ({', '.join(notes)})" if notes else "")


def _file(row: Json) -> str:
    return f"### {_text(row.get('path'))}\n{_text(row.get('snippet'))}"


def _project(summary: object) -> Iterator[str]:
    if not isinstance(summary, dict):
        return
    for name in ("project_name", "language", "structure_description", "key_files"):
        for text in _told(summary.get(name)):
            yield f"{name.replace('_', ' ')}: {text.removeprefix('- ')}"


def _rows(value: object) -> list[Json]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _told(value: object) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [f"- {_text(each)}" for each in values if each]


def _text(value: object) -> str:
    if isinstance(value, dict):
        value = value.get("content") or value.get("text") or value
    return "" if value is None else str(value)
