"""The frozen plugins of ABI 1.0 and later: without our headers, they must load, be swapped and leave, for ever."""

from __future__ import annotations

import array
import hashlib
import pathlib
import re
import subprocess
from dataclasses import replace
from typing import Any

import pytest
from hotgraft import Host, _core
from hotgraft.core.descriptor_checks import ABI_MAJOR, ABI_MINOR
from hotgraft.engine.bind import ABI
from hotgraft.engine.build import find_compiler
from sample_plugins import CALLER_PLUGIN, HANDS_OVER, ROOT, Workshop

SOURCE = pathlib.Path(__file__).parent / "plugins" / "frozen_v1.c"
FLAGS = ("-std=c11", "-O2", "-fPIC", "-shared", "-fvisibility=hidden", "-Wl,-z,now")
OLD_CALLER = replace(CALLER_PLUGIN, source="frozen_guard_v1")


def made(source: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    image = folder / "frozen.so"
    subprocess.run([find_compiler(), *FLAGS, str(source), "-o", str(image)], check=True)
    return image


@pytest.fixture(scope="module")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return made(SOURCE, tmp_path_factory.mktemp("frozen"))


@pytest.fixture(scope="module")
def frozen_1_1(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return made(SOURCE.parent / OF_MINOR[1], tmp_path_factory.mktemp("frozen_1_1"))


def test_a_plugin_of_abi_1_0_loads_is_called_swapped_and_leaves(frozen: pathlib.Path) -> None:
    """It stands for every plugin that is out there: when this fails, the host broke its word."""
    with Host() as host:
        plugin: Any = host.load(frozen)
        out = array.array("d", [0.0])
        plugin.sum(array.array("d", [1.0, 2.5]), 2, out)
        before = [plugin.next(), plugin.next()]

        report = host.reload("frozen", frozen)

        assert (out[0], before, plugin.next()) == (3.5, [1, 2], 3)
        assert host.saved_state("frozen")["main"] == {"number": 3}
        assert report.plan is not None and str(report.plan.crossing) == "hand over"
        unloads = host.unloads(10)
        assert (unloads.proven, unloads.stuck) == (1, ())


def test_a_plugin_of_abi_1_1_saves_what_is_nested_and_restores_it(frozen_1_1: pathlib.Path) -> None:
    """All that 1.1 added is in its save and its restore."""
    with Host() as host:
        plugin: Any = host.load(frozen_1_1)
        for _ in range(3):
            plugin.next()
        assert host.saved_state("frozen")["main"] == {
            "calls": 3,
            "seen": {-2: [0.0], -1: [0.5], 0: [1.0]},
            "blob": b"\3" * 5000,
        }

        report = host.reload("frozen", frozen_1_1)

        out = array.array("d", [0.0])
        plugin.sum(array.array("d", [2.0]), 1, out)
        assert (out[0], plugin.next()) == (3.5, 4)
        assert report.plan is not None and str(report.plan.crossing) == "restore"
        assert host.unloads(10).stuck == ()


def test_a_plugin_of_guard_protocol_1_calls_through_swaps_beside_meters(host: Host, build: Workshop) -> None:
    """It writes to its thread's record as of old: what lies behind it since must neither be disturbed nor disturb."""
    counter: Any = host.load(build(HANDS_OVER))
    caller: Any = host.load(build(OLD_CALLER))
    _core.set_sampling(2_000)
    try:
        for round_ in range(4):
            assert [caller.add_there(1) for _ in range(500)][-1] == counter.add(0) == 500 * (round_ + 1)
            assert (counter.stats().calls, caller.stats().calls) == (1, 500 * (round_ + 1))
            host.reload("counter", build(replace(HANDS_OVER, build=round_ + 2)))
    finally:
        _core.set_sampling(0)
    assert host.unloads(10).proven == 4


@pytest.mark.parametrize("name", ["frozen_v1.c", "frozen_v1_1.c", "frozen_guard_v1.c"])
def test_the_frozen_source_includes_no_header_of_ours_and_never_changes(name: str) -> None:
    """An edit that makes the tests above pass again would be the host's fault, hidden."""
    text = (SOURCE.parent / name).read_text()

    assert "#include <hotgraft" not in text
    assert re.findall(r'#include "(.*)"', text) == (["counter_descriptor.h"] if "guard" in name else [])
    assert hashlib.sha256(text.encode()).hexdigest() == FROZEN[name]


def test_every_released_minor_has_a_frozen_plugin_of_its_day() -> None:
    """A minor is released with the plugin that stands for it: who raises the number freezes one."""
    _, newest = find_version()

    assert set(OF_MINOR) == set(range(int(newest) + 1))
    for minor, name in OF_MINOR.items():
        assert f".abi_minor = {minor}," in (SOURCE.parent / name).read_text()
        assert name in FROZEN


def test_what_writes_and_reads_descriptors_has_the_numbers_of_the_headers() -> None:
    """The pure core reads no header; a number that lags behind refuses plugins that the native core would serve."""
    assert (str(ABI_MAJOR), str(ABI_MINOR)) == find_version()
    assert (ABI_MAJOR, ABI_MINOR) == ABI


def find_version() -> tuple[str, str]:
    """Return major and minor as version.h has them."""
    text = (ROOT / "abi" / "hotgraft" / "version.h").read_text()
    major, minor = (re.search(rf"#define HOTGRAFT_ABI_{name} (\d+)u", text) for name in ("MAJOR", "MINOR"))
    assert major is not None and minor is not None
    return major[1], minor[1]


OF_MINOR = {0: "frozen_v1.c", 1: "frozen_v1_1.c"}  # by minor of ABI 1: what must load for ever
FROZEN = {
    "frozen_v1_1.c": "7fe65c20ad8cd5d412291f9cdda2d38b59a7f97f933485ee56a3cf2dad93604f",
    "frozen_v1.c": "11373629adc75b4af827c12115795760c0afefe23147193784ee0102385c4251",
    "frozen_guard_v1.c": "c08f5bcdab9d306026913b95a6c4276cd741031f6caf2db841e0188b94224b5a",
}
