"""Builds what is compared, for one interpreter, in a temporary folder: the plugin and the comparison modules."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import tempfile
import weakref
from functools import cached_property
from pathlib import Path
from typing import Final

from hotgraft.engine.build import build_plugin, find_compiler

NATIVE: Final = Path(__file__).resolve().parent / "native"
C_FLAGS: Final = ("-std=gnu11", "-O3", "-DNDEBUG", "-fPIC", "-fvisibility=hidden")
CPP_FLAGS: Final = ("-std=c++17", "-O3", "-DNDEBUG", "-DNB_COMPACT_ASSERTIONS", "-fno-strict-aliasing", "-fPIC")
ASK: Final = (
    "import json, sys, sysconfig; print(json.dumps([sysconfig.get_path('include'), '%d%d' % sys.version_info[:2]]))"
)
CFFI_SOURCE: Final = '#include "work.h"\nstatic int64_t add(int64_t a, int64_t b) { return work_add(0, a, b); }'
CFFI_DECLARATION: Final = "int64_t add(int64_t a, int64_t b);"


def nanobind_root() -> Path | None:
    """Return the folder of nanobind's sources, None where it is not installed."""
    found = importlib.util.find_spec("nanobind")
    return Path(found.origin).parent if found is not None and found.origin is not None else None


class Subjects:
    """The subjects for one interpreter, each built when it is first asked for.

    Args:
        python: the interpreter; hotgraft must be installed for it.
    """

    def __init__(self, python: str) -> None:
        self.python = python
        self.folder = Path(tempfile.mkdtemp(prefix="hotgraft-bench-"))
        weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)
        self._sources = Path(shutil.copytree(NATIVE, self.folder / "native"))

    @cached_property
    def _asked(self) -> tuple[str, str]:
        done = subprocess.run([self.python, "-c", ASK], capture_output=True, text=True, check=True)
        include, version = json.loads(done.stdout)
        return include, version

    @property
    def version(self) -> str:
        """The interpreter's, as in "311"."""
        return self._asked[1]

    @cached_property
    def plugin(self) -> Path:
        """The image of the plugin."""
        return build_plugin(self._sources / "plugin", output=self.folder / "work.so")

    def need(self, subject: str) -> None:
        """Build the comparison module that `subject` lies in, once."""
        getattr(self, f"_{subject}")

    @cached_property
    def _work(self) -> Path:
        return self._compile(self._sources / "work.c", self.folder / "work.o", "-c")

    @cached_property
    def _module(self) -> Path:
        return self._extension(self._sources / "plain_module.c")

    @cached_property
    def _counting(self) -> Path:
        """A module that tells callgrind when to count; wants valgrind's headers."""
        return self._extension(self._sources / "counting_module.c")

    @cached_property
    def _lib(self) -> Path:
        import cffi  # parses C: not paid by whoever only lists rows

        builder = cffi.FFI()
        builder.cdef(CFFI_DECLARATION)
        builder.set_source("cffi_module", CFFI_SOURCE)
        source = self._sources / "cffi_module.c"
        builder.emit_c_code(str(source))
        return self._extension(source)

    @cached_property
    def _nano(self) -> Path:
        root = nanobind_root()
        if root is None:
            raise RuntimeError("nanobind is not installed: nothing to compare with (pip install nanobind)")
        further = [str(root / "src" / "nb_combined.cpp"), f"-I{root / 'include'}"]
        further += [f"-I{root / 'ext' / 'robin_map' / 'include'}"]
        return self._extension(self._sources / "nanobind_module.cpp", *further)

    def _extension(self, source: Path, *further: str) -> Path:
        return self._compile(source, self.folder / f"{source.stem}.so", "-shared", *further, str(self._work))

    def _compile(self, source: Path, made: Path, *further: str) -> Path:
        is_cpp = source.suffix == ".cpp"
        command = [find_compiler(cpp=is_cpp), *(CPP_FLAGS if is_cpp else C_FLAGS), str(source), *further]
        command += [f"-I{self._sources}", f"-I{self._asked[0]}", "-o", str(made)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"could not build {made.name} for {self.python}: {' '.join(command)}\n{done.stderr}")
        return made
