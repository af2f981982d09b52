"""Clients of plugins_c/echo, in a process of their own: `echo_clients.py PORT CONNECTIONS PACE`.

Each connection sends random bytes and hashes what it sent and what came back. Whenever PACE bytes more have come back
on every one a line is printed; after the first line of input they finish what is under way and say what became of each.
Every other client reads only when it can send no more: every buffer is full then, and the server is left with bytes
that it cannot send yet.
"""

from __future__ import annotations

import hashlib
import json
import os
import select
import selectors
import socket
import sys
from typing import Final

CHUNK: Final = 16 * 1024
MOST_AHEAD: Final = 256 * 1024  # bytes sent that have not come back, of who reads as it sends
BUFFER: Final = 16 * 1024  # of the kernel's, for who does not


class Client:
    """One connection."""

    def __init__(self, port: int, *, is_slow: bool) -> None:
        self.socket = socket.socket()
        if is_slow:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setblocking(False)
        self.is_slow = is_slow
        self.sent, self.received = hashlib.sha256(), hashlib.sha256()
        self.sent_bytes = self.received_bytes = 0
        self.unsent = b""
        self.reads_until = 0  # of a slow one: so many bytes have come back then
        self.is_ending = self.is_over = False
        self.failure = ""

    @property
    def wish(self) -> int:
        """What it waits for."""
        if self.is_ending:
            return selectors.EVENT_READ
        if self.is_slow:
            return selectors.EVENT_READ if self.received_bytes < self.reads_until else selectors.EVENT_WRITE
        sends, reads = self.sent_bytes - self.received_bytes < MOST_AHEAD, True
        return (selectors.EVENT_WRITE if sends else 0) | (selectors.EVENT_READ if reads else 0)

    def serve(self, events: int) -> None:
        try:
            if events & selectors.EVENT_WRITE and not self.is_ending:
                self._send()
            if events & selectors.EVENT_READ:
                self._receive()
        except BlockingIOError:
            self.reads_until = self.received_bytes + 4 * CHUNK
        except OSError as error:
            self.failure, self.is_over = str(error), True

    def look_again(self) -> None:
        """A slow one whose socket takes no more is never told so: it tries."""
        if self.is_slow and not self.is_over and self.wish == selectors.EVENT_WRITE:
            self.serve(selectors.EVENT_WRITE)

    def end(self) -> None:
        """Send no more; what is due still comes."""
        self.is_ending = True
        self.socket.shutdown(socket.SHUT_WR)

    def _send(self) -> None:
        self.unsent = self.unsent or os.urandom(CHUNK)
        count = self.socket.send(self.unsent)
        self.sent.update(self.unsent[:count])
        self.unsent = self.unsent[count:]
        self.sent_bytes += count

    def _receive(self) -> None:
        data = self.socket.recv(CHUNK)
        self.received.update(data)
        self.received_bytes += len(data)
        self.is_over = not data
        if not data and not self.is_ending:
            self.failure = "the server closed it"

    def result(self) -> dict[str, object]:
        return {
            "failure": self.failure,
            "bytes": (self.sent_bytes, self.received_bytes),
            "is_intact": self.sent.digest() == self.received.digest(),
        }


def main(port: int, count: int, pace: int) -> None:
    clients = [Client(port, is_slow=number % 2 == 1) for number in range(count)]
    due, is_told = pace, False
    with selectors.DefaultSelector() as selector:
        print("connected", flush=True)
        while not all(one.is_over for one in clients):
            for one in clients:
                _listen(selector, one)
            for key, events in selector.select(timeout=0.1):
                key.data.serve(events)
            for one in clients:
                one.look_again()
            if not is_told and min(one.received_bytes for one in clients) >= due:
                print("moved on", flush=True)
                due = min(one.received_bytes for one in clients) + pace
            if not is_told and select.select([sys.stdin], [], [], 0)[0]:
                is_told = True
                for one in clients:
                    if not one.is_over:
                        one.end()
    print(json.dumps([one.result() for one in clients]), flush=True)


def _listen(selector: selectors.BaseSelector, client: Client) -> None:
    wish = 0 if client.is_over else client.wish
    known = selector.get_map().get(client.socket)
    if known is not None and known.events != wish:
        selector.unregister(client.socket)
        known = None
    if known is None and wish:
        selector.register(client.socket, wish, client)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
