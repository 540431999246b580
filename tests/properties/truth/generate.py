"""Random schedules, and the smallest one that still fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from random import Random
from typing import Any

from tests.properties.truth import steps as s
from tests.properties.truth.agent import HOWS, WORDS, Act, Edit, Job, Patch, Read, Replace, Turn, Write

_LINES = 6


def schedules(editor: str, first: int, count: int) -> Iterator[s.Schedule]:
    """So many schedules, each made from its number alone."""
    return (schedule(editor, number) for number in range(first, first + count))


def schedule(editor: str, seed: int) -> s.Schedule:
    """The schedule of this number."""
    random = Random(f"{editor} {seed}")
    files = tuple(_text(random, editor) for _ in range(3))
    opened: list[s.Step] = [s.Open(file) for file in range(3) if random.random() < (0.97, 0.7, 0.4)[file]]
    steps = [_step(random) for _ in range(random.randint(3, 12))]
    at = random.randint(0, min(2, len(steps)))
    return s.Schedule(editor, seed, (*opened, *steps[:at], s.Ask(_job(random)), *steps[at:]), files)


def _text(random: Random, editor: str) -> str:
    count = random.randint(1, _LINES)
    lines = [f"{random.choice(WORDS)} {number}" for number in range(count)]
    if random.random() < 0.3:
        lines.insert(random.randrange(count), "")
        lines += lines[: random.randint(0, 2)]
    end = "\r\n" if random.random() < 0.1 else "\n"
    text = "".join(line + end for line in lines)
    if "neovim" not in editor and random.random() < 0.1:
        text = text.removesuffix(end)
    return ("\ufeff" if random.random() < 0.03 else "") + text


def _step(random: Random) -> s.Step:
    file, line = random.choice((0, 0, 0, 0, 0, 1, 1, 2, 3)), random.randrange(_LINES)
    makers: Sequence[tuple[int, Callable[[], s.Step]]] = (
        (14, lambda: _typing(random, file, line)),
        (2, lambda: s.Paste(file, line, random.randint(1, 3))),
        (3, lambda: s.DeleteLines(file, line, random.randint(1, 2))),
        (3, lambda: s.ChangeLine(file, line)),
        (2, lambda: s.Rub(file, line, random.randrange(8), random.randint(1, 6))),
        (2, lambda: s.Scatter(file, line, random.randint(2, 3))),
        (5, lambda: s.Save(file, random.random() < 0.5, random.random() < 0.3)),
        (5, lambda: s.Undo(file, random.randint(1, 3))),
        (2, lambda: s.Redo(file, random.randint(1, 2))),
        (4, lambda: s.External(file, line, random.random() < 0.5)),
        (3, lambda: s.Look()),
        (3, lambda: s.Open(file)),
        (2, lambda: s.Close(file, random.random() < 0.7)),
        (8, lambda: s.Ask(_job(random))),
        (3, lambda: s.Wait(random.choice((5, 50, 400, 3000)))),
        (1, lambda: s.Refuse(random.randint(1, 2))),
        (1, lambda: s.Stop()),
        (2, lambda: s.Keep(random.randrange(4))),
        (2, lambda: s.TakeBack(random.randrange(4))),
        (1, lambda: s.Crash(random.choice((0, 20, 300)))),
    )
    weights = [weight for weight, _ in makers]
    return random.choices([make for _, make in makers], weights)[0]()


def _typing(random: Random, file: int, line: int) -> s.Step:
    return s.Type(file, line, random.randrange(10), random.randint(1, 5), random.choice((0, 1, 15, 15, 60)))


def _job(random: Random) -> Job:
    file = random.choice((0, 0, 0, 1, 2))
    first: list[Turn] = [(Read(file),)] if random.random() < 0.9 else []
    later = [
        tuple(_act(random, file) for _ in range(random.choice((1, 1, 1, 2, 3))))
        for _ in range(random.choice((1, 1, 2)))
    ]
    return Job((*first, *later), random.choice((0, 5, 30, 100, 300)))


def _act(random: Random, file: int) -> Act:
    line, how = random.randrange(_LINES), random.choice(HOWS)
    chance = random.random()
    if chance < 0.45:
        return Edit(file, line, how)
    if chance < 0.65:
        return Patch(file, line, how)
    if chance < 0.80:
        return Write(random.choice((file, file, file, 3)), line, how)
    if chance < 0.90:
        return Replace(random.randrange(len(WORDS)))
    return Read(file)


def shrunk(failing: s.Schedule, fails: Callable[[s.Schedule], bool]) -> s.Schedule:
    """The smallest schedule found that fails as well: fewer steps, calmer delays, smaller numbers."""
    while True:
        smaller = next((one for one in _simpler(failing) if fails(one)), None)
        if smaller is None:
            return failing
        failing = smaller


def _simpler(big: s.Schedule) -> Iterator[s.Schedule]:
    size = len(big.steps)
    for length in (size // 2, size // 4, 2, 1):
        for at in range(0, size, max(1, length)):
            if length:
                yield replace(big, steps=big.steps[:at] + big.steps[at + length :])
    for at, step in enumerate(big.steps):
        for calmer in _calmer(step):
            yield replace(big, steps=(*big.steps[:at], calmer, *big.steps[at + 1 :]))
    plain = s.Schedule(big.editor, big.seed, big.steps).files
    for number, text in enumerate(big.files):
        if text != plain[number]:
            yield replace(big, files=(*big.files[:number], plain[number], *big.files[number + 1 :]))


def _calmer(step: s.Step) -> Iterator[s.Step]:
    if isinstance(step, s.Ask):
        turns = step.job.turns
        for at in range(len(turns)):
            yield s.Ask(replace(step.job, turns=turns[:at] + turns[at + 1 :]))
            for call in range(len(turns[at])):
                fewer = turns[at][:call] + turns[at][call + 1 :]
                if fewer:
                    yield s.Ask(replace(step.job, turns=(*turns[:at], fewer, *turns[at + 1 :])))
        if step.job.think_ms:
            yield s.Ask(replace(step.job, think_ms=0))
        return
    for field in fields(step):
        value = getattr(step, field.name)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0 and field.name != "file":
            least = 1 if field.name in ("count", "times", "lines", "places") else 0
            for less in (least, value // 2):
                changed: dict[str, Any] = {field.name: less}
                if least <= less < value:
                    yield replace(step, **changed)
