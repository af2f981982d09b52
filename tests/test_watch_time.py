"""From a finished file to the first call of the new build, printed per step; no time is asserted in a test."""

from __future__ import annotations

import shutil
import statistics
import threading
import time
from typing import TYPE_CHECKING

import pytest
from sample_plugins import Sample

if TYPE_CHECKING:
    from pathlib import Path

    import hotgraft
    from sample_plugins import Workshop

ROUNDS = 40


@pytest.mark.full
def test_how_long_a_finished_file_takes_to_its_first_call_is_printed(
    host: hotgraft.Host, build: Workshop, tmp_path: Path
) -> None:
    """From the rename to the first answer, without a caller that competes; and where the time went."""
    builds = [build(Sample(build=number)) for number in (1, 2)]
    image, fresh = tmp_path / "counter.so", tmp_path / "fresh"
    shutil.copyfile(builds[0], image)
    plugin, is_published = host.load(image), threading.Event()
    answers_ms, steps_us = list[float](), dict[str, list[float]]()

    def note(event: hotgraft.HostEvent) -> None:
        for step in event.facts["report"].steps:
            steps_us.setdefault(step.step, []).append(step.us)
        is_published.set()

    host.on("swap.published", note)
    with host.watch() as watch:
        watch._targets["counter"].pace.memory_s = 0.0  # each rename as the first for long
        for number in range(ROUNDS):
            is_published.clear()
            shutil.copyfile(builds[(number + 1) % 2], fresh)
            began_s = time.perf_counter()
            fresh.replace(image)
            assert is_published.wait(60)
            assert plugin.build() == (number + 1) % 2 + 1
            answers_ms.append((time.perf_counter() - began_s) * 1e3)
    steps = ", ".join(f"{step} {statistics.median(times):,.0f} µs" for step, times in steps_us.items())
    print(f"finished file → first new call: median {statistics.median(answers_ms):.1f} ms of {ROUNDS}; {steps}")
