"""What a pair comes to: by `hotgraft diff`'s reader and rules, by a client that runs, and by abidiff."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hotgraft.core.contract_judge import compare
from hotgraft.engine.header_surface import read_headers
from hotgraft.engine.places import include_dir
from kept_images import KEPT, compiler_bytes, header_bytes, kept_folder

if TYPE_CHECKING:
    from contract_pair import Pair

KINDS: Final = tuple(sorted(path.stem.removeprefix("pairs_") for path in Path(__file__).parent.glob("pairs_*.py")))
COMPILERS: Final = tuple(name for name in ("gcc", "clang") if shutil.which(name))
DEADLINE_S: Final = 60
ABI_CHANGED, ABI_INCOMPATIBLE = 4, 8


@dataclass(frozen=True, slots=True)
class Run:
    """How a client ended, and what it wrote."""

    code: int
    output: str


def pairs_of(kind: str) -> tuple[Pair, ...]:
    """Return the table of a kind."""
    table: tuple[Pair, ...] = importlib.import_module(f"pairs_{kind}").PAIRS
    return table


def verdict_of(pair: Pair, folder: Path, compiler: str) -> tuple[str, list[str]]:
    """Return what `hotgraft diff` says of the two headers, and each fact."""
    headers = [_written(folder / side / "pair.h", pair.header(is_new=side == "new")) for side in ("old", "new")]
    old, new = (read_headers([one], compiler=compiler) for one in headers)
    is_same = headers[0].read_bytes() == headers[1].read_bytes()
    found = compare(old, new, is_same_bytes=is_same)
    return found.verdict.value, [f"{one.verdict.value}: {one}" for one in found.facts]


def client_runs(pair: Pair, folder: Path, compiler: str) -> tuple[Run, Run]:
    """Return how the client, compiled against the old library, runs with that and with the new one."""
    old, new = libraries_of(pair, compiler)
    source = _written(folder / "client.c", pair.program())
    client, header = folder / "client", _written(folder / "old" / "pair.h", pair.header(is_new=False))
    _compile(compiler, header.parent, source, client, links=(f"-L{old.parent}", "-lpair"))
    return _run(client, old.parent), _run(client, new.parent)


def libraries_of(pair: Pair, compiler: str) -> tuple[Path, Path]:
    """Return the old and the new library: those of gcc are for the client and for abidiff, and compiled once."""
    old, new = (_library(pair.header(is_new=is_new), pair.source(is_new=is_new), compiler) for is_new in (False, True))
    return old, new


def _library(header: str, source: str, compiler: str) -> Path:
    def make(folder: Path) -> None:
        _written(folder / "pair.h", header)
        code = _written(folder / "pair.c", source)
        _compile(compiler, folder, code, folder / "libpair.so", "-g", "-fPIC", links=("-shared",))

    parts = [compiler_bytes(compiler), header_bytes(), Path(__file__).read_bytes(), header.encode(), source.encode()]
    return kept_folder(KEPT, parts, make) / "libpair.so"


def abidiff_bits(pair: Pair) -> int:
    """Return what abidiff says of the two libraries, as its exit bits."""
    command = ["abidiff", *map(str, libraries_of(pair, "gcc"))]
    done = subprocess.run(command, capture_output=True, check=False, timeout=DEADLINE_S)
    assert done.returncode & 3 == 0, done.stderr.decode()
    return done.returncode


def _compile(compiler: str, include: Path, source: Path, image: Path, *words: str, links: tuple[str, ...]) -> None:
    """Compile and link in two steps: with two jobs in one, clang starts itself again for the first of them.

    The second step is the machine's linker either way; cc is quicker to call it.
    """
    made = image.with_suffix(".o")
    places = (f"-I{include}", f"-I{include_dir()}")
    _succeed(compiler, "-w", "-O1", *places, *words, "-c", str(source), "-o", str(made))
    _succeed("cc", str(made), "-o", str(image), *links)
    made.unlink()


def _succeed(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=DEADLINE_S)
    assert done.returncode == 0, done.stderr


def _run(client: Path, library: Path) -> Run:
    environment = {**os.environ, "LD_LIBRARY_PATH": str(library), "LD_BIND_NOW": "1"}
    done = subprocess.run([client], capture_output=True, env=environment, check=False, timeout=DEADLINE_S)
    return Run(done.returncode, done.stdout.decode(errors="replace"))


def _written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
