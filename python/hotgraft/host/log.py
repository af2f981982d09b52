"""What plugins log, handed to `logging.getLogger("hotgraft.plugin.<name>")` by one thread.

The thread starts with the first line after a silence and ends when there are none: a standing thread would
make CPython ≥ 3.12 warn at every fork. No handlers are added: where lines go is the program's business.
"""

from __future__ import annotations

import _thread
import functools
import logging
import os
import threading

from hotgraft import _core

__all__ = ["LogDrain", "log_drain"]


class LogDrain:
    """Drains the ring that all plugins of the process write to.

    Invariants
      (1) At most one thread drains; the ring's own flag decides who (it calls `_wake` once per silence).
    """

    def __init__(self) -> None:
        self._dropped = 0
        self.listen()
        os.register_at_fork(after_in_child=self.listen)

    def listen(self) -> None:
        """Ask to be called when a line comes; also in a forked child, where no thread drains."""
        self._dropped = _core.dropped_log_lines()
        _core.set_log_wake(self._wake)

    def _wake(self) -> None:
        # Called by the interpreter in the main thread, between any two instructions: it may be inside threading's
        # own locks, so the thread is started by one that is below them.
        _thread.start_new_thread(self._start, ())

    def _start(self) -> None:
        # A thread that threading knows: what is logged asks for the current one, and would leave a dummy behind.
        threading.Thread(target=self._serve, name="hotgraft log", daemon=True).start()

    def _serve(self) -> None:
        while True:
            self.hand_on()
            if _core.rest_log():
                return

    def hand_on(self) -> None:
        """Hand over what is in the ring now, and say how many lines were lost since."""
        for plugin, instance, generation, level, text, is_cut, _ in _core.drain_log():
            logger = logging.getLogger(f"hotgraft.plugin.{plugin}")
            more = {"hotgraft_instance": instance, "hotgraft_generation": generation}
            logger.log(level, "%s%s", text, " […]" if is_cut else "", extra=more)
        dropped = _core.dropped_log_lines()
        if dropped != self._dropped:
            lost, self._dropped = dropped - self._dropped, dropped
            logging.getLogger("hotgraft.plugin").warning("%d lines were lost: the ring was full", lost)


@functools.cache
def log_drain() -> LogDrain:
    """Return the drain of this process: there is one ring, so there is one drain."""
    return LogDrain()
