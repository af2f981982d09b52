"""Record the streams beside this file: how long calls of real plugins take on a real and busy machine.

    python tests/streams/record.py SECONDS FILE

Every scene is one plugin of plugins_c/ that is called without end, in a C host (record.c) or through a Python `Host`,
with about 2,000 calls a second timed; in some of them other processes come and go beside it. A slice is half a
second: how many of its timed calls fell into each bucket of `Histogram`. FILE: one JSON line of scenes and slices,
then see `latency_streams.read`. What was recorded, and where, is in README.md.
"""

from __future__ import annotations

import array
import contextlib
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import hotgraft
from hotgraft.core.histogram import Histogram
from hotgraft.engine.build import build_plugin, find_compiler

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent))

import latency_streams  # noqa: E402 - beside conftest.py, not on the path of a program

if TYPE_CHECKING:
    from collections.abc import Iterator

PLUGINS = ("biquad", "textstats")
SPINS = "while True: pass"
STREAMS_MEMORY = "b = bytearray(64 << 20)\nwhile True: b[::64] = b[::64][::-1]"
TENTHS = 5  # in a slice
PYTHON_RATE = 2_000  # calls a second


@dataclass(frozen=True, slots=True)
class Scene:
    """One recording: what is called how, and who else is there."""

    name: str
    plugin: str
    size: int  # of a call: samples, or bytes of text
    gap_ns: int = 0  # from call to call; 0: one after another
    neighbour: str = ""  # a Python program that comes and goes
    neighbours: int = 1
    in_python: bool = False


SCENES = (
    Scene("filter, 10,000 calls a second", "biquad", 8192, 100_000),
    Scene("filter, 20,000 short calls a second, two busy neighbours", "biquad", 512, 50_000, SPINS, 2),
    Scene("filter, call after call, two busy neighbours", "biquad", 16384, 0, SPINS, 2),
    Scene("filter from Python", "biquad", 4096, in_python=True),
    Scene("filter from Python, a busy neighbour", "biquad", 4096, 0, SPINS, in_python=True),
    Scene("words, 10,000 calls a second", "textstats", 1024, 100_000),
    Scene("words, 10,000 calls a second, a busy neighbour", "textstats", 1024, 100_000, SPINS),
    Scene("words, call after call, a neighbour that streams memory", "textstats", 4096, 0, STREAMS_MEMORY),
)


def main() -> int:
    """Record every scene and write the file."""
    seconds, target = int(sys.argv[1]), Path(sys.argv[2])
    streams: dict[str, list[Histogram]] = {}
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        images = {
            name: build_plugin(shutil.copytree(plugin_folder(name), folder / name)) for name in ("biquad", "textstats")
        }
        program = compile_recorder(folder)
        for scene in SCENES:
            with neighbours(scene):
                tenths = in_python(images, scene, seconds) if scene.in_python else in_c(program, images, scene, seconds)
            halves = [tenths[start : start + TENTHS] for start in range(0, len(tenths), TENTHS)]
            streams[scene.name] = [Histogram.of(ns for tenth in half for ns in tenth) for half in halves]
            print(f"{scene.name}: {sum(one.total for one in streams[scene.name])} calls timed", flush=True)
    latency_streams.write(target, streams)
    print(f"{target}: {target.stat().st_size} bytes")
    return 0


def plugin_folder(name: str) -> Path:
    """Return the folder of a plugin's first version."""
    return ROOT / "plugins_c" / name / "v1"


def compile_recorder(folder: Path) -> Path:
    """Compile record.c against the package that is installed."""
    package = next(Path(place) for place in hotgraft.__path__ if (Path(place) / "lib").is_dir())
    command = [
        find_compiler(),
        "-std=c11",
        "-D_GNU_SOURCE",
        "-O2",
        str(HERE / "record.c"),
        "-o",
        str(folder / "record"),
    ]
    command += [f"-I{package / 'include'}", *(f"-I{plugin_folder(name)}" for name in PLUGINS)]
    library = package / "lib"
    command += ["-pthread", str(library / "libhotgraft.so.1"), f"-Wl,-rpath,{library}", "-ldl"]
    subprocess.run(command, check=True)
    return folder / "record"


@contextlib.contextmanager
def neighbours(scene: Scene) -> Iterator[None]:
    """Let the scene's neighbours come and go, half a second to six seconds each time."""
    program = f"""
import random, subprocess, sys, time
rng = random.Random({scene.name!r})
while True:
    time.sleep(rng.uniform(0.5, 6))
    busy = [subprocess.Popen([sys.executable, "-c", {scene.neighbour!r}]) for _ in range({scene.neighbours})]
    time.sleep(rng.uniform(0.5, 6))
    for one in busy:
        one.kill()
        one.wait()
"""
    if not scene.neighbour:
        yield
        return
    own_group = subprocess.Popen([sys.executable, "-c", program], start_new_session=True)
    try:
        yield
    finally:
        os.killpg(own_group.pid, signal.SIGKILL)
        own_group.wait()


def in_c(program: Path, images: dict[str, Path], scene: Scene, seconds: int) -> list[list[int]]:
    """Return the times of a scene in the C host, by tenth of a second."""
    staged = program.parent / "staged"
    command = [program, staged, images[scene.plugin], scene.plugin, seconds, scene.gap_ns, scene.size]
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, text=True, check=True)
    return [[int(ns) for ns in line.split() if not ns.startswith("-")] for line in done.stdout.splitlines()]


def in_python(images: dict[str, Path], scene: Scene, seconds: int) -> list[list[int]]:
    """Return the times of a scene through a Python host, by tenth of a second: every call is timed."""
    tenths: list[list[int]] = [[] for _ in range(seconds * 10)]
    noise = random.Random(1)
    samples = array.array("f", (noise.uniform(-1, 1) for _ in range(scene.size)))
    out = array.array("f", bytes(4 * scene.size))
    stamp = array.array("Q", [0])
    clock = time.perf_counter_ns
    with hotgraft.Host() as host:
        plugin = host.load(images[scene.plugin])
        process = plugin.process
        began = clock()
        for call in range(seconds * PYTHON_RATE):
            rest = began + call * 1_000_000_000 // PYTHON_RATE - clock()
            if rest > 0:
                time.sleep(rest / 1e9)
            pushed_off = times_pushed_off()
            start = clock()
            process(0, samples, out, scene.size, stamp)
            end = clock()
            tenth = (end - began) // 100_000_000
            if tenth < len(tenths) and times_pushed_off() == pushed_off:
                tenths[tenth].append(end - start)
    return tenths


def times_pushed_off() -> int:
    """Return how often the scheduler took the processor from this thread while it wanted to go on."""
    return resource.getrusage(resource.RUSAGE_THREAD).ru_nivcsw


if __name__ == "__main__":
    sys.exit(main())
