"""Tests host/bound_turns.py: who is being bound, and whoever is bound to, are not changed at once."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import hotgraft.host.attempt as attempt_module
import hotgraft.host.changing as changing_module
import pytest
from hotgraft import ContractError, Host, HotgraftError, Outcome
from hotgraft.engine.load import prepare
from hotgraft.host.bound_turns import check_bound
from sample_plugins import CALLER_PLUGIN, STATELESS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sample_plugins import Workshop

FEWER = replace(STATELESS, version="1.0.1", build=2)  # without the feature that its caller uses
RICH = replace(STATELESS, features=("fast",))
PICKY = replace(CALLER_PLUGIN, uses=("fast",))
DEADLINE_S = 20.0


class Beside:
    """A change on another thread, begun between binding and adopting: what came of it, and whether it had to wait."""

    def __init__(self, host: Host, change: Callable[[], object]) -> None:
        self._host = host
        self._change = change
        self._thread = threading.Thread(target=self._run)
        self.error: HotgraftError | None = None
        self.had_to_wait = False

    def _run(self) -> None:
        try:
            self._change()
        except HotgraftError as error:
            self.error = error

    def __call__(self, real: Callable[..., Any], *arguments: Any, **more: Any) -> Any:
        """Begin it, wait until it waits or is over, and go on; once."""
        if self._thread.ident is None:
            self._thread.start()
            until = time.monotonic() + DEADLINE_S
            while self._thread.is_alive() and not self.had_to_wait and time.monotonic() < until:
                turns = self._host._changes.turns
                with turns._lock:
                    self.had_to_wait = any(not one.comes.is_set() for one in turns._queue)
        return real(*arguments, **more)

    def join(self) -> None:
        """Wait for its end."""
        self._thread.join(DEADLINE_S)
        assert not self._thread.is_alive()


def beside(host: Host, monkeypatch: pytest.MonkeyPatch, change: Callable[[], object]) -> Beside:
    """Let `change` happen in the middle of the next attempt: bound, and none of its code has run."""
    made = Beside(host, change)
    monkeypatch.setattr(attempt_module, "prepare", partial(made, prepare))
    return made


def test_a_provider_is_not_replaced_while_somebody_is_bound_to_it(
    unprobed: Host, build: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be judged without the one who comes: now it waits, and is refused for that one's sake."""
    unprobed.load(build(RICH))
    change = beside(unprobed, monkeypatch, lambda: unprobed.reload("counter", build(FEWER)))
    caller = unprobed.load(build(PICKY))
    change.join()
    assert change.had_to_wait
    assert isinstance(change.error, ContractError)
    assert "caller uses what this lacks: feature 'fast'" in str(change.error)
    assert caller.add_there(2) == 2
    assert caller.generation == unprobed["counter"].generation == 1


@pytest.mark.control
def test_control_without_the_providers_turn_it_is_bound_to_what_is_gone(
    unprobed: Host, build: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The harm is real: nobody objects, and what the caller relies on is not there any more."""
    unprobed.load(build(RICH))
    monkeypatch.setattr(changing_module, "turns_to_load", lambda name, *_: lambda: frozenset((name,)))
    monkeypatch.setattr(attempt_module, "check_bound", lambda *_: None)
    change = beside(unprobed, monkeypatch, lambda: unprobed.reload("counter", build(FEWER)))
    unprobed.load(build(PICKY))
    change.join()
    assert not change.had_to_wait
    assert change.error is None
    (edge,) = unprobed.graph().edges
    assert set(edge.need.features) - set(unprobed["counter"].features)


def test_a_reload_that_needs_somebody_new_waits_for_that_ones_turn(
    unprobed: Host, build: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its needs of today are known to whoever replaces its providers; those of its candidate are not."""
    unprobed.load(build(RICH))
    unprobed.load(build(replace(CALLER_PLUGIN, requires=(("counter", "^1.0"),))))
    change = beside(unprobed, monkeypatch, lambda: unprobed.reload("counter", build(FEWER)))
    report = unprobed.reload("caller", build(replace(PICKY, version="1.0.1", build=2)))
    change.join()
    assert (report.outcome, report.generation) == (Outcome.PUBLISHED, 2), "begun twice, and numbered once"
    assert change.had_to_wait
    assert isinstance(change.error, ContractError)


def test_a_load_is_begun_again_where_it_was_bound_to_somebody_else_than_was_thought(
    unprobed: Host, build: Workshop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The image may be another one by the time it is staged: nothing of the first try stays."""
    unprobed.load(build(STATELESS))
    tries: list[frozenset[str]] = []

    def noted(imports: Any, before: Any, turns: frozenset[str]) -> None:
        tries.append(turns)
        check_bound(imports, before, turns)

    monkeypatch.setattr(changing_module, "turns_to_load", lambda name, *_: lambda: frozenset((name,)))
    monkeypatch.setattr(attempt_module, "check_bound", noted)
    assert unprobed.load(build(CALLER_PLUGIN)).generation == 1
    assert tries == [frozenset({"caller"}), frozenset({"caller", "counter"})]


def test_a_reload_with_the_same_needs_does_not_wait_for_its_provider(
    unprobed: Host, build: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Changes of different plugins do not wait for each other where they need not."""
    unprobed.load(build(STATELESS))
    unprobed.load(build(CALLER_PLUGIN))
    change = beside(unprobed, monkeypatch, lambda: unprobed.reload("counter", build(FEWER)))
    unprobed.reload("caller", build(replace(CALLER_PLUGIN, version="1.0.1", build=2)))
    change.join()
    assert not change.had_to_wait
    assert change.error is None
