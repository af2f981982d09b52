"""A plugin of every kind of type that crosses, from its header to calls from Python."""

from __future__ import annotations

import array
import ctypes
import shutil
import struct
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from hotgraft.cli.main import cli
from hotgraft.core.errors import ConfigError, PluginError
from hotgraft.core.fallback import Fallback
from hotgraft.engine.build import build_plugin, write_bound
from hotgraft.engine.places import include_dir

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _pytest.mark import ParameterSet
    from hotgraft import Host

SOURCE = Path(__file__).parents[1] / "plugins" / "shapes"
WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror")
NONE, NUMBER, POINT = -1, 0, 4
GRID = "8iiIq"
VISIT = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_int32, ctypes.POINTER(ctypes.c_int64))
# A class over which the generated wrapper makes a table: the types of the header, spelled its own way.
CLASS = """
#include "shapes_wrapper.hpp"
struct hotgraft_instance {
    shapes_kind next(shapes_kind kind) noexcept { return kind; }
    hotgraft_status fill(shapes_grid *) { return HOTGRAFT_OK; }
    void kinds(shapes_kind, shapes_kind *, std::uint32_t) noexcept {}
    std::int32_t each(const shapes_grid *, std::uint32_t, shapes_visit, void *) noexcept { return 0; }
    std::int32_t late(std::int64_t, std::int64_t, std::int64_t, double, std::int64_t, std::int64_t, shapes_visit,
                      void *) noexcept { return 0; }
    const char *name_of(shapes_kind) noexcept { return nullptr; }
};
static const shapes_v1 table = shapes_v1_of<hotgraft_instance>();
const void *used = &table;
"""


def compilers() -> list[ParameterSet]:
    """Those this machine has; the second one in the full tier."""
    first, *others = [name for name in ("gcc", "clang") if shutil.which(name)] or ["cc"]
    return [pytest.param(first), *(pytest.param(one, marks=pytest.mark.full) for one in others)]


@pytest.fixture(scope="module", params=compilers())
def image(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The plugin, built with an author's strictest flags."""
    folder = tmp_path_factory.mktemp("shapes") / "source"
    shutil.copytree(SOURCE, folder)
    return build_plugin(folder, compiler=request.param, flags=WARNINGS)


@pytest.fixture
def shapes(host: Host, image: Path) -> Iterator[Any]:
    """The plugin, serving."""
    yield host.load(image)
    assert host.close(10).stuck == ()


def grid(kind: int = NUMBER, value: int = 0) -> bytearray:
    """A grid with the cells 0 to 7."""
    return bytearray(struct.pack(GRID, *range(8), kind, 0, value))


def test_enums_are_integers(shapes: Any) -> None:
    """By value, as a result, and in buffers; a negative one too."""
    assert [shapes.next(kind) for kind in (NONE, NUMBER, POINT)] == [NUMBER, POINT, NONE]
    out = array.array("i", [9] * 4)
    shapes.kinds(NUMBER, out, 4)
    assert list(out) == [NUMBER, POINT, NONE, NUMBER]
    with pytest.raises(OverflowError, match='parameter "kind" is i32'):
        shapes.next(1 << 31)


def test_structs_of_unions_and_arrays_of_arrays_are_buffers(shapes: Any) -> None:
    """Sizes and offsets are those that the compiler has."""
    passed = grid()

    assert shapes.fill(passed) is None
    assert struct.unpack(GRID, passed)[-1] == sum(range(4)) + 2 * sum(range(4, 8))
    with pytest.raises(PluginError):
        shapes.fill(grid(POINT))
    with pytest.raises(ValueError, match="needs 1 elements of 48 bytes"):
        shapes.fill(bytearray(40))


def test_call_backs_are_passed_on(shapes: Any) -> None:
    """From registers and from the stack, with the pointer that goes with them."""
    got: list[tuple[int | None, int, int]] = []

    def visit(user: int | None, kind: int, value: Any) -> int:
        got.append((user, kind, value[0]))
        return int(len(got) == 2)

    called = VISIT(visit)
    address = ctypes.cast(called, ctypes.c_void_p).value
    grids = grid(NUMBER, 7) + grid(NONE, -8) + grid()

    assert shapes.each(grids, 3, None, None) == 3
    assert shapes.each(grids, 3, address, 1 << 40) == 1
    assert shapes.late(1, 2, 3, 4.5, 5, 6, address, None) == 0
    assert got == [(1 << 40, NUMBER, 7), (1 << 40, NONE, -8), (None, POINT, 21)]
    with pytest.raises(TypeError, match='parameter "visit" is address and takes an integer, got NoneType'):
        shapes.late(1, 2, 3, 4.5, 5, 6, None, None)


def test_a_result_that_may_be_null_is_none(shapes: Any) -> None:
    """As it was without the annotation: that is for callers to read."""
    assert [shapes.name_of(kind) for kind in (NONE, NUMBER, POINT)] == [None, "number", "point"]


def test_a_fallback_answers_for_an_enum_as_for_its_integer(host: Host, image: Path) -> None:
    """An answer is checked before it is needed."""
    host.load(image, fallback=Fallback(answers={"next": NONE}))
    for wrong in (1 << 31, 0.5):
        with pytest.raises(ConfigError, match="next returns a whole number from -2147483648"):
            host.load(image, name="other", fallback=Fallback(answers={"next": wrong}))


def test_inspect_shows_the_types(image: Path) -> None:
    """What a plugin passes can be read without its header."""
    shown = CliRunner().invoke(cli, ["inspect", str(image)]).output

    for line in (
        "struct shapes_grid, 48 bytes: cells i32[2][4], kind shapes_kind, reserved u32, value shapes_value",
        "union shapes_value, 8 bytes: number i64, point shapes_point",
        "enum shapes_kind, i32: SHAPES_NONE = -1, SHAPES_NUMBER = 0, SHAPES_POINT = 4",
        "SHAPES_COLUMNS = 4, SHAPES_ROWS = 2",
        "visit: (fn(void*, shapes_kind, shapes_value const*) -> i32)* or NULL, user: void* or NULL) -> i32, serial",
    ):
        assert line in shown, shown


@pytest.mark.full  # a C++ compiler
def test_the_wrapper_spells_the_types_of_the_header(tmp_path: Path) -> None:
    """A class in C++ has them in its methods."""
    shutil.copytree(SOURCE, tmp_path / "source")
    write_bound(tmp_path / "source" / "plugin.toml", tmp_path / "build")
    (tmp_path / "class.cpp").write_text(CLASS)
    includes = [f"-I{one}" for one in (include_dir(), tmp_path / "source", tmp_path / "build")]

    for compiler in [name for name in ("g++", "clang++") if shutil.which(name)] or ["c++"]:
        command = [compiler, "-std=c++17", *WARNINGS, "-fsyntax-only", *includes, str(tmp_path / "class.cpp")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
