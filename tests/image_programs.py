"""Builds the small programs through which tests reach the image reader and the loader.

Each is built once per state of its sources and kept in build/test-programs, also where several processes want it.
"""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

from one_at_a_time import one_at_a_time

ROOT = Path(__file__).resolve().parents[1]
CORE = ROOT / "native" / "core"
PROGRAMS = ROOT / "tests" / "native"


def build_reader() -> Path:
    """Return the program that prints what the image reader finds; sanitizers end it at one byte too far."""
    flags = "-std=c++17 -O0 -fsanitize=address,undefined -fno-sanitize-recover=all"
    sources = (PROGRAMS / "dump_image.cpp", *sorted(CORE.glob("image_elf*.cpp")))
    headers = (CORE / "image.hpp", CORE / "image_elf.hpp", CORE / "status.hpp")
    return _build(("c++", *flags.split(), f"-I{CORE}"), sources, headers)


def build_loader() -> Path:
    """Return the program that loads each image in a child of its own."""
    return _build(("cc", "-O1"), (PROGRAMS / "load_images.c",), ())


def build_fuzzer() -> Path:
    """Return the libFuzzer target of the image reader. Needs clang++."""
    flags = "-std=c++17 -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all"
    sources = (PROGRAMS / "fuzz_image.cpp", *sorted(CORE.glob("image_elf*.cpp")))
    headers = (CORE / "image.hpp", CORE / "image_elf.hpp", CORE / "status.hpp")
    return _build(("clang++", *flags.split(), f"-I{CORE}"), sources, headers)


def _build(command: tuple[str, ...], sources: tuple[Path, ...], headers: tuple[Path, ...]) -> Path:
    digest = hashlib.sha256(" ".join(command).encode())
    for path in (*sources, *headers):
        digest.update(path.read_bytes())
    program = ROOT / "build" / "test-programs" / f"{sources[0].stem}-{digest.hexdigest()[:16]}"
    program.parent.mkdir(parents=True, exist_ok=True)
    with one_at_a_time(program):
        if not program.exists():
            together = program.with_suffix(sources[0].suffix)  # the headers are read once: half the compiler's time
            together.write_text("".join(f'#include "{source}"\n' for source in sources))
            unfinished = program.with_suffix(".unfinished")
            subprocess.run([*command, "-o", unfinished, together, "-ldl"], check=True, timeout=240)
            unfinished.rename(program)  # whole or not at all
    return program
