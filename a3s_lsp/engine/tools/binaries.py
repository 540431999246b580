"""What a file is that is not text, by how it begins, and what to look at it with."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

HEAD_BYTES = 512


@dataclass(frozen=True, slots=True)
class _Kind:
    start: bytes
    name: str
    look: str
    at: int = 0


_KINDS = (
    _Kind(b"\x7fELF", "an ELF program or library", "file {0}; readelf -h {0}"),
    _Kind(b"MZ", "a Windows program or library", "file {0}"),
    _Kind(b"\xcf\xfa\xed\xfe", "a Mach-O program or library", "file {0}"),
    _Kind(b"\xca\xfe\xba\xbe", "a Java class or a universal Mach-O program", "file {0}; javap {0}"),
    _Kind(b"\0asm", "a WebAssembly module", "wasm-objdump -h {0}"),
    _Kind(b"PK\3\4", "a ZIP archive (also jar, docx, xlsx, whl)", "unzip -l {0}"),
    _Kind(b"\x1f\x8b", "gzip data", "zcat {0} | head -c 2000"),
    _Kind(b"BZh", "bzip2 data", "bzcat {0} | head -c 2000"),
    _Kind(b"\xfd7zXZ", "xz data", "xzcat {0} | head -c 2000"),
    _Kind(b"\x28\xb5\x2f\xfd", "Zstandard data", "zstdcat {0} | head -c 2000"),
    _Kind(b"7z\xbc\xaf", "a 7-Zip archive", "7z l {0}"),
    _Kind(b"ustar", "a tar archive", "tar -tvf {0}", at=257),
    _Kind(b"SQLite format 3\0", "an SQLite database", "sqlite3 -readonly {0} .schema"),
    _Kind(b"PAR1", "a Parquet file", "python3 -c 'import pyarrow.parquet as p; print(p.read_schema({0!r}))'"),
    _Kind(b"BM", "a BMP image", "magick {0} out.png, then read out.png"),
    _Kind(b"II*\0", "a TIFF image", "magick {0} out.png, then read out.png"),
    _Kind(b"MM\0*", "a TIFF image", "magick {0} out.png, then read out.png"),
    _Kind(b"ftyp", "an MP4, HEIC or AVIF file", "ffprobe {0}", at=4),
    _Kind(b"OggS", "an Ogg file", "ffprobe {0}"),
    _Kind(b"ID3", "an MP3 file", "ffprobe {0}"),
    _Kind(b"RIFF", "a WAV or AVI file", "ffprobe {0}"),
    _Kind(b"wOF", "a web font", "file {0}"),
    _Kind(b"\xd0\xcf\x11\xe0", "an old Office document", "file {0}"),
)
_UNKNOWN = _Kind(b"", "binary, or in another encoding", "xxd {0} | head -n 40; file {0}")


def binary_told(path: Path, head: bytes, size: int) -> str:
    """A sentence about a file that is not text: what it is, how large, and how to look into it."""
    kind = next((kind for kind in _KINDS if head[kind.at :].startswith(kind.start)), _UNKNOWN)
    look = kind.look.format(shlex.quote(str(path)))
    return (
        f"Failed to read file {path}: stream did not contain valid UTF-8; it is {kind.name}, of {size} bytes. "
        f"Use bash to look into it: {look}"
    )
