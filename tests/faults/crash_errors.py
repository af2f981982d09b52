"""Raise one error where it cannot be raised in the process of the tests, and print its answers as JSON.

What hangs leaves its thread behind, what forks does so with threads about, and a platform is one per process.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from hotgraft import HotgraftError


def abandoned() -> None:
    """A candidate's create does not return."""
    from hotgraft import Host
    from sample_plugins import HANDS_OVER, shared_workshop

    host = Host(probe="off", control_deadline_s=1.0)
    build = shared_workshop()
    host.load(build(HANDS_OVER))
    host.reload("counter", build(replace(HANDS_OVER, build=2)), config={"hang": "create"})


def crashed() -> None:
    """A plugin's function writes to null, and development asked to come back from that."""
    from hotgraft import Host
    from sample_plugins import CRASHES, shared_workshop

    Host(catch_crashes=True).load(shared_workshop()(CRASHES)).crash(1)


def forked() -> None:
    """A child that was forked after a plugin was loaded makes a host."""
    from hotgraft import Host
    from sample_plugins import STATELESS, shared_workshop

    host = Host()
    host.load(shared_workshop()(STATELESS))
    _in_child(Host)


def forked_early() -> None:
    """One that was forked before asks the parent's host for a change."""
    from hotgraft import Host

    host = Host()
    _in_child(lambda: host.load("any.so"))


def _in_child(work: Callable[[], object]) -> None:
    child = os.fork()
    if child == 0:
        work()
    _, status = os.waitpid(child, 0)
    os._exit(os.waitstatus_to_exitcode(status))


def platform() -> None:
    """The import on a machine that nothing was tested on."""
    here = os.uname()
    os.uname = lambda: os.uname_result((here.sysname, here.nodename, here.release, here.version, "riscv64"))
    import hotgraft  # noqa: F401 - the import is what fails


def show(error: HotgraftError) -> None:
    """Print what the error answers."""
    names = ("tried", "on", "found", "advice", "running")
    answers = {name: getattr(error, name) for name in names}
    print(json.dumps({"kind": type(error).__name__, **answers, "text": str(error)}), flush=True)


try:
    ways = (abandoned, crashed, forked, forked_early, platform)
    {one.__name__: one for one in ways}[sys.argv[1]]()
except Exception as caught:
    show(caught)  # type: ignore[arg-type]  # what has no answers fails there
os._exit(0)  # an abandoned thread is inside the plugin for good
