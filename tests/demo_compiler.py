"""A compiler for runs of the demo that build what a run before them built: an image that was made is copied.

    demo_compiler.py KEEP ARGUMENTS...

In the folder KEEP lies each image under a hash of the arguments, of the source, and of every header in the folders that
the arguments name. What the machine's cc has not made before, it makes now; what it refuses is never kept. The demo's
own folder is called otherwise in every run, so its name counts for nothing: only debug information tells it.
"""

from __future__ import annotations

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys


def main() -> int:
    """Copy the image of these arguments, or have it made."""
    keep, arguments = pathlib.Path(sys.argv[1]), sys.argv[2:]
    image = pathlib.Path(arguments[arguments.index("-o") + 1])
    kept = keep / f"{_key(arguments)}.so"
    if kept.exists():
        shutil.copyfile(kept, image)
        return 0
    status = subprocess.run(["cc", *arguments], check=False).returncode
    if status == 0:
        partial = kept.with_suffix(f".{os.getpid()}")
        shutil.copyfile(image, partial)
        partial.replace(kept)  # whole or not at all
    return status


def _key(arguments: list[str]) -> str:
    """Return a hash of what goes into the image."""
    digest = hashlib.sha256()
    source = next(pathlib.Path(one) for one in arguments if one.endswith(".c"))
    for one in arguments:
        if one != arguments[arguments.index("-o") + 1]:
            digest.update(one.replace(str(source.parent), "HERE").encode() + b"\0")
    folders = [one.removeprefix("-I") for one in arguments if one.startswith("-I")]
    files = {source, *(path for folder in folders for path in pathlib.Path(folder).rglob("*.h"))}
    for path in sorted(files):
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
