"""Probation in a live host: what is as good stays, what is worse takes itself back, and both are on record."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import pytest
from hotgraft import Host, Outcome, PluginError, Quarantined
from hotgraft.engine.journal_reading import history
from sample_plugins import Sample, Workshop, function

if TYPE_CHECKING:
    from pathlib import Path

    from hotgraft import HostEvent

WORSE: Final = Sample(
    source="worse",
    name="worse",
    interface="worse",
    functions=(function("work", 8, "status"),),
    flags=("-DWORSE_SPIN=4000",),
)
SAME: Final = replace(WORSE, flags=(*WORSE.flags, "-DWORSE_SAME=1"))
REGRESSIONS: Final = {
    "own time": replace(WORSE, flags=("-DWORSE_SPIN=4800",)),
    "p99": replace(WORSE, flags=(*WORSE.flags, "-DWORSE_SLOW_EVERY=50", "-DWORSE_SLOW_SPIN=12000")),
    "errors": replace(WORSE, flags=(*WORSE.flags, "-DWORSE_FAIL_EVERY=100")),
}
DEADLINE_S: Final = 120.0
CALLS_A_SECOND: Final = 2_000
FOUND_WITHIN: Final = 20_000
ANSWERED_WITHIN: Final = 2 * CALLS_A_SECOND  # two seconds' worth


@dataclass(slots=True)
class Called:
    """One plugin under load: how often it was called since it was swapped, and how its probation ended."""

    plugin: Any
    calls: int = 0
    ended: threading.Event = field(default_factory=threading.Event)
    ended_at: int = 0  # calls
    outcome: str = ""


class Load:
    """Calls every plugin so often a second, as fast as the machine lets it, until it is stopped."""

    def __init__(self, called: dict[str, Called]) -> None:
        self.called = called
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Load:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(DEADLINE_S)

    def _run(self) -> None:
        until = time.monotonic()
        while not self._stop.is_set():
            for one in self.called.values():
                with contextlib.suppress(PluginError):
                    one.plugin.work()
                one.calls += 1
            until = max(until + 1 / CALLS_A_SECOND, time.monotonic() - 0.05)
            self._stop.wait(max(until - time.monotonic(), 0.0))


def note_ends(called: dict[str, Called]) -> Any:
    """Return what notes how each probation ends."""

    def note(event: HostEvent) -> None:
        one = called[event.plugin]
        if event.name in ("probation.passed", "swap.rolled_back", "swap.rollback_blocked"):
            one.ended_at, one.outcome = one.calls, event.name
            one.ended.set()

    return note


@pytest.mark.full
def test_what_is_as_good_stays_and_what_is_worse_takes_itself_back(build: Workshop, tmp_path: Path) -> None:
    """Twenty swaps to the same code are all committed; each regression is rolled back soon after 20,000 calls."""
    same = [f"same{number}" for number in range(20)]
    candidates = dict.fromkeys(same, SAME) | {name.replace(" ", "_"): one for name, one in REGRESSIONS.items()}
    with Host(
        probe="off", probation="on", journal=tmp_path / "journal", staging_folder=str(tmp_path / "staged")
    ) as host:
        called = {name: Called(host.load(build(WORSE), name=name)) for name in candidates}
        host.on("*", note_ends(called))
        with Load(called):
            wait_for_old_windows(host, called)
            for name, candidate in candidates.items():
                assert host.reload(name, build(candidate)).is_on_probation
                called[name].calls = 0
            ends = {name: one.ended.wait(DEADLINE_S) for name, one in called.items()}

        verdicts = {name: host.verdict(name) for name in candidates}
        assert all(ends.values()), (ends, verdicts)
        outcomes = {name: one.outcome for name, one in called.items()}
        assert [outcomes[name] for name in same] == ["probation.passed"] * 20, verdicts
        for name in candidates.keys() - set(same):
            assert outcomes[name] == "swap.rolled_back", verdicts[name]
            assert called[name].plugin.generation == 1
            assert called[name].ended_at <= FOUND_WITHIN + ANSWERED_WITHIN, verdicts[name]
            with pytest.raises(Quarantined, match="was rolled back"):
                host.reload(name, build(candidates[name]))
    rows = {
        line.first.plugin: line
        for line in history(tmp_path / "journal")
        if line.first.asked_by == "probation" and line.first.attempt
    }
    assert set(rows) == candidates.keys() - set(same)
    for name, line in rows.items():
        assert line.end is not None
        assert line.end.outcome == Outcome.ROLLED_BACK
        assert name.replace("_", " ") in line.first.reason  # with the numbers


def wait_for_old_windows(host: Host, called: dict[str, Called]) -> None:
    """Wait until there is enough of the old generations to compare with."""
    until = time.monotonic() + DEADLINE_S
    while time.monotonic() < until:
        windows = [host._probations._watched.get(name) for name in called]
        if all(one is not None and len(one.good.whole_slices) >= 18 for one in windows):
            return
        threading.Event().wait(0.2)
    raise AssertionError("the old generations were not called often enough")
