"""Run the probe's helper on one request: start it, follow what it tells, and end it with all that it started.

The helper gets an environment as clean as the plugin can do with: see `probe_environment`.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import select
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import hotgraft
from hotgraft.core.dataclass import dataclass
from hotgraft.core.errors import HotgraftError, LoadError, ResourceError
from hotgraft.core.probing import Ending

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Ran", "helper_path", "probe_environment", "run_helper"]

# What would make the loader trace, log or measure instead of load. Everything else stays as it is: constructors, create
# and start read it, and the loader finds libraries by it (LD_LIBRARY_PATH, LD_PRELOAD).
_LOADER_TALKS: Final = (
    "LD_AUDIT", "LD_DEBUG", "LD_DEBUG_OUTPUT", "LD_PROFILE", "LD_PROFILE_OUTPUT", "LD_SHOW_AUXV",
    "LD_TRACE_LOADED_OBJECTS", "LD_VERBOSE", "LD_WARN",
)  # fmt: skip
_FDS_FROM: Final = 5  # above those that the helper has: 0 to 2 nothing, 3 the request, 4 what it tells
_TELL_WHERE_S: Final = 0.3  # after a deadline, for a helper to say where it hangs
_TOLD_MAX: Final = 1 << 20  # bytes that are read of what it tells
_NO_RESOURCES: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.ENOSPC})


@dataclass(frozen=True, slots=True)
class Ran:
    """What the helper told, and how it ended."""

    text: str
    ending: Ending


def helper_path() -> str:
    """Return the path of the helper, installed beside the core.

    Raises:
        LoadError: it is not installed; every place is named.
    """
    places = [Path(root) / "lib" / "hotgraft-probe" for root in hotgraft.__path__]
    for place in places:
        if place.is_file():
            return str(place)
    raise LoadError(
        "find the probe's helper",
        on="hotgraft-probe",
        found=[f"{place}: not there" for place in places],
        advice="install hotgraft again, or go without it: Host(probe='off')",
    )


def probe_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what of the host's environment the helper gets: all but what makes the loader talk."""
    return {name: value for name, value in environment.items() if name not in _LOADER_TALKS}


def run_helper(request: bytes, *, stage_deadline_s: float) -> Ran:
    """Run the helper on `request`, each of its stages within `stage_deadline_s`; nothing of it is left behind.

    Raises:
        ResourceError: no memory, fds or processes for it. LoadError: it cannot be started.
    """
    program = helper_path()
    # Both stacks are made before there is an fd: each needs memory, and what cannot be owned would stay open.
    with _starting(program), contextlib.ExitStack() as fds, contextlib.ExitStack() as own:
        asked = _high(os.memfd_create("hotgraft-probe-request", os.MFD_CLOEXEC), fds)
        _write_all(asked, request)
        os.lseek(asked, 0, os.SEEK_SET)
        low_told, low_tells = os.pipe2(os.O_CLOEXEC)
        try:
            told = _high(low_told, fds)
        except BaseException:
            os.close(low_tells)
            raise
        pid = _spawn(program, asked, _high(low_tells, own))
        own.close()
        return _follow(pid, told, stage_deadline_s)


@contextlib.contextmanager
def _starting(program: str) -> Iterator[None]:
    """Let what the system refuses be an error of ours."""
    try:
        yield
    except OSError as error:
        kind: type[HotgraftError] = ResourceError if error.errno in _NO_RESOURCES else LoadError
        raise kind("start the probe", on=program, found=error.strerror or str(error)) from error


def _high(fd: int, owner: contextlib.ExitStack) -> int:
    """Give `fd` a number that stands in nobody's way when the helper's are put in place, and close it with `owner`."""
    try:
        high: int = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _FDS_FROM)
    finally:
        os.close(fd)
    try:
        owner.callback(os.close, high)
    except BaseException:
        os.close(high)
        raise
    return high


def _write_all(fd: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]


def _spawn(program: str, request: int, tells: int) -> int:
    """Start it in a process group of its own, with no signal blocked and no fd but those it needs."""
    nowhere = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDWR, 0)]
    copies = [(os.POSIX_SPAWN_DUP2, have, want) for have, want in ((0, 1), (0, 2), (request, 3), (tells, 4))]
    return os.posix_spawn(
        program,
        [program],
        probe_environment(os.environ),
        file_actions=[*nowhere, *copies],
        setpgroup=0,
        setsigmask=(),
    )


def _follow(pid: int, told: int, stage_deadline_s: float) -> Ran:
    """Read what it tells until it ends or a stage is over its deadline; then end all that is left of it."""
    os.set_blocking(told, False)
    text = bytearray()
    timed_out_s = 0.0
    pidfd = -1
    try:
        pidfd = _pidfd_of(pid)
        if not _read_until_end(pidfd, told, text, stage_deadline_s) and not _has_ended(pid):
            timed_out_s = stage_deadline_s
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGABRT)  # its answer is a crash report that says where it was
            _read_until_end(pidfd, told, text, _TELL_WHERE_S, counts_stages=False)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)  # itself where it still runs, and what it started
        ending = _reap(pid, timed_out_s)
        if pidfd >= 0:
            os.close(pidfd)
    _read(told, text)
    return Ran(text.decode(errors="backslashreplace"), ending)


def _pidfd_of(pid: int) -> int:
    """Return an fd that becomes readable when it ends; -1 where nobody gives one (valgrind, old containers)."""
    try:
        return os.pidfd_open(pid)
    except OSError as error:
        if error.errno in _NO_RESOURCES:
            raise
        return -1


def _has_ended(pid: int) -> bool:
    with contextlib.suppress(ChildProcessError):
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    return True  # and somebody else has taken note of it


def _read_until_end(pidfd: int, told: int, text: bytearray, deadline_s: float, *, counts_stages: bool = True) -> bool:
    """Return whether it ended within `deadline_s`, from the last stage it began where stages count."""
    poll = select.poll()
    if pidfd >= 0:
        poll.register(pidfd, select.POLLIN)
    poll.register(told, select.POLLIN)
    until = time.monotonic() + deadline_s
    while (left := until - time.monotonic()) > 0:
        ready = dict(poll.poll(left * 1_000))
        if pidfd in ready:
            return True
        if told in ready:
            before = len(text)
            if not _read(told, text):
                if pidfd < 0:
                    return True  # as far as can be told: whatever it started has closed it as well
                poll.unregister(told)  # closed, and it still runs
            if counts_stages and text.find(b">begin", max(before - 6, 0)) >= 0:
                until = time.monotonic() + deadline_s
    return False


def _read(told: int, text: bytearray) -> bool:
    """Take what there is; False: it is the end."""
    with contextlib.suppress(BlockingIOError):
        while chunk := os.read(told, 65_536):
            text += chunk[: max(_TOLD_MAX - len(text), 0)]
        return False
    return True


def _reap(pid: int, timed_out_s: float) -> Ending:
    try:
        _, status = os.waitpid(pid, 0)
    except ChildProcessError:  # this process waits for all its children somewhere else, or ignores SIGCHLD
        return Ending(timed_out_s=timed_out_s)
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return Ending(exit_code=code, timed_out_s=timed_out_s)
    try:
        return Ending(signal=signal.Signals(-code).name, timed_out_s=timed_out_s)
    except ValueError:  # a real-time one
        return Ending(signal=f"signal {-code}", timed_out_s=timed_out_s)
