"""What becomes of replaced generations when the program's own threads stand in the way."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from sample_plugins import STATELESS, Workshop

if TYPE_CHECKING:
    from hotgraft import Host


def test_a_busy_thread_of_the_program_makes_an_unload_wait_and_not_stuck(host: Host, build: Workshop) -> None:
    """A thread that does not rest cannot be told from one inside the library; once it has rested, it can."""
    host.load(build(STATELESS))
    is_over = threading.Event()

    def spin() -> None:
        while not is_over.is_set():
            pass

    spinner = threading.Thread(target=spin)
    spinner.start()
    try:
        host.reload("counter")
        unloads = host.unloads(deadline_s=0.3)
        assert (unloads.proven, unloads.stuck) == (0, ())
        assert "has not rested" in unloads.waiting[0]
    finally:
        is_over.set()
        spinner.join()

    assert host.unloads(deadline_s=10.0).proven == 1
