"""What `hotgraft dev` shows of what happened, for a person and for a program."""

from __future__ import annotations

import io
import json
from types import SimpleNamespace
from typing import Any

from hotgraft.dev.said import Said
from hotgraft.dev.screen import Screen

NAMES = (
    "settle",
    "stage",
    "check needs",
    "compare contract",
    "create main",
    "quiesce main",
    "surrender main",
    "commit",
)


def shown(event: str, *, is_json: bool = False, has_colour: bool = False, **facts: Any) -> str:
    """Return what the screen writes of one event."""
    out = io.StringIO()
    Screen(out, is_json=is_json, has_colour=has_colour).show(Said(event, facts))
    return out.getvalue()


def test_every_step_is_shown_once_with_its_time_and_none_is_cut_at_the_end_of_a_line() -> None:
    """Who wonders where the time went must not be told of the three longest alone."""
    steps = [SimpleNamespace(step=name, us=number * 1234.5 + 0.4) for number, name in enumerate(NAMES * 3)]
    report = SimpleNamespace(steps=steps, running="generation 2 (version 1.0.0) serves", pause_us=12.3, tainted="")
    said = shown("swapped", report=report, state="it has no state to carry", swap_ms=4.56)
    head, words, *lines = said.splitlines()
    assert head == "  ✓ generation 2 (version 1.0.0) serves; it has no state to carry"
    assert words == "    swapped in 4.6 ms, callers waited 12 µs; each step in µs:"
    entries = [one for line in lines for one in line.strip().strip(",").split(", ")]
    assert [one.rsplit(" ", 1)[0] for one in entries] == [*NAMES * 3]
    assert entries[:2] == ["settle 0.4", "stage 1,235"]
    said = shown("swapped", report=report, state="it has no state to carry", swap_ms=4.56, downgrade_from="1.1.0")
    assert "a downgrade from version 1.1.0: let in here, refused by a host unless it is asked for" in said


def test_warnings_of_a_build_that_succeeds_are_shown_as_the_compiler_drew_them() -> None:
    """They are why `hotgraft build` is given -Wall."""
    said = shown("built", image="build/gain.so", build_ms=12.0, warnings="gain.c:1:2: warning: x\n    1 | y\n")
    assert said == "  built build/gain.so in 12 ms\n    gain.c:1:2: warning: x\n        1 | y\n"
    assert shown("built", image="a.so", build_ms=12.0, warnings="") == "  built a.so in 12 ms\n"


def test_who_gives_no_call_is_told_of_one() -> None:
    """`hotgraft dev` alone shows that a build serves, and not what it answers."""
    facts: dict[str, Any] = {"plugin": "gain", "generation": 1, "version": "0.1.0"}
    said = shown("loaded", **facts, sample="process([1, 2, 3])")
    assert said.splitlines()[1] == "    to call it after every save: hotgraft dev --call 'process([1, 2, 3])'"
    assert len(shown("loaded", **facts, sample="").splitlines()) == 1


def test_state_is_shown_by_key_in_its_own_type() -> None:
    """A number, a text and bytes are told apart; JSON has no bytes, so it gets their words."""
    values = {"seen": 3, "ratio": 0.5, "name": "3", "raw": b"\x003", "is_on": True}
    said = shown("state", words="5 values", values=values)
    assert said.splitlines()[1:] == [
        "    seen = 3", "    ratio = 0.5", "    name = '3'", "    raw = b'\\x003'", "    is_on = True",
    ]  # fmt: skip
    event = json.loads(shown("state", is_json=True, words="5 values", values=values))
    assert event["values"] == {**values, "raw": "b'\\x003'"}


def test_state_of_any_size_is_a_line_a_key() -> None:
    """A saved map may nest a million entries: of each value as much is shown as a person reads."""
    values = {"small": {3: [1.5, b"x"]}, "large": {key: list(range(100)) for key in range(1_000)}, "raw": b"r" * 10_000}
    lines = shown("state", words="3 values", values=values).splitlines()[1:]
    assert lines[0] == "    small = {3: [1.5, b'x']}"
    assert len(lines) == 3
    assert max(map(len, lines)) < 600


def test_without_colour_no_escape_is_written() -> None:
    """Into a file, or for who set NO_COLOR."""
    facts: dict[str, Any] = {"call": "f()", "result": "1", "generation": 1, "call_us": 1.0}
    assert "\x1b" in shown("called", has_colour=True, **facts)
    assert "\x1b" not in shown("called", **facts)


def test_a_death_says_what_ended_it_and_what_to_do() -> None:
    """Keys only where there is somebody to press them, and nothing where the end was asked for."""
    facts: dict[str, Any] = {"how": "it called exit(3) in load", "what": "load"}
    assert shown("died", **facts, is_over=False, has_keys=False).splitlines() == [
        "  ✗ it called exit(3) in load; nothing serves now, its state is gone",
        "    to do: mend it and save, then it begins anew",
    ]
    assert "; or press r " in shown("died", **facts, is_over=False, has_keys=True)
    assert len(shown("died", **facts, is_over=True, has_keys=True).splitlines()) == 1


def test_a_hang_says_in_what_and_what_to_do() -> None:
    """And that a slow call is not given up unless it is asked for."""
    said = shown("hangs", what="call f(1)", after_s=5.0, has_keys=True)
    assert said.startswith("  ✗ it has not returned from call f(1) for 5 s; if it does, it goes on\n    to do: mend it")
    assert "q to quit" in said
    assert "press" not in shown("hangs", what="call f(1)", after_s=5.0, has_keys=False)


def test_a_beginning_says_why() -> None:
    """What was saved, as far as it is known, or which key was pressed; a cursor key has no letter to show."""
    assert shown("begins", key="", files=["a.c", "b.h"]).strip() == "a.c, b.h saved: it begins anew, without its state"
    assert shown("begins", key="", files=[]).strip() == "saved: it begins anew, without its state"
    assert shown("begins", key="r", files=[]).strip() == "r pressed: it begins anew, without its state"
    assert shown("begins", key="\x1b", files=[]).strip() == "a key pressed: it begins anew, without its state"


def test_a_result_that_breaks_its_schema_is_shown_with_every_place() -> None:
    """An author sees it in the moment of the save, not an agent in the field."""
    said = shown(
        "output", function="call", violations=("/ok: 1 is not of type 'boolean' (#/properties/ok/type)", "second")
    )

    assert said.splitlines() == [
        "  ✗ call returned what its schema in [outputs] does not allow",
        "    /ok: 1 is not of type 'boolean' (#/properties/ok/type)",
        "    second",
    ]
