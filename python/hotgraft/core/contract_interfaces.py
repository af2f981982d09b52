"""What callers get in by: interfaces, and functions, variables and constants that are exported by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotgraft.core.c_types import type_text
from hotgraft.core.contract_facts import Fact, Root
from hotgraft.core.contract_functions import function_facts, signature_text, variable_facts
from hotgraft.core.surface import Enumeration
from hotgraft.core.versions import is_major_step

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from hotgraft.core.contract import Consumer
    from hotgraft.core.contract_types import TypePairs
    from hotgraft.core.surface import Interface, Surface

__all__ = ["export_facts", "interface_facts", "interface_text", "numbers_of", "range_facts"]


def interface_facts(old: Surface, new: Surface, pairs: TypePairs) -> Iterator[Fact]:
    """Yield every difference between what two versions offer as interfaces; types are noted in `pairs`."""
    before = {one.key: one for one in old.interfaces}
    after = {one.key: one for one in new.interfaces}
    for key, was in before.items():
        now = after.get(key)
        if now is None:
            others = ", ".join(interface_text(one) for one in new.interfaces if one.name == was.name)
            yield _of(was, "interface-removed", interface_text(was), others)
        else:
            yield from _versions(was, now)
            yield from _functions(was, now, pairs)
    for key, now in after.items():
        if key not in before:
            yield _of(now, "interface-added", "", interface_text(now))


def export_facts(old: Surface, new: Surface, pairs: TypePairs) -> Iterator[Fact]:
    """Yield every difference between what two versions export by name; types are noted in `pairs`."""
    for name, function in old.functions.items():
        root = Root("", name)
        if name in new.functions:
            yield from function_facts(function, new.functions[name], root, pairs)
        else:
            yield Fact(kind="function-removed", subject=name, before=signature_text(function), roots=(root,))
    for name, function in new.functions.items():
        if name not in old.functions:
            yield Fact(kind="function-added", subject=name, after=signature_text(function), roots=(Root("", name),))
    for name, variable in old.variables.items():
        root = Root("", name)
        if name in new.variables:
            yield from variable_facts(variable, new.variables[name], root, pairs)
        else:
            yield Fact(kind="variable-removed", subject=name, before=type_text(variable.type), roots=(root,))
    for name, variable in new.variables.items():
        if name not in old.variables:
            yield Fact(kind="variable-added", subject=name, after=type_text(variable.type), roots=(Root("", name),))
    yield from _constants(old, new)


def range_facts(new: Surface, consumers: Iterable[Consumer]) -> Iterator[Fact]:
    """Yield each consumer whose range does not accept what is offered now."""
    offered = {one.key: one for one in new.interfaces}
    for consumer in consumers:
        now = offered.get(consumer.interface)
        if not consumer.interface or (now is not None and now.version is None):
            continue
        if now is None or now.version is None or not consumer.accepts.allows_interface(now.version):
            yield Fact(
                kind="range-unmet",
                subject=f"{consumer.plugin} needs {consumer.interface}",
                before=str(consumer.accepts),
                after=interface_text(now) if now is not None else "not offered",
                roots=(Root(consumer.interface, ""),),
                consumers=(consumer.plugin,),
            )


def interface_text(interface: Interface) -> str:
    """Return an interface with its version: ``gain 1.2``."""
    return interface.title


def _versions(old: Interface, new: Interface) -> Iterator[Fact]:
    if old.version is None or new.version is None or old.version == new.version:
        return
    kind = "unstable-step" if is_major_step(old.version, new.version) else "version-changed"
    yield _of(old, kind, interface_text(old), interface_text(new))


def _functions(old: Interface, new: Interface, pairs: TypePairs) -> Iterator[Fact]:
    before, after = ({one.name: one for one in side.functions} for side in (old, new))
    for name, function in before.items():
        root = Root(old.key, name)
        if name in after:
            yield from function_facts(function, after[name], root, pairs)
        else:
            yield Fact(kind="function-removed", subject=str(root), before=signature_text(function), roots=(root,))
    for name, function in after.items():
        if name in before:
            continue
        is_at_end = function.offset is not None and function.offset >= old.bytes
        root = Root(old.key, name)
        kind = "function-appended" if is_at_end else "function-inserted"
        yield Fact(kind=kind, subject=str(root), after=signature_text(function), roots=(root,))
    if new.bytes < old.bytes and before.keys() <= after.keys():  # else that is the reason
        yield _of(old, "interface-shrunk", f"{old.bytes} bytes", f"{new.bytes} bytes")
    elif new.bytes > old.bytes and _places(old) == _places(new):
        yield _of(old, "interface-grown", f"{old.bytes} bytes", f"{new.bytes} bytes")


def _places(interface: Interface) -> dict[str, int | None]:
    return {one.name: one.offset for one in interface.functions}


def numbers_of(surface: Surface) -> dict[str, str]:
    """Return what stands for a number or text: constants, and the values of enums. To callers it is the same."""
    return _enum_numbers(surface) | dict(surface.constants)


def _enum_numbers(surface: Surface) -> dict[str, str]:
    enums = (facts for facts in surface.types.values() if isinstance(facts, Enumeration))
    return {name: str(value) for facts in enums for name, value in facts.values}


def _without(constants: Mapping[str, str], names: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in constants.items() if name not in names}


def _constants(old: Surface, new: Surface) -> Iterator[Fact]:
    """Yield what differs among constants; an enum's values are told of with the enum, though they stand here too."""
    if old.constants == new.constants:
        return
    before, after = (_without(side.constants, _enum_numbers(side)) for side in (old, new))
    elsewhere = _enum_numbers(new)
    for name, value in before.items():
        subject, word = _constant(name)
        if name not in after and elsewhere.get(name) == value:
            yield Fact(kind="number-moved", subject=subject, before=value)
        elif name not in after:
            yield Fact(kind=f"{word}-removed", subject=subject, before=value)
        elif after[name] != value:
            yield Fact(kind=f"{word}-changed", subject=subject, before=value, after=after[name])
    for name, value in after.items():
        if name not in before:
            subject, word = _constant(name)
            yield Fact(kind=f"{word}-added", subject=subject, after=value)


def _constant(name: str) -> tuple[str, str]:
    """Return what a constant is called, and the word of its kinds.

    Code that a header compiles into its callers stands among them too, as ``inline f`` and ``macro F($0)``.
    """
    word, _, rest = name.partition(" ")
    if rest and word in ("inline", "macro"):
        return f"inline function {rest}" if word == "inline" else name, "code"
    return f"constant {name}", "constant"


def _of(interface: Interface, kind: str, before: str, after: str) -> Fact:
    subject = f"interface {interface.key}"
    return Fact(kind=kind, subject=subject, before=before, after=after, roots=(Root(interface.key, ""),))
