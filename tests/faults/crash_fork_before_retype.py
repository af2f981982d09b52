"""Forks between the publish of a new major and the retype of its handle. Arguments: marked or not, and four images.

Prints what the child's call answered; 99: it raised.
"""

from __future__ import annotations

import os
import sys
import threading
import warnings
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

import hotgraft
from hotgraft import _core
from hotgraft.host import attempt

WAITS_S = 0.2  # that it is still waiting then is what is shown; a child that is not kept waiting answers before
DEADLINE_S = 30.0


def main() -> None:
    """Swap, and fork in the middle of it."""
    is_marked, first, player, second, further = sys.argv[1] == "marked", *sys.argv[2:]
    if not is_marked:
        attempt.expect_retype = lambda _: _core.expect_retype([])  # type: ignore[attr-defined, assignment] # a seam
    with hotgraft.Host(probe="off") as host, ThreadPoolExecutor(1) as pool:
        handle, _ = host.load(first), host.load(player)
        is_asked = threading.Event()
        os.register_at_fork(before=is_asked.set)  # called before those that were registered earlier
        children: list[Future[int]] = []

        def fork() -> int:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # it has threads: that is what is tried here
                child = os.fork()
            if child == 0:
                try:
                    os._exit(handle.build())
                except BaseException:
                    os._exit(99)
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

        plain = _core.run_swap

        def run(members: Any, **more: Any) -> Any:
            record = plain(members, **more)
            children.append(pool.submit(fork))
            assert is_asked.wait(DEADLINE_S)
            wait(children, WAITS_S if is_marked else DEADLINE_S)
            return record

        _core.run_swap = run
        host.reload_set({"codec": second, "player": further})
        _core.run_swap = plain
        print(children[0].result(DEADLINE_S))


main()
