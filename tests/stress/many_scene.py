"""Many plugins in one host: who calls them, who replaces them at a given pace, and what both count."""

from __future__ import annotations

import itertools
import random
import threading
import time
import traceback
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from many_images import BUILDS, ManyImages, Node, name_of

if TYPE_CHECKING:
    from hotgraft import Host

SWAP_DEADLINE_S: Final = 60.0
CALLERS: Final = 3
REPLACERS: Final = 2
BURST: Final = 20  # calls between two rests
REST_S: Final = 0.0005
SEEN_MAX: Final = 64  # stamps of one call through everything below


def node_of(number: int, build: int) -> Node:
    """Return a build of a plugin: every third calls two others, every second has state."""
    below = sorted({number - 1, number // 2} - {number}) if number % 3 == 2 else []
    return Node(number, build, tuple(below), has_state=number % 2 == 0)


def is_nested(seen: list[int]) -> bool:
    """Tell whether every call that was entered was left by the same build, innermost first."""
    inside: list[int] = []
    for stamp in seen:
        if stamp > 0:
            inside.append(stamp)
        elif not inside or inside.pop() != -stamp:
            return False
    return bool(seen) and not inside


class Caller:
    """One thread that calls any of them, and judges every answer.

    Thread safety: its own thread's; `counts` and `added` may be read when that is over.
    """

    def __init__(self, host: Host, plugins: int, seed: int) -> None:
        self.counts: Counter[str] = Counter()
        self.added: Counter[int] = Counter()
        self.complaints: list[str] = []
        self._handles: list[Any] = [host[name_of(number)] for number in range(plugins)]
        self._random = random.Random(seed)
        self._last: dict[int, int] = {}
        self._seen = memoryview(bytearray(8 * SEEN_MAX)).cast("q")

    def live(self, over: threading.Event) -> None:
        """Call until it is over; what a call raises is a failed call."""
        while not over.wait(REST_S):
            for _ in range(BURST):
                try:
                    self._call(self._random.randrange(len(self._handles)))
                except Exception:
                    self.counts["failed"] += 1
                    self.complaints.append(traceback.format_exc())

    def _call(self, number: int) -> None:
        handle = self._handles[number]
        if number % 3 == 2:
            count = handle.ask(self._seen, SEEN_MAX)
            seen = self._seen[:count].tolist()
            self.counts["nested"] += 1
            self.counts["calls"] += len(seen) // 2
            if not is_nested(seen):
                self._wrong(f"{name_of(number)} saw {seen}")
            for stamp in seen:
                if stamp > 0:
                    self._judge(stamp)
        else:
            self.counts["calls"] += 2
            handle.add(1)
            self.added[number] += 1
            self._judge(handle.stamp(), number)

    def _judge(self, stamp: int, number: int | None = None) -> None:
        """Who has seen a build never sees an older one."""
        seen = stamp // BUILDS - 1
        if (number is not None and seen != number) or stamp < self._last.get(seen, 0):
            self._wrong(f"plugin {number} answered {stamp} after {self._last.get(seen, 0)}")
        self._last[seen] = stamp

    def _wrong(self, sentence: str) -> None:
        self.counts["wrong"] += 1
        self.complaints.append(sentence)


class Many:
    """A host with `plugins` plugins, replaced round by round while they are called: `make_images`, then `round`.

    Thread safety: one thread.
    """

    def __init__(self, host: Host, images: ManyImages, plugins: int) -> None:
        self.host = host
        self.plugins = plugins
        self._images = images
        self._build = 0
        for number in range(plugins):
            host.load(images(node_of(number, 0)))
        self.callers = [Caller(host, plugins, seed) for seed in range(CALLERS)]
        self.complaints: list[str] = []
        self.replaced = 0

    def make_images(self) -> None:
        """Make the next build of each; those that served before the last round are of no use any more."""
        self._build += 1
        for number in range(self.plugins):
            self._images(node_of(number, self._build))
            if self._build > 1:
                self._images(node_of(number, self._build - 2)).unlink()

    def round(self, per_s: float) -> None:
        """Replace each plugin once, so many a second, while all callers call; afterwards nobody does anything."""
        over, numbers, began = threading.Event(), iter(range(self.plugins)), time.monotonic()
        lock = threading.Lock()

        def replace() -> None:
            while True:
                with lock:
                    number = next(numbers, None)
                if number is None:
                    return
                time.sleep(max(0.0, began + number / per_s - time.monotonic()) if per_s else 0.0)
                self._replace(number)

        replacers = [threading.Thread(target=replace) for _ in range(REPLACERS)]
        callers = [threading.Thread(target=one.live, args=(over,)) for one in self.callers]
        for thread in itertools.chain(callers, replacers):
            thread.start()
        for thread in replacers:
            thread.join()
        over.set()
        for thread in callers:
            thread.join()

    def _replace(self, number: int) -> None:
        try:
            image = self._images(node_of(number, self._build))
            self.host.reload(name_of(number), image, deadline_s=SWAP_DEADLINE_S, is_settled=True)
            self.replaced += 1
        except Exception:
            self.complaints.append(traceback.format_exc())

    def sums(self) -> dict[str, Any]:
        """Return what everybody counted; when nobody calls any more."""
        counts: Counter[str] = sum((one.counts for one in self.callers), Counter())
        added: Counter[int] = sum((one.added for one in self.callers), Counter())
        kept = {number: self.host[name_of(number)].add(0) for number in added if number % 2 == 0}
        complaints = [*self.complaints, *(text for one in self.callers for text in one.complaints)]
        return {
            **{name: counts[name] for name in ("calls", "nested", "failed", "wrong")},
            "lost_state": sum(abs(kept[number] - added[number]) for number in kept),
            "replaced": self.replaced,
            "complaints": complaints[:10],
        }


def per_plugin(waiting: tuple[str, ...]) -> int:
    """Return of how many generations the plugin has that has most of them on their way out."""
    return max(Counter(sentence.split(":")[0] for sentence in waiting).values(), default=0)
