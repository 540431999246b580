"""Going back: the points, what would change, and the way forth again."""

from __future__ import annotations

import pytest

from tests.editors.neovim.driver import Json, Neovim, Scene, event, wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.editor]

NOON = 1_700_000_000_000
POINTS = [
    {"id": "r1", "kind": "run", "label": "rename it", "time": NOON},
    {"id": "t1", "kind": "tool", "label": "bash: make", "time": NOON + 1000},
    {"id": "w1", "kind": "rewind", "label": "rewind to x", "time": NOON + 2000},
    {"id": "w2", "kind": "rewind", "label": "rewind to y", "time": NOON + 3000},
]
PREVIEW = {
    "files": [{"path": "a.py", "change": "modified"}, {"path": "b.py", "change": "deleted"}],
    "messages": 3,
    "leftOut": ["big.bin"],
}
SHOWN = (
    "These files change:\n  modified a.py\n  deleted  b.py\nThe conversation keeps 3 messages.\nLeft as it is: big.bin"
)


@pytest.mark.parametrize(
    ("choice", "what"),
    [
        ("Files and", {"files": True, "conversation": True}),
        ("Only the files", {"files": True, "conversation": False}),
        ("Only the conv", {"files": False, "conversation": True}),
    ],
)
def test_person_picks_a_point_sees_what_changes_and_goes_there(
    editor: Neovim, scene: Scene, choice: str, what: Json
) -> None:
    scene.on("a3s.rewind", {"points": POINTS, **PREVIEW, "rewindId": "w3"})
    editor.pick_with("  ")
    editor.command("A3S rewind")
    wait_until(lambda: len(editor.dialogs()) == 2, "it is asked what goes back")
    editor.keep_screen("rewind")
    assert editor.floats() == [SHOWN]
    assert "a3s: rewind to bash: make" in editor.screen()
    editor.pick(choice)
    sent = wait_until(lambda: calls if len(calls := scene.commands("a3s.rewind")) == 3 else [], "it is done")
    assert sent == [{}, {"to": "t1", "preview": True}, {"to": "t1", **what}]
    wait_until(lambda: "`:A3S rewind redo` goes back." in str(editor.notes()), "it is told how to go forth again")
    assert editor.floats() == []


def test_nothing_is_rewound_unless_the_person_says_so(editor: Neovim, scene: Scene) -> None:
    scene.on("a3s.rewind", {"points": POINTS, **PREVIEW})
    for last in ("Leave", ""):
        editor.pick_with("  ", last)
        editor.command("A3S rewind")
        wait_until(lambda: len(editor.dialogs()) == 2 and editor.floats() == [], "the question is over")
    assert all(call in ({}, {"to": "t1", "preview": True}) for call in scene.commands("a3s.rewind"))


def test_redo_takes_the_last_rewind_back(editor: Neovim, scene: Scene) -> None:
    scene.on("a3s.rewind", {"points": POINTS, **PREVIEW})
    editor.pick_with("Files and")
    editor.command("A3S rewind redo")
    sent = wait_until(lambda: calls if len(calls := scene.commands("a3s.rewind")) == 3 else [], "it is done")
    assert sent[2] == {"to": "w2", "files": True, "conversation": True}


@pytest.mark.parametrize(
    ("line", "told"),
    [("A3S rewind", "there is nothing to go back to yet."), ("A3S rewind redo", "nothing was rewound.")],
)
def test_nothing_to_go_back_to_is_told(editor: Neovim, scene: Scene, line: str, told: str) -> None:
    scene.on("a3s.rewind", {"points": []})
    editor.command(line)
    wait_until(lambda: f"a3s: {told}" in editor.notes(), "it is told")


def test_transcript_says_that_things_went_back(editor: Neovim, scene: Scene) -> None:
    scene.on_prompt(event("start", prompt="hi"), event("rewound", id="w1", to="r1", files=True, messages=0))
    editor.command("A3S prompt hi")
    editor.shows("*rewound, files too*")
