"""How state crosses from one generation to the next, decided from what both sides declare."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from hotgraft.core.c_types import Named
from hotgraft.core.converters import Chain, Converter, between, find_chain, gaps, offered_by
from hotgraft.core.dataclass import dataclass
from hotgraft.core.layout import are_alike
from hotgraft.core.layout_compile import compile_copy, compile_walk
from hotgraft.core.semver import Version

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hotgraft.core.layout import StateLayout
    from hotgraft.core.layout_plan import CopyPlan

__all__ = ["Choice", "Conversion", "Crossing", "StateEdits", "StateFacts", "StateKind", "choose_crossing"]


StateKind = Literal["none", "single", "concurrent", "session"]


class Crossing(StrEnum):
    """The ways state crosses; `FRESH` is for a plugin that had none."""

    FRESH = "fresh"
    HAND_OVER = "hand over"
    CONVERT = "convert"
    CONVERTERS = "converters"  # the author's, where the meaning changed
    RESTORE = "restore"
    SHARE = "share"  # a concurrent state: both versions use one block
    CONVERT_SHARED = "convert shared"  # the same, of another layout


@dataclass(frozen=True, slots=True, kw_only=True)
class StateEdits:
    """What the author of a version says about the layout before it; fields by struct and name: ``band.gain``."""

    renamed_from: Mapping[str, str] = field(default_factory=dict)  # a field's name before
    defaults: Mapping[str, bytes] = field(default_factory=dict)  # what it begins with where it is new
    dropped: tuple[str, ...] = ()  # fields of before whose values are given up


@dataclass(frozen=True, slots=True, kw_only=True)
class StateFacts:
    """What one version declares about its state."""

    kind: StateKind = "none"
    schema: int = 0
    layout_id: int = 0
    can_hand_over: bool = False  # offers take and surrender
    can_save: bool = False  # offers save and restore
    layout: StateLayout | None = None  # of the block that take gets; None: it is not described
    edits: StateEdits = field(default_factory=StateEdits)
    converters: tuple[tuple[int, int], ...] = ()  # that its library offers: from schema, to schema
    version: str = ""  # of the plugin: which of two is the later one

    @property
    def has_state(self) -> bool:
        """Tell whether there is anything to lose."""
        return self.kind != "none"

    @property
    def is_shared(self) -> bool:
        """Tell whether the code of two versions may use its block at once."""
        return self.kind == "concurrent"

    @property
    def is_per_session(self) -> bool:
        """Tell whether it is of sessions, each of which is carried on its own."""
        return self.kind == "session"

    @property
    def has_block(self) -> bool:
        """Tell whether it lies in a block of a known layout that another version can be given."""
        return self.can_hand_over or self.is_shared


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """How a block becomes one of the other version's layout; the ids are those that both libraries must offer."""

    plan: CopyPlan
    old_layout_id: int
    new_layout_id: int
    old_walk: CopyPlan | None = None  # of the old layout: finds the blocks that it leads to; None: it leads to none
    new_walk: CopyPlan | None = None

    def told(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Return what becomes of fields that not simply cross, in words, and which they are."""
        plan = self.plan
        return (
            ("new", plan.fresh),
            ("left behind", plan.lost),
            ("given up", plan.given_up),
            ("rounded where it must be", plan.rounded),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The way across, or every reason why there is none."""

    crossing: Crossing | None
    refusals: tuple[str, ...] = ()
    conversion: Conversion | None = None
    chain: Chain | None = None
    walk: CopyPlan | None = None  # of a block that is handed over: finds the blocks that it leads to


def choose_crossing(
    old: StateFacts, new: StateFacts, *, goes_back: bool = False, converters: tuple[Converter, ...] = ()
) -> Choice:
    """Return the way across, cheapest first, or every reason why each is closed.

    Where schemas differ and converters lie between them, they alone are the way: see `converters`.

    Args:
        old: of what serves.
        new: of what is to serve.
        converters: of the program, for this plugin; those of both libraries are known from `old` and `new`.
        goes_back: `new` served before, and what it never knew may be lost. Most often it is the earlier version; where
            a downgrade is rolled back, it is the later one.
    """
    if not old.has_state:
        return Choice(crossing=Crossing.FRESH)
    if not new.has_state:
        return Choice(crossing=None, refusals=("its state would be lost: the candidate declares none",))
    shares = old.is_shared and new.is_shared
    closed = _why_not_handed_over(old, new) if old.kind == new.kind and not shares else _why_not_shared(old, new)
    if closed is None:
        walk = compile_walk(old.layout) if old.layout is not None and not shares else None
        return Choice(crossing=Crossing.SHARE if shares else Crossing.HAND_OVER, walk=walk)
    is_converted = old.kind == new.kind and not shares and old.schema != new.schema
    if is_converted and (known := between(_converters(old, new, converters), old.schema, new.schema)):
        return _by_converters(old, new, known)
    saves = old.can_save and new.can_save and old.is_per_session == new.is_per_session
    if saves and old.schema != new.schema:
        return Choice(crossing=Crossing.RESTORE)  # restore is told the schema: only it knows what changed in meaning
    conversion, reasons = _conversion(old, new, goes_back=goes_back)
    if conversion is not None:
        crossing = Crossing.CONVERT_SHARED if shares else Crossing.CONVERT
        return Choice(crossing=crossing, conversion=conversion)
    if saves:
        return Choice(crossing=Crossing.RESTORE)
    sides = [name for name, side in (("what runs", old), ("the candidate", new)) if not side.can_save]
    offer = "offers" if len(sides) == 1 else "offer"
    no_converter = (
        f"no converter is known between schemas {old.schema} and {new.schema}, "
        "neither by [state] converters of a library nor by host.converter"
    )
    refusals = (
        f"its state would be lost: it cannot be {'shared' if shares else 'handed over'}, {closed}",
        *(f"its state would be lost: it cannot be converted, {one}" for one in reasons),
        *([f"its state would be lost: {no_converter}"] if is_converted else []),
        "its state would be lost: it cannot be saved and restored, "
        + (f"{' and '.join(sides)} {offer} no save and restore" if sides else "a session's values are not a plugin's"),
    )
    return Choice(crossing=None, refusals=refusals)


def _converters(old: StateFacts, new: StateFacts, programs: tuple[Converter, ...]) -> tuple[Converter, ...]:
    """Return every converter that is known, of both libraries and of the program."""
    return (*offered_by("candidate", new.converters), *offered_by("running", old.converters), *programs)


def _by_converters(old: StateFacts, new: StateFacts, known: tuple[Converter, ...]) -> Choice:
    """Return the way over converters. What a version saves is what they get or give, where it saves; else its block."""
    steps = find_chain(known, old.schema, new.schema)
    reasons = list(gaps(known, old.schema, new.schema)) if steps is None else []
    reasons += [
        f"converters cannot get at its state: {name} offers no save and restore, and does not describe its block"
        for name, side in (("what runs", old), ("the candidate", new))
        if not side.can_save and not (side.can_hand_over and side.layout is not None)
    ]
    if steps is None or reasons:
        return Choice(crossing=None, refusals=tuple(reasons))
    from_layout = None if old.can_save else old.layout
    to_layout = None if new.can_save else new.layout
    chain = Chain(
        steps=steps,
        from_layout=from_layout,
        to_layout=to_layout,
        from_walk=compile_walk(from_layout) if from_layout is not None else None,
        to_walk=compile_walk(to_layout) if to_layout is not None else None,
        to_layout_id=0 if new.can_save else new.layout_id,
    )
    return Choice(crossing=Crossing.CONVERTERS, chain=chain)


def _why_not_handed_over(old: StateFacts, new: StateFacts) -> str | None:
    """Return why the pointer cannot change hands, or None when it can."""
    sides = [name for name, side in (("what runs", old), ("the candidate", new)) if not side.can_hand_over]
    if sides:
        return f"{' and '.join(sides)} {'offers' if len(sides) == 1 else 'offer'} no surrender and take"
    return _why_not_alike(old, new)


def _why_not_shared(old: StateFacts, new: StateFacts) -> str | None:
    """Return why one block cannot serve both, or None when it can."""
    if old.kind != new.kind:
        return f"its kind is {old.kind} and would be {new.kind}"
    return _why_not_alike(old, new)


def _why_not_alike(old: StateFacts, new: StateFacts) -> str | None:
    if old.schema != new.schema:
        return f"its schema is {old.schema} and would be {new.schema}: equal bytes may mean something else"
    if old.layout_id == 0 or old.layout_id != new.layout_id:
        return f"the block's layout is {old.layout_id:#x} and would be {new.layout_id:#x}"
    return None


def _conversion(old: StateFacts, new: StateFacts, *, goes_back: bool) -> tuple[Conversion | None, tuple[str, ...]]:
    """Return how the block is converted by the names of its fields, or every reason why it is not.

    Without two layouts there is nothing to be said of it.
    """
    if not (old.has_block and new.has_block) or old.kind != new.kind or old.layout is None or new.layout is None:
        return None, ()
    if are_alike(old.layout, Named(old.layout.struct), new.layout, Named(new.layout.struct)):
        said = f"schema {new.schema}" if old.schema != new.schema else f"layout {new.layout_id:#x}"
        return None, (f"the fields are the same, and {said} says that they mean something else",)
    plan, reasons = _compile_back(old, new) if goes_back and not _is_later(new, old) else _compile(old, new)
    if plan is None:
        return None, reasons
    losses = () if goes_back else (*map(_lost, plan.lost), *map(_rounded, plan.rounded))
    if losses:
        return None, losses
    return Conversion(
        plan=plan,
        old_layout_id=old.layout_id,
        new_layout_id=new.layout_id,
        old_walk=compile_walk(old.layout),
        new_walk=compile_walk(new.layout),
    ), ()


def _lost(path: str) -> str:
    return (
        f"there is no place for {path}: name it under renamed_from in [state] if it is called otherwise now, "
        "or under dropped to give its value up"
    )


def _rounded(path: str) -> str:
    return f"{path} would be rounded"


def _compile(
    old: StateFacts, new: StateFacts, renamed_from: Mapping[str, str] | None = None
) -> tuple[CopyPlan | None, tuple[str, ...]]:
    assert old.layout is not None and new.layout is not None  # asked before
    return compile_copy(
        old.layout,
        new.layout,
        renamed_from=new.edits.renamed_from if renamed_from is None else renamed_from,
        defaults=new.edits.defaults,
        old_defaults=old.edits.defaults,
        dropped=new.edits.dropped if renamed_from is None else (),
    )


def _is_later(one: StateFacts, other: StateFacts) -> bool:
    """Is it the version whose author knew the other one, and said what fields were called there?"""
    return bool(one.version and other.version) and Version.parse(one.version) > Version.parse(other.version)


def _compile_back(later: StateFacts, earlier: StateFacts) -> tuple[CopyPlan | None, tuple[str, ...]]:
    """The way back is what the later version says of the way up, read backwards.

    Without a way up there is none: what fields are called on both sides would not be known, and what was renamed lost.
    """
    up, reasons = _compile(earlier, later)
    return _compile(later, earlier, up.renamed_back) if up is not None else (None, reasons)
