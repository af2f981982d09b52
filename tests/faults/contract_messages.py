"""What `hotgraft diff` and `check --against` answer where callers would break, by title, for messages.txt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from diff_images import PROCESS, READ, RESET, enum, image, offer, state, struct, without_note
from sample_plugins import function, parameter

if TYPE_CHECKING:
    from pathlib import Path

    from sample_plugins import Workshop

__all__ = ["CONTRACT"]

EARLY: Final = {**PROCESS, "since": [0, 1]}
MODE: Final = function("mode", 24, "mode")
EACH: Final = function("each", 24, "status", parameter("call", "(fn(i32) -> void)*"))
EACH_WIDER: Final = function("each", 24, "status", parameter("call", "(fn(i64) -> void)*"))
FILL: Final = function(
    "process", 8, "status", parameter("in", "f32", pointer=1, direction="out", count="n"), PROCESS["parameters"][1]
)
OBJECT: Final[dict[str, Any]] = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
MAJOR: Final = {"version": "2.0.0"}
# A title, and the two versions of what the descriptor says.
CHANGES: Final[dict[str, tuple[dict[str, Any], dict[str, Any]]]] = {
    "diff, function removed": ({}, {**MAJOR, "provides": offer(PROCESS)}),
    "diff, function retyped": (
        {},
        {
            **MAJOR,
            "provides": offer(function("process", 8, "status", PROCESS["parameters"][0], parameter("n", "u32")), READ),
        },
    ),
    "diff, buffer turned round": ({}, {**MAJOR, "provides": offer(FILL, READ)}),
    "diff, struct moved": (
        {},
        {
            **MAJOR,
            "structs": {"point": struct(("x", "i32", 0, 4), ("z", "f64", 8, 8), ("y", "i32", 16, 4), size=24, align=8)},
        },
    ),
    "diff, enum value answered": (
        {"provides": offer(PROCESS, READ, MODE), "enums": {"mode": enum(OFF=0, ON=1)}},
        {**MAJOR, "provides": offer(PROCESS, READ, MODE), "enums": {"mode": enum(OFF=0, ON=1, AUTO=2)}},
    ),
    "diff, call-back changed": (
        {"provides": offer(PROCESS, READ, EACH)},
        {**MAJOR, "provides": offer(PROCESS, READ, EACH_WIDER)},
    ),
    "diff, constant changed": ({"constants": {"SIZE": "4"}}, {**MAJOR, "constants": {"SIZE": "8"}}),
    "diff, thread rule stricter": (
        {},
        {**MAJOR, "provides": offer({**PROCESS, "serial": True}, READ)},
    ),
    "diff, output loosened": (
        {"outputs": {"gain.read": OBJECT}},
        {**MAJOR, "outputs": {"gain.read": {**OBJECT, "required": []}}},
    ),
    "diff, interface below 1.0": (
        {"provides": offer(EARLY, version=(0, 1))},
        {**MAJOR, "provides": offer(EARLY, version=(0, 2))},
    ),
    "diff, claim mismatch": (
        {},
        {"version": "1.2.1", "provides": offer(PROCESS, READ, RESET), "enums": {"mode": enum(OFF=0)}},
    ),
    "diff, state field behind one schema": ({"state": state(1, 7)}, {"version": "1.2.1", "state": state(1, 8)}),
}


def words_of(title: str, build: Workshop, folder: Path) -> tuple[str, ...]:
    """Return the command line of this title; the files that it names are made in `folder`."""
    changes = CHANGES.get(title, ({}, {}))
    old, new = (image(build, folder / f"{name}.so", **said) for name, said in zip(("old", "new"), changes, strict=True))
    if title == "diff, consumer's range unmet":
        wants = [{"interface": "gain", "range": "^1.2", "optional": False}]
        consumer = image(build, folder / "mixer.so", name="mixer", provides=offer(PROCESS, name="mix"), requires=wants)
        new = image(build, folder / "new.so", version="2.0.0", provides=offer(PROCESS, READ, version=(2, 0)))
        return ("diff", str(old), str(new), "--consumer", str(consumer))
    if title == "diff, no descriptor":
        return ("diff", str(old), str(without_note(build, folder / "bare.so")))
    if title == "diff, damaged image":
        new.write_bytes(new.read_bytes()[:5000])
    elif title == "diff, image and header":
        (folder / "gain.h").write_text("int gain(int by);\n")
        return ("diff", str(old), str(folder / "gain.h"))
    elif title == "diff, no header":
        (folder / "include").mkdir()
        return ("diff", str(folder / "include"), str(folder / "include"))
    elif title == "check, version is not kept":
        (folder / "journal" / "images").mkdir(parents=True)
        image(build, folder / "journal" / "images" / f"{'ab' * 32}.so", version="1.1.0")
        return ("check", str(new), "--against", "1.0.0", "--journal", str(folder / "journal"))
    return ("diff", str(old), str(new))


CONTRACT: Final = (
    *CHANGES,
    "diff, consumer's range unmet", "diff, no descriptor", "diff, damaged image", "diff, image and header",
    "diff, no header", "check, version is not kept",
)  # fmt: skip
