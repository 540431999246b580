"""What goes with a prompt: documents and ranges, as they are on the screen."""

from __future__ import annotations

from collections.abc import Sequence

from lsprotocol import types

from a3s_lsp.server import wire
from a3s_lsp.server.textdocuments import Documents
from a3s_lsp.server.uris import uri_to_path


def with_context(prompt: str, context: Sequence[wire.ContextItem], documents: Documents) -> str:
    """The prompt, followed by the parts of documents that it is about."""
    return "\n\n".join([prompt, *(_block(item, documents) for item in context)])


def _block(item: wire.ContextItem, documents: Documents) -> str:
    path = uri_to_path(item.uri)
    document = documents.get(item.uri)
    name = item.uri if path is None else str(path)
    if item.range is None:
        return f'<context source="{name}"/>'
    lines = f"{item.range.start.line + 1}-{item.range.end.line + 1}"
    if document is None:
        return f'<context source="{name}" lines="{lines}"/>'
    start, end = (
        document.offset(types.Position(at.line, at.character), documents.encoding)
        for at in (item.range.start, item.range.end)
    )
    return f'<context source="{name}" lines="{lines}">\n{document.text[start:end]}\n</context>'
