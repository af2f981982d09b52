"""The headers that plugins are built against: each compiles alone, and says where its functions may be called."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from _pytest.mark import ParameterSet

ABI = Path(__file__).parents[2] / "abi"
HEADERS = sorted((ABI / "hotgraft").glob("*.h"))
LANGUAGES = {"C11": ("-xc", "-std=c11"), "C++17": ("-xc++", "-std=c++17"), "C++11": ("-xc++", "-std=c++11")}
WARNINGS = (
    "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wsign-conversion", "-Wshadow", "-Wundef", "-Wcast-qual",
    "-Werror",
)  # fmt: skip
# What a macro needs must come with its header.
USES = {
    "version.h": "struct grown { unsigned struct_size; int more; };\n"
    "int used(const struct grown *grown);\n"
    "int used(const struct grown *grown) { return HOTGRAFT_HAS(struct grown, grown, more); }\n",
    "call.h": 'hotgraft_import import = HOTGRAFT_IMPORT("codec", "^1", 0u);\n',
}
TAG = re.compile(r"\[(?:load|control|call|any)(?:, [^\]]+)?\]\s*\*/\s*$")
# A comment, then the declaration it is about: a member that is a function pointer, a typedef of one, an export.
COMMENTED = re.compile(
    r"(?P<comment>/\*(?:(?!\*/).)*\*/)?\s*[^;{}/]*?\(HOTGRAFT_CALL \*(?P<name>\w+)\)[^;]*;", re.DOTALL
)


def compilers() -> list[ParameterSet]:
    """The families this machine has; the second one in the full tier."""
    first, *others = [name for name in ("gcc", "clang") if shutil.which(name)] or ["cc"]
    return [pytest.param(first), *(pytest.param(one, marks=pytest.mark.full) for one in others)]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("compiler", compilers())
def test_every_header_compiles_alone_without_a_warning(tmp_path: Path, compiler: str, language: str) -> None:
    """Whatever order and warnings an author has, our headers are not what stops the build."""
    assert len(HEADERS) >= 9
    only_c = ("-Wstrict-prototypes", "-Wmissing-prototypes") if language == "C11" else ()
    for header in HEADERS:
        source = tmp_path / "alone.c"
        include = f"#include <hotgraft/{header.name}>\n"
        source.write_text(include * 2 + USES.get(header.name, "extern int anything;\n"))
        command = [compiler, *LANGUAGES[language], *WARNINGS, *only_c, "-fsyntax-only", f"-I{ABI}"]
        done = subprocess.run([*command, str(source)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{header.name}: {done.stderr}"


def functions_of(text: str) -> list[tuple[str, str]]:
    """The function pointers of a header, and the comment before each; two tables may have one of the same name."""
    return [(found["name"], found["comment"] or "") for found in COMMENTED.finditer(text)]


@pytest.mark.parametrize("header", HEADERS, ids=lambda one: one.name)
def test_every_function_says_where_it_may_be_called(header: Path) -> None:
    """A tag is what an author has instead of reading our source: [load], [control], [call] or [any]."""
    text = header.read_text()
    functions = functions_of(text)

    assert len(functions) == len(re.findall(r"\(HOTGRAFT_CALL \*", text))
    assert [name for name, comment in functions if not TAG.search(comment)] == []


def test_a_function_without_a_tag_is_found() -> None:
    """The look itself is looked at: a table whose second function says nothing."""
    one = "/* Do. [any] */\n void(HOTGRAFT_CALL *one)(void);\n"
    text = f"struct s {{\n {one} /* Do. */\n void(HOTGRAFT_CALL *two)(void);\n void(HOTGRAFT_CALL *three)(void); }};"

    assert [name for name, comment in functions_of(text) if not TAG.search(comment)] == ["two", "three"]
