"""`host/health.py`: what the checks of a plugin come to, what is counted, and what is told of."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hotgraft.core.errors import UnknownPlugin
from sample_plugins import PLAIN, STATELESS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from hotgraft import HealthReport, Host, HostEvent
    from sample_plugins import Workshop

UNHEALTHY = replace(PLAIN, source="unhealthy")
BRIEF_S = 0.05  # of a check that hangs: it is waited for in full


@pytest.fixture
def counter(host: Host, build: Workshop) -> Any:
    """A plugin without a check of its own."""
    return host.load(build(STATELESS))


@pytest.fixture
def door() -> Iterator[threading.Event]:
    """What a check that hangs waits for; open when the test is over."""
    opened = threading.Event()
    yield opened
    opened.set()


@pytest.fixture
def told(host: Host) -> list[HostEvent]:
    """What is said about health."""
    events: list[HostEvent] = []
    host.on("health.*", events.append)
    return events


def raising(error: BaseException) -> Callable[[object], None]:
    """A check that raises."""

    def check(_plugin: object) -> None:
        raise error

    return check


class bool_:  # noqa: N801 - numpy's name: its False is another object than Python's
    """What a comparison of numpy's numbers answers."""

    def __bool__(self) -> bool:
        return False


def test_the_plugin_says_of_itself_whether_it_is_fit(unprobed: Host, build: Workshop) -> None:
    """The ABI's check: quickly, and closely where that is asked for; the sentence is the plugin's own."""
    unprobed.load(build(UNHEALTHY))

    quick = unprobed.check_health("plain")
    full = unprobed.check_health("plain", is_full=True)

    assert (quick.is_fit, quick.findings, quick.generation) == (True, (), 1)
    assert not full.is_fit
    assert "the model answers 3 of 8 questions" in full.findings[0]
    assert str(full).startswith("plain: generation 1 is not fit: health of instance")


def test_every_instance_is_asked(unprobed: Host, build: Workshop) -> None:
    """One that is not fit among many is a plugin that is not fit, and the finding names it."""
    seen: list[Any] = []
    left = unprobed.load(build(UNHEALTHY), instance="left", config={"fails_after": 1})
    right = unprobed.load("plain", instance="right", config={"fails_after": 1})
    unprobed.health("plain")(seen.append)

    report = unprobed.check_health("plain")

    assert ['instance "right"' in sentence for sentence in report.findings] == [True]
    assert seen == [left, right]


@pytest.mark.parametrize("answer", [None, True, 0, "", (), 1], ids=repr)
def test_a_function_that_answers_anything_but_false_says_fit(host: Host, counter: object, answer: object) -> None:
    """A check that only asserts answers None; one that answers a status answers 0 when all is well."""
    host.health("counter")(lambda plugin: answer)

    assert host.check_health("counter").is_fit


@pytest.mark.parametrize(
    ("check", "sentence"),
    [
        (lambda plugin: False, "it answered False"),
        (lambda plugin: bool_(), "it answered False"),
        (raising(AssertionError("it is silent")), "it is silent"),
        (raising(AssertionError()), "AssertionError"),
        (raising(MemoryError()), "MemoryError"),
        (raising(SystemExit(3)), "3"),
    ],
    ids=["False", "numpy's False", "assert", "assert without a sentence", "no memory", "exit"],
)
def test_a_function_that_answers_false_or_raises_says_why_not(
    host: Host, counter: object, check: Callable[[Any], object], sentence: str
) -> None:
    """Whatever it raises is a reason, and ends nothing else."""
    host.health("counter")(check)

    report = host.check_health("counter")

    assert not report.is_fit
    assert report.findings == report.reasons == (f"{check.__name__}: {sentence}",)


def test_functions_are_called_with_the_handle_on_another_thread(host: Host, counter: object) -> None:
    """Several per plugin; each stays what it was for whoever calls it by its name."""
    calls: list[tuple[str, object, int]] = []

    @host.health("counter")
    def first(plugin: object) -> None:
        calls.append(("first", plugin, threading.get_ident()))

    @host.health("counter")
    def second(plugin: object) -> str:
        calls.append(("second", plugin, threading.get_ident()))
        return "called"

    assert host.check_health("counter").is_fit
    assert [(name, plugin) for name, plugin, _ in calls] == [("first", counter), ("second", counter)]
    assert threading.get_ident() not in {ident for *_, ident in calls}
    assert second(counter) == "called"


def test_functions_outlive_a_reload(host: Host, counter: Any, build: Workshop) -> None:
    """They belong to the plugin, not to one build of it."""

    builds: list[int] = []

    @host.health("counter")
    def notes_build(plugin: Any) -> None:
        builds.append(plugin.build())

    host.check_health("counter")
    host.reload("counter", build(replace(STATELESS, build=2)))
    report = host.check_health("counter")
    assert (report.is_fit, report.generation) == (True, 2)
    assert builds == [1, 2, 2]  # right after publish as well


def test_a_name_that_is_not_loaded_is_refused_at_once(host: Host, counter: object) -> None:
    """A check under a misspelled name would never run and never fail."""
    for ask in (host.health, host.check_health, host.health_of):
        with pytest.raises(UnknownPlugin, match="countre"):
            ask("countre")
    with pytest.raises(TypeError, match="callable"):
        host.health("counter")("not a function")  # type: ignore[type-var] # that is the mistake


def test_a_function_that_hangs_counts_as_failed_and_is_not_called_again(
    host: Host, counter: Any, door: threading.Event
) -> None:
    """It blocks nobody: the plugin is called, and one that comes back is asked again."""
    calls, entered = [], threading.Event()

    @host.health("counter")
    def waits(plugin: object) -> None:
        calls.append(plugin)
        entered.set()
        assert door.wait(60)

    first = host.check_health("counter", deadline_s=BRIEF_S)
    assert entered.wait(60)
    second = host.check_health("counter", deadline_s=60)

    assert (first.is_fit, first.hung, first.findings) == (False, ("waits",), ())
    assert (second.is_fit, second.hung, len(calls)) == (False, ("waits",), 1)
    assert second.reasons == ("waits has not come back",)
    assert counter.build() == 1
    door.set()
    while not host.check_health("counter", deadline_s=60).is_fit:
        pass
    assert len(calls) == 2


def test_two_that_ask_at_once_take_turns(host: Host, counter: object, door: threading.Event) -> None:
    """A check that is under way and within its deadline does not hang: who comes second waits for it."""
    inside, most, calls = threading.Semaphore(1), [], threading.Event()

    @host.health("counter")
    def alone(plugin: object) -> None:
        most.append(inside.acquire(blocking=False))
        calls.set()
        assert door.wait(60)
        inside.release()

    reports: list[HealthReport] = []
    threads = [threading.Thread(target=lambda: reports.append(host.check_health("counter"))) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert calls.wait(60)
    door.set()
    for thread in threads:
        thread.join()
    assert [report.is_fit for report in reports] == [True, True]
    assert most == [True, True]


def test_what_is_told_of_is_a_change(host: Host, counter: object, told: list[HostEvent]) -> None:
    """A hundred failures in a row are one piece of news; each is counted."""
    answers = [True, False, False, True, True, False]
    left = iter(answers)
    host.health("counter")(lambda plugin: next(left))

    reports = [host.check_health("counter") for _ in answers]

    assert [event.name for event in told] == ["health.failed", "health.recovered", "health.failed"]
    assert [event.facts["report"] for event in told] == [reports[1], reports[3], reports[5]]
    assert host._health.counts(host._loaded("counter")) == (6, 3)


def test_the_newest_report_is_kept(host: Host, counter: object) -> None:
    """For whoever looks later; nothing was said before the first question."""
    assert host.health_of("counter") is None
    report = host.check_health("counter")
    assert host.health_of("counter") is report
    assert report.took_us > 0
    assert report.as_dict()["is_fit"] is True


def test_a_check_without_a_thread_says_nothing_about_the_plugin(
    host: Host, counter: object, told: list[HostEvent], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that has no thread to spare is no reason to roll a build back; it is not counted, and it is said."""
    host.health("counter")(lambda plugin: False)

    def start(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        report = host.check_health("counter")

    assert (report.is_fit, report.findings) == (True, ())
    assert "can't start new thread" in report.not_asked[0]
    assert host.health_of("counter") is None
    assert told == []
    assert not host.check_health("counter").is_fit


def test_what_was_replaced_meanwhile_does_not_count(
    host: Host, counter: object, build: Workshop, told: list[HostEvent]
) -> None:
    """A failure of the old generation that arrives late must not be held against the new one."""
    image = build(replace(STATELESS, build=2))

    @host.health("counter")
    def reloads(plugin: object) -> bool:
        host.reload("counter", image)
        return False

    assert host.check_health("counter", deadline_s=60).generation == 1
    assert host.health_of("counter") is None
    assert host._health.counts(host._loaded("counter")) == (0, 0)
    assert told == []


def test_passes_five_times_then_fails(unprobed: Host, build: Workshop, told: list[HostEvent]) -> None:
    """Fault I14's plugin, as a host sees it: each look is one look, and the sixth finds the crack."""
    unprobed.on("health.*", told.append)
    unprobed.load(build(UNHEALTHY), config={"fails_after": 5})

    fits = [unprobed.check_health("plain").is_fit for _ in range(6)]

    assert fits == [True] * 5 + [False]
    assert [event.name for event in told] == ["health.failed"]
    assert "look 6 found a crack" in str(told[0].facts["report"])


def test_a_hung_check_of_a_plugin_is_named(unprobed: Host, build: Workshop, tmp_path: Path) -> None:
    """The report says which check it was; the rest of the report still holds."""
    until = tmp_path / "until"
    unprobed.load(build(UNHEALTHY), config={"hangs_from": 1, "until": str(until)})
    assert unprobed.check_health("plain", deadline_s=BRIEF_S).hung == ("health",)
    unprobed.health("plain")(lambda plugin: plugin.add(2, 3) != 5)

    report = unprobed.check_health("plain", deadline_s=60)  # what hangs is not waited for again
    until.touch()

    assert (report.hung, report.findings) == (("health",), ("<lambda>: it answered False",))
