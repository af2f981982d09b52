"""The rows in C and C++: calls, threads, swaps, reloads. Each runs a program of this folder and reads its lines."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hotgraft.core.errors import HotgraftError

from ..rows import Effort, Row, Samples, UnsteadyRunError
from .build import UNMETERED, Variant, Workshop
from .conversions import EDITS, Edit
from .places import find_disk, find_tmpfs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ALIGNMENTS: Final = (16, 32, 64)
STATE_BYTES: Final = 100 << 20
RECORDS: Final = 64
# name, bytes of the old block, limit, and how many times fewer samples: a sample of 100 MB takes 20 ms
CONVERSIONS: Final = (("1MB", 1 << 20, 1.5, 1), ("100MB", 100 << 20, 2.0, 12))
# A map of so many entries, saved and restored at 100 MB/s at least; a sample takes a quarter of a second.
SAVED_ENTRIES: Final = 1_000_000
SAVED_NS_PER_BYTE: Final = 10.0
SAVED_SAMPLES_APART: Final = 50
# What a std::unordered_map takes by itself, with each entry somewhere else, is most of it: reported, not judged.
SAVED: Final = (("map", "std::map", SAVED_NS_PER_BYTE), ("hash", "std::unordered_map", None))
# A window long enough for several swaps at 1 kHz.
SWAPPING_S: Final = 0.02
PROGRAM_DEADLINE_S: Final = 120
# A program that could not do what it measures as fast as it should (threads.c).
EXIT_SLOW: Final = 3

# name, what is compared, the plain way, the measured way (see calls.c), limit, flags
CALLS: Final = (
    ("call.guarded", "guard and gate / plain pointer, trivial function", "plain", "guarded", 1.35, UNMETERED),
    ("call.metered", "the same with meters", "plain", "guarded", 1.55, ()),
    ("call.nested", "nested plugin → plugin / plain pointer", "nested-plain", "nested", 1.40, UNMETERED),
    ("call.metered-nested", "the same with meters", "nested-plain", "nested", None, ()),
    ("call.work", "with meters / plain around 20 ns of work", "work-plain", "work-guarded", 1.08, ()),
    ("call.batch", "one C++ guard over 64 calls, with meters / plain", "plain", "batch", 1.05, ()),
)


def rows(effort: Effort) -> list[Row]:
    """Return the rows; nothing is compiled before the first is measured."""
    workshop = Workshop()
    return [
        *_call_rows(workshop, effort),
        *_thread_rows(workshop, effort),
        *_swap_rows(workshop, effort),
        *_convert_rows(workshop, effort),
        *_saved_rows(workshop, effort),
        *_reload_rows(workshop, effort),
    ]


def percentile(share: float, series: Sequence[float]) -> float:
    """Return the smallest sample that at least `share` of all samples do not exceed."""
    ordered = sorted(series)
    return ordered[max(0, -(-len(ordered) * round(share * 100) // 100) - 1)]


def _call_rows(workshop: Workshop, effort: Effort) -> list[Row]:
    return [
        Row(
            name,
            text,
            limit,
            tuple(
                partial(_calls, workshop, effort, (f"-falign-loops={one}", *flags), plain, way) for one in ALIGNMENTS
            ),
        )
        for name, text, plain, way, limit, flags in CALLS
    ]


def _thread_rows(workshop: Workshop, effort: Effort) -> list[Row]:
    windows = max(5, effort.samples // 5)
    swapping = Effort(windows, SWAPPING_S)
    return [
        Row("call.threads", "2 threads / 1, per call", 1.05, (partial(_threads, workshop, effort, "pair"),)),
        Row(
            "call.swapping",
            "caller while swapping at 1 kHz / not swapping",
            1.10,
            (partial(_threads, workshop, swapping, "swapping"),),
        ),
    ]


def _swap_rows(workshop: Workshop, effort: Effort) -> list[Row]:
    def swaps(way: str, number: int) -> tuple[Callable[[], Samples], ...]:
        return (partial(_swaps, workshop, effort, way, number),)

    return [
        Row(
            "pause",
            "gates closed to open, one caller that never rests",
            None,
            swaps("pause", 1),
            unit="us",
            statistics={"p50": partial(percentile, 0.50), "p99": partial(percentile, 0.99), "max": max},
        ),
        Row(
            "publish",
            f"gate, drain, publish; nobody inside, {RECORDS} records",
            5.0,
            (partial(_publish, workshop, effort),),
            "us",
        ),
        Row(
            "hand-over",
            "surrender and take of 100 MB, no page touched",
            lambda samples: 2.0 + 3.0 * statistics.median(samples.plain),
            swaps("hand-over", STATE_BYTES),
            "us",
        ),
    ]


def _convert_rows(workshop: Workshop, effort: Effort) -> list[Row]:
    return [
        Row(
            f"convert.{edit.name}.{size}",
            f"convert / memcpy, {size}: {edit.text}",
            limit,
            (partial(_convert, workshop, edit, bytes_, max(1, effort.samples // samples_apart)),),
        )
        for edit in EDITS
        for size, bytes_, limit, samples_apart in CONVERSIONS
    ]


def _saved_rows(workshop: Workshop, effort: Effort) -> list[Row]:
    samples = max(2, effort.samples // SAVED_SAMPLES_APART)

    def measured(way: str, container: str) -> tuple[Callable[[], Samples], ...]:
        return (partial(_saved, workshop, way, container, samples),)

    ways = (("save", "to a list"), ("restore", "from a list"))
    return [
        row
        for way, beside in ways
        for container, name, limit in SAVED
        for row in (
            Row(
                f"saved.{way}.{container}",
                f"{way} a {name} of a million entries",
                limit,
                measured(way, container),
                "ns/byte",
            ),
            Row(
                f"saved.{way}.{container}.ratio",
                f"the same / the {name} copied {beside}",
                None,
                measured(way, container),
            ),
        )
    ]


def _reload_rows(workshop: Workshop, effort: Effort) -> list[Row]:
    bare = "bare dlopen, dlsym, call, dlclose"
    return [
        Row(f"reload.{name}", text, limit, (partial(_reload, workshop, effort, program, find),))
        for name, text, limit, program, find in (
            ("tmpfs", f"core reload / {bare}, tmpfs", 2.5, "reload", find_tmpfs),
            ("disk", f"core reload / {bare}, disk", 4.0, "reload", find_disk),
            ("whole", "reload through the C API, unloading proven / bare, tmpfs", None, "whole", find_tmpfs),
        )
    ]


def _calls(workshop: Workshop, effort: Effort, flags: tuple[str, ...], plain: str, way: str) -> Samples:
    variant = Variant.of_machine(*flags)
    images = [workshop.image(name, variant) for name in ("provider", "consumer")]
    arguments = [*images, "compare", plain, way, str(effort.samples), _ns(effort)]
    return _samples(workshop.program("calls", variant), workshop.folder(), arguments)


def _threads(workshop: Workshop, effort: Effort, way: str) -> Samples:
    variant = Variant.of_machine()
    arguments = [workshop.image("provider", variant), way, str(effort.samples), _ns(effort)]
    return _samples(workshop.program("threads", variant), workshop.folder(), arguments)


def _swaps(workshop: Workshop, effort: Effort, way: str, number: int) -> Samples:
    variant = Variant.of_machine()
    arguments = [workshop.image("holder", variant), way, str(effort.samples), str(number)]
    return _samples(workshop.program("swaps", variant), workshop.folder(), arguments)


def _convert(workshop: Workshop, edit: Edit, bytes_: int, samples: int) -> Samples:
    program = workshop.program("convert", Variant.of_machine())
    return _run([program, "time", *edit.arguments(edit.states_in(bytes_), samples)])


def _saved(workshop: Workshop, way: str, container: str, samples: int) -> Samples:
    program = workshop.program("saved", Variant.of_machine())
    return _run([program, "time", way, container, str(SAVED_ENTRIES), str(samples)])


def _publish(workshop: Workshop, effort: Effort) -> Samples:
    return _run([workshop.program("publish", Variant.of_machine()), str(effort.samples), str(RECORDS)])


def _reload(workshop: Workshop, effort: Effort, name: str, find: Callable[[], Path]) -> Samples:
    # As it is released: copy and hash cost a microsecond per KB, and the loader passes over what debuggers read.
    variant = Variant.of_machine("-g0")
    program = workshop.program(name, variant)
    with tempfile.TemporaryDirectory(prefix="hotgraft-bench-", dir=find()) as name:
        image = shutil.copy(workshop.image("provider", variant), name)
        return _samples(program, Path(name) / "staged", [image, str(effort.samples)])


def _ns(effort: Effort) -> str:
    return str(round(effort.sample_s * 1e9))


def _samples(program: str, folder: Path, arguments: list[str]) -> Samples:
    return _run([program, str(folder), *arguments])


def _run(command: list[str]) -> Samples:
    """Run a program; read its lines of plain, measured, plain again, measured again."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=PROGRAM_DEADLINE_S, check=False)
    if done.returncode == EXIT_SLOW:
        raise UnsteadyRunError(done.stderr.strip())
    if done.returncode != 0:
        raise HotgraftError(
            "run a measuring program",
            on=" ".join(command),
            found=(f"it ended with {done.returncode}", *done.stderr.splitlines()),
        )
    lines = [line.split() for line in done.stdout.splitlines()]
    table = [tuple(map(float, words)) for words in lines if len(words) == 4]
    plain, measured, again, measured_again = zip(*table, strict=True)
    return Samples(plain, again, measured + measured_again)
