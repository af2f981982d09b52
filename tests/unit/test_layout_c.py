"""Convert by name against the C compiler: both structs are compiled, and C copies field by field."""

from __future__ import annotations

import random
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from hotgraft.engine.build import find_compiler
from layout_memory import image, read, size_and_align
from layout_pairs import Maker
from layout_reference import Change, NeedsConverterError, convert
from layout_scene import block_of, plan_of, program_of

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Sized

NAMES = {"f32": "float", "f64": "double", "bool": "_Bool"}
STATES = 4


def c_type(kind: Any, declared: dict[str, str]) -> tuple[str, str]:
    """Return what C writes before and behind the name of a field; structs go into `declared`, inner ones first."""
    if isinstance(kind, str):
        return NAMES.get(kind) or f"{'u' * (kind[0] == 'u')}int{kind[1:]}_t", ""
    if kind[0] == "enum":
        return c_type(kind[1], declared)  # how large an enum is, is the compiler's to say; a state gives it a width
    if kind[0] == "array":
        before, behind = c_type(kind[1], declared)
        return before, f"[{kind[2]}]{behind}"
    fields = [(name, c_type(inner, declared)) for name, inner in kind[2]]
    body = " ".join(f"{before} {name}{behind};" for name, (before, behind) in fields)
    declared[kind[1]] = f"{kind[0]} PREFIX_{kind[1]} {{ {body} }};"
    return f"{kind[0]} PREFIX_{kind[1]}", ""


def copies(old: Any, new: Any, change: Change, source: str, target: str) -> list[str]:
    """Return the statements that carry a value by name; what is new keeps the zeros or default it was given."""
    if isinstance(old, str) or old[0] == "enum":
        return [f"{target} = {source};"]
    if old[0] == "union":
        return [f"memcpy(&{target}, &{source}, sizeof {target});"]
    if old[0] == "array":
        lines = []
        for at in range(min(old[2], new[2])):
            lines += copies(old[1], new[1], change, f"{source}[{at}]", f"{target}[{at}]")
        return lines
    there, lines = dict(old[2]), []
    for name, inner in new[2]:
        before = change.renamed.get((new[1], name), name)
        if before in there and (old[1], before) not in change.dropped:
            lines += copies(there[before], inner, change, f"{source}.{before}", f"{target}.{name}")
    return lines


def program_text(old: Any, new: Any, change: Change) -> str:
    """Return a C program that converts states from its input, one by one."""
    text = ["#include <stdint.h>", "#include <stdio.h>", "#include <string.h>"]
    tops = []
    for prefix, kind in (("old", old), ("new", new)):
        declared: dict[str, str] = {}
        tops.append(c_type(kind, declared)[0].replace("PREFIX", prefix))
        text += [line.replace("PREFIX", prefix) for line in declared.values()]
    text += ["int main(void) {", f"{tops[0]} from; {tops[1]} into;"]
    text += ["while (fread(&from, sizeof from, 1, stdin) == 1) {", "memset(&into, 0, sizeof into);"]
    text += copies(old, new, change, "from", "into")
    return "\n".join([*text, "fwrite(&into, sizeof into, 1, stdout); }", "return 0; }"])


@pytest.mark.full
def test_a_c_compiler_that_copies_by_name_makes_the_same_of_it(tmp_path: Path, sized: Sized) -> None:
    """The layouts are those of real structs, and what C's own conversions keep is kept."""
    compared = 0
    for seed in range(sized(quick=40, full=40, soak=400)):
        compared += compare_with_c(seed, tmp_path)
    assert compared > 0


def compare_with_c(seed: int, folder: Path) -> int:
    """Convert states of one pair with both; return how many were compared, none where they are refused."""
    maker = Maker(seed)
    old = maker.struct()
    new, change, _ = maker.edit(old)
    change.defaults = {}  # C knows zeros
    values = [read(old, image(old, maker.value(old, 0.0))) for _ in range(STATES)]
    plan, _ = plan_of(old, new, change)
    try:
        for value in values:
            convert(old, new, value, change)
    except NeedsConverterError:
        return 0
    if change.refused:
        return 0
    assert plan is not None
    block = block_of(old, values, random.Random(seed))
    size = size_and_align(new)[0]
    made = bytearray(size * STATES)
    assert program_of(plan).run(block, made, STATES) is None
    by_c = run_c(program_text(old, new, change), block, folder / f"pair{seed}")
    assert len(by_c) == len(made), f"pair {seed}"
    for index in range(STATES):
        ours, theirs = read(new, made, index * size), read(new, by_c, index * size)
        assert image(new, ours) == image(new, theirs), f"pair {seed}"
    return STATES


def run_c(text: str, block: bytes, at: Path) -> bytes:
    """Compile a program and give it the block."""
    at.with_suffix(".c").write_text(text)
    command = [find_compiler(), "-std=c11", "-w", str(at.with_suffix(".c")), "-o", str(at)]
    subprocess.run(command, check=True, timeout=60)
    return subprocess.run([at], input=block, capture_output=True, check=True, timeout=60).stdout
