"""Two images, or two sets of C headers, become two surfaces and the contract's word on them. None of it runs."""

from __future__ import annotations

import hashlib
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from hotgraft.core.contract import Consumer
from hotgraft.core.contract_judge import compare
from hotgraft.core.dataclass import dataclass
from hotgraft.core.errors import BindError, ImageError
from hotgraft.core.surface import Surface
from hotgraft.core.versions import Range
from hotgraft.engine.small_file import read_small_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from hotgraft.core.contract_facts import Comparison
    from hotgraft.core.descriptor import Descriptor
    from hotgraft.engine.inspection import Inspection

__all__ = [
    "Compared", "SourceKind", "compare_headers", "compare_images", "compare_inspected", "consumers_of", "kind_of",
    "surface_of_image",
]  # fmt: skip

SourceKind: TypeAlias = Literal["image", "headers"]

_ELF: Final = b"\x7fELF"  # gABI ch. 4, e_ident
_HEADERS: Final = frozenset({".h", ".hh", ".hpp", ".hxx", ".h++", ".inc", ".c"})
# What a header may take in that is not the system's, with the name where it is a plain one.
_OWN_INCLUDE: Final = re.compile(
    rb'^[ \t]*#[ \t]*(?:include|include_next|import|embed)\b[ \t]*(?!<)(?:"([^"\n]*)")?', re.M
)


@dataclass(frozen=True, slots=True)
class Compared:
    """What was compared, and what it came to."""

    old: Surface
    new: Surface
    comparison: Comparison


def kind_of(path: Path) -> SourceKind:
    """Say what a path leads to, by its content where it is a file; a folder is one of headers.

    What is neither an image nor named like a header counts as an image, so that its refusal says what it is.

    Raises:
        OSError: it cannot be read.
    """
    if path.is_dir():
        return "headers"
    if read_small_file(path, len(_ELF))[: len(_ELF)] == _ELF:
        return "image"
    return "headers" if path.suffix.lower() in _HEADERS else "image"


def compare_images(old: Path, new: Path, *, consumers: Sequence[Path] = ()) -> Compared:
    """Compare what two images say of themselves.

    Args:
        old, new: the images. One without a descriptor is not refused: nobody can say what it offers.
        consumers: images of plugins whose requirements tell who relies on `old`.

    Raises:
        ImageError: one is no image, is damaged, or its descriptor cannot be read.
        LoadError: one cannot be read at all.
    """
    from hotgraft.engine.inspection import inspect_image  # headers need none of it, and it is a third of their time

    sides = [inspect_image(one) for one in (old, new)]
    known = [one for path in consumers for one in consumers_of(_descriptor_of(inspect_image(path)), sides[0])]
    return compare_inspected(sides[0], sides[1], known)


def compare_inspected(old: Inspection, new: Inspection, consumers: Iterable[Consumer] = ()) -> Compared:
    """Compare two images that were inspected.

    Raises:
        ImageError: one is no image, is damaged, or its descriptor cannot be read.
    """
    was, now = surface_of_image(old), surface_of_image(new)
    if old.descriptor is None or new.descriptor is None:  # what only one side tells is no difference
        was, now = (Surface(label=one.label, unseen=one.unseen) for one in (was, now))
    is_same = old.facts["sha256"] == new.facts["sha256"]
    return Compared(was, now, compare(was, now, consumers, is_same_bytes=is_same))


def surface_of_image(found: Inspection) -> Surface:
    """Return what an image says that callers can rely on; without a descriptor, that it says nothing.

    Raises:
        ImageError: it is no image, is damaged, or its descriptor cannot be read.
    """
    if found.descriptor is not None:
        from hotgraft.core.surface_descriptor import surface_of

        return surface_of(found.descriptor)
    wrong = [one for one in found.refusals if not found.facts or one.rule == "descriptor"]
    if not found.facts or found.facts["descriptor"] is not None:
        raise ImageError(
            "compare the image",
            on=found.shown_path,
            found=[one.sentence for one in wrong],
            advice=wrong[0].advice,
            running="nothing was compared",
        )
    return Surface(
        label=found.shown_path,
        unseen=("the image holds no descriptor: nothing in it says what its functions take and return",),
    )


def consumers_of(consumer: Descriptor, old: Inspection) -> list[Consumer]:
    """Return what a plugin relies on of another one, by what it requires; empty: nothing."""
    offered = old.descriptor.provides if old.descriptor is not None else ()
    found = []
    for wanted in consumer.requires:
        accepts = Range.parse(wanted.range)
        for one in offered:
            if one.interface == wanted.interface and accepts.allows_interface(one.version):
                key = f"{one.interface}/{one.version[0]}"
                uses = frozenset(wanted.features)
                found.append(Consumer(plugin=consumer.name, interface=key, accepts=accepts, uses=uses))
    return found


def compare_headers(
    old: Path, new: Path, *, include: Sequence[Path] = (), defines: Sequence[str] = (), compiler: str | None = None
) -> Compared:
    """Compare two C headers, or two folders of them, as this machine's compiler sees them.

    Args:
        old, new: a header, or a folder whose headers are read together, in the order of their names.
        include: folders for both sides. A folder that is compared is one for its own side.
        defines: macros, ``NAME`` or ``NAME=VALUE``.
        compiler: instead of the one that is found.

    Raises:
        BuildError: the headers do not compile. BindError: they are C++, or there are none.
    """
    from hotgraft.engine.dwarf import prepare
    from hotgraft.engine.header_surface import read_headers  # it runs compilers; images need none

    was, now = _headers_of(old), _headers_of(new)

    def read(path: Path, headers: list[Path]) -> Surface:
        own = [path] if path.is_dir() else []
        return read_headers(headers, include=[*own, *include], defines=defines, compiler=compiler)

    with ThreadPoolExecutor(2) as pool:  # what takes time is the compiler
        reading = pool.map(read, (old, new), (was, now))
        prepare()  # meanwhile
        before, after = reading
    is_same = old.samefile(new) or _are_same(was, now)
    return Compared(before, after, compare(before, after, is_same_bytes=is_same))


def _descriptor_of(found: Inspection) -> Descriptor:
    if found.descriptor is not None:
        return found.descriptor
    (sentence,) = surface_of_image(found).unseen
    raise ImageError(
        "see what the consumer requires",
        on=found.shown_path,
        found=sentence,
        advice="name an image that `hotgraft build` made",
        running="nothing was compared",
    )


def _headers_of(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(one for one in path.rglob("*") if one.suffix.lower() in _HEADERS - {".c"} and one.is_file())
    if not found:
        raise BindError(
            "read the headers",
            on=str(path),
            found="the folder holds no header (*.h, *.hpp, …)",
            advice="name a header, or the folder that holds them",
            running="nothing was compared",
        )
    return found


def _are_same(was: list[Path], now: list[Path]) -> bool:
    """Tell whether both sides are the same bytes, with everything of their own that they include."""
    digests = [[hashlib.sha256(one.read_bytes()).hexdigest() for one in side] for side in (was, now)]
    return digests[0] == digests[1] and all(map(_is_whole, (was, now)))


def _is_whole(headers: list[Path]) -> bool:
    """Tell whether what these headers include is among them, or the system's."""
    known = {one.resolve() for one in headers}
    for header in headers:
        for name in _OWN_INCLUDE.findall(header.read_bytes()):
            if not name or (header.parent / name.decode(errors="replace")).resolve() not in known:
                return False
    return True
