"""What a plugin leaves behind for the rest of the process: a thread inside a guard or inside it, a key, a handler."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path

from hotgraft import Host, Outcome
from sample_plugins import HANDS_OVER, LEAVER, PLAIN, Workshop, shared_workshop


def thread_ends(host: Host, build: Workshop) -> None:
    """D03: a native thread enters the counter and ends there."""
    counter = host.load(build(HANDS_OVER))
    leaver = host.load(build(LEAVER))
    assert leaver.thread_ends() == 1
    report = host.reload("counter", build(replace(HANDS_OVER, build=2)), deadline_s=5)
    assert report.outcome is Outcome.PUBLISHED, report
    assert (counter.build(), counter.add(1)) == (2, 2)


def leaves_thread(host: Host, build: Workshop) -> None:
    """D06: destroy does not join what start began."""
    plain = host.load(build(replace(PLAIN, source="leaves_thread", flags=("-pthread",))))
    report = host.reload("plain", build(PLAIN))
    assert report.outcome is Outcome.PUBLISHED, report
    assert (plain.generation, plain.add(2, 3)) == (2, 5)
    assert host.unloads(10).stuck != ()
    assert host.reload("plain").outcome is Outcome.PUBLISHED  # and on it goes
    assert plain.add(2, 3) == 5


def leaves_key(host: Host, build: Workshop) -> None:
    """D07: destroy does not delete the key whose destructor threads would call when they end."""
    plain = host.load(build(replace(PLAIN, source="leaves_key", flags=("-pthread",))))
    touch = ctypes.CDLL(host._plugins["plain"].serving.generation.path).touch
    assert touch() == 0  # on this thread
    other = threading.Thread(target=touch)
    report = host.reload("plain", build(PLAIN))
    assert report.outcome is Outcome.PUBLISHED, report
    assert host.unloads(10).stuck != ()
    other.start()  # it gets a value, and its end calls the destructor: in code that is still there
    other.join()
    assert plain.add(2, 3) == 5


def leaves_handler(host: Host, build: Workshop) -> None:
    """D08: destroy does not take back the handler of SIGUSR1."""
    before = is_caught(signal.SIGUSR1)
    plain = host.load(build(replace(PLAIN, source="leaves_handler")))
    assert (before, is_caught(signal.SIGUSR1)) == (False, True)
    report = host.reload("plain", build(PLAIN))
    assert report.outcome is Outcome.PUBLISHED, report
    assert host.unloads(10).stuck != ()
    assert not is_caught(signal.SIGUSR1)  # as it was before the plugin came
    assert plain.add(2, 3) == 5


def is_caught(number: int) -> bool:
    """Tell whether this process has a handler for a signal; the interpreter knows only of its own (proc(5), SigCgt)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    mask = next(line.split()[1] for line in lines if line.startswith("SigCgt:"))
    return bool(int(mask, 16) >> (number - 1) & 1)


FAULTS = {one.__name__: one for one in (thread_ends, leaves_thread, leaves_key, leaves_handler)}


def main(fault: str) -> None:
    """Meet the fault, then say what serves and what stays."""
    # The probe refuses who leaves a handler: here it is met in the process itself.
    host = Host(probe="off" if fault in ("leaves_key", "leaves_handler") else "start")
    FAULTS[fault](host, shared_workshop())
    print("the new generation serves")
    unloads = host.unloads(0.5)
    print(*unloads.waiting, *unloads.stuck)


main(sys.argv[1])
sys.stdout.flush()
os._exit(0)
