"""The faulty files of FAULTS.md that a host refuses, whatever image is in them; how to make each, what must be said."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from faulty_images import Fault
from hotgraft import ImageError, LoadError
from sample_plugins import PLAIN

if TYPE_CHECKING:
    from collections.abc import Callable

    from faulty_images import Maker
    from sample_plugins import Workshop

NOBODY = 65534


def made(change: Callable[[Path], object]) -> Maker:
    """Whatever `change` puts at a path."""

    def make(_: Workshop, folder: Path) -> Path:
        path = folder / "thing.so"
        change(path)
        return path

    return make


def copied(change: Callable[[Path], object], name: str = "plain.so") -> Maker:
    """A sound plugin in a folder of its own, with something done to the file or its folder."""

    def make(build: Workshop, folder: Path) -> Path:
        path = folder / "own" / name
        path.parent.mkdir()
        shutil.copyfile(build(PLAIN), path)
        path.chmod(0o755)
        change(path)
        return path

    return make


def named(name: str) -> Maker:
    """A sound plugin under a name that it should not have."""
    return copied(lambda _: None, name)


def bind_socket(path: Path) -> None:
    """Leave a socket's file there."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


def give_away(path: Path) -> None:
    """Another user's file: only root can give files away."""
    if os.geteuid() != 0:
        pytest.skip("only root can make a file another user's")
    os.chown(path, NOBODY, -1)


def long_path(_: Workshop, folder: Path) -> Path:
    """A path beyond PATH_MAX."""
    return folder / "/".join(["x" * 200] * 21) / "plain.so"


def sparse(path: Path) -> None:
    """4 GiB that take no room on disk."""
    with path.open("r+b") as file:
        file.truncate(4 << 30)


FILES = (
    Fault("F01", "empty", made(Path.touch), ImageError, ("the file is empty",)),
    Fault("F02", "fifo", made(os.mkfifo), ImageError, ("it is a FIFO",)),
    Fault("F02", "directory", made(Path.mkdir), ImageError, ("it is a directory",)),
    Fault("F02", "socket", made(bind_socket), ImageError, ("a socket",)),
    Fault("F02", "device", lambda *_: Path("/dev/null"), ImageError, ("/dev/null", "a device")),
    Fault("F10", "open_file", copied(lambda path: path.chmod(0o777)), ImageError, ("everybody can write", "chmod")),
    Fault(
        "F10", "open_folder", copied(lambda path: path.parent.chmod(0o777)), ImageError, ("its folder", "own: every")
    ),
    Fault("F11", "other_owner", copied(give_away), ImageError, (f"belongs to user {NOBODY}", "chown /")),
    Fault("F13", "too_long", long_path, LoadError, ("too long",)),
    Fault("F13", "newline", named("pl\nain.so"), ImageError, (r"pl\nain.so", r"the control character '\n'")),
    Fault("F13", "not_utf8", named(os.fsdecode(b"pl\xffin.so")), ImageError, (r"pl\udcffin.so", "not UTF-8")),
    Fault("F13", "nul", lambda _, folder: folder / "pl\0ain.so", ImageError, (r"pl\x00ain.so", r"character '\x00'")),
    Fault("F14", "sparse", copied(sparse), ImageError, ("4294967296 bytes", "at most")),
)
