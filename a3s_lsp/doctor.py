"""What `a3s-lsp doctor` finds: each thing that the agent needs, whether it is there, and what to do if not."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from a3s_lsp.engine.assembly import CONFIG_FILES, Surroundings, find_config
from a3s_lsp.engine.config.load import load
from a3s_lsp.engine.config.settings import Settings
from a3s_lsp.engine.errors import ConfigError, StoreError
from a3s_lsp.engine.models.select import choose
from a3s_lsp.engine.store.sqlite import SQLiteStore
from a3s_lsp.engine.workspace.ripgrep import ripgrep
from a3s_lsp.places import session_log, user_config
from a3s_lsp.version import VERSION


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; `remedy` says what to do where something is not as it should be."""

    name: str
    ok: bool
    text: str
    remedy: str = ""

    def line(self) -> str:
        """For a person to read."""
        remedy = f"\n     {self.remedy}" if self.remedy else ""
        return f"{'ok' if self.ok else '!!'}   {self.name}: {self.text}{remedy}"


_UNKNOWN_MODEL = Finding("model", False, "not known as long as the configuration cannot be read")


def examine(workspace: Path, environ: Mapping[str, str]) -> list[Finding]:
    """The whole report for this folder."""
    settings, configuration = _configuration(workspace, environ)
    return [
        Finding("a3s-lsp", True, f"{VERSION} on Python {sys.version.split()[0]}, {sys.platform}"),
        *configuration,
        _model(settings, environ) if all(finding.ok for finding in configuration) else _UNKNOWN_MODEL,
        _program("git", "used by the agent's commands and for review", "install git"),
        _program("bash", "runs the agent's commands", "install bash, or the bash tool cannot work"),
        _ripgrep(),
        _sessions(environ),
    ]


def _configuration(workspace: Path, environ: Mapping[str, str]) -> tuple[Settings | None, list[Finding]]:
    surroundings = Surroundings(environ, user_config())
    source = find_config(workspace, None, surroundings.user_config)
    if source is None:
        places = f"{workspace / CONFIG_FILES[0]} or {surroundings.user_config}"
        return None, [Finding("configuration", True, "no agent.acl", f"To configure models, write {places}.")]
    try:
        loaded = load(str(source), environ, need_model=False)
    except ConfigError as error:
        return None, [Finding("configuration", False, str(error), "Mend the file at these places.")]
    warnings = [Finding("configuration", True, str(problem)) for problem in loaded.problems]
    return loaded.settings, [Finding("configuration", True, str(source)), *warnings]


def _model(settings: Settings | None, environ: Mapping[str, str]) -> Finding:
    try:
        choice = choose(settings, None, environ)
    except ConfigError as error:
        return Finding("model", False, str(error), "Mend the provider in agent.acl, or set the variable that it names.")
    remedy = "" if choice.target else "For a language model set a key such as ANTHROPIC_API_KEY, or write an agent.acl."
    return Finding("model", True, choice.describe(), remedy)


def _program(name: str, use: str, remedy: str) -> Finding:
    path = shutil.which(name)
    return Finding(name, path is not None, path or f"not found; {use}", "" if path else f"Remedy: {remedy}.")


def _ripgrep() -> Finding:
    path = ripgrep()
    remedy = "" if path else "Searching works, slowly; reinstall a3s-lsp to get ripgrep."
    return Finding("ripgrep", True, str(path or "not found"), remedy)


def _sessions(environ: Mapping[str, str]) -> Finding:
    store = SQLiteStore(session_log(environ))
    try:
        count = len(store.sessions())
    except StoreError as error:
        return Finding("sessions", False, str(error))
    finally:
        store.close()
    return Finding("sessions", True, f"{count} in {store.path}")
