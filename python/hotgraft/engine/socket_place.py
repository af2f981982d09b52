"""Where hosts of this user can be asked: one Unix socket each, in a folder that only this user may enter.

    $XDG_RUNTIME_DIR/hotgraft/<pid>.sock, or <temporary folder>/hotgraft-<uid>/<pid>.sock where there is none

A path is a claim: whoever asks, and whoever answers, also looks at who is at the other end (SO_PEERCRED, unix(7)).
"""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import struct
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hotgraft.core.errors import ConfigError

__all__ = ["Peer", "default_socket", "find_sockets", "listen", "peer_of", "remove", "socket_folder"]

PATH_LIMIT: Final = 107  # bytes of sockaddr_un.sun_path, without the zero that ends it
BACKLOG: Final = 32
_CREDENTIALS: Final = struct.Struct("3i")  # struct ucred: pid, uid, gid


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end of a connection, as the kernel knows it: when the connection was made."""

    pid: int
    uid: int

    @property
    def is_this_user(self) -> bool:
        """Tell whether it runs as the user that this process runs as."""
        return self.uid == os.geteuid()


def peer_of(connection: socket.socket) -> Peer:
    """Return who is at the other end."""
    data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, _ = _CREDENTIALS.unpack(data)
    return Peer(pid, uid)


def socket_folder() -> Path:
    """Return the folder of this user's sockets; it need not be there."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime.startswith("/"):  # the XDG base directory specification: a relative one is ignored
        return Path(runtime) / "hotgraft"
    return Path(tempfile.gettempdir()) / f"hotgraft-{os.geteuid()}"


def socket_folders() -> tuple[Path, ...]:
    """Return that folder, then where this user's hosts have theirs that were started in another environment.

    A service or a login shell has a runtime folder, cron and sudo have none.
    """
    user = os.geteuid()
    others = Path(f"/run/user/{user}/hotgraft"), Path(tempfile.gettempdir()) / f"hotgraft-{user}"
    return tuple(dict.fromkeys((socket_folder(), *others)))


def default_socket() -> Path:
    """Return the path of this process's socket."""
    return socket_folder() / f"{os.getpid()}.sock"


def find_sockets(folder: Path) -> tuple[Path, ...]:
    """Return the sockets in a folder that is this user's alone, whether or not somebody answers there."""
    if _why_not_private(folder):
        return ()
    return tuple(sorted(one for one in folder.glob("*.sock") if stat.S_ISSOCK(one.lstat().st_mode)))


def listen(path: Path) -> socket.socket:
    """Make the socket, its folder where that is missing, and listen.

    Raises:
        ConfigError: the folder is not this user's alone, something else is at the path, or another host answers there.
    """
    found = ""
    for _ in range(2):  # a host that ends may remove the folder in between
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = _why_not_private(path.parent) or _why_taken(path)
            if not found:
                return _bound(path)
        except OSError as error:
            found = error.strerror or str(error)
    raise ConfigError(
        "open its socket",
        on=str(path),
        found=found,
        advice="name another with --socket PATH, or --socket off: then nothing can be asked of it",
    )


def _bound(path: Path) -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        made.bind(os.fspath(path))
        path.chmod(0o600)
        made.listen(BACKLOG)
    except BaseException:
        made.close()
        raise
    return made


def remove(path: Path) -> None:
    """Remove a socket of this process, and the usual folder with the last one; both may be gone."""
    with contextlib.suppress(OSError):
        path.unlink()
    if path.parent == socket_folder():
        with contextlib.suppress(OSError):
            path.parent.rmdir()


def _why_not_private(folder: Path) -> str:
    """Return why a folder is none that only this user may enter; empty: it is, and no link leads there."""
    try:
        facts = folder.lstat()
    except OSError as error:
        return f"{folder}: {error.strerror}"
    if not stat.S_ISDIR(facts.st_mode):
        return f"{folder} is no folder, or a link to one"
    if facts.st_uid != os.geteuid():
        return f"{folder} belongs to user {facts.st_uid}"
    if facts.st_mode & 0o077:
        return f"{folder} has mode {stat.S_IMODE(facts.st_mode):04o}: others may enter it (chmod 700)"
    return ""


def _why_taken(path: Path) -> str:
    """Return why the socket cannot be made there; one that nobody answers at is removed."""
    if len(os.fsencode(path)) > PATH_LIMIT:
        return f"its path has {len(os.fsencode(path))} bytes; a socket's has {PATH_LIMIT} at most"
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return ""
    if not stat.S_ISSOCK(mode):
        return f"there is a {'link' if stat.S_ISLNK(mode) else 'file'} there"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asked:
        asked.settimeout(1.0)
        try:
            asked.connect(os.fspath(path))
        except ConnectionRefusedError:  # of a process that was killed
            path.unlink(missing_ok=True)
            return ""
    return "another host answers there"
