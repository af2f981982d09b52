"""Any signature of numbers and pointers arrives as the C compiler expects it: compared with libffi, through ctypes."""

from __future__ import annotations

import ctypes
import itertools
import random
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from call_scene import Owner, address_of, build, compilers, function, interface_struct
from hotgraft import _core

if TYPE_CHECKING:
    from conftest import Sized

C_NAMES = {
    "i8": "int8_t",
    "i16": "int16_t",
    "i32": "int32_t",
    "i64": "int64_t",
    "u8": "uint8_t",
    "u16": "uint16_t",
    "u32": "uint32_t",
    "u64": "uint64_t",
    "f32": "float",
    "f64": "double",
}
CTYPES: dict[str, Any] = {
    "i8": ctypes.c_int8,
    "i16": ctypes.c_int16,
    "i32": ctypes.c_int32,
    "i64": ctypes.c_int64,
    "u8": ctypes.c_uint8,
    "u16": ctypes.c_uint16,
    "u32": ctypes.c_uint32,
    "u64": ctypes.c_uint64,
    "f32": ctypes.c_float,
    "f64": ctypes.c_double,
}
LEVELS = ("-O0", "-O1", "-O2", "-O3")
QUICK_LEVELS = [one if one in ("-O0", "-O2") else pytest.param(one, marks=pytest.mark.full) for one in LEVELS]
TYPES = tuple(C_NAMES)


@dataclass(frozen=True, slots=True)
class Signature:
    """One random C function: it notes every argument as a 64-bit word and returns one of them or a constant."""

    name: str
    types: tuple[str, ...]
    result: str
    returned: int  # index of the argument that is returned, -1: a constant

    @property
    def text(self) -> str:
        """As call_scene.function reads it."""
        parameters = ", ".join(f"{kind} a{index}" for index, kind in enumerate(self.types))
        return f"{self.name}({parameters}) -> {self.result}"

    @property
    def source(self) -> str:
        """C that notes what arrived: an integer through its widened value, so that a missing extension shows."""
        parameters = "".join(f", {C_NAMES[kind]} a{index}" for index, kind in enumerate(self.types))
        notes = []
        for index, kind in enumerate(self.types):
            if kind in ("f32", "f64"):
                notes.append(f"{{double d = a{index}; memcpy(&note[{index}], &d, 8);}}")
            else:
                notes.append(f"note[{index}] = (uint64_t)({'int64_t' if kind[0] == 'i' else 'uint64_t'})a{index};")
        answer = f"a{self.returned}" if self.returned >= 0 else "-7" if self.result[0] != "u" else "7"
        return (
            f"{C_NAMES[self.result]} {self.name}(void *self{parameters}) {{"
            f" note_self = self; {' '.join(notes)} return ({C_NAMES[self.result]}){answer}; }}\n"
        )


def random_signature(rng: random.Random, name: str) -> Signature:
    """At most 5 integers and 8 reals in registers and 16 words on the stack; long ones as likely as short ones."""
    types: list[str] = []
    words = {"integer": 5, "real": 8, "stack": 16}
    for _ in range(rng.randrange(30)):
        kind = rng.choice(TYPES)
        where = "real" if kind[0] == "f" else "integer"
        if words[where] == 0:
            where = "stack"
        if words[where] == 0:
            break
        words[where] -= 1
        types.append(kind)
    result = rng.choice(TYPES)
    same = [index for index, kind in enumerate(types) if kind == result]
    return Signature(name=name, types=tuple(types), result=result, returned=rng.choice(same) if same else -1)


def random_value(rng: random.Random, kind: str) -> int | float:
    """Often an end of the range."""
    if kind == "f64":
        return rng.choice([0.0, -0.0, 1e300, -1.5, rng.uniform(-1e6, 1e6), float("inf")])
    if kind == "f32":
        value: float = struct.unpack("f", struct.pack("f", rng.uniform(-1e6, 1e6)))[0]
        return rng.choice([0.0, -1.5, value])
    bits = int(kind[1:])
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if kind[0] == "i" else (0, (1 << bits) - 1)
    return rng.choice([low, high, 0, 1, rng.randint(low, high)])


def noted(kinds: tuple[str, ...], values: list[int | float]) -> list[int]:
    """The words that a callee must have noted."""
    return [
        struct.unpack("<Q", struct.pack("<d", value))[0] if kind[0] == "f" else int(value) & (1 << 64) - 1
        for kind, value in zip(kinds, values, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class Batch:
    """Signatures compiled together, called by both ways."""

    library: ctypes.CDLL
    signatures: list[Signature]
    plugin: Any

    def through_libffi(self, signature: Signature, values: list[int | float]) -> int | float:
        """Call it as ctypes does."""
        callee = self.library[signature.name]
        callee.argtypes = [ctypes.c_void_p, *(CTYPES[kind] for kind in signature.types)]
        callee.restype = CTYPES[signature.result]
        answer: int | float = callee(0xABC, *values)
        return answer

    def note(self, count: int) -> list[int]:
        """What the last call noted."""
        return list((ctypes.c_uint64 * 32).in_dll(self.library, "note"))[:count]

    def self_pointer(self) -> int | None:
        """The `self` that the last call got."""
        return ctypes.c_void_p.in_dll(self.library, "note_self").value


def make_batch(signatures: list[Signature], compiler: str, level: str) -> Batch:
    """Compile, and serve with 0xABC as `self`."""
    head = "uint64_t note[32]; void *note_self;\n"
    library = build(head + "".join(one.source for one in signatures), compiler, level)
    functions = [function(one.text, index=index) for index, one in enumerate(signatures)]
    call_type = _core.make_call_type("random", functions, ())
    slot = _core._seams.slot("random/1")
    struct_ = interface_struct([address_of(library, one.name) for one in signatures])
    _core._seams.publish(slot, _core._seams.table(slot, ctypes.addressof(struct_), 0xABC, 1))
    return Batch(library, signatures, _core._seams.call_object(call_type, [slot], Owner()))


@pytest.mark.parametrize("level", QUICK_LEVELS)
@pytest.mark.parametrize("compiler", compilers())
def test_random_signatures_arrive_as_libffi_passes_them(compiler: str, level: str, sized: Sized) -> None:
    """The register-file call must never put a value in the wrong place, or read the wrong register back."""
    rng = random.Random(f"{compiler}{level}")
    total = sized(quick=100, full=1200)
    count = -(-total // (len(compilers()) * len(LEVELS)))
    batch = make_batch([random_signature(rng, f"f{index}") for index in range(count)], compiler, level)

    for signature in batch.signatures:
        for _ in range(3):
            values = [random_value(rng, kind) for kind in signature.types]
            expected = batch.through_libffi(signature, values)
            by_libffi = batch.note(len(values))
            ctypes.memset(ctypes.addressof((ctypes.c_uint64 * 32).in_dll(batch.library, "note")), 0x55, 256)

            answer = getattr(batch.plugin, signature.name)(*values)

            assert answer == expected, signature.text
            assert type(answer) is type(expected)
            assert batch.note(len(values)) == by_libffi == noted(signature.types, values), signature.text
            assert batch.self_pointer() == 0xABC


SMALL_KINDS = ("i64", "f64", "i8", "u32", "f32")
SMALL_COUNTS = (1, 2, 3, 4, 5)
RESULTS = (*TYPES, "status", "void")


def small_shape(kind: str, count: int, result: str) -> str:
    """C of a function of `count` arguments that answers with the last one."""
    parameters = "".join(f", {C_NAMES[kind]} a{index}" for index in range(count))
    returned = "int32_t" if result == "status" else C_NAMES.get(result, "void")
    answer = "" if result == "void" else f"return ({returned})(a{count - 1});"
    return f"{returned} last_{kind}_{count}_{result}(void *self{parameters}) {{ {answer} }}\n"


@pytest.mark.parametrize("count", SMALL_COUNTS)
@pytest.mark.parametrize("result", RESULTS)
def test_each_small_shape_with_each_result_is_right(count: int, result: str) -> None:
    """These have bodies of their own, one per result and number of arguments."""
    library = build("".join(small_shape(*one) for one in itertools.product(SMALL_KINDS, SMALL_COUNTS, RESULTS)))
    functions: list[dict[str, Any]] = []
    for kind in SMALL_KINDS:
        signature = ", ".join(f"{kind} a{index}" for index in range(count))
        text = f"last_{kind}_{count}_{result}({signature}) -> {result}"
        functions.append(function(text, index=len(functions)))
    slot = _core._seams.slot("shapes/1")
    struct_ = interface_struct([address_of(library, entry["name"]) for entry in functions])
    _core._seams.publish(slot, _core._seams.table(slot, ctypes.addressof(struct_), 0, 1))
    plugin = _core._seams.call_object(_core.make_call_type("shapes", functions, ()), [slot], Owner())

    answers = [getattr(plugin, entry["name"])(*range(3, 3 + count)) for entry in functions]

    expected = None if result == "void" else count + 2
    assert answers == [expected] * len(SMALL_KINDS)


@pytest.mark.control
def test_arguments_not_extended_are_misread_by_clang() -> None:
    """Control: with rubbish above narrow arguments, a callee built by clang must see wrong numbers."""
    clang = [name for name in compilers() if name.startswith("clang")]
    assert clang, "this control needs clang"
    signatures = [
        Signature(name=f"f{index}", types=(kind, kind), result="i64", returned=-1)
        for index, kind in enumerate(("i8", "u8", "i16", "u16"))
    ]
    _core._seams.leave_arguments_narrow(True)
    try:
        batch = make_batch(signatures, clang[0], "-O2")
    finally:
        _core._seams.leave_arguments_narrow(False)

    wrong = 0
    for signature in signatures:
        getattr(batch.plugin, signature.name)(1, 2)
        wrong += batch.note(2) != [1, 2]

    assert wrong == len(signatures)


def test_functions_beyond_the_shaped_places_work_too() -> None:
    """Later ones get the general body; all 512 places lead somewhere else."""
    count = 512
    source = "".join(f"int64_t f{index}(void *self, int64_t a) {{ return a + {index}; }}\n" for index in range(count))
    library = build(source, level="-O0")
    functions = [function(f"f{index}(i64 a) -> i64", index=index % 511) for index in range(count)]
    functions[511]["interface_index"] = 1
    struct_ = interface_struct([address_of(library, f"f{index}") for index in range(511)])
    last = interface_struct([address_of(library, "f511")])
    slots = [_core._seams.slot("many/1"), _core._seams.slot("last/1")]
    for slot, table in zip(slots, (struct_, last), strict=True):
        _core._seams.publish(slot, _core._seams.table(slot, ctypes.addressof(table), 0, 1))
    plugin = _core._seams.call_object(_core.make_call_type("many", functions, ()), slots, Owner())

    answers = [getattr(plugin, f"f{index}")(1000) for index in range(count)]

    assert answers == [1000 + index for index in range(count)]
