"""The command `a3s-lsp memory`: look at what is remembered, and forget it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from a3s_lsp.engine.memory.items import MemoryItem
    from a3s_lsp.engine.memory.memories import Memories

T = TypeVar("T")
_INDENT = "    "


@click.group()
@click.option(
    "--dir", "folder", type=click.Path(path_type=Path), help="The folder of the memories; else the configured."
)
@click.pass_context
def memory(context: click.Context, folder: Path | None) -> None:
    """Look at what is remembered from one session to the next, and forget it."""
    context.obj = folder


@memory.command("list")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many, the newest first.")
@click.pass_obj
def list_(folder: Path | None, limit: int) -> None:
    """List the newest memories."""
    _show(_with(folder, lambda memories: memories.recent(limit)))


@memory.command()
@click.argument("query")
@click.option("--limit", type=click.IntRange(1), default=5, show_default=True, help="How many, the best first.")
@click.pass_obj
def search(folder: Path | None, query: str, limit: int) -> None:
    """Find the memories that answer QUERY best."""
    from a3s_lsp.engine.config.settings import Relevance

    found = _with(folder, lambda memories: memories.search(query, limit, Relevance()))
    _show(one.item for one in found)


@memory.command()
@click.argument("memory_id", metavar="[ID]", required=False)
@click.option("--all", "everything", is_flag=True, help="Forget everything in the folder.")
@click.pass_obj
def forget(folder: Path | None, memory_id: str | None, everything: bool) -> None:
    """Forget the memory with this ID, or --all."""
    if everything == (memory_id is not None):
        raise click.UsageError("Name one memory by its ID, or forget --all.")
    if memory_id is None:
        click.echo(f"Memories forgotten: {_with(folder, lambda memories: memories.forget_all())}.")
    elif _with(folder, lambda memories: memories.forget(memory_id)):
        click.echo(f"Forgot {memory_id}.")
    else:
        raise click.ClickException(f"There is no memory {memory_id}: a3s-lsp memory list shows them.")


@memory.command("import")
@click.argument("source", metavar="DIR", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.pass_obj
def import_(folder: Path | None, source: Path) -> None:
    """Take in the memories that a3s-code kept in DIR, which stays as it is."""
    new, old = _with(folder, lambda memories: memories.import_folder(source))
    click.echo(f"Memories imported: {new} of {len(old.items)}.")
    if old.warning:
        click.echo(old.warning, err=True)


def _with(folder: Path | None, work: Callable[[Memories], Awaitable[T]]) -> T:
    """Do something with the memories that are meant; what goes wrong ends the command with a sentence."""
    from a3s_lsp.engine.errors import A3SError

    async def opened() -> T:
        memories = _meant(folder)
        if warning := await memories.open():
            click.echo(warning, err=True)
        return await work(memories)

    try:
        return asyncio.run(opened())
    except A3SError as error:
        raise click.ClickException(str(error)) from None


def _meant(folder: Path | None) -> Memories:
    from a3s_lsp.engine.assembly import Surroundings, configuration
    from a3s_lsp.engine.memory.memories import Memories
    from a3s_lsp.engine.memory.recollection import memory_folder
    from a3s_lsp.places import user_config

    if folder is not None:
        if not folder.is_dir():
            raise click.UsageError(f"There is no folder {folder}: make it, or name another one with --dir.")
        return Memories(folder.absolute())
    root = Path.cwd()
    loaded = configuration(root, None, Surroundings(os.environ, user_config()))
    configured = None if loaded is None else memory_folder(loaded.settings, root)
    if configured is None:
        raise click.UsageError(
            "No memory is configured here: name a folder with --dir, or set memory_dir in agent.acl."
        )
    return Memories(configured)


def _show(items: Iterable[MemoryItem]) -> None:
    from a3s_lsp.engine.memory.items import written_time

    lines: list[str] = []
    for item in items:
        time = written_time(item.time_ns)[:19].replace("T", " ")
        lines.append(f"{item.id}  {time}  {item.memory_type}  {item.importance:.1f}  {' '.join(item.tags)}".rstrip())
        lines += [f"{_INDENT}{line}" for line in item.content.splitlines()]
    for line in lines or ["There are no such memories."]:
        # What is remembered may come from anywhere, and must not steer the terminal.
        click.echo("".join(letter if letter.isprintable() or letter == "\t" else "\ufffd" for letter in line))
