"""What a field holds by default: written where it is new, expected where it has no place in the new layout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotgraft.core.c_types import SCALAR_BYTES, Array, Named, Scalar
from hotgraft.core.layout_plan import Expect, Fill, Loop
from hotgraft.core.layout_runs import finish, loop_over
from hotgraft.core.surface import Enumeration, Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hotgraft.core.c_types import CType
    from hotgraft.core.layout import Cluster, StateLayout
    from hotgraft.core.layout_plan import Op

__all__ = ["Defaults", "own_sizes"]


class Defaults:
    """The defaults of one layout: zeros, but for the fields that have their own.

    `given` is by struct and field, ``band.gain``: the bytes of the whole field, which is a number or an array of
    numbers. A struct that begins with its own size has that size there.
    """

    def __init__(self, layout: StateLayout, given: Mapping[str, bytes]) -> None:
        self._layout = layout
        self._own_sizes = own_sizes(layout)
        self._given = {**self._own_sizes, **given}

    def reasons(self) -> Iterator[str]:
        """Yield what is wrong with those that were given."""
        for key, data in self._given.items():
            owner, _, name = key.partition(".")
            facts = self._layout.types.get(owner)
            members = facts.members if isinstance(facts, Record) else ()
            member = next((one for one in members if one.name == name), None)
            if member is None:
                yield f"a default for {key}: there is no such field"
            elif member.bits is not None or not self._number_inside(member.type):
                yield f"a default for {key}: it is no number or array of numbers; give its own fields theirs"
            elif any(data) and isinstance(facts, Record) and any(one.counted == name for one in facts.members):
                yield f"a default for {key}: it counts a block, and there is none yet"
            elif len(data) != self._layout.size(member.type):
                yield f"a default for {key}: {len(data)} bytes, and it has {self._layout.size(member.type)}"

    def fills(self, kind: CType, key: str, dst: int, first: int = 0) -> Iterator[Op]:
        """Yield what writes a field's default; of an array, from element `first` on, which lies at `dst`."""
        layout = self._layout
        if key in self._given:
            data = self._given[key][first * self._stride(kind) :]
            if data:
                yield Fill(dst, len(data), data)
        elif isinstance(kind, Array):
            count, stride = (kind.count or 0) - first, layout.size(kind.of)
            if count > 0 and stride:
                body = finish(self.fills(kind.of, f"{key}[]", 0), values=(), old_bytes=0, new_bytes=stride)
                yield loop_over(Loop(0, dst, count, 0, stride, body))
        elif isinstance(kind, Named) and (clusters := self._clusters(kind)):
            for cluster in clusters:
                if cluster.is_plain:
                    yield from self.fills(cluster.field.type, f"{kind.name}.{cluster.field.name}", dst + cluster.begin)
                else:
                    yield Fill(dst + cluster.begin, cluster.end - cluster.begin)
        elif size := layout.size(kind):
            yield Fill(dst, size)

    def expects(self, kind: CType, key: str, path: str, src: int, first: int = 0) -> Iterator[Op]:
        """Yield what refuses a field that is not as it is by default; of an array, its elements from `first` on.

        Its padding may be as it likes, and so may a struct's own size. `src` is where element `first` lies.
        """
        if isinstance(kind, Array):
            yield from self._expects_array(kind, key, path, src, first)
        elif isinstance(kind, Named) and (clusters := self._clusters(kind)):
            for cluster in clusters:
                inner, name = f"{kind.name}.{cluster.field.name}", f"{path}.{cluster.field.name}"
                if not cluster.is_plain:
                    yield Expect(src + cluster.begin, cluster.end - cluster.begin, "u8", name)
                elif inner not in self._own_sizes:
                    yield from self.expects(cluster.field.type, inner, name, src + cluster.begin)
        elif number := self._number(kind):
            yield Expect(src, 1, number, path, self._given.get(key, b""))
        elif size := self._layout.size(kind):
            yield Expect(src, size, "u8", path)

    def _expects_array(self, kind: Array, key: str, path: str, src: int, first: int) -> Iterator[Op]:
        count, stride = (kind.count or 0) - first, self._layout.size(kind.of)
        inner = f"{path}[{first or ''}]"
        if count <= 0 or not stride:
            return
        if number := self._number(kind.of):
            yield Expect(src, count, number, inner, self._given.get(key, b"")[first * stride :])
        elif key in self._given:  # an array of arrays of numbers: compared as one, and no element of it is named
            number = self._number_inside(kind)
            yield Expect(src, count * stride // SCALAR_BYTES[number], number, path, self._given[key][first * stride :])
        elif body := tuple(self.expects(kind.of, f"{key}[]", inner, 0)):
            yield Loop(src, 0, count, stride, 0, body)

    def _clusters(self, kind: Named) -> list[Cluster]:
        facts = self._layout.resolve(kind)
        return self._layout.clusters(facts) if isinstance(facts, Record) and facts.kind == "struct" else []

    def _stride(self, kind: CType) -> int:
        return self._layout.size(kind.of) if isinstance(kind, Array) else 0

    def _number_inside(self, kind: CType) -> str:
        while isinstance(kind, Array):
            kind = kind.of
        return self._number(kind)

    def _number(self, kind: CType) -> str:
        """Return the scalar that a number or enum is, by name; empty: it is neither."""
        facts = self._layout.resolve(kind)
        return facts.name if isinstance(facts, Scalar) else facts.type if isinstance(facts, Enumeration) else ""


def own_sizes(layout: StateLayout) -> dict[str, bytes]:
    """Return what structs that begin with their own size have there, by struct and field: ``band.struct_size``."""
    sized: dict[str, bytes] = {}
    for name, facts in layout.types.items():
        if isinstance(facts, Record) and facts.is_sized:
            kind = layout.resolve(facts.members[0].type)
            if isinstance(kind, Scalar) and kind.name in ("u32", "u64"):
                sized[f"{name}.struct_size"] = facts.bytes.to_bytes(SCALAR_BYTES[kind.name], "little")
    return sized
