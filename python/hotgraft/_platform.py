"""Refuses to import hotgraft where its promises were not tested.

Importing it is the check: `hotgraft/__init__.py` does so before anything that needs `_core`.
"""

from __future__ import annotations

import _thread
import importlib
import os
import struct
import sys
import sysconfig

from hotgraft.core.errors import UnsupportedPlatform
from hotgraft.core.platforms import PlatformFacts, platform_refusals

__all__ = ["check_platform"]


def check_platform() -> None:
    """Raise `UnsupportedPlatform` naming everything that speaks against this process."""
    found = platform_refusals(_facts())
    if found:
        raise UnsupportedPlatform("import hotgraft", on=sys.executable or "this interpreter", found=found)


def _facts() -> PlatformFacts:
    machine = os.uname().machine if hasattr(os, "uname") else sysconfig.get_platform()
    libc = ""
    if "CS_GNU_LIBC_VERSION" in getattr(os, "confstr_names", {}):
        libc = os.confstr("CS_GNU_LIBC_VERSION") or ""
    return PlatformFacts(
        system=sys.platform,
        machine=machine,
        pointer_bits=struct.calcsize("P") * 8,
        libc=libc,
        implementation=sys.implementation.name,
        python=sys.version_info[:2],
        has_gil=not sysconfig.get_config_var("Py_GIL_DISABLED"),
        is_main_interpreter=_is_main_interpreter(),
    )


def _is_main_interpreter() -> bool:
    if hasattr(_thread, "_is_main_interpreter"):  # from CPython 3.12 on
        return bool(_thread._is_main_interpreter())
    try:
        interpreters = importlib.import_module("_xxsubinterpreters")
    except ImportError:  # a build that leaves it out
        return True
    return bool(interpreters.get_current() == interpreters.get_main())


check_platform()
