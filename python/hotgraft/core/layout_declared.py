"""Convert by name, the fields that say more than their type: blocks that are counted, unions with a tag, handles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from hotgraft.core.c_types import Array, CType, Named, Pointer, type_text
from hotgraft.core.layout import are_alike, elements_of
from hotgraft.core.layout_plan import Case, Choose, Copy, Pointed
from hotgraft.core.layout_runs import finish

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hotgraft.core.layout import Cluster, StateLayout
    from hotgraft.core.layout_plan import Op
    from hotgraft.core.surface import Member, Record

__all__ = ["ADDRESS", "Beside", "DeclaredFields", "Keys", "Places", "inside"]

ADDRESS: Final = "an address: what it leads to is not part of the state"
Keys: TypeAlias = tuple[str, str]  # of a field in the old and in the new layout: "band.gain"
Places: TypeAlias = tuple[int, int]  # offsets in the old and in the new state
Members: TypeAlias = tuple["Member", "Member"]  # the old and the new


class Beside(NamedTuple):
    """The struct that a field stands in: its counts and tags."""

    record: Record  # the old one
    sources: Mapping[str, str]  # which old field each new one comes from
    path: str
    begin: int  # in the old state


class DeclaredFields:
    """The part of the compiler that is about them."""

    _old: StateLayout
    _new: StateLayout
    _renamed_from: Mapping[str, str]
    reasons: list[str]
    renamed_back: dict[str, str]

    def _refuse(self, path: str, why: str) -> None:
        self.reasons.append(f"{path}: {why}")

    if TYPE_CHECKING:  # the compiler's own

        def _field(self, old: CType, new: CType, keys: Keys, path: str, at: Places) -> list[Op]: ...
        def body(self, old: CType, new: CType, keys: Keys, path: str) -> tuple[Op, ...]: ...

    def _member(self, beside: Beside, members: Members, keys: Keys, at: Places) -> list[Op]:
        """Return what carries one field of a struct."""
        before, after = members
        path = inside(beside.path, after.name)
        if before.counted and after.counted:
            return self._counted(beside, members, keys, at)
        if before.tag and after.tag:
            return self._tagged(beside, members, keys, at)
        if (before.is_handle or after.is_handle) and _leaf(before.type) != _leaf(after.type):
            was, now = type_text(before.type), type_text(after.type)
            self._refuse(path, f"a handle, which is carried as it is: {was} would become {now}")
            return []
        return self._field(before.type, after.type, keys, path, at)

    def _counted(self, beside: Beside, members: Members, keys: Keys, at: Places) -> list[Op]:
        before, after = members
        path, count = inside(beside.path, after.name), inside(beside.path, after.counted)
        if beside.sources.get(after.counted) != before.counted:
            self._refuse(path, f"it was counted by {before.counted}, and {after.counted} is another field")
            return []
        old, new = elements_of(before), elements_of(after)
        return [
            Pointed(
                *at,
                count_src=beside.begin + _offset(beside.record, before.counted),
                scalar=self._old.number_beside(beside.record, before.counted),
                path=path,
                count_path=count,
                src_stride=self._old.size(old),
                dst_stride=self._new.size(new),
                ops=self.body(old, new, (f"{keys[0]}[]", f"{keys[1]}[]"), f"{path}[]"),
            )
        ]

    def _tagged(self, beside: Beside, members: Members, keys: Keys, at: Places) -> list[Op]:
        before, after = members
        path, size = inside(beside.path, after.name), self._old.size(before.type)
        if beside.sources.get(after.tag) != before.tag:
            self._refuse(path, f"its tag was {before.tag}, and {after.tag} is another field")
            return []
        if are_alike(self._old, before.type, self._new, after.type) and not self._old.holds_pointer(before.type):
            return [Copy(*at, size)]
        return [
            Choose(
                *at,
                src_size=size,
                dst_size=self._new.size(after.type),
                tag_src=beside.begin + _offset(beside.record, before.tag),
                scalar=self._old.number_beside(beside.record, before.tag),
                path=inside(beside.path, after.tag),
                cases=tuple(self._cases(members, path)),
            )
        ]

    def _cases(self, members: Members, path: str) -> list[Case]:
        old, new = (one.type for one in members)
        assert isinstance(old, Named) and isinstance(new, Named)  # they have arms
        arms = {arm.name: arm for arm in self._old.arms(old).values()}
        cases: list[Case] = []
        for now in self._new.arms(new).values():
            named = self._renamed_from.get(f"{new.name}.{now.name}", "")
            was = arms.get(named) or arms.get(now.name)
            if was is None or was.when is None:
                continue  # nothing that is alive becomes it
            where = inside(path, now.name)
            if was.name != now.name:
                self.renamed_back[f"{old.name}.{was.name}"] = now.name
            if was.when != now.when:
                self._refuse(where, f"it is alive by {was.when} and would be by {now.when}: that needs a converter")
            keys, size = (f"{old.name}.{was.name}", f"{new.name}.{now.name}"), self._old.size(was.type)
            ops = self._field(was.type, now.type, keys, where, (0, 0))
            values = list(self._old.values(was.type))
            cases.append(Case(was.when, finish(ops, values=values, old_bytes=size, new_bytes=self._new.size(new))))
        if not cases:
            self._refuse(path, "none of what may be alive in it is there any more: that needs a converter")
        return cases

    def _check_fresh(self, cluster: Cluster, sources: Mapping[str, str], path: str) -> None:
        """A block that is new begins as none: its count must not come from elsewhere."""
        for member in cluster.members:
            if member.counted in sources:
                why = f"it begins as no block, and its count {member.counted} is there already: give it one that is new"
                self._refuse(inside(path, member.name), why)


def inside(path: str, name: str) -> str:
    """Return the path of a field of a struct."""
    return f"{path}.{name}" if path else name


def _offset(record: Record, name: str) -> int:
    return next(one.offset_bits for one in record.members if one.name == name) // 8


def _leaf(kind: CType) -> CType:
    while isinstance(kind, Array | Pointer):
        kind = kind.of if isinstance(kind, Array) else kind.to
    return kind
