"""What conversion by name means, written slowly: over plain values and `struct`, a field at a time.

Nothing of hotgraft is imported here, so that a mistake there cannot be made here as well. A type is

    "i32"                                   a number, by name
    ("enum", "i32", (("RED", 0), …))        its constants
    ("array", TYPE, count)
    ("struct", name, ((field, TYPE), …))    laid out as C does it
    ("union", name, ((field, TYPE), …))     its value is its bytes
    ("counted", TYPE, field)                a pointer to as many as the field says; None, or a list
    ("tagged", name, ((arm, TYPE, when), …), field)    a union of which the field says what is alive; {arm: value}

and a value is an int, a float, a list, a dict by field, or bytes. What is counted lies in a block of its own: where C
has a pointer, there is the number of a block here, from 1.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field, replace
from typing import Any

from layout_memory import FORMATS, differences, is_declared, is_number, scalar_of, size_and_align


class NeedsConverterError(Exception):
    """No rule carries this; where."""


@dataclass
class Change:
    """What an author says about the step from one layout to the next, and what happened when it was taken."""

    renamed: dict[tuple[str, str], str] = field(default_factory=dict)  # (struct, new field) → old field
    defaults: dict[tuple[str, str], Any] = field(default_factory=dict)  # (struct, new field) → value
    old_defaults: dict[tuple[str, str], Any] = field(default_factory=dict)
    dropped: set[tuple[str, str]] = field(default_factory=set)  # (struct, old field), whole or "field[4:]"
    refused: list[str] = field(default_factory=list)  # fields whose value has no place, with their indices

    def back(self, old_names: dict[str, str]) -> Change:
        """Return the same for the way back; `old_names`: what a struct is called there, by its name here."""
        renamed = {(old_names[owner], before): name for (owner, name), before in self.renamed.items()}
        return Change(renamed=renamed, defaults=self.old_defaults, old_defaults=self.defaults)


def default(kind: Any, defaults: dict[tuple[str, str], Any]) -> Any:
    """Return what a field holds that nobody has written yet."""
    if isinstance(kind, str):
        return 0.0 if kind[0] == "f" else 0
    if kind[0] == "enum":
        return 0
    if kind[0] == "array":
        return (
            [0.0 if kind[1][0] == "f" else 0] * kind[2]
            if isinstance(kind[1], str)
            else [default(kind[1], defaults) for _ in range(kind[2])]
        )
    if kind[0] == "union":
        return bytes(size_and_align(kind)[0])
    if kind[0] == "counted":
        return None
    if kind[0] == "tagged":
        return {name: default(inner, {}) for name, inner, when in kind[2] if when == 0}  # a union begins as zeros
    return {
        name: defaults[kind[1], name] if (kind[1], name) in defaults else default(inner, defaults)
        for name, inner in kind[2]
    }


# --- what becomes what ---


def convert(old: Any, new: Any, value: Any, change: Change) -> Any:
    """Return the state of the new layout; what has no place in it is noted in `change.refused`.

    Raises:
        NeedsConverterError: no rule carries a field.
    """
    return _convert(old, new, value, change, "", (None, None))


def _convert(old: Any, new: Any, value: Any, change: Change, path: str, owners: tuple[Any, Any]) -> Any:
    if is_number(old) and is_number(new):
        return _number(old, new, value, change, path)
    if isinstance(old, str) or isinstance(new, str) or old[0] != new[0]:
        raise NeedsConverterError(path)
    if old[0] == "array":
        return _array(old, new, value, change, path, owners)
    if old[0] == "union":
        if old[2] != new[2]:
            raise NeedsConverterError(path)
        return value
    if old[0] == "struct":
        return _struct(old, new, value, change, path)
    if old[0] == "counted":
        _convert(old[1], new[1], default(old[1], {}), replace(change, refused=[]), f"{path}[]", (None, None))
        elements = enumerate(value or ())
        made = [_convert(old[1], new[1], one, change, f"{path}[{at}]", (None, None)) for at, one in elements]
        return made if value is not None else None
    if old[0] == "tagged":
        return _tagged(old, new, value, change, path)
    raise NeedsConverterError(path)


def _struct(old: Any, new: Any, value: Any, change: Change, path: str) -> Any:
    there = dict(old[2])
    sources = _sources(old, new, change)
    made = {}
    for name, inner in new[2]:
        if name in sources:
            source = sources[name]
            where = f"{path}.{name}" if path else name
            made[name] = _convert(
                there[source], inner, value[source], change, where, ((old[1], source), (new[1], name))
            )
        else:
            if is_declared(inner) and inner[0] == "counted" and inner[2] in sources:
                raise NeedsConverterError(f"{path}.{name}" if path else name)  # it begins as none, its count does not
            made[name] = default(("struct", new[1], ((name, inner),)), change.defaults)[name]
    return made


def _tagged(old: Any, new: Any, value: Any, change: Change, path: str) -> Any:
    places_of = _arms(old, new, change)
    kinds = {name: inner for name, inner, _ in old[2]}
    for name, inner, _ in new[2]:  # each that may be alive is asked for, whichever is
        if name in places_of.values():
            source = next(one for one, now in places_of.items() if now == name)
            scratch, owners = replace(change, refused=[]), ((old[1], source), (new[1], name))
            _convert(kinds[source], inner, default(kinds[source], {}), scratch, f"{path}.{name}", owners)
    ((alive, inner),) = value.items()
    if alive not in places_of:
        change.refused.append(f"{path.rpartition('.')[0]}.{new[3]}".lstrip("."))
        return default(new, {})
    name = places_of[alive]
    target = next(kind for one, kind, _ in new[2] if one == name)
    owners = ((old[1], alive), (new[1], name))
    return {name: _convert(kinds[alive], target, inner, change, f"{path}.{name}", owners)}


def _arms(old: Any, new: Any, change: Change) -> dict[str, str]:
    """Return what each arm of the old union is called in the new; one that is not there has no place."""
    there = {name for name, _, _ in old[2]}
    found = {}
    for name, _, _ in new[2]:
        before = change.renamed.get((new[1], name), name)
        source = before if before in there else name
        if source in there:
            found[source] = name
    return found


def _sources(old: Any, new: Any, change: Change) -> dict[str, str]:
    """Return which field of the old struct each of the new comes from: first by the name it had, then by its own."""
    there = {name for name, _ in old[2] if (old[1], name) not in change.dropped}
    before = {name: change.renamed.get((new[1], name)) for name, _ in new[2]}
    found = {name: one for name, one in before.items() if one in there}
    taken = {*found.values()}
    return found | {name: name for name, _ in new[2] if name not in found and name in there and name not in taken}


def _array(old: Any, new: Any, value: Any, change: Change, path: str, owners: tuple[Any, Any]) -> Any:
    kept = min(old[2], new[2])
    inner = [
        _convert(old[1], new[1], one, change, f"{path}[{at}]", (None, None)) for at, one in enumerate(value[:kept])
    ]
    if new[2] > kept:
        whole = change.defaults.get(owners[1], default(new, change.defaults))
        return inner + whole[kept:]
    owner, name = owners[0] or ("", "")
    if (owner, f"{name}[{kept}:]") in change.dropped:
        return inner
    if old[1] == new[1] == "i8":
        if old[2] > kept and 0 not in value[:kept]:
            change.refused.append(path)
        return inner
    wanted = change.old_defaults.get(owners[0], default(old, change.old_defaults))
    for at in range(kept, old[2]):
        change.refused += differences(old[1], value[at], wanted[at], f"{path}[{at}]")
    return inner


def _number(old: Any, new: Any, value: Any, change: Change, path: str) -> Any:
    if not isinstance(old, str) and not isinstance(new, str):
        constants = dict(new[2])
        if any(constants.get(name, constant) != constant for name, constant in old[2]):
            raise NeedsConverterError(path)
        if value in {constant for _, constant in old[2]} - {*constants.values()}:
            change.refused.append(path)
    source, target = scalar_of(old), scalar_of(new)
    if source == target:
        return value
    if (source[0] == "f") != (target[0] == "f"):
        raise NeedsConverterError(path)
    low, high = (0, 1) if target == "bool" else (None, None)
    try:
        packed = struct.pack("<" + FORMATS[target], value)
    except (struct.error, OverflowError):
        packed = None
    if packed is None or (low is not None and not low <= value <= high):
        change.refused.append(path)
        return 0
    return struct.unpack("<" + FORMATS[target], packed)[0]


def without_place(old: Any, new: Any, change: Change, path: str = "") -> tuple[set[str], set[str]]:
    """Return the fields of the old layout that have no place in the new, and which of them were given up on purpose.

    Elements of an array are not told apart: ``bands[].gain``. A part of an array that was given up ends with ``[4:]``.
    """
    lost: set[str] = set()
    given_up: set[str] = set()
    if is_number(old) or is_number(new) or old[0] != new[0] or old[0] in ("enum", "union"):
        return lost, given_up
    if old[0] in ("array", "counted"):
        return without_place(old[1], new[1], change, f"{path}[]")
    if old[0] == "tagged":
        kinds = {name: inner for name, inner, _ in new[2]}
        for name, inner, _ in old[2]:
            if (now := _arms(old, new, change).get(name)) is not None:
                more = without_place(inner, kinds[now], change, f"{path}.{now}")
                lost, given_up = lost | more[0], given_up | more[1]
        return lost, given_up
    fields = dict(new[2])
    places_of = {source: name for name, source in _sources(old, new, change).items()}
    for name, inner in old[2]:
        where = f"{path}.{name}" if path else name
        is_dropped = (old[1], name) in change.dropped
        if name not in places_of:
            (given_up if is_dropped else lost).add(where)
            continue
        target = fields[places_of[name]]
        where = f"{path}.{places_of[name]}" if path else places_of[name]
        more_lost, more_given_up = without_place(inner, target, change, where)
        lost |= more_lost
        given_up |= more_given_up
        if not is_number(inner) and inner[0] == "array" and not is_number(target) and target[0] == "array":
            tail = f"[{target[2]}:]"
            given_up |= {where + tail} if inner[2] > target[2] and (old[1], name + tail) in change.dropped else set()
    return lost, given_up


def known_to_both(old: Any, new: Any, value: Any, change: Change) -> Any:
    """Return a value of the old layout as it must come back from the new: what only the old knows is its default."""
    if is_number(old):
        rounds = scalar_of(old) == "f64" and scalar_of(new) == "f32"
        return struct.unpack("<f", struct.pack("<f", value))[0] if rounds else value
    if old[0] == "array":
        kept = min(old[2], new[2])
        rest = default(old, change.old_defaults)[kept:]
        return [known_to_both(old[1], new[1], one, change) for one in value[:kept]] + rest
    if old[0] == "union":
        return value
    if old[0] == "counted":
        return value and [known_to_both(old[1], new[1], one, change) for one in value]
    if old[0] == "tagged":
        ((alive, inner),) = value.items()
        kinds = {name: kind for name, kind, _ in new[2]}
        arm = next(kind for name, kind, _ in old[2] if name == alive)
        return {alive: known_to_both(arm, kinds[_arms(old, new, change)[alive]], inner, change)}
    kinds = dict(new[2])
    after = {source: kinds[name] for name, source in _sources(old, new, change).items()}
    made = default(old, change.old_defaults)
    for name, inner in old[2]:
        if name in after:
            made[name] = known_to_both(inner, after[name], value[name], change)
        elif name in kinds and name not in _sources(old, new, change):  # given up on the way up, and back by its name
            again = default(new, change.defaults)[name]
            made[name] = convert(kinds[name], inner, again, Change(defaults=change.old_defaults))
    return made
