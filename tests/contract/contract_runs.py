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
    """Build both libraries and the client of the old one; return how it runs with the old and with the new one."""
    for side in ("old", "new"):
        is_new = side == "new"
        _written(folder / side / "pair.h", pair.header(is_new=is_new))
        source = _written(folder / side / "pair.c", pair.source(is_new=is_new))
        _compile(compiler, folder / side, "-g", "-shared", "-fPIC", source, "-o", folder / side / "libpair.so")
    client = folder / "client"
    source = _written(folder / "client.c", pair.program())
    _compile(compiler, folder / "old", source, "-o", client, "-L", folder / "old", "-lpair")
    return _run(client, folder / "old"), _run(client, folder / "new")


def abidiff_bits(folder: Path) -> int:
    """Return what abidiff says of the two libraries that `client_runs` left in `folder`, as its exit bits."""
    libraries = [str(folder / side / "libpair.so") for side in ("old", "new")]
    done = subprocess.run(["abidiff", *libraries], capture_output=True, check=False, timeout=DEADLINE_S)
    assert done.returncode & 3 == 0, done.stderr.decode()
    return done.returncode


def _compile(compiler: str, include: Path, *words: str | Path) -> None:
    command = [compiler, "-w", "-O1", f"-I{include}", f"-I{include_dir()}", *map(str, words)]
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
