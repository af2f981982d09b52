"""`python -m hotgraft`: where the headers, the CMake package and the pkg-config files are; else the command line."""

from __future__ import annotations

import sys

from hotgraft.core.errors import HotgraftError
from hotgraft.engine import places

PLACES = {"--includes": places.include_dir, "--cmakedir": places.cmake_dir, "--pkgconfigdir": places.pkgconfig_dir}


def main(arguments: list[str]) -> int:
    """Print one folder per flag, and nothing else: build files read it. Without one, run `hotgraft`."""
    if arguments and all(one in PLACES for one in arguments):
        try:
            print("\n".join(str(PLACES[one]()) for one in arguments))
        except HotgraftError as error:
            print(error, file=sys.stderr)
            return 1
        return 0
    from hotgraft.cli.main import main as run_command

    run_command()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
