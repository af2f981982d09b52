"""The frozen plugin of ABI 1.0: written without our headers, it must load, be swapped and leave, for ever."""

from __future__ import annotations

import array
import hashlib
import pathlib
import subprocess
from typing import Any

import pytest
from hotgraft import Host
from hotgraft.engine.build import find_compiler

SOURCE = pathlib.Path(__file__).parent / "plugins" / "frozen_v1.c"
FLAGS = ("-std=c11", "-O2", "-fPIC", "-shared", "-fvisibility=hidden", "-Wl,-z,now")


@pytest.fixture(scope="module")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    image = tmp_path_factory.mktemp("frozen") / "frozen.so"
    subprocess.run([find_compiler(), *FLAGS, str(SOURCE), "-o", str(image)], check=True)
    return image


def test_a_plugin_of_abi_1_0_loads_is_called_swapped_and_leaves(frozen: pathlib.Path) -> None:
    """It stands for every plugin that is out there: when this fails, the host broke its word."""
    with Host() as host:
        plugin: Any = host.load(frozen)
        out = array.array("d", [0.0])
        plugin.sum(array.array("d", [1.0, 2.5]), 2, out)
        before = [plugin.next(), plugin.next()]

        report = host.reload("frozen", frozen)

        assert (out[0], before, plugin.next()) == (3.5, [1, 2], 3)
        assert report.plan is not None and str(report.plan.crossing) == "hand over"
        unloads = host.unloads(10)
        assert (unloads.proven, unloads.stuck) == (1, ())


def test_the_frozen_source_includes_no_header_of_ours_and_never_changes() -> None:
    """An edit that makes the test above pass again would be the host's fault, hidden."""
    text = SOURCE.read_text()

    assert "#include <hotgraft" not in text and '#include "' not in text
    assert hashlib.sha256(text.encode()).hexdigest() == FROZEN


FROZEN = "11373629adc75b4af827c12115795760c0afefe23147193784ee0102385c4251"
