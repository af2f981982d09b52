"""Reading a file that a person wrote: never more of it than its reader takes, whatever is behind the path."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

from hotgraft.core.toml_text import SIZE_LIMIT

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_small_file"]


def read_small_file(path: Path, limit: int = SIZE_LIMIT) -> bytes:
    """Return the bytes of a file; of one with more than `limit` the first `limit` + 1, which its reader refuses.

    Raises:
        OSError: it cannot be read, or is no regular file: a FIFO would be waited for, a device may never end.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a FIFO's open would wait for a writer
    with open(fd, "rb", closefd=True) as file:  # noqa: PTH123 - an fd
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", os.fspath(path))
        return file.read(limit + 1)
