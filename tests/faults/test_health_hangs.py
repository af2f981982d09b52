"""Health checks that hang while the plugin serves: what they hold up is their own library, and nothing else."""

from __future__ import annotations

import subprocess
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from child_process import run_child
from hotgraft import Host
from hotgraft.core.errors import SwapTimeout
from sample_plugins import PLAIN

if TYPE_CHECKING:
    from pathlib import Path

    from sample_plugins import Workshop

UNHEALTHY = replace(PLAIN, source="unhealthy")
NOT_BACK = "a health check that has not come back"


def load(host: Host, build: Workshop, until: Path) -> Any:
    """Load a plugin whose checks hang until there is a file."""
    return host.load(build(UNHEALTHY), config={"hangs_from": 1, "until": str(until)})


def test_a_check_that_hangs_blocks_nobody(build: Workshop, tmp_path: Path) -> None:
    """Fault I13, of what serves: calls and swaps go on; the old stays mapped, is reported, and leaves when it can."""
    until = tmp_path / "until"
    with Host(probe="off", health_deadline_s=0.1) as host:
        plain = load(host, build, until)

        report = host.check_health("plain")

        assert (report.is_fit, report.hung) == (False, ("health",))
        assert plain.add(2, 3) == 5
        assert host.reload("plain").generation == 2
        assert plain.add(2, 3) == 5
        while (waiting := host.unloads().waiting) == ("plain: generation 1: not looked at yet",):
            pass
        assert waiting == (f"plain: generation 1: leased: {NOT_BACK}",)
        until.touch()
        assert host.unloads(60).proven == 1
        while host.check_health("plain", deadline_s=60).hung:
            pass  # the one after publish hung too, and is on its way back
        assert host.check_health("plain", deadline_s=60).is_fit


def test_a_swap_waits_for_a_check_that_is_not_late_yet(unprobed: Host, build: Workshop, tmp_path: Path) -> None:
    """Control functions of one instance are one at a time: quiesce must not run beside a check."""
    until = tmp_path / "until"
    plain = load(unprobed, build, until)
    asker = threading.Thread(target=lambda: unprobed.check_health("plain", deadline_s=60))
    asker.start()
    while not (tmp_path / "until.inside").exists():
        assert asker.is_alive()

    with pytest.raises(SwapTimeout, match="its health check was still under way") as caught:
        unprobed.reload("plain", deadline_s=0.1)

    assert caught.value.running == "generation 1 still serves"
    assert plain.add(2, 3) == 5
    until.touch()
    assert unprobed.reload("plain", deadline_s=60).generation == 3
    asker.join()


@pytest.mark.full
@pytest.mark.parametrize("what", ["exit", "close", "fork"])
def test_a_process_ends_forks_and_closes_its_host_beside_checks_that_hang(what: str) -> None:
    """Their threads are nobody's to wait for, neither the interpreter's nor a child's."""
    done = run_child("crash_health.py", what)

    assert done.returncode == 0, done.stderr
    assert done.stdout == "asked\nwent on\n"


@pytest.mark.control
def test_without_a_deadline_a_check_that_hangs_holds_up_who_asks() -> None:
    """Control: nothing but the deadline brings the asker back."""
    with pytest.raises(subprocess.TimeoutExpired) as caught:
        run_child("crash_health.py", "no deadline", deadline_s=5)
    assert caught.value.stdout == b"asked\n"
