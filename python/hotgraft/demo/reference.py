"""The reference: what the stream must sound like, computed beside the plugin and never through it."""

from __future__ import annotations

import array
import ctypes
import pathlib
import subprocess
from typing import TYPE_CHECKING, Final

from hotgraft.core.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Sequence

BUILDS_LIMIT: Final = 4096
# Neither side may fuse a multiplication and an addition: the outputs are compared bit by bit.
_OPTIONS: Final = ("-std=c11", "-O2", "-ffp-contract=off", "-shared", "-fPIC")


def compile_reference(compiler: str, folder: pathlib.Path) -> ctypes.CDLL:
    """Compile reference.c into `folder` and load it; nothing of hotgraft is involved."""
    image = folder / "reference.so"
    source = pathlib.Path(__file__).with_name("reference.c")
    command = (compiler, *_OPTIONS, str(source), "-o", str(image))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BuildError("compile the reference", on=str(source), output=done.stderr, command=command)
    library = ctypes.CDLL(str(image))
    library.reference_blocks.restype = None
    return library


class Coefficients:
    """What each build multiplies by; filled in before the host is offered the build."""

    def __init__(self) -> None:
        self.table = ((ctypes.c_double * 5) * BUILDS_LIMIT)()
        self.builds = 1  # a stamp below it is known; 0 stands for no answer

    def add(self, coefficients: Sequence[float]) -> int:
        """Note the coefficients of the next build and return its number, from 1."""
        if self.builds == BUILDS_LIMIT:
            raise ValueError(f"more than {BUILDS_LIMIT - 1} builds")
        number = self.builds
        self.table[number][:] = list(coefficients)
        self.builds += 1
        return number

    def known(self) -> list[list[float]]:
        """Return the coefficients of build 1, 2, …"""
        return [list(self.table[number]) for number in range(1, self.builds)]


class Reference:
    """The reference for one stream: the same filter with a delay line of its own."""

    def __init__(self, library: ctypes.CDLL, coefficients: Coefficients, *, block: int) -> None:
        self._library = library
        self._coefficients = coefficients
        self._block = block
        self._state = (ctypes.c_double * 2)()

    def blocks(self, samples: memoryview, stamps: array.array[int], count: int) -> array.array[float]:
        """Return what `count` blocks must have given, by the builds that answered them."""
        out = array.array("f", bytes(4 * self._block * count))
        self._library.reference_blocks(
            self._state,
            self._coefficients.table,
            ctypes.c_uint64(self._coefficients.builds),
            (ctypes.c_char * samples.nbytes).from_buffer(samples),
            ctypes.c_void_p(stamps.buffer_info()[0]),
            ctypes.c_uint64(count),
            ctypes.c_uint64(self._block),
            ctypes.c_void_p(out.buffer_info()[0]),
        )
        return out
