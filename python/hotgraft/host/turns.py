"""Turns: one change of a plugin at a time, in the order they were asked for; equal requests merge into one.

A host has one queue. A request names the plugins that it is about and comes when no earlier one shares any of them, so
that none waits for who waits for it, and nobody overtakes. Which plugins those are may change while it waits: it looks
again when its turn has come, and where it needs more it queues anew, behind those that came meanwhile.

A request that says what it wants of each plugin (the image's content and the config) gets the answer of one that wants
all of the same, whether it wants more or not: it joins the other, or the other takes it in while it waits. Nothing
that concerns any of its plugins may lie between the two. A request that does not say it always takes a turn of its own.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING, Generic, TypeVar

from hotgraft.core.errors import Busy

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Mapping

__all__ = ["Turns", "Wider"]

Answer = TypeVar("Answer")


class Wider(Exception):  # noqa: N818 # no failure: it never leaves the queue
    """Raised by who has a turn and finds that what it does is about more plugins: nothing was changed."""

    def __init__(self, plugins: Collection[str]) -> None:
        super().__init__(*plugins)
        self.plugins = frozenset(plugins)


class _Turn(Generic[Answer]):
    __slots__ = ("answer", "comes", "is_joined", "plugins", "until_s", "wants")

    def __init__(self, wants: Mapping[str, Hashable], until_s: float) -> None:
        self.wants = wants
        self.until_s = until_s
        self.plugins: frozenset[str] = frozenset()  # under the queue's lock, as is_joined
        self.answer: Future[Answer] = Future()
        self.comes = threading.Event()
        self.is_joined = False  # its answer is that of another one

    def is_part_of(self, other: _Turn[Answer]) -> bool:
        """Tell whether the other wants all that this one wants."""
        return bool(self.wants) and self.wants.items() <= other.wants.items()


class Turns(Generic[Answer]):
    """The queue of one host.

    Thread safety: any thread. Who has a turn must not ask for another one: it would wait for itself.

    Invariants
      (1) A turn in `_queue` has come if no turn before it shares a plugin with it; only its own thread takes it out,
          but for one that waits and is taken in by another.
      (2) Who is joined waits for a turn that is in the queue, or has been answered.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queue: list[_Turn[Answer]] = []

    def take(
        self,
        plugins: Callable[[], Collection[str]],
        work: Callable[[frozenset[str]], Answer],
        deadline_s: float,
        *,
        wants: Mapping[str, Hashable] | None = None,
    ) -> Answer:
        """Run `work` when its turn comes, or return the answer of a request that wants as much.

        Args:
            plugins: answers which plugins it is about, now; asked again when the turn has come.
            work: is given the plugins whose turn it has; may raise `Wider`.
            deadline_s: until when the turn must have come, however often it is queued.
            wants: by plugin, what is asked for.

        Raises:
            Busy: the turn did not come within `deadline_s`. Whatever `work`, or the request joined, raises.
        """
        turn, more = _Turn[Answer](wants or {}, time.monotonic() + deadline_s), frozenset[str]()
        try:
            while True:
                self._enter(turn, more | frozenset(plugins()))
                if not turn.comes.wait(max(turn.until_s - time.monotonic(), 0.0)):
                    self._give_up(turn)
                if turn.is_joined:
                    return turn.answer.result()
                try:
                    return self._run(turn, plugins, work)
                except Wider as wider:
                    more = turn.plugins | wider.plugins
        finally:
            del turn  # see _run

    def wait_for_begun(self, known: Collection[str], until_s: float) -> None:
        """Wait until all that has begun and is about others than `known` is over, or `until_s` of `time.monotonic`."""
        with self._lock:
            begun = [one.answer for one in self._queue if one.comes.is_set() and not one.plugins.issubset(known)]
        wait(begun, max(until_s - time.monotonic(), 0.0))

    def _enter(self, turn: _Turn[Answer], plugins: frozenset[str]) -> None:
        """Queue it, or join it to one that is there."""
        with self._lock:
            turn.plugins = plugins
            if not self._joins(turn):
                self._take_in(turn)
                self._queue.append(turn)
                self._wake()

    def _joins(self, turn: _Turn[Answer]) -> bool:
        for other in reversed(self._queue):
            if turn.is_part_of(other) and (other.comes.is_set() or other.until_s >= turn.until_s):
                _answer_with(turn, other)
                return True
            if not turn.plugins.isdisjoint(other.plugins):
                return False
        return False

    def _take_in(self, turn: _Turn[Answer]) -> None:
        """Let those that wait and want no more than it does have its answer."""
        between = set[str]()
        for other in reversed(self._queue):
            is_less = other.is_part_of(turn) and other.until_s <= turn.until_s
            if is_less and not other.comes.is_set() and between.isdisjoint(other.plugins):
                self._queue.remove(other)
                _answer_with(other, turn)
            else:
                between |= other.plugins

    def _wake(self) -> None:
        before = set[str]()
        for turn in self._queue:
            if not turn.comes.is_set() and before.isdisjoint(turn.plugins):
                turn.comes.set()
            before |= turn.plugins

    def _run(
        self,
        turn: _Turn[Answer],
        plugins: Callable[[], Collection[str]],
        work: Callable[[frozenset[str]], Answer],
    ) -> Answer:
        try:
            if missing := frozenset(plugins()) - turn.plugins:
                raise Wider(missing)
            answer = work(turn.plugins)
        except Wider:
            self._leave(turn)
            raise
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
            turn.comes.clear()  # where it is queued again
            self._wake()

    def _give_up(self, turn: _Turn[Answer]) -> None:
        """Raise Busy, for everybody who joined as well; unless the turn came at the last moment."""
        with self._lock:
            if turn.comes.is_set():
                return
            self._queue.remove(turn)
            self._wake()
        error = Busy(
            "take its turn",
            on=", ".join(sorted(turn.plugins)),
            found="another change of it goes on and was not over by the deadline",
            advice="try again, or with a longer deadline",
        )
        turn.answer.set_exception(error)
        raise error


def _answer_with(turn: _Turn[Answer], other: _Turn[Answer]) -> None:
    """Let `turn` have the answer of `other`, under the queue's lock."""

    def pass_on(answer: Future[Answer]) -> None:
        error = answer.exception()
        if error is not None:
            turn.answer.set_exception(error)
        else:
            turn.answer.set_result(answer.result())

    turn.is_joined = True
    turn.comes.set()
    other.answer.add_done_callback(pass_on)
