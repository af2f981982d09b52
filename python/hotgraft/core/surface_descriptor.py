"""From a descriptor to what callers rely on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from hotgraft.core import surface
from hotgraft.core.c_types import SCALAR_BYTES, Array, Named, Pointer, Scalar, parse_type
from hotgraft.core.layout import StateLayout
from hotgraft.core.state import StateEdits, StateFacts
from hotgraft.core.state_values import default_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hotgraft.core.c_types import CType
    from hotgraft.core.descriptor import Descriptor, Field, Function, Interface, Parameter, Returns, Struct
    from hotgraft.core.surface import TypeFacts

__all__ = ["state_facts_of", "state_layout_of", "surface_of"]


def surface_of(descriptor: Descriptor) -> surface.Surface:
    """Return what callers of this version rely on. The descriptor was checked when it was read."""
    return surface.Surface(
        label=f"{descriptor.name} {descriptor.version}",
        version=descriptor.version,
        abi=descriptor.abi,
        interfaces=tuple(_interface(one) for one in descriptor.provides),
        types=_types(descriptor),
        constants=descriptor.constants,
        requires=tuple(
            surface.Requirement(interface=one.interface, range=one.range, is_optional=one.optional)
            for one in descriptor.requires
        ),
        features=descriptor.features,
        permissions=descriptor.permissions,
        config_schema=descriptor.config_schema,
        outputs=descriptor.outputs,
        state=state_facts_of(descriptor),
        state_type=descriptor.state.struct,
    )


def state_layout_of(descriptor: Descriptor) -> StateLayout | None:
    """Return the layout of the block that is handed over; None: it is not described."""
    state = descriptor.state
    return StateLayout(struct=state.struct, types=_types(descriptor)) if state.struct else None


def state_facts_of(descriptor: Descriptor) -> StateFacts:
    """Return what a version declares about its state."""
    state, layout = descriptor.state, state_layout_of(descriptor)
    defaults, _ = default_bytes(layout, state.defaults) if layout is not None else ({}, ())
    return StateFacts(
        kind=state.kind,
        schema=state.schema,
        layout_id=state.layout_id,
        can_hand_over=state.handover,
        can_save=state.save,
        layout=layout,
        converters=state.converters,
        edits=StateEdits(renamed_from=state.renamed_from, defaults=defaults, dropped=state.dropped),
        version=descriptor.version,
    )


def _types(descriptor: Descriptor) -> dict[str, TypeFacts]:
    structs: dict[str, TypeFacts] = {name: _record("struct", one) for name, one in descriptor.structs.items()}
    unions = {name: _record("union", one) for name, one in descriptor.unions.items()}
    enums = {name: surface.Enumeration(type=one.type, values=one.values) for name, one in descriptor.enums.items()}
    return structs | unions | enums


def _interface(interface: Interface) -> surface.Interface:
    return surface.Interface(
        name=interface.interface,
        version=interface.version,
        bytes=interface.bytes,
        functions=tuple(_function(one) for one in interface.functions),
    )


def _function(function: Function) -> surface.Function:
    places = {one.name: f"#{index}" for index, one in enumerate(function.parameters)}
    returns = function.returns
    return surface.Function(
        name=function.name,
        parameters=tuple(_parameter(one, places) for one in function.parameters),
        result=_result(returns),
        is_status=returns.kind == "status",
        ownership=returns.ownership,
        count=_counted(returns.count, places),
        is_nullable=returns.nullable,
        offset=function.offset,
        since=function.since,
        tags=frozenset(_tags(function)),
    )


def _tags(function: Function) -> Iterator[surface.Tag]:
    if function.blocking:
        yield "blocking"
    if function.idempotent:
        yield "idempotent"
    if function.serial:
        yield "serial"
    if function.realtime:
        yield "realtime"


def _parameter(parameter: Parameter, places: Mapping[str, str]) -> surface.Parameter:
    kind = _named(parameter.type)
    return surface.Parameter(
        name=parameter.name,
        type=Pointer(kind, const=parameter.const) if parameter.pointer else kind,
        direction=parameter.direction,
        count=_counted(parameter.count, places),
        is_nullable=parameter.nullable,
    )


def _result(returns: Returns) -> CType:
    kind = _named(returns.type)
    is_const = returns.ownership != "owned" if returns.const is None else returns.const
    return Pointer(kind, const=is_const) if returns.kind == "pointer" else kind


def _counted(count: str | None, places: Mapping[str, str]) -> str | None:
    """Count by place, because renaming a parameter breaks nobody; 04 and 4 are one number."""
    if count is None or count in places:
        return places.get(count or "")
    return str(int(count)) if count.isdigit() else count


def _record(kind: Literal["struct", "union"], struct: Struct) -> surface.Record:
    members = tuple(
        surface.Member(
            name=one.name,
            type=_field(one),
            offset_bits=8 * one.offset,
            counted=one.counted,
            tag=one.tag,
            when=one.when,
            is_handle=one.handle,
        )
        for one in struct.fields
    )
    return surface.Record(kind=kind, bytes=struct.bytes, align=struct.align, members=members)


def _field(field: Field) -> CType:
    return Array(_named(field.type), field.count) if field.count != 1 else _named(field.type)


def _named(text: str) -> CType:
    if not text.isidentifier():
        return parse_type(text)
    return Scalar(text) if text in SCALAR_BYTES else Named(text)
