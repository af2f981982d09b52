"""socket_server.py and socket_place.py: who may ask a host, how much of it, and for how long."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
from hotgraft.core.errors import Busy, ConfigError, HotgraftError, NoHost
from hotgraft.core.wire import MESSAGE_LIMIT, Request
from hotgraft.engine.socket_place import Peer, find_sockets, listen, peer_of, socket_folder
from hotgraft.run import socket_server
from hotgraft.run.asking import ask, hosts, the_host
from hotgraft.run.socket_server import CLIENTS_LIMIT, SocketServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STATUS = Request(ask="status")
SHORT_S = 0.2


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of this user's sockets, which is not there yet."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return socket_folder()


def echo(request: Request, peer: Peer) -> dict[str, Any]:
    """Answer with what was asked, and by whom."""
    return {"ask": request.ask, "pid": peer.pid, "uid": peer.uid}


@pytest.fixture
def server(folder: Path) -> Iterator[SocketServer]:
    """One that answers with what it was asked."""
    made = SocketServer(folder / "7.sock", echo, request_s=SHORT_S)
    yield made
    made.close()


def connect(server: SocketServer) -> socket.socket:
    """Return a connection that says nothing yet."""
    made = socket.socket(socket.AF_UNIX)
    made.connect(str(server.path))
    return made


def is_answering(server: SocketServer) -> bool:
    """Ask it, as often as all its clients may be somebody else's."""
    while True:
        try:
            return ask(server.path, STATUS) == echo(STATUS, Peer(os.getpid(), os.geteuid()))
        except Busy:
            continue


def test_who_asks_is_who_the_kernel_says(server: SocketServer) -> None:
    """Not who it says it is."""
    assert ask(server.path, STATUS) == {"ask": "status", "pid": os.getpid(), "uid": os.geteuid()}


def test_the_folder_and_the_socket_are_this_users_alone(server: SocketServer) -> None:
    """0700 and 0600, whatever the umask."""
    assert server.path.parent.stat().st_mode & 0o777 == 0o700
    assert server.path.stat().st_mode & 0o777 == 0o600


def test_a_closed_host_leaves_no_socket(folder: Path) -> None:
    """And nobody finds it any more."""
    made = SocketServer(folder / "7.sock", echo)
    assert hosts() == (made.path,)
    made.close()
    assert not folder.exists()
    with pytest.raises(NoHost, match="no socket of a host is there"):
        hosts()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\xff\xff\xff\xff", "a message of 4,294,967,295 bytes: it has 1 to 1,048,576"),
        (b"\0\0\0\0", "a message of 0 bytes"),
        (b"\0\0\0\x05nope!", "it is no JSON"),
        (b"GET / HTTP/1.1\r\n\r\n", "a message of 1,195,725,856 bytes"),
    ],
)
def test_what_is_no_request_gets_its_reason(server: SocketServer, data: bytes, words: str) -> None:
    """And the next one is answered."""
    with connect(server) as client:
        client.sendall(data)
        assert words.encode() in client.recv(4096)
    assert is_answering(server)


@pytest.mark.parametrize("data", [b"", b"\0\0", b"\0\0\0\x20{"])
def test_half_a_message_ends_in_time(server: SocketServer, data: bytes) -> None:
    """Whoever stalls is told so and hung up on; the others are answered meanwhile."""
    with connect(server) as client:
        client.sendall(data)
        assert is_answering(server)
        client.settimeout(30)
        assert b"it was not whole after 0.2 s" in client.recv(4096)
        assert client.recv(1) == b""


@pytest.mark.parametrize("data", [b"", b"\0\0", b"\0\0\0\x20{"])
def test_half_a_message_and_gone_is_forgotten(server: SocketServer, data: bytes) -> None:
    """A client that dies leaves nothing."""
    with connect(server) as client:
        client.sendall(data)
    assert is_answering(server)


def test_a_message_in_single_bytes_has_one_deadline(folder: Path) -> None:
    """One byte every now and then does not keep a thread for good."""
    server = SocketServer(folder / "7.sock", echo, request_s=SHORT_S)
    try:
        with connect(server) as client:
            client.sendall(b"\0\x10\0\0")
            client.settimeout(30)
            with pytest.raises(OSError, match=r"(?i)pipe|reset"):
                while True:
                    client.sendall(b" ")
                    threading.Event().wait(0.01)
        assert is_answering(server)
    finally:
        server.close()


def test_an_answer_that_nobody_takes_ends_in_time(folder: Path) -> None:
    """The answer is larger than what the kernel holds for a reader that does not read."""
    server = SocketServer(folder / "7.sock", lambda *_: {"words": "x" * (MESSAGE_LIMIT - 100)}, request_s=SHORT_S)
    try:
        with connect(server) as client:
            client.sendall(STATUS.encoded())
            while server._clients:
                threading.Event().wait(0.01)
    finally:
        server.close()


def test_more_clients_than_may_be_are_told_so(folder: Path) -> None:
    """1,000 at once: each is answered or told; afterwards it answers as before."""
    server = SocketServer(folder / "7.sock", echo)
    said: list[str] = []

    def one() -> None:
        try:
            said.append(ask(server.path, STATUS)["ask"])
        except Busy as error:
            said.append(error.found[0])
        except NoHost as error:  # hung up on before it had said what it wants
            said.append(error.found[0])

    silent = [connect(server) for _ in range(CLIENTS_LIMIT)]
    threads = [threading.Thread(target=one) for _ in range(1000)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(said) == 1000
        assert f"{CLIENTS_LIMIT} clients are connected" in said
        for client in silent:
            client.close()
        assert is_answering(server)
    finally:
        server.close()


def test_a_failure_of_an_answer_is_told_and_the_next_is_answered(folder: Path) -> None:
    """Its own error, or any other."""
    failures: list[Exception] = [KeyError("boom"), Busy("reload", on="gain", found="a swap goes on")]

    def answer(request: Request, peer: Peer) -> dict[str, Any]:
        if failures:
            raise failures.pop()
        return echo(request, peer)

    server = SocketServer(folder / "7.sock", answer)
    try:
        with pytest.raises(Busy, match="a swap goes on"):
            ask(server.path, STATUS)
        with pytest.raises(HotgraftError, match="boom"):
            ask(server.path, STATUS)
        assert is_answering(server)
    finally:
        server.close()


def test_another_user_is_turned_away(server: SocketServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if the folder let it in."""
    monkeypatch.setattr(socket_server, "peer_of", lambda _: Peer(1, os.geteuid() + 1))
    with pytest.raises(NoHost, match=r"hung up|reset"):
        ask(server.path, STATUS)


@pytest.mark.control
def test_control_without_a_look_at_the_peer_another_user_is_answered(
    server: SocketServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who the path lets in may ask: only the look at SO_PEERCRED says no."""
    monkeypatch.setattr(socket_server, "peer_of", lambda _: Peer(1, os.geteuid()))
    assert _asked_as_nobody(server) == "status"


def test_another_user_is_turned_away_where_the_path_lets_it_in(server: SocketServer) -> None:
    """A real process of another user, through folders and a socket that were opened to all."""
    assert _asked_as_nobody(server) == "NoHost"


ASK_AS_NOBODY = """
import os, sys
sys.path[:] = {path!r}
from hotgraft.core.errors import NoHost
from pathlib import Path
from hotgraft.core.wire import Request
from hotgraft.run import asking
asking.peer_of = lambda _: type("Peer", (), dict(is_this_user=True))  # this side would not ask another user's host
os.chdir({folder!r})
os.setresuid(65534, 65534, 65534)
try:
    print(asking.ask(Path("7.sock"), Request(ask="status"))["ask"])
except NoHost as error:
    print("NoHost" if "hung up" in error.found[0] or "reset" in error.found[0] else error)
"""


def _asked_as_nobody(server: SocketServer) -> str:
    if os.geteuid() != 0:
        pytest.skip("only root can be another user")
    server.path.parent.chmod(0o755)
    server.path.chmod(0o666)
    program = ASK_AS_NOBODY.format(path=sys.path, folder=str(server.path.parent))
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    return ran.stdout.strip()


# --- the place ---


def test_a_link_in_place_of_the_socket_is_refused(folder: Path, tmp_path: Path) -> None:
    """Nothing is written through it."""
    folder.mkdir(mode=0o700)
    (folder / "7.sock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="there is a link there"):
        listen(folder / "7.sock")
    assert not (tmp_path / "elsewhere").exists()


def test_a_link_in_place_of_the_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    """Somebody else's folder may be behind it."""
    (tmp_path / "other").mkdir(mode=0o700)
    folder.symlink_to(tmp_path / "other")
    with pytest.raises(ConfigError, match="is no folder, or a link to one"):
        listen(folder / "7.sock")


@pytest.mark.parametrize("named", ["", "7"])
def test_a_host_that_was_started_without_a_runtime_folder_is_found_from_where_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    """Started by cron, asked from a login shell."""
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    made = SocketServer(socket_folder() / "7.sock", echo, request_s=SHORT_S)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "runtime"))
    assert not socket_folder().exists()

    assert hosts(named) == (made.path,)
    made.close()


def test_a_folder_that_others_may_enter_is_refused(folder: Path) -> None:
    """By who listens, and by who looks for hosts."""
    folder.mkdir()
    folder.chmod(0o755)
    with pytest.raises(ConfigError, match="has mode 0755"):
        listen(folder / "7.sock")
    assert find_sockets(folder) == ()


def test_a_file_at_the_path_is_kept(folder: Path) -> None:
    """It is not ours to remove."""
    folder.mkdir(mode=0o700)
    (folder / "7.sock").write_text("mine")
    with pytest.raises(ConfigError, match="there is a file there"):
        listen(folder / "7.sock")
    assert (folder / "7.sock").read_text() == "mine"


def test_a_socket_of_a_host_that_was_killed_is_taken_over(folder: Path) -> None:
    """And one that answers is not."""
    folder.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(folder / "7.sock"))
    assert _silence(folder / "7.sock") == "Connection refused"
    server = SocketServer(folder / "7.sock", echo)
    try:
        with pytest.raises(ConfigError, match="another host answers there"):
            listen(folder / "7.sock")
        assert is_answering(server)
    finally:
        server.close()


def _silence(path: Path) -> str:
    with pytest.raises(NoHost) as caught:
        hosts(str(path))
    return caught.value.found[0]


def test_a_path_that_is_too_long_for_a_socket_says_so(folder: Path) -> None:
    """107 bytes, unix(7)."""
    with pytest.raises(ConfigError, match="a socket's has 107 at most"):
        listen(folder / ("x" * 120))


def test_the_one_host_is_meant_and_of_several_one_must_be_named(server: SocketServer, folder: Path) -> None:
    """Nothing is changed in a host that was not meant."""
    assert the_host() == the_host("7") == the_host(str(server.path)) == server.path
    other = SocketServer(folder / "8.sock", echo)
    try:
        with pytest.raises(NoHost, match="name one: --host PID") as caught:
            the_host()
        assert caught.value.found == ("7 runs", "8 runs")
    finally:
        other.close()


def test_nobody_asks_the_host_of_another_user(server: SocketServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it says could be anything, and what is said to it is not its business."""
    monkeypatch.setattr("hotgraft.run.asking.peer_of", lambda _: Peer(12, os.geteuid() + 1))
    with pytest.raises(NoHost, match="process 12 of user"):
        ask(server.path, STATUS)


def test_a_host_that_never_answers_is_given_up(folder: Path) -> None:
    """It may have been stopped."""
    folder.mkdir(mode=0o700)
    with listen(folder / "7.sock"), pytest.raises(NoHost, match="no answer within"):
        ask(folder / "7.sock", STATUS, within_s=SHORT_S)


def test_the_kernel_names_this_process() -> None:
    """`SO_PEERCRED`."""
    one, other = socket.socketpair()
    with one, other:
        assert peer_of(one) == Peer(os.getpid(), os.geteuid())


def test_closing_lets_an_answer_end_that_was_begun(folder: Path) -> None:
    """A reload that was asked for is told to who asked."""
    begun, end = threading.Event(), threading.Event()

    def answer(request: Request, peer: Peer) -> dict[str, Any]:
        begun.set()
        end.wait(30)
        return echo(request, peer)

    server, said = SocketServer(folder / "7.sock", answer), list[Any]()
    asker = threading.Thread(target=lambda: said.append(ask(server.path, STATUS)["ask"]))
    asker.start()
    begun.wait(30)
    closer = threading.Thread(target=server.close)
    closer.start()
    end.set()
    closer.join()
    asker.join()
    assert said == ["status"]
