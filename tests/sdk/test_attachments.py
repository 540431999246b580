"""Images go in with a prompt and come out of the history; what no model would take is refused before that."""

from __future__ import annotations

import base64
import struct
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

import a3s_lsp as a3s
from a3s_lsp.engine.messages import Attachment, UserMessage
from a3s_lsp.testing import ScriptedModel

Json = dict[str, object]


def png(width: int = 1, height: int = 1) -> bytes:
    """As much of a PNG as its size is read from."""
    header = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", width, height)
    return header + b"\x08\2\0\0\0\0\0\0\0" + b"\0\0\0\0IEND\xaeB`\x82"


JPEG = b"\xff\xd8\xff\xe0 and so on"


def image(data: bytes = png(), media_type: str = "image/png") -> Json:
    return {"data": data, "media_type": media_type}


def opened(folder: Path, *replies: str) -> tuple[a3s.Session, ScriptedModel]:
    model = ScriptedModel(replies or ["ok"])
    return a3s.Agent.with_model(model).session(str(folder)), model


def in_prompt(model: ScriptedModel) -> tuple[Attachment, ...]:
    message = model.requests[-1].messages[-1]
    assert isinstance(message, UserMessage)
    return message.attachments


SENDING: list[Callable[[a3s.Session, list[Json]], object]] = [
    lambda s, images: s.send({"prompt": "look", "attachments": images}),
    lambda s, images: s.run({"prompt": "look", "attachments": images}),
    lambda s, images: s.send_request({"prompt": "look", "attachments": images}),
    lambda s, images: s.send_with_attachments("look", images),
    lambda s, images: list(s.stream({"prompt": "look", "attachments": images})),
    lambda s, images: list(s.stream_request({"prompt": "look", "attachments": images})),
    lambda s, images: list(s.stream_with_attachments("look", images)),
]


@pytest.mark.parametrize("send", SENDING)
def test_every_way_of_asking_takes_images(tmp_path: Path, send: Callable[[a3s.Session, list[Json]], object]) -> None:
    session, model = opened(tmp_path)
    send(session, [image(), image(JPEG, "image/jpeg")])
    assert [one.media_type for one in in_prompt(model)] == ["image/png", "image/jpeg"]
    data = base64.b64encode(png()).decode()
    first = session.history()[0]["content"]
    assert isinstance(first, list)
    assert first[0] == {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}
    assert first[-1] == {"type": "text", "text": "look"}


async def test_the_asynchronous_face_has_them_too(tmp_path: Path) -> None:
    model = ScriptedModel(["one", "two", "three"])
    session = await a3s.AsyncAgent.with_model(model).session(str(tmp_path))
    assert (await session.send_with_attachments("look", [image()])).text == "one"
    assert (await session.send_request({"prompt": "again"})).text == "two"
    kinds = [event.event_type async for event in session.stream_with_attachments("more", [image()], [])]
    assert kinds[-1] == "end" and len(model.requests[-1].messages) == 1


def test_a_history_beside_attachments_isolates(tmp_path: Path) -> None:
    session, model = opened(tmp_path, "one", "two")
    session.send("first")
    session.send_with_attachments("look", [image()], [])
    assert len(model.requests[-1].messages) == 1 and len(session.history()) == 2


@pytest.mark.parametrize(
    ("data", "media_type", "sent"),
    [
        (JPEG, "image/png", "image/jpeg"),
        (png(), "IMAGE/PNG ", "image/png"),
        (b"anything", "image/jpg", "image/jpeg"),
        (bytearray(b"GIF89a....."), "image/gif", "image/gif"),
    ],
)
def test_the_media_type_is_what_the_content_says(tmp_path: Path, data: bytes, media_type: str, sent: str) -> None:
    session, model = opened(tmp_path)
    session.send_with_attachments("look", [image(data, media_type)])
    assert in_prompt(model) == (Attachment(base64.b64encode(data).decode(), sent),)


@pytest.mark.parametrize(
    ("wrong", "kind", "said"),
    [
        ("x", TypeError, "list"),
        (None, TypeError, "list"),
        ([3], TypeError, "dict"),
        ([{}], ValueError, "Attachment missing 'data' field"),
        ([{"data": b"1"}], ValueError, "Attachment missing 'media_type' field"),
        ([{"data": "1", "media_type": "image/png"}], TypeError, "bytes"),
        ([{"data": b"1", "media_type": 3}], TypeError, "string"),
        ([image(b"")], ValueError, "empty"),
        ([image(b"1", "text/plain")], ValueError, "'text/plain': images of image/png"),
        ([image(b"%PDF-1.7 x")], ValueError, "is a PDF"),
        ([image(png() + b"\0" * 5 * 1024 * 1024)], ValueError, "5242880 is the most"),
        ([image(png(9000, 10))], ValueError, "9000x10 pixels"),
    ],
)
def test_what_no_model_would_take_is_refused_before_anything_is_sent(
    tmp_path: Path, wrong: list[Json], kind: type[Exception], said: str
) -> None:
    session, model = opened(tmp_path)
    for send in (session.send_with_attachments, session.stream_with_attachments):
        with pytest.raises(kind, match=said):
            send("look", wrong)
    assert model.requests == [] and session.runs() == [] and session.history() == []


@pytest.mark.parametrize("wrong", ["text", 5, None, ["prompt"]])
def test_a_request_is_a_dict(tmp_path: Path, wrong: Json) -> None:
    session, _ = opened(tmp_path)
    for send in (session.send_request, session.stream_request):
        with pytest.raises(TypeError, match="request must be a dict"):
            send(wrong)
        with pytest.raises(ValueError, match="request missing 'prompt' field"):
            send({})
    with pytest.raises(TypeError, match="prompt must be a string"):
        session.send_with_attachments(5, [])  # type: ignore[arg-type]  # that is the point


def test_a_key_that_no_request_has_is_a_warning(tmp_path: Path) -> None:
    session, model = opened(tmp_path)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert session.send({"prompt": "go", "atachments": []}).text == "ok"
    assert any("'atachments'" in str(warning.message) for warning in caught) and len(model.requests) == 1
