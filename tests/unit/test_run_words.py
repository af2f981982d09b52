"""What `hotgraft run` writes of each event for people: everything that changes what serves, and nothing twice."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import hotgraft
from hotgraft.cli.run import _Words
from hotgraft.host.report import Outcome, SwapReport
from hotgraft.host.snapshots import TakenSnapshot

if TYPE_CHECKING:
    import pytest

BACK = SwapReport(plugin="gain", outcome=Outcome.ROLLED_BACK, generation=1, version="1.0.0", candidate=1, image="a.so")


def test_a_rollback_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """By hand or by probation: else the log's last word is the generation that serves no more."""
    _Words().say("swap.rolled_back", "gain", {"report": BACK})
    assert capsys.readouterr().out == "swap.rolled_back: gain: rolled back; generation 1 (version 1.0.0) serves\n"


def test_a_refusal_is_told_whoever_asked_for_it_and_once(capsys: pytest.CaptureFixture[str]) -> None:
    """From another terminal it is the swap's event alone; where a watch asked, the watch tells of the same error."""
    words, error = _Words(), hotgraft.StateError("swap to generation 2", on="gain", found="no way across")
    words.say("swap.refused", "gain", {"report": BACK, "error": error})
    words.say("watch.refused", "gain", {"error": error, "sha256": "0"})
    words.say("swap.refused", "gain", {"report": BACK, "error": hotgraft.StateError("swap", on="gain", found="again")})
    said = capsys.readouterr().out
    assert (said.count("no way across"), said.count("again")) == (1, 1)
    assert said.startswith("gain: swap.refused: gain: could not swap to generation 2: no way across")


def test_a_snapshot_is_told_in_words_and_as_plain_values(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody has to read the name of a class."""
    taken = TakenSnapshot(
        plugin="gain", path=Path("kept/a"), number=3, instances=("main",), bytes=16, pause_us=12.3, write_ms=1.0
    )
    words = _Words()
    words.say("snapshot.taken", "gain", {"snapshot": taken, "reason": "asked"})
    words.say("snapshot.resumed", "gain", {"path": Path("kept/a"), "instances": ("main", "aux"), "left_behind": ()})
    assert capsys.readouterr().out.splitlines() == [
        "snapshot.taken: gain, snapshot 16 bytes in kept/a; callers waited at most 12 µs, reason asked",
        "snapshot.resumed: gain, path kept/a, instances main, aux",
    ]
    assert taken.as_dict() == {
        "plugin": "gain", "path": "kept/a", "number": 3, "instances": ["main"], "bytes": 16, "pause_us": 12.3,
        "write_ms": 1.0, "sessions": [], "unnamed": 0, "is_at_rest": True,
    }  # fmt: skip
