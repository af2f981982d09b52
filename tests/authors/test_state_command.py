"""`hotgraft state`, as a shell sees it: trees, JSON, refusals, exit codes."""

# ruff: noqa: RUF001 - the times sign is meant

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from command_modules import HEAVY, modules_of
from command_scene import as_json, hotgraft
from hotgraft.core.snapshot import Origin, SessionState
from hotgraft.engine.snapshot_files import read_snapshot, write_snapshot
from state_scene import snapshot_one, snapshot_two

if TYPE_CHECKING:
    from pathlib import Path

    from hotgraft.core.snapshot import Snapshot


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with snapshots of two versions."""
    tmp_path.chmod(0o700)
    write_snapshot(tmp_path / "one.snapshot", snapshot_one())
    write_snapshot(tmp_path / "two.snapshot", snapshot_two())
    return tmp_path


def test_show_prints_head_and_trees(folder: Path) -> None:
    """Whose state it is, when it was taken and why; then each instance, its block and what it saved."""
    said, _ = hotgraft("state", "show", "two.snapshot", folder=folder)
    head, main, aux = said.split("\n\n")
    assert head.startswith("mixer 2.0.0\n  taken  2031-01-0")
    assert "(before swap), number 7\n  of     generation 3, image abababab, schema 1\n" in head
    assert head.endswith("holds  192 bytes of state of main, aux")
    assert main.splitlines()[:3] == ["main: mixer, 64 bytes", "  volume  f64      0.75", "  mode    mode     ON (1)"]
    assert aux.startswith("aux: 2 × mixer of 64 bytes\n  [0] to [1]  mixer\n")
    said, _ = hotgraft("state", "show", "one.snapshot", "--instance", "main", folder=folder)
    assert "main: 8 saved values\n  count " in said
    assert "aux:" not in said
    _, words = hotgraft("state", "show", "one.snapshot", "--instance", "left", folder=folder, code=2)
    assert "'left' is none of its instances: main, aux" in words


def test_show_gives_a_script_what_export_writes(folder: Path) -> None:
    """One form of JSON, on one line or on many."""
    shown = as_json(hotgraft("state", "show", "one.snapshot", "--json", folder=folder)[0])
    assert shown == json.loads(hotgraft("state", "export", "one.snapshot", folder=folder)[0])
    one = as_json(hotgraft("state", "show", "one.snapshot", "--json", "--instance", "aux", folder=folder)[0])
    assert [each["name"] for each in one["instances"]] == ["aux"]


def test_export_and_import_make_the_same_file(folder: Path) -> None:
    """Byte for byte: what was taken to be looked at can be gone on from."""
    for name in ("one", "two"):
        (folder / "x.json").write_text(hotgraft("state", "export", f"{name}.snapshot", folder=folder)[0])
        hotgraft("state", "import", "x.json", "-o", f"{name}.again", folder=folder)
        assert (folder / f"{name}.again").read_bytes() == (folder / f"{name}.snapshot").read_bytes()


def test_a_value_that_was_edited_is_in_the_imported_snapshot(folder: Path) -> None:
    """And in a folder of snapshots it is the newest, so that a host begins with it."""
    exported = hotgraft("state", "export", "two.snapshot", folder=folder)[0]
    assert '"volume": 0.75' in exported
    (folder / "x.json").write_text(exported.replace('"volume": 0.75', '"volume": 0.25', 1))

    (folder / "kept").mkdir(mode=0o700)
    told = as_json(hotgraft("state", "import", "x.json", "--into", "kept", "--json", folder=folder)[0])

    assert told["plugin"] == "mixer"
    assert read_snapshot(folder / told["written"]).number == 1
    said, _ = hotgraft("state", "diff", "two.snapshot", told["written"], folder=folder)
    assert said == "main\n  ~ volume  0.75 → 0.25\n1 difference\n"


def test_import_names_everything_that_does_not_fit_and_writes_nothing(folder: Path) -> None:
    """Whoever edits by hand mends all of it at once."""
    made = json.loads(hotgraft("state", "export", "two.snapshot", folder=folder)[0])
    made["instances"][0]["state"] |= {"mode": "LOUD", "fresh": -1}
    (folder / "x.json").write_text(json.dumps(made))

    said, words = hotgraft("state", "import", "x.json", "-o", "new", folder=folder, code=3)

    assert said == ""
    assert words.splitlines() == [
        "x.json: could not import the state; nothing was written",
        "  - main: state.mode: 'LOUD' is none of OFF, ON, AUTO",
        "  - main: state.fresh: -1 is not between 0 and 4294967295",
        "  to do: mend what is named, or begin with what hotgraft state export writes",
    ]
    assert not (folder / "new").exists()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"a": 1,\n "a" 2}', "line 2, column 6: Expecting ':' delimiter"),
        ('{"a": 1, "a": 2}', "the key 'a' stands twice in an object"),
        ("[" * 100_000, "nested too deep"), (f"[{'9' * 5000}]", "Exceeds the limit"), ("\udcff", "no text of UTF-8"),
        ("5", "it is no object"),
    ],
)  # fmt: skip
def test_a_text_that_is_no_state_is_refused(folder: Path, text: str, why: str) -> None:
    """With the place, where there is one."""
    (folder / "x.json").write_bytes(text.encode(errors="surrogateescape"))
    _, words = hotgraft("state", "import", "x.json", "-o", "new", folder=folder, code=3)
    assert why in words


def test_import_asks_where_to_and_replaces_nothing_unasked(folder: Path) -> None:
    """A snapshot may be the only one there is."""
    (folder / "x.json").write_text(hotgraft("state", "export", "two.snapshot", folder=folder)[0])
    hotgraft("state", "import", "x.json", folder=folder, code=2)
    hotgraft("state", "import", "x.json", "-o", "new", "--into", "kept", folder=folder, code=2)
    _, words = hotgraft("state", "import", "x.json", "-o", "one.snapshot", folder=folder, code=2)
    assert "one.snapshot is there already; --force replaces it" in words
    assert read_snapshot(folder / "one.snapshot") == snapshot_one()
    hotgraft("state", "import", "x.json", "-o", "one.snapshot", "--force", folder=folder)
    assert read_snapshot(folder / "one.snapshot") == snapshot_two()


def test_import_makes_no_folder_that_is_misspelt(folder: Path) -> None:
    """The next host would look elsewhere, and begin without it."""
    (folder / "x.json").write_text(hotgraft("state", "export", "two.snapshot", folder=folder)[0])
    (folder / "kept").mkdir(mode=0o700)
    _, words = hotgraft("state", "import", "x.json", "--into", "kep", folder=folder, code=2)
    assert "kep is no folder; nothing was written. There is kept." in " ".join(words.split())
    assert not (folder / "kep").exists()


def with_sessions(snapshot: Snapshot, *more: SessionState) -> Snapshot:
    """Return it with a session whose state is that of its first instance, twice, and more."""
    state = replace(snapshot.instances[0], name="alice", config_json="{}")
    alice = SessionState(state=state, instance="main")
    return replace(snapshot, sessions=(alice, alice, *more), is_at_rest=False)


@pytest.fixture
def sessions(folder: Path) -> Path:
    """The folder, with a snapshot of the second version that has sessions, one of them of the first and waiting."""
    one, two = snapshot_one(), snapshot_two()
    origin = Origin(version="1.0.0", generation=1, image_sha256="cd" * 32, descriptor=one.descriptor)
    state = replace(one.instances[0], name="bob", config_json="{}")
    waits = SessionState(state=state, instance="aux", origin=origin, since_ns=one.taken_ns)
    write_snapshot(folder / "three.snapshot", with_sessions(two, waits))
    write_snapshot(folder / "four.snapshot", with_sessions(one))
    return folder


def test_show_prints_sessions_and_which_of_them_wait(sessions: Path) -> None:
    """By the layout of the version that each is of."""
    said, _ = hotgraft("state", "show", "three.snapshot", folder=sessions)
    head, *trees = said.split("\n\n")
    assert "  sessions  3, 1 of which wait to be opened again" in head
    assert "  copied    beside others that were using it" in head
    titles = [one.splitlines()[0] for one in trees]
    assert titles[2:4] == ["session alice: mixer, 64 bytes"] * 2
    assert titles[4].startswith("session bob of aux: mixer, 608 bytes (of version 1.0.0, generation 1; waits since 20")
    said, _ = hotgraft("state", "show", "three.snapshot", "--instance", "aux", folder=sessions)
    assert ("session bob" in said, "session alice" in said) == (True, False)


def test_sessions_are_exported_and_imported(sessions: Path) -> None:
    """Byte for byte, with what each is of; what does not fit is named by its place."""
    text = hotgraft("state", "export", "three.snapshot", folder=sessions)[0]
    (sessions / "x.json").write_text(text)
    hotgraft("state", "import", "x.json", "-o", "again", folder=sessions)
    assert (sessions / "again").read_bytes() == (sessions / "three.snapshot").read_bytes()
    wrong = text.replace('"origin": 1', '"origin": 2').replace('"instance": "aux"', '"instance": 1')
    (sessions / "x.json").write_text(wrong)
    _, words = hotgraft("state", "import", "x.json", "-o", "other", folder=sessions, code=3)
    assert "sessions[2].origin: there is no origin 2" in words
    assert "sessions[2].instance: it is no text" in words


def test_diff_compares_sessions_by_name_and_order(sessions: Path) -> None:
    """Those of one name in the order in which they were opened."""
    found = as_json(hotgraft("state", "diff", "four.snapshot", "three.snapshot", "--json", folder=sessions)[0])
    assert list(found["instances"]) == ["main", "aux", "session alice", "session alice (2)", "session bob of aux"]
    assert found["instances"]["session alice"] == found["instances"]["session alice (2)"]
    assert {one["kind"] for one in found["instances"]["session bob of aux"]} == {"new"}


def test_diff_of_two_versions_goes_by_name(folder: Path) -> None:
    """0 whatever differs; a script reads the JSON."""
    said, _ = hotgraft("state", "diff", "one.snapshot", "two.snapshot", folder=folder)
    assert said.splitlines()[:3] == [
        "main",
        "  ~ volume (was level)  0.5 → 0.75",
        "  ~ mode                AUTO (7) → ON (1)",
    ]
    found = as_json(hotgraft("state", "diff", "one.snapshot", "two.snapshot", "--json", folder=folder)[0])
    assert {"kind": "new", "path": "fresh", "was": "", "now": "3"} in found["instances"]["main"]
    said, _ = hotgraft("state", "diff", "one.snapshot", "one.snapshot", folder=folder)
    assert said == "no differences\n"


def test_a_damaged_snapshot_is_refused_by_each_command(folder: Path) -> None:
    """What is shown was checked, every byte of it."""
    data = bytearray((folder / "one.snapshot").read_bytes())
    data[-100] ^= 1
    (folder / "one.snapshot").write_bytes(data)
    for words in (("show",), ("export",), ("show", "--json"), ("diff", "two.snapshot")):
        _, said = hotgraft("state", *words, "one.snapshot", folder=folder, code=3)
        assert "its checksum does not fit what it holds" in said
    hotgraft("state", "show", "nowhere", folder=folder, code=2)


def test_a_snapshot_of_a_layout_that_is_not_its_blocks_is_refused(folder: Path) -> None:
    """A checksum finds damage, no mistake of who wrote it."""
    two = snapshot_two()
    wrong = replace(two, instances=tuple(replace(one, block=bytes(one.block or b"")[:-1]) for one in two.instances))
    write_snapshot(folder / "wrong", wrong)
    _, said = hotgraft("state", "show", "wrong", folder=folder, code=3)
    assert "main: mixer: states of 64 bytes, in a block of 63" in said
    assert "aux: mixer: states of 64 bytes, in a block of 127" in said


def test_showing_a_snapshot_loads_nothing_that_runs_plugins(folder: Path) -> None:
    """A snapshot is looked at on a machine where no host runs."""
    assert modules_of([("state", "show", "one.snapshot")], folder)[0] & HEAVY <= {"msgspec"}
