"""What the probe is asked, as values and as the bytes that the helper reads (native/probe/request.hpp)."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Final

from hotgraft.core.dataclass import dataclass
from hotgraft.core.probing import STAGES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from hotgraft import _core
    from hotgraft.core.plan import Side

__all__ = ["LibraryToProbe", "StateToProbe", "place_of", "request_bytes"]

FDS_BEYOND: Final = 256
_FDS_OWN: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class StateToProbe:
    """A copy of what is alive in one instance: a block to take, or values to restore."""

    layout_id: int = 0
    block: bytes | None = None
    pointed: tuple[bytes, ...] = ()  # the blocks that it leads to
    links: tuple[tuple[int, int, int], ...] = ()  # which block (0: its own), at which byte, leads to which
    schema: int = 0
    values: bytes = b""  # MessagePack, as it was saved
    converters: tuple[tuple[int, int], ...] = ()  # of the candidate, that the values go over first
    is_discarded: bool = False  # those are only tried: the instance begins fresh

    @property
    def loose(self) -> tuple[bytes, ...]:
        """Return the block and those that it leads to, or the saved values alone."""
        return (self.block, *self.pointed) if self.block is not None else (self.values,)


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryToProbe:
    """A staged copy that the probe maps: a provider, or the candidate itself."""

    plugin: str
    generation: _core.Generation
    source: str
    side: Side
    configs: Mapping[str, str]  # by instance
    imports: Mapping[str, str]  # place by interface
    states: Mapping[str, StateToProbe]  # by instance; one that is not there begins fresh
    may_write: bool = False  # to a block that it is given


def place_of(plugin: str, instance: str, interface: str) -> str:
    """Return the name of the place where an instance's interface is published."""
    return f"{plugin}:{instance}:{interface}"


def request_bytes(
    libraries: Sequence[LibraryToProbe], *, reach: str, memory_bytes: int, stage_deadline_s: float
) -> bytes:
    """Return the request: providers first, the candidate last."""
    cpu_s = math.ceil(stage_deadline_s) * len(STAGES) + 1
    first = ("probe", os.getpid(), memory_bytes, _FDS_OWN + FDS_BEYOND, cpu_s, reach)
    records = [first, *(record for one in libraries for record in _records_of(one))]
    return b"".join(map(_record, records))


Field = str | int | bytes


def _records_of(library: LibraryToProbe) -> Iterator[tuple[Field, ...]]:
    generation = library.generation
    yield (
        "library", library.plugin, generation.number, library.side.version, library.source, generation.path,
        generation.sha256,
    )  # fmt: skip
    for interface, place in library.imports.items():
        yield "import", interface, place
    for name, config_json in library.configs.items():
        yield "instance", name, config_json
        for one in library.side.interfaces:
            yield "interface", one.key, one.packed_version, one.bytes, place_of(library.plugin, name, one.key)
        if name in library.states:
            yield from _records_of_state(library.states[name])
            if library.may_write:
                yield ("may write",)


def _records_of_state(state: StateToProbe) -> Iterator[tuple[Field, ...]]:
    if state.block is not None:
        yield "block", state.layout_id, state.block
        yield from (("pointed", block) for block in state.pointed)
        yield from (("link", *link) for link in state.links)
        return
    yield "values", state.schema, state.values
    for before, after in state.converters:
        yield "converter", before, after
    if state.is_discarded:
        yield ("discard",)


def _record(fields: Iterable[Field]) -> bytes:
    """`3;6:import5:codec7:codec/1`."""
    raw = [one if isinstance(one, bytes) else os.fsencode(str(one)) for one in fields]
    return b"%d;" % len(raw) + b"".join(b"%d:%b" % (len(one), one) for one in raw)
