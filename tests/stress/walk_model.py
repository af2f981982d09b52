"""What the walk plugin must hold after each step, predicted over plain dicts; nothing of hotgraft is imported.

A lane's sum and its twin are written by callers while versions change: the model has zeros there, and says only when
callers' additions are given up.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from layout_reference import convert, default, without_place
from walk_versions import CALLERS, LANE, STATE, VERSIONS, Version

LIMITS = {f"i{bits}": (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (16, 32, 64)}
LATEST = VERSIONS[-1].schema
State = dict[str, Any]


@dataclass
class Held:
    """What a rollback goes back to; `kept` is what it had when it was replaced, None: that was handed over."""

    version: int
    kept: State | None
    is_block: bool = False  # it was surrendered, so that a rollback gives it back by take


class Model:
    """One plugin: which version serves, what its state is, and where a rollback would lead.

    Versions are places in `VERSIONS`; `converts`: the program has converters between the last two schemas. A method
    that changes something returns how the step must end: "hand over", "convert", "converters", "restore", "kept"
    (lossy), "refused" or "blocked"; with the last two, nothing has changed.
    """

    def __init__(self, version: int, *, converts: bool = False) -> None:
        self.version = version
        self.converts = converts
        self.state = fresh(VERSIONS[version])
        self.held: Held | None = None
        self.previous: int | None = None

    def reload(self, target: int, *, fault: str = "") -> str:
        """Another version is to serve; `fault`: a control function that fails."""
        return self._swap(target, fault, goes_back=target < self.version)

    def rollback(self, *, fault: str = "") -> str:
        """The last good one is to serve again."""
        if self.held is None:
            return "blocked" if self.previous is None else self._swap(self.previous, fault, goes_back=True)
        old, new = VERSIONS[self.version], VERSIONS[self.held.version]
        way, state = crossed(old, new, self.state, goes_back=True, converts=self.converts)
        if state is None or fails(way, fault, old, new, is_rollback=True):
            is_met = state is None and fault == "take" and self.held.is_block  # the first way did not come so far
            way, state = "kept", None if is_met else self.held.kept
        if state is None:
            return "blocked"
        self.version, self.state, self.held = self.held.version, state, None
        return way

    def commit(self) -> None:
        """What serves is the last good."""
        if self.held is not None:
            self.previous, self.held = self.held.version, None

    def _swap(self, target: int, fault: str, *, goes_back: bool) -> str:
        old, new = VERSIONS[self.version], VERSIONS[target]
        way, state = crossed(old, new, self.state, goes_back=goes_back, converts=self.converts)
        if state is None or fails(way, fault, old, new):
            return "refused"
        if self.held is None:
            kept = None if way == "hand over" else copy.deepcopy(self.state)
            is_block = way == "convert" or (way == "converters" and not old.saves)
            self.held = Held(self.version, kept, is_block)
        self.version, self.state = target, state
        return way


def fails(way: str, fault: str, old: Version, new: Version, *, is_rollback: bool = False) -> bool:
    """Tell whether a step that goes this way comes past the function that fails."""
    if way == "converters":
        out, into = "save" if old.saves else "surrender", "restore" if new.saves else "take"
        is_fresh = new.saves or not is_rollback
        return fault in (out, into, "converter") or (is_fresh and fault in ("create", "start"))
    if way == "restore":
        return fault in ("save", "restore", "create", "start")
    return fault in ("surrender", "take") or (fault in ("create", "start") and not is_rollback)


def fresh(version: Version) -> State:
    """Return what a new instance has."""
    state: State = default(version.kind, version.defaults)
    for (owner, name), value in version.defaults.items():
        if owner == STATE:
            state[name] = value
    return state


def crossed(
    old: Version, new: Version, state: State, *, goes_back: bool, converts: bool = False
) -> tuple[str, State | None]:
    """Return the way of a state to another version, and what it is there; None: it is refused."""
    if old.number == new.number:
        return "hand over", copy.deepcopy(state)
    if converts and old.schema != new.schema and LATEST in (old.schema, new.schema):
        if 1 in (old.schema, new.schema):
            return "converters", None  # no converter leads there, and half a chain would give wrong numbers
        if new.schema == LATEST:
            return "converters", raised(saved(old, state))
        return "converters", restored(new, LATEST - 1, lowered(state))
    if old.saves and new.saves and old.schema != new.schema:
        return "restore", restored(new, old.schema, saved(old, state))
    if new.number > old.number:
        change = new.change_from(old)
        if not goes_back and without_place(old.kind, new.kind, change)[0]:
            return "convert", None
    else:
        same = {one: one for one in (STATE, LANE, "walk_stats")}
        change = old.change_from(new).back(same)
    made = convert(old.kind, new.kind, state, change)
    return "convert", None if change.refused else made


def raised(values: State) -> State | None:
    """Return a state of the last schema, made of what the one before saved: volume is twice as much there."""
    state = fresh(VERSIONS[-1])
    state |= {"volume": values["volume"] * 2, "ratio": values["gain"], "mode": values["mode"], "name": values["name"]}
    state["taps"] = [values[f"tap {at}"] for at in range(4)] + [0, 0]
    for at, lane in enumerate(state["lanes"]):
        lane |= {"total": values[f"sum {at}"], "twin": values[f"twin {at}"], "weight": values[f"weight {at}"]}
    return state if _is_within("i64", state["volume"]) else None


def lowered(state: State) -> State:
    """Return what the schema before the last saves, made of a state of the last."""
    values = {"volume": state["volume"] // 2, "gain": state["ratio"], "mode": state["mode"], "name": state["name"]}
    values |= {f"tap {at}": tap for at, tap in enumerate(state["taps"])}
    for at, lane in enumerate(state["lanes"]):
        values |= {f"sum {at}": lane["total"], f"twin {at}": lane["twin"], f"weight {at}": lane["weight"]}
    return values


def saved(version: Version, state: State) -> State:
    """Return the values under keys, as walk.c puts them."""
    values = {version.level: state[version.level], **{key: state[key] for key in ("gain", "mode", "name")}}
    values |= {f"tap {at}": tap for at, tap in enumerate(state["taps"])}
    for at, lane in enumerate(state["lanes"]):
        values |= {f"sum {at}": lane[version.lane_sum], f"twin {at}": lane["twin"], f"weight {at}": lane["weight"]}
    return values | ({"extra": state["extra"]} if "extra" in state else {})


def restored(version: Version, schema: int, values: State) -> State | None:
    """Return what walk.c makes of them; None: one has no place."""
    fields = dict(version.kind[2])
    state = fresh(version)
    level = values["level" if schema == 1 else "volume"]
    if schema < version.schema:
        level *= 10
    elif schema > version.schema:
        level = (abs(level) // 10) * (1 if level >= 0 else -1)
    taps = [values.get(f"tap {at}", 0) for at in range(fields["taps"][2])]
    name, room = values["name"], fields["name"][2]
    fits = _is_within(fields[version.level], level) and all(_is_within(fields["taps"][1], one) for one in taps)
    if not fits or (len(name) > room and 0 not in name[:room]):
        return None
    state |= {version.level: level, "taps": taps, "name": name[:room] + [0] * (room - len(name))}
    state |= {key: values[key] for key in ("gain", "mode")}
    state |= {"extra": values.get("extra", state["extra"])} if "extra" in state else {}
    for at, lane in enumerate(state["lanes"]):
        lane |= {version.lane_sum: values.get(f"sum {at}", 0), "twin": values.get(f"twin {at}", 0)}
        lane["weight"] = values.get(f"weight {at}", lane["weight"])
    return state


def _is_within(kind: str, value: int) -> bool:
    low, high = LIMITS[kind]
    return bool(low <= value <= high)


def masked(version: Version, state: State) -> State:
    """Return a state with zeros where callers write."""
    lanes = [lane | {version.lane_sum: 0, "twin": 0} for lane in state["lanes"][:CALLERS]]
    return state | {"lanes": [*lanes, *state["lanes"][CALLERS:]]}
