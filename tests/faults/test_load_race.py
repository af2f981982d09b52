"""Between check and load: whoever flips what a path leads to, at full speed, never gets unchecked bytes mapped.

The attacker (crash_flip.py) is a process of the same user, and its files are whole: two images of one plugin and one
that breaks its contract. A refusal is an answer; what counts is that every library that was mapped is one of them, and
the one that was hashed, inspected and put on record.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from child_process import FAULTS, run_child
from crash_load_race import sha_of
from hotgraft.engine.build import find_compiler
from sample_plugins import STATELESS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import Sized
    from sample_plugins import Workshop

WAYS = ("rename", "link", "parent", "write")
SAMPLES = {"a.so": STATELESS, "b.so": replace(STATELESS, build=2), "c.so": replace(STATELESS, interface_version=(2, 0))}


@pytest.fixture(scope="module")
def wide_reads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that widens the time in which a file is read."""
    made = tmp_path_factory.mktemp("wide") / "wide_reads.so"
    flags = ["-std=c11", "-O1", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared"]
    source = FAULTS.parent / "native" / "wide_reads.c"
    subprocess.run([find_compiler(), *flags, str(source), "-o", str(made)], check=True)
    return made


@contextmanager
def flipping(build: Workshop, folder: Path, way: str) -> Iterator[Path]:
    """Give the path that an attacker flips meanwhile between files of `folder`."""
    (folder / "plugins").mkdir(parents=True)
    for name, sample in SAMPLES.items():
        shutil.copyfile(build(sample), folder / name)
    target = folder / "plugins" / "counter.so"
    shutil.copyfile(folder / "a.so", target)
    command = [sys.executable, str(FAULTS / "crash_flip.py"), str(folder), way]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as attacker:
        assert attacker.stdout is not None
        assert attacker.stdout.readline() == "flips\n"
        try:
            yield target
        finally:
            assert int(attacker.communicate("\n")[0]) > 0  # it flipped to the end, and did not fail


def test_what_is_mapped_is_what_was_checked_whatever_an_attacker_flips(
    build: Workshop, tmp_path: Path, sized: Sized, wide_reads: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault F09: its hash is the journal's and one of the attacker's; what changed while it was read is refused."""
    ways = WAYS[: sized(quick=1, full=len(WAYS))]
    tries = sized(quick=50, full=250, soak=25_000)
    ended: Counter[str] = Counter()
    for way in ways:
        folder = tmp_path / way
        with flipping(build, folder, way) as target:
            monkeypatch.setenv("FLIPS", str(folder / "flips"))
            images = [folder / name for name in SAMPLES]
            arguments = [target, build(STATELESS), folder / "journal", tries, *images]
            done = run_child("crash_load_race.py", *arguments, preload=wide_reads, deadline_s=3600)
            assert done.returncode == 0, done.stdout + done.stderr
            ended.update(json.loads(done.stdout))

    print(dict(ended))
    assert sum(ended.values()) == len(ways) * tries
    assert set(ended) <= {"a.so", "b.so", "changed", "refused"}
    assert ended["changed"] >= tries * len(ways) // 10
    assert ended["a.so"] + ended["b.so"] > 0


@pytest.mark.control
def test_a_copy_after_the_check_is_another_file(build: Workshop, tmp_path: Path) -> None:
    """Control: who hashes and inspects the source, and copies it then, loads bytes that nobody has looked at."""
    copy, folder = tmp_path / "copy.so", tmp_path / "flipped"
    with flipping(build, folder, "rename") as target:
        for _ in range(10_000):
            checked = sha_of(target)
            shutil.copyfile(target, copy)
            if sha_of(copy) != checked:
                break
        else:
            pytest.fail("no copy was another file than the one that was checked")
    assert {sha_of(copy), checked} <= {sha_of(folder / name) for name in SAMPLES}
