"""What grows over ten thousand reloads: nothing that is counted, and next to nothing of the heap.

DESIGN, figures to reach: after 10⁴ reloads against reload 100 mappings, fds, threads, link-map entries and staged files
are equal; the heap's slope over reloads 2,000 to 10,000 is at most 8 bytes a reload for a C plugin and 64 for a C++ one
in a native host, and 64 KB per 1,000 reloads in a Python host.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import hotgraft
import pytest
from hotgraft.engine.build import find_compiler
from stress_images import PLUGINS, compile_role

HERE = Path(__file__).parent
DEADLINE_S = 1500.0
RELOADS = 10_000
# Until here caches fill: the loader's, malloc's, the records of threads.
WARM = 2_000
NATIVE_LIMIT = {"c": 8.0, "cpp": 64.0}
PYTHON_LIMIT = 64 * 1024 / 1_000


def slope(points: list[list[int]]) -> float:
    """Return the least-squares slope of (x, y) points, y per x."""
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    above = sum((x - mean_x) * (y - mean_y) for x, y in points)
    return above / sum((x - mean_x) ** 2 for x, _ in points)


def ground(language: str, folder: Path) -> list[str]:
    """Return two images of the ground."""
    image = compile_role(f"ground_{language}", folder)
    other = image.with_suffix(".other.so")
    other.write_bytes(image.read_bytes())
    return [str(image), str(other)]


def native_program(folder: Path) -> list[str]:
    """Compile the C host against the installed package."""
    package = Path(hotgraft.__path__[0])
    library, program = package / "lib", folder / "native_growth"
    command = [
        find_compiler(),
        "-std=c11",
        "-O2",
        "-Wall",
        "-Wextra",
        "-pthread",
        str(HERE / "native_growth.c"),
        "-o",
        str(program),
    ]
    command += [f"-I{package / 'include'}", f"-I{PLUGINS}", str(library / "libhotgraft.so.1")]
    subprocess.run([*command, f"-Wl,-rpath,{library}"], check=True)
    return [str(program)]


def run(command: list[str], *, folder: Path, images: list[str]) -> dict[str, Any]:
    """Run a host and read its line."""
    staged = folder / "staged"
    staged.mkdir(mode=0o700)
    # All of malloc in one heap: how many arenas it makes depends on which threads met in it, a large block would get
    # a mapping of its own, and the heap has its own figure: mappings are to count what is mapped.
    environment = {**os.environ, "PYTHONMALLOC": "malloc", "MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_MAX_": "0"}
    done = subprocess.run(
        [*command, str(staged), str(RELOADS), *images],
        env=environment,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def expect_no_growth(found: dict[str, Any], limit: float) -> None:
    """Compare with what DESIGN promises."""
    warm = [point for point in found["heap"] if point[0] >= WARM]
    grows = slope(warm)
    print(json.dumps({key: value for key, value in found.items() if key != "heap"} | {"bytes_per_reload": grows}))
    assert found["at_end"] == found["at_100"]
    assert (found["proven"], found["stuck"], found["total"]) == (RELOADS, 0, RELOADS)
    assert grows <= limit, found["heap"]


@pytest.mark.full
@pytest.mark.parametrize("language", ["c", "cpp"])
@pytest.mark.timeout(1600)
def test_a_native_host_does_not_grow(language: str, tmp_path: Path) -> None:
    """The core itself keeps nothing of what it has unloaded."""
    found = run(native_program(tmp_path), folder=tmp_path, images=ground(language, tmp_path))

    expect_no_growth(found, NATIVE_LIMIT[language])


@pytest.mark.full
@pytest.mark.parametrize("language", ["c", "cpp"])
@pytest.mark.timeout(1600)
def test_a_python_host_does_not_grow(language: str, tmp_path: Path) -> None:
    """Neither does what Python keeps of it: reports, generations, tables, call types."""
    program = [sys.executable, str(HERE / "python_growth.py")]
    found = run(program, folder=tmp_path, images=ground(language, tmp_path))

    expect_no_growth(found, PYTHON_LIMIT)
