"""Sessions in snapshots: each waits under its name until the program opens it again, and is never lost on the way."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hotgraft import DrainTimeout, Host, HotgraftError, PluginError, RollbackBlocked, SnapshotError, _core
from hotgraft.core.snapshot_import import snapshot_from_json
from hotgraft.core.snapshot_json import snapshot_to_json
from hotgraft.engine import snapshot_resume
from hotgraft.engine.snapshot_files import read_snapshot
from hotgraft.engine.snapshot_folder import SnapshotFolder, snapshot_paths
from sample_plugins import HANDS_OVER, SESSIONS, Workshop
from test_pins import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from hotgraft.core.snapshot import Snapshot
    from hotgraft.host.events import HostEvent
    from sample_plugins import Sample

NEW = replace(SESSIONS, build=2)
SAVED = replace(SESSIONS, hands_over=False, saves=True)
GROWN = replace(SESSIONS, grows=True)
WAYS = pytest.mark.parametrize("sample", [SESSIONS, SAVED, GROWN], ids=["block", "saved", "grown"])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where snapshots go; not there yet."""
    return tmp_path / "snapshots"


def make_host(folder: Path, **options: Any) -> Host:
    """Return one that tries no candidate first and takes no snapshot of its own accord."""
    return Host(snapshots=folder, **{"probe": "off", "snapshot_at_close": False, **options})


def newest(folder: Path) -> Snapshot:
    """Return what the newest file holds."""
    return read_snapshot(snapshot_paths(folder)["sessions"][0])


def saved(folder: Path, image: Path, **counts: int) -> None:
    """Let sessions of these names count that far, take a snapshot, and end as if it was killed after one call more."""
    with make_host(folder) as host:
        plugin = host.load(image)
        sessions = {name: plugin.session(who=name) for name in counts}
        for name, session in sessions.items():
            session.plugin.add(counts[name])
        assert host.snapshot().taken["sessions"].sessions == tuple(counts)
        for session in sessions.values():
            session.plugin.add(1_000)


@WAYS
def test_each_goes_on_under_its_name_in_the_next_process(folder: Path, build: Workshop, sample: Sample) -> None:
    """With its own state, on a later version, whichever way that comes there; who was not there begins fresh."""
    saved(folder, build(sample), alice=5, bob=7)
    with make_host(folder) as host:
        told: list[tuple[str, object]] = []
        host.on(
            "s*.resumed", lambda event: told.append((event.name, event.facts.get("sessions") or event.facts["session"]))
        )
        plugin = host.load(build(replace(sample, build=2)))
        assert host.waiting_sessions("sessions") == {"main": ("alice", "bob")}
        with plugin.session(who="bob") as bob, plugin.session(who="carol") as carol:
            assert (bob.build(), bob.add(0), carol.add(0)) == (2, 7, 0)
            assert host.waiting_sessions("sessions") == {"main": ("alice",)}
            host.reload("sessions", build(replace(sample, build=3)))
            assert (bob.build(), bob.add(1)) == (3, 8)
        assert told == [("snapshot.resumed", ("alice", "bob")), ("session.resumed", "bob")]
        assert not plugin.session(who="bob").is_resumed, "it ended, and its state with it"


def test_one_that_nobody_opens_is_carried_from_snapshot_to_snapshot(folder: Path, build: Workshop) -> None:
    """Over two processes and two versions, as it was left."""
    saved(folder, build(GROWN), alice=5, bob=7)
    with make_host(folder) as host:
        plugin = host.load(build(replace(GROWN, build=2)))
        with plugin.session(who="bob") as bob:
            bob.add(1)
            assert host.snapshot().taken["sessions"].sessions == ("bob", "alice")
    first, second = newest(folder).sessions
    assert (first.origin, first.since_ns) == (None, 0)
    assert second.origin is not None
    assert (second.origin.version, second.since_ns > 0) == ("1.0.0", True)
    with make_host(folder) as host:
        plugin = host.load(build(replace(GROWN, build=3)))
        with plugin.session(who="alice") as alice, plugin.session(who="bob") as bob:
            assert (alice.add(0), bob.add(0)) == (5, 8)


def test_those_of_one_name_come_back_in_the_order_in_which_they_were_opened(folder: Path, build: Workshop) -> None:
    """A name need not be one session's alone."""
    with make_host(folder) as host:
        plugin = host.load(build(SESSIONS))
        opened = [plugin.session(who="tab") for _ in range(4)]
        for count, session in enumerate(opened, 1):
            session.plugin.add(count)
        opened.pop(1).end()
        host.snapshot()
    with make_host(folder) as host:
        plugin = host.load(build(SESSIONS))
        again = [plugin.session(who="tab") for _ in range(4)]
        assert [(one.plugin.add(0), one.is_resumed) for one in again] == [(1, True), (3, True), (4, True), (0, False)]


def test_one_without_a_name_is_left_out_and_counted(folder: Path, build: Workshop) -> None:
    """Nobody could ask for it again; who came first would get it."""
    with make_host(folder) as host:
        plugin = host.load(build(SESSIONS))
        with plugin.session(), plugin.session(who="alice"):
            taken = host.snapshot().taken["sessions"]
        assert (taken.sessions, taken.unnamed) == (("alice",), 1)
        assert "1 session has no name and is left out" in str(taken)
    with make_host(folder) as host:
        assert not host.load(build(SESSIONS)).session(who="1").is_resumed


def test_one_that_a_pin_keeps_on_an_older_version_is_in_it_as_it_is_there(folder: Path, build: Workshop) -> None:
    """The file says which version each is of, and pins keep nobody from copying."""
    with make_host(folder) as host:
        plugin = host.load(build(GROWN))
        with plugin.session(who="alice") as alice, plugin.session(who="bob") as bob, alice.pin():
            alice.add(5)
            host.reload("sessions", build(replace(GROWN, build=2, version="1.1.0")))
            with bob.pin():
                bob.add(7)
                host.snapshot()
            assert (alice.generation, bob.generation) == (1, 2)
            assert (alice.add(1), bob.add(1)) == (6, 8)
    by_name = {one.name: one for one in newest(folder).sessions}
    origin = by_name["alice"].origin
    assert origin is not None
    assert (origin.version, origin.generation, by_name["bob"].origin) == ("1.0.0", 1, None)
    with make_host(folder) as host:
        plugin = host.load(build(replace(GROWN, build=3, version="1.2.0")))
        with plugin.session(who="alice") as alice, plugin.session(who="bob") as bob:
            assert (alice.add(0), bob.add(0)) == (5, 7)


def test_the_one_at_close_holds_those_that_were_open(folder: Path, build: Workshop) -> None:
    """Whoever ends a session gives up its state, and whoever ends the host does not."""
    with make_host(folder, snapshot_at_close=True) as host:
        plugin = host.load(build(SESSIONS))
        alice, bob = plugin.session(who="alice"), plugin.session(who="bob")
        alice.plugin.add(5)
        bob.end()
    assert [one.name for one in newest(folder).sessions] == ["alice"]
    with pytest.raises(HotgraftError, match="the host is closed"):
        alice.plugin.add(1)


def test_one_before_a_swap_holds_them_and_a_rollback_carries_them_back(folder: Path, build: Workshop) -> None:
    """Sessions go back with what they gained: no copy of before is gone back to."""
    options = {"snapshot_before_swap": True, "rollback": "snapshot", "probation": "on"}
    with make_host(folder, **options) as host:
        plugin = host.load(build(SESSIONS))
        with plugin.session(who="alice") as alice:
            alice.add(5)
            host.reload("sessions", build(NEW))
            assert [one.name for one in newest(folder).sessions] == ["alice"]
            alice.add(1)
            assert not host.rollback("sessions").is_lossy
            assert (alice.build(), alice.add(0)) == (1, 6)


def test_a_rollback_to_a_snapshot_of_sessions_is_refused_by_name(folder: Path, build: Workshop) -> None:
    """Where one cannot be carried back: no copy of sessions is kept for that, and all go on with what runs."""
    with make_host(folder, rollback="snapshot", probation="on") as host:
        alice = host.load(build(SESSIONS)).session(who="alice")
        host.reload("sessions", build(NEW))
        alice.plugin.add(13)
        with pytest.raises(RollbackBlocked) as caught:
            host.rollback("sessions")
        assert any("sessions go on with what runs" in one for one in caught.value.found)
        assert (alice.plugin.build(), alice.plugin.add(0)) == (2, 13)


def test_one_on_schedule_holds_them(folder: Path, build: Workshop) -> None:
    """Nobody asks, and it is there."""
    taken = threading.Event()
    with make_host(folder, snapshot_every_s=0.01) as host:
        plugin = host.load(build(SESSIONS))
        with plugin.session(who="alice"):

            def look(event: HostEvent) -> None:
                if event.facts["snapshot"].sessions:
                    taken.set()

            host.on("snapshot.taken", look)
            assert taken.wait(30)


def test_one_that_was_edited_goes_on_with_what_was_written(folder: Path, build: Workshop) -> None:
    """As text, by name: what `hotgraft state export` and `import` do."""
    described = replace(GROWN, build=2)
    saved(folder, build(described), alice=5, bob=7)
    text = snapshot_to_json(newest(folder), on="it")
    text["sessions"][0]["state"]["count"] = 50
    kept = SnapshotFolder(folder, kept=8, max_age_s=0.0, wall_ns=lambda: 0)
    kept.write(snapshot_from_json(text, on="it"))
    kept.close()
    with make_host(folder) as host:
        plugin = host.load(build(described))
        with plugin.session(who="alice") as alice, plugin.session(who="bob") as bob:
            assert (alice.add(0), bob.add(0)) == (50, 7)


# --- what an opened session says ---


def test_it_can_begin_fresh_or_insist(folder: Path, build: Workshop) -> None:
    """`none` gives up what waits; `required` names what does."""
    saved(folder, build(SESSIONS), alice=5, bob=7)
    with make_host(folder) as host:
        plugin = host.load(build(SESSIONS))
        with plugin.session(who="alice", resume="none") as alice:
            assert alice.add(0) == 0
        assert host.waiting_sessions("sessions") == {"main": ("bob",)}
        with pytest.raises(SnapshotError, match="nothing waits under the name 'alice'; these do: bob"):
            plugin.session(who="alice", resume="required")
        opened = plugin.session(who="bob", resume="required")  # ends when nobody has it
        assert opened.plugin.add(0) == 7
        with pytest.raises(ValueError, match="resume is 'perhaps'"):
            plugin.session(who="bob", resume="perhaps")


def test_one_that_goes_on_in_an_earlier_version_says_what_it_left_behind(
    folder: Path, build: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    """Its next snapshot does not have it any more."""
    saved(folder, build(replace(GROWN, build=2, version="1.1.0")), alice=5, bob=7)
    told: list[tuple[str, ...]] = []
    with make_host(folder) as host:
        host.on("session.resumed", lambda event: told.append(event.facts["left_behind"]))
        plugin = host.load(build(GROWN))
        opened = plugin.session(who="alice")
        assert opened.plugin.add(0) == 5
        assert told == [opened.left_behind]
        assert opened.left_behind
        assert f"session alice: left behind, there is no place for it: {', '.join(opened.left_behind)}" in caplog.text
        assert plugin.session(who="carol").left_behind == ()


def test_what_take_refuses_waits_on(folder: Path, build: Workshop) -> None:
    """Nothing of it is opened; the next try finds it as it was."""
    saved(folder, build(SAVED), alice=13)
    with make_host(folder) as host:
        plugin = host.load(build(SAVED))
        with pytest.raises(PluginError, match="it counted to 13") as caught:
            plugin.session(who="alice")
        assert caught.value.found[-1] == f"it was to go on from {snapshot_paths(folder)['sessions'][0].name}"
        assert 'resume="none" begins fresh' in caught.value.advice
        assert host.waiting_sessions("sessions") == {"main": ("alice",)}
        opened = plugin.session(who="alice", resume="none")  # ends when nobody has it
        assert opened.plugin.add(0) == 0
    assert host.unloads(deadline_s=10).stuck == (), "the one that took nothing is destroyed: else it would abort"


REFUSED = [
    (
        replace(SESSIONS, layout=8),
        "session alice and 1 more: its state would be lost: .* layout is 0x7 and would be 0x8",
    ),
    (replace(HANDS_OVER, name="sessions", interface="sessions"), "its kind is session and would be single"),
]


@pytest.mark.parametrize(("after", "found"), REFUSED, ids=["layout", "kind"])
def test_a_version_that_they_cannot_come_to_is_not_loaded(
    folder: Path, build: Workshop, after: Sample, found: str
) -> None:
    """As with any state, it is refused before anything of it runs; with none in it there is nothing to lose."""
    saved(folder, build(SESSIONS), alice=5, bob=7)
    with make_host(folder) as host:
        with pytest.raises(SnapshotError, match=found) as caught:
            host.load(build(after))
        assert len(caught.value.found) <= 3, "once for all that are of one version"
        assert "sessions" not in host


def test_the_programs_converters_bring_them_over(folder: Path, build: Workshop) -> None:
    """Where the meaning changed in between, as in a swap."""
    saved(folder, build(SAVED), alice=5)
    later = replace(SAVED, build=2, schema=2, version="1.1.0")
    with make_host(folder) as host:
        tenfold = host.converter("sessions", from_schema=1, to_schema=2)
        tenfold(lambda state: {"count": state["count"] * 10})
        with host.load(build(later)).session(who="alice") as alice:
            assert alice.add(0) == 50


@pytest.mark.control
def test_control_without_what_waits_in_the_copy_it_is_lost(
    folder: Path, build: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the next snapshot has of it comes from there."""
    saved(folder, build(SESSIONS), alice=5)
    monkeypatch.setattr(snapshot_resume, "waiting_in", lambda _kept, _instances: ())
    with make_host(folder) as host:
        host.load(build(SESSIONS))
        assert host.snapshot().taken["sessions"].sessions == ()


@pytest.mark.full
def test_calls_go_on_around_it_and_none_is_lost(folder: Path, build: Workshop) -> None:
    """Callers of a session wait for the moment of the copy, and what they did before it is in it."""
    with make_host(folder) as host:
        plugin = host.load(build(SESSIONS))
        session = plugin.session(who="alice")
        is_over, calls = threading.Event(), [0, 0]

        def call(place: int) -> None:
            while not is_over.is_set():
                session.plugin.add(1)
                calls[place] += 1

        threads = [threading.Thread(target=call, args=(place,)) for place in range(2)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(5):
                before = sum(calls)
                host.snapshot("sessions")
                block = newest(folder).sessions[0].state.block
                assert block is not None
                assert before <= int.from_bytes(block[:8], "little") <= session.plugin.add(0)
        finally:
            is_over.set()
            for thread in threads:
                thread.join()
        assert session.plugin.add(0) == sum(calls)


# --- what goes wrong while it is taken ---


def test_one_that_does_not_take_its_state_back_puts_its_plugin_out_of_service(folder: Path, build: Workshop) -> None:
    """The next swap is what brings it back; until then nobody is answered, and whoever listens is told."""
    with make_host(folder) as host:
        told: list[str] = []
        host.on("s*", lambda event: told.append(event.name))
        plugin = host.load(build(SESSIONS))
        alice, bob = plugin.session(who="alice"), plugin.session(who="bob")
        alice.plugin.add(17)
        with pytest.raises(PluginError, match="it counted to 17") as caught:
            host.snapshot("sessions")
        assert '"alice" has not got its state back' in caught.value.running
        for handle in (alice.plugin, bob.plugin, plugin):
            with pytest.raises(HotgraftError, match=r"out of service|nothing of the plugin is called"):
                handle.add(1)
        assert sorted(told) == ["snapshot.failed", "swap.out_of_service"]


def test_a_call_that_stays_in_a_session_is_waited_for_and_the_copy_is_called_off(folder: Path, build: Workshop) -> None:
    """All serve on; nothing was surrendered."""
    with make_host(folder) as host:
        plugin = host.load(build(SESSIONS))
        alice = plugin.session(who="alice")
        alice.plugin.add(5)
        calls = _core.read_meter(plugin._owner.loaded.serving.generation, 0)[1]
        thread = threading.Thread(target=alice.plugin.nap, args=(400,))
        thread.start()
        try:
            wait_until(lambda: _core.read_meter(plugin._owner.loaded.serving.generation, 0)[1] > calls)
            with pytest.raises(DrainTimeout):
                host.snapshot("sessions", deadline_s=0.02)
        finally:
            thread.join()
        assert alice.plugin.add(1) == 6


def test_a_session_of_what_is_out_of_service_is_destroyed_when_it_ends(folder: Path, build: Workshop) -> None:
    """The lost one and the others: nothing of theirs stays for as long as the generation does."""
    with make_host(folder) as host:
        plugin = host.load(build(SESSIONS))
        generation = plugin._owner.loaded.serving.generation
        alice, bob = plugin.session(who="alice"), plugin.session(who="bob")
        alice.plugin.add(17)
        with pytest.raises(PluginError, match="it counted to 17"):
            host.snapshot("sessions")
        bob.end()
        assert generation.sessions == 1
        alice.end()
        assert (generation.sessions, bool(generation.out_of_service)) == (0, True)
        host.reload("sessions", build(NEW))
        opened = plugin.session(who="carol")  # ends when nobody has it
        assert opened.plugin.add(1) == 1
