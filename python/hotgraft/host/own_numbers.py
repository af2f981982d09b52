"""A program's own numbers about a plugin: what no meter sees (a queue's length, a score), reported by name.

Each number belongs to the generation that it was reported about and is kept as running moments since the last look, so
that reporting costs the same however often it is done and however seldom somebody looks.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final, NoReturn

from hotgraft import _core
from hotgraft.core.window import Moments

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LARGEST", "NAMES_MOST", "NAME_LENGTH_MOST", "OwnNumbers"]

NAMES_MOST: Final = 32  # of one generation
NAME_LENGTH_MOST: Final = 64
LARGEST: Final = 1e100  # the square of it, times any count, is still a float

# Count, mean, and the sum of squared distances from the mean (Welford 1962, "Note on a Method for Calculating Corrected
# Sums of Squares and Products"). Replaced whole, so that an interrupt between two steps leaves one report out at most.
_Running = tuple[int, float, float]
_NONE: Final[_Running] = (0, 0.0, 0.0)


class OwnNumbers:
    """The numbers of one plugin, by generation.

    Thread safety: any thread. In a forked child reports go on and nobody looks.

    Invariants
      (1) Generations in it are in memory, except those that left since the newest of them reported first.
    """

    __slots__ = ("_by_generation", "_lock")

    def __init__(self) -> None:
        # Reentrant: the handler of a signal may report while its own thread is at it.
        self._lock = threading.RLock()
        self._by_generation: dict[_core.Generation, dict[str, _Running]] = {}

    def report(self, plugin: str, generation: _core.Generation, name: str, value: float) -> None:
        """Add one value; see `Plugin.report`. `plugin` is for the sentence of an error."""
        if type(value) is not float:
            value = _as_float(plugin, name, value)
        if not -LARGEST <= value <= LARGEST:  # NaN is not, either
            _refuse_value(plugin, name, value)
        if type(name) is not str:
            name = _as_text(plugin, name)
        if not self._lock.acquire(blocking=False):
            if _core.is_forked_child():
                return  # the lock may be that of a thread which is not here
            self._lock.acquire()
        try:
            known = self._by_generation.get(generation)
            running = None if known is None else known.get(name)
            if known is None or running is None:
                known, running = self._with_room(plugin, generation, name), _NONE
            count, mean, squares = running
            count += 1
            away = value - mean
            mean += away / count
            known[name] = (count, mean, squares + away * (value - mean))
        finally:
            self._lock.release()

    def take(self, generation: _core.Generation) -> Mapping[str, Moments]:
        """Return what was reported about a generation since the last look at it, by name; that begins afresh."""
        with self._lock:
            known = self._by_generation.get(generation, {})
            taken = {name: running for name, running in dict(known).items() if running[0]}
            known.update(dict.fromkeys(taken, _NONE))  # the names stay: they are what is counted against the bound
        return {name: Moments(count, mean, squares / count) for name, (count, mean, squares) in taken.items()}

    def _with_room(self, plugin: str, generation: _core.Generation, name: str) -> dict[str, _Running]:
        """Return a generation's numbers, with room for a name that it lacks. Under the lock."""
        _check_name(plugin, name)
        known = self._by_generation.get(generation)
        if known is None:
            for gone in [one for one in self._by_generation if one.stage == "unloaded"]:
                del self._by_generation[gone]
            known = self._by_generation[generation] = {}
        if len(known) >= NAMES_MOST:
            raise ValueError(
                f"plugin {plugin!r}: could not report {name!r}: {NAMES_MOST} names are reported about generation "
                f"{generation.number} already, which is the most; {', '.join(known)} go on"
            )
        return known


def _check_name(plugin: str, name: str) -> None:
    if not name or len(name) > NAME_LENGTH_MOST or not name.isprintable():
        shown = name if len(name) <= NAME_LENGTH_MOST else f"{name[:NAME_LENGTH_MOST]}…"
        raise ValueError(
            f"plugin {plugin!r}: could not report {shown!r}: a number's name has 1 to {NAME_LENGTH_MOST} characters "
            f"that can be printed, this one has {len(name)}"
        )


def _as_text(plugin: str, name: object) -> str:
    if not isinstance(name, str):
        raise TypeError(
            f"plugin {plugin!r}: could not report a number: its name is of type {type(name).__name__}, a str is wanted"
        )
    return str(name)


def _as_float(plugin: str, name: object, value: Any) -> float:
    """Return a number of another type (int, numpy's, Decimal) as a float."""
    if isinstance(value, bool) or not hasattr(type(value), "__float__"):
        raise TypeError(
            f"plugin {plugin!r}: could not report {name!r}: the value is of type {type(value).__name__}, a number is "
            "wanted"
        )
    try:
        return float(value)
    except (OverflowError, ValueError):  # an int that is too large, a signalling NaN
        _refuse_value(plugin, name, value)


def _refuse_value(plugin: str, name: object, value: object) -> NoReturn:
    shown = str(value) if isinstance(value, float) else f"no float ({type(value).__name__})"
    raise ValueError(
        f"plugin {plugin!r}: could not report {name!r}: the value is {shown}; it must be a number between -1e100 and "
        "1e100, and nothing was counted"
    )
