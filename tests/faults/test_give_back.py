"""What served gave its state away for a swap that is called off and does not get it back: it is not called any more."""

from __future__ import annotations

import signal

import pytest
from child_process import run_child

FULL = pytest.mark.full


@pytest.mark.parametrize(
    ("way", "crossing"),
    [
        ("fail", "hand_over"),
        pytest.param("fail", "convert", marks=pytest.mark.full),
        pytest.param("hang", "hand_over", marks=pytest.mark.full),
        pytest.param("hang", "convert", marks=pytest.mark.full),
    ],
)
def test_what_does_not_get_its_state_back_is_out_of_service_until_a_build_takes_it(way: str, crossing: str) -> None:
    """The state is in the host's hands, as it was: callers are refused, and the next build goes on with it."""
    done = run_child("crash_give_back.py", "take", way, crossing)

    assert done.returncode == 0, done.stderr
    assert done.stdout.count("refused: ") == 3
    assert "serves again with 6" in done.stdout


@pytest.mark.full
@pytest.mark.parametrize(("way", "then"), [("fail", "serves again with 6"), ("hang", "still out of service")])
def test_what_does_not_resume_is_out_of_service(way: str, then: str) -> None:
    """It is not called while it holds still; what hangs in it still has its state, and nobody can take it away."""
    done = run_child("crash_give_back.py", "resume", way, "hand_over")

    assert done.returncode == 0, done.stderr
    assert done.stdout.count("refused: ") == 3
    assert then in done.stdout


def test_what_does_not_come_back_from_surrender_is_out_of_service() -> None:
    """Its block may be given away at any moment, by a thread that nobody waits for: it is not called."""
    done = run_child("crash_give_back.py", "surrender", "hang", "hand_over")

    assert done.returncode == 0, done.stderr
    assert done.stdout.count("refused: ") == 3
    assert "still out of service" in done.stdout


@pytest.mark.parametrize(
    ("when", "way", "first", "then"),
    [
        ("asked", "fail", "no snapshot: take of instance", "snapshot of 8"),
        pytest.param("asked", "hang", "no snapshot: save or surrender has not returned", "snapshot of 8", marks=FULL),
        ("before", "fail", "snapshot of 8", "snapshot of 8"),
        pytest.param("before", "hang", "snapshot of 8", "snapshot of 8", marks=FULL),
        ("saves", "fail", "no snapshot: its state is not with it", "no snapshot: its state is not with it"),
    ],
)
def test_a_snapshot_leaves_the_state_in_the_hosts_hands(when: str, way: str, first: str, then: str) -> None:
    """What lacks its state is asked neither to save nor to take, and is not called; the next build goes on with it."""
    done = run_child("crash_give_back_snapshot.py", when, way)

    assert done.returncode == 0, done.stderr
    one, other, refused, last = done.stdout.splitlines()
    assert (one.startswith(first), other.startswith(then)) == (True, True), done.stdout
    assert (refused, last) == ("refused", "serves again with 42")


@pytest.mark.parametrize(
    ("function", "then"),
    [
        ("take", "serves again with 42"),
        pytest.param("resume", "serves again with 42", marks=FULL),
        pytest.param("surrender", "serves again with 42", marks=FULL),
        ("save", "serves on with 42"),
    ],
)
def test_what_comes_back_after_it_was_given_up_changes_nothing(function: str, then: str) -> None:
    """The state is in the host's hands by then, or callers are inside again."""
    done = run_child("crash_late.py", function)

    assert done.returncode == 0, done.stderr
    given_up, last = done.stdout.splitlines()
    assert given_up.startswith("given up: ")
    assert last.startswith(then)


@pytest.mark.control
def test_control_what_is_called_without_its_state_kills_the_process() -> None:
    """The table that it served with until then, published once more in the place of the one that refuses."""
    done = run_child("crash_give_back.py", "take", "fail", "hand_over", "call")

    assert done.returncode == -signal.SIGSEGV, done.stderr
    assert "refused: " in done.stdout
