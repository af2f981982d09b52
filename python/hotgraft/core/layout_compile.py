"""Convert by name: which value of one layout becomes which of another, decided once for each pair of layouts.

Fields are matched by name, or by the name they had before. A value crosses where the new type holds every value of the
old (widening), or may hold it (narrowing: checked one by one when the plan runs, and refused by field and value). What
no rule here can carry without guessing is a reason to refuse: there the author's own converter is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hotgraft.core.c_types import Array, CType, FunctionType, Named, Pointer, Scalar, type_text
from hotgraft.core.layout import are_alike, are_members_alike
from hotgraft.core.layout_declared import ADDRESS, Beside, DeclaredFields, inside
from hotgraft.core.layout_defaults import Defaults
from hotgraft.core.layout_plan import NUMBERS, Convert, Copy, CopyPlan, Forbid, Loop, Terminated, faults_of
from hotgraft.core.layout_runs import finish, loop_over
from hotgraft.core.surface import Enumeration, Record

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from hotgraft.core.layout import Cluster, StateLayout
    from hotgraft.core.layout_declared import Keys, Places
    from hotgraft.core.layout_plan import Op

__all__ = ["compile_copy", "compile_walk"]

NOTHING: Final[Mapping[str, bytes]] = {}
FLOATS: Final = frozenset({"f16", "f32", "f64", "f80", "f128"})


def compile_copy(
    old: StateLayout,
    new: StateLayout,
    *,
    renamed_from: Mapping[str, str] | None = None,
    defaults: Mapping[str, bytes] = NOTHING,
    old_defaults: Mapping[str, bytes] = NOTHING,
    dropped: Collection[str] = (),
    numbers: Collection[str] = (),
) -> tuple[CopyPlan | None, tuple[str, ...]]:
    """Return the plan that carries a state of `old` to `new`, or None and every reason why there is none.

    The way back is the same with `old` and `new`, `defaults` and `old_defaults` exchanged, and the plan's
    `renamed_back` as `renamed_from`.

    Args:
        renamed_from: what a field of `new` was called before, by struct and field: ``{"band.gain": "level"}``. Taken
            before a field of the same name, and passed over where `old` has no field of that name.
        defaults: by struct and field of `new`, the bytes that it begins with where it is new; zeros unless given.
        old_defaults: the same of `old`: an array may only get shorter where what is cut off is as it is by default.
        dropped: fields of `old`, by struct and field, whose values are given up on purpose; ``band.taps[8:]`` is what
            an array has from element 8 on. A field that `new` has as well begins with its default then.
        numbers: arrays of i8, by struct and field, that are numbers and no text. A text may get a shorter buffer where
            it fits with the zero that ends it; numbers follow the rule of arrays.

    What is carried in part, or not at all, is listed in the plan (`lost`, `given_up`, `rounded`, `texts`): whether that
    is allowed is for the caller to decide. A pointer crosses only where it is declared how much it leads to.
    """
    reasons = (*(f"what runs: {one}" for one in old.reasons()), *(f"the candidate: {one}" for one in new.reasons()))
    if reasons:
        return None, reasons
    compiler = _Compiler(old, new, renamed_from or {}, (defaults, old_defaults), (dropped, numbers))
    ops = compiler.body(Named(old.struct), Named(new.struct), ("", ""), "")
    if compiler.reasons:
        return None, tuple(dict.fromkeys(compiler.reasons))
    plan = CopyPlan(
        old_bytes=old.bytes,
        new_bytes=new.bytes,
        ops=ops,
        **{name: tuple(dict.fromkeys(paths)) for name, paths in compiler.notes.items()},
        renamed_back=compiler.renamed_back,
    )
    faults = faults_of(plan)
    return (None, faults) if faults else (plan, ())


def compile_walk(layout: StateLayout) -> CopyPlan | None:
    """Return the plan that copies a state whole, blocks of its own included; None: it leads to none.

    By it the blocks of a live state are found, too.
    """
    return compile_copy(layout, layout)[0] if not layout.reasons() and layout.has_blocks else None


class _Compiler(DeclaredFields):
    """One compilation: the operations are returned, reasons and notes are collected."""

    def __init__(
        self,
        old: StateLayout,
        new: StateLayout,
        renamed_from: Mapping[str, str],
        defaults: tuple[Mapping[str, bytes], Mapping[str, bytes]],
        wishes: tuple[Collection[str], Collection[str]],
    ) -> None:
        self._old, self._new = old, new
        self._renamed_from = renamed_from
        self._defaults, self._old_defaults = Defaults(new, defaults[0]), Defaults(old, defaults[1])
        self._dropped, self._numbers = wishes
        self.reasons: list[str] = [*self._defaults.reasons(), *self._old_defaults.reasons()]
        self.reasons += [
            f"renamed_from names {key}, and the new layout has no such field" for key in self._unknown(renamed_from)
        ]
        self.notes: dict[str, list[str]] = {name: [] for name in ("lost", "given_up", "fresh", "rounded", "texts")}
        self.renamed_back: dict[str, str] = {}

    def body(self, old: CType, new: CType, keys: Keys, path: str) -> tuple[Op, ...]:
        """Return what makes one new state, or element of an array, of one old; offsets count from its begin."""
        ops = self._field(old, new, keys, path, (0, 0))
        old_bytes, new_bytes = self._old.size(old), self._new.size(new)
        return finish(ops, values=list(self._old.values(old)), old_bytes=old_bytes, new_bytes=new_bytes)

    def _field(self, old: CType, new: CType, keys: Keys, path: str, at: Places) -> list[Op]:
        """Return what carries one field."""
        before, after = self._old.resolve(old), self._new.resolve(new)
        if isinstance(before, Array) and isinstance(after, Array):
            return self._array(before, after, keys, path, at)
        if isinstance(before, Scalar | Enumeration) and isinstance(after, Scalar | Enumeration):
            return self._numbers_of(before, after, path, at, 1)
        if isinstance(before, Record) and isinstance(after, Record):
            if before.kind == after.kind == "struct" and isinstance(old, Named) and isinstance(new, Named):
                return self._struct((before, old.name), (after, new.name), path, at)
            if are_alike(self._old, old, self._new, new):
                return self._opaque(old, path, at)
        if isinstance(before, Pointer | FunctionType) or isinstance(after, Pointer | FunctionType):
            self._refuse(path, ADDRESS)
        else:
            self._refuse(path, f"{type_text(old)} would become {type_text(new)}: that needs a converter")
        return []

    def _opaque(self, kind: CType, path: str, at: Places) -> list[Op]:
        """Return the copy of a union whole: which of its members holds the value, its type does not say."""
        if self._old.holds_pointer(kind):
            self._refuse(path, ADDRESS)
        return [Copy(*at, self._old.size(kind))]

    # --- structs ---

    def _struct(self, old: tuple[Record, str], new: tuple[Record, str], path: str, at: Places) -> list[Op]:
        there = {member.name: cluster for cluster in self._old.clusters(old[0]) for member in cluster.members}
        there = {name: cluster for name, cluster in there.items() if f"{old[1]}.{name}" not in self._dropped}
        clusters = self._new.clusters(new[0])
        sources = self._sources(old[1], new[1], there, clusters)
        ops: list[Op] = []
        for cluster in clusters:
            inner, key = inside(path, cluster.field.name), f"{new[1]}.{cluster.field.name}"
            source = next((sources[one.name] for one in cluster.members if one.name in sources), None)
            if source is None or (new[0].is_sized and cluster.begin == 0):
                self.notes["fresh"] += [inner] if source is None else []
                self._check_fresh(cluster, sources, path)
                ops += self._fresh(cluster, key, at[1])
                continue
            places = (at[0] + there[source].begin, at[1] + cluster.begin)
            if cluster.is_plain and there[source].is_plain:
                keys, members = (f"{old[1]}.{source}", key), (there[source].field, cluster.field)
                ops += self._member(Beside(old[0], sources, path, at[0]), members, keys, places)
            else:
                ops += self._shared(there[source], cluster, inner, places)
        self._note_lost(old, path, set(sources.values()))
        return ops

    def _sources(
        self, old_name: str, new_name: str, there: Mapping[str, Cluster], clusters: list[Cluster]
    ) -> dict[str, str]:
        """Return which field of the old struct each of the new one comes from: first by the name it had."""
        sources: dict[str, str] = {}
        for name in (member.name for cluster in clusters for member in cluster.members):
            before = self._renamed_from.get(f"{new_name}.{name}", "")
            if before not in there:
                continue
            if before in sources.values():
                self._refuse(f"{new_name}.{name}", f"{before} is what another field was called before as well")
            sources[name] = before
            self.renamed_back[f"{old_name}.{before}"] = name
        taken = set(sources.values())
        for name in (member.name for cluster in clusters for member in cluster.members):
            if name in there and name not in taken:
                sources.setdefault(name, name)
        return sources

    def _fresh(self, cluster: Cluster, key: str, dst: int) -> list[Op]:
        if not cluster.is_plain:
            return []  # bytes that no field claims are written as padding: zeros
        return list(self._defaults.fills(cluster.field.type, key, dst + cluster.begin))

    def _shared(self, before: Cluster, after: Cluster, path: str, at: Places) -> list[Op]:
        """Return the copy of fields that share bytes, where they do so in the same way on both sides."""
        shift = (after.begin - before.begin) * 8
        if not are_members_alike(self._old, before.members, self._new, after.members, shift_bits=shift):
            self._refuse(
                path, "it shares bytes with others (bitfields, a union without a name), and no longer the same"
            )
        elif any(self._old.holds_pointer(member.type) for member in before.members):
            self._refuse(path, ADDRESS)
        return [Copy(*at, before.end - before.begin)]

    def _note_lost(self, old: tuple[Record, str], path: str, taken: set[str]) -> None:
        for member in old[0].members:
            if member.name not in taken:
                is_given_up = f"{old[1]}.{member.name}" in self._dropped
                self.notes["given_up" if is_given_up else "lost"].append(inside(path, member.name))

    # --- arrays ---

    def _array(self, old: Array, new: Array, keys: Keys, path: str, at: Places) -> list[Op]:
        before, after = old.count or 0, new.count or 0
        both = min(before, after)
        strides = self._old.size(old.of), self._new.size(new.of)
        ops = self._elements(old.of, new.of, keys, path, at, both) if both and all(strides) else []
        if after > before:
            ops += self._defaults.fills(new, keys[1], at[1] + both * strides[1], both)
        elif after < before:
            ops += self._cut_off(old, new, keys[0], path, at[0], both)
        return ops

    def _elements(self, old: CType, new: CType, keys: Keys, path: str, at: Places, count: int) -> list[Op]:
        before, after = self._old.resolve(old), self._new.resolve(new)
        if isinstance(before, Scalar | Enumeration) and isinstance(after, Scalar | Enumeration):
            return self._numbers_of(before, after, f"{path}[]", at, count)
        body = self.body(old, new, (f"{keys[0]}[]", f"{keys[1]}[]"), f"{path}[]")
        return [loop_over(Loop(*at, count, self._old.size(old), self._new.size(new), body))]

    def _cut_off(self, old: Array, new: Array, key: str, path: str, src: int, kept: int) -> list[Op]:
        """Return what an array that gets shorter asks for.

        Its last elements would be lost with nobody told. Where they are as they are by default, the newer version has
        not used them, and the older one, which does not know them, loses nothing.
        """
        tail = f"{path}[{kept}:]"
        if f"{key}[{kept}:]" in self._dropped:
            self.notes["given_up"].append(tail)
            return []
        if kept and old.of == new.of == Scalar("i8") and key not in self._numbers:
            self.notes["texts"].append(path)
            return [Terminated(src, kept, path)]
        return list(self._old_defaults.expects(old, key, path, src + kept * self._old.size(old.of), kept))

    # --- numbers ---

    def _numbers_of(
        self, before: Scalar | Enumeration, after: Scalar | Enumeration, path: str, at: Places, count: int
    ) -> list[Op]:
        source, target = _scalar_of(before), _scalar_of(after)
        checks = self._constants(before, after, path, at[0], count)
        if source == target:
            return [*checks, Copy(*at, count * self._old.size(Scalar(source)))]
        is_float = source in FLOATS
        if not {source, target} <= NUMBERS.keys() or is_float != (target in FLOATS):
            self._refuse(path, f"{source} would become {target}: not every value has its like; that needs a converter")
            return []
        if is_float and target == "f32":
            self.notes["rounded"].append(path)
        return [*checks, Convert(*at, count, source, target, path)]

    def _constants(
        self, before: Scalar | Enumeration, after: Scalar | Enumeration, path: str, src: int, count: int
    ) -> list[Op]:
        if not (isinstance(before, Enumeration) and isinstance(after, Enumeration)):
            return []
        values = dict(after.values)
        for name, value in before.values:
            if values.get(name, value) != value:
                self._refuse(path, f"{name} is {value} and would be {values[name]}: that needs a converter")
        unknown = {value for _, value in before.values} - set(values.values())
        if unknown and before.type not in NUMBERS:
            self._refuse(path, f"constants of an enum of {before.type} are gone: that needs a converter")
        return [Forbid(src, count, before.type, path, tuple(sorted(unknown)))] if unknown else []

    def _refuse(self, path: str, why: str) -> None:
        self.reasons.append(f"{path}: {why}")

    def _unknown(self, keys: Collection[str]) -> list[str]:
        known = {
            f"{name}.{member.name}"
            for name, facts in self._new.types.items()
            if isinstance(facts, Record)
            for member in facts.members
        }
        return sorted(set(keys) - known)


def _scalar_of(facts: Scalar | Enumeration) -> str:
    return facts.name if isinstance(facts, Scalar) else facts.type
