"""Finds, reads and judges a configuration: the one door to the settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from a3s_lsp.engine.config import decode, grammar, target
from a3s_lsp.engine.config.hooks import hook_of
from a3s_lsp.engine.config.problems import Problem, Report, Span
from a3s_lsp.engine.config.settings import Settings
from a3s_lsp.engine.errors import ConfigError

_MAX_SIZE = 1024 * 1024
_MAX_PATH = 4096
_REFUSED = {
    ".hcl": "HCL config files are not supported in 2.0; rename the file to .acl",
    ".json": "JSON config files are not supported; use .acl",
}


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings, what is odd about them, and the file that they come from, if they come from one."""

    settings: Settings
    problems: tuple[Problem, ...]
    path: Path | None = None


def load(source: str, environ: Mapping[str, str], *, need_model: bool = True) -> Loaded:
    """The settings of a file or of inline text. Raises ConfigError that lists all errors with their places.

    Without `need_model` a configuration that names no default model is complete.
    """
    path = _path(source)
    text = source if path is None else _read(path)
    if path is None and text.lstrip().startswith("{"):
        raise ConfigError("JSON config is not supported; use ACL-compatible .acl config")
    file = "agent.acl" if path is None else str(path)
    loaded = replace(examine(text, environ, file, need_model=need_model), path=path)
    errors = [problem for problem in loaded.problems if problem.severity == "error"]
    if errors:
        raise ConfigError("\n".join(map(str, errors)))
    return loaded


def examine(text: str, environ: Mapping[str, str], file: str, *, need_model: bool = False) -> Loaded:
    """The settings as far as they are right, and every problem: for an editor that shows a file being written."""
    report = Report(file)
    if len(text) > _MAX_SIZE:
        report.error(Span(1, 1, 1, 1), "The configuration is larger than 1 MiB.")
        return Loaded(Settings(), tuple(report.problems))
    tree = grammar.parse(text, report)
    settings, origins = decode.decode(Settings, tree, environ, report)
    _judge_unset(settings, origins, report)
    _judge_hooks(settings, origins, report)
    _judge_model(settings, origins, environ, report, need_model=need_model)
    found = sorted(report.problems, key=lambda problem: (problem.line, problem.column))
    if settings.strict:
        found = [replace(problem, severity="error") for problem in found]
    return Loaded(settings, tuple(found))


def _path(source: str) -> Path | None:
    """The path that the source is, or None if it is the configuration itself."""
    if not source.strip() or "\n" in source or "\0" in source or len(source) > _MAX_PATH:
        return None
    path = Path(source)
    if path.suffix.lower() == ".acl" or path.suffix.lower() in _REFUSED:
        return path
    try:
        return path if path.is_file() else None
    except OSError:
        return None


def _read(path: Path) -> str:
    refusal = _REFUSED.get(path.suffix.lower())
    if path.is_file() and refusal:
        raise ConfigError(refusal)
    if path.is_dir():
        raise ConfigError(f"{path} is a folder; give the path of the agent.acl in it.")
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise ConfigError(f"Config file not found: {path}") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"Failed to load config: {path}:{line} did not contain valid UTF-8") from None
    except OSError as error:
        raise ConfigError(f"Failed to load config: {path} cannot be read: {error.strerror}") from None


def _judge_unset(settings: Settings, origins: decode.Origins, report: Report) -> None:
    """A variable without a value is an error where the default model needs it, else the setting is left out."""
    for path, unset in origins.unset.items():
        told = f"The environment variable {unset.variable} is not set"
        if _needed(path, settings.default_model):
            report.error(unset.span, f'{told}, and "{path[-1]}" needs it.')
        else:
            report.warning(unset.span, f'{told}; "{path[-1]}" is left out.')


def _needed(path: decode.Path, default_model: str) -> bool:
    provider, _, model = default_model.partition("/")
    match path:
        case ("default_model",):
            return True
        case ("providers", name, "models", of, *_):
            return (name, of) == (provider, model)
        case ("providers", name, *_):
            return name == provider
        case _:
            return False


def _judge_hooks(settings: Settings, origins: decode.Origins, report: Report) -> None:
    """A hook that could never be asked, or do anything, would be a gate that stands open."""
    for name, hook in settings.hooks.items():
        missing = [wanted for wanted in ("event", "command") if not getattr(hook, wanted)]
        if missing:
            report.error(origins.places["hooks", name], f'The hook "{name}" needs "{missing[0]}".')
            continue
        try:
            hook_of(hook, None)
        except ValueError as error:
            report.error(origins.places["hooks", name], f'The hook "{name}": {error}')


def _judge_model(
    settings: Settings, origins: decode.Origins, environ: Mapping[str, str], report: Report, *, need_model: bool
) -> None:
    if not settings.default_model:
        if need_model and ("default_model",) not in origins.unset:
            report.error(Span(1, 1, 1, 1), "default_model must be set in 'provider/model' format.")
        return
    if settings.default_model == target.OFFLINE:
        return
    try:
        target.find_target(settings.providers, settings.default_model, environ)
    except ConfigError as error:
        provider = settings.default_model.partition("/")[0]
        if ("providers", provider, "api_key") not in origins.unset:
            report.error(origins.places["default_model",], f"default_model: {error}")
