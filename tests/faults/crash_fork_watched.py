"""Forks while a plugin is watched: the child calls, watches nothing, and ends by itself. Argument: the image."""

from __future__ import annotations

import os
import sys
import threading
import warnings

import hotgraft


def main() -> None:
    """Print what the child found."""
    with hotgraft.Host() as host:
        plugin = host.load(sys.argv[1])
        watch = host.watch()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # it has threads: that is what is tried here
            child = os.fork()
        if child == 0:
            names = [thread.name for thread in threading.enumerate()]
            watch.close()
            try:
                host.watch()
            except hotgraft.ForkedHostError:
                print("child:", plugin.build(), names, flush=True)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        watch.close()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            child = os.fork()  # nothing is watched: CPython ≥ 3.12 has nothing to warn of
        if child == 0:
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        print("parent:", plugin.build())


main()
