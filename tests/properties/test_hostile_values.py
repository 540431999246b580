"""Whatever a program hands to a public call: no hang, no crash, no unrelated exception, no half-written file."""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import a3s_lsp as a3s
from a3s_lsp.testing import ScriptedModel

DECENT = (TypeError, ValueError, OverflowError, RuntimeError)
PATIENCE = 30.0
NOT_FUZZED = {"of", "made", "of_run", "close"}

text = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            "",
            "/",
            "/help",
            "\0",
            "\ud800",
            "..",
            "../../etc/passwd",
            "/dev/zero",
            "a" * 100_000,
            "🙂" * 50,
            "-rf",
            "*" * 60,
        ]
    ),
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([-1, 0, 2**31, 2**63, 2**64, 10**400]),
    st.floats(),
    text,
    st.binary(max_size=20),
    st.just(Path("here")),
    st.builds(object),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(text, inner, max_size=4),
        st.tuples(inner),
        st.dictionaries(
            st.sampled_from(["prompt", "history", "attachments", "command", "role", "content", "type", "tool", "args"]),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)


def deep(levels: int) -> object:
    """A list in a list in a list."""
    value: object = []
    for _ in range(levels):
        value = [value]
    return value


def public(kind: type) -> list[str]:
    """The names of the public methods."""
    names = [name for name in dir(kind) if not name.startswith("_") and name not in NOT_FUZZED]
    return [name for name in names if callable(getattr(kind, name))]


@st.composite
def arguments(draw: st.DrawFn, work: Callable[..., object]) -> tuple[list[object], dict[str, object]]:
    """Some positional and some named arguments for it, of any kind."""
    known = [p for p in inspect.signature(work).parameters.values() if p.name != "self"]
    count = draw(st.integers(0, len(known)))
    positional = [draw(values) for parameter in known[:count] if parameter.kind is not parameter.KEYWORD_ONLY]
    named = {parameter.name: draw(values) for parameter in known[count:] if draw(st.booleans())}
    return positional, named


def attempt(work: Callable[[], object]) -> None:
    """Do it. It must come back in time, and complain in a decent way if it does."""
    complaint: list[BaseException] = []

    def guarded() -> None:
        try:
            consume(work())
        except BaseException as error:
            complaint.append(error)

    thread = threading.Thread(target=guarded, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    assert not thread.is_alive(), "it did not come back"
    for error in complaint:
        assert isinstance(error, DECENT), repr(error)
        assert not isinstance(error, RecursionError), "it went too deep"
        assert str(error), "it does not say what is wrong"


def consume(result: object) -> None:
    """Read a stream to its end."""
    if isinstance(result, a3s.EventStream):
        for _ in result:
            pass


@pytest.fixture
def session(tmp_path: Path) -> Iterator[a3s.Session]:
    folder = tmp_path / "ws"
    folder.mkdir()
    (folder / "a.txt").write_text("one\n")
    agent = a3s.Agent.with_model(ScriptedModel(["ok"] * 2000))
    policy = a3s.PermissionPolicy(default_decision="deny")
    with agent.session(str(folder), permission_policy=policy, planning_mode="disabled", tool_timeout_ms=3000) as made:
        yield made


pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # what names unknown keys
FUZZ = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.mark.slow
@pytest.mark.parametrize("name", public(a3s.Session))
@FUZZ
@given(data=st.data())
def test_every_call_of_a_session_takes_any_value(session: a3s.Session, name: str, data: st.DataObject) -> None:
    work = getattr(session, name)
    positional, named = data.draw(arguments(work))
    attempt(lambda: work(*positional, **named))
    assert session.read_file("a.txt").endswith("\n"), "the session cannot be used any more"
    folder = Path(session.workspace)
    assert not [path for path in folder.rglob("*") if path.name.endswith((".tmp", "~")) or ".a3s-" in path.name]


@pytest.mark.slow
@pytest.mark.parametrize("name", public(a3s.Session))
def test_deep_nesting_is_refused_or_taken_and_nothing_overflows(session: a3s.Session, name: str) -> None:
    work = getattr(session, name)
    known = [p for p in inspect.signature(work).parameters.values() if p.default is p.empty]
    for value in (deep(100_000), {"prompt": deep(50_000)}, {"a": deep(10_000)}):
        attempt(functools.partial(work, *(value for _ in known)))


CONSTRUCTED = [name for name in a3s.__all__ if inspect.isclass(getattr(a3s, name))]


@pytest.mark.slow
@pytest.mark.parametrize("name", CONSTRUCTED)
@FUZZ
@given(data=st.data())
def test_every_constructor_takes_any_value_or_says_why_not(name: str, data: st.DataObject) -> None:
    kind = getattr(a3s, name)
    if issubclass(kind, BaseException):
        return
    positional, named = data.draw(arguments(kind.__init__))
    attempt(lambda: repr(kind(*positional, **named)))


@pytest.mark.slow
@FUZZ
@given(value=values)
def test_an_agent_is_made_of_any_value_or_says_why_not(value: object) -> None:
    attempt(lambda: a3s.Agent.create(value))  # type: ignore[arg-type]  # on purpose


OPTIONS = [field.name for field in fields(a3s.SessionOptions) if not field.name.startswith("_")]


@pytest.mark.slow
@pytest.mark.parametrize("name", OPTIONS)
@FUZZ
@given(value=values)
def test_every_option_takes_any_value_or_says_why_not(tmp_path: Path, name: str, value: object) -> None:
    agent = a3s.Agent.with_model(ScriptedModel(["ok"] * 2000))

    def use() -> None:
        options = a3s.SessionOptions()
        setattr(options, name, value)
        with agent.session(str(tmp_path), options) as made:
            made.send("hello")

    attempt(use)
