"""What a call passes: parameters and results, with direction, length and ownership of what pointers lead to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hotgraft.core.c_types import VOID, Array, FunctionType, Named, Pointer, Scalar, type_text
from hotgraft.core.descriptor import Parameter, Returns
from hotgraft.core.descriptor_types import SCALARS, USER_POINTER
from hotgraft.engine.header_c import c_text, canonical, is_call_back, stars_of

if TYPE_CHECKING:
    from hotgraft.core.c_types import CType
    from hotgraft.engine.bind_types import TypeBinder
    from hotgraft.engine.header_declare import Declared

DIRECTIONS: Final = {"HOTGRAFT_IN": "in", "HOTGRAFT_OUT": "out", "HOTGRAFT_INOUT": "inout"}
OWNERSHIPS: Final = {"HOTGRAFT_COPIED": "copied", "HOTGRAFT_OWNED": "owned", "HOTGRAFT_LEASED": "leased"}


class PassedBinder:
    """Describes parameters and results; what may not cross is added to `complaints`."""

    def __init__(self, types: TypeBinder, complaints: list[str]) -> None:
        self._types = types
        self._complaints = complaints

    def parameter(self, index: int, among: tuple[Declared, ...], where: str) -> Parameter:
        """Describe one parameter of those of a function, which stands at `where`."""
        declared = among[index]
        where = f"{where}, parameter {declared.name}"
        directions = [name for name in DIRECTIONS if name in declared.annotations]
        if is_call_back(declared.type):
            return self._call_back(declared, directions, where)
        if declared.type == Pointer(VOID) and not directions and index and is_call_back(among[index - 1].type):
            return _address(declared, USER_POINTER, is_nullable=True)
        self._check_parameter(declared, directions, where)
        count = declared.annotations[directions[0]][0] if directions and declared.annotations[directions[0]] else None
        if count is not None:
            self._check_count(count, among, f"{where}: {directions[0]}({count})")
        self._types.describe(declared.type)
        return Parameter(
            name=declared.name,
            type=_name_of(declared.leaf),
            pointer=declared.stars,
            direction=DIRECTIONS[directions[0]] if directions else None,  # type: ignore[arg-type] # a value of DIRECTIONS
            count=count,
            nullable="HOTGRAFT_NULLABLE" in declared.annotations,
            const=isinstance(declared.type, Pointer) and declared.type.const,
        )

    def _check_parameter(self, declared: Declared, directions: list[str], where: str) -> None:
        kind = declared.type
        self._types.check(declared, where)
        if isinstance(kind, Array):
            self._complaints.append(f"{where}: write a pointer with HOTGRAFT_IN or HOTGRAFT_OUT instead of an array")
        if self._types.is_record(kind):
            self._complaints.append(f"{where}: a struct crosses by pointer, not by value")
        if declared.stars == 0 and directions:
            self._complaints.append(f"{where}: {directions[0]} is for pointers")
        if declared.stars > 1:
            self._complaints.append(f"{where}: a pointer to a pointer does not cross")
        if isinstance(kind, Pointer) and isinstance(kind.to, Array):
            self._complaints.append(f"{where}: a pointer to an array does not cross: point to its elements")
        if declared.stars == 1 and len(directions) != 1:
            self._complaints.append(
                f"{where}: a pointer says one of HOTGRAFT_IN(n), HOTGRAFT_OUT(n) and HOTGRAFT_INOUT(n): "
                "how many elements, which way"
            )
        if directions and directions[0] != "HOTGRAFT_IN" and isinstance(kind, Pointer) and kind.const:
            self._complaints.append(f"{where}: {directions[0]} writes, and the type is const")

    def _call_back(self, declared: Declared, directions: list[str], where: str) -> Parameter:
        """An address that is passed on: who calls it has the header."""
        assert isinstance(declared.type, Pointer)
        assert isinstance(declared.type.to, FunctionType)
        function = declared.type.to
        for index, one in enumerate(function.parameters):
            self._check_passed(one, f"{where}, its parameter {index + 1}")
        if function.result != VOID:
            self._check_passed(function.result, f"{where}, its result")
        if directions:
            self._complaints.append(f"{where}: {directions[0]} is for buffers, and this is the address of a function")
        self._types.describe(declared.type)
        is_nullable = "HOTGRAFT_NULLABLE" in declared.annotations
        return _address(declared, type_text(canonical(declared.type)), is_nullable=is_nullable)

    def _check_passed(self, kind: CType, where: str) -> None:
        if isinstance(kind, Pointer) and isinstance(kind.to, Array | FunctionType):
            self._complaints.append(f"{where}: {c_text(kind)} does not cross in a call-back: pass void * instead")
        elif self._types.check_type(kind, c_text(kind), where):
            if self._types.is_record(kind):
                self._complaints.append(f"{where}: a struct crosses by pointer, not by value")
            if stars_of(kind) > 1:
                self._complaints.append(f"{where}: a pointer to a pointer does not cross")

    def _check_count(self, count: str, others: tuple[Declared, ...], where: str) -> None:
        named = next((one for one in others if one.name == count), None)
        if count.isascii() and count.isdigit():
            return
        if named is None:
            self._complaints.append(f"{where}: is neither a number nor a parameter of the function")
        elif named.stars == 0 and (_name_of(named.type) not in SCALARS or _name_of(named.type)[0] == "f"):
            self._complaints.append(f"{where}: {count} is not an integer")

    def returns(self, declared: Declared, others: tuple[Declared, ...], where: str) -> Returns:
        """Describe the result of a function with the parameters `others`."""
        if declared.parameters is None:
            return Returns(kind="void", type="void", ownership=None, count=None)  # complained about
        result = declared.result
        if result != VOID:
            self._types.check_type(result, declared.written, f"{where}: its result")
        self._types.describe(result)
        if isinstance(result, Pointer):
            return self._pointer_result(result, declared, others, where)
        for name in (*OWNERSHIPS, "HOTGRAFT_NULLABLE"):
            if name in declared.annotations:
                self._complaints.append(f"{where}: {name} is for a result that is a pointer")
        if self._types.is_record(result):
            self._complaints.append(f"{where}: its result: a struct crosses by pointer, not by value")
        kind = "status" if result == Named("hotgraft_status") else "void" if result == VOID else "value"
        return Returns(kind=kind, type=_name_of(result), ownership=None, count=None)  # type: ignore[arg-type] # one of three

    def _pointer_result(self, result: Pointer, declared: Declared, others: tuple[Declared, ...], where: str) -> Returns:
        ownerships = [name for name in OWNERSHIPS if name in declared.annotations]
        if stars_of(result) > 1:
            self._complaints.append(f"{where}: its result: a pointer to a pointer does not cross")
        if len(ownerships) != 1:
            self._complaints.append(
                f"{where}: a result that is a pointer says one of HOTGRAFT_COPIED, HOTGRAFT_OWNED and "
                "HOTGRAFT_LEASED(n): whose it is"
            )
        counts = declared.annotations[ownerships[0]] if ownerships else ()
        count = counts[0] if counts else None
        if count is not None:
            self._check_count(count, others, f"{where}: {ownerships[0]}({count})")
        ownership = OWNERSHIPS[ownerships[0]] if ownerships else None
        return Returns(
            kind="pointer",
            type=_name_of(result.to),
            ownership=ownership,  # type: ignore[arg-type] # of OWNERSHIPS
            count=count,
            nullable="HOTGRAFT_NULLABLE" in declared.annotations,
            const=None if result.const is (ownership != "owned") else result.const,
        )


def _address(declared: Declared, kind: str, *, is_nullable: bool) -> Parameter:
    return Parameter(
        name=declared.name, type=kind, pointer=0, direction=None, count=None, nullable=is_nullable, const=False
    )


def _name_of(kind: CType) -> str:
    """What the descriptor calls it; of what was refused, a name that is not read."""
    plain = canonical(kind)
    return plain.name if isinstance(plain, Named | Scalar) else "void"
