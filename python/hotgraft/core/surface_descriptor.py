"""From a descriptor to what callers rely on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotgraft.core import surface
from hotgraft.core.c_types import SCALAR_BYTES, Array, Named, Pointer, Scalar
from hotgraft.core.state import StateFacts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hotgraft.core.c_types import CType
    from hotgraft.core.descriptor import Descriptor, Field, Function, Interface, Parameter, Returns, Struct

__all__ = ["surface_of"]


def surface_of(descriptor: Descriptor) -> surface.Surface:
    """Return what callers of this version rely on. The descriptor was checked when it was read."""
    return surface.Surface(
        label=f"{descriptor.name} {descriptor.version}",
        version=descriptor.version,
        abi=descriptor.abi,
        interfaces=tuple(_interface(one) for one in descriptor.provides),
        types={name: _record(struct) for name, struct in descriptor.structs.items()},
        requires=tuple(
            surface.Requirement(interface=one.interface, range=one.range, is_optional=one.optional)
            for one in descriptor.requires
        ),
        features=descriptor.features,
        permissions=descriptor.permissions,
        config_schema=descriptor.config_schema,
        outputs=descriptor.outputs,
        state=StateFacts(
            kind=descriptor.state.kind,
            schema=descriptor.state.schema,
            layout_id=descriptor.state.layout_id,
            can_hand_over=descriptor.state.handover,
            can_save=descriptor.state.save,
        ),
    )


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
        offset=function.offset,
        since=function.since,
        tags=frozenset(_tags(function)),
    )


def _tags(function: Function) -> Iterator[surface.Tag]:
    if function.blocking:
        yield "blocking"
    if function.idempotent:
        yield "idempotent"


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
    # A descriptor does not say it: what is leased or copied is the plugin's, and read only.
    return Pointer(kind, const=returns.ownership != "owned") if returns.kind == "pointer" else kind


def _counted(count: str | None, places: Mapping[str, str]) -> str | None:
    """Count by place, because renaming a parameter breaks nobody; 04 and 4 are one number."""
    if count is None or count in places:
        return places.get(count or "")
    return str(int(count)) if count.isdigit() else count


def _record(struct: Struct) -> surface.Record:
    members = tuple(
        surface.Member(name=one.name, type=_field(one), offset_bits=8 * one.offset) for one in struct.fields
    )
    return surface.Record(kind="struct", bytes=struct.bytes, align=struct.align, members=members)


def _field(field: Field) -> CType:
    return Array(_named(field.type), field.count) if field.count != 1 else _named(field.type)


def _named(name: str) -> CType:
    return Scalar(name) if name in SCALAR_BYTES else Named(name)
