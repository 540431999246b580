"""The journal when the log gives no answer: what may have been written stays what it is, and is written once."""

from __future__ import annotations

from collections.abc import Sequence

from a3s_lsp.engine import facts as f
from a3s_lsp.engine.errors import StoreError
from a3s_lsp.engine.events import Event
from a3s_lsp.engine.journal import Journal
from a3s_lsp.engine.state import State
from a3s_lsp.engine.store.memory import MemoryStore
from a3s_lsp.engine.store.writer import LogWriter


class Forgetful(MemoryStore):
    """A store whose answer is lost as often as it is told."""

    lost = 0

    def append(self, session_id: str, records: Sequence[f.Record], *, sync: bool) -> None:
        super().append(session_id, records, sync=sync)
        if self.lost:
            self.lost -= 1
            raise StoreError("no answer")


async def test_text_that_goes_on_after_a_lost_answer_is_written_and_shown_once() -> None:
    store, shown = Forgetful(), list[Event]()
    journal = Journal("s", LogWriter(store), State())
    journal.subscribe(shown.append)
    journal.append(f.RunStarted("go"), "r")
    await journal.settled()
    store.lost = 1
    journal.append(f.TextStreamed("one "), "r")
    try:
        await journal.settled()
    except StoreError as error:
        assert str(error) == "no answer"
    journal.append(f.TextStreamed("two "), "r")
    journal.append(f.TextStreamed("three"), "r")
    await journal.settled()
    texts = [fact.text for fact in (record.fact for record in store.read("s")) if isinstance(fact, f.TextStreamed)]
    assert "".join(texts) == "one two three"
    assert "".join(str(event.fields.get("text", "")) for event in shown) == "one two three"
    assert [event.seq for event in shown] == list(range(len(shown)))
