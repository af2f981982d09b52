"""Arrows between layers point one way, the pure core is pure, and nothing outgrows its room."""

from __future__ import annotations

import ast
import functools
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parent.parent
PACKAGE: Final = ROOT / "python" / "hotgraft"
CORE: Final = ROOT / "native" / "core"

# What a Python layer may name, besides itself.
MAY_NAME: Final = {
    "core": set(),
    "engine": {"core", "_core"},
    "host": {"core", "engine", "_core"},
    "demo": {"core", "engine", "host", "_core"},
    "dev": {"core", "engine", "host", "_core"},
    "run": {"core", "engine", "host", "_core"},
    "cli": {"core", "engine", "host", "_core", "demo", "dev", "run"},
}
# No I/O, no clock, no thread: what is left of the standard library, and the two libraries that only transform values.
PURE: Final = {
    "__future__", "base64", "binascii", "bisect", "collections", "contextlib", "copy", "copyreg", "dataclasses",
    "difflib", "enum", "fnmatch", "functools", "graphlib", "hashlib", "heapq", "itertools", "json", "keyword", "math",
    "operator", "os.path", "re", "string", "struct", "tomllib", "types", "typing", "unicodedata", "msgspec",
}  # fmt: skip
STANDARD_C: Final = frozenset({"stddef.h", "stdint.h", "string.h"})
SYSTEM_HEADER: Final = re.compile(r"(sys|linux|asm|arpa|netinet)/.*|(unistd|fcntl|dlfcn|link|pthread|dirent|sched)\.h")
LINES_MAX: Final = 400
FUNCTION_LINES_MAX: Final = 70


@dataclass(frozen=True, slots=True)
class Source:
    """What the rules ask of a Python file; its tree is not kept, which would be a million objects in every worker."""

    imported: frozenset[str]  # every module that it names, those for types included
    functions: tuple[tuple[str, int, int], ...]  # name, line, lines after it


def statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Return every statement, and those inside it, without a look at any expression: a tenth of the nodes."""
    for one in body:
        yield one
        for name in ("body", "orelse", "finalbody", "handlers", "cases"):
            yield from statements(getattr(one, name, []))


@functools.cache
def parsed(path: Path) -> Source:
    """Return what is asked of a file; several rules look at each."""
    names: set[str] = set()
    functions = []
    for node in statements(ast.parse(path.read_text()).body):
        if isinstance(node, ast.Import):
            names |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "hotgraft":
            names |= {f"hotgraft.{one.name}" for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            functions.append((node.name, node.lineno, (node.end_lineno or node.lineno) - node.lineno))
    return Source(frozenset(names), tuple(functions))


def included(path: Path) -> list[str]:
    """Return what a C or C++ file includes."""
    return re.findall(r'^\s*#\s*include\s+[<"]([^>"]+)[>"]', path.read_text(), re.MULTILINE)


def tracked(*patterns: str) -> list[Path]:
    """Return the files that are ours, generated ones left out."""
    listed = subprocess.run(["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


@pytest.mark.parametrize("layer", MAY_NAME)
def test_a_lower_layer_never_names_a_higher_one(layer: str) -> None:
    """What is below must be testable, and readable, without what is above."""
    wrong = [
        f"{path.relative_to(PACKAGE)} names {name}"
        for path in sorted((PACKAGE / layer).rglob("*.py"))
        for name in sorted(parsed(path).imported)
        if name.startswith("hotgraft.") and name.split(".")[1] in {*MAY_NAME, "_core"} - MAY_NAME[layer] - {layer}
    ]
    assert wrong == []


def test_the_pure_core_asks_nothing_of_the_world() -> None:
    """No I/O, clock or thread: that is what lets it be tested exhaustively in milliseconds."""
    wrong = [
        f"{path.name} imports {name}"
        for path in sorted((PACKAGE / "core").glob("*.py"))
        for name in sorted(parsed(path).imported)
        if not name.startswith("hotgraft.core") and not {name, name.split(".")[0]} & PURE
    ]
    assert wrong == []


def test_the_core_knows_neither_python_nor_what_binds_it() -> None:
    """A C program embeds it without either."""
    bindings = {path.name for path in (ROOT / "native" / "bindings").glob("*.hpp")}
    wrong = [
        f"{path.name} includes {name}"
        for path in sorted(CORE.iterdir())
        if path.suffix in (".cpp", ".hpp")
        for name in included(path)
        if name == "Python.h" or name.startswith("pybind11") or name in bindings
    ]
    assert wrong == []


def test_the_abi_includes_nothing_of_ours_but_itself() -> None:
    """A plugin's author needs this one folder."""
    own = {path.name for path in (ROOT / "abi" / "hotgraft").glob("*.h")}
    wrong = [
        f"{path.name} includes {name}"
        for path in sorted((ROOT / "abi" / "hotgraft").glob("*.h"))
        for name in included(path)
        if name not in own | STANDARD_C and name.removeprefix("hotgraft/") not in own
    ]
    assert wrong == []


def test_the_system_is_asked_in_posix_files_only() -> None:
    """Another system's twin of each has one place to stand. (<ctime> and <thread> are the language's own.)"""
    wrong = [
        f"{path.name} includes {name}"
        for path in sorted(CORE.iterdir())
        if path.suffix in (".cpp", ".hpp") and "_posix" not in path.name
        for name in included(path)
        if SYSTEM_HEADER.fullmatch(name)
    ]
    assert wrong == []


def test_no_file_outgrows_its_room() -> None:
    """400 lines: past that a file holds two ideas."""
    sources = tracked("*.py", "*.c", "*.h", "*.cpp", "*.hpp")
    wrong = [
        f"{path.relative_to(ROOT)}: {count} lines"
        for path in sources
        if (count := path.read_text(errors="replace").count("\n")) > LINES_MAX
    ]
    assert wrong == []


def test_no_python_function_outgrows_a_screen() -> None:
    """70 lines."""
    wrong = [
        f"{path.relative_to(ROOT)}:{line} {name}"
        for path in tracked("*.py")
        for name, line, lines in parsed(path).functions
        if lines >= FUNCTION_LINES_MAX
    ]
    assert wrong == []


def test_the_test_of_layers_sees_an_arrow_that_points_up(tmp_path: Path) -> None:
    """A check that finds nothing must be known to find something."""
    path, other = tmp_path / "plan.py", tmp_path / "swap.py"
    path.write_text("from __future__ import annotations\nif TYPE_CHECKING:\n    from hotgraft.host.host import Host\n")
    assert "hotgraft.host.host" in parsed(path).imported
    other.write_text("from hotgraft import _core\n")
    assert parsed(other).imported == {"hotgraft._core"}
    assert SYSTEM_HEADER.fullmatch("sys/mman.h")
