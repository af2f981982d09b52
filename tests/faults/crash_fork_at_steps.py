"""Fork at given steps of a swap, on the swap's own thread and from another one; the child calls and asks for a change.

    python crash_fork_at_steps.py IMAGE NEXT_IMAGE own|other STEP...

Each step has a host and a swap of its own. Exit 0: every child called, was refused its change, and the swap went on.
A child that hangs ends by its alarm.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import warnings
from typing import Any

from hotgraft import ForkedHostError, Host, _core

DEADLINE_S = 30.0


# Who forks on the swap's own thread from here on has a child in which the state lies with nobody: a call that needs
# none works there. Every other thread's fork waits until the state has arrived.
UNDER_WAY = ("take", "start", "publish")


def live_as_child(host: Host, expected: int | None) -> None:
    """Exit 0 if calls work, on one side of the swap, and the control plane is off."""
    code = 9
    signal.alarm(int(DEADLINE_S))
    try:
        counter: Any = host["counter"]
        is_one_side = counter.build() in (1, 2) and (expected is None or counter.add(1) == expected)
        code = 0 if is_one_side else 1
        for change in (lambda: host.reload("counter"), counter.pin, host.close, lambda: host.plan("counter")):
            try:
                change()
                code = code or 2
            except ForkedHostError:
                pass
    finally:
        os._exit(code)


def fork_child(host: Host, expected: int | None) -> int:
    """Return how the child ended; `expected`: what counting one on must answer there, None: do not count."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # CPython ≥ 3.12: this process does have threads now
        child = os.fork()
    if child == 0:
        live_as_child(host, expected)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def swap_and_fork(image: str, next_image: str, where: str, at_step: str) -> bool:
    """Swap, fork at the step, and tell whether both went well."""
    ends: list[int] = []
    arrived = threading.Event()

    with Host() as host:
        counter: Any = host.load(image)
        expected = counter.add(5) + 1

        def fork_from_other_thread() -> None:
            if arrived.wait(DEADLINE_S):
                ends.append(fork_child(host, expected))

        def at(step: str) -> str:
            if step == at_step and where == "own":
                ends.append(fork_child(host, None if step in UNDER_WAY else expected))
            elif step == at_step:
                arrived.set()
                # For the other thread to come to its fork. From the drain on that waits for this very swap, so there is
                # nothing to wait for here; what is tested is that this thread gets the interpreter lock back.
                time.sleep(0.05)
            return "run"

        other = threading.Thread(target=fork_from_other_thread)
        other.start()
        _core._seams.set_step_hook(at)
        report = host.reload("counter", next_image, deadline_s=DEADLINE_S)
        _core._seams.set_step_hook(None)
        if where == "own":
            arrived.set()  # and once more after the swap
        other.join()
        serves = (report.generation, counter.build(), counter.add(1))
    print(f"{at_step}: children ended with {ends}; serving {serves}", flush=True)
    return bool(ends) and not any(ends) and serves == (2, 2, expected)


def main(image: str, next_image: str, where: str, *steps: str) -> int:
    """Go through the steps until one fails."""
    return 0 if all(swap_and_fork(image, next_image, where, step) for step in steps) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
