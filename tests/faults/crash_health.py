"""Checks that hang, in a process that ends, forks, or asks without a deadline: what is done is said by the argument."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import warnings
from dataclasses import replace
from pathlib import Path

from hotgraft import ForkedHostError, Host
from sample_plugins import PLAIN, Workshop

ENDLESS_S = 1e9


def main(what: str) -> None:
    """Have a plugin's own check and a function of the program hang, then go on."""
    host = Host(probe="off")
    plain = host.load(Workshop(Path(tempfile.mkdtemp()))(replace(PLAIN, source="unhealthy")), config={"hangs_from": 1})
    host.health("plain")(lambda plugin: threading.Event().wait())
    print("asked", flush=True)
    report = host.check_health("plain", deadline_s=ENDLESS_S if what == "no deadline" else 0.1)
    assert report.hung == ("health", "<lambda>"), report
    assert plain.add(2, 3) == 5
    if what == "fork":
        fork(host, plain)
    if what == "close":
        assert "a health check that has not come back" in host.close(1.0).waiting[0]
    print("went on")


def fork(host: Host, plain: object) -> None:
    """The child calls and asks nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that threads are there is what this is about
        child = os.fork()
    if child == 0:
        try:
            host.check_health("plain")
        except ForkedHostError:
            os._exit(plain.add(2, 3))  # type: ignore[attr-defined] # its functions are not known to a type
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 5


main(sys.argv[1])
