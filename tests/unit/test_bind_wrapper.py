"""The C++ wrapper: what a method throws is a status outside, and what has no room for one must not throw."""

from __future__ import annotations

import array
import shutil
import struct
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hotgraft.core.errors import PluginError
from hotgraft.engine.build import build_plugin, write_bound
from hotgraft.engine.places import include_dir
from sample_plugins import HANDS_OVER, Workshop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _pytest.mark import ParameterSet
    from hotgraft import Host

SOURCE = Path(__file__).parents[1] / "plugins" / "throws"
WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror")
FAILED, INVALID, NOMEM = -1, -3, -6


def compilers() -> list[ParameterSet]:
    """Those this machine has; the second one in the full tier."""
    first, *others = [name for name in ("g++", "clang++") if shutil.which(name)] or ["c++"]
    return [pytest.param(first), *(pytest.param(one, marks=pytest.mark.full) for one in others)]


@pytest.fixture(scope="module", params=compilers())
def images(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two builds of the plugin that throws."""
    made = []
    for number in (1, 2):
        folder = tmp_path_factory.mktemp("throws") / "source"
        shutil.copytree(SOURCE, folder)
        made.append(build_plugin(folder, compiler=request.param, flags=[*WARNINGS, f"-DBUILD={number}"]))
    return made


@pytest.fixture
def throws(host: Host, images: list[Path]) -> Iterator[Any]:
    """The first build, serving."""
    yield host.load(images[0])
    assert host.close(10).stuck == ()


@pytest.mark.parametrize(
    ("kind", "code", "said"),
    [
        (1, NOMEM, ""),
        (2, INVALID, "kind is 2"),
        (3, FAILED, "kind is 3"),
        (4, FAILED, ""),
        (5, FAILED, ""),
    ],
    ids=["bad_alloc", "invalid_argument", "exception", "an int", "and complain throws too"],
)
def test_what_a_method_throws_is_its_status(throws: Any, kind: int, code: int, said: str) -> None:
    """A C++ exception that crossed into C would end the process."""
    with pytest.raises(PluginError) as caught:
        throws.fail(kind)

    assert (caught.value.code, caught.value.function) == (code, "fail")
    assert throws.said() == said
    assert throws.build() == 1


def test_what_does_not_throw_answers_as_it_was_declared(throws: Any) -> None:
    """A void method answers HOTGRAFT_OK, a status its own, everything else its value."""
    out = array.array("f", [0.0, 0.0])

    assert throws.fail(0) is None
    assert throws.answer(0) is None
    with pytest.raises(PluginError) as caught:
        throws.answer(-77)
    assert caught.value.code == -77
    throws.copy(array.array("f", [1.5, 2.5]), out, 2)
    assert list(out) == [1.5, 2.5]
    assert throws.sum(struct.pack("if", 3, 0.5)) == 3.5


def test_generation_that_threw_serves_on_and_is_replaced(host: Host, throws: Any, images: list[Path]) -> None:
    """An exception leaves no guard behind: the swap's drain comes to its end."""
    for kind in (1, 2, 3, 4, 5):
        with pytest.raises(PluginError):
            throws.fail(kind)

    report = host.reload("throws", images[1])

    assert report.generation == 2
    assert throws.build() == 2
    with pytest.raises(PluginError):
        throws.fail(3)


def test_exception_through_a_guard_gives_the_guard_up(host: Host, images: list[Path], build: Workshop) -> None:
    """D04: the exception passes a guard on another plugin, which can be replaced all the same, and unloads."""
    counter = host.load(build(HANDS_OVER))
    throws: Any = host.load(images[0])
    for kind in (1, 3, 4):
        with pytest.raises(PluginError):
            throws.fail_in_guard(kind)

    host.reload("counter", build(replace(HANDS_OVER, build=2)), deadline_s=10)
    host.reload("throws", images[1], deadline_s=10)

    assert counter.add(0) == 3
    with pytest.raises(PluginError):
        throws.fail_in_guard(4)
    assert counter.add(0) == 4
    assert (host.unloads(10).proven, host.unloads(10).stuck) == (2, ())


def test_what_the_health_method_throws_says_why_it_is_not_fit(host: Host, throws: Any) -> None:
    """Throwing is how C++ says no; a text that is too long for the host's buffer is cut, not written past it."""
    assert host.check_health("throws", is_full=True).is_fit
    for kind, sentence in ((3, '"it remembers: kind is 3"'), (2, "it remembers: kind is 2!!!")):
        with pytest.raises(PluginError):
            throws.fail(kind)
        assert host.check_health("throws").is_fit
        report = host.check_health("throws", is_full=True)
        assert not report.is_fit
        assert sentence in report.findings[0]
        assert len(report.findings[0]) < 600


@pytest.mark.full
@pytest.mark.parametrize(("health", "answered"), [(1, "failed"), (2, "invalid"), (3, "failed")])
def test_a_health_method_answers_a_bool_a_status_or_nothing(
    host: Host, tmp_path: Path, health: int, answered: str
) -> None:
    """With the depth or without; what is thrown and is no exception still says no."""
    folder = tmp_path / "source"
    shutil.copytree(SOURCE, folder)
    throws: Any = host.load(build_plugin(folder, flags=[*WARNINGS, f"-DHEALTH={health}"]))
    assert host.check_health("throws", is_full=True).is_fit
    with pytest.raises(PluginError):
        throws.fail(3)

    assert f"({answered}) and gave no reason" in host.check_health("throws").findings[0]


def said_by_compiler(folder: Path, compiler: str, old: str, new: str) -> str:
    """What a compiler says about the plugin with one line of its class written otherwise."""
    shutil.copytree(SOURCE, folder)
    source = folder / "throws.cpp"
    assert old in source.read_text()
    source.write_text(source.read_text().replace(old, new))
    write_bound(folder / "plugin.toml", folder / "build")
    command = [compiler, "-std=c++17", "-fsyntax-only", f"-I{include_dir()}", f"-I{folder}", f"-I{folder / 'build'}"]
    return subprocess.run([*command, str(source)], capture_output=True, text=True, check=False).stderr


@pytest.mark.parametrize("compiler", compilers())
@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("int32_t build() noexcept", "int32_t build()", "build answers no status: make its method noexcept"),
        (
            "double sum(const throws_pair *pair) noexcept",
            "double sum(const throws_pair *pair)",
            "sum answers no status",
        ),
        ("const char *said() const noexcept", "const char *said() const", "said answers no status"),
        ("void forget() noexcept", "void forget()", "forget answers no status"),
        ("void fail(std::int32_t kind) const", "void fails(std::int32_t kind) const", "fail"),
        ("void copy(const float *in,", "void copy(float *in,", "copy"),
        pytest.param("void check_health(", "int64_t check_health(", "check_health answers", marks=pytest.mark.full),
        pytest.param("void check_health(", "void check_helth(", "check_health", marks=pytest.mark.full),
    ],
    ids=[
        "a number",
        "a number of a struct",
        "a text",
        "nothing",
        "a method that is missing",
        "a method without const",
        "a health that is a number",
        "a health that is missing",
    ],
)
def test_method_that_does_not_fit_its_function_does_not_compile(
    tmp_path: Path, compiler: str, old: str, new: str, sentence: str
) -> None:
    """A function without a status has no way to say that it failed; std::terminate would be its answer."""
    assert sentence in said_by_compiler(tmp_path / "source", compiler, old, new)


@pytest.mark.parametrize("compiler", compilers())
def test_class_without_complain_compiles(tmp_path: Path, compiler: str) -> None:
    """Complaining is an offer, not a duty."""
    assert said_by_compiler(tmp_path / "source", compiler, "void complain(", "void grumble(") == ""
