"""Reload from a path that an attacker flips, hold what is mapped against what was checked, and count how tries ended.

    python crash_load_race.py PATH SERVES.so FOLDER TRIES IMAGE...

The attacker goes on meanwhile; IMAGE are its whole files. Prints the counts as JSON, by the name of the image that was
mapped, `changed` or `refused`. Run with LD_PRELOAD of tests/native/wide_reads.c.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections import Counter
from pathlib import Path

from hotgraft import Host, HotgraftError
from hotgraft.engine.journal_reading import history, verify_journal

CHANGED = "it changed while it was read"


def sha_of(path: str | Path) -> str:
    """Return the hash of a file."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def mapped_copy(path: str) -> str:
    """Return the hash of the file at `path`, which this process must have mapped."""
    lines = Path("/proc/self/maps").read_text().splitlines()
    assert any(line.endswith(f" {path}") and " r-xp " in line for line in lines), path
    return sha_of(path)


def main(path: str, serves: str, folder: Path, tries: int, images: list[str]) -> None:
    """Reload that often, then read what is on record."""
    names = {sha_of(one): Path(one).name for one in images}
    ended: Counter[str] = Counter()
    mapped = []
    with Host(probe="off", journal=folder) as host:
        host.load(serves)
        for _ in range(tries):
            try:
                host.reload("counter", path, is_settled=True)
            except HotgraftError as error:
                ended["changed" if CHANGED in str(error) else "refused"] += 1
            else:
                generation = host._plugins["counter"].serving.generation
                mapped.append(mapped_copy(generation.path))
                assert mapped[-1] == generation.sha256
                ended[names[mapped[-1]]] += 1
            assert host["counter"].build() in (1, 2)
    attempts = [line.as_dict() for line in history(folder)][1:]
    assert len(attempts) == tries
    assert [one["after"]["sha256"] for one in attempts if one["outcome"] == "published"] == mapped
    assert verify_journal(folder).verdict.finding is None
    print(json.dumps(ended))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]), sys.argv[5:])
