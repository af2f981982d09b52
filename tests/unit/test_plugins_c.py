"""plugins_c: each shipped plugin compiles without a warning and does what its README says."""

from __future__ import annotations

import array
import pathlib
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hotgraft import Host
from hotgraft.core.errors import ContractError, HotgraftError, PluginError, StateError
from hotgraft.engine.build import build_plugin
from kept_plugins import kept_plugin

PLUGINS = pathlib.Path(__file__).parents[2] / "plugins_c"
NAMES = ("template", "counter", "biquad", "agent_tool", "textstats", "echo")
WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror")

Image = Callable[[str, int], pathlib.Path]


@pytest.fixture
def image() -> Image:
    """Compile a version of a plugin: ``image("counter", 2)``."""

    def get(name: str, version: int) -> pathlib.Path:
        flags = (*WARNINGS, "-O0", "-g0")  # half the compiler's time; as an author builds it, in the test below
        return kept_plugin(PLUGINS / name / f"v{version}", flags=flags)

    return get


def build(folder: pathlib.Path, name: str, version: int, compiler: str) -> pathlib.Path:
    shutil.copytree(PLUGINS / name / f"v{version}", folder, dirs_exist_ok=True)
    return build_plugin(folder, compiler=compiler, flags=WARNINGS)


@pytest.fixture
def host() -> Iterator[Host]:
    with Host() as it:
        yield it


@pytest.mark.full
@pytest.mark.parametrize("family", ["gcc", "clang"])
@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("name", NAMES)
def test_every_version_compiles_without_a_warning(tmp_path: pathlib.Path, name: str, version: int, family: str) -> None:
    """What we show as an example is held to what we hold ourselves to."""
    compiler = {"gcc": "g++", "clang": "clang++"}[family] if name == "textstats" else family
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")

    assert build(tmp_path / name, name, version, compiler).exists()


def test_template_mends_a_function_and_appends_another(host: Host, image: Image) -> None:
    """The least a plugin is: without state, so no gate and no pause."""
    plugin: Any = host.load(image("template", 1))
    assert plugin.add(2, 3) == 5
    assert plugin.add(2**63 - 1, 1) == -(2**63)
    assert not hasattr(plugin, "larger")

    report = host.reload("template", image("template", 2))

    assert report.pause_us == 0
    assert plugin.add(2**63 - 1, 1) == 2**63 - 1
    assert plugin.add(-(2**63), -1) == -(2**63)
    assert plugin.larger(2, 3) == 3


def test_counter_counts_on_over_a_swap(host: Host, image: Image) -> None:
    """The number is handed over: the next call goes on from where the last one stopped."""
    plugin: Any = host.load(image("counter", 1))
    assert [plugin.next() for _ in range(3)] == [1, 2, 3]

    host.reload("counter", image("counter", 2))

    assert plugin.value() == 3
    assert plugin.next() == 13
    plugin.set(100)
    assert plugin.next() == 110


def test_counter_s_older_version_lacks_a_function_and_is_refused(host: Host, image: Image) -> None:
    """Callers may rely on `set` by now; the number stays where it is."""
    plugin: Any = host.load(image("counter", 2))
    plugin.set(7)

    with pytest.raises(ContractError, match='lacks function "set"'):
        host.reload("counter", image("counter", 1))

    assert plugin.value() == 7


class Biquad:
    """The plugin, called as an audio program would."""

    def __init__(self, plugin: Any) -> None:
        self.plugin = plugin
        self.stamps: list[int] = []

    def filter(self, samples: list[float], channel: int = 0) -> list[float]:
        out, stamp = array.array("f", bytes(4 * len(samples))), array.array("Q", [0])
        self.plugin.process(channel, array.array("f", samples), out, len(samples), stamp)
        self.stamps.append(stamp[0])
        return list(out)


def expected(pieces: list[tuple[tuple[float, ...], list[float]]]) -> list[float]:
    """One delay line through several filters."""
    z1 = z2 = 0.0
    out = array.array("f")
    for (b0, b1, b2, a1, a2), samples in pieces:
        for x in samples:
            y = b0 * x + z1
            z1, z2 = b1 * x - a1 * y + z2, b2 * x - a2 * y
            out.append(y)
    return list(out)


def coefficients_of(plugin: Any) -> tuple[float, ...]:
    five = array.array("d", bytes(40))
    plugin.coefficients(five)
    return tuple(five)


def test_biquad_goes_on_in_the_middle_of_a_tone(host: Host, image: Image, tmp_path: pathlib.Path) -> None:
    """By name from version 1 to 2, by pointer to a build with an equal block; bit for bit in both cases."""
    plugin: Any = host.load(image("biquad", 1))
    biquad, tone = Biquad(plugin), [0.5, -0.25, 0.125, 1.0]
    given, pieces = biquad.filter(tone), [(coefficients_of(plugin), tone)]
    ways = []
    for number in (2, 3):
        new = tmp_path / str(number)
        if number == 3:
            shutil.copytree(PLUGINS / "biquad" / "v2", new)
            source = new / "biquad.c"
            source.write_text(source.read_text().replace("#define BUILD 2", "#define BUILD 3"))
        report = host.reload("biquad", build_plugin(new) if number == 3 else image("biquad", 2))
        ways.append(str(report.plan.crossing) if report.plan is not None else "")
        given += biquad.filter(tone)
        pieces.append((coefficients_of(plugin), tone))

    assert ways == ["restore", "hand over"]
    assert biquad.stamps == [1, 2, 3]
    assert given == expected(pieces)


def test_biquad_keeps_channels_apart_and_counts_their_blocks(host: Host, image: Image) -> None:
    """One thread per channel, no lock: what a channel heard must not be heard on another."""
    plugin: Any = host.load(image("biquad", 2))
    biquad, count = Biquad(plugin), array.array("Q", [0])
    biquad.filter([1.0, 1.0, 1.0], channel=3)

    assert biquad.filter([0.0, 0.0], channel=4) == [0.0, 0.0]
    assert biquad.filter([0.0], channel=3) != [0.0]
    plugin.blocks(3, count)
    assert count[0] == 2
    with pytest.raises(PluginError):
        biquad.filter([0.0], channel=64)


def test_biquad_s_older_version_is_refused_and_the_newer_serves_on(host: Host, image: Image) -> None:
    """Down is not offered: version 1 lacks a function, and could not read schema 2 either."""
    plugin: Any = host.load(image("biquad", 2))
    Biquad(plugin).filter([1.0])

    with pytest.raises((ContractError, StateError)):
        host.reload("biquad", image("biquad", 1))

    assert plugin.generation == 1
    assert Biquad(plugin).filter([0.0]) != [0.0]


def count_of(plugin: Any, word: bytes) -> int:
    times = array.array("Q", [0])
    plugin.count(word, len(word), times)
    return times[0]


def test_textstats_counts_cross_by_name_and_are_brought_together(host: Host, image: Image) -> None:
    """The meaning of the state changed: restore is where old becomes new."""
    plugin: Any = host.load(image("textstats", 1))
    text = "The cat and the dog; the end. Häuser".encode()
    plugin.feed(text, len(text))
    assert (count_of(plugin, b"The"), count_of(plugin, b"the")) == (1, 2)

    host.reload("textstats", image("textstats", 2))

    assert (count_of(plugin, b"The"), count_of(plugin, b"the")) == (3, 3)
    assert count_of(plugin, "Häuser".encode()) == 1
    words, different = array.array("Q", [0]), array.array("Q", [0])
    plugin.totals(words, different)
    assert (words[0], different[0]) == (8, 6)
    top, times = bytearray(8), array.array("Q", [0])
    plugin.top(top, len(top), times)
    assert (bytes(top), times[0]) == (b"the\0\0\0\0\0", 3)
    assert host.check_health("textstats", is_full=True).is_fit


def test_what_textstats_throws_is_a_status_outside(host: Host, image: Image) -> None:
    """A C++ exception that crossed into C would end the process."""
    plugin: Any = host.load(image("textstats", 2))
    long = b"x" * 201

    with pytest.raises(PluginError):
        plugin.feed(long, len(long))

    assert count_of(plugin, b"x") == 0
    with pytest.raises(HotgraftError):
        count_of(plugin, long)


@pytest.mark.full
def test_every_library_of_the_shipped_plugins_leaves_memory(image: Image) -> None:
    """An example that stays in memory would teach how to leak."""
    with Host() as host:
        for name in NAMES:
            host.load(image(name, 1))
            host.reload(name, image(name, 2))
        unloads = host.unloads(10)

    assert (unloads.proven, unloads.stuck) == (len(NAMES), ())
