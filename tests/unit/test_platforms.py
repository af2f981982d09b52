"""Where the promises were not tested, the import says so in words."""

from __future__ import annotations

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
