"""Asking a running host of this user, from another process."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hotgraft.core.errors import NoHost
from hotgraft.core.wire import HEAD_BYTES, length_of, read_answer
from hotgraft.engine.socket_place import find_sockets, peer_of, socket_folders

if TYPE_CHECKING:
    from hotgraft.core.wire import Request

__all__ = ["ANSWER_S", "ask", "hosts", "the_host"]

CONNECT_S: Final = 5.0
ANSWER_S: Final = 600.0  # a reload has the host's own deadlines; this one ends the wait for a host that has stopped


def hosts(named: str = "") -> tuple[Path, ...]:
    """Return the sockets that are meant: the one of that process or path, else all at which somebody answers.

    Hosts that were started in another environment are looked for where this one's has none.

    Raises:
        NoHost: there is none.
    """
    if named:
        path = _of_process(named) if named.isdecimal() else Path(named)
        if (why := _why_silent(path)) is not None:
            raise NoHost("ask it", on=str(path), found=(_what_is_there(named, path) or why, _who_answers()))
        return (path,)
    found: list[str] = []
    for folder in socket_folders():
        silent = {one: _why_silent(one) for one in find_sockets(folder)}
        if answering := tuple(one for one, why in silent.items() if why is None):
            return answering
        found += [f"{one}: {why}" for one, why in silent.items()] or [f"{folder}: no socket of a host is there"]
    raise NoHost("find a running host", on="hotgraft", found=found)


def _of_process(number: str) -> Path:
    """Return where the socket of a process is; where it is nowhere, where it would be."""
    places = [folder / f"{number}.sock" for folder in socket_folders()]
    return next((one for one in places if one.exists()), places[0])


def the_host(named: str = "") -> Path:
    """Return the one socket that is meant.

    Raises:
        NoHost: there is none, or several.
    """
    found = hosts(named)
    if len(found) > 1:
        raise NoHost(
            "choose a host", on="hotgraft", found=[f"{one.stem} runs" for one in found], advice="name one: --host PID"
        )
    return found[0]


def ask(path: Path, request: Request, *, within_s: float = ANSWER_S) -> dict[str, Any]:
    """Return the host's answer.

    Raises:
        NoHost: it does not answer, or says what nobody understands. HotgraftError: what the host itself refused with.
    """
    deadline = time.monotonic() + within_s
    try:
        with _connected(path) as connection:
            with contextlib.suppress(BrokenPipeError):  # it may have said why it did not listen
                connection.sendall(request.encoded())
            size = length_of(_receive(connection, HEAD_BYTES, deadline))
            return read_answer(_receive(connection, size, deadline))
    except (OSError, ValueError) as error:
        found = f"no answer within {within_s:g} s" if isinstance(error, TimeoutError) else _words(error)
        raise NoHost(f"ask for its {request.ask}", on=str(path), found=found) from None


def _connected(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        connection.settimeout(CONNECT_S)
        connection.connect(os.fspath(path))
        if not (peer := peer_of(connection)).is_this_user:
            raise PermissionError(None, f"process {peer.pid} of user {peer.uid} answers there")
    except BaseException:
        connection.close()
        raise
    return connection


def _why_silent(path: Path) -> str | None:
    """Return why nobody can be asked there; None: somebody can."""
    try:
        _connected(path).close()
    except OSError as error:
        return _words(error)
    return None


def _what_is_there(named: str, path: Path) -> str:
    """Return what is wrong with a place that was named; empty: a socket is there."""
    if path.exists():
        return "" if path.is_socket() else "that is no socket"
    if named.isdecimal():
        return f"process {named} has no socket there: it serves no plugins, or its socket is off or elsewhere"
    return "no socket is there" if os.sep in named else f"{named!r} is no process number, and no socket is there"


def _who_answers() -> str:
    listed = [one for folder in socket_folders() for one in find_sockets(folder)]
    answering = [one.stem for one in listed if _why_silent(one) is None]
    return f"hosts of this user that answer: {', '.join(answering) or 'none'}"


def _receive(connection: socket.socket, size: int, deadline: float) -> bytes:
    data = bytearray()
    while len(data) < size:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        connection.settimeout(left)
        part = connection.recv(min(size - len(data), 1 << 16))
        if not part:
            raise ValueError("it hung up before its answer was whole")
        data += part
    return bytes(data)


def _words(error: OSError | ValueError) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
