"""Hostile bytes at every reader of files: a clear refusal within 100 ms and 64 MB (FAULTS C03, C07)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final

import pytest
from child_process import run_child
from hostile_rows import READ, READERS
from hotgraft.core.errors import ConfigError, ManifestError
from hotgraft.engine.small_file import read_small_file

LIMIT_MS: Final = 100.0  # of CPU time; what else runs on the machine does not count
LIMIT_MB: Final = 64
SAID_LIMIT: Final = 2_000  # characters
SMALL: Final = 20_000  # bytes


def measured(reader: str, *options: str) -> dict[str, dict[str, Any]]:
    """What became of every row of a reader, by its name."""
    done = run_child("hostile_child.py", reader, LIMIT_MB, *options, folder=Path(__file__).parents[1], deadline_s=300)
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    return {one["name"]: one for one in told}


def complaint(row: dict[str, Any], wanted: str) -> str:
    """What is wrong with how a row ended; empty: nothing."""
    said = row["said"]
    if row["escaped"]:
        return f"{row['name']}: {row['escaped']}"
    if row["ms"] >= LIMIT_MS:
        return f"{row['name']}: took {row['ms']:.0f} ms"
    if wanted == READ:
        return f"{row['name']}: refused: {said}" if said is not None else ""
    if said is None or wanted not in said:
        return f"{row['name']}: says {said!r:.300}, not {wanted!r}"
    if len(said) > SAID_LIMIT or not said.replace("\n", "").isprintable():
        return f"{row['name']}: says {len(said)} characters, or what no terminal should be given: {said!r:.300}"
    return ""


@pytest.mark.full  # five seconds each; the next one is about the same rows
@pytest.mark.parametrize("reader", READERS)
def test_hostile_bytes_are_refused_at_once(reader: str) -> None:
    """FAULTS C03 and C07: the bytes may be anybody's, and must not hold up a host, fill it or fool its reader."""
    rows = READERS[reader][1]
    told = measured(reader)

    assert len(told) == len(rows), "a row did not come back, or two have one name"
    complaints = [found for name, _, wanted in rows if (found := complaint(told[name], wanted))]
    assert complaints == []


@pytest.mark.parametrize("reader", READERS)
def test_hostile_bytes_are_refused_in_words(reader: str) -> None:
    """As above, without the limits and what is large: so that most changes of a sentence are seen at once."""
    read, rows = READERS[reader]
    complaints = []
    for name, make, wanted in rows:
        if "MB" in name or "million" in name or len(data := make()) > SMALL:
            continue
        row: dict[str, Any] = {"name": name, "ms": 0.0, "said": None, "escaped": ""}
        try:
            read(data)
        except (ConfigError, ManifestError) as error:
            row["said"] = str(error)
        complaints.append(complaint(row, wanted))
    assert [one for one in complaints if one] == []


@pytest.mark.control
def test_control_without_the_limits_of_toml_a_small_file_holds_up_its_reader() -> None:
    """What is taken out: counting what is expensive before the parser sees it."""
    told = measured("manifest", "without-limits", "a key path of quotes")

    assert told["a key path of quotes"]["ms"] >= LIMIT_MS


def test_no_more_of_a_file_is_read_than_its_reader_takes(tmp_path: Path) -> None:
    """A file of 100 MB would be 100 MB before anybody could refuse it; a device has no end."""
    path = tmp_path / "plugin.toml"
    path.write_bytes(b"x" * 100)
    assert read_small_file(path, 100) == b"x" * 100
    assert read_small_file(path, 99) == b"x" * 100  # one more: so its reader knows
    assert read_small_file(path, 10) == b"x" * 11
    for other in (Path("/dev/zero"), tmp_path):
        with pytest.raises(OSError, match=r"Is a directory|not a regular file"):
            read_small_file(other)


def test_a_fifo_in_place_of_a_file_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    """Whoever opens one to read waits for a writer, and there may never be any."""
    os.mkfifo(tmp_path / "plugin.toml")
    with pytest.raises(OSError, match="not a regular file"):
        read_small_file(tmp_path / "plugin.toml")
