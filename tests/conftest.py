"""What holds for all tests."""

from __future__ import annotations

import os

from hypothesis import settings

from tests.postgres import postgres as postgres

# The same examples in every run, so that a failure belongs to the change that made it; A3S_EXPLORE=1 finds new ones.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None)
settings.load_profile("explore" if os.environ.get("A3S_EXPLORE") else "steady")
