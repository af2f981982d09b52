"""Watches where no fd is left for inotify: the host must poll. Arguments: the watched image, the next build.

In a process of its own, because it lowers the limit of fds until inotify_init fails.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "unit"))

import hotgraft
import watchdog.observers.inotify
import watchdog.observers.polling  # noqa: F401 - imported now: below no file can be opened
from hotgraft.host import watch  # noqa: F401
from watch_scene import Listener, replace


def main() -> None:
    """Print what the host said."""
    image, following = map(Path, sys.argv[1:])
    with hotgraft.Host() as host:
        plugin, listener = host.load(image), Listener(host)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)

        def give_back(_event: hotgraft.HostEvent) -> None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

        host.on("watch.polling", give_back)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        with host.watch() as watching:
            listener.wait_for("watch.polling")
            replace(image, following)
            listener.wait_for_build(plugin, 2)
            print("polling" if watching.is_polling else "not polling", plugin.build(), sorted(set(listener.names())))


main()
