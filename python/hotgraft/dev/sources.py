"""Which files a plugin is made of, and whether they are other than they were."""

from __future__ import annotations

import fnmatch
import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hotgraft.core.dataclass import dataclass
from hotgraft.engine.watch import content_of, facts_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hotgraft.engine.watch import FileFacts

__all__ = ["EXCLUDED", "INCLUDED", "Sources", "changed_files", "digest_of"]

INCLUDED: Final = (
    "*.c", "*.cc", "*.cpp", "*.cxx", "*.h", "*.hh", "*.hpp", "*.hxx", "*.inc", "*.inl", "*.toml", "*.json",
    "CMakeLists.txt",
)  # fmt: skip
EXCLUDED: Final = ("build", "build-*", ".*", "__pycache__", "*~")


@dataclass(frozen=True, slots=True)
class Sources:
    """The files in `folders` and below whose name or path matches `included`, and that nothing excludes.

    A pattern is matched against the name and against the path below the folder; an excluded folder is left out with
    all that is in it.
    """

    folders: tuple[Path, ...]
    included: tuple[str, ...] = INCLUDED
    excluded: tuple[str, ...] = EXCLUDED

    def is_source(self, path: str) -> bool:
        """Tell whether an event on `path` may change what is built: a source, or a folder that sources may be in."""
        for folder in self.folders:
            try:
                inside = Path(path).relative_to(folder)
            except ValueError:
                continue
            above = list(inside.parents)[:-1]  # but the folder itself
            if any(_matches(one, self.excluded) for one in (inside, *above)):
                continue
            return _matches(inside, self.included) or Path(path).is_dir()
        return False

    def tree(self) -> tuple[list[str], list[str]]:
        """Return the folders to watch and the files that are there."""
        folders, files = list[str](), list[str]()
        for top in self.folders:
            for place, below, names in os.walk(top):
                inside = Path(place).relative_to(top)
                below[:] = sorted(name for name in below if not _matches(inside / name, self.excluded))
                folders.append(place)
                files += [
                    str(Path(place) / name)
                    for name in sorted(names)
                    if _matches(inside / name, self.included) and not _matches(inside / name, self.excluded)
                ]
        return folders, files

    def facts(self) -> Mapping[str, FileFacts | None]:
        """Return the files with what tells that one changed: cheap, and blind for a change within a clock's tick."""
        return {path: facts_of(path) for path in self.tree()[1]}

    def contents(self) -> Mapping[str, str]:
        """Return the files with the hash of what is in them."""
        return dict(self._hashes())

    def _hashes(self) -> Iterator[tuple[str, str]]:
        for path in self.tree()[1]:
            yield path, content_of(path) or "not a file that can be read"  # gone since, a FIFO: that is what it is then


def changed_files(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return the files that came, went or changed between two contents."""
    return sorted(path for path in before.keys() | now.keys() if before.get(path) != now.get(path))


def digest_of(contents: Mapping[str, str]) -> bytes:
    """Return 32 bytes that stand for contents."""
    text = "\0".join(f"{path}\0{content}" for path, content in sorted(contents.items()))
    return hashlib.sha256(text.encode(errors="surrogateescape")).digest()


def _matches(path: Path, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatchcase(path.name, one) or fnmatch.fnmatchcase(str(path), one) for one in patterns)
