"""Long outputs: cut for the model, whole in the store."""

from __future__ import annotations

from a3s_lsp.engine.ports import ToolResult
from a3s_lsp.engine.tools.limits import SHOWN_BYTES, ArtifactStore, cap
from tests.engine.tools.desk import Desk


def uri(result: ToolResult) -> str:
    artifact = (result.metadata or {})["artifact"]
    assert isinstance(artifact, dict)
    return str(artifact["artifact_uri"])


async def test_long_output_is_cut_and_kept_whole(desk: Desk) -> None:
    desk.put("big.txt", ("z" * 99 + "\n") * 3000)
    result = await desk.call("read", file_path="big.txt")
    assert result.metadata is not None
    artifact = result.metadata["artifact"]
    whole = desk.artifacts.get(uri(result))
    assert whole is not None and isinstance(artifact, dict)
    assert whole == {**artifact, "tool_name": "read", "content": whole["content"]}
    assert artifact["shown_bytes"] == SHOWN_BYTES
    size = artifact["original_bytes"]
    assert len(str(whole["content"])) == size
    assert result.output[SHOWN_BYTES:] == (
        f"\n\n[tool output truncated: showing the first 102400 of {size} bytes. Full output artifact: {uri(result)}. "
        "Use narrower arguments such as offset/limit or filtering when possible.]"
    )
    assert artifact["artifact_id"] == "tool-output:read:" + uri(result).rsplit("/", 1)[1]


async def test_output_of_a_command_is_kept_to_its_end(desk: Desk) -> None:
    result = await desk.call("bash", command="seq 1 60000")
    whole = desk.artifacts.get(uri(result))
    assert whole is not None
    assert str(whole["content"]).endswith("60000\n")
    assert result.metadata is not None and result.metadata["exit_code"] == 0


def test_same_content_has_the_same_address_and_no_character_is_split() -> None:
    store = ArtifactStore()
    result = ToolResult("é" * 60_000 + "x")
    first, second = cap("grep", result, store), cap("grep", result, store)
    assert uri(first) == uri(second)
    odd = cap("grep", ToolResult("x" + "é" * 60_000), store)
    assert odd.output.startswith("x" + "é" * ((SHOWN_BYTES - 1) // 2) + "\n\n[tool output truncated")


def test_short_output_is_left_alone() -> None:
    result = ToolResult("x" * SHOWN_BYTES)
    assert cap("bash", result, ArtifactStore()) is result


def test_oldest_goes_first_and_one_used_again_counts_as_new() -> None:
    store = ArtifactStore(max_artifacts=2)
    a, b, c = (ToolResult(letter * 120_000) for letter in "abc")
    uris = [uri(cap("bash", result, store)) for result in (a, b, a, c)]
    assert [store.get(address) is not None for address in uris] == [True, False, True, True]


def test_store_holds_no_more_bytes_than_it_may() -> None:
    store = ArtifactStore(max_bytes=250_000)
    uris = [uri(cap("bash", ToolResult(letter * 120_000), store)) for letter in "abc"]
    assert [store.get(address) is not None for address in uris] == [False, True, True]


def test_output_larger_than_the_store_is_not_kept_and_drives_nothing_out() -> None:
    store = ArtifactStore(max_bytes=150_000)
    kept = uri(cap("bash", ToolResult("a" * 120_000), store))
    result = cap("bash", ToolResult("b" * 200_000), store)
    assert "The full output was not kept: it is larger than the limit of 150000 bytes" in result.output
    assert result.metadata == {"artifact": {"original_bytes": 200_000, "shown_bytes": SHOWN_BYTES}}
    assert store.get(kept) is not None
    assert store.get("a3s://tool-output/read/none") is None
