"""Snapshots of a host: what a plugin begins with after a restart, whichever version it is, and who is told."""

from __future__ import annotations

import ctypes
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest
from hotgraft import Busy, ConfigError, Host, HotgraftError, PluginError, SnapshotError, UnknownPlugin
from hotgraft.core.plan import Action
from hotgraft.core.snapshot import read_values
from hotgraft.engine.journal_reading import export
from hotgraft.engine.snapshot_files import read_snapshot
from hotgraft.engine.snapshot_folder import snapshot_paths
from sample_plugins import CONVERTS, HANDS_OVER, PLAIN, SAVES, STATELESS, Sample, Workshop

if TYPE_CHECKING:
    from pathlib import Path

BOTH = replace(HANDS_OVER, saves=True)
DEADLINE_S = 60.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where snapshots go; not there yet."""
    return tmp_path / "snapshots"


def make_host(folder: Path, **options: Any) -> Host:
    """Return one that tries no candidate first and takes no snapshot of its own accord."""
    return Host(snapshots=folder, **{"probe": "off", "snapshot_at_close": False, **options})


def saved(folder: Path, image: Path, *adds: int, **options: Any) -> None:
    """Let a host count that far, take a snapshot, and end as if it was killed after one call more."""
    with make_host(folder, **options) as host:
        counter = host.load(image)
        for one in adds:
            counter.add(one)
        host.snapshot()
        counter.add(1_000)


def paths(folder: Path) -> tuple[Path, ...]:
    """Return the counter's files, the newest first."""
    return snapshot_paths(folder)["counter"]


LATER: Final[dict[str, Any]] = {"build": 2, "version": "1.1.0"}
CROSSINGS = [
    pytest.param(HANDS_OVER, replace(HANDS_OVER, build=2), id="hand over"),
    pytest.param(CONVERTS, replace(CONVERTS, build=2), id="convert, up"),
    pytest.param(SAVES, replace(SAVES, build=2), id="restore"),
    *(
        pytest.param(before, after, id=name, marks=pytest.mark.full)
        for name, before, after in (
            ("hand over, the same build", HANDS_OVER, HANDS_OVER),
            ("convert, down", replace(CONVERTS, **LATER), CONVERTS),
            ("restore, up", SAVES, replace(SAVES, schema=2, **LATER)),
            ("restore, where the schema is another", BOTH, replace(BOTH, schema=2, **LATER)),
            ("restore, where hand over is not offered any more", BOTH, replace(SAVES, build=2)),
            ("hand over, where save is not offered any more", BOTH, replace(HANDS_OVER, build=2)),
        )
    ),
]


@pytest.mark.parametrize(("before", "after"), CROSSINGS)
@pytest.mark.parametrize("probe", ["off", pytest.param("start", marks=pytest.mark.full)])
def test_a_plugin_begins_with_its_last_snapshot_as_a_swap_would_bring_it_there(
    folder: Path, build: Workshop, before: Sample, after: Sample, probe: str
) -> None:
    """Whichever version is loaded, newer or older: the same decisions, and the same state."""
    saved(folder, build(before), 2, 3)
    with make_host(folder, probe=probe) as host:
        counter = host.load(build(after))
        assert (counter.build(), counter.add(0)) == (after.build, 5)
        assert counter.add(1) == 6
        assert host.reload("counter", build(replace(after, build=after.build))).pause_us > 0  # it swaps as any other
        assert counter.add(1) == 7


REFUSED = [
    pytest.param(SAVES, STATELESS, "the candidate declares none", id="no state any more"),
    pytest.param(HANDS_OVER, replace(HANDS_OVER, layout=8), "the block's layout is 0x7 and would be 0x8", id="layout"),
    pytest.param(
        replace(CONVERTS, build=2, version="1.0.0"), CONVERTS, "there is no place for", id="lossy, without consent"
    ),
]


@pytest.mark.parametrize(("before", "after", "found"), REFUSED)
def test_what_cannot_begin_with_a_snapshot_is_refused_and_leaves_it(
    folder: Path, build: Workshop, before: Sample, after: Sample, found: str
) -> None:
    """State is not lost because a version has no way to it; who wants to begin fresh says so."""
    saved(folder, build(before), 5)
    kept = {path: path.read_bytes() for path in paths(folder)}
    with make_host(folder) as host:
        with pytest.raises(SnapshotError, match=found) as caught:
            host.load(build(after))
        assert paths(folder)[0].name in caught.value.found[0]
        assert 'resume="none" begins fresh' in caught.value.advice
        assert caught.value.running == "nothing of it is loaded"
        assert "counter" not in host
        assert host.load(build(after), resume="none").add(1) == 1
    assert {path: path.read_bytes() for path in paths(folder)} == kept


def test_a_schema_that_restore_does_not_know_is_refused_and_the_snapshot_left(folder: Path, build: Workshop) -> None:
    """Fault M04: an older build is told the schema, and says that it is beyond it."""
    saved(folder, build(replace(SAVES, schema=2, version="2.0.0")), 5)
    kept = paths(folder)[0].read_bytes()
    with make_host(folder) as host, pytest.raises(PluginError, match="restore") as caught:
        host.load(build(SAVES))
    assert caught.value.found[-1] == f"it was to go on from {paths(folder)[0].name}"
    assert paths(folder)[0].read_bytes() == kept


def test_what_take_refuses_is_dropped_and_the_block_with_it(folder: Path, build: Workshop) -> None:
    """The candidate leaves memory, nothing of it serves, and the next load finds the snapshot as it was."""
    saved(folder, build(HANDS_OVER), 5)
    with make_host(folder) as host:
        with pytest.raises(PluginError, match="told to fail in take"):
            host.load(build(HANDS_OVER), config={"fail": "take"})
        assert host.load(build(HANDS_OVER)).add(0) == 5


def test_what_the_probe_finds_with_the_snapshot_is_refused_before_it_is_mapped(folder: Path, build: Workshop) -> None:
    """Only that state may show what is wrong; in this process nothing of the candidate runs."""
    saved(folder, build(HANDS_OVER), 5)
    with make_host(folder, probe="start") as host, pytest.raises(HotgraftError, match="it was to go on from") as caught:
        host.load(build(HANDS_OVER), config={"fail": "take"})
    assert "map" not in [one.step for one in caught.value.report.steps]  # type: ignore[attr-defined] # of a load's


# --- which one, and what is said of it ---


def test_a_damaged_one_is_said_and_on_record_and_the_one_before_is_used(folder: Path, build: Workshop) -> None:
    """Faults M02, M03: one flipped bit, and the next start has less, not nothing, and not something else."""
    saved(folder, build(HANDS_OVER), 5)
    saved(folder, build(HANDS_OVER), 2)
    data = bytearray(paths(folder)[0].read_bytes())
    data[len(data) // 2] ^= 4
    paths(folder)[0].write_bytes(data)
    told: list[str] = []
    with make_host(folder, journal=folder.with_name("journal")) as host:
        host.on("snapshot.*", lambda event: told.append(f"{event.name} {event.plugin}"))
        assert host.load(build(HANDS_OVER)).add(0) == 5
    assert told == ["snapshot.passed_over counter", "snapshot.resumed counter"]
    notes = [row.record for row in export(folder.with_name("journal")) if row.record.step == "resume"]
    assert [one.outcome for one in notes] == ["passed over", "resumed"]
    assert "checksum does not fit" in notes[0].error
    assert paths(folder)[1].name in notes[1].error


def test_where_none_is_whole_nothing_is_begun(folder: Path, build: Workshop) -> None:
    """To begin fresh, without a word, would be to lose everything for one bad disk."""
    saved(folder, build(HANDS_OVER), 5)
    paths(folder)[0].write_bytes(b"")
    with make_host(folder) as host:
        with pytest.raises(SnapshotError, match="fewer than any snapshot"):
            host.load(build(HANDS_OVER))
        assert host.load(build(HANDS_OVER), resume="none").add(1) == 1


def test_how_to_begin_is_the_callers_word_and_else_the_hosts(folder: Path, build: Workshop) -> None:
    """Each of the three, asked for at the load or as a setting."""
    image = build(HANDS_OVER)
    with make_host(folder, resume="required") as host:
        with pytest.raises(SnapshotError, match=r"no snapshot in .* has instance main"):
            host.load(image)
        with pytest.raises(ValueError, match="it must be one of last, none, required"):
            host.load(image, resume="yes")
        assert host.load(image, resume="last").add(5) == 5
        host.snapshot("counter")
    with make_host(folder, resume="none") as host:
        assert host.load(image).add(1) == 1
    with make_host(folder) as host:
        assert host.load(image, resume="required").add(0) == 5
    with Host(probe="off") as host, pytest.raises(SnapshotError, match="the host has no folder"):
        host.load(image, resume="required")


def test_an_instance_that_is_added_later_begins_with_its_own(folder: Path, build: Workshop) -> None:
    """Also where the others were saved again in between."""
    with make_host(folder) as host:
        host.load(build(HANDS_OVER)).add(1)
        host.load("counter", instance="left").add(2)
        host.snapshot()
    saved(folder, build(HANDS_OVER), 4)
    with make_host(folder) as host:
        assert host.load(build(HANDS_OVER)).add(0) == 5
        assert host.load("counter", instance="left").add(0) == 2
        assert host.load("counter", instance="right").add(0) == 0
        assert host.load("counter", instance="again", resume="none").add(0) == 0


def test_the_last_good_version_goes_on_from_what_was_saved_on_probation(folder: Path, build: Workshop) -> None:
    """A host dies with a candidate on probation: the version before it comes back, with the state gained since."""
    journal, later = folder.with_name("journal"), replace(CONVERTS, build=2)  # of the same number
    with make_host(folder, journal=journal, probation="on", probation_s=3600, probation_max_s=3600) as host:
        counter = host.load(build(CONVERTS))
        counter.add(5)
        host.reload("counter", build(later))
        counter.add(2)
        host.snapshot()
    with make_host(folder, journal=journal) as host:
        host.restore_last_good()
        counter = host["counter"]
        assert (counter.build(), counter.add(0)) == (1, 7)


# --- when they are taken ---


def test_a_snapshot_says_where_it_is_and_how_long_callers_waited(folder: Path, build: Workshop) -> None:
    """And those without state are left out, unless they were named."""
    told: list[Any] = []
    with make_host(folder) as host:
        host.on("snapshot.taken", lambda event: told.append(event.facts["snapshot"]))
        host.load(build(BOTH)).add(5)
        host.load(build(STATELESS), name="plain")
        report = host.snapshot()
        taken = report.taken["counter"]
        assert taken.pause_us > 0
        assert (taken.instances, taken.number) == (("main",), 1)
        assert report.left_out == {"plain": "it declares no state"}
        assert [taken] == told
        assert "callers waited at most" in str(report)
        assert [label.number for _, label in host.snapshots("counter") if label is not None] == [1]
        with pytest.raises(SnapshotError, match="it declares no state; generation 1 serves on") as caught:
            host.snapshot("plain", "counter")
        assert caught.value.report.taken["counter"].number == 2  # type: ignore[attr-defined] # what was done all the same
        with pytest.raises(UnknownPlugin):
            host.snapshot("gian")
    kept = read_snapshot(taken.path)
    values = kept.instances[0].values
    assert values is not None
    assert read_values(values, on="it") == {"count": 5}
    assert taken.bytes == kept.bytes == len(values) + 8
    assert (kept.reason, kept.generation, kept.version, kept.instances[0].block) == (
        "asked", 1, "1.0.0", (5).to_bytes(8, "little"),
    )  # fmt: skip


def test_without_a_folder_none_is_taken(host: Host, build: Workshop) -> None:
    """Who asks is told what is missing."""
    host.load(build(HANDS_OVER))
    with pytest.raises(SnapshotError, match=r"it has no folder for them.*\n.*Host\(snapshots=FOLDER\)"):
        host.snapshot()


def test_close_takes_the_last_one_when_nobody_calls_any_more(folder: Path, build: Workshop) -> None:
    """An orderly end loses nothing; one that cannot be taken is told of, and the end goes on."""
    told: list[str] = []
    with make_host(folder, snapshot_at_close=True) as host:
        host.on("snapshot.*", lambda event: told.append(event.name))
        host.load(build(HANDS_OVER)).add(5)
    with make_host(folder, snapshot_at_close=True) as host:
        host.on("snapshot.*", lambda event: told.append(event.name))
        assert host.load(build(HANDS_OVER), config={"fail": "quiesce"}).add(0) == 5
    assert told == ["snapshot.taken", "snapshot.resumed", "snapshot.failed"]
    assert read_snapshot(paths(folder)[0]).reason == "close"


def test_a_schedule_takes_one_again_and_again(folder: Path, build: Workshop) -> None:
    """Nobody has to call anything; the thread is there only while something is loaded."""
    many = threading.Semaphore(0)
    with make_host(folder, snapshot_every_s=0.005, snapshots_kept=2) as host:
        host.on("snapshot.taken", lambda _: many.release())
        host.load(build(STATELESS), name="plain")
        host.load(build(HANDS_OVER))
        assert all(many.acquire(timeout=DEADLINE_S) for _ in range(4))
    assert len(paths(folder)) == 2
    assert read_snapshot(paths(folder)[0]).reason == "schedule"
    assert [one.name for one in threading.enumerate() if one.name == "hotgraft snapshots"] == []


def test_one_before_each_swap_is_kept_before_anything_of_the_candidate_runs(folder: Path, build: Workshop) -> None:
    """Its step is on the report; what is in it is what served."""
    with make_host(folder, snapshot_before_swap=True) as host:
        host.load(build(HANDS_OVER)).add(5)
        report = host.reload("counter", build(replace(HANDS_OVER, build=2)))
        steps = [one.step for one in report.steps]
        assert steps.index("snapshot") < steps.index("map")
    kept = read_snapshot(paths(folder)[0])
    assert (kept.reason, kept.generation) == ("before swap", 1)


def test_one_that_cannot_be_kept_refuses_the_swap(folder: Path, build: Workshop) -> None:
    """Fault R01: no room is no reason to go on without; the old generation serves, bit for bit."""
    with make_host(folder, snapshot_before_swap=True) as host:
        counter = host.load(build(HANDS_OVER))
        counter.add(5)
        folder.chmod(0o500)
        host._snapshots.require_folder().path = folder / "gone"
        with pytest.raises(SnapshotError, match=r"could not keep the snapshot.*generation 1 still serves"):
            host.reload("counter", build(replace(HANDS_OVER, build=2)))
        assert (counter.build(), counter.add(1)) == (1, 6)


def test_a_plugin_that_is_pinned_is_waited_for(folder: Path, build: Workshop) -> None:
    """A pin is a caller inside: who asks waits for it, until the deadline."""
    with make_host(folder) as host:
        counter = host.load(build(HANDS_OVER))
        with counter.pin(), pytest.raises(Busy, match=r"pinned.*generation 1 serves on"):
            host.snapshot(deadline_s=0.05)
        pin = counter.pin()
        timer = threading.Timer(0.02, pin.__exit__, (None, None, None))
        timer.start()
        assert host.snapshot(deadline_s=DEADLINE_S).taken["counter"].number == 1
        timer.join()


def test_one_from_inside_a_plugins_function_is_refused_at_once(folder: Path, build: Workshop) -> None:
    """It would wait for itself."""
    found: list[Exception] = []
    with make_host(folder) as host:
        counter: Any = host.load(build(HANDS_OVER))

        @ctypes.CFUNCTYPE(ctypes.c_int64)  # type: ignore[untyped-decorator] # ctypes says no types
        def ask() -> int:
            try:
                host.snapshot()
            except Busy as error:
                found.append(error)
            return 0

        counter.run(ctypes.cast(ask, ctypes.c_void_p).value)
    assert "wait for itself" in str(found[0])


@pytest.mark.parametrize(
    ("flag", "found"),
    [("-DPOINTS_TO_ITSELF", "points into the library that made it"), ("-DPOINTS_ELSEWHERE", "points to other memory")],
)
def test_addresses_are_not_written_to_disk(folder: Path, build: Workshop, flag: str, found: str) -> None:
    """In another process they lead nowhere, or to something else."""
    with make_host(folder) as host:
        host.load(build(replace(PLAIN, source="writes_state", hands_over=True, flags=(flag,))))
        with pytest.raises(SnapshotError, match=found):
            host.snapshot()
    assert snapshot_paths(folder) == {}


def test_what_serves_is_untouched_by_one_that_fails(folder: Path, build: Workshop) -> None:
    """Whatever fails on the way: the state is where it was, and calls go on."""
    with make_host(folder) as host:
        for step in ("quiesce", "surrender"):
            counter = host.load(build(HANDS_OVER), name=step, config={"fail": step})
            counter.add(5)
            with pytest.raises(PluginError, match=f"told to fail in {step}"):
                host.snapshot(step)
            assert counter.add(1) == 6


# --- settings ---


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"rollback_state": "kept"}, 'rollback_state is now called rollback; "kept" is rollback="keep"'),
        ({"rollback": "kept"}, "it must be one of keep, snapshot, refuse"),
        ({"snapshot_every_s": 1.0}, "snapshot_every_s is 1.0, and snapshots names no folder"),
        ({"snapshot_before_swap": True}, "snapshots names no folder"),
        ({"resume": "required"}, "snapshots names no folder"),
        ({"snapshots_kept": 0, "snapshots": "here"}, "of each plugin 1 or more are kept"),
        ({"snapshot_at_close": 1}, "it must be true or false"),
    ],
)
def test_settings_that_promise_what_cannot_be_are_refused(given: dict[str, Any], found: str) -> None:
    """Found out when the host is made, not when the state is wanted."""
    with pytest.raises(ConfigError, match=found):
        Host(**given)


def test_a_plan_names_no_step_for_what_a_setting_adds() -> None:
    """A snapshot is the host's; the plan of a swap is the same with it and without."""
    assert "snapshot" not in {str(one) for one in Action}


def test_what_an_earlier_version_has_no_place_for_is_said_as_it_begins(
    folder: Path, build: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    """Its next snapshot will be without it: nobody may have to find that out from the numbers."""
    saved(folder, build(replace(CONVERTS, **LATER)), 5)
    told: list[tuple[str, ...]] = []
    with make_host(folder, journal=folder.with_name("journal")) as host:
        host.on("snapshot.resumed", lambda event: told.append(event.facts["left_behind"]))
        assert host.load(build(CONVERTS)).add(0) == 5
    assert len(told) == 1 and len(told[0]) == 1
    assert f"left behind, there is no place for it: {told[0][0]}" in caplog.text
    [note] = [row.record for row in export(folder.with_name("journal")) if row.record.step == "resume"]
    assert told[0][0] in note.error
