"""`hotgraft history` and `hotgraft audit`, as a shell sees them: words, columns, JSON, exit codes."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import sqlite3
from dataclasses import astuple, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from audit_rows import BLANK, WAYS
from command_modules import HEAVY, modules_of
from command_scene import as_json, hotgraft
from hotgraft.cli.journal import shown_duration, shown_time
from hotgraft.cli.output import columns
from hotgraft.core.audit import Anchor
from hotgraft.engine.journal import Journal
from hotgraft.engine.journal_anchor import write_anchor
from hotgraft.engine.journal_reading import export

if TYPE_CHECKING:
    from hotgraft.core.audit import AuditRecord, Chained


def attempt(name: str, *steps: tuple[str, str], error: str = "", **more: object) -> list[AuditRecord]:
    """Return the records of an attempt, a millisecond from step to step."""
    values = {"attempt": name, **more}
    return [
        replace(
            BLANK,
            **{**values, "step": step, "outcome": outcome},  # type: ignore[arg-type] # checked by the test that reads them
            wall_ns=BLANK.wall_ns + number * 10**6,
            monotonic_ns=number * 10**6,
            pid=7,
            error=error if step == "outcome" else "",
            facts=json.dumps({"pause_ns": 25_300}) if step == "outcome" else "{}",
        )
        for number, (step, outcome) in enumerate(steps)
    ]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose settings name no journal, with one in the default place, closed."""
    folder = tmp_path_factory.mktemp("app")
    journal = Journal(folder / ".hotgraft")
    done = [("stage", "done"), ("intent", "intended"), ("publish", "done"), ("outcome", "published")]
    journal.write([*attempt("1.1", *done), replace(BLANK, step="commit", outcome="committed")], keeps=False)
    refused = [("stage", "done"), ("outcome", "refused")]
    journal.write(attempt("1.2", *refused, error="ContractError: no\n  flush", plugin="mix"), keeps=False)
    journal.write([replace(BLANK, attempt="", step="restore", outcome="passed over", error="damaged")], keeps=False)
    journal.write(attempt("1.3", ("intent", "intended")), keeps=False)
    journal.abandon()  # without a last word: its process died
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A copy of it, to do something to."""
    shutil.copytree(made, tmp_path / "app")
    return tmp_path / "app"


def test_history_is_a_table_with_the_newest_last(folder: Path) -> None:
    """Who asked, what became of it, why: one line each, everything under its title."""
    said, _ = hotgraft("history", folder=folder)
    lines = said.splitlines()
    assert re.split(r"\s{2,}", lines[0]) == [
        "WHEN", "PLUGIN", "ASKED", "GENERATION", "OUTCOME", "TOOK", "PAUSE", "IMAGE", "WHY",
    ]  # fmt: skip
    cells = [re.split(r"\s{2,}", line)[1:] for line in lines[1:]]
    assert cells == [
        ["gain", "reload", "1 → 2", "published", "3.0 ms", "25.3 µs", "bbbbbbbb", "ticket 7"],
        ["mix", "reload", "1 → 2", "refused", "1.0 ms", "25.3 µs", "bbbbbbbb", "ticket 7: ContractError: no flush"],
        ["gain", "reload", "1 → 2", "passed over", "-", "-", "bbbbbbbb", "ticket 7: damaged"],
        ["gain", "reload", "1 → 2", "not on record", "-", "-", "bbbbbbbb", "ticket 7"],
    ]  # fmt: skip
    assert len({line.index(title) for line, title in zip(lines[1:], ("ticket",) * 4, strict=True)}) == 1


def test_history_shows_what_serves_again_where_a_reload_went_back(tmp_path: Path) -> None:
    """From the generation that served, to the one that was tried, to the last good one."""
    journal = Journal(tmp_path / ".hotgraft")
    steps = ("intent", "intended"), ("outcome", "rolled back")
    begun, ended = attempt("1.1", *steps, before_generation=4, after_generation=5)
    journal.write([begun, replace(ended, facts=json.dumps({"pause_ns": 25_300, "serves": 1}))], keeps=False)
    journal.abandon()
    said, _ = hotgraft("history", folder=tmp_path)
    assert re.split(r"\s{2,}", said.splitlines()[1])[1:5] == ["gain", "reload", "4 → 5 → 1", "rolled back"]


def test_history_of_one_plugin_and_the_newest_only(folder: Path) -> None:
    """What a person asks at three in the morning."""
    said, _ = hotgraft("history", "mix", "--json", folder=folder)
    (one,) = as_json(said)["attempts"]
    assert (one["attempt"], one["outcome"], one["user"], one["took_ns"]) == ("1.2", "refused", "ada", 10**6)
    assert one["steps"] == [
        ["stage", "done", 7, ""],
        ["outcome", "refused", 7, "ContractError: no\n  flush"],
    ]
    said, _ = hotgraft("history", "--limit", "1", "--json", folder=folder)
    assert [one["attempt"] for one in as_json(said)["attempts"]] == ["1.3"]
    said, _ = hotgraft("history", "--limit", "0", "--json", folder=folder)
    assert len(as_json(said)["attempts"]) == 4


def test_a_name_that_is_not_on_record_ends_with_5(folder: Path) -> None:
    """Exit 5: unknown plugin."""
    assert "nothing on record of nobody" in hotgraft("history", "nobody", folder=folder, code=5)[1]


def test_a_living_hosts_attempt_is_under_way(folder: Path) -> None:
    """And one of a host that died is not."""
    journal = Journal(folder / ".hotgraft")
    try:
        journal.write(attempt("9.1", ("intent", "intended")), keeps=False)
        said, _ = hotgraft("history", "--json", folder=folder)
        outcomes = {one["attempt"]: one["outcome"] for one in as_json(said)["attempts"]}
        assert (outcomes["1.3"], outcomes["9.1"]) == ("interrupted", "under way")
        assert f"process {journal.blank().pid} has it" in hotgraft("audit", folder=folder)[0]
    finally:
        journal.abandon()


def test_the_journal_is_found_where_run_keeps_it(folder: Path, tmp_path: Path) -> None:
    """Argument before environment before file, a file's path beside the file."""
    (tmp_path / "hotgraft.toml").write_text('[host]\njournal = "app/.hotgraft"\n')
    (tmp_path / "other").mkdir()
    settings = tmp_path / "hotgraft.toml"
    place = str(folder / ".hotgraft")
    cases: tuple[tuple[tuple[object, ...], dict[str, str]], ...] = (
        (("--config", settings), {}),
        (("--journal", place), {"HOTGRAFT_JOURNAL": "gone"}),
        ((), {"HOTGRAFT_JOURNAL": place}),
        ((), {"HOTGRAFT_CONFIG": str(settings)}),
    )
    for words, variables in cases:
        said, _ = hotgraft("audit", "--json", *words, folder=tmp_path / "other", code=0, **variables)
        assert Path(as_json(said)["folder"]).resolve() == Path(place).resolve()
    assert "there is none" in hotgraft("audit", folder=tmp_path / "other", code=3)[1]
    assert "the settings say that there is none" in hotgraft("history", "--journal", "off", folder=folder, code=3)[1]


def test_audit_sums_up(folder: Path) -> None:
    """What a person wants to know before anything else."""
    said, _ = hotgraft("audit", folder=folder)
    rows = dict(re.split(r"\s{2,}", line) for line in said.splitlines())
    assert rows["host"] == "none has it"
    assert rows["records"] == "10"
    assert rows["attempts"] == "1 published, 1 refused"
    assert re.fullmatch(r"10:[0-9a-f]{64}", rows["head"])
    assert rows["last good"] == f"gain: bbbbbbbb, committed {shown_time(BLANK.wall_ns)}, its image is gone"


def test_verify_accepts_what_was_written(folder: Path) -> None:
    """Exit 0, with the head that a person can keep; options count before and behind the word."""
    head = as_json(hotgraft("audit", "--json", folder=folder)[0])["end"]
    said, _ = hotgraft("audit", "verify", "--against", f"{head['count']}:{head['head']}", folder=folder)
    assert "10 records, each in its place" in said
    assert head["head"] in said
    said, _ = hotgraft("audit", "--json", "--journal", folder / ".hotgraft", "verify", folder=folder.parent)
    assert as_json(said)["accepted"] is True


@pytest.mark.parametrize("place", ["first", "middle", "last"])
@pytest.mark.parametrize("way", WAYS)
def test_verify_finds_what_was_done_in_the_database(folder: Path, way: str, place: str) -> None:
    """18 of 18, by the journal's own anchor: exit 3, and the sentence names a record."""
    rows = list(export(folder / ".hotgraft"))
    put(folder, WAYS[way](rows, {"first": 1, "middle": 5, "last": len(rows)}[place]))
    said, _ = hotgraft("audit", "verify", folder=folder, code=3)
    assert re.search(r"\.hotgraft: \w+: .*record", said)
    assert as_json(hotgraft("audit", "verify", "--json", folder=folder, code=3)[0])["accepted"] is False


def test_what_is_written_anew_with_its_anchor_is_found_by_what_was_kept_elsewhere(folder: Path, tmp_path: Path) -> None:
    """The host's own user can do that. The journal alone accepts it: this is why there is an export."""
    kept = tmp_path / "kept.jsonl"
    said, told = hotgraft("audit", "export", "--jsonl", folder=folder)
    kept.write_text(said)
    head = told.removeprefix("head: ").strip()
    rows = WAYS["fork"](list(export(folder / ".hotgraft")), 5)
    put(folder, rows)
    (folder / ".hotgraft" / "anchor").unlink()
    write_anchor(folder / ".hotgraft", Anchor(len(rows), rows[-1].hash), is_durable=False)

    hotgraft("audit", "verify", folder=folder)

    assert "forked: " in hotgraft("audit", "verify", "--against", head, folder=folder, code=3)[0]
    said, _ = hotgraft("audit", "verify", "--against", kept, folder=folder, code=3)
    assert "record 5" in said
    assert "records 1 to 4 hold" in said


def test_what_is_no_anchor_is_refused(folder: Path, tmp_path: Path) -> None:
    """A slip must not look like an untouched journal."""
    (tmp_path / "text").write_text("something else\n")
    for word in ("gone", "5:abc", tmp_path / "text"):
        assert "give COUNT:HASH" in hotgraft("audit", "verify", "--against", word, folder=folder, code=3)[1]
    (folder / ".hotgraft" / "anchor").unlink()
    assert "its anchor is gone" in hotgraft("audit", "verify", folder=folder, code=3)[1]


def test_export_writes_every_record_with_its_hashes(folder: Path) -> None:
    """One JSON object a line, which is what other tools read."""
    said, told = hotgraft("audit", "export", folder=folder)
    lines = [json.loads(line) for line in said.splitlines()]
    assert [line["number"] for line in lines] == list(range(1, 11))
    assert all(one["hash"] == two["previous"] for one, two in itertools.pairwise(lines))
    assert told == f"head: 10:{lines[-1]['hash']}\n"


def test_reading_the_journal_imports_no_host(folder: Path) -> None:
    """For the same 150 ms as every other read."""
    commands = (("history",), ("audit",), ("audit", "verify"), ("audit", "export"))
    for words, loaded in zip(commands, modules_of(commands, folder), strict=True):
        assert not loaded & HEAVY, words
        assert len(loaded) < 250, words


def test_history_fits_a_terminal_of_80_columns(folder: Path) -> None:
    """What has no room stands beneath, under a title that does as well."""
    from hotgraft.cli.history import TITLES, _row
    from hotgraft.engine.journal_reading import history

    found = [_row(one.as_dict()) for one in history(folder / ".hotgraft", "", 20)]
    assert max(map(len, columns([TITLES, *found], width=80).splitlines())) <= 80


def test_columns_are_aligned_and_what_does_not_fit_stands_beneath() -> None:
    """The last column says why: of all it is the one that must not be cut."""
    rows = [("a", "bb", "what it was"), ("aaa", "b", "")]
    assert columns(rows) == "a    bb  what it was\naaa  b"
    assert columns(rows, width=20) == "a    bb  what it was\naaa  b"
    assert columns([("aaaa", "bbbb", "cccc", "why it was")], width=11) == "aaaa  bbbb\n    cccc\n    why it\n    was"
    assert columns(rows, width=14) == "a    bb\n    what it\n    was\naaa  b"


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "-"),
        (999, "999 ns"),
        (1_500, "1.5 µs"),
        (25_340_000, "25.3 ms"),
        (250_000_000, "250 ms"),
        (61 * 10**9, "61.0 s"),
    ],
)
def test_a_duration_has_three_digits(ns: int, text: str) -> None:
    """More say nothing."""
    assert shown_duration(ns) == text


@pytest.mark.parametrize("wall_ns", [10**30, -(10**30)])
def test_a_clock_that_was_far_off_is_shown_all_the_same(wall_ns: int) -> None:
    """A table must not break on one row."""
    assert shown_time(wall_ns) == f"{wall_ns} ns"


def put(folder: Path, rows: list[Chained]) -> None:
    """Make the database hold these rows."""
    connection = sqlite3.connect(folder / ".hotgraft" / "journal.db")
    connection.execute("DELETE FROM audit")
    for row in rows:
        values = (*astuple(row.record), row.previous, row.hash)
        connection.execute(f"INSERT INTO audit VALUES ({', '.join('?' * len(values))})", values)
    connection.commit()
    connection.close()
