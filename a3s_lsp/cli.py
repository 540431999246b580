"""The command `a3s-lsp`: serve an editor, answer one prompt in the terminal, look at the installation, play a demo."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import click

from a3s_lsp.memory_cli import memory
from a3s_lsp.sessions_cli import sessions
from a3s_lsp.version import VERSION

_POSTURES = ("plan", "ask", "accept-edits", "auto")
"""As in the engine's policies, which are not imported for `--help`."""


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, "-V", "--version", message="a3s-lsp %(version)s")
@click.option("--stdio", is_flag=True, help="Serve on standard input and output (the default).")
@click.option("--tcp", metavar="HOST:PORT", help="Serve one client on a TCP address.")
@click.option("--ws", metavar="HOST:PORT", help="Serve one client on a WebSocket address.")
@click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="warning")
@click.option("--log-file", type=click.Path(path_type=Path), help="Write the log there instead of standard error.")
@click.pass_context
def cli(
    context: click.Context, stdio: bool, tcp: str | None, ws: str | None, log_level: str, log_file: Path | None
) -> None:
    """A coding agent that lives in the editor. Without a command: serve one editor."""
    from a3s_lsp.serving import log_to, serve

    log_to(log_file, log_level)
    if context.invoked_subcommand is not None:
        return
    if sum((stdio, tcp is not None, ws is not None)) > 1:
        raise click.UsageError("Choose one of --stdio, --tcp and --ws.")
    serve(tcp=_address(tcp) if tcp else None, websocket=_address(ws) if ws else None)


@cli.command()
@click.argument("prompt")
@click.option("--model", help="provider/model; else the configured one.")
@click.option("--posture", type=click.Choice(_POSTURES), default="ask", help="How freely the agent works.")
@click.option("--config", type=click.Path(path_type=Path), help="The agent.acl to use.")
@click.option("--workspace", type=click.Path(path_type=Path, file_okay=False, exists=True), default=Path())
def run(prompt: str, model: str | None, posture: str, config: Path | None, workspace: Path) -> None:
    """Answer one PROMPT here, with questions in the terminal. Ctrl-C stops it."""
    from a3s_lsp.engine.policy.postures import POSTURES
    from a3s_lsp.terminal import run_prompt

    chosen = next(name for name in POSTURES if name == posture)
    named = str(config.resolve()) if config else None
    sys.exit(asyncio.run(run_prompt(prompt, workspace.resolve(), model=model, posture=chosen, config=named)))


@cli.command()
@click.option("--workspace", type=click.Path(path_type=Path, file_okay=False, exists=True), default=Path())
def doctor(workspace: Path) -> None:
    """Tell what is configured, what is missing, and what to do about it."""
    from a3s_lsp.doctor import examine

    findings = examine(workspace.resolve(), os.environ)
    for finding in findings:
        click.echo(finding.line())
    sys.exit(0 if all(finding.ok for finding in findings) else 1)


@cli.command()
@click.option("--keep", is_flag=True, help="Keep the folder that the demo worked in.")
def demo(keep: bool) -> None:
    """Play a real session on a copy of this program's own source, with no key and no network."""
    from a3s_lsp.demo import play

    sys.exit(asyncio.run(play(keep=keep)))


cli.add_command(memory)
cli.add_command(sessions)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal():
        raise click.UsageError(f"'{text}' is not an address: write HOST:PORT, for instance 127.0.0.1:2087.")
    return host.strip("[]"), int(port)
