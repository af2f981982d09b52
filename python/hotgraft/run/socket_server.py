"""Answers who asks over the host's socket: on threads of its own, never on a caller's.

One request a connection. Every bound is the same for all: 16 clients, 5 s until a request has arrived, 5 s until its
answer has been taken. What a request starts (a reload) has the host's own deadlines.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from hotgraft.core.errors import Busy, HotgraftError
from hotgraft.core.wire import HEAD_BYTES, answer_of, error_of, length_of, read_request
from hotgraft.engine.socket_place import listen, peer_of, remove

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hotgraft.core.wire import Request
    from hotgraft.engine.socket_place import Peer

__all__ = ["CLIENTS_LIMIT", "REQUEST_S", "SocketServer"]

LOG = logging.getLogger("hotgraft.socket")
CLIENTS_LIMIT: Final = 16
REQUEST_S: Final = 5.0
_END_S: Final = 10.0  # for requests that are being answered when the host ends


class SocketServer:
    """Listens from the time it is made until it is closed.

    Args:
        path: of the socket.
        answer: called with a request and who asks, on a thread of that request.
        request_s: until a request has arrived, and again until its answer was taken.

    Raises:
        ConfigError: the socket cannot be had.

    Thread safety: `close` from any thread.
    """

    def __init__(
        self, path: Path, answer: Callable[[Request, Peer], dict[str, Any]], *, request_s: float = REQUEST_S
    ) -> None:
        self.path = path
        self._answer = answer
        self._request_s = request_s
        self._lock = threading.Lock()
        self._clients: dict[socket.socket, threading.Thread] = {}
        self._is_closed = False
        self._socket = listen(path)
        self._thread = threading.Thread(target=self._serve, name="hotgraft-socket", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Accept nobody any more, hang up on those who have not said what they want, and let the rest be answered."""
        with self._lock:
            self._is_closed = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes accept
        self._thread.join()
        self._socket.close()
        remove(self.path)
        with self._lock:
            open_now = list(self._clients.items())
        for client, _ in open_now:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RD)
        deadline = time.monotonic() + _END_S
        for _, thread in open_now:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError as error:
                with self._lock:
                    if self._is_closed:
                        return
                LOG.warning("the socket: %s", error.strerror)  # no fd left: they come back
                time.sleep(0.1)
                continue
            self._begin(client)

    def _begin(self, client: socket.socket) -> None:
        with self._lock:
            is_full = len(self._clients) >= CLIENTS_LIMIT
            if not is_full:
                thread = threading.Thread(target=self._talk, args=(client,), name="hotgraft-socket-client", daemon=True)
                self._clients[client] = thread
        if not is_full:
            try:
                thread.start()
            except RuntimeError:  # no thread can be had
                self._forget(client)
            return
        with client, contextlib.suppress(OSError):
            client.setblocking(False)
            client.sendall(error_of(Busy("be asked", on="the host", found=f"{CLIENTS_LIMIT} clients are connected")))

    def _forget(self, client: socket.socket) -> None:
        with self._lock:
            self._clients.pop(client, None)
        client.close()

    def _talk(self, client: socket.socket) -> None:
        try:
            reply = self._reply(client)
            if reply:
                _Bounded(client, self._request_s).send(reply)
        except OSError as error:
            LOG.info("a client of the socket went: %s", error)
        finally:
            self._forget(client)

    def _reply(self, client: socket.socket) -> bytes:
        """Return what to say; nothing to who is of another user, or said nothing."""
        peer = peer_of(client)
        if not peer.is_this_user:
            LOG.warning("the socket: turned away process %d of user %d", peer.pid, peer.uid)
            return b""
        try:
            bounded = _Bounded(client, self._request_s)
            head = bounded.receive(HEAD_BYTES)
            request = read_request(bounded.receive(length_of(head))) if head else None
        except TimeoutError:
            return error_of(
                Busy("read a request", on="the host", found=f"it was not whole after {self._request_s:g} s")
            )
        except ValueError as error:
            return error_of(HotgraftError("read a request", on="the host", found=str(error)))
        if request is None:
            return b""
        try:
            return answer_of(self._answer(request, peer))
        except ValueError as error:  # what was asked is no question: a hash that is none, say
            on = request.plugin or ", ".join(request.images) or "the host"
            return error_of(HotgraftError(request.ask, on=on, found=str(error), running="nothing was changed"))
        except (HotgraftError, OSError) as error:
            return error_of(error)
        except Exception as error:
            LOG.exception("the socket: %s", request.ask)
            return error_of(error)


class _Bounded:
    """Reads and writes of a connection that share one deadline."""

    def __init__(self, connection: socket.socket, within_s: float) -> None:
        self._connection = connection
        self._deadline = time.monotonic() + within_s

    def receive(self, size: int) -> bytes:
        """Return that many bytes; nothing, if the other side went before it said anything.

        Raises:
            ValueError: it went in the middle. TimeoutError: the deadline.
        """
        data = bytearray()
        while len(data) < size:
            self._set_timeout()
            part = self._connection.recv(min(size - len(data), 1 << 16))
            if not part:
                if data:
                    raise ValueError(f"it ended after {len(data)} of {size} bytes")
                return b""
            data += part
        return bytes(data)

    def send(self, data: bytes) -> None:
        """Send all of it."""
        self._set_timeout()
        self._connection.sendall(data)  # which takes the timeout for the whole

    def _set_timeout(self) -> None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._connection.settimeout(left)
