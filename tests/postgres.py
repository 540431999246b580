"""A real PostgreSQL server of its own for tests, as `scripts/get-postgres` finds or installs it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PASSWORD = "pa55word-of-the-test"
_NOBODY = 65534


class PostgresServer:
    """Started by `start`; data are in a folder that `remove` deletes."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self._folder = Path(tempfile.mkdtemp(prefix="a3s-pg-"))
        self._socket = Path(tempfile.mkdtemp(prefix="a3s-pgs-"))
        (self._folder / "password").write_text(PASSWORD)
        if os.geteuid() == 0:  # the server refuses to run as root
            for path in (self._folder, self._socket, self._folder / "password"):
                os.chown(path, _NOBODY, _NOBODY)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        made = ("--pgdata", self._folder / "data", "--username", "a3s", "--encoding", "UTF8", "--no-sync")
        self._run("initdb", *made, "--auth", "scram-sha-256", "--pwfile", self._folder / "password")

    @property
    def dsn(self) -> str:
        return f"postgresql://a3s:{PASSWORD}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        options = f"-p {self.port} -k {self._socket} -c listen_addresses=127.0.0.1 -c fsync=off"
        self._control("start", "-w", "-l", self._folder / "log", "-o", options)

    def stop(self, mode: str = "immediate") -> None:
        self._control("stop", "-w", "-m", mode)

    def remove(self) -> None:
        if (self._folder / "data" / "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self._folder)
        shutil.rmtree(self._socket)

    def _control(self, verb: str, *arguments: str | Path) -> None:
        self._run("pg_ctl", verb, "-D", self._folder / "data", "-s", *arguments)

    def _run(self, program: str, *arguments: str | Path) -> None:
        root = os.geteuid() == 0
        done = subprocess.run(
            [self._programs / program, *arguments],
            cwd=self._folder,
            env={"PATH": os.defpath, "HOME": str(self._folder), "LC_ALL": "C"},
            user=_NOBODY if root else None,
            group=_NOBODY if root else None,
            extra_groups=[] if root else None,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{program}: {done.stdout.decode(errors='replace')}"


def postgres_programs() -> Path:
    """Where the programs of the server are. Skips the test where it cannot be installed."""
    found = subprocess.run(
        [ROOT / "scripts" / "get-postgres"], capture_output=True, text=True, timeout=300, check=False
    )
    if found.returncode != 0:
        pytest.skip(found.stderr.strip() or "there is no PostgreSQL server here")
    return Path(found.stdout.strip())


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One server for all tests that do not stop it; each uses a schema of its own."""
    server = PostgresServer(postgres_programs())
    try:
        server.start()
        yield server
    finally:
        server.remove()
