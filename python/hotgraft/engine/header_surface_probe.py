"""Asking the compiler: a small generated source that names what the headers declare, and what it says of each name.

A line that does not compile is left out and asked about no more; all others are answered.
"""

from __future__ import annotations

import re
import struct
from dataclasses import field
from typing import TYPE_CHECKING, Final

from hotgraft.core.dataclass import dataclass
from hotgraft.engine.dwarf import read_debug
from hotgraft.engine.tools import run_tool

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from subprocess import CompletedProcess

    from hotgraft.engine.dwarf import DebugInfo

__all__ = ["SOURCE", "Answers", "Questions", "ask"]

FLAGS: Final = ("-w", "-O0", "-g", "-gdwarf-5", "-fno-lto", "-fno-eliminate-unused-debug-types", "-c")
PROBE: Final = "hotgraft_probe_"
SOURCE: Final = "hotgraft-probe"
_INTEGERS, _FLOATS = "hotgraft_integers", "hotgraft_floats"
_WRONG: Final = re.compile(rf"(?:^|/){SOURCE}:(\d+)", re.MULTILINE)
_ELSEWHERE: Final = re.compile(rf"^(?!.*{SOURCE}:)[^\s:][^:\n]*:\d+(?::\d+)?: (?:fatal )?error:", re.MULTILINE)
ATTEMPTS: Final = 4


@dataclass(slots=True)
class Questions:
    """Names of functions and variables, integers and floating-point numbers to count out, types to measure."""

    names: list[str] = field(default_factory=list)
    integers: dict[str, str] = field(default_factory=dict)
    floats: dict[str, str] = field(default_factory=dict)
    records: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Answers:
    """What the compiler said; `refused` are questions it did not take."""

    debug: DebugInfo
    integers: Mapping[str, int]
    floats: Mapping[str, float]
    alignments: Mapping[str, int]
    refused: frozenset[tuple[str, str]]


def ask(command: Sequence[str], questions: Questions, image: Path, *, on: str) -> Answers | CompletedProcess[str]:
    """Compile the questions; return the answers, or what the compiler said of headers that do not compile.

    Args:
        command: the compiler with its flags, and the headers included.
        image: the object file that is written.
        on: for messages.

    Raises:
        BuildError: the compiler cannot be started.
        ValueError: what it wrote cannot be read.
    """
    refused: set[tuple[str, str]] = set()
    for _ in range(ATTEMPTS):
        lines = _lines(questions, refused)
        source = image.with_suffix(".c")
        source.write_text(f'#line 1 "{SOURCE}"\n' + "".join(f"{line}\n" for line, _ in lines), encoding="utf-8")
        done = run_tool([*command, *FLAGS, "-x", "c", str(source), "-o", str(image)], on=on)
        if done.returncode == 0:
            if not image.exists():
                raise ValueError(f"{command[0]} ended well and wrote no object file; is it told to in $CFLAGS?")
            return _answers(image.read_bytes(), questions, frozenset(refused))
        wrong = {int(found) - 1 for found in _WRONG.findall(done.stderr)}
        asked = {lines[at][1] for at in wrong if at < len(lines)} - {None}
        if not asked or _ELSEWHERE.search(done.stderr):
            return done
        refused |= {one for one in asked if one is not None}
    return done


def _lines(questions: Questions, refused: set[tuple[str, str]]) -> list[tuple[str, tuple[str, str] | None]]:
    """Return each line of the source, and which question it asks."""
    lines: list[tuple[str, tuple[str, str] | None]] = []
    for at, name in enumerate(questions.names):
        if ("name", name) not in refused:
            lines.append((f"#undef {name}", None))
            lines.append((f"__typeof__(&{name}) {PROBE}{at};", ("name", name)))
    lines.append(_array("unsigned long long", _INTEGERS))
    for kind, text in _integers(questions):
        if kind not in refused:
            lines.append((text, kind))
    lines += [("0};", None), _array("double", _FLOATS)]
    lines += [
        (f"(double)({expression}),", ("float", name))
        for name, expression in questions.floats.items()
        if ("float", name) not in refused
    ]
    return [*lines, ("0};", None)]


def _array(kind: str, section: str) -> tuple[str, None]:
    return (f'const {kind} {section}_[] __attribute__((section("{section}"), used)) = {{', None)


def _integers(questions: Questions) -> list[tuple[tuple[str, str], str]]:
    return [
        (("integer", name), f"(unsigned long long)({expression}), (unsigned long long)(({expression}) < 0),")
        for name, expression in questions.integers.items()
    ] + [(("record", name), f"_Alignof({name}), 0,") for name in questions.records]


def _answers(image: bytes, questions: Questions, refused: frozenset[tuple[str, str]]) -> Answers:
    debug = read_debug(image, (_INTEGERS, _FLOATS))
    order = "<" if image[5:6] == b"\1" else ">"
    numbers = _unpacked(debug.sections[_INTEGERS], order + "Q")
    integers: dict[str, int] = {}
    alignments: dict[str, int] = {}
    asked = [kind for kind, _ in _integers(questions) if kind not in refused]
    for at, (kind, name) in enumerate(asked):
        value, is_negative = numbers[2 * at], numbers[2 * at + 1]
        (integers if kind == "integer" else alignments)[name] = value - (1 << 64) * is_negative
    floats = _unpacked(debug.sections[_FLOATS], order + "d")
    names = [name for name in questions.floats if ("float", name) not in refused]
    return Answers(debug, integers, dict(zip(names, floats, strict=False)), alignments, refused)


def _unpacked(data: bytes, form: str) -> list[int]:
    return [one for (one,) in struct.iter_unpack(form, data)]
