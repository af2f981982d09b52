"""Where the promises were not tested, the import says so in words."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from hotgraft import UnsupportedPlatform
from hotgraft.core.platforms import PlatformFacts, platform_refusals

GOOD = PlatformFacts(
    system="linux",
    machine="x86_64",
    pointer_bits=64,
    libc="glibc 2.31",
    implementation="cpython",
    python=(3, 11),
    has_gil=True,
)
IN_A_SUB_INTERPRETER = """
import sys
code = "try: import hotgraft\\nexcept ImportError as error: print(error, flush=True)"
if sys.version_info >= (3, 13):
    import _interpreters as interpreters
    interpreters.exec(interpreters.create("legacy"), code)
elif sys.version_info >= (3, 12):
    import _xxsubinterpreters as interpreters
    interpreters.run_string(interpreters.create(isolated=False), code)
else:
    import _xxsubinterpreters as interpreters
    interpreters.run_string(interpreters.create(), code)
"""


def test_the_tested_platform_is_accepted() -> None:
    """Linux x86-64, glibc from 2.31, CPython 3.11 to 3.13 with its lock."""
    assert platform_refusals(GOOD) == ()
    assert platform_refusals(replace(GOOD, python=(3, 13), libc="glibc 2.40")) == ()


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"system": "win32", "libc": ""}, "win32"),
        ({"system": "darwin", "libc": ""}, "darwin"),
        ({"machine": "aarch64"}, "aarch64"),
        ({"pointer_bits": 32}, "32 bits"),
        ({"libc": "glibc 2.30"}, "glibc 2.30"),
        ({"libc": ""}, "not glibc"),
        ({"libc": "musl 1.2"}, "musl"),
        ({"implementation": "pypy"}, "pypy"),
        ({"python": (3, 14)}, "3.14"),
        ({"python": (3, 10)}, "3.10"),
        ({"has_gil": False}, "free-threaded"),
        ({"is_main_interpreter": False}, "sub-interpreter"),
    ],
)
def test_every_other_platform_is_refused_by_name(change: dict[str, Any], word: str) -> None:
    """One clear sentence instead of a missing symbol."""
    (reason,) = platform_refusals(replace(GOOD, **change))

    assert word in reason


def test_the_refusal_is_an_import_error() -> None:
    """`try: import hotgraft except ImportError` keeps working."""
    assert issubclass(UnsupportedPlatform, ImportError)


def test_a_sub_interpreter_is_refused_in_words() -> None:
    """The core asks for the lock as the main interpreter's: there it would wait without an end."""
    command = [sys.executable, "-c", IN_A_SUB_INTERPRETER]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert ran.returncode == 0, ran.stderr
    assert "this is a sub-interpreter" in ran.stdout
