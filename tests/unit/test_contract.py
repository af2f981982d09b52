"""What callers rely on is kept by a candidate, or every break is named."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hotgraft.core.contract import Consumer, FunctionFacts, InterfaceFacts, breaks

STEP = FunctionFacts(name="step", offset=8, signature="i64 step(i64 by)")
FLUSH = FunctionFacts(name="flush", offset=16, signature="status flush()")
AUDIO = InterfaceFacts(name="audio", major=2, minor=1, functions=(STEP, FLUSH))


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


def test_the_same_interface_breaks_nothing() -> None:
    """Code only: the usual reload."""
    assert breaks([AUDIO], [AUDIO]) == ()


def test_a_function_appended_breaks_nothing() -> None:
    """Growing at the end is what minors are for."""
    more = replace(AUDIO, minor=2, functions=(STEP, FLUSH, replace(FLUSH, name="drop", offset=24)))

    assert breaks([AUDIO], [more]) == ()


def test_a_missing_function_is_named_with_its_interface() -> None:
    """The author reads which function to put back, and where."""
    assert breaks([AUDIO], [replace(AUDIO, functions=(STEP,))]) == ('lacks function "flush" (interface audio/2)',)


def test_a_moved_and_a_retyped_function_are_both_named() -> None:
    """Running C callers read the function at its old place with its old signature."""
    changed = replace(AUDIO, functions=(replace(STEP, signature="i32 step(i32 by)"), replace(FLUSH, offset=24)))

    assert breaks([AUDIO], [changed]) == (
        'function "step" (interface audio/2) was i64 step(i64 by) and is now i32 step(i32 by)',
        'function "flush" (interface audio/2) moved from byte 16 to 24',
    )


def test_a_dropped_major_is_named_with_what_is_offered_instead() -> None:
    """Fault C09: an interface goes while somebody still calls it."""
    assert breaks([AUDIO], [replace(AUDIO, major=3, minor=0)]) == (
        "no longer offers interface audio/2 (it offers audio 3.0)",
    )


def test_the_old_major_may_be_offered_beside_the_new_one() -> None:
    """That is how a major change is carried out without breaking anybody."""
    assert breaks([AUDIO], [replace(AUDIO, major=3, minor=0), AUDIO]) == ()


def test_a_struct_that_changed_under_a_function_is_a_break() -> None:
    """The signature's text is the same, the bytes behind the pointer are not."""
    passes = replace(STEP, structs=("pair",))
    old = replace(AUDIO, functions=(passes,), layouts={"pair": "16 bytes: a i64 @0, b i64 @8"})
    new = replace(old, layouts={"pair": "8 bytes: a i32 @0, b i32 @4"})

    (found,) = breaks([old], [new])
    assert 'struct pair, passed by "step"' in found


def test_a_consumer_whose_range_is_left_is_named() -> None:
    """A lower minor may keep all functions Python calls and still break a loaded plugin."""
    consumer = Consumer(plugin="mixer", interface="audio/2", accepts=FromMinor(2, 1))

    assert breaks([], [replace(AUDIO, minor=0)], [consumer]) == (
        "mixer needs audio/2 in ^2.1, and this offers audio 2.0",
    )
    assert breaks([], [], [consumer]) == ("mixer needs audio/2 in ^2.1, and this no longer offers it",)
    assert breaks([], [AUDIO], [consumer]) == ()
