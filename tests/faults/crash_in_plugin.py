"""Crashes in a plugin, in one of many scenes; the test reads what stderr says and how the process ended.

    python crash_in_plugin.py [SCENE IMAGE NEXT HOW OTHER_LIBRARY]

Without arguments: for each request of a PreparedChild, in a process of its own.
"""

from __future__ import annotations

import ctypes
import faulthandler
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

from forked_hosts import prepare, serve
from hotgraft import Host, PluginCrashed

if TYPE_CHECKING:
    from collections.abc import Callable

IMAGE, NEXT, OTHER_LIBRARY = "", "", ""  # of this run
HOW = 0


def crash(host: Host) -> None:
    """Crash on the main thread."""
    host.load(IMAGE).crash(HOW)


def faulthandler_before() -> None:
    """Its handlers are there already (PYTHONFAULTHANDLER)."""
    crash(Host())


def faulthandler_after() -> None:
    """Its handlers come later, and get the signal first."""
    faulthandler.disable()
    host = Host()
    faulthandler.enable()
    crash(host)


def alone() -> None:
    """Nobody else has a handler."""
    faulthandler.disable()
    crash(Host())


def off() -> None:
    """The report is switched off."""
    crash(Host(crash_report=False))


def on_a_thread() -> None:
    """On a thread that Python made."""
    faulthandler.disable()
    thread = threading.Thread(target=crash, args=(Host(),))
    thread.start()
    thread.join()


def without_a_stack() -> None:
    """The control: this thread has no alternate stack."""

    class Stack(ctypes.Structure):
        _fields_ = (("sp", ctypes.c_void_p), ("flags", ctypes.c_int), ("bytes", ctypes.c_size_t))

    faulthandler.disable()
    plugin = Host().load(IMAGE)
    plugin.crash(0)
    disabled = Stack(None, 2, 0)
    assert ctypes.CDLL(None).sigaltstack(ctypes.byref(disabled), None) == 0
    plugin.crash(HOW)


def other_library_before() -> None:
    """A handler of another library is there already."""
    faulthandler.disable()
    assert ctypes.CDLL(OTHER_LIBRARY).install() == 0
    crash(Host())


def other_library_after() -> None:
    """Another library installs its handler later and calls the one before."""
    faulthandler.disable()
    host = Host()
    assert ctypes.CDLL(OTHER_LIBRARY).install() == 0
    crash(host)


def outside() -> None:
    """Not in a plugin, but on a thread that has called one."""
    plugin = Host().load(IMAGE)
    for _ in range(100):
        plugin.crash(0)
    ctypes.string_at(0)


def killed() -> None:
    """Somebody sends the signal while no plugin runs."""
    Host().load(IMAGE).crash(0)
    os.kill(os.getpid(), signal.SIGSEGV)


def ignored() -> None:
    """SIGSEGV is ignored: one that is sent stays so, a fault cannot be."""
    faulthandler.disable()
    signal.signal(signal.SIGSEGV, signal.SIG_IGN)
    host = Host()
    os.kill(os.getpid(), signal.SIGSEGV)
    print("a sent signal was ignored", flush=True)
    crash(host)


def retired() -> None:
    """In a generation that was replaced, through a pin on it."""
    host = Host()
    plugin = host.load(IMAGE)
    pin = plugin.pin()
    host.reload("crashes", NEXT)
    assert plugin.build() == 2
    with pin as pinned:
        pinned.crash(HOW)


def create() -> None:
    """In the plugin's create, on a control thread."""
    Host(probe="off").load(IMAGE, config={"do": "crash"})


def constructor() -> None:
    """In the image's constructor, which the loader runs."""
    faulthandler.disable()
    Host(probe="off").load(NEXT)


def forked() -> None:
    """In a forked child."""
    plugin = Host().load(IMAGE)
    child = os.fork()
    if child == 0:
        plugin.crash(HOW)
        os._exit(1)
    print(f"the child ended by {-os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}")
    assert plugin.build() == 1


def caught() -> None:
    """For development: the call raises, and everything goes on."""
    host = Host(catch_crashes=True)
    plugin = host.load(IMAGE)
    assert host.tainted == ""
    crashed = 0
    for function in (plugin.crash, plugin.crash_slowly):
        try:
            function(HOW)
        except PluginCrashed as error:
            crashed += 1
            print(error.function, error.signal, str(error).replace("\n", " | "))
    assert (plugin.stats().crashes, plugin.stats().errors) == (crashed, crashed)
    report = host.reload("crashes", NEXT)  # the guard of a call that crashed is given up: this drains
    assert plugin.build() == 2
    assert report.tainted == host.tainted == report.as_dict()["tainted"]
    print(host.tainted)
    print(report)
    host.close()


def caught_after_faulthandler() -> None:
    """The same with faulthandler's handlers before ours in the chain."""
    faulthandler.disable()
    host = Host(catch_crashes=True)
    plugin = host.load(IMAGE)
    faulthandler.enable()
    try:
        plugin.crash(HOW)
    except PluginCrashed as error:
        print(error.signal)


SCENES: dict[str, Callable[[], None]] = {
    one.__name__: one
    for one in (
        faulthandler_before, faulthandler_after, alone, off, on_a_thread, without_a_stack, other_library_before,
        other_library_after, outside, killed, ignored, retired, create, constructor, forked, caught,
        caught_after_faulthandler,
    )
}  # fmt: skip


def main(scene: str, image: str, next_image: str, how: str, other_library: str) -> int:
    """Play it; most scenes do not come back."""
    global IMAGE, NEXT, HOW, OTHER_LIBRARY
    IMAGE, NEXT, HOW, OTHER_LIBRARY = image, next_image, int(how), other_library
    SCENES[scene]()
    return 0


if __name__ == "__main__":
    if sys.argv[1:]:
        sys.exit(main(*sys.argv[1:]))
    prepare()
    sys.exit(serve(main))
