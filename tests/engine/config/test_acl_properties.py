"""Whatever is typed, the configuration is judged and never brings the program down."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from a3s_lsp.engine.config.load import examine

WORDS = st.sampled_from(
    [
        *"{}[]()=:,\"'\\#/\n -",
        "+=",
        "<<E\n",
        "E\n",
        "/*",
        "*/",
        "providers",
        "models",
        '"m"',
        "env(",
        "true",
        "1e9",
        "x",
    ]
)
KEYS = st.from_regex(r"[A-Za-z_][A-Za-z_-]{0,7}", fullmatch=True)


@given(st.lists(WORDS, max_size=40).map("".join) | st.text(max_size=80))
def test_any_text_is_judged_with_places_inside_it(text: str) -> None:
    lines = text.split("\n")
    for problem in examine(text, {}, "f", need_model=True).problems:
        assert 1 <= problem.line <= problem.end_line <= len(lines)
        assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1
        assert (problem.line, problem.column) <= (problem.end_line, problem.end_column)


@given(st.dictionaries(KEYS, st.text()))
def test_strings_come_through_as_they_were_written(headers: dict[str, str]) -> None:
    pairs = "\n".join(f"{key} = {quoted(value)}" for key, value in headers.items())
    text = f'providers "p" {{ headers {{\n{pairs}\n}} }}'
    assert examine(text, {}, "f").settings.providers["p"].headers == headers


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
