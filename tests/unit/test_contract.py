"""contract.py: what of a comparison keeps a candidate out of a host, in sentences."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from hotgraft.core.c_types import Named, Pointer, Scalar
from hotgraft.core.contract import Consumer, refusals, why_not_in_place_of
from hotgraft.core.contract_judge import compare
from hotgraft.core.surface import Function, Interface, Member, Parameter, Record, Surface

I64 = Scalar("i64")
STEP = Function(name="step", offset=8, parameters=(Parameter(name="by", type=I64),), result=I64)
FLUSH = Function(name="flush", offset=16, parameters=(), result=Scalar("i32"), is_status=True)
DROP = replace(FLUSH, name="drop", offset=24)
AUDIO = Interface(name="audio", version=(2, 1), bytes=24, functions=(STEP, FLUSH))
MORE = replace(AUDIO, version=(2, 2), bytes=32, functions=(STEP, FLUSH, DROP))


@dataclass(frozen=True)
class FromMinor:
    """A stand-in for a version range."""

    major: int
    minor: int

    def allows_interface(self, version: tuple[int, int]) -> bool:
        """Accept the major from a minor on."""
        return version[0] == self.major and version[1] >= self.minor

    def __str__(self) -> str:
        return f"^{self.major}.{self.minor}"


MIXER = Consumer(plugin="mixer", interface="audio/2", accepts=FromMinor(2, 1))


def offering(*interfaces: Interface, **more: Any) -> Surface:
    """Return a version that offers these interfaces."""
    return Surface(label="audio 1.0.0", version="1.0.0", interfaces=interfaces, **more)


def refused(old: Surface, new: Surface, *consumers: Consumer, **how: Any) -> tuple[str, ...]:
    """Return why `new` may not take the place of `old`."""
    return refusals(old, new, consumers, comparison=compare(old, new, consumers), **how)


def test_the_same_interface_breaks_nothing() -> None:
    """Code only: the usual reload."""
    assert refused(offering(AUDIO), offering(AUDIO), MIXER) == ()


def test_a_function_appended_with_its_minor_breaks_nothing() -> None:
    """Growing at the end is what minors are for."""
    assert refused(offering(AUDIO), offering(MORE), MIXER) == ()


def test_a_function_appended_without_a_minor_is_a_claim_that_does_not_hold() -> None:
    """A consumer that asks for 2.1 would find in one build what is not in another."""
    (found,) = refused(offering(AUDIO), offering(replace(MORE, version=(2, 1))))

    assert found == (
        "claim mismatch: interface audio stays 2.1, and the facts ask for 2.2: "
        "audio/2.drop: function appended: () -> status"
    )


def test_a_missing_function_is_named_with_who_relies_on_it() -> None:
    """The author reads which function to put back, and for whom."""
    found = refused(offering(AUDIO), offering(replace(AUDIO, bytes=16, functions=(STEP,))), MIXER)

    assert found[0] == ('lacks function "flush" (interface audio/2); relied on by mixer')


def test_a_dropped_major_is_named_with_what_is_offered_instead() -> None:
    """Fault C09: an interface goes while somebody still calls it."""
    found = refused(offering(AUDIO), offering(replace(AUDIO, version=(3, 0))), MIXER)

    assert any("no longer offers interface audio/2 (it offers audio 3.0)" in one for one in found)
    assert any("mixer needs audio/2" in one for one in found)


def test_the_old_major_may_be_offered_beside_the_new_one() -> None:
    """That is how a major change is carried out without breaking anybody."""
    assert refused(offering(AUDIO), offering(replace(AUDIO, version=(3, 0)), AUDIO), MIXER) == ()


def test_a_consumer_whose_range_is_left_is_named() -> None:
    """A lower minor may keep all functions Python calls and still break a loaded plugin."""
    (found,) = refused(offering(AUDIO), offering(replace(AUDIO, version=(2, 0))), MIXER)

    assert "mixer needs audio/2" in found


def test_what_was_added_may_go_where_going_back_is_what_was_asked_for() -> None:
    """A version that only added is gone back from; tables are padded, so a late caller is told."""
    later, earlier = offering(MORE), offering(AUDIO)

    assert refused(later, earlier) != ()
    assert refused(later, earlier, MIXER, goes_back=True) == ()
    needs_more = replace(MIXER, accepts=FromMinor(2, 2))
    assert any("mixer needs audio/2" in one for one in refused(later, earlier, needs_more, goes_back=True))
    retyped = offering(replace(AUDIO, functions=(replace(STEP, result=Scalar("i32")), FLUSH)))
    assert any("step" in one for one in refused(later, retyped, goes_back=True))


def test_what_nobody_can_decide_is_refused_unless_that_is_allowed() -> None:
    """Unknown is never compatible; but an operator may know better."""
    new = offering(AUDIO, unseen=("the type of x has no word",))

    assert refused(offering(AUDIO), new) != ()
    assert refused(offering(AUDIO), new, allows_unknown=True) == ()


def test_another_plugin_answers_in_place_of_one_whose_functions_it_has() -> None:
    """A fallback is judged by calls alone: its own version, features and config are its own."""
    provider = offering(MORE, features=("mono",), config_schema={"type": "object"})

    assert why_not_in_place_of(offering(AUDIO, features=("stereo",)), provider) == ()
    assert why_not_in_place_of(offering(MORE), offering(AUDIO)) != ()


def test_a_struct_that_changed_under_a_function_is_a_break() -> None:
    """The signature's text is the same, the bytes behind the pointer are not."""
    takes = replace(STEP, parameters=(Parameter(name="pair", type=Pointer(Named("pair")), direction="in", count="1"),))
    audio = replace(AUDIO, functions=(takes, FLUSH))

    def pair(kind: str, size: int) -> dict[str, Record]:
        members = tuple(Member(name=name, type=Scalar(kind), offset_bits=8 * size * at) for at, name in enumerate("ab"))
        return {"pair": Record(kind="struct", bytes=2 * size, align=size, members=members)}

    found = refused(offering(audio, types=pair("i64", 8)), offering(audio, types=pair("i32", 4)))

    assert any("struct pair" in one for one in found)
