"""Snapshots of states that lead to blocks of their own: taken as a whole, placed again, converted up and down."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hotgraft import Host, StateError
from hotgraft.engine.snapshot_files import read_snapshot, write_snapshot
from test_state_declared import FILLED, SAME, WIDER, Edited, edited, filled, told

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["edited"]  # a fixture
pytestmark = pytest.mark.full  # each builds a plugin from its sources


@pytest.fixture(params=["off", "start"])
def options(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """Of a host that takes no snapshot of its own accord; with a probe and without."""
    return {"snapshots": tmp_path / "kept", "snapshot_at_close": False, "probe": request.param}


def save(options: dict[str, Any], image: Path) -> Path:
    """Let a host fill a scene and keep it; return where."""
    with Host(**options) as host:
        filled(host, image)
        return host.snapshot().taken["scene"].path


@pytest.mark.parametrize(
    ("before", "after"),
    [((SAME, "1.0.0"), (SAME, "1.0.0")), ((SAME, "1.0.0"), (WIDER, "1.1.0")), ((WIDER, "1.1.0"), (SAME, "1.0.0"))],
    ids=["the same", "up", "down"],
)
def test_what_the_state_leads_to_is_there_again(
    options: dict[str, Any], edited: Edited, before: tuple[str, str], after: tuple[str, str]
) -> None:
    """Every block of it, and what is done with it afterwards: it grows, it is swapped, it is given back."""
    path = save(options, edited(before[0], version=before[1]))
    assert len(read_snapshot(path).instances[0].blocks) > 1
    with Host(**options) as host:
        scene: Any = host.load(edited(after[0], version=after[1]))
        assert told(scene) == FILLED
        scene.add(1, 0)
        host.reload("scene", edited(after[0], version=after[1], source="/*  → /* "))
        assert told(scene)[0] == FILLED[0] + 1


def test_a_number_that_is_no_block_is_refused(options: dict[str, Any], edited: Edited) -> None:
    """A made-up file with a checksum that fits: nothing is read through it."""
    path = save(options, edited())
    kept = read_snapshot(path)
    state = kept.instances[0]
    for blocks in ((), state.blocks[:-1], (*state.blocks, b"more")):
        write_snapshot(path, replace(kept, instances=(replace(state, blocks=blocks),)))
        with Host(**options) as host:
            with pytest.raises(StateError, match=r"it was to go on from|leads to block|nothing leads to"):
                host.load(edited())
            assert "scene" not in host


def test_a_rollback_to_a_snapshot_has_blocks_of_its_own(options: dict[str, Any], edited: Edited) -> None:
    """Beside a session that holds the generation that has the others."""
    options |= {"rollback": "snapshot", "probation": "on", "probation_s": 3600.0, "probation_max_s": 3600.0}
    with Host(**options, swap_deadline_s=0.5) as host:
        scene = filled(host, edited())
        host.reload("scene", edited(source="/*  → /* "))
        scene.add(1, 0)
        held = host._loaded("scene").held
        assert held is not None
        assert held.before is not None
        held.before.give_back(held.generation, held.indexes)  # as one that came to nothing: what it left is freed
        with scene.pin() as pinned:
            report: Any = host.rollback("scene")
            assert (report.is_lossy, report.lost_calls) == (True, 1)
            assert told(scene) == FILLED
            scene.add(2, 0)
            assert pinned.sum() == FILLED[0] + 1
        assert told(scene)[0] == FILLED[0] + 2
        assert host.unloads(60).proven == 1
