"""Two plugins that are replaced as one, see tests/plugins/sides.c, on probation together."""

from __future__ import annotations

import contextlib
import ctypes
import threading
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hotgraft import Host
from sample_plugins import Sample, function, parameter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sample_plugins import Workshop

FOR_EVER_S = 86_400.0
DEADLINE_S = 60.0
SHARED = (
    function("add", 8, "i64", parameter("by", "i64")),
    function("build", 16, "i64"),
    function("run", 24, "i64", parameter("address", "u64")),
)


def base(build: int, *, saves: bool = False, more: bool = False, two: bool = False) -> Sample:
    """Return a build of the provider; one that has more offers base 1.1, and another base 2.0."""
    functions = (*SHARED, function("more", 32, "i64")) if more else SHARED
    if two:
        functions = (function("build", 8, "i64"), function("add", 16, "i64", parameter("by", "i64")), SHARED[2])
    return Sample(
        source="sides",
        name="base",
        interface="base",
        version="2.0.0" if two else "1.0.0",
        interface_version=(2, 0) if two else (1, 1 if more else 0),
        functions=functions,
        hands_over=not saves,
        saves=saves,
        flags=_flags(build, saves=saves, more=more, two=two),
    )


def top(build: int, *, saves: bool = False, more: bool = False, two: bool = False) -> Sample:
    """Return a build of the consumer; one that wants more needs base 1.1, and another base 2.0."""
    return Sample(
        source="sides",
        name="top",
        interface="top",
        functions=(*SHARED, function("both", 32, "i64")),
        hands_over=not saves,
        saves=saves,
        requires=(("base", "^2.0" if two else "^1.1" if more else "^1.0"),),
        flags=(*_flags(build, saves=saves, more=more, two=two), "-DSIDES_TOP"),
    )


def _flags(build: int, *, saves: bool, more: bool, two: bool) -> tuple[str, ...]:
    return (
        f"-DSIDES_BUILD={build}",
        *(["-DSIDES_SAVES"] if saves else []),
        *(["-DSIDES_MORE"] if more else []),
        *(["-DSIDES_TWO"] if two else []),
    )


def make_host(**options: Any) -> Host:
    """Return one whose probations have no end of their own."""
    return Host(probe="off", probation="on", probation_s=FOR_EVER_S, probation_max_s=FOR_EVER_S, **options)


@dataclass(slots=True)
class Sides:
    """A host with both plugins, and how to build them."""

    host: Host
    build: Workshop
    saves: dict[str, bool]
    has_state: bool = True
    moves_pins: bool = False
    base: Any = None
    top: Any = None

    def load(self) -> Sides:
        """Load the first builds of both."""
        self.base = self.host.load(self.image("base", 1))
        self.top = self.host.load(self.image("top", 1))
        return self

    def image(self, name: str, number: int, **more: Any) -> Path:
        """Return the image of a build."""
        return self.build(self._made(name, number, more))

    def late(self, like: str, number: int, **more: Any) -> Path:
        """Return a build of another plugin, late, which does what `like` does."""
        return self.build(replace(self._made(like, number, more), name="late"))

    def _made(self, name: str, number: int, more: dict[str, Any]) -> Sample:
        made = {"base": base, "top": top}[name](number, saves=self.saves[name], **more)
        made = made if self.has_state else replace(made, hands_over=False, saves=False)
        return replace(made, moves_pins=self.moves_pins)

    def replace_both(self, number: int = 2, **more: Any) -> None:
        """Let another build of each serve, on probation as one."""
        self.host.reload_set({name: self.image(name, number, **more) for name in ("base", "top")})

    @property
    def seen(self) -> tuple[int, int, int]:
        """Which build of each serves, and which a call through the consumer meets."""
        return self.base.build(), self.top.build(), self.top.both()

    @property
    def counts(self) -> tuple[int, int]:
        """What each has counted."""
        return self.base.add(0), self.top.add(0)


@contextlib.contextmanager
def inside(plugin: Any) -> Iterator[Callable[[], None]]:
    """Keep one thread inside a plugin, until what is given is called."""
    entered, out = threading.Event(), threading.Event()

    @ctypes.CFUNCTYPE(ctypes.c_int64)  # type: ignore[untyped-decorator] # ctypes says no types
    def stay() -> int:
        entered.set()
        out.wait(DEADLINE_S)
        return 0

    thread = threading.Thread(target=plugin.run, args=(ctypes.cast(stay, ctypes.c_void_p).value,))
    thread.start()
    assert entered.wait(DEADLINE_S)

    def leave() -> None:
        out.set()
        thread.join(DEADLINE_S)

    try:
        yield leave
    finally:
        leave()


def scene(host: Host, build: Workshop, *, base_saves: bool = False, top_saves: bool = False) -> Sides:
    """Return both plugins, on probation as one: each has counted 5 before and 2 since."""
    sides = Sides(host, build, {"base": base_saves, "top": top_saves}).load()
    count(sides, 5)
    sides.replace_both()
    count(sides, 2)
    return sides


def count(sides: Sides, by: int) -> None:
    """Count in both."""
    sides.base.add(by)
    sides.top.add(by)


def nth(step: str, turn: int, *, for_ever: bool = False) -> Any:
    """Return what lets the `turn`-th step of that name fail, and all after it."""
    seen = Counter[str]()

    def hook(name: str) -> str:
        seen[name] += 1
        is_due = seen[name] >= turn if for_ever else seen[name] == turn
        return "fail" if name == step and is_due else "run"

    return hook


CONSUMER_FIRST, PROVIDER_FIRST = ("top", "base"), ("base", "top")


def then(step: str, work: Callable[[], object]) -> Callable[[str], str]:
    """Return what does something when a step of that name is about to run."""

    def hook(name: str) -> str:
        if name == step:
            work()
        return "run"

    return hook


def once(work: Callable[[], None]) -> Callable[[], None]:
    """Return what does it the first time."""
    todo = [work]

    def do() -> None:
        if todo:
            todo.pop()()

    return do
