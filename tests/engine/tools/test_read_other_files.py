"""What the model sees of files that are no text: images, notebooks, PDFs, and what is none of these."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.tools.desk import Desk
from tests.engine.tools.documents import pdf
from tests.engine.tools.pictures import gif, jpeg, png, webp


@pytest.mark.parametrize(
    ("make", "kind", "media_type"),
    [
        (png, "PNG", "image/png"),
        (gif, "GIF", "image/gif"),
        (jpeg, "JPEG", "image/jpeg"),
        (webp, "WebP", "image/webp"),
    ],
)
async def test_an_image_is_given_as_an_image_whatever_its_name(
    desk: Desk, make: Callable[[int, int], bytes], kind: str, media_type: str
) -> None:
    data = make(30, 20)
    desk.put("picture.txt", data)
    result = await desk.call("read", file_path="picture.txt")
    assert result.output == f"{kind} image, 30x20 pixels, {len(data)} bytes."
    assert result.metadata == {"media_type": media_type, "width": 30, "height": 20, "bytes": len(data)}
    [image] = result.attachments
    assert (image.media_type, base64.b64decode(image.data)) == (media_type, data)


@pytest.mark.parametrize("form", [b"VP8L", b"VP8 "])
async def test_both_plain_forms_of_webp_are_measured(desk: Desk, form: bytes) -> None:
    lossless = b"\x2f" + ((29) | (19 << 14)).to_bytes(4, "little")
    lossy = b"\0\0\0\x9d\x01\x2a" + (30).to_bytes(2, "little") + (20).to_bytes(2, "little")
    body = b"WEBP" + form + b"\x10\0\0\0" + (lossless if form == b"VP8L" else lossy) + bytes(16)
    desk.put("a.webp", b"RIFF" + len(body).to_bytes(4, "little") + body)
    assert "30x20 pixels" in (await desk.call("read", file_path="a.webp")).output


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (png(1, 1)[:30], "damaged or not complete"),
        (png(1, 1)[:-20], "damaged or not complete"),
        (b"\x89PNG\r\n\x1a\n", "damaged or not complete"),
        (b"\xff\xd8\xff", "damaged or not complete"),
        (b"\xff\xd8\xff\xe0\0\0" * 9, "damaged or not complete"),
        (b"GIF89a", "damaged or not complete"),
        (b"RIFF\0\0\0\0WEBPnope", "damaged or not complete"),
        (jpeg(9000, 20), "9000x20 pixels large, and 8000 is the most"),
        (gif(0, 5), "damaged or not complete"),
        (png(1, 1) + bytes(5 * 1024 * 1024), "more than 5242880 bytes"),
    ],
)
async def test_an_image_that_no_model_takes_is_refused_with_what_to_do(desk: Desk, data: bytes, problem: str) -> None:
    path = desk.put("a.png", data)
    result = await desk.call("read", file_path="a.png")
    assert result.exit_code == 1 and not result.attachments
    assert f"Failed to read file {path}: " in result.output and problem in result.output


NOTEBOOK = {
    "nbformat": 4,
    "cells": [
        {"cell_type": "markdown", "source": ["# Title\n", "text"]},
        {
            "cell_type": "code",
            "source": "print('x' * 3000)",
            "outputs": [
                {"output_type": "stream", "text": ["x" * 3000]},
                {"output_type": "display_data", "data": {"text/plain": ["<Figure>"], "image/png": "iVBO"}},
                {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["\x1b[31mred\x1b[0m"]},
            ],
        },
        {"cell_type": "code", "source": "", "outputs": "nonsense"},
    ],
}


async def test_a_notebook_is_shown_as_cells_with_their_outputs_cut(desk: Desk) -> None:
    desk.put("a.ipynb", json.dumps(NOTEBOOK))
    result = await desk.call("read", file_path="a.ipynb")
    assert result.metadata == {"cells": 3}
    assert "--- [cell 1: markdown] ---\n# Title\ntext\n" in result.output
    assert f"{'x' * 2000}… [output cut: 1000 more characters]" in result.output
    assert "<Figure>\n[image/png, not shown]\n" in result.output
    assert "--- [output of cell 2] ---\nred\n" in result.output
    part = await desk.call("read", file_path="a.ipynb", offset=1, limit=1)
    assert "cell 1" not in part.output and "(1 more cells not shown" in part.output
    assert (await desk.call("read", file_path="a.ipynb", offset=3)).exit_code == 1


async def test_the_text_of_a_notebook_can_be_read_and_what_is_unsaved_counts(desk: Desk) -> None:
    path = desk.put("a.ipynb", "{}")
    desk.editor.open(path, json.dumps({"cells": [{"cell_type": "raw", "source": "typed"}]}))
    assert "typed" in (await desk.call("read", file_path="a.ipynb")).output
    assert (await desk.call("read", file_path="a.ipynb", raw=True)).output.startswith('     1\t{"cells"')


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"cells": 3}', '{"cells": [1]}', "[" * 100_000])
async def test_what_is_no_notebook_says_how_to_read_it(desk: Desk, text: str) -> None:
    desk.put("a.ipynb", text)
    result = await desk.call("read", file_path="a.ipynb")
    assert result.exit_code == 1 and "raw=true" in result.output


async def test_a_pdf_is_shown_page_by_page(desk: Desk) -> None:
    desk.put("a.pdf", pdf([f"This is page {number}" for number in range(1, 31)]))
    result = await desk.call("read", file_path="a.pdf")
    assert result.metadata == {"pages": 30}
    assert "--- [page 1] ---\nThis is page 1\n" in result.output
    assert "page 21" not in result.output and "(10 more pages not shown" in result.output
    part = await desk.call("read", file_path="a.pdf", offset=28, limit=5)
    assert "This is page 29\n" in part.output and "not shown" not in part.output
    assert "exceeds the PDF (30 pages)" in (await desk.call("read", file_path="a.pdf", offset=30)).output


async def test_a_page_without_text_says_so_and_a_broken_pdf_is_refused(desk: Desk) -> None:
    desk.put("empty.pdf", pdf([""]))
    assert "[no text: the page is an image, or empty]" in (await desk.call("read", file_path="empty.pdf")).output
    for name, data in {"cut.pdf": pdf(["x"])[:60], "noise.pdf": b"%PDF-1.7\n" + bytes(range(256)) * 40}.items():
        path = desk.put(name, data)
        broken = await desk.call("read", file_path=name)
        assert broken.exit_code == 1 and f"Failed to read file {path}" in broken.output


async def test_a_pdf_that_takes_too_long_is_given_up(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("a3s_lsp.engine.tools.pdf._MILLISECONDS", 1)
    desk.put("a.pdf", pdf(["x"]))
    assert "it takes too long" in (await desk.call("read", file_path="a.pdf")).output


async def test_a_module_in_the_workspace_is_not_taken_for_the_reader_of_pdfs(desk: Desk) -> None:
    trap = f"open({str(desk.root / 'sprung')!r}, 'w')"
    desk.put("pypdf.py", trap)
    desk.put("json.py", trap)
    desk.put("a3s_lsp/__init__.py", trap)
    desk.put("a.pdf", pdf(["text"]))
    assert "text" in (await desk.call("read", file_path="a.pdf")).output
    assert not (desk.root / "sprung").exists()


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"\x7fELF\2\1\1" + b"\xff\0" * 100, "an ELF program or library"),
        (b"PK\3\4" + bytes(range(256)), "unzip -l"),
        (b"SQLite format 3\0" + b"\xff" * 40, "sqlite3 -readonly"),
        (bytes(257) + b"ustar\x0000" + b"\xff" * 40, "a tar archive"),
        (b"\x80\x81\x82\0", "xxd"),
    ],
)
async def test_a_binary_file_says_what_it_is_how_large_and_what_to_use(desk: Desk, data: bytes, what: str) -> None:
    path = desk.put("it is.bin", data)
    result = await desk.call("read", file_path="it is.bin")
    assert result.exit_code == 1
    assert f"Failed to read file {path}" in result.output and "valid UTF-8" in result.output
    assert what in result.output and f"{len(data)} bytes" in result.output and f"'{path}'" in result.output


async def test_sockets_and_pipes_behind_any_name_are_told_at_once(desk: Desk, tmp_path: Path) -> None:
    os.mkfifo(desk.root / "a.png")
    os.mkfifo(desk.root / "a.ipynb")
    listening = socket.socket(socket.AF_UNIX)
    old = Path.cwd()
    try:
        os.chdir(desk.root)  # the address of a socket is short
        listening.bind("s")
    finally:
        os.chdir(old)
    async with asyncio.timeout(5):
        for name, what in {
            "a.png": "it is a named pipe",
            "a.ipynb": "it is a named pipe",
            "s": "it is a socket",
        }.items():
            result = await desk.call("read", file_path=name)
            assert result.exit_code == 1 and what in result.output
    listening.close()


async def test_an_artifact_is_read_by_its_address(desk: Desk) -> None:
    desk.put("big.txt", "".join(f"line {number}\n" for number in range(20_000)))
    whole = await desk.call("read", file_path="big.txt", limit=20_000)
    assert whole.metadata is not None
    described = whole.metadata["artifact"]
    assert isinstance(described, dict)
    part = await desk.call("read", file_path=described["artifact_uri"], offset=19_999)
    assert part.output == " 20000\t 20000\tline 19999\n"
    assert (await desk.call("read", file_path="a3s://tool-output/read/none")).exit_code == 1
