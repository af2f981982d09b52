"""A class made as a struct is used like the standard dataclass of the same annotations."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from dataclasses import field
from typing import Any, ClassVar

import msgspec
import pytest
from hotgraft.core import dataclass as ours
from hotgraft.core.draining import DrainRules
from hotgraft.core.plan import Plan

Decorator = Callable[..., Callable[[type], type]]
OURS: Any = ours.dataclass
MADE: dict[str, Decorator] = {"standard": dataclasses.dataclass, "ours": OURS}


def point_of(make: Decorator, **options: bool) -> Any:
    """The same class, made anew by one of them."""

    class Point:
        RANK: ClassVar[int] = 3
        name: str
        at: tuple[int, ...] = ()
        seen: list[str] = field(default_factory=list)

        def first(self) -> int:
            return self.at[0]

    return make(slots=True, **options)(Point)


@pytest.fixture(params=sorted(MADE))
def make(request: pytest.FixtureRequest) -> Decorator:
    """Both decorators: what holds of the one must hold of the other."""
    return MADE[request.param]


def test_values_compare_and_show_themselves_by_their_fields(make: Decorator) -> None:
    """Plans, facts and reports are compared as wholes, and printed where a comparison fails."""
    point = point_of(make, frozen=True)

    assert point("a", (1, 2)) == point("a", at=(1, 2), seen=[])
    assert point("a") != point("b")
    assert point("a") != point_of(make, frozen=True)("a")
    assert repr(point("a")).endswith("Point(name='a', at=(), seen=[])")
    assert point("a", (7,)).first() == 7
    assert point.RANK == 3


def test_a_frozen_value_stays_as_it_is_and_is_a_key(make: Decorator) -> None:
    """It is shared by threads without a lock."""

    class Key:
        name: str
        at: tuple[int, ...] = ()

    key: Any = make(slots=True, frozen=True)(Key)
    with pytest.raises(AttributeError):
        key("a").name = "b"
    with pytest.raises((AttributeError, TypeError)):
        key("a").other = 1
    assert {key("a"): 1}[key("a", ())] == 1


def test_one_that_may_change_is_no_key(make: Decorator) -> None:
    """A dict would lose it."""
    point = point_of(make)("a")
    point.at = (1,)
    assert point.at == (1,)
    with pytest.raises(TypeError, match="unhashable"):
        hash(point)


def test_each_value_has_its_own_of_what_is_made_for_it(make: Decorator) -> None:
    """A list that two values shared would hold what was meant for the other."""
    point = point_of(make)
    point("a").seen.append("x")
    assert point("b").seen == []


def test_arguments_are_taken_as_declared(make: Decorator) -> None:
    """A slip in a call is told where it is made."""
    named = point_of(make, frozen=True, kw_only=True)
    for places, names in ((("a",), {}), ((), {}), ((), {"name": "a", "other": 1})):
        with pytest.raises(TypeError):
            named(*places, **names)


def test_identity_is_kept_where_it_was_asked_for(make: Decorator) -> None:
    """Two open folders are two, whatever they hold."""
    point = point_of(make, eq=False)
    one = point("a")
    assert one != point("a")
    assert {one: 1}[one] == 1


def test_the_standard_functions_work_on_it(make: Decorator) -> None:
    """Code that replaces a field, or writes all of them as JSON, does not care how a class was made."""
    point: Any = point_of(make, frozen=True)
    value = point("a", (1,), ["x"])

    assert dataclasses.replace(value, name="b") == point("b", (1,), ["x"])
    assert dataclasses.asdict(value) == {"name": "a", "at": (1,), "seen": ["x"]}
    assert dataclasses.astuple(value) == ("a", (1,), ["x"])
    assert copy.deepcopy(value) == value
    assert dataclasses.is_dataclass(point)


def test_its_fields_are_the_standard_ones() -> None:
    """Names, types, defaults and what makes them: readers of journals and settings go by these."""
    standard, made = (
        [
            (one.name, one.type, one.default, one.default_factory, one.init, one.repr, one.compare, one.kw_only)
            for one in dataclasses.fields(point_of(make, kw_only=True))
        ]
        for make in MADE.values()
    )
    assert made == standard


def test_what_a_struct_cannot_do_is_the_standard_ones() -> None:
    """Else a cache would take part in a comparison, and an ``__init__`` would never run."""

    class Cached:
        name: str
        cache: int = field(default=0, compare=False, repr=False)

    class Counted:
        count: int

        def __init__(self) -> None:
            self.count = 7

    cached: Any = OURS(slots=True)(Cached)
    assert not issubclass(cached, msgspec.Struct)
    assert cached("a", 1) == cached("a", 2)
    assert OURS(slots=True)(Counted)().count == 7


def test_the_hosts_values_are_structs_and_cross_a_pickle() -> None:
    """The decorator is not left to fall back in silence: a start would take twice as long again."""
    assert issubclass(Plan, msgspec.Struct)
    assert issubclass(DrainRules, msgspec.Struct)
    assert pickle.loads(pickle.dumps(DrainRules())) == DrainRules()
