"""Forks at each step of a swap, one swap for each step, from another thread than the swap's own."""

from __future__ import annotations

import os
import sys
import threading
from dataclasses import replace

from hotgraft import ForkedHostError, Host, Outcome, _core
from sample_plugins import HANDS_OVER, SAVES, shared_workshop

GATED = ("close gates", "drain", "quiesce")
STEPS = {
    "hand over": (*GATED, "surrender", "take", "start", "publish"),
    "save": (*GATED, "save", "restore", "start", "publish"),
}


class Forker:
    """Makes one child, on a thread of its own: while state moves it has to wait for the swap, which must not wait."""

    def __init__(self, host: Host, expected: int) -> None:
        self.host = host
        self.expected = expected
        self.status = -1
        self.begins = threading.Event()
        self.thread = threading.Thread(target=self.fork)

    def fork(self) -> None:
        """Fork; the child calls, is refused a reload, and ends with 0 if both went as promised."""
        self.begins.set()
        child = os.fork()
        if child == 0:
            code = 1
            try:
                counter = self.host["counter"]
                assert counter.add(1) == self.expected
                try:
                    self.host.reload("counter")
                except ForkedHostError as error:
                    assert error.found and error.advice
                    code = 0
            finally:
                os._exit(code)
        self.status = os.waitpid(child, 0)[1]


def main(way: str) -> None:
    """Reload once for each step of the window, with a child made at that step."""
    sample = HANDS_OVER if way == "hand over" else SAVES
    build = shared_workshop()
    images = [build(replace(sample, build=number)) for number in (1, 2)]
    host = Host()
    counter = host.load(images[0])
    for number, step in enumerate(STEPS[way]):
        counter.add(1)
        forker = Forker(host, number + 2)

        def fork_here(name: str, step: str = step, forker: Forker = forker) -> str:
            if name == step:
                _core._seams.set_step_hook(None)  # from here on the swap needs nothing of Python
                forker.thread.start()
                forker.begins.wait()
            return "run"

        _core._seams.set_step_hook(fork_here)
        report = host.reload("counter", images[(number + 1) % 2], deadline_s=60)
        assert report.outcome is Outcome.PUBLISHED
        forker.thread.join()
        assert forker.status == 0, f"child made at {step}: status {forker.status}"
        assert counter.add(0) == number + 1  # what the child counted is the child's
        assert counter.build() == (number + 1) % 2 + 1
    assert host.unloads(10).proven == len(STEPS[way])
    host.close()
    print(f"{len(STEPS[way])} children could call, and every swap was published")


main(sys.argv[1])
