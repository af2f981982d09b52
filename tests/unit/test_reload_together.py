"""Tests host/attempt_set.py: several plugins are replaced as one, or none of them is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotgraft import Host, Outcome
from pair_scene import codec, expect, load_pair, player

if TYPE_CHECKING:

    from sample_plugins import Workshop


def test_a_pair_is_replaced_as_one_with_its_state(unprobed: Host, build: Workshop) -> None:
    """Promise 6: a new major and the consumer that was built for it come in one window."""
    load_pair(unprobed, build)
    expect(unprobed, 11_001)

    report = unprobed.reload_set({"codec": build(codec(2, 2)), "player": build(player(12, "^2"))})

    expect(unprobed, 12_002)
    assert (report.outcome, tuple(report.members)) == (Outcome.PUBLISHED, ("codec", "player"))
    assert [one.generation for one in report.members.values()] == [2, 2]
    assert report.pause_us == report.members["codec"].pause_us > 0
    titles = [time.step for time in report.steps]
    assert titles.count("close gates") == titles.count("publish") == 1
    assert titles.index("quiesce player main") < titles.index("quiesce codec main")
    assert titles.index("start codec main") < titles.index("start player main")
    assert "start main" in [time.step for time in report.members["player"].steps]
