"""A thread that ended inside a guard, or goes on inside its plugin: it stays so for the rest of the process."""

from __future__ import annotations

import os
import sys
from dataclasses import replace

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


def main(fault: str) -> None:
    """Meet the fault, then say what serves and what stays."""
    host = Host()
    {"thread_ends": thread_ends, "leaves_thread": leaves_thread}[fault](host, shared_workshop())
    print("the new generation serves")
    unloads = host.unloads(0.5)
    print(*unloads.waiting, *unloads.stuck)


main(sys.argv[1])
sys.stdout.flush()
os._exit(0)
