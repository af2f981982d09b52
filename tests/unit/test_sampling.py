"""Claims on the sampling rate: it is as high as the highest of them, and what it was when all are gone."""

from __future__ import annotations

import pytest
from hotgraft import _core
from hotgraft.host.sampling import Sampling, process_sampling


class Process:
    """A process whose rate is set, and which may be a forked child."""

    def __init__(self, rate: int = 0) -> None:
        self.rate = rate
        self.set_to: list[int] = []
        self.is_child = False
        self.sampling = Sampling(lambda: self.rate, self.set_rate, lambda: self.is_child)

    def set_rate(self, per_second: int) -> None:
        """As the core does."""
        self.rate = per_second
        self.set_to.append(per_second)


def test_calls_are_timed_while_a_claim_lasts() -> None:
    """Nobody pays for a clock when nothing is on probation."""
    process = Process()
    with process.sampling.claim(2_000):
        assert process.rate == 2_000
    assert process.rate == 0


def test_the_highest_wish_wins_whatever_the_order_of_release() -> None:
    """Two hosts of one process must not lower each other's rate."""
    process = Process()
    low, high = process.sampling.claim(2_000), process.sampling.claim(8_000)
    assert process.rate == 8_000
    high.release()
    assert process.rate == 2_000
    again = process.sampling.claim(2_000)
    low.release()
    assert process.rate == 2_000
    again.release()

    assert process.set_to == [2_000, 8_000, 2_000, 0]  # a rate that is right is not set again


def test_a_claim_is_released_once() -> None:
    """Released twice it would take another one's with it."""
    process = Process()
    first, second = process.sampling.claim(2_000), process.sampling.claim(2_000)
    first.release()
    first.release()
    assert process.rate == 2_000
    second.release()
    assert process.rate == 0


def test_what_the_program_asked_for_itself_is_there_again_afterwards() -> None:
    """It samples for its own monitoring, before and after."""
    process = Process(rate=500)
    with process.sampling.claim(2_000):
        assert process.rate == 2_000
    assert process.rate == 500


def test_a_program_that_samples_more_than_is_claimed_goes_on_doing_so() -> None:
    """A claim says at least."""
    process = Process(rate=5_000)
    with process.sampling.claim(2_000):
        assert process.rate == 5_000
    assert process.set_to == []


@pytest.mark.parametrize("chosen", [0, 700, 9_000])
def test_what_the_program_asks_for_meanwhile_holds_afterwards(chosen: int) -> None:
    """Restoring what was before would undo the program's newest word."""
    process = Process(rate=500)
    first, second = process.sampling.claim(2_000), process.sampling.claim(2_000)
    process.rate = chosen
    first.release()
    assert process.rate == max(chosen, 2_000)
    second.release()
    assert process.rate == chosen


def test_after_an_exception_the_rate_is_what_it_was() -> None:
    """A probation that fails must not leave the clock running."""
    process = Process()
    with pytest.raises(KeyError), process.sampling.claim(2_000):
        raise KeyError
    assert process.rate == 0


@pytest.mark.parametrize("per_second", [0, -1, 100_001])
def test_a_rate_that_cannot_be_kept_is_refused_and_nothing_is_claimed(per_second: int) -> None:
    """Later claims must not fail for an earlier one's wish."""
    process = Process()
    with pytest.raises(ValueError, match=f"1 to 100000 samples a second, got {per_second}"):
        process.sampling.claim(per_second)
    with process.sampling.claim(1):
        assert process.set_to == [1]


def test_in_a_forked_child_claims_do_nothing_even_if_the_parent_was_at_it() -> None:
    """A lock that another thread held at the fork is never released there, and the core refuses the switch."""
    process = Process()
    before = process.sampling.claim(2_000)
    process.is_child = True
    with process.sampling._lock:
        before.release()
        with process.sampling.claim(8_000):
            pass

    assert process.set_to == [2_000]


def test_all_hosts_of_a_process_share_one() -> None:
    """The rate is the process's: two of these would switch each other off."""
    assert process_sampling() is process_sampling()
    with process_sampling().claim(2_000), process_sampling().claim(3_000):
        assert _core.sampling() == 3_000
    assert _core.sampling() == 0
