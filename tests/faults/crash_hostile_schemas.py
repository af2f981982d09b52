"""Give hostile schemas, configs and outputs to what reads them, each in a process of its own with little of everything.

Each case may take a second of processor time (a tenth is what it should take) and 64 MB above what the process has; the
kernel ends what takes more. Prints how each case ended, as JSON by name.
"""

from __future__ import annotations

import json
import os
import re
import resource
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hotgraft.core.descriptor_shape import read_json
from hotgraft.core.errors import HotgraftError
from hotgraft.core.schema_change import output_change
from hotgraft.engine import validating
from hotgraft.engine.config import config_text, filled_configs
from hotgraft.engine.outputs import output_violations

if TYPE_CHECKING:
    from collections.abc import Callable

CPU_S = 1
MEMORY_BYTES = 64 << 20
OPEN: dict[str, Any] = {"type": "object"}


def schema(value: Any, config: str = "{}") -> Callable[[], object]:
    """Return a load whose image says this of its config."""
    return lambda: filled_configs("p", value, {"main": config})


def nested(levels: int, key: str = "not") -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels):
        value = {key: value}
    return value


def doubled(length: int) -> dict[str, Any]:
    defs: dict[str, Any] = {f"d{n}": {"allOf": 2 * [{"$ref": f"#/$defs/d{n + 1}"}]} for n in range(length)}
    return {"$ref": "#/$defs/d0", "$defs": {**defs, f"d{length}": {}}}


def itself() -> dict[str, Any]:
    value: dict[str, Any] = {}
    value["a"] = [value, value]
    return value


TWICE = {"properties": {"a": {"$ref": "#"}}, "patternProperties": {"a": {"$ref": "#"}}}
DEFAULTS = {"properties": {one: {"$ref": "#", "default": {}} for one in "abc"}}
LONG = json.dumps({"text": "x" * 200_000})
TEXTS = json.dumps({f"k{n}": "a" * 10_000 + "!" for n in range(20)})
CASES: dict[str, Callable[[], object]] = {
    # schemas
    "schema: a reference elsewhere": schema({"$ref": "https://example.org/schema.json"}),
    "schema: a reference to a file": schema({"$ref": "file:///dev/zero"}),
    "schema: a reference to itself": schema({"$ref": "#"}),
    "schema: references in a circle": schema({"allOf": [{"anyOf": [{"$ref": "#/allOf/0"}]}]}),
    "schema: references that multiply": schema(doubled(12)),
    "schema: references in a row": schema({"$defs": {f"d{n}": {"$ref": f"#/$defs/d{n + 1}"} for n in range(5_000)}}),
    "schema: 10,000 deep": schema(nested(10_000)),
    "schema: 10,000 deep in a file": lambda: read_json(b'{"not":' * 10_000),
    "schema: contains itself": schema(itself()),
    "schema: a key twice": lambda: read_json(b'{"type": "null", "type": "object"}'),
    "schema: no UTF-8": lambda: read_json(b'{"title": "\xff"}'),
    "schema: wrong types": schema({"properties": [1], "type": {"a": 1}, "required": 5}),
    "schema: a hundred thousand parts": schema({"enum": list(range(100_000))}),
    "schema: a megabyte": schema({"const": "x" * (1 << 20)}),
    "schema: a number of 10,000 digits": schema({"maximum": 10**10_000}),
    "schema: a number of 10,000 digits in a file": lambda: read_json(b'{"maximum": ' + b"9" * 10_000 + b"}"),
    "schema: NaN": schema({"minimum": float("nan")}),
    "schema: a pattern that explodes": schema({"additionalProperties": {"pattern": "^(a+)+$"}}, TEXTS),
    "schema: a pattern with a reference back": schema({"pattern": "(a*)*\\1"}),
    "schema: a pattern that is written out": schema({"pattern": "((a{1000}){1000}){1000}"}),
    "schema: a pattern of 100,000 characters": schema({"pattern": "(a|b)*" * 16_000}),
    "schema: defaults without an end": schema(DEFAULTS),
    "schema: a default that breaks it": schema({"properties": {"a": {"type": "null", "default": "x" * 100_000}}}),
    # configs
    "config: no mapping of texts": lambda: config_text({1: {2: 3}}),  # type: ignore[dict-item] # what is to be refused
    "config: contains itself": lambda: config_text(itself()),
    "config: 10,000 deep": lambda: config_text(nested(10_000)),
    "config: NaN": lambda: config_text({"a": [float("nan")]}),
    "config: a number of 100,000 digits": lambda: config_text({"a": 10**100_000}),
    "config: a million values": lambda: config_text({"a": [0] * 1_000_000}),
    "config: ten megabytes": lambda: config_text({"a": "x" * (10 << 20)}),
    "config: half a character": lambda: config_text({"a": "\udfff"}),
    "config: an object of the program": lambda: config_text({"a": object()}),
    "config: two to the sixtieth": schema({**TWICE, "required": ["b"]}, json.dumps(nested(60, "a"))),
    "config: long sentences": schema({"allOf": [{"type": "null"}] * 900}, LONG),
    "config: long sentences in branches": schema({"anyOf": [{"type": "null"}] * 900}, LONG),
    # outputs
    "output: 10,000 deep": lambda: output_violations(OPEN, "[" * 10_000),
    "output: 10,000 deep in MessagePack": lambda: output_violations(OPEN, b"\x91" * 10_000),
    "output: ten megabytes": lambda: output_violations(OPEN, "x" * (10 << 20)),
    "output: a list that says it is long": lambda: output_violations(OPEN, b"\xdd\xff\xff\xff\xff"),
    "output: no UTF-8 in MessagePack": lambda: output_violations(OPEN, b"\xa1\xff"),
    "output: a key twice": lambda: output_violations(OPEN, '{"a": 1, "a": 2}'),
    # comparing
    "change: 10,000 deep": lambda: output_change(nested(10_000), {}),
    "change: references that multiply": lambda: output_change(doubled(30), doubled(31)),
    "change: contains itself": lambda: output_change(itself(), {}),
}


def outcome(case: Callable[[], object]) -> str:
    """Return what was answered: a refusal's sentence, or what was found."""
    try:
        found = case()
    except (HotgraftError, ValueError, RecursionError) as error:
        return f"refused: {error or type(error).__name__}"
    return "found: " + "; ".join(map(str, found)) if isinstance(found, list | tuple) and found else "let through"


def run(case: Callable[[], object]) -> str:
    """Return how a case ended in a process of its own."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY_BYTES,) * 2)
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
        try:
            text = outcome(case)
        except BaseException:
            text = "escaped: " + traceback.format_exc(limit=3)
        os.write(writing, text.encode(errors="backslashreplace")[:4_000])
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        text = pipe.read().decode()
    _, status = os.waitpid(child, 0)
    return text if status == 0 else f"killed by signal {os.WTERMSIG(status)}"


def without(mitigation: str) -> None:
    """Take one mitigation out, for a control."""
    if mitigation == "patterns":
        validating._is_in = lambda pattern, text: re.search(pattern, text) is not None
    elif mitigation == "steps":
        validating.Spending.spend = lambda *_: None  # type: ignore[method-assign] # that is the point


def main(only: str = "", mitigation: str = "") -> None:
    """Carry out all cases, or one, after jsonschema is imported, which takes longer than most of them."""
    without(mitigation)
    filled_configs("p", OPEN, {"main": "{}"})
    print(json.dumps({name: run(case) for name, case in CASES.items() if only in name}))


if __name__ == "__main__":
    main(*sys.argv[1:])
