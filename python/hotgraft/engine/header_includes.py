"""The headers that an interface header includes with quotes: their structs and macros are part of the interface.

A quoted header is looked for where a compiler that builds the plugin looks: beside the header that includes it, then
beside the manifest. Headers in angle brackets, and ours, declare nothing that an interface is made of.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

from hotgraft.engine.header_tokens import read_header

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hotgraft.engine.header_tokens import Header

DEPTH_LIMIT: Final = 32
OURS: Final = "hotgraft/"
_QUOTED: Final = re.compile(r'"([^"\n]+)"')


class HeaderReader:
    """Reads headers in the order in which a compiler sees them, each file once.

    Args:
        folder: of the manifest.
        complaints: is given what cannot be read, as ``file:line: sentence``.
    """

    def __init__(self, folder: Path, complaints: list[str]) -> None:
        self.files: dict[Path, str] = {}  # what was read, by its real path, and as it is shown
        self.definitions: dict[str, str] = {}  # what macros without arguments stand for
        self._folder = folder
        self._complaints = complaints
        self._macros: Mapping[str, str | None] = {}
        self._headers: list[Header] = []

    def read(self, name: str) -> tuple[Header, ...]:
        """Return the header after those that it includes; without those that were read before."""
        self._headers = []
        self._read(self._folder / name, name, depth=0)
        return tuple(self._headers)

    def _read(self, path: Path, shown: str, *, depth: int) -> None:
        real = path.resolve()
        if real in self.files:
            return
        try:
            data = path.read_bytes()
        except OSError as error:
            self._complaints.append(f"{path}: {error.strerror or error}")
            return
        self.files[real] = shown

        def include(written: str, line: int, macros: Mapping[str, str | None]) -> Mapping[str, str | None]:
            self._macros = macros
            self._include(written, f"{shown}:{line}", path.parent, depth=depth + 1)
            return self._macros

        header = read_header(data, shown, self._macros, self._complaints, include=include, definitions=self.definitions)
        self._macros = header.macros
        self._headers.append(header)

    def _include(self, written: str, where: str, beside: Path, *, depth: int) -> None:
        quoted = _QUOTED.fullmatch(written)
        if quoted is None:
            return
        places = tuple(dict.fromkeys([beside / quoted[1], self._folder / quoted[1]]))
        found = next((place for place in places if place.is_file()), None)
        if found is not None and depth > DEPTH_LIMIT:
            self._complaints.append(f"{where}: headers include one another more than {DEPTH_LIMIT} deep")
        elif found is not None:
            self._read(found, self._shown(found), depth=depth)
        elif not quoted[1].startswith(OURS):
            self._complaints.append(
                f"{where}: #include {written}: it is not there; looked for "
                + " and ".join(self._shown(place) for place in places)
                + "; a header of the system is included with <>"
            )

    def _shown(self, path: Path) -> str:
        return os.path.relpath(path, self._folder)
