"""The plugin's source as the demo edits it: a copy of plugins_c/biquad in a folder of its own.

Every edit is made on the text of the file as an author would, and an edit that finds nothing to change is an
error: the demo must not swap a build that is the same as before and call it new.
"""

from __future__ import annotations

import pathlib
import re
import shutil
from typing import TYPE_CHECKING

import hotgraft
from hotgraft.core.errors import HotgraftError

if TYPE_CHECKING:
    from hotgraft.demo.filters import Filter


def find_plugins() -> pathlib.Path:
    """Return the folder of the shipped plugins: installed with the package, or beside it in a checkout."""
    places = [pathlib.Path(place) / "plugins_c" for place in hotgraft.__path__]
    places += [pathlib.Path(place).parent.parent / "plugins_c" for place in hotgraft.__path__]
    for place in places:
        if (place / "biquad").is_dir():
            return place
    raise HotgraftError(
        "find the shipped plugins",
        found=tuple(f"not in {place}" for place in places),
        advice="install the package again",
    )


class Source:
    """The folder of the build that is being written.

    Args:
        folder: where the copy goes; must not exist.
    """

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self._shipped = find_plugins() / "biquad"
        shutil.copytree(self._shipped / "v1", folder)

    def write_build(self, build: int, filter_: Filter) -> None:
        """Write a good build: build 1 is version 1 of the plugin, every later one version 2."""
        shipped = self._shipped / ("v1" if build == 1 else "v2")
        shutil.copytree(shipped, self.folder, copy_function=shutil.copy, dirs_exist_ok=True)  # with the time of now
        if build > 1:
            self._edit("plugin.toml", r'version = "[^"]+"', f'version = "1.1.{build - 2}"')
        self._edit("biquad.c", r"#define BUILD \d+", f"#define BUILD {build}")
        for name, value in zip(("B0", "B1", "B2", "A1", "A2"), filter_.coefficients, strict=True):
            self._edit("biquad.c", rf"(double {name}) = [^;]+;", rf"\1 = {value!r};")
        self._edit("biquad.c", r"build to build\.[^\n]*", f"build to build. This one: {filter_.name}. */")

    def break_grammar(self) -> None:
        """Leave a half-typed line behind, as an author who saved too early does."""
        self._edit("biquad.c", r"const double y = B0 \* x \+ line\.z1;", "const double y = B0 * x +;")

    def drop_function(self) -> None:
        """Take `blocks` out of the interface and of the code: it compiles, and lacks what callers rely on."""
        self._edit("biquad.h", r"\n    /\* How many blocks(?:(?!\*/).)*\*/\n[^;]*;\n", "\n")
        self._edit("biquad.c", r"static hotgraft_status blocks\(.*?\n}\n\n", "")
        self._edit("biquad.c", r"coefficients, blocks}", "coefficients}")

    def crash_in_create(self) -> None:
        """Let create write to an address where nothing is: it compiles, and no tool that reads the file can see it."""
        self._edit("biquad.c", r"\(void\)config_json;", "*(volatile int *)8 = BUILD;")

    def hang_in_create(self) -> None:
        """Let create go round for ever."""
        self._edit("biquad.c", r"\(void\)config_json;", "for (volatile int round = 0;; round++) {}")

    def _edit(self, name: str, pattern: str, replacement: str) -> None:
        path = self.folder / name
        text, count = re.subn(pattern, replacement, path.read_text(), count=1, flags=re.DOTALL)
        if count != 1:
            raise HotgraftError("edit the source", on=str(path), found=f"nothing in it matches {pattern!r}")
        path.write_text(text)
