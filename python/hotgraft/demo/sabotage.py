"""Sabotage: each kind takes one safeguard out of the real swap, and the demo must then fail in words.

Nothing here touches the demo's own counting. What is changed is the engine underneath it: steps of the
window are skipped, staged bytes and tables exchanged, through the same seams that the tests' controls use.
"""

from __future__ import annotations

import contextlib
import pathlib
from typing import TYPE_CHECKING, Any, Final

from hotgraft import _core
from hotgraft.engine import load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextlib.contextmanager
def sabotaged(kind: str | None) -> Iterator[None]:
    """Run a block with one safeguard out; None: with all of them in."""
    if kind is None:
        yield
        return
    with _SWITCHES[kind]():
        yield


@contextlib.contextmanager
def _lose_state() -> Iterator[None]:
    """Leave the candidate with the empty state it was created with."""
    crossing = {"surrender", "take", "save", "restore"}
    _core._seams.set_step_hook(lambda step: "skip" if step in crossing else "run")
    try:
        yield
    finally:
        _core._seams.set_step_hook(None)


@contextlib.contextmanager
def _no_drain() -> Iterator[None]:
    """Find nobody inside, whoever is."""
    _core._seams.set_no_drain(True)
    try:
        yield
    finally:
        _core._seams.set_no_drain(False)


@contextlib.contextmanager
def _mix() -> Iterator[None]:
    """Publish tables whose functions belong to one generation and whose instance belongs to the next.

    What is replaced is not retired, or the functions would be gone from memory and the process with them.
    """

    def mixed(*args: Any, **wishes: Any) -> list[_core.Table]:
        tables = make(*args, **wishes)
        for table in tables:
            _core._seams.take_functions_of_serving(table)
        return tables

    make = load.make_tables
    with _instead(load, "make_tables", mixed), _instead(_core, "retire", lambda _: None):
        yield


@contextlib.contextmanager
def _stale_code() -> Iterator[None]:
    """Stage what serves again, whatever is asked for, as a loader does that knows a path already."""

    def stale(source: str, folder: str, plugin: str, number: int) -> _core.Generation:
        copies = pathlib.Path(folder).glob(f"{plugin}.g*.so")
        serving = max(copies, key=lambda copy: int(copy.name.split(".")[1].removeprefix("g")))
        before = pathlib.Path(f"{source}.before")
        before.write_bytes(serving.read_bytes())
        return stage(str(before), folder, plugin, number)

    stage = _core.stage
    with _instead(_core, "stage", stale):
        yield


@contextlib.contextmanager
def _instead(owner: Any, name: str, replacement: Callable[..., Any]) -> Iterator[None]:
    original = getattr(owner, name)
    setattr(owner, name, replacement)
    try:
        yield
    finally:
        setattr(owner, name, original)


_SWITCHES: Final = {
    "lose-state": _lose_state,
    "no-drain": _no_drain,
    "mix": _mix,
    "stale-code": _stale_code,
}
