"""What `hotgraft doctor` looks at: each part of this machine that building, loading or replacing a plugin needs.

Nothing is assumed that can be tried: the compilers compile, and a plugin is loaded, replaced and taken out of memory.
"""

from __future__ import annotations

import os
import platform
import re
import resource
import shlex
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from hotgraft.core.dataclass import dataclass
from hotgraft.core.errors import BuildError, HotgraftError
from hotgraft.engine import places
from hotgraft.engine.build import build_plugin, find_compiler
from hotgraft.engine.leftovers import left_folders, mapped_copies
from hotgraft.engine.new_plugin import new_plugin
from hotgraft.engine.tools import version_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Diagnosis", "diagnose"]

Level = Literal["ok", "warning", "problem"]

FILES_WANTED: Final = 1024  # a host holds one fd per watch and pin wait; programs hold the rest
WATCHES_WANTED: Final = 8192
BYTES_WANTED: Final = 100 << 20  # free, where staged copies go
CMAKE_WANTED: Final = (3, 25)
LEFT_SHOWN: Final = 8  # folders; the command that removes them names all


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One part that was looked at."""

    part: str
    level: Level
    found: str
    advice: str = ""


def diagnose(try_swap: Callable[[Path], Diagnosis]) -> Iterator[Diagnosis]:
    """Yield what was found, part by part.

    Args:
        try_swap: loads and replaces the image it is given; above this layer, because it takes a host.
    """
    yield _versions()
    yield _package()
    with tempfile.TemporaryDirectory(prefix="hotgraft-doctor-") as scratch:
        image = None
        for language, is_cpp in (("C", False), ("C++", True)):
            diagnosis, made = _compiler(language, Path(scratch), is_cpp=is_cpp)
            image = image or made
            yield diagnosis
        yield _cmake()
        if image is not None:
            yield try_swap(image)
    yield _membarrier()
    yield from _limits()
    yield from _staging()
    yield from _hosts()


def _versions() -> Diagnosis:
    from importlib.metadata import version

    python, libc = platform.python_version(), " ".join(platform.libc_ver())
    return Diagnosis("versions", "ok", f"hotgraft {version('hotgraft')}, Python {python}, {libc}, {platform.machine()}")


def _package() -> Diagnosis:
    try:
        found = (places.include_dir(), places.cmake_dir(), places.pkgconfig_dir())
    except BuildError as error:
        return Diagnosis("package", "problem", "; ".join(error.found), error.advice)
    return Diagnosis("package", "ok", "\n".join(map(str, found)))


def _compiler(language: str, scratch: Path, *, is_cpp: bool) -> tuple[Diagnosis, Path | None]:
    """Find the compiler and build a new plugin with it, with the flags that every plugin gets."""
    part = f"{language} compiler"
    variable = "CXX" if is_cpp else "CC"
    try:
        command = find_compiler(cpp=is_cpp)
    except BuildError as error:
        advice = f"install one (Debian: apt-get install {'g++' if is_cpp else 'gcc'}), or set ${variable}"
        found = "; ".join(error.found) or f"none of {error.on} is on the path"
        return Diagnosis(part, "problem", found, error.advice or advice), None
    said = version_of(shlex.split(command))
    shown = f"{command}: {said.splitlines()[0] if said else 'does not say its version'}"
    name = "probe_cpp" if is_cpp else "probe_c"
    try:
        new_plugin(name, scratch, is_cpp=is_cpp)
        image = build_plugin(scratch / name)
    except BuildError as error:
        advice = f"this compiler cannot build a plugin: mend it, or set ${variable} to another"
        words = error.output.strip() or "; ".join(error.found)
        return Diagnosis(part, "problem", f"{shown}\n{words}", advice), None
    return Diagnosis(part, "ok", f"{shown}\nbuilds a plugin with every flag it needs"), image


def _cmake() -> Diagnosis:
    if not shutil.which("cmake"):
        return Diagnosis("CMake", "warning", "not on the path", "only needed for find_package(hotgraft): install it")
    said = version_of(["cmake"])
    found = re.search(r"(\d+)\.(\d+)", said)
    version = (int(found[1]), int(found[2])) if found else (0, 0)
    shown = said.splitlines()[0] if said else "does not say its version"
    if version < CMAKE_WANTED:
        return Diagnosis("CMake", "warning", shown, "find_package(hotgraft) wants 3.25 or newer: pip install cmake")
    return Diagnosis("CMake", "ok", shown + (", with ninja" if shutil.which("ninja") else ", without ninja"))


def _membarrier() -> Diagnosis:
    from hotgraft import _core

    if _core.has_membarrier():
        return Diagnosis("membarrier", "ok", "the kernel has it: a call takes no fence")
    return Diagnosis(
        "membarrier",
        "warning",
        "the kernel refuses it: every call takes a fence",
        "use Linux 4.14 or newer; in a container, let its seccomp profile allow membarrier(2)",
    )


def _limits() -> Iterator[Diagnosis]:
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    is_enough = files == resource.RLIM_INFINITY or files >= FILES_WANTED
    shown = "no limit" if files == resource.RLIM_INFINITY else f"{files} open files"
    yield Diagnosis("open files", "ok" if is_enough else "warning", shown, "" if is_enough else "ulimit -n 4096")
    try:
        watches = int(Path("/proc/sys/fs/inotify/max_user_watches").read_text(encoding="ascii"))
    except (OSError, ValueError):
        yield Diagnosis("inotify", "warning", "the kernel does not say its limits", "watching may have to poll")
        return
    is_enough = watches >= WATCHES_WANTED
    advice = "" if is_enough else "sysctl fs.inotify.max_user_watches=65536, or watching has to poll"
    yield Diagnosis("inotify", "ok" if is_enough else "warning", f"{watches} watches for this user", advice)


def _staging() -> Iterator[Diagnosis]:
    """Where hosts put their staged copies: must let code be mapped and have room."""
    folder = Path(tempfile.gettempdir())
    facts = os.statvfs(folder)
    free = facts.f_bavail * facts.f_frsize
    if facts.f_flag & os.ST_NOEXEC:
        advice = "give hosts another folder: Host(staging_folder=...), or set $TMPDIR"
        yield Diagnosis("staging folder", "problem", f"{folder} is mounted noexec: no image can be mapped", advice)
    elif free < BYTES_WANTED:
        yield Diagnosis("staging folder", "warning", f"{folder} has {free >> 20} MB left", "make room, or set $TMPDIR")
    else:
        yield Diagnosis("staging folder", "ok", f"{folder}, {free >> 20} MB left")
    left = left_folders()
    if left:
        shown = [
            f"{one.path}: process {one.pid} is gone; files: {one.files}, {one.bytes:,} bytes"
            for one in left[:LEFT_SHOWN]
        ]
        more = left[LEFT_SHOWN:]
        found = "\n".join(shown + [f"and {len(more)} more, {sum(one.bytes for one in more):,} bytes"] * bool(more))
        advice = "hosts that were killed left these: rm -r " + " ".join(shlex.quote(str(one.path)) for one in left)
        yield Diagnosis("leftovers", "warning", found, advice)
    else:
        yield Diagnosis("leftovers", "ok", "none")


def _hosts() -> Iterator[Diagnosis]:
    """Which processes have plugins in memory; an older generation that stays is held, or stuck."""
    for one in mapped_copies():
        if one.pid == os.getpid():
            continue
        several = [name for name, numbers in one.generations.items() if len(numbers) > 1]
        listed = ", ".join(f"{name} g{'+g'.join(map(str, numbers))}" for name, numbers in one.generations.items())
        found = f"process {one.pid} ({one.program[:60]}): {listed}"
        if several:
            names = ", ".join(several)
            advice = f"{names}: older generations stay: host.unloads() there says whether held or stuck, and why"
            yield Diagnosis("host", "warning", found, advice)
        else:
            yield Diagnosis("host", "ok", found)


def failed_swap(error: HotgraftError) -> Diagnosis:
    """Return the diagnosis for a plugin that could not be loaded or replaced here."""
    return Diagnosis("loader", "problem", str(error), "this machine cannot run plugins: see Limits in the README")
