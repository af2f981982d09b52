"""What callers rely on, and whether a candidate keeps it.

This is the minimum that keeps a running caller safe: a function that was offered stays, in its place, with
its signature and structs. Whether a declared version is honest about it, and which larger reload set would
make a break harmless, is not decided here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Consumer", "FunctionFacts", "InterfaceFacts", "breaks"]


class Accepts(Protocol):
    """A range of interface versions."""

    def allows_interface(self, version: tuple[int, int]) -> bool:
        """Tell whether the range accepts that major and minor."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionFacts:
    """One function of an interface, as callers see it."""

    name: str
    offset: int
    signature: str  # canonical text: equal texts are equal signatures
    structs: tuple[str, ...] = ()  # names of the structs it passes


@dataclass(frozen=True, slots=True, kw_only=True)
class InterfaceFacts:
    """One interface that a plugin offers; one slot each."""

    name: str
    major: int
    minor: int
    struct_bytes: int = 0
    functions: tuple[FunctionFacts, ...] = ()
    layouts: Mapping[str, str] = field(default_factory=dict)  # struct name → canonical text

    @property
    def key(self) -> str:
        """Return name and major, the name of the slot: ``gain/1``."""
        return f"{self.name}/{self.major}"

    @property
    def version(self) -> str:
        """Return name and full version: ``gain 1.2``."""
        return f"{self.name} {self.major}.{self.minor}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumer:
    """A loaded plugin that calls an interface of this one: the versions that it accepts, the features that it uses."""

    plugin: str
    interface: str  # the key of the slot it is bound to
    accepts: Accepts
    uses: frozenset[str] = frozenset()


def breaks(
    running: Iterable[InterfaceFacts], candidate: Iterable[InterfaceFacts], consumers: Iterable[Consumer] = ()
) -> tuple[str, ...]:
    """Return every promise of `running` that `candidate` breaks, one sentence each; empty: it keeps all."""
    offered = {interface.key: interface for interface in candidate}
    found: list[str] = []
    for old in running:
        new = offered.get(old.key)
        if new is None:
            others = ", ".join(one.version for one in offered.values()) or "none"
            found.append(f"no longer offers interface {old.key} (it offers {others})")
        else:
            found.extend(_function_breaks(old, new))
    for consumer in consumers:
        new = offered.get(consumer.interface)
        if new is None or not consumer.accepts.allows_interface((new.major, new.minor)):
            offer = f"this offers {new.version}" if new is not None else "this no longer offers it"
            found.append(f"{consumer.plugin} needs {consumer.interface} in {consumer.accepts}, and {offer}")
    return tuple(found)


def _function_breaks(old: InterfaceFacts, new: InterfaceFacts) -> list[str]:
    """Return how the functions of one interface changed for the worse."""
    known = {function.name: function for function in new.functions}
    found: list[str] = []
    for was in old.functions:
        now = known.get(was.name)
        if now is None:
            found.append(f'lacks function "{was.name}" (interface {old.key})')
            continue
        if now.offset != was.offset:
            found.append(f'function "{was.name}" (interface {old.key}) moved from byte {was.offset} to {now.offset}')
        if now.signature != was.signature:
            found.append(f'function "{was.name}" (interface {old.key}) was {was.signature} and is now {now.signature}')
        found.extend(
            f'struct {name}, passed by "{was.name}" (interface {old.key}), '
            f"was {old.layouts.get(name)} and is now {new.layouts.get(name)}"
            for name in was.structs
            if old.layouts.get(name) != new.layouts.get(name)
        )
    return found
