"""A program of its own that writes the texts of the pages of a PDF as JSON lines.

PDFs can make a reader spin or eat all memory; a process can be bounded in both and be ended.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

_MEMORY_BYTES = 2 * 1024**3


def main() -> None:
    """The arguments are the path, how many pages to skip, and how many to write."""
    path, offset, limit = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    _bound_memory()
    for line in _told(path, offset, limit):
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


def _bound_memory() -> None:
    if sys.platform != "win32":  # where nothing of the kind can be set from within
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))


def _told(path: str, offset: int, limit: int) -> Iterator[dict[str, object]]:
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        reader = PdfReader(path)
        if reader.is_encrypted and not reader.decrypt(""):
            yield {"error": "it is encrypted, and wants a password"}
            return
        count = len(reader.pages)
        yield {"pages": count}
        for index in range(offset, min(offset + limit, count)):
            yield {"page": index + 1, "text": reader.pages[index].extract_text()}
    except MemoryError:
        yield {"error": "it needs too much memory"}
    except (PyPdfError, ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError) as error:
        yield {"error": f"it is damaged ({type(error).__name__})"}


if __name__ == "__main__":
    main()
