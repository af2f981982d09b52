"""Turns: one change of a plugin at a time, in the order they were asked for; equal requests merge into one.

A request that says what it wants (the image's content and the config) joins one that wants the same and is
under way or waiting, and gets the same answer. A request without that key always takes a turn of its own.
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future
from typing import TYPE_CHECKING, Generic, TypeVar

from hotgraft.core.errors import Busy

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

__all__ = ["Turns"]

Answer = TypeVar("Answer")


class _Turn(Generic[Answer]):
    __slots__ = ("answer", "comes", "key")

    def __init__(self, key: Hashable | None) -> None:
        self.key = key
        self.answer: Future[Answer] = Future()
        self.comes = threading.Event()


class Turns(Generic[Answer]):
    """The queue of one plugin.

    Thread safety: any thread.

    Invariants
      (1) The first of `_queue` is under way, the others wait; only its own thread takes a turn out.
    """

    def __init__(self, plugin: str) -> None:
        self._plugin = plugin
        self._lock = threading.Lock()
        self._queue: deque[_Turn[Answer]] = deque()

    def take(self, key: Hashable | None, work: Callable[[], Answer], deadline_s: float) -> Answer:
        """Run `work` when its turn comes, or return the answer of an equal request.

        Raises:
            Busy: the turn did not come within `deadline_s`. Whatever `work`, or the request joined, raises.
        """
        with self._lock:
            equal = next((turn for turn in self._queue if key is not None and turn.key == key), None)
            if equal is None:
                turn = _Turn[Answer](key)
                self._queue.append(turn)
                if len(self._queue) == 1:
                    turn.comes.set()
        if equal is not None:
            return equal.answer.result()
        try:
            if not turn.comes.wait(deadline_s):
                self._give_up(turn)
            return self._run(turn, work)
        finally:
            del turn  # see _run

    def _run(self, turn: _Turn[Answer], work: Callable[[], Answer]) -> Answer:
        try:
            answer = work()
        except BaseException as error:
            self._leave(turn)
            turn.answer.set_exception(error)
            # It holds the error, whose traceback holds these frames and those of `work` with all that the attempt has,
            # its control thread too: a circle that would stay until the garbage collector comes by.
            del turn
            raise
        self._leave(turn)
        turn.answer.set_result(answer)
        return answer

    def _leave(self, turn: _Turn[Answer]) -> None:
        with self._lock:
            self._queue.remove(turn)
            if self._queue:
                self._queue[0].comes.set()

    def _give_up(self, turn: _Turn[Answer]) -> None:
        """Raise Busy, for everybody who joined as well; unless the turn came at the last moment."""
        with self._lock:
            if turn.comes.is_set():
                return
            self._queue.remove(turn)
        error = Busy(
            "take its turn",
            on=self._plugin,
            found="another change of it goes on and was not over by the deadline",
            advice="try again, or with a longer deadline",
        )
        turn.answer.set_exception(error)
        raise error
