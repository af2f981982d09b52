"""A host on a journal: what is on record of each attempt, when it is written, and what a next host does with it."""

from __future__ import annotations

import json
import sqlite3
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import hotgraft
import pytest
from hotgraft import HealthError, Host, HotgraftError, JournalError, Outcome
from hotgraft.engine.journal import Journal
from hotgraft.engine.journal_database import Database
from hotgraft.engine.journal_reading import export, history, verify_journal
from hotgraft.engine.store import Store
from hotgraft.host.journal import AttemptRecord
from sample_plugins import HANDS_OVER, SAVES, STATELESS, Sample, Workshop

if TYPE_CHECKING:
    from pathlib import Path

    from hotgraft.core.audit import AuditRecord

NEXT = replace(HANDS_OVER, build=2)
DEADLINE_S = 60


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the journal of this test is."""
    return tmp_path / "journal"


def records_of(folder: Path) -> list[AuditRecord]:
    """Return everything on record."""
    return [row.record for row in export(folder)]


def test_a_host_without_a_journal_writes_nothing(
    tmp_path: Path, build: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A library writes no files that nobody asked for."""
    monkeypatch.chdir(tmp_path)
    with Host(staging_folder=str(tmp_path / "staged")) as host:
        host.load(build(STATELESS))
        report = host.reload("counter", reason="none is kept")
        assert report.journal == ""
        assert "outcome" not in [one.step for one in report.steps]
        assert host.last_good("counter") is None
        with pytest.raises(JournalError, match=r"it has no journal.*nothing was changed"):
            host.restore_last_good()
    assert [one.name for one in tmp_path.iterdir()] == ["staged"]


def test_each_step_of_a_swap_is_on_record_with_who_asked_and_why(folder: Path, build: Workshop) -> None:
    """One row per step, the intent among them, in the order in which they happened."""
    with Host(journal=folder) as host:
        host.load(build(HANDS_OVER), reason="first")
        report = host.reload("counter", build(NEXT), reason="ticket 7")

    (attempt,) = [one for one in history(folder) if one.first.asked_by == "reload"]
    records = attempt.records
    steps = [one.step for one in records]
    assert steps == [
        "settle", "stage", "inspect", "check needs", "compare contract", "copy state", "probe", "intent",
        "map", "create main", "make tables",
        "wait for pins", "close gates", "drain", "quiesce main", "surrender main", "take main", "start main", "publish",
        "quick health", "outcome", "commit",
    ]  # fmt: skip
    assert [one.step for one in report.steps if one.step not in ("intent", "commit", "outcome")] == [
        one for one in steps if one not in ("intent", "commit", "outcome")
    ]
    for one in records:
        assert (one.plugin, one.reason, one.asked_by, one.thread) == ("counter", "ticket 7", "reload", "MainThread")
        assert (one.before_generation, one.after_generation, one.after_sha256) == (1, 2, report.sha256)
        assert one.before_sha256 not in ("", one.after_sha256)
        assert one.error == ""
    begun = [one.monotonic_ns for one in records if one.step not in ("intent", "outcome", "commit")]
    assert begun == sorted(begun)
    assert json.loads(records[-2].facts)["pause_ns"] == round(report.pause_us * 1000) > 0
    assert json.loads(records[-1].facts)["image"] == str(build(NEXT))


def test_the_intent_is_durable_before_code_runs_and_nothing_is_written_in_the_window(
    folder: Path, build: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is slow must not make callers wait at a gate."""
    seen: list[tuple[str, bool]] = []
    on_disk: list[str] = []

    with Host(journal=folder) as host:
        host.load(build(HANDS_OVER))
        (slot,) = host._loaded("counter").instances["main"].slots.values()

        def at(point: str) -> None:
            seen.append((point, slot.is_gated))

        def at_step(step: str) -> str:
            seen.append((step, slot.is_gated))
            if step == "wait for pins":
                on_disk.extend(one.step for one in records_of(folder) if one.attempt.endswith(".2"))
            return "run"

        monkeypatch.setattr(host._recorder.journal, "at", at)
        hotgraft._core._seams.set_step_hook(at_step)
        try:
            host.reload("counter", build(NEXT))
        finally:
            hotgraft._core._seams.set_step_hook(None)

    assert on_disk == [
        "settle", "stage", "inspect", "check needs", "compare contract", "copy state", "probe", "intent",
    ]  # fmt: skip
    names = [name for name, _ in seen]
    assert [name for name, is_gated in seen if is_gated and name in ("keep", "commit", "committed", "anchored")] == []
    assert any(is_gated for name, is_gated in seen if name == "take")
    assert names.index("anchored") < names.index("wait for pins")
    assert names.index("publish") < len(names) - 1 - names[::-1].index("commit")


def test_calls_flow_while_the_disk_stands_still(folder: Path, build: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The journal waits at each of its points until a hundred calls are answered."""
    with Host(journal=folder) as host:
        counter = host.load(build(HANDS_OVER))

        done = threading.Event()

        def keep_calling() -> None:
            while not done.is_set():
                counter.add(1)

        caller = threading.Thread(target=keep_calling)
        caller.start()
        try:
            with monkeypatch.context() as slow:
                slow.setattr(host._recorder.journal, "at", lambda _: [counter.add(1) for _ in range(100)])
                report = host.reload("counter", build(NEXT), deadline_s=DEADLINE_S)
        finally:
            done.set()
            caller.join()
        assert report.outcome is Outcome.PUBLISHED
        assert counter.build() == 2


def test_whatever_way_is_asked_is_on_record(folder: Path, build: Workshop) -> None:
    """load, a further instance, configure, a refusal: each an attempt with an end."""
    with Host(journal=folder) as host:
        host.load(build(HANDS_OVER))
        host.load("counter", instance="left", reason="stereo")
        host.configure("counter", {"volume": 1}, reason="louder")
        with pytest.raises(HotgraftError) as caught:
            host.reload("counter", build(replace(NEXT, interface_version=(2, 0))))
        with pytest.raises(HotgraftError):  # in the probe already
            host.reload("counter", build(NEXT), config={"fail": "create"})
    with Host(journal=folder, probe="off") as host:
        host.load(build(HANDS_OVER))
        with pytest.raises(HotgraftError):
            host.reload("counter", build(NEXT), config={"fail": "create"})
    assert caught.value.running == "generation 2 still serves"

    ends = [(one.first.asked_by, one.first.reason, one.end.outcome if one.end else "") for one in history(folder)]
    assert ends == [
        ("load", "", "published"),
        ("load", "stereo", "published"),
        ("configure", "louder", "published"),
        ("reload", "", "refused"),
        ("reload", "", "refused"),
        ("load", "", "published"),
        ("reload", "", "failed"),
    ]
    *_, refused, probed, _, failed = history(folder)
    assert [one.step for one in refused.records if one.outcome == "failed"] == ["compare contract"]
    assert "intent" not in [one.step for one in refused.records]
    assert [one.step for one in probed.records if one.outcome == "failed"] == ["probe"]
    assert "intent" not in [one.step for one in probed.records]
    assert [one.step for one in failed.records if one.outcome == "failed"] == ["create main", "outcome"]
    assert failed.end is not None
    assert failed.end.error.startswith("PluginError: create of instance")


def test_a_watch_is_named_as_who_asked(folder: Path, build: Workshop, tmp_path: Path) -> None:
    """So that nobody looks for the person who did it."""
    image = tmp_path / "counter.so"
    image.write_bytes(build(STATELESS).read_bytes())
    taken = threading.Event()
    with Host(journal=folder) as host:
        host.load(image)
        host.on("swap.published", lambda _: taken.set())
        with host.watch():
            fresh = tmp_path / "fresh.so"
            fresh.write_bytes(build(replace(STATELESS, build=2)).read_bytes())
            fresh.replace(image)
            assert taken.wait(DEADLINE_S)
    assert [one.first.asked_by for one in history(folder)] == ["load", "watch"]


def test_a_reason_must_be_text(folder: Path, build: Workshop) -> None:
    """Misuse is a TypeError, before anything is done."""
    with Host(journal=folder) as host:
        host.load(build(STATELESS))
        with pytest.raises(TypeError, match="a reason must be text"):
            host.reload("counter", reason=7)  # type: ignore[arg-type] # on purpose
        assert host.reload("counter", reason="\udcff\n").journal == ""
    assert history(folder)[-1].first.reason == "\\udcff\n"


def test_many_plugins_at_once_are_on_one_chain(folder: Path, build: Workshop) -> None:
    """Each attempt's records are in their order, whatever stands between them."""
    names = [f"plugin_{number}" for number in range(4)]
    with Host(journal=folder) as host:
        for name in names:
            host.load(build(SAVES), name=name)
        threads = [
            threading.Thread(target=lambda name=name: [host.reload(name, build(SAVES)) for _ in range(2)])
            for name in names
        ]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert {host[name].generation for name in names} == {3}
    assert verify_journal(folder).verdict.finding is None
    lines = history(folder)
    assert len(lines) == 12
    assert all([one.step for one in line.records][-2:] == ["outcome", "commit"] for line in lines)
    assert len({tuple(one.step for one in line.records) for line in lines if line.first.asked_by == "reload"}) == 1


def test_what_a_closing_host_cannot_write_is_logged(
    folder: Path, build: Workshop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Closing is done all the same, and the journal is free for the next host, which finds how far it came."""

    def broken_append(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    with Host(journal=folder) as host:
        host.load(build(STATELESS))
        monkeypatch.setattr(Database, "append", broken_append)
    monkeypatch.undo()
    assert "closed without its last 1 records" in caplog.text
    assert records_of(folder)[-1].step == "commit"
    with Host(journal=folder) as host:
        host.restore_last_good()


def test_a_handler_may_ask_for_a_change_when_the_journal_fails(
    folder: Path, build: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told after the plugin's turn: within it, the handler's change would wait for itself."""
    answers: list[str] = []

    def try_again(event: hotgraft.HostEvent) -> None:
        monkeypatch.undo()
        answers.append(f"{event.name} {event.facts['records']} {host.reload('counter').outcome}")

    def broken_append(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    with Host(journal=folder) as host:
        host.load(build(STATELESS))
        host.on("journal.failed", try_again)
        host.on("journal.works", lambda event: answers.append(event.name))
        monkeypatch.setattr(Database, "append", broken_append)
        with pytest.raises(JournalError, match="disk I/O error"):
            host.reload("counter", build(replace(STATELESS, build=2)))
    assert answers == ["journal.works", "journal.failed 0 published"]


def test_a_kept_image_that_cannot_be_synced_is_told_and_the_swap_is_on_record(
    folder: Path, build: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It serves; should the copy turn out damaged one day, its hash says so."""

    def broken_sync(*_: object) -> None:
        raise OSError(5, "Input/output error")

    with Host(journal=folder) as host:
        monkeypatch.setattr(Store, "sync", broken_sync)
        host.load(build(STATELESS))
        report = host.reload("counter", build(replace(STATELESS, build=2)))
    assert report.journal == "the kept image is not durable: Input/output error"
    assert [one.as_dict()["outcome"] for one in history(folder)] == ["published"] * 2


def test_no_memory_for_records_leaves_a_swap_that_happened(
    folder: Path, build: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It serves; the report says what is missing; the next host closes the attempt."""

    def no_memory(*_: object) -> None:
        raise MemoryError

    with Host(journal=folder) as host:
        counter = host.load(build(HANDS_OVER))
        counter.add(5)
        with monkeypatch.context() as broken:
            broken.setattr(AttemptRecord, "ending", no_memory)
            report = host.reload("counter", build(NEXT))
        assert (report.outcome, report.journal) == (Outcome.PUBLISHED, "no memory for its records")
        assert (counter.build(), counter.add(1)) == (2, 6)
    Journal(folder).close()
    assert history(folder)[-1].as_dict()["outcome"] == "interrupted"


def test_what_goes_back_says_on_record_what_serves_again(folder: Path, build: Workshop) -> None:
    """Of those that were on probation none stays: a reader of "2 → 3, rolled back" would have thought that 2 serves."""
    with Host(probe="off", journal=folder, probation="on", probation_s=3600, probation_max_s=3600) as host:
        counter = host.load(build(HANDS_OVER))
        host.health("counter")(lambda plugin: plugin.build() != 3)
        host.reload("counter", build(NEXT))
        with pytest.raises(HealthError):
            host.reload("counter", build(replace(HANDS_OVER, build=3)))
        assert counter.generation == 1
        host.reload("counter", build(replace(HANDS_OVER, build=4)))
        host.rollback("counter")
        assert counter.generation == 1

    ways = {
        (line["asked_by"], line["outcome"]): (
            line["before"]["generation"], line["after"]["generation"], line["facts"].get("serves")
        )
        for line in (one.as_dict() for one in history(folder))
        if line["outcome"] == "rolled back"
    }  # fmt: skip
    assert ways == {("reload", "rolled back"): (2, 3, 1), ("rollback", "rolled back"): (4, 1, None)}


def test_a_report_says_what_is_not_on_record(build: Workshop) -> None:
    """In its text and in its plain values."""
    with Host() as host:
        host.load(build(Sample()))
        report = replace(host.reload("counter"), journal="disk full")
    assert "not on record yet: disk full" in str(report)
    assert report.as_dict()["journal"] == "disk full"
