"""The Protocol that bind writes: mypy accepts it and what fits it, and refuses what does not."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import hotgraft
import pytest
from hotgraft.engine.build import write_bound

MANIFEST = """\
[plugin]
name = "gain"
version = "1.0.0"

[provides.{interface}]
version = "1.0"
header = "gain.h"
struct = "gain_v1"
"""
HEADER = """\
#include <hotgraft/hotgraft.h>
typedef struct gain_pair { int32_t first; float second; } gain_pair;
typedef struct gain_v1 {
    uint32_t struct_size;
    hotgraft_status (*process)(void *self, const float *in HOTGRAFT_IN(n), float *in_ HOTGRAFT_OUT(n), uint64_t n);
    double (*level)(void *self, float class);
    void (*reset)(void *self, const gain_pair *pair HOTGRAFT_IN(1) HOTGRAFT_NULLABLE);
    const char *(*title)(void *self) HOTGRAFT_COPIED;
    char *(*bytes)(void *self) HOTGRAFT_OWNED;
    int64_t *(*owned)(void *self) HOTGRAFT_OWNED;
    const float *(*window)(void *self, uint64_t *count HOTGRAFT_OUT(1)) HOTGRAFT_LEASED(count);
    const float *(*window_of)(void *self, uint64_t count) HOTGRAFT_LEASED(count);
    int32_t (*str)(void *self);
} gain_v1;
"""
PROGRAM = """\
from array import array

from gain_interface import Gain
from hotgraft import Host


def use(host: Host) -> None:
    gain = host.plugin("gain", Gain)
{lines}
"""
RIGHT = (
    'status: int | None = gain.process(array("f", [1.0]), bytearray(4), 1)',
    'gain.process(b"1234", memoryview(bytearray(4)), 1)',
    "level: float = gain.level(1) + gain.level(0.5)",
    "gain.reset(None)",
    'gain.reset(b"12345678")',
    "title: str | None = gain.title()",
    "text: str | None = gain.bytes()",
    "owned: bytes | None = gain.owned()",
    "window: memoryview | None = gain.window()",
    "view: memoryview | None = gain.window_of(4)",
    "number: int = gain.str()",
)
WRONG = {
    "gain.process([1.0], bytearray(4), 1)": "arg-type",
    'gain.process("text", bytearray(4), 1)': "arg-type",
    'gain.process(b"1234", None, 1)': "arg-type",
    'gain.process(b"1234", bytearray(4), 1.5)': "arg-type",
    'gain.process(b"1234", bytearray(4))': "call-arg",
    'gain.process(b"1234", bytearray(4), n=1)': "call-arg",
    "gain.level()": "call-arg",
    'gain.level("loud")': "arg-type",
    "gain.window(1)": "call-arg",
    "gain.missing()": "attr-defined",
    "whole: int = gain.level(1)": "assignment",
    "sure: str = gain.title()": "assignment",
    "some: int = gain.process(b'', b'', 0)": "assignment",
    "gain.level = gain.title": "assignment",
}


def bound(folder: Path, interface: str = "gain") -> Path:
    """Bind the plugin into `folder`."""
    (folder / "gain.h").write_text(HEADER)
    (folder / "plugin.toml").write_text(MANIFEST.format(interface=interface))
    write_bound(folder / "plugin.toml", folder)
    return folder


def mypy(folder: Path, *names: str) -> list[str]:
    """What mypy says about files of `folder`, a line each."""
    sources = Path(hotgraft.__file__ or "").parent.parent
    # An installed package mypy finds by itself, and refuses to be led to; a source tree it does not know.
    path = {} if sources.name == "site-packages" else {"MYPYPATH": str(sources)}
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--follow-imports=silent", "--no-error-summary",
         *names],
        cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, **path},
    )  # fmt: skip
    assert not done.stderr, done.stderr
    return done.stdout.splitlines()


@pytest.mark.full  # mypy takes seconds; what is written for it is compared by the others
def test_right_use_is_accepted_and_each_wrong_one_refused(tmp_path: Path) -> None:
    """A wrong call shows while it is written, not when it runs."""
    bound(tmp_path)
    lines = [*RIGHT, *WRONG]
    (tmp_path / "program.py").write_text(PROGRAM.format(lines="\n".join(f"    {one}" for one in lines)))

    said = mypy(tmp_path, "program.py", "gain_interface.pyi")

    found: dict[str, set[str]] = {}
    for line in said:
        match = re.fullmatch(r"program\.py:(\d+): error: .*\[([a-z-]+)\]", line)
        assert match or ": note: " in line, said
        if match:
            found.setdefault(lines[int(match[1]) - 9], set()).add(match[2])
    assert [one for one in RIGHT if one in found] == [], said
    assert {one: code in found.get(one, ()) for one, code in WRONG.items()} == dict.fromkeys(WRONG, True), said


def test_program_imports_at_run_time_what_the_stub_types(tmp_path: Path) -> None:
    """host.plugin("gain", Gain) needs a Gain that is there when the program runs; typing_extensions need not be."""
    bound(tmp_path)
    code = "import sys; sys.modules['typing_extensions'] = None; from gain_interface import Gain; print(Gain.__name__)"

    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)

    assert done.stdout == "Gain\n"


@pytest.mark.parametrize(
    ("interface", "name"),
    [("text_stats", "TextStats"), ("buffer", "Buffer"), ("protocol", "Protocol"), ("none", "None_")],
)
def test_interface_of_any_name_has_a_class(tmp_path: Path, interface: str, name: str) -> None:
    """An interface may be called like what the stub itself imports, or like a word of Python's."""
    folder = bound(tmp_path, interface)

    for suffix in ("py", "pyi"):
        text = (folder / f"gain_interface.{suffix}").read_text()
        compile(text, suffix, "exec")
        assert f"class {name}(_Protocol):" in text
