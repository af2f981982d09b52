"""Which plugins there are: in files and folders, in the settings, in installed packages. None of their code runs.

A folder is searched with all that is in it, hidden folders left out and links to folders not followed; each ``*.so``
that holds a descriptor is a plugin, and one that holds none is somebody's helper.

An installed package names its plugins by entry points of the group ``hotgraft.plugins``, in its pyproject.toml::

    [project.entry-points."hotgraft.plugins"]
    gain = "hotgraft_gain"                  # the image is gain.so in that package's folder
    more = "hotgraft_more.images:all_of"    # a function that returns paths of images

The first form is the usual one: the package is found, not imported, so that to look costs no more than a file. Only the
second imports, for who must choose at run time. Packages are asked only when a caller wants them to be.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hotgraft import _core
from hotgraft.core.dataclass import dataclass
from hotgraft.core.descriptor import read_descriptor
from hotgraft.core.errors import DependencyError, HotgraftError, ImageError
from hotgraft.core.graph import make_graph
from hotgraft.core.graph_facts import PluginFacts, facts_of
from hotgraft.engine.image_path import image_of
from hotgraft.engine.stage import check_path, printable_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from importlib.metadata import EntryPoint

    from hotgraft.core.descriptor import Descriptor
    from hotgraft.core.graph import Graph
    from hotgraft.core.settings import PluginEntry

__all__ = ["GROUP", "Broken", "Discovery", "Found", "discover"]

GROUP: Final = "hotgraft.plugins"
SUFFIX: Final = ".so"
FILL: Final = "build plugins into it, name the folder that they are in, or say allow_empty=True where none is fine"
HELPERS_NAMED: Final = 3  # of the libraries in a folder without a plugin


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One plugin, and who named it."""

    facts: PluginFacts
    image: str
    origin: str
    descriptor: Descriptor

    @property
    def name(self) -> str:
        """Return what the host is to call it."""
        return self.facts.name


@dataclass(frozen=True, slots=True)
class Broken:
    """A place where a plugin was to be and is not, and why."""

    place: str
    origin: str
    reasons: tuple[str, ...]

    def __str__(self) -> str:
        return f"{printable_path(self.place)} ({self.origin}): {'; '.join(self.reasons)}"


@dataclass(frozen=True, slots=True)
class Discovery:
    """What was found, what is broken, which libraries are no plugins, and which folders hold no plugin."""

    found: tuple[Found, ...]
    broken: tuple[Broken, ...]
    helpers: tuple[str, ...]
    empty: tuple[Broken, ...] = ()

    def graph(self, others: Iterable[PluginFacts] = ()) -> Graph:
        """Return the graph of what was found, and of `others`."""
        return make_graph([*others, *(one.facts for one in self.found)])

    def by_name(self) -> dict[str, Found]:
        """Return what was found by name; of one image at two places, the first."""
        return {one.name: one for one in reversed(self.found)}

    def check(self, graph: Graph, *, tried: str, on: str, allow_empty: bool = True) -> None:
        """Refuse everything that is wrong at once.

        Raises:
            DependencyError: something is broken, or the graph has violations; without `allow_empty` also where a folder
            holds no plugin.
        """
        empty = () if allow_empty else self.empty
        found = [*map(str, self.broken), *map(str, graph.violations), *map(str, empty)]
        if found:
            raise DependencyError(tried, on=on, found=found, advice=FILL if len(found) == len(empty) else "")


def discover(
    places: Iterable[str | os.PathLike[str]] = (),
    *,
    entries: Iterable[PluginEntry] = (),
    installed: bool = False,
    priorities: Mapping[str, int] | None = None,
) -> Discovery:
    """Return every plugin of some places, and what is broken there, with the reasons.

    Args:
        places: images, ``plugin.toml`` files with their image beside them, or folders.
        entries: of the settings.
        installed: look in installed packages too.
        priorities: by plugin, for those that the settings say nothing of.
    """
    search = _Search(priorities or {})
    for entry in entries:
        origin = "argument" if entry.origin == "argument" else f"{entry.origin}, [plugins.{entry.name}]"
        search.look(entry.image, origin, name=entry.name, priority=entry.priority)
    for place in places:
        search.look(os.fspath(place), "argument")
    if installed:
        search.look_in_packages()
    return Discovery(tuple(search.found), tuple(search.broken), tuple(search.helpers), tuple(search.empty))


class _Search:
    """One search, used once."""

    def __init__(self, priorities: Mapping[str, int]) -> None:
        self._priorities = priorities
        self.found: list[Found] = []
        self.broken: list[Broken] = []
        self.helpers: list[str] = []
        self.empty: list[Broken] = []

    def look(self, place: str, origin: str, *, name: str = "", priority: int | None = None) -> None:
        """Take an image, a manifest's image, or all images of a folder."""
        if os.path.isdir(place):  # noqa: PTH112 - the place may be any text: it is looked at before it is trusted
            self._look_in_folder(place)
            return
        try:
            check_path(place)
            image = image_of(place)
        except (HotgraftError, OSError) as error:
            self._note(place, origin, error)
            return
        self._take(image, origin, name=name, priority=priority)

    def look_in_packages(self) -> None:
        """Take the images of every installed package that has some."""
        from importlib.metadata import entry_points  # 20 ms: only for who asks

        for point in sorted(entry_points(group=GROUP), key=lambda one: (_package(one), one.name)):
            origin = f"package {_package(point)}, entry point {point.name}"
            try:
                images = [*_asked(point)] if point.attr else [_beside(point)]
            except Exception as error:  # the function is a package's own and may raise anything
                self._note(point.value, origin, error)
                continue
            for image in images:
                self._take(image, origin)

    def _look_in_folder(self, folder: str) -> None:
        taken, helpers = len(self.found) + len(self.broken), len(self.helpers)
        self._take_all_in(folder)
        if len(self.found) + len(self.broken) == taken:
            self.empty.append(Broken(os.path.abspath(folder), "folder", (_why_empty(self.helpers[helpers:]),)))  # noqa: PTH100 - as in look

    def _take_all_in(self, folder: str) -> None:
        def note(error: OSError) -> None:
            self._note(str(error.filename), f"folder {folder}", error)

        for where, folders, files in os.walk(folder, onerror=note):
            folders[:] = sorted(one for one in folders if not one.startswith("."))
            for file in sorted(files):
                if file.endswith(SUFFIX):
                    self._take(os.path.abspath(os.path.join(where, file)), f"folder {folder}", is_named=False)  # noqa: PTH100, PTH118 - as above

    def _take(
        self, image: str, origin: str, *, name: str = "", priority: int | None = None, is_named: bool = True
    ) -> None:
        """Read what an image says of itself; without a descriptor it is broken only where somebody named it."""
        try:
            check_path(image)
            descriptor = read_descriptor(_core.read_descriptor(image))
            with Path(image).open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except (HotgraftError, OSError) as error:
            if not is_named and isinstance(error, ImageError) and _is_without_descriptor(image):
                self.helpers.append(image)
            else:
                self._note(image, origin, error)
            return
        own = name or descriptor.name
        rank = priority if priority is not None else self._priorities.get(own, 0)
        facts = facts_of(descriptor, name=own, priority=rank, digest=digest, where=printable_path(image))
        self.found.append(Found(facts=facts, image=image, origin=origin, descriptor=descriptor))

    def _note(self, place: str, origin: str, error: BaseException) -> None:
        if isinstance(error, HotgraftError):
            reasons = error.found or (str(error),)
        elif isinstance(error, OSError):
            reasons = (error.strerror or str(error),)
        else:
            reasons = (f"{type(error).__name__}: {error}",)
        self.broken.append(Broken(place, origin, reasons))


def _why_empty(helpers: Sequence[str]) -> str:
    looked = f"no plugin is in it: looked for *{SUFFIX} that hold a descriptor, here and in the folders below"
    if not helpers:
        return f"{looked}, and there is no *{SUFFIX}"
    named = ", ".join(printable_path(os.path.basename(one)) for one in helpers[:HELPERS_NAMED])  # noqa: PTH119 - as in look
    more = f" and {len(helpers) - HELPERS_NAMED} more" if len(helpers) > HELPERS_NAMED else ""
    return f"{looked}; without one: {named}{more}"


def _is_without_descriptor(image: str) -> bool:
    """Tell whether a file is a library, whole as far as it goes, and holds no descriptor."""
    try:
        return _core.inspect(image, str(Path(image).parent))["descriptor"] is None
    except HotgraftError:
        return False


def _package(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist is not None else point.module


def _asked(point: EntryPoint) -> Iterator[str]:
    """Yield what the package's function returns."""
    images: Any = point.load()()
    for image in images:
        yield os.path.abspath(os.fspath(image))  # noqa: PTH100 - text of somebody else's: not to be made a Path yet


def _beside(point: EntryPoint) -> str:
    """Return the image in the folder of the package that an entry point names, without importing the package.

    Raises:
        ImageError: it is not there; every place looked at is named.
    """
    from importlib.util import find_spec

    top, *inner = point.module.split(".")
    try:
        spec = find_spec(top)  # of a name without a dot it imports nothing
    except (ImportError, ValueError) as error:
        raise _not_there(point, (str(error),)) from None
    if spec is None or not spec.submodule_search_locations:
        raise _not_there(point, (f"package {top} is not there" if spec is None else f"{top} is no package",))
    places = [Path(root).joinpath(*inner) / f"{point.name}{SUFFIX}" for root in spec.submodule_search_locations]
    for place in places:
        if place.is_file():
            return os.fspath(place.absolute())
    raise _not_there(point, tuple(f"{place}: not there" for place in places))


def _not_there(point: EntryPoint, found: tuple[str, ...]) -> ImageError:
    return ImageError("find its image", on=point.value, found=found, advice="install the package again")
