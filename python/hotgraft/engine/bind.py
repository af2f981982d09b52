"""`hotgraft bind`: interface headers and `plugin.toml` become a descriptor, and everything wrong is said at once.

What may cross is little: fixed-width scalars, buffers whose length and direction are annotated, structs of plain
fields by pointer. The rest is refused with file and line.
"""

from __future__ import annotations

import keyword
import re
from typing import TYPE_CHECKING, Final

from hotgraft.core.descriptor import (
    FIRST_FUNCTION_OFFSET,
    FORMAT,
    Descriptor,
    Drain,
    Function,
    Interface,
    Parameter,
    Requirement,
    Returns,
    State,
    Struct,
    write_descriptor,
)
from hotgraft.core.descriptor_checks import descriptor_violations
from hotgraft.core.descriptor_shape import read_json
from hotgraft.core.errors import BindError
from hotgraft.core.manifest import Manifest, read_manifest
from hotgraft.engine.bind_layout import Bound, BoundStruct, layout_id_of
from hotgraft.engine.bind_schemas import config_schema, output_complaints, output_schemas
from hotgraft.engine.header_includes import HeaderReader
from hotgraft.engine.header_parse import parse_header
from hotgraft.engine.header_types import SCALAR_OF, Layouts
from hotgraft.engine.small_file import read_small_file

if TYPE_CHECKING:
    from pathlib import Path

    from hotgraft.core.manifest import Provided
    from hotgraft.engine.header_parse import Declared, DeclaredStruct, Member

ABI: Final = (1, 0)
DIRECTIONS: Final = {"HOTGRAFT_IN": "in", "HOTGRAFT_OUT": "out", "HOTGRAFT_INOUT": "inout"}
OWNERSHIPS: Final = {"HOTGRAFT_COPIED": "copied", "HOTGRAFT_OWNED": "owned", "HOTGRAFT_LEASED": "leased"}
REFUSED_TYPES: Final = {
    "long": "its width depends on the platform: use int64_t",
    "int": "its width depends on the platform: use int32_t",
    "short": "its width depends on the platform: use int16_t",
    "unsigned": "its width depends on the platform: use uint32_t",
    "size_t": "its width depends on the platform: use uint64_t",
    "bool": "its representation depends on the language: use uint8_t",
    "_Bool": "its representation depends on the language: use uint8_t",
    "enum": "its width depends on the compiler: use int32_t",
    "union": "a union says not which member holds: use a struct",
}
HEADER_NAME: Final = re.compile(r"[A-Za-z0-9_.+/-]+")  # what stands between the quotes of an #include
# Attributes of every plugin handle in Python: an interface function of that name could not be reached.
RESERVED_NAMES: Final = frozenset(
    {"aio", "features", "generation", "instance", "name", "pin", "reload", "report", "stats", "version"}
)


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
        structs = [struct for name in self.headers for struct in self._structs(name)]
        self.layouts = Layouts(structs, self.complaints)
        self.structs: dict[str, Struct] = {}
        self.functions: dict[str, str] = {}  # where each stands

    def _structs(self, name: str) -> tuple[DeclaredStruct, ...]:
        if not HEADER_NAME.fullmatch(name):
            self.complaints.append(f"{self.on}: header {name!r}: a name is made of A-Z a-z 0-9 _ . + / -")
            return ()
        headers = self.reader.read(name)
        return tuple(struct for one in headers for struct in parse_header(one, self.complaints))

    def bound(self) -> Bound:
        provides = tuple(self._interface(one) for one in self.manifest.provides)
        state = self._state()
        config = config_schema(self.manifest, self.folder, self.on, self.complaints)
        outputs = output_schemas(self.manifest, self.folder, self.on, self.complaints)
        self.complaints += output_complaints(outputs, provides, self.on, self.functions)
        self._refuse_if_wrong()
        descriptor = Descriptor(
            hotgraft=FORMAT,
            name=self.manifest.name,
            version=str(self.manifest.version),
            abi=ABI,
            provides=provides,
            requires=tuple(
                Requirement(interface=one.interface, range=str(one.range), optional=one.optional, cycle=one.cycle)
                for one in self.manifest.requires
            ),
            structs=self.structs,
            state=state,
            config_schema=config,
            pins=self.manifest.drain.pins,
            drain=_drain(self.manifest),
            outputs=outputs,
            features=self.manifest.features,
            permissions=self.manifest.permissions,
        )
        self.complaints += [f"{self._where(one)}: {one}" for one in descriptor_violations(descriptor)]
        self.complaints += _beyond_limits(descriptor, self.on)
        self._refuse_if_wrong()
        crossing = [one.struct for one in provides] + [self.manifest.state.struct] + list(self.structs)
        structs = tuple(self._bound_struct(name) for name in dict.fromkeys(crossing) if name)
        return Bound(self.manifest, descriptor, self.headers, self.manifest.state.struct, structs)

    def _where(self, violation: str) -> str:
        """Return the line of the struct or function that a violation of the descriptor is about."""
        places = {f"struct {one.name}": f"{one.path}:{one.line}" for one in self.layouts.declared.values()}
        for name, place in self.functions.items():
            places |= {f"{one.interface}.{name}": place.rpartition(":")[0] for one in self.manifest.provides}
        found = [name for name in places if violation.startswith(name)]
        return places[max(found, key=len)] if found else self.on

    def _refuse_if_wrong(self) -> None:
        if self.complaints:
            raise BindError("bind the plugin", on=self.on, found=list(dict.fromkeys(self.complaints)))

    def _bound_struct(self, name: str) -> BoundStruct:
        layouts = self.layouts
        members = layouts.declared[name].members
        return BoundStruct(name, layouts.size_of(name), layouts.align_of(name), members, layouts.offsets(name))

    def _state(self) -> State:
        state = self.manifest.state
        layout_id = 0
        if state.struct:
            if state.struct not in self.layouts.declared:
                self.complaints.append(f"{self.on}: state.struct: no header declares a struct {state.struct!r}")
            else:
                layout_id = layout_id_of(self._layout(state.struct), self.structs)
        return State(
            kind=state.kind,
            schema=state.schema,
            layout_id=layout_id,
            handover=state.handover,
            save=state.save,
        )

    def _layout(self, name: str) -> Struct:
        struct = self.layouts.declared[name]
        is_read = self.layouts.read(name)
        known = len(self.complaints)
        for member in struct.members:
            declared = member.declared
            where = f"{struct.path}:{declared.line}: struct {name}, field {declared.name}"
            if member.parameters is not None:
                self.complaints.append(f"{where}: a function pointer does not outlive the code it points to")
            elif declared.stars:
                self.complaints.append(f"{where}: a pointer inside a struct does not cross")
            elif declared.is_const:
                self.complaints.append(f"{where}: const says nothing about a layout: leave it out")
            elif self._check_type(declared, where) and declared.base[0] in self.layouts.declared and is_read:
                self.structs.setdefault(declared.base[0], self._layout(declared.base[0]))
        if not struct.members:
            self.complaints.append(f"{struct.path}:{struct.line}: struct {name} has no fields")
        if not is_read or len(self.complaints) > known:
            return Struct(bytes=1, align=1, fields=())
        return self.layouts.struct(name)

    def _check_type(self, declared: Declared, where: str) -> bool:
        written = " ".join(declared.type)
        for word in declared.base:
            if word in REFUSED_TYPES:
                self.complaints.append(f"{where}: {written}: {REFUSED_TYPES[word]}")
                return False
        base = declared.base[0] if len(declared.base) == 1 else ""
        known = base in SCALAR_OF or base == "void" or base in self.layouts.declared
        if not known or not declared.is_plain or (base == "void" and not declared.stars):
            self.complaints.append(f"{where}: type {written or declared.name!r} does not cross")
            return False
        return True

    def _interface(self, provided: Provided) -> Interface:
        struct = self.layouts.declared.get(provided.struct)
        members: tuple[Member, ...] = struct.members if struct else ()
        where = provided.header
        if struct is None:
            self.complaints.append(
                f"{where}:1: declares no typedef struct {provided.struct} for interface {provided.interface}"
            )
        elif not self.layouts.read(provided.struct) and not members:
            pass  # said already
        elif not members or not _is_struct_size(members[0]):
            self.complaints.append(
                f"{struct.path}:{struct.line}: {struct.name} does not begin with uint32_t struct_size"
            )
        functions = tuple(
            self._function(provided, member, FIRST_FUNCTION_OFFSET + 8 * index, struct.path if struct else where)
            for index, member in enumerate(members[1:])
        )
        return Interface(
            interface=provided.interface,
            version=provided.version,
            struct=provided.struct,
            bytes=FIRST_FUNCTION_OFFSET + 8 * len(functions),
            functions=functions,
        )

    def _function(self, provided: Provided, member: Member, offset: int, path: str) -> Function:
        declared = member.declared
        where = f"{path}:{declared.line}: {declared.name}"
        given = member.parameters or ()
        if member.parameters is None:
            self.complaints.append(f"{where}: only function pointers follow struct_size in an interface")
        elif not given or given[0].c_type != "void *":
            self.complaints.append(f"{where}: the first parameter is not void *self")
        self._check_name(declared.name, where)
        names = [one.name for one in given]
        for name in dict.fromkeys(one for one in names if names.count(one) > 1 or one == "self"):
            if names.count(name) > 1 or names[0] != "self":
                self.complaints.append(f"{where}: two parameters are called {name!r}")
        since = self._since(declared, provided, where)
        parameters = tuple(self._parameter(one, given[1:], where) for one in given[1:])
        return Function(
            name=declared.name,
            offset=offset,
            since=since,
            blocking="HOTGRAFT_BLOCKING" in declared.annotations,
            idempotent="HOTGRAFT_IDEMPOTENT" in declared.annotations,
            returns=self._returns(declared, given[1:], where),
            parameters=parameters,
        )

    def _check_name(self, name: str, where: str) -> None:
        if name in RESERVED_NAMES or name.startswith("_"):
            self.complaints.append(f"{where}: the name is taken by every plugin handle in Python")
        if keyword.iskeyword(name):
            self.complaints.append(f"{where}: {name} is a word of Python's own: plugin.{name}() cannot be written")
        earlier = self.functions.setdefault(name, where)
        if earlier != where:
            self.complaints.append(f"{where}: the name stands at {earlier} too, and Python reaches both by it")

    def _since(self, declared: Declared, provided: Provided, where: str) -> tuple[int, int]:
        written = declared.annotations.get("HOTGRAFT_SINCE")
        if written is None:
            return (provided.version[0], 0)
        if not all(one.isascii() and one.isdigit() and len(one) <= 5 for one in written):
            self.complaints.append(f"{where}: HOTGRAFT_SINCE wants major, minor")
            return (0, 0)
        since = (int(written[0]), int(written[1]))
        if since > provided.version:
            is_version = f"{provided.version[0]}.{provided.version[1]}"
            self.complaints.append(f"{where}: since {since[0]}.{since[1]}, and the interface is {is_version}")
        return since

    def _parameter(self, declared: Declared, others: tuple[Declared, ...], where: str) -> Parameter:
        where = f"{where}, parameter {declared.name}"
        directions = [name for name in DIRECTIONS if name in declared.annotations]
        self._check_type(declared, where)
        type_name = declared.base[0] if len(declared.base) == 1 else "void"
        is_struct = type_name in self.layouts.declared
        if declared.array:
            self.complaints.append(f"{where}: write a pointer with HOTGRAFT_IN or HOTGRAFT_OUT instead of an array")
        if declared.stars == 0 and is_struct:
            self.complaints.append(f"{where}: a struct crosses by pointer, not by value")
        if declared.stars == 0 and directions:
            self.complaints.append(f"{where}: {directions[0]} is for pointers")
        if declared.stars > 1:
            self.complaints.append(f"{where}: a pointer to a pointer does not cross")
        if declared.stars == 1 and len(directions) != 1:
            self.complaints.append(
                f"{where}: a pointer says one of HOTGRAFT_IN(n), HOTGRAFT_OUT(n) and HOTGRAFT_INOUT(n): "
                "how many elements, which way"
            )
        if directions and directions[0] != "HOTGRAFT_IN" and declared.is_const:
            self.complaints.append(f"{where}: {directions[0]} writes, and the type is const")
        count = declared.annotations[directions[0]][0] if directions and declared.annotations[directions[0]] else None
        if count is not None:
            self._check_count(count, others, f"{where}: {directions[0]}({count})")
        if is_struct and type_name not in self.structs:
            self.structs[type_name] = self._layout(type_name)
        return Parameter(
            name=declared.name,
            type=SCALAR_OF.get(type_name, type_name),
            pointer=declared.stars,
            direction=DIRECTIONS[directions[0]] if directions else None,  # type: ignore[arg-type] # a value of DIRECTIONS
            count=count,
            nullable="HOTGRAFT_NULLABLE" in declared.annotations,
            const=declared.is_const and declared.stars > 0,
        )

    def _check_count(self, count: str, others: tuple[Declared, ...], where: str) -> None:
        named = next((one for one in others if one.name == count), None)
        if count.isascii() and count.isdigit():
            return
        if named is None:
            self.complaints.append(f"{where}: is neither a number nor a parameter of the function")
        elif named.stars == 0 and SCALAR_OF.get(" ".join(named.base), "f")[0] not in "iu":
            self.complaints.append(f"{where}: {count} is not an integer")

    def _returns(self, declared: Declared, others: tuple[Declared, ...], where: str) -> Returns:
        ownerships = [name for name in OWNERSHIPS if name in declared.annotations]
        words = list(declared.base)
        if words != ["void"] or declared.stars:
            self._check_type(declared, f"{where}: its result")
        scalar = SCALAR_OF.get(words[-1] if words else "void", words[-1] if words else "void")
        if declared.stars > 1:
            self.complaints.append(f"{where}: its result: a pointer to a pointer does not cross")
        if declared.stars == 0:
            if ownerships:
                self.complaints.append(f"{where}: {ownerships[0]} is for a result that is a pointer")
            if words and words[-1] in self.layouts.declared:
                self.complaints.append(f"{where}: its result: a struct crosses by pointer, not by value")
            kind = "status" if words == ["hotgraft_status"] else "void" if words == ["void"] else "value"
            return Returns(kind=kind, type=scalar, ownership=None, count=None)  # type: ignore[arg-type] # one of three
        if len(ownerships) != 1:
            self.complaints.append(
                f"{where}: a result that is a pointer says one of HOTGRAFT_COPIED, HOTGRAFT_OWNED and "
                "HOTGRAFT_LEASED(n): whose it is"
            )
        counts = declared.annotations[ownerships[0]] if ownerships else ()
        count = counts[0] if counts else None
        if count is not None:
            self._check_count(count, others, f"{where}: {ownerships[0]}({count})")
        ownership = OWNERSHIPS[ownerships[0]] if ownerships else None
        return Returns(kind="pointer", type=scalar, ownership=ownership, count=count)  # type: ignore[arg-type] # of OWNERSHIPS


def _drain(manifest: Manifest) -> Drain | None:
    """Return what the author wished for; None where nothing, so that a host of before this reads the descriptor too."""
    wish = Drain(deadline_s=manifest.drain.deadline_s, at_deadline=manifest.drain.at_deadline)
    return wish if wish != Drain() else None


def _is_struct_size(member: Member) -> bool:
    declared = member.declared
    return member.c_type() == "uint32_t" and declared.name == "struct_size" and not declared.is_const
