"""plugins_c/echo: connections outlive every build of the server, up and down, and no byte of a stream is lost."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from hotgraft import Host
from hotgraft.core.errors import HotgraftError
from kept_plugins import kept_plugin

if TYPE_CHECKING:
    from hotgraft.host.report import SwapReport

ECHO = pathlib.Path(__file__).parents[1] / "plugins_c" / "echo"
CLIENTS = pathlib.Path(__file__).parent / "echo_clients.py"
DEADLINE_S = 120
WAIT = "    wait_until_serving(server);\n"
# A start that fails after its thread has had all the time there is.
LATE = "    hotgraft_status status = server_open(&echo->server, echo->port, error);\n"
LATE += "    if (status == HOTGRAFT_OK) {\n        status = server_run(&echo->server, error);\n    }\n"
LATE += "    usleep(50000);\n    server_stop(&echo->server);\n    (void)status;\n    return HOTGRAFT_E_FAILED;\n}\n"

Image = Callable[[str], pathlib.Path]


def fail_late(folder: pathlib.Path) -> None:
    """Make a start that begins to serve and then fails."""
    source = folder / "echo.c"
    head, rest = source.read_text().split("    const hotgraft_status status = server_open", 1)
    source.write_text("#include <unistd.h>\n" + head + LATE + rest.split("\n}\n", 1)[1])


def fail_late_without_waiting(folder: pathlib.Path) -> None:
    """The same of a server that does not wait until it serves."""
    fail_late(folder)
    source = folder / "server.c"
    assert WAIT in source.read_text()
    source.write_text(source.read_text().replace(WAIT, "    (void)wait_until_serving;\n"))


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """Compile a version, once: v1, v2, or one of version 2 whose start fails."""
    built: dict[str, pathlib.Path] = {}
    changes = {"late": fail_late, "rash": fail_late_without_waiting}

    def get(name: str) -> pathlib.Path:
        if name not in built:
            folder = tmp_path_factory.mktemp("servers") / name
            shutil.copytree(ECHO / ("v1" if name == "v1" else "v2"), folder, ignore=shutil.ignore_patterns("build"))
            if name in changes:
                changes[name](folder)
            built[name] = kept_plugin(folder, flags=("-O0", "-g0"))
        return built[name]

    return get


@pytest.fixture
def host() -> Iterator[Host]:
    """What it replaces it holds, so that it can go back; what a candidate does it does in this process."""
    with Host(probation="on", probe="off") as it:
        yield it


class Clients:
    """The process of the clients."""

    def __init__(self, port: int, count: int, pace: int) -> None:
        command = [sys.executable, "-S", "-E", str(CLIENTS), str(port), str(count), str(pace)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.kill = threading.Timer(DEADLINE_S, self.process.kill)
        self.kill.start()
        self.count = count

    def wait(self, word: str) -> None:
        """Wait until every stream has moved on, or the first time until all are connected."""
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == f"{word}\n"

    def results(self) -> list[dict[str, Any]]:
        """Let them finish, and return what became of each."""
        answer, _ = self.process.communicate("over\n")
        found: list[dict[str, Any]] = json.loads(answer.splitlines()[-1])
        return found


@contextmanager
def clients_of(server: Any, count: int, pace: int = 16 * 1024) -> Iterator[Clients]:
    clients = Clients(server.port(), count, pace)
    try:
        clients.wait("connected")
        clients.wait("moved on")
        yield clients
    finally:
        clients.kill.cancel()
        clients.process.kill()
        clients.process.communicate()


def wrong(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for one in results if one["failure"] or not one["is_intact"] or one["bytes"][0] != one["bytes"][1]]


@pytest.mark.full
def test_streams_are_intact_over_replacements_up_and_down(host: Host, image: Image) -> None:
    """Half hand the block over and half convert it, and one in four is a rollback: nobody at the other end notices."""
    server: Any = host.load(image("v1"))
    crossed: list[str] = []

    def note(report: SwapReport) -> None:
        assert report.plan is not None
        crossed.append(str(report.plan.crossing))

    def replace(name: str) -> None:
        host.allow("echo")  # an image that was rolled back may come again
        note(host.reload("echo", image(name)))

    def go_back() -> None:
        note(host.rollback("echo"))

    changes: tuple[Callable[[], None], ...] = (
        partial(replace, "v1"),
        partial(replace, "v2"),
        partial(replace, "v2"),
        go_back,
    )
    count = 32
    with clients_of(server, count) as clients:
        for _ in range(25):
            for change in changes:
                change()
                clients.wait("moved on")
                assert server.connections() == count
        results = clients.results()

    assert crossed[:4] == ["hand over", "convert", "hand over", "convert"]
    assert len(results) == count
    assert wrong(results) == []
    assert (server.accepted(), server.version) == (count, "1.0.0")


def serve_over_failures(host: Host, image: Image, name: str, failures: int) -> list[dict[str, Any]]:
    """Return what became of streams while swaps to `name` are called off."""
    server: Any = host.load(image("v1"))
    with clients_of(server, 4) as clients:
        for _ in range(failures):
            with pytest.raises(HotgraftError, match="start"):
                host.reload("echo", image(name))
            host.allow("echo")
        return clients.results()


@pytest.mark.full
def test_streams_are_intact_over_swaps_that_are_called_off(host: Host, image: Image) -> None:
    """A candidate's thread had all the time there is before its start failed, and has read nothing."""
    assert wrong(serve_over_failures(host, image, "late", 5)) == []


@pytest.mark.control
def test_without_the_wait_a_swap_that_is_called_off_breaks_streams(host: Host, image: Image) -> None:
    """What it read and sent before its start failed is missing from the block that the old build goes on with."""
    assert wrong(serve_over_failures(host, image, "rash", 5))


def test_the_probe_leaves_the_connections_alone(image: Image) -> None:
    """It is given a copy of the state in a process of its own, where the same numbers are other files or none."""
    with Host(probation="on") as host:
        server: Any = host.load(image("v1"), config={"port": 0})
        with socket.create_connection(("127.0.0.1", server.port())) as client:
            client.sendall(b"one")
            assert client.recv(8) == b"one"
            assert host.reload("echo", image("v2")).probe is not None
            client.sendall(b"two")
            assert client.recv(8) == b"two"
            assert server.connections() == 1


def fds() -> set[int]:
    return {int(one.name) for one in pathlib.Path("/proc/self/fd").iterdir() if one.is_symlink()}


def test_thread_and_epoll_are_every_builds_own_and_no_program_inherits_an_fd(image: Image) -> None:
    """Connections go over; what a build opened for itself goes with it. K08: all of them are closed in children."""
    before = fds()
    with Host(probe="off") as host:
        server: Any = host.load(image("v1"))
        with socket.create_connection(("127.0.0.1", server.port())) as client:
            client.sendall(b"one")
            assert client.recv(8) == b"one"
            first = fds()
            host.reload("echo", image("v2"))
            client.sendall(b"two")
            assert client.recv(8) == b"two"
            assert host.unloads(DEADLINE_S).stuck == ()
            assert len(fds()) == len(first)
            assert [fd for fd in fds() - before if os.get_inheritable(fd)] == []
    assert fds() == before
