"""A plugin that does wrong with its state, in a live host: the swap is refused, and what serves goes on as it was.

Each way to be wrong is in bad_state.h, and tests/native/test_bad_state.cpp goes through all of them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from child_process import run_child
from hotgraft.core.errors import PluginError
from hotgraft.host.report import Outcome
from sample_plugins import SAVES

if TYPE_CHECKING:
    from hotgraft import Host
    from sample_plugins import Workshop


def test_a_save_that_fails_refuses_the_swap_and_the_state_is_untouched(unprobed: Host, build: Workshop) -> None:
    """M01: the old generation resumes, with what it had and what it owes to nobody."""
    counter: Any = unprobed.load(build(SAVES), config={"fail": "save"})
    counter.add(5)
    generation = unprobed._plugins["counter"].serving.generation
    before = generation.live_bytes

    with pytest.raises(PluginError, match="told to fail in save") as refused:
        unprobed.reload("counter", build(replace(SAVES, build=2)))

    assert refused.value.report.outcome is Outcome.CALLED_OFF  # type: ignore[attr-defined] # of a swap's
    assert refused.value.running == "generation 1 still serves"
    assert (counter.add(1), counter.build(), generation.live_bytes) == (6, 1, before)


@pytest.mark.full
def test_a_save_that_never_returns_is_given_up_and_the_old_serves() -> None:
    """M01: its thread stays behind; callers get their plugin back."""
    done = run_child("crash_hang.py", "save")

    assert done.returncode == 0, done.stderr
    assert "the old generation serves" in done.stdout
