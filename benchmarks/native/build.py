"""Compiles the programs and plugins of this folder, each variant once, in a folder that goes with the process.

What is measured is the installed package: its headers, its one shared library.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import tempfile
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import hotgraft
from hotgraft.core.errors import BuildError
from hotgraft.engine.build import build_plugin, find_compiler

SOURCES: Final = Path(__file__).resolve().parent
PROGRAMS: Final = {
    "calls": ("calls.c", "loops.c", "loops_cpp.cpp"),
    "threads": ("threads.c",),
    "swaps": ("swaps.c",),
    "publish": ("publish.cpp",),
    "convert": ("convert.cpp",),
    "saved": ("saved.cpp",),
    "reload": ("reload.cpp",),
    "whole": ("whole.c",),
}
# Guard protocol 1: the guard that neither counts nor times (call.h).
UNMETERED: Final = ("-DHOTGRAFT_GUARD_PROTOCOL=1u",)


@dataclass(frozen=True, slots=True)
class Variant:
    """A way to compile: which compilers, which flags."""

    c: str
    cpp: str
    flags: tuple[str, ...] = ("-O2",)

    @classmethod
    def of_machine(cls, *flags: str) -> Variant:
        """Return the compilers that `hotgraft` itself would take."""
        return cls(find_compiler(), find_compiler(cpp=True), ("-O2", *flags))


class Workshop:
    """Builds programs and plugin images on demand; what it built goes with it."""

    def __init__(self) -> None:
        self._folder = tempfile.mkdtemp(prefix="hotgraft-bench-")
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._built: dict[tuple[str, Variant], Path] = {}

    def folder(self) -> Path:
        """Return a new folder, for staged copies."""
        return Path(tempfile.mkdtemp(dir=self._folder))

    def program(self, name: str, variant: Variant) -> str:
        """Return the path of program `name`."""
        return str(self._once(f"program {name}", name, variant))

    def image(self, name: str, variant: Variant) -> str:
        """Return the path of plugin `name`'s image."""
        return str(self._once(f"plugin {name}", name, variant))

    def _once(self, key: str, name: str, variant: Variant) -> Path:
        if (key, variant) not in self._built:
            compile_ = self._compile_program if key.startswith("program") else self._compile_plugin
            self._built[key, variant] = compile_(name, variant)
        return self._built[key, variant]

    def _compile_plugin(self, name: str, variant: Variant) -> Path:
        place = self.folder()
        sources = shutil.copytree(SOURCES, place / "sources", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
        return build_plugin(
            sources / name, output=place / f"{name}.so", compiler=variant.c, flags=[f"-I{sources}", *variant.flags]
        )

    def _compile_program(self, name: str, variant: Variant) -> Path:
        place = self.folder()
        objects = [self._compile_object(place, source, variant) for source in PROGRAMS[name]]
        linker = variant.cpp if any(source.endswith(".cpp") for source in PROGRAMS[name]) else variant.c
        library = library_dir()
        command = [*shlex.split(linker), *map(str, objects), "-o", str(place / name)]
        command += [str(library / "libhotgraft.so.1"), f"-Wl,-rpath,{library}", "-pthread", "-ldl"]
        _run(command)
        return place / name

    def _compile_object(self, place: Path, source: str, variant: Variant) -> Path:
        is_cpp = source.endswith(".cpp")
        compiler = shlex.split(variant.cpp if is_cpp else variant.c)
        made = place / f"{source}.o"
        command = [*compiler, "-std=c++17" if is_cpp else "-std=gnu11", "-Wall", "-Wextra", *variant.flags]
        command += [
            f"-I{library_dir().parent / 'include'}",
            f"-I{core_dir()}",
            "-c",
            str(SOURCES / source),
            "-o",
            str(made),
        ]
        _run(command)
        return made


def library_dir() -> Path:
    """Return the folder of the package's shared library."""
    for root in hotgraft.__path__:
        if (Path(root) / "lib" / "libhotgraft.so.1").is_file():
            return Path(root) / "lib"
    raise FileNotFoundError(f"libhotgraft.so.1 is in no lib/ of {', '.join(hotgraft.__path__)}")


def core_dir() -> Path:
    """Return the folder of the core's own headers: in a checkout, else beside the installed benchmarks."""
    in_checkout = SOURCES.parent.parent / "native" / "core"
    return in_checkout if in_checkout.is_dir() else SOURCES.parent / "core"


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BuildError("compile a measuring program", on=command[-1], output=done.stderr, command=tuple(command))
