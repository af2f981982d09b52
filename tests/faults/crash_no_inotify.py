"""Watches where inotify has nothing left to give: the host must poll. Arguments: what is used up, the watched image,
the next build.

What is used up: "fds", of this process; "instances" or "watches", of this user, as the kernel counts them in a user
namespace of our own. In a process of its own, because all of these are limits of a process. Ends with 77 where the
system allows no such namespace.
"""

from __future__ import annotations

import ctypes
import os
import resource
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "unit"))

CLONE_NEWUSER = 0x10000000  # unshare(2)


def enter_namespace() -> None:
    """Count inotify apart from all others; must be done before there is a second thread."""
    user = os.geteuid()
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER) != 0:
        sys.exit(77)
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1\n", encoding="ascii")  # files are still ours


def main(used_up: str, image: Path, following: Path) -> None:
    """Print what the host said."""
    if used_up != "fds":
        enter_namespace()
    import hotgraft
    import watchdog.observers.inotify
    import watchdog.observers.polling  # noqa: F401 - imported now: below no file can be opened
    from hotgraft.host import watch  # noqa: F401 - as above
    from watch_scene import Listener, replace

    with hotgraft.Host() as host:
        plugin, listener = host.load(image), Listener(host)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        host.on("watch.polling", lambda _: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard)))
        if used_up == "fds":
            resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        else:
            Path(f"/proc/sys/user/max_inotify_{used_up}").write_text("0", encoding="ascii")
        with host.watch() as watching:
            listener.wait_for("watch.polling")
            replace(image, following)
            listener.wait_for_build(plugin, 2)
            print("polling" if watching.is_polling else "not polling", plugin.build(), sorted(set(listener.names())))


main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
