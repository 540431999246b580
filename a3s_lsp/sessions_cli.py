"""The command `a3s-lsp sessions`: look at what is stored, send it away, take it in, delete it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from a3s_lsp.engine.messages import Json
    from a3s_lsp.sdk.stores import SessionStore

T = TypeVar("T")


@click.group()
@click.option(
    "--store",
    metavar="DIR|URL",
    help="The folder of the sessions, or the URL of a PostgreSQL database; else those of the editors.",
)
@click.pass_context
def sessions(context: click.Context, store: str | None) -> None:
    """Look at stored sessions, send them away, take them in, and delete them."""
    context.obj = store


@sessions.command("list")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many, the newest first.")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
@click.pass_obj
def list_(place: str | None, limit: int, as_json: bool) -> None:
    """List the newest sessions."""
    rows = _with(place, lambda store: store.sessions())
    if as_json:
        _print_json(rows[:limit])
        return
    for row in rows[:limit]:
        _print(_line(row))
    if len(rows) > limit:
        click.echo(f"… and {len(rows) - limit} older ones: --limit shows more.")
    if not rows:
        click.echo("There are no sessions.")


@sessions.command()
@click.argument("session_id", metavar="ID")
@click.pass_obj
def show(place: str | None, session_id: str) -> None:
    """Show the conversation of a session."""
    _print(_with(place, lambda store: _markdown(store, session_id)))


@sessions.command()
@click.argument("session_id", metavar="ID")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.option("--markdown", is_flag=True, help="Only the conversation, to be read; this cannot be imported.")
@click.pass_obj
def export(place: str | None, session_id: str, file: Path | None, markdown: bool) -> None:
    """Write a session to FILE, or print it: as JSON that `import` takes in again."""
    from a3s_lsp.engine.store.exchange import write_file

    if markdown:
        text = _with(place, lambda store: _markdown(store, session_id))
        if file is None:
            _print(text)
        else:
            _with(place, lambda store: write_file(file, text))
    elif file is None:
        _print_json(_with(place, lambda store: store.export(session_id)))
    else:
        _with(place, lambda store: store.export(session_id, str(file)))


@sessions.command("import")
@click.argument("files", metavar="FILE…", type=click.Path(path_type=Path, exists=True), nargs=-1, required=True)
@click.option("--id", "new_id", help="The id that the session is to have here, if it is one.")
@click.pass_obj
def import_(place: str | None, files: tuple[Path, ...], new_id: str | None) -> None:
    """Take in exported sessions, or session files of a3s-code, which stay as they are."""
    if new_id is not None and len(files) > 1:
        raise click.UsageError("One id is for one session: import the files one by one.")
    for file in files:
        taken = _with(place, lambda store, file=file: store.import_session(str(file), new_id))  # type: ignore[misc]
        _print(f"Imported {taken}.")


@sessions.command()
@click.argument("session_id", metavar="ID")
@click.option("--at", help="The run or call that the fork is to begin before; else it has all of the session.")
@click.option("--id", "new_id", help="The id that the fork is to have.")
@click.pass_obj
def fork(place: str | None, session_id: str, at: str | None, new_id: str | None) -> None:
    """Store a session that begins as this one. Files stay as they are."""
    _print(f"Forked: {_with(place, lambda store: store.fork(session_id, at, new_id))}.")


@sessions.command()
@click.argument("session_ids", metavar="ID…", nargs=-1, required=True)
@click.pass_obj
def delete(place: str | None, session_ids: tuple[str, ...]) -> None:
    """Delete sessions for good."""
    for session_id in session_ids:
        if not _with(place, lambda store, each=session_id: store.delete(each)):  # type: ignore[misc]
            raise click.ClickException(f"There is no session {session_id}: a3s-lsp sessions list shows them.")
        _print(f"Deleted {session_id}.")


def _with(place: str | None, work: Callable[[SessionStore], T]) -> T:
    """Do something with the store that is meant; what goes wrong ends the command with a sentence."""
    from a3s_lsp.engine.errors import A3SError

    try:
        return work(_store(place))
    except (A3SError, ValueError) as error:
        raise click.ClickException(str(error)) from None


def _store(place: str | None) -> SessionStore:
    from a3s_lsp.places import session_log
    from a3s_lsp.sdk.stores import FileSessionStore, PostgresSessionStore

    if place is None:
        return FileSessionStore(str(session_log(os.environ).parent))
    if place.startswith(("postgresql://", "postgres://")):
        return PostgresSessionStore(place)
    if not Path(place).is_dir():
        raise click.UsageError(f"There is no folder {place}: name one that sessions are kept in with --store.")
    return FileSessionStore(place)


def _markdown(store: SessionStore, session_id: str) -> str:
    from a3s_lsp.engine.export import as_markdown
    from a3s_lsp.engine.state import State

    store.adopt(session_id)
    state = State()
    for record in store.writer.store.read(session_id):
        state.apply(record)
    return as_markdown(session_id, state.model, state.messages)


def _line(row: Json) -> str:
    updated = datetime.fromtimestamp(int(str(row["updated_at_ms"])) / 1000).astimezone().strftime("%Y-%m-%d %H:%M")
    return f"{row['id']}  {updated}  {row['status']:<11}  {row['messages']:>4} messages  {row['title']}"


def _print(text: str) -> None:
    """What is stored may come from anywhere, and must not steer the terminal."""
    shown = text.rstrip("\n").splitlines() or [""]
    for line in shown:
        click.echo("".join(letter if letter.isprintable() or letter == "\t" else "\ufffd" for letter in line))


def _print_json(value: object) -> None:
    import json

    json.dump(value, sys.stdout, indent=2)
    click.echo()
