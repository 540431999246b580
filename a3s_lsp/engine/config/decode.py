"""Makes settings of a tree, guided by the schema, and reports what does not fit with its place."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

from a3s_lsp.engine.config.evaluate import Evaluated, Unset, evaluate
from a3s_lsp.engine.config.grammar import Entry, Items, Literal, Name, Table, Value
from a3s_lsp.engine.config.problems import Report, Span
from a3s_lsp.engine.config.schema import Setting, settings_of, snake, spellings_of

Path: TypeAlias = tuple[str, ...]
"""Where a setting stands: names and labels from the outside in, e.g. `providers`, `openai`, `api_key`."""

T = TypeVar("T")


@dataclass(slots=True)
class Origins:
    """Where the settings come from: the place of each, and those that wait for a variable."""

    places: dict[Path, Span] = field(default_factory=dict)
    unset: dict[Path, Unset] = field(default_factory=dict)

    def forget(self, path: Path) -> None:
        """Drop what was said before at this path and below it."""
        self.places = {one: span for one, span in self.places.items() if one[: len(path)] != path}
        self.unset = {one: unset for one, unset in self.unset.items() if one[: len(path)] != path}


def decode(cls: type[T], tree: Table, environ: Mapping[str, str], report: Report) -> tuple[T, Origins]:
    """The settings as far as they are right, with their origins. Variables without a value are not reported here."""
    decoder = _Decoder(environ, report)
    return decoder.table(cls, tree, ()), decoder.origins


class _Decoder:
    def __init__(self, environ: Mapping[str, str], report: Report) -> None:
        self._environ = environ
        self._report = report
        self.origins = Origins()

    def table(self, cls: type[T], tree: Table, path: Path, **label: str) -> T:
        """The settings class filled from a block."""
        values: dict[str, object] = dict(label)
        known = settings_of(cls)
        for entry in tree.entries:
            name = self._known_name(cls, entry.name, path)
            if name is None or name in label:
                continue
            setting = known[name]
            here = (*path, name)
            if here in self.origins.places and setting.kind != "tables":
                self._report.warning(entry.name.span, f'"{name}" is given twice; the last one holds.')
                self.origins.forget(here)
            self.origins.places[here] = entry.value.span
            if setting.instead:
                self._report.warning(entry.name.span, f'"{name}" is an old name; write {setting.instead}.')
            value = self._entry(setting, name, entry, here, values.get(name))
            if value is not None:
                values[name] = value
        make: Callable[..., T] = cls
        return make(**values)

    def _known_name(self, cls: type[object], name: Name, path: Path) -> str | None:
        spellings = spellings_of(cls)
        known = spellings.get(snake(name.text))
        if known is None:
            near = difflib.get_close_matches(snake(name.text), spellings, n=1)
            hint = f'; did you mean "{near[0]}"?' if near else "."
            inside = f' in "{".".join(path)}"' if path else ""
            self._report.warning(name.span, f'"{name.text}" is not known{inside} and has no effect{hint}')
        return known

    def _entry(self, setting: Setting, name: str, entry: Entry, path: Path, before: object) -> object:
        if setting.kind == "tables":
            assert setting.of is not None
            found = dict(before) if isinstance(before, dict) else {}
            for label, tree in self._labelled(setting.of, name, entry):
                found[label.text] = self._one_of_tables(setting.of, label, tree, path)
            return found
        if entry.labels:
            self._report.warning(entry.labels[0].span, f'"{name}" takes no name before its value.')
        value = evaluate(entry.value, self._environ, self._report)
        if isinstance(value, Unset):
            self.origins.unset[path] = value
            return None
        return self._value(setting, name, value, path)

    def _value(self, setting: Setting, name: str, value: Evaluated, path: Path) -> object:
        match setting.kind, value:
            case (_, None) | (_, Literal(value=None)):
                return None
            case "text" | "label", Literal(value=str(text), span=span):
                return self._chosen(setting, name, text, span)
            case "integer", Literal(value=int() | float() as number, span=span) if _whole(number):
                return int(self._limited(setting, name, number, span))
            case "number", Literal(value=int() | float() as number, span=span) if not isinstance(number, bool):
                return float(self._limited(setting, name, number, span))
            case "flag", Literal(value=bool(flag)):
                return flag
            case "texts", Literal(value=str(text)):
                return (text,)
            case "texts", Items(values=values):
                return tuple(self._texts(name, values, path))
            case "mapping", Table() as tree:
                return dict(self._pairs(name, tree, path))
            case "table", Table() as tree if setting.of is not None:
                return self.table(setting.of, tree, path)
            case "table", Literal(value=str()) as plain if setting.of is not None and setting.plain:
                short = Entry(Name(setting.plain, plain.span), (), plain)
                return self.table(setting.of, Table((short,), plain.span), path)
            case _, found:
                self._report.error(found.span, f'"{name}" must be {_WANTED[setting.kind]}, not {_shown(found)}.')
                return None

    def _chosen(self, setting: Setting, name: str, text: str, span: Span) -> str | None:
        if not setting.choices:
            return text
        if text.lower() in setting.choices:
            return text.lower()
        self._report.error(span, f'"{name}" must be one of {", ".join(filter(None, setting.choices))}.')
        return None

    def _limited(self, setting: Setting, name: str, number: float, span: Span) -> float:
        for limit, outside, word in (
            (setting.least, setting.least is not None and number < setting.least, "least"),
            (setting.most, setting.most is not None and number > setting.most, "most"),
        ):
            if limit is not None and outside:
                self._report.warning(span, f'"{name}" must be at {word} {limit:g}; {limit:g} is used.')
                return limit
        return number

    def _texts(self, name: str, values: tuple[Value, ...], path: Path) -> Iterator[str]:
        for index, one in enumerate(values):
            text = self._text(f"{name}[{index}]", one, (*path, str(index)))
            if text is not None:
                yield text

    def _pairs(self, name: str, tree: Table, path: Path) -> Iterator[tuple[str, str]]:
        for entry in tree.entries:
            text = self._text(f"{name}.{entry.name.text}", entry.value, (*path, entry.name.text))
            if text is not None:
                yield entry.name.text, text

    def _text(self, name: str, value: Value, path: Path) -> str | None:
        match evaluate(value, self._environ, self._report):
            case Unset() as unset:
                self.origins.unset[path] = unset
            case Literal(value=str(text)):
                return text
            case None | Literal(value=None):
                return None
            case found:
                self._report.error(found.span, f'"{name}" must be a string, not {_shown(found)}.')
        return None

    def _labelled(self, cls: type[object], name: str, entry: Entry) -> Iterator[tuple[Name, Table]]:
        """The named blocks of an entry: `x "name" {…}`, `x { name {…} }`, `x = [{ name = "name" … }]`."""
        match entry.labels, entry.value:
            case (label, *more), Table() as tree:
                for extra in more:
                    self._report.warning(extra.span, f'"{name}" takes one name; this one has no effect.')
                yield label, tree
            case (), Table() as tree:
                yield from self._inner(cls, name, entry.name.span, tree)
            case (), Items(values=values):
                for one in values:
                    if isinstance(one, Table):
                        yield from self._inner(cls, name, one.span, one)
                    else:
                        self._report.error(one.span, f'"{name}" takes blocks, not {_shown(one)}.')
            case _:
                self._report.error(entry.name.span, f'"{name}" needs a name and a block: {name} "name" {{ … }}.')

    def _inner(self, cls: type[object], name: str, where: Span, tree: Table) -> Iterator[tuple[Name, Table]]:
        own = _label(cls)
        for entry in tree.entries:
            match snake(entry.name.text) == own, entry.value:
                case True, Literal(value=str(text), span=span):
                    yield Name(text, span), tree
                    return
        if tree.entries and all(isinstance(entry.value, Table) for entry in tree.entries):
            for entry in tree.entries:
                if isinstance(entry.value, Table):
                    yield entry.name, entry.value
        else:
            self._report.error(where, f'"{name}" needs a name: {name} "name" {{ … }}.')

    def _one_of_tables(self, cls: type[object], label: Name, tree: Table, path: Path) -> object:
        here = (*path, label.text)
        if here in self.origins.places:
            self._report.warning(label.span, f'"{path[-1]}" has "{label.text}" twice; the last one holds.')
            self.origins.forget(here)
        self.origins.places[here] = label.span
        return self.table(cls, tree, here, **{_label(cls): label.text})


_WANTED = {
    "label": "a string",
    "text": "a string",
    "integer": "a whole number",
    "number": "a number",
    "flag": "true or false",
    "texts": "a list of strings",
    "mapping": "a block of names and strings",
    "table": "a block",
}


def _label(cls: type[object]) -> str:
    """The setting that holds the name of the block."""
    return next(name for name, setting in settings_of(cls).items() if setting.kind == "label")


def _whole(number: float) -> bool:
    return not isinstance(number, bool) and float(number).is_integer()


def _shown(value: Value | Unset) -> str:
    """The kind of a value; the value itself might be a secret."""
    match value:
        case Literal(value=bool()):
            return "true or false"
        case Literal(value=str()):
            return "a string"
        case Literal():
            return "a number"
        case Items():
            return "a list"
        case Table():
            return "a block"
        case _:
            return "a call"
