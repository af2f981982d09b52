"""`hotgraft bind`: interface headers and `plugin.toml` become a descriptor, and everything wrong is said at once.

What may cross is little: fixed-width scalars, enums, buffers whose length and direction are annotated, structs and
unions of plain fields by pointer, call-backs that are passed on. The rest is refused with file and line.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from hotgraft.core.c_types import Named
from hotgraft.core.descriptor import FORMAT, Descriptor, Drain, Requirement, State, write_descriptor
from hotgraft.core.descriptor_checks import descriptor_violations
from hotgraft.core.descriptor_shape import read_json
from hotgraft.core.errors import BindError
from hotgraft.core.manifest import Manifest, read_manifest
from hotgraft.engine.bind_functions import RESERVED_NAMES, FunctionBinder
from hotgraft.engine.bind_layout import Bound, BoundEnum, BoundStruct
from hotgraft.engine.bind_schemas import config_schema, output_complaints, output_schemas
from hotgraft.engine.bind_state import declared_state
from hotgraft.engine.bind_types import TypeBinder
from hotgraft.engine.header_c import Scope
from hotgraft.engine.header_constants import constants_of
from hotgraft.engine.header_includes import HeaderReader
from hotgraft.engine.header_parse import parse_header
from hotgraft.engine.header_types import Layouts
from hotgraft.engine.small_file import read_small_file

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from hotgraft.engine.header_parse import DeclaredType

__all__ = ["RESERVED_NAMES", "bind"]

ABI: Final = (1, 1)
HEADER_NAME: Final = re.compile(r"[A-Za-z0-9_.+/-]+")  # what stands between the quotes of an #include


def bind(manifest_path: Path) -> Bound:
    """Read a manifest and the headers it names.

    Raises:
        ManifestError: the manifest breaks its schema.
        BindError: with every violation of the headers, as ``file:line: sentence``.
    """
    manifest = read_manifest(_read(manifest_path), path=str(manifest_path))
    return _Binding(manifest, manifest_path.parent, str(manifest_path)).bound()


def _beyond_limits(descriptor: Descriptor, on: str) -> list[str]:
    """Return why a host would not even look at it: what is bound must be what can be loaded."""
    try:
        read_json(write_descriptor(descriptor))
    except ValueError as error:
        return [f"{on}: the descriptor {error}"]
    return []


def _read(path: Path) -> bytes:
    try:
        return read_small_file(path)
    except OSError as error:
        raise BindError("bind the plugin", on=str(path), found=error.strerror or str(error)) from None


class _Binding:
    """One run of bind: collects complaints, then answers or raises."""

    def __init__(self, manifest: Manifest, folder: Path, on: str) -> None:
        self.manifest = manifest
        self.folder = folder
        self.on = on
        self.complaints: list[str] = []
        names = [one.header for one in manifest.provides] + [manifest.state.header]
        self.headers = tuple(dict.fromkeys(name for name in names if name))
        self.reader = HeaderReader(folder, self.complaints)
        self.scope = Scope()
        declared = [one for name in self.headers for one in self._declared(name)]
        self.layouts = Layouts(declared, self.scope, self.complaints)
        self.types = TypeBinder(self.layouts, self.complaints)
        state = declared_state(manifest.state, self.layouts.declared.values(), self.complaints, on)
        self.manifest = replace(manifest, state=state)
        self.functions = FunctionBinder(self.types, self.complaints)

    def _declared(self, name: str) -> tuple[DeclaredType, ...]:
        if not HEADER_NAME.fullmatch(name):
            self.complaints.append(f"{self.on}: header {name!r}: a name is made of A-Z a-z 0-9 _ . + / -")
            return ()
        headers = self.reader.read(name)
        return tuple(found for one in headers for found in parse_header(one, self.complaints, self.scope))

    def bound(self) -> Bound:
        provides = tuple(self.functions.interface(one) for one in self.manifest.provides)
        state = self._state()
        config = config_schema(self.manifest, self.folder, self.on, self.complaints)
        outputs = output_schemas(self.manifest, self.folder, self.on, self.complaints)
        self.complaints += output_complaints(outputs, provides, self.on, self.functions.places)
        self._refuse_if_wrong()
        descriptor = Descriptor(
            hotgraft=FORMAT,
            name=self.manifest.name,
            version=str(self.manifest.version),
            abi=ABI,
            provides=provides,
            requires=tuple(
                Requirement(
                    interface=one.interface,
                    range=str(one.range),
                    optional=one.optional,
                    features=one.features,
                    cycle=one.cycle,
                )
                for one in self.manifest.requires
            ),
            structs=self.types.structs,
            state=state,
            config_schema=config,
            pins=self.manifest.drain.pins,
            drain=_drain(self.manifest),
            outputs=outputs,
            features=self.manifest.features,
            permissions=self.manifest.permissions,
            unions=self.types.unions,
            enums=self.types.enums,
            constants=self._constants(),
        )
        self.complaints += [f"{self._where(one)}: {one}" for one in descriptor_violations(descriptor)]
        self.complaints += _beyond_limits(descriptor, self.on)
        self._refuse_if_wrong()
        crossing = [one.struct for one in provides] + [self.manifest.state.struct]
        records = [*crossing, *self.types.structs, *self.types.unions]
        return Bound(
            self.manifest,
            descriptor,
            self.headers,
            self.manifest.state.struct,
            tuple(self._bound_struct(name) for name in dict.fromkeys(records) if name),
            tuple(
                BoundEnum(name, self.layouts.declared[name].spelled, one.type, one.values)
                for name, one in self.types.enums.items()
            ),
        )

    def _constants(self) -> dict[str, str]:
        """The constants of the headers, but for those that stand in an enum that crosses."""
        crossing = {name for enum in self.types.enums.values() for name, _ in enum.values}
        found = constants_of(self.reader.definitions, self.scope.enumerators)
        return {name: text for name, text in found.items() if name not in crossing}

    def _where(self, violation: str) -> str:
        """Return the line of the type or function that a violation of the descriptor is about."""
        places = {f"{one.kind} {one.name}": f"{one.path}:{one.line}" for one in self.layouts.declared.values()}
        for name, place in self.functions.places.items():
            places |= {f"{one.interface}.{name}": place.rpartition(":")[0] for one in self.manifest.provides}
        found = [name for name in places if violation.startswith(name)]
        return places[max(found, key=len)] if found else self.on

    def _refuse_if_wrong(self) -> None:
        if self.complaints:
            raise BindError("bind the plugin", on=self.on, found=list(dict.fromkeys(self.complaints)))

    def _bound_struct(self, name: str) -> BoundStruct:
        layouts, declared = self.layouts, self.layouts.declared[name]
        return BoundStruct(
            kind=declared.kind,
            name=name,
            spelled=declared.spelled,
            bytes=layouts.size_of(name),
            align=layouts.align_of(name),
            parts=declared.parts,
            members=declared.members,
            offsets=layouts.offsets(name),
        )

    def _state(self) -> State:
        state = self.manifest.state
        layout_id = 0
        if state.struct:
            declared = self.layouts.declared.get(state.struct)
            if declared is None or declared.kind != "struct":
                self.complaints.append(f"{self.on}: state.struct: no header declares a struct {state.struct!r}")
            else:
                self.types.is_in_state = True
                self.types.describe(Named(state.struct))
                layout_id = self.types.layout_id(state.struct)
                self._refuse_unknown_names(state.renamed_from)
        return State(
            kind=state.kind,
            schema=state.schema,
            layout_id=layout_id,
            handover=state.handover,
            save=state.save,
            struct=state.struct,
            renamed_from=dict(state.renamed_from),
            defaults=dict(state.defaults),
            dropped=state.dropped,
            copies=state.copies,
            converters=state.converters,
        )

    def _refuse_unknown_names(self, renamed_from: Iterable[str]) -> None:
        """Each is a field as it is called now: a slip here would only be told by the first swap."""
        records = {**self.types.structs, **self.types.unions}
        known = {f"{name}.{field.name}" for name, record in records.items() for field in record.fields}
        for key in renamed_from:
            if key not in known:
                was = "the name before stands behind the =" if key.partition(".")[0] in records else "no such struct"
                self.complaints.append(f"{self.on}: state.renamed_from: there is no field {key} in the state; {was}")


def _drain(manifest: Manifest) -> Drain | None:
    """Return what the author wished for; None where nothing, so that a host of before this reads the descriptor too."""
    wish = Drain(deadline_s=manifest.drain.deadline_s, at_deadline=manifest.drain.at_deadline)
    return wish if wish != Drain() else None
