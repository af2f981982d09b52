"""Three hundred plugins in one host, fifty of them replaced a second under load: nothing is lost, nothing grows.

DESIGN, figures to reach: mappings, fds, threads, link-map entries and staged files are equal, and the heap grows by at
most 64 KB per 1,000 reloads of a Python host.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from kept_images import KEPT
from many_images import ManyImages
from many_scene import Many
from test_growth import PYTHON_LIMIT, slope

if TYPE_CHECKING:
    from hotgraft import Host

HERE = Path(__file__).parent
DEADLINE_S = 1500.0
PLUGINS, PER_SECOND, ROUNDS = 300, 50, 10
# A plugin's own caches fill with its first generations.
WARM = 10


def expect_whole(found: dict[str, Any]) -> None:
    """No call failed or was answered wrongly, no state was lost, and each replacement was made."""
    what = json.dumps(found, indent=1)
    assert (found["failed"], found["wrong"], found["lost_state"]) == (0, 0, 0), what
    assert found["complaints"] == [], what
    assert min(found["calls"], found["nested"]) > 0, what


def test_many_plugins_are_replaced_under_load(unprobed: Host, tmp_path: Path) -> None:
    """A few, as fast as it goes: each calls others, and those are replaced as well."""
    many = Many(unprobed, ManyImages(tmp_path, KEPT), 6)
    for _ in range(2):
        many.make_images()
        many.round(0.0)
    unloads = unprobed.unloads(DEADLINE_S)

    expect_whole(many.sums())
    assert many.replaced == 12
    assert (unloads.proven, unloads.waiting, unloads.stuck) == (12, (), ())


@pytest.mark.full
@pytest.mark.timeout(1600)
def test_three_hundred_plugins_replaced_fifty_a_second_for_a_minute() -> None:
    """A host that many teams share: what one plugin's reload costs must not depend on how many there are."""
    # All of malloc in one heap, as in test_growth.py.
    environment = {**os.environ, "PYTHONMALLOC": "malloc", "MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_MAX_": "0"}
    environment["PYTHONPATH"] = os.pathsep.join([str(HERE), str(HERE.parent), *sys.path])
    done = subprocess.run(
        [sys.executable, str(HERE / "many.py"), *map(str, (PLUGINS, WARM, ROUNDS, PER_SECOND))],
        env=environment,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    grows = slope(found["heap"])
    print(json.dumps({key: value for key, value in found.items() if key != "heap"} | {"bytes_per_reload": grows}))

    expect_whole(found)
    assert found["replaced"] == found["proven"] == PLUGINS * (WARM + ROUNDS)
    assert found["waiting_at_end"] <= 1
    assert (found["waiting"], found["stuck"]) == ([], 0)
    assert found["at_end"] == found["after_first"]
    assert grows <= PYTHON_LIMIT, found["heap"]
