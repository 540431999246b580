"""The real server with the agent of tests/properties/truth for a model, and two requests more.

`truth/begin` says what the next jobs are, `truth/state` tells all that is known.
"""

from __future__ import annotations

import os
import pickle
from pathlib import Path

from a3s_lsp.engine import facts as f
from a3s_lsp.engine.assembly import Surroundings
from a3s_lsp.engine.messages import Json
from a3s_lsp.engine.state import State
from a3s_lsp.engine.store.memory import MemoryStore
from a3s_lsp.engine.store.writer import LogWriter
from a3s_lsp.server.app import create_server
from a3s_lsp.server.host import Defaults
from a3s_lsp.server.transport import run_to_exit, serve_stdio
from tests.properties.truth.agent import ScheduledModel
from tests.properties.truth.letters import Letters
from tests.properties.truth.world import NAMES


class Stage:
    """What the two requests are about."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.model = ScheduledModel(NAMES, lambda: "")
        surroundings = Surroundings(os.environ, Path("none.acl"), offline=lambda: self.model)
        self.server = create_server(lambda: Defaults(LogWriter(self.store), surroundings))
        # pygls puts attributes on its handlers, which methods do not take.
        self.server.feature("truth/begin")(lambda params: self.begin(params))
        self.server.feature("truth/state")(lambda params: self.state(params))

    def begin(self, params: Json) -> Json:
        """Be ready for these jobs, which come pickled."""
        letters = Letters().agent
        self.model.begin(pickle.loads(bytes.fromhex(str(params["jobs"]))), lambda: next(letters))
        return {}

    def state(self, params: Json) -> Json:
        """The texts that the server has, what the model did, and the log."""
        facts: list[f.Fact] = []
        ended = 0
        for row in self.store.sessions():
            state = State()
            for record in self.store.read(row.id):
                state.apply(record)
                facts.append(record.fact)
            ended += sum(run.ended for run in state.runs.values())
        kept = [fact for fact in facts if isinstance(fact, f.FilesChanged | f.CallEnded)]
        return {
            "documents": {document.uri: document.text for document in self.server.documents},
            "ended": ended,
            "sessions": [row.id for row in self.store.sessions()],
            "attempts": pickle.dumps([(a.call, a.letter) for a in self.model.attempts]).hex(),
            "facts": pickle.dumps(kept).hex(),
        }


if __name__ == "__main__":
    run_to_exit(serve_stdio(Stage().server))
