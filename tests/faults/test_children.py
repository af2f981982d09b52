"""Processes that begin while a swap goes on: forked ones can call, started ones get nothing of ours."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from child_process import run_child
from hotgraft import Host, Outcome, _core
from sample_plugins import HANDS_OVER, SAVES, Sample, Workshop

if TYPE_CHECKING:
    from collections.abc import Iterator

LIST_FDS = (
    "import os; print(sorted(int(fd) for fd in os.listdir('/proc/self/fd') if os.path.exists(f'/proc/self/fd/{fd}')))"
)


@pytest.fixture
def seam() -> Iterator[Any]:
    """The step hook of the core, taken out again afterwards."""
    yield _core._seams.set_step_hook
    _core._seams.set_step_hook(None)


@pytest.mark.parametrize("sample", [HANDS_OVER, SAVES], ids=["hand over", "save and restore"])
def test_a_program_started_at_any_step_of_a_swap_gets_none_of_its_fds(
    host: Host, build: Workshop, seam: Any, sample: Sample
) -> None:
    """Fault K08: a descriptor that a child keeps open keeps the file, the lock or the pipe behind it for ever."""

    def fds_of_child() -> str:
        command = [sys.executable, "-I", "-S", "-c", LIST_FDS]
        return subprocess.run(command, close_fds=False, capture_output=True, text=True, check=True).stdout

    before = fds_of_child()
    counter = host.load(build(sample))
    counter.add(5)
    seen: dict[str, str] = {}

    def start_a_child(name: str) -> str:
        seen[name] = fds_of_child()
        return "run"

    seam(start_a_child)
    assert host.reload("counter", build(replace(sample, build=2)), deadline_s=60).outcome is Outcome.PUBLISHED

    assert len(seen) == 8
    assert set(seen.values()) == {before}
    assert (counter.build(), counter.add(1)) == (2, 6)
    assert fds_of_child() == before


@pytest.mark.parametrize("way", ["hand over", "save"])
def test_a_child_forked_at_any_step_of_a_swap_can_call_and_changes_nothing(way: str) -> None:
    """Fault K07: it has the plugin as it was before the swap, its control plane is off, and the swap goes on."""
    done = run_child("crash_fork.py", way, warnings="ignore::DeprecationWarning")

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == "7 children could call, and every swap was published\n"
