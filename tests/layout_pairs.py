"""Made-up layouts, what an author may do to one, and states of them; the same for the same seed."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from layout_memory import is_declared, size_and_align
from layout_reference import Change, default

if TYPE_CHECKING:
    from collections.abc import Callable

INTEGERS = {
    "i8": (-(2**7), 2**7 - 1), "u8": (0, 2**8 - 1), "i16": (-(2**15), 2**15 - 1), "u16": (0, 2**16 - 1),
    "i32": (-(2**31), 2**31 - 1), "u32": (0, 2**32 - 1), "i64": (-(2**63), 2**63 - 1), "u64": (0, 2**64 - 1),
    "bool": (0, 1),
}  # fmt: skip
WIDER = {
    "i8": ("i16", "i64"), "u8": ("i16", "u32", "u64"), "i16": ("i32",), "u16": ("u32", "i32"), "i32": ("i64",),
    "u32": ("u64", "i64"), "f32": ("f64",), "bool": ("u8", "i32"),
}  # fmt: skip
NARROWER = {
    "i16": ("i8", "u8"), "u16": ("u8", "i16"), "i32": ("i16", "u32"), "u32": ("u16", "i32", "bool"),
    "i64": ("i32", "u8"), "u64": ("u32", "i64"), "f64": ("f32",), "u8": ("bool", "i8"),
}  # fmt: skip
SCALARS = (*INTEGERS, "f32", "f64")
FLOATS = (0.0, -0.0, 1.5, -3.25, float("inf"), float("-inf"), float("nan"), 1e-40, 3.4e38, 0.1)
BEYOND_F32 = (1e300, -3.5e38, 3.4028235677973366e38)


class Maker:
    """Makes layouts and edits. Structs keep their name through an edit, most of the time."""

    def __init__(self, seed: int, *, declares: bool = False) -> None:
        self.random = random.Random(seed)
        self._names = 0
        self._declares = declares

    def name(self, stem: str) -> str:
        """Return a name that was not there before."""
        self._names += 1
        return f"{stem}{self._names}"

    def chance(self, share: float) -> bool:
        """Return True in about this share of the cases."""
        return self.random.random() < share

    # --- layouts ---

    def struct(self, depth: int = 2) -> Any:
        """Return a struct of one to eight fields."""
        fields = [(self.name("f"), self.kind(depth)) for _ in range(self.random.randint(1, 8))]
        for _ in range(2):
            if self._declares and self.chance(0.15):
                fields += self._declared(depth)
        self.random.shuffle(fields)
        return ("struct", self.name("s"), tuple(fields))

    def _declared(self, depth: int) -> list[tuple[str, Any]]:
        """Return a field that says something of another, and that one."""
        beside, name = self.name("f"), self.name("f")
        inner = self.struct(depth - 1) if depth and self.chance(0.5) else self.random.choice(SCALARS)
        if self.chance(0.5):
            return [(beside, self.random.choice(("u8", "u32", "i64"))), (name, ("counted", inner, beside))]
        arms = [(self.name("a"), inner, 0), (self.name("a"), self.random.choice(SCALARS), 1)]
        arms += [(self.name("a"), ("array", "u16", 3), 9)] if self.chance(0.5) else []
        return [
            (beside, self.random.choice(("u8", "u32", "i32"))),
            (name, ("tagged", self.name("t"), tuple(arms), beside)),
        ]

    def kind(self, depth: int) -> Any:
        """Return the type of a field."""
        makers: list[Callable[[], Any]] = [lambda: self.random.choice(SCALARS)] * 6
        makers += [lambda: ("array", self.random.choice(SCALARS), self.random.randint(1, 9))] * 2
        makers += [lambda: ("array", "i8", self.random.choice((4, 16, 33)))]
        makers += [self._enum]
        if depth:
            makers += [lambda: self.struct(depth - 1), self._union]
            makers += [lambda: ("array", self.struct(depth - 1), self.random.randint(1, 5))]
            makers += [lambda: ("array", ("array", self.random.choice(SCALARS), 3), 2)]
        return self.random.choice(makers)()

    def _enum(self) -> Any:
        values = tuple((self.name("C"), number) for number in range(self.random.randint(2, 5)))
        return ("enum", self.random.choice(("i32", "u32", "u8")), values)

    def _union(self) -> Any:
        return ("union", self.name("u"), (("a", self.random.choice(SCALARS)), ("b", ("array", "u8", 5))))

    # --- edits ---

    def edit(self, old: Any) -> tuple[Any, Change, dict[str, str]]:
        """Return what an author made of a layout, what was said about it, and old names of structs by new."""
        change = Change()
        names: dict[str, str] = {}
        return self._edit(old, change, names), change, names

    def _edit(self, kind: Any, change: Change, names: dict[str, str]) -> Any:
        if isinstance(kind, str):
            return self._edit_number(kind)
        if kind[0] == "enum":
            return ("enum", kind[1], self._edit_constants(kind[2]))
        if kind[0] == "union":
            return kind
        if kind[0] == "counted":
            return ("counted", self._edit(kind[1], change, names), kind[2])
        if kind[0] == "tagged":
            return self._edit_arms(kind, change, names)
        if kind[0] == "array":
            count = max(1, kind[2] + self.random.choice((-2, -1, 1, 2, 7))) if self.chance(0.3) else kind[2]
            return ("array", self._edit(kind[1], change, names), count)
        return self._edit_struct(kind, change, names)

    def _edit_number(self, kind: str) -> Any:
        if self.chance(0.2) and kind in WIDER:
            return self.random.choice(WIDER[kind])
        if self.chance(0.1) and kind in NARROWER:
            return self.random.choice(NARROWER[kind])
        return "f64" if self.chance(0.002) else kind

    def _edit_arms(self, kind: Any, change: Change, names: dict[str, str]) -> Any:
        names[kind[1]] = kind[1]
        arms = []
        for at, (name, inner, when) in enumerate(kind[2]):
            if at and self.chance(0.1):
                continue
            called = name
            if self.chance(0.1):
                called = self.name("a")
                change.renamed[kind[1], called] = name
            arms.append((called, self._edit(inner, change, names), when))
        if self.chance(0.2):
            arms.append((self.name("a"), self.random.choice(SCALARS), 5))
        return ("tagged", kind[1], tuple(arms), kind[3])

    def _edit_constants(self, constants: tuple[tuple[str, int], ...]) -> tuple[tuple[str, int], ...]:
        kept = tuple(one for one in constants if not self.chance(0.05))
        if self.chance(0.3):
            kept += ((self.name("C"), 17),)
        return kept or constants

    def _edit_struct(self, kind: Any, change: Change, names: dict[str, str]) -> Any:
        owner = self.name("s") if self.chance(0.1) else kind[1]
        names[owner] = kind[1]
        fields: list[tuple[str, Any]] = []
        needed = {inner[-1] for _, inner in kind[2] if is_declared(inner)}  # as counts and tags
        for name, inner in kind[2]:
            if name in needed:
                fields.append(self._edit_beside(name, inner, owner, change))
                continue
            if self.chance(0.07) and inner[0] != "tagged":  # its tag would stay, and say nothing
                if self.chance(0.6):
                    change.dropped.add((kind[1], name))
                continue
            if self.chance(0.02) and not self._has_declared(inner):
                change.dropped.add((kind[1], name))  # it is there still, and begins anew
                fields.append((name, inner))
                continue
            fields.append(self._edit_field(name, inner, (kind[1], owner), change, names))
        called = {change.renamed.get((owner, name), name): name for name, _ in fields}
        fields = [
            (name, (*inner[:-1], called[inner[-1]])) if is_declared(inner) else (name, inner) for name, inner in fields
        ]
        if self._declares and self.chance(0.1):
            fields += self._declared(1)
        for _ in range(self.random.choice((0, 0, 1, 2)) if fields else 1):
            added = (self.name("f"), self.kind(1))
            fields.insert(self.random.randint(0, len(fields)), added)
            if self._is_plain(added[1]) and self.chance(0.5):
                change.defaults[owner, added[0]] = self.value(added[1], extreme=0.1)
        if self.chance(0.3):
            self.random.shuffle(fields)
        return ("struct", owner, tuple(fields))

    def _edit_field(
        self, name: str, inner: Any, owners: tuple[str, str], change: Change, names: dict[str, str]
    ) -> tuple[str, Any]:
        called = name
        if self.chance(0.1):
            called = self.name("f")
            change.renamed[owners[1], called] = name
        after = self._edit(inner, change, names)
        if self._is_shorter(inner, after) and self.chance(0.3):
            change.dropped.add((owners[0], f"{name}[{after[2]}:]"))
        return called, after

    def _edit_beside(self, name: str, inner: str, owner: str, change: Change) -> tuple[str, Any]:
        """Return what became of a count or a tag: it stays an integer."""
        called = name
        if self.chance(0.1):
            called = self.name("f")
            change.renamed[owner, called] = name
        wider = [one for one in WIDER.get(inner, ()) if one != "bool"]
        return called, self.random.choice(wider) if wider and self.chance(0.2) else inner

    def _has_declared(self, kind: Any) -> bool:
        if isinstance(kind, str) or kind[0] in ("enum", "union"):
            return False
        if kind[0] == "struct":
            return any(self._has_declared(inner) for _, inner in kind[2])
        return is_declared(kind) or self._has_declared(kind[1])

    def _is_shorter(self, before: Any, after: Any) -> bool:
        is_array = not isinstance(before, str) and before[0] == "array"
        return is_array and bool(after[2] < before[2])

    def _is_plain(self, kind: Any) -> bool:
        if isinstance(kind, str) or kind[0] == "enum":
            return True
        return kind[0] == "array" and self._is_plain(kind[1])

    # --- values ---

    def value(self, kind: Any, extreme: float) -> Any:
        """Return a value; in the given share of the cases one that fits in no narrower type, or fills its buffer."""
        if isinstance(kind, str):
            return self._number(kind, extreme)
        if kind[0] == "enum":
            return self.random.choice(kind[2])[1]
        if kind[0] == "union":
            return self.random.randbytes(size_and_align(kind)[0])
        if kind[0] == "array":
            return self._elements(kind, extreme)
        if kind[0] == "counted":
            return (
                [self.value(kind[1], extreme) for _ in range(self.random.randint(1, 3))] if self.chance(0.7) else None
            )
        if kind[0] == "tagged":
            alive, inner, _ = self.random.choice(kind[2])
            return {alive: self.value(inner, extreme)}
        made = {name: self.value(inner, extreme) for name, inner in kind[2]}
        for name, inner in kind[2]:
            if is_declared(inner):
                made[inner[-1]] = _said_of(inner, made[name])
        return made

    def _number(self, kind: str, extreme: float) -> Any:
        if kind[0] == "f":
            if kind == "f64" and self.chance(extreme):
                return self.random.choice(BEYOND_F32)
            return self.random.choice(FLOATS[:-1] if kind == "f32" else FLOATS)
        low, high = INTEGERS[kind]
        if self.chance(extreme):
            return self.random.choice((low, high, self.random.randint(low, high)))
        return self.random.randint(0, 1)

    def _elements(self, kind: Any, extreme: float) -> list[Any]:
        if kind[1] == "i8" and not self.chance(extreme):  # a text and the zeros behind it
            text = [self.random.randint(33, 126) for _ in range(self.random.randint(0, max(0, kind[2] // 2 - 1)))]
            return text + [0] * (kind[2] - len(text))
        used = kind[2] if self.chance(extreme) else kind[2] // 2
        elements = [self.value(kind[1], extreme) for _ in range(used)]
        return elements + [default(kind[1], {}) for _ in range(kind[2] - used)]


def _said_of(kind: Any, value: Any) -> int:
    """Return what the field beside it holds: a count, or the tag's value."""
    if kind[0] == "counted":
        return len(value or ())
    return int(next(when for name, _, when in kind[2] if name in value))
