"""A candidate that would kill, hang or spoil the process is refused by the probe, and the host is untouched."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from belongings import belongings
from child_process import run_child
from hotgraft import ContractError, Host, LoadError, Outcome, PluginError, ProbeError
from hotgraft.core.probing import STAGES
from hotgraft.engine.probe import helper_path
from probe_scene import faulty, refuse
from sample_plugins import CALLER_PLUGIN, HANDS_OVER, PLAIN, Sample

if TYPE_CHECKING:
    from sample_plugins import Workshop


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to be unfit at load: the plugin, and what must be said of it."""

    code: str
    sample: Sample
    stage: str
    words: tuple[str, ...]
    signal: str = ""

    def __str__(self) -> str:
        return f"{self.code} {self.sample.source} {self.stage}"


FAULTS = (
    Fault("I01", faulty("constructor_crashes"), "map", ("nothing is mapped at 0x0; in write_to_null+",), "SIGSEGV"),
    Fault("I02", faulty("constructor_aborts"), "map", ("SIGABRT", "in construct+"), "SIGABRT"),
    Fault("I03", faulty("constructor_exits"), "map", ("ended the process with exit code 0",)),
    Fault("I04", faulty("throws_at_load"), "map", ("std::runtime_error, no device", "open_device"), "SIGABRT"),
    Fault(
        "I04", faulty("throws_at_load", "-DIN_CREATE"), "create", ("std::runtime_error, no device", "main"), "SIGABRT"
    ),
    Fault("I05", faulty("constructor_never_ends"), "map", ("within 1 s", "in go_round+")),
    Fault("I06", faulty("constructor_waits_for_loader"), "map", ("within 1 s", "in wait_for_loader+")),
    Fault("E18", faulty("ifunc_crashes"), "map", ("nothing is mapped at 0x0; in choose+",), "SIGSEGV"),
)


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_what_would_kill_or_hang_the_process_at_load_is_refused(
    request: pytest.FixtureRequest, build: Workshop, staged: Path, fault: Fault
) -> None:
    """Faults I01, I02, I03, I04, I05, I06 and E18: it happens in the probe, and is told by stage and function."""
    host = request.getfixturevalue("tired" if WAYS["hang"] in fault.words else "probing")
    host.load(build(PLAIN))

    error = refuse(host, build(fault.sample), staged)

    assert isinstance(error, ProbeError)
    assert (error.stage, error.signal) == (fault.stage, fault.signal), error
    for word in fault.words:
        assert word in error.found[0]


@pytest.mark.parametrize("source", ["constructor_crashes", "constructor_never_ends"])
@pytest.mark.control
def test_without_a_probe_the_host_dies(build: Workshop, source: str) -> None:
    """Faults I01 and I05 in the process itself: a constructor that crashes ends it, one that hangs holds the loader."""
    done = run_child("crash_probe_off.py", build(PLAIN), build(faulty(source)), deadline_s=30)

    assert done.returncode == -(signal.SIGSEGV if source == "constructor_crashes" else signal.SIGALRM), done.stderr


# --- every stage, every way ---

BEFORE = ("limits", "residents", "providers")
WAYS = {"crash": "SIGSEGV", "abort": "SIGABRT", "exit": "exit code 7", "hang": "within 1 s"}
# In the quick tier each stage meets one way; the others, and what takes a deadline each, are for the full one.
CELLS = [
    pytest.param(stage, way, marks=() if way == ("crash", "exit")[number % 2] else pytest.mark.full)
    for number, stage in enumerate(one for one in STAGES if one not in BEFORE)
    for way in WAYS
]
HANDED = replace(PLAIN, source="fails_in", hands_over=True, saves=True)


@pytest.mark.parametrize(("stage", "way"), CELLS)
def test_a_fault_in_any_stage_is_refused_and_told_by_stage(
    request: pytest.FixtureRequest,
    build: Workshop,
    staged: Path,
    monkeypatch: pytest.MonkeyPatch,
    stage: str,
    way: str,
) -> None:
    """Generated from the probe's own list, so that a stage without faults cannot be."""
    host = request.getfixturevalue("tired" if way == "hang" else "probing")
    plain = host.load(build(HANDED))
    assert plain.add(2, 3) == 5
    monkeypatch.setenv("FAILS_IN", f"{stage}:{way}")

    error = refuse(host, build(replace(HANDED, layout=8 if stage == "restore" else 7, version="1.0.1")), staged)

    assert isinstance(error, ProbeError)
    assert error.stage == stage
    assert WAYS[way] in error.found[0]
    monkeypatch.delenv("FAILS_IN")
    assert host.reload("plain").outcome is Outcome.PUBLISHED
    assert plain.calls() == 1


def test_the_stages_are_those_of_the_helper() -> None:
    """Two lists of one thing."""
    done = subprocess.run([helper_path(), "--stages"], capture_output=True, text=True, check=True)

    assert tuple(done.stdout.split()) == STAGES


# --- what a candidate takes and says ---


def test_a_first_load_is_probed_too(probing: Host, build: Workshop, staged: Path) -> None:
    """Nothing serves yet, and the process is worth as much."""
    with pytest.raises(ProbeError, match="write_to_null") as caught:
        probing.load(build(faulty("constructor_crashes")))

    assert caught.value.running == "nothing of it is loaded"
    assert list(probing) == []
    assert belongings(staged)["copies"] == []


def test_a_config_that_create_crashes_on_is_refused(
    probing: Host, build: Workshop, staged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new config and a further instance run create as a new image does."""
    plain = probing.load(build(HANDED))
    monkeypatch.setenv("FAILS_IN", "create:crash")
    with pytest.raises(ProbeError, match="create of main: SIGSEGV"):
        probing.configure("plain", {"gain": 2})
    with pytest.raises(ProbeError, match="create of left: SIGSEGV"):
        probing.load("plain", instance="left")

    monkeypatch.delenv("FAILS_IN")
    assert probing.load("plain", instance="left").add(1, 1) == 2
    assert plain.generation == 1


@pytest.mark.parametrize("what", ["memory", "fds"])
def test_what_takes_too_much_meets_a_limit(
    probing: Host, build: Workshop, staged: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """Fault I11: ten gigabytes or ten thousand fds are asked for in the probe, which gives 2 GiB and 256."""
    probing.load(build(PLAIN))
    monkeypatch.setenv("TAKES", what)

    error = refuse(probing, build(faulty("takes_everything")), staged, error=PluginError)

    assert {"memory": "no memory after 2", "fds": "no fd after some 2"}[what] in error.found[0]


def test_what_takes_memory_without_looking_crashes_in_the_probe(
    probing: Host, build: Workshop, staged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault I11 as it is met more often: nobody looks at what malloc answers."""
    probing.load(build(PLAIN))
    monkeypatch.setenv("TAKES", "greedy")

    assert "nothing is mapped at 0x0" in refuse(probing, build(faulty("takes_everything")), staged).found[0]


def test_what_says_that_it_is_unfit_is_refused(probing: Host, build: Workshop, staged: Path) -> None:
    """Fault I12: its own full health check says no, in its own words."""
    probing.load(build(PLAIN))

    error = refuse(probing, build(faulty("unhealthy")), staged, error=PluginError)

    assert "the model answers 3 of 8 questions" in error.found[0]


def test_a_health_check_that_hangs_is_refused(tired: Host, build: Workshop, staged: Path) -> None:
    """Fault I13: before it serves, a check that says nothing is a no."""
    tired.load(build(PLAIN))

    error = refuse(tired, build(faulty("unhealthy", "-DHANGS")), staged)

    assert "health of main: did not return within 1 s" in error.found[0]


CHANGES = {
    "signal": "SIGUSR2 was left at to ignore it",
    "locale": "the locale was changed from C to ",
    "folder": "the working directory was changed from ",
    "umask": "the umask was changed from ",
    "environment": "the environment was changed: CHANGED_BY_A_PLUGIN",
    "limit": "RLIMIT_NOFILE was changed",
}
COSTS = {
    "fpu": "the floating-point mode of its thread was changed",
    "fd": "was left open: /dev/zero",
    "child": "a process that it started is still running",
}


def test_what_changes_the_process_is_refused_with_every_change(probing: Host, build: Workshop, staged: Path) -> None:
    """Fault I16: signal handlers, locale, working directory, umask, environment and limits belong to the host."""
    probing.load(build(PLAIN))
    image = build(faulty("changes_process"))
    before = belongings(staged)

    with pytest.raises(ProbeError) as caught:
        probing.reload("plain", image, config={"change": list(CHANGES)})

    assert len(caught.value.found) == len(CHANGES), caught.value
    for sentence, words in zip(caught.value.found, CHANGES.values(), strict=True):
        assert words in sentence
    assert belongings(staged) == before
    assert probing.reload("plain", image).outcome is Outcome.PUBLISHED


def test_what_only_costs_something_is_reported(probing: Host, build: Workshop) -> None:
    """Fault I16: a thread's own mode ends with it, and an fd or a process is the plugin's: the report says so."""
    probing.load(build(PLAIN))

    report = probing.reload("plain", build(faulty("changes_process")), config={"change": list(COSTS)})

    assert report.probe is not None
    for sentence, words in zip(report.probe.warnings, COSTS.values(), strict=True):
        assert words in sentence
        assert f"seen in the probe: {sentence}" in str(report)


def test_changes_of_the_process_are_let_in_where_a_host_says_so(build: Workshop) -> None:
    """A program may know that its plugin ignores a signal, and want it to."""
    before = signal.getsignal(signal.SIGUSR2)
    try:
        with Host(probe_changes="report") as host:
            host.load(build(PLAIN))
            report = host.reload("plain", build(faulty("changes_process")), config={"change": ["signal"]})
            assert report.outcome is Outcome.PUBLISHED
            assert report.probe is not None
            assert report.probe.warnings == (CHANGES["signal"],)
    finally:
        signal.signal(signal.SIGUSR2, before)


# --- what the probe cannot or must not do ---


def test_a_consumer_is_probed_with_its_real_provider(probing: Host, build: Workshop) -> None:
    """create and start may call what they import."""
    probing.load(build(HANDS_OVER))
    probing.load(build(CALLER_PLUGIN))

    report = probing.reload("caller")

    assert report.probe is not None
    assert dict(report.probe.stages).keys() >= {"providers counter", "start main"}
    assert report.probe.not_probed == ""
    assert report.probe.warnings == ()  # what is kept open while the provider is mapped is not the plugin's


def test_a_provider_that_fails_in_the_probe_is_not_the_candidates_fault(probing: Host, build: Workshop) -> None:
    """It serves in the host: a port that can be had only once must not turn its consumers down."""
    probing.load(build(HANDS_OVER), config={"only": "once"})
    probing.load(build(CALLER_PLUGIN))
    probing._plugins["counter"].instances["main"].config_json = '{"fail": "start"}'

    report = probing.reload("caller")

    assert report.outcome is Outcome.PUBLISHED
    assert report.probe is not None
    assert report.probe.not_probed.startswith("providers of counter: ")
    assert "told to fail in start" in report.probe.not_probed


def test_what_only_the_host_program_has_is_never_a_false_refusal(probing: Host, build: Workshop) -> None:
    """A plugin that calls Python's own functions cannot be mapped where there is no Python."""
    report_of = probing.load(build(replace(PLAIN, source="needs_python", version="1.0.2")))
    assert report_of.add(1, 2) == 3

    report = probing.reload("plain")

    assert report.probe is not None
    assert "PyLong_AsLong" in report.probe.not_probed


def test_how_far_a_candidate_is_brought_is_the_hosts_to_say(build: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where start takes a port, the probe must not take it from what serves."""
    with Host(probe="create") as host:
        host.load(build(HANDED))
        report = host.reload("plain")
        assert report.probe is not None
        assert [stage.split()[0] for stage, _ in report.probe.stages][-4:] == [
            "create",
            "interface",
            "destroy",
            "close",
        ]
        monkeypatch.setenv("FAILS_IN", "create:exit")
        with pytest.raises(ProbeError, match="exit code 7"):
            host.reload("plain")


def test_what_a_candidate_starts_does_not_outlive_the_probe(
    probing: Host, build: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that start left behind is ended with the probe's."""
    mark = f"PROBED_BY_TEST_{os.getpid()}"
    probing.load(build(PLAIN))
    monkeypatch.setenv(mark, "1")

    report = probing.reload("plain", build(faulty("changes_process")), config={"change": ["child"]})

    assert report.probe is not None
    assert report.probe.warnings == (COSTS["child"],)
    until = time.monotonic() + 60
    while _processes_with(mark):
        assert time.monotonic() < until
        threading.Event().wait(0.002)


def _processes_with(variable: str) -> list[Path]:
    """What lives on this machine and was started with that variable, but for this process."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                if variable.encode() in (entry / "environ").read_bytes():
                    found.append(entry)
    return found


def test_contract_errors_of_the_tables_keep_their_class(probing: Host, build: Workshop, staged: Path) -> None:
    """The decision is the same, wherever the lie was found."""
    probing.load(build(PLAIN))

    refuse(probing, build(faulty("interface_null")), staged, error=ContractError)
    refuse(probing, build(faulty("required_null")), staged, error=LoadError)
