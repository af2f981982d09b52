"""What a watcher decides, with a clock made by hand."""

from __future__ import annotations

import itertools

import pytest
from hotgraft.core.watching import EVENTS, REFUSED_KEPT, STILL_S, Contents, Hint, Pace, Settling, Verdict, hints_of


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("closed", [("a", Hint.FINISHED)]),
        ("moved", [("a", Hint.LOOK), ("b", Hint.FINISHED)]),
        ("created", [("a", Hint.APPEARED)]),
        ("modified", []),
        ("deleted", [("a", Hint.LOOK)]),
        ("attrib", []),
        ("opened", []),
        ("closed_no_write", []),
        ("of a later watchdog", []),
    ],
)
def test_a_write_is_no_hint_and_its_end_is_one(kind: str, said: list[tuple[str, Hint]]) -> None:
    """A hint at every write would read a file again and again that is not finished."""
    assert list(hints_of(kind, "a", "b" if kind == "moved" else "")) == said


def test_every_event_of_a_poller_is_a_look() -> None:
    """A poller sees no writer close: what it calls moved or created may still be written."""
    for kind in EVENTS:
        assert hints_of(kind, "a", "", is_polled=True) == (("a", Hint.LOOK),)


def test_the_less_is_known_of_the_writer_the_longer_the_file_holds_still() -> None:
    """A writer that pauses must not be taken for one that has finished."""
    assert STILL_S[Hint.FINISHED] < STILL_S[Hint.APPEARED] <= STILL_S[Hint.LOOK]


def test_one_hint_is_due_at_once_and_answered_once() -> None:
    """A save is answered within milliseconds."""
    pace = Pace()
    assert pace.due_s(0.0) is None

    assert pace.note(Hint.FINISHED, 1.0)
    assert pace.due_s(1.0) == pytest.approx(1.003)

    assert pace.looked() is Hint.FINISHED
    assert pace.due_s(1.1) is None


def test_the_strongest_hint_counts_and_the_last_sets_the_time() -> None:
    """Whoever made a file and closed it has finished."""
    pace = Pace()
    firsts = [pace.note(Hint.APPEARED, 1.0), pace.note(Hint.FINISHED, 2.0), pace.note(Hint.LOOK, 3.0)]
    assert firsts == [True, False, False]
    assert pace.due_s(3.0) == pytest.approx(3.003)
    assert pace.looked() is Hint.FINISHED


@pytest.mark.parametrize("every_s", [0.0001, 0.001, 0.01, 0.05, 0.09])
def test_a_storm_of_any_length_is_acted_on_at_most_three_times(every_s: float) -> None:
    """Ten seconds of events: acted on in the lulls, which are the longer the more often; and after the last event."""
    pace, actions, last_s = Pace(), [], 0.0
    for number in itertools.count():
        now_s = number * every_s
        if now_s > 10.0:
            break
        due_s = pace.due_s(now_s)
        if due_s is not None and due_s <= now_s:
            pace.looked()
            pace.acted(now_s)
            actions.append(now_s)
        pace.note(Hint.FINISHED, now_s)
        last_s = now_s
    due_s = pace.due_s(last_s)
    assert due_s is not None
    assert due_s > last_s
    assert len(actions) <= 2


def test_a_calm_day_forgets_the_storm() -> None:
    """The next save is answered at once again."""
    pace = Pace()
    for now_s in (0.0, 0.1, 0.2):
        pace.acted(now_s)
    pace.note(Hint.FINISHED, 1.0)
    assert pace.due_s(1.0) == pytest.approx(2.0)
    pace.looked()
    pace.note(Hint.FINISHED, 100.0)
    assert pace.due_s(100.0) == pytest.approx(100.003)


def test_an_event_does_not_wait_for_a_look_that_was_put_off() -> None:
    """What is put off for 30 s must not keep a new build from being seen."""
    pace = Pace()
    pace.look_again(Hint.LOOK, 0.0, 30.0)
    assert pace.due_s(1.0) == pytest.approx(30.0)
    pace.note(Hint.FINISHED, 1.0)
    assert pace.due_s(1.0) == pytest.approx(1.003)


def test_a_file_that_changes_is_waited_for_and_one_that_does_not_is_given_up() -> None:
    """A slow writer may take its hour; half a file that nobody writes to is refused."""
    settling = Settling(deadline_s=5.0)
    for second in range(100):
        assert settling.held_still_s(second, float(second), 0.0) == 0.0
        assert settling.again_in_s(float(second)) is not None
    waited_s, now_s = 0.0, 99.0
    while (again_s := settling.again_in_s(now_s)) is not None:
        now_s += again_s
        waited_s += again_s
        settling.held_still_s(99, now_s, 0.0)
    assert waited_s == pytest.approx(5.0, abs=0.2)


def test_a_file_from_the_future_settles_by_our_own_clock() -> None:
    """An unpacked archive or a clock that was set may give a file a time that is still to come."""
    settling = Settling(deadline_s=5.0)
    assert settling.held_still_s("facts", 10.0, -3600.0) == 0.0
    assert settling.held_still_s("facts", 10.5, -3600.0) == pytest.approx(0.5)
    assert settling.held_still_s("others", 11.0, -3600.0) == 0.0
    assert settling.held_still_s("others", 11.0, 7.0) == 7.0


def test_a_content_is_taken_once() -> None:
    """Touching a file, or writing the same bytes again, is no new build."""
    contents = Contents()
    assert contents.judge("a", "a") is Verdict.KNOWN
    assert contents.judge("b", "a") is Verdict.TAKE
    contents.took("b")
    assert contents.judge("b", "b") is Verdict.KNOWN
    assert contents.judge("a", "b") is Verdict.TAKE


def test_what_is_forgotten_is_tried_again() -> None:
    """It was refused for something outside of it, and that has changed."""
    contents = Contents()
    contents.refuse("asks for too much")
    contents.refuse("bad")

    contents.forget("asks for too much")

    assert contents.judge("asks for too much", "serving") is Verdict.TAKE
    assert contents.judge("bad", "serving") is Verdict.KNOWN
    contents.forget("bad")
    assert contents.judge("bad", "serving") is Verdict.TAKE
    contents.forget("never seen")
    assert list(contents.refused) == []


def test_what_was_refused_is_not_tried_again_and_reported_once() -> None:
    """A build that is broken stays broken; one line is enough."""
    contents = Contents()
    assert contents.judge("bad", "a") is Verdict.TAKE
    assert contents.refuse("bad")
    assert contents.judge("bad", "a") is Verdict.KNOWN
    assert contents.judge("a", "a") is Verdict.KNOWN
    assert contents.judge("bad", "a") is Verdict.REFUSED_BEFORE
    assert contents.judge("bad", "a") is Verdict.KNOWN
    assert not contents.refuse("bad")


def test_what_was_rolled_back_does_not_come_back_by_itself() -> None:
    """After a rollback the file still holds what was rolled back."""
    contents = Contents()
    contents.took("b")
    assert contents.judge("b", "a") is Verdict.KNOWN
    assert contents.judge("a", "a") is Verdict.KNOWN
    assert contents.judge("b", "a") is Verdict.TAKE


def test_the_memory_of_refusals_is_bounded() -> None:
    """A host that runs for a year under a broken build job must not grow."""
    contents = Contents()
    for number in range(10 * REFUSED_KEPT):
        assert contents.refuse(str(number))
    assert len(contents.refused) == REFUSED_KEPT
