"""Saved values as Python has them and as the native core has them: the same values, whichever of both wrote them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
from hotgraft import StateError, _core
from hotgraft.core.saved_values import pack_values, unpack_values
from hypothesis import given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Mapping

TEXT = st.text(max_size=20)  # of no surrogates
NUMBERS = st.integers(-(2**63), 2**63 - 1)
SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | TEXT | st.binary()
INNER = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT | NUMBERS, inner, max_size=4)
)
STATES = st.dictionaries(TEXT.filter(lambda key: 1 <= len(key.encode()) <= 255), INNER, max_size=5)


def ordered(value: Any) -> Any:
    """Keys in their order, and what Python takes for equal kept apart: True and 1, 1.0 and 1, 0.0 and -0.0."""
    if isinstance(value, dict):
        return [(ordered(key), ordered(one)) for key, one in value.items()]
    if isinstance(value, list):
        return list(map(ordered, value))
    return (type(value), math.copysign(1.0, value) if isinstance(value, float) else None, value)


@settings(max_examples=60, deadline=None)
@given(STATES)
def test_what_is_packed_is_a_saved_state_and_comes_back(values: Mapping[str, Any]) -> None:
    """The core writes it in its own form; msgspec, which knows nothing of the core, reads the same from it."""
    taken = _core.check_values(pack_values(dict(values)))
    assert ordered(unpack_values(taken)) == ordered(values)
    assert _core.check_values(taken) == taken


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({7: 1}, "a key at the top is text"),
        ({"": 1}, "1 to 255 bytes"),
        ({"a": {"b": {2**63: 1}}}, "a key that is neither text nor a whole number"),
    ],
)
def test_what_no_saved_state_holds_is_refused_at_its_byte(values: dict[Any, Any], says: str) -> None:
    """An edited state must not get as far as a plugin's restore."""
    with pytest.raises(StateError, match=f"at byte .*{says}"):
        _core.check_values(pack_values(values))


@pytest.mark.parametrize("value", [2**64, -(2**63) - 1])
def test_a_number_beyond_64_bits_is_a_value_error(value: int) -> None:
    """Such numbers come from JSON that somebody wrote by hand."""
    with pytest.raises(ValueError, match=r"."):
        pack_values({"a": value})


def test_what_is_no_value_is_a_type_error_and_no_map_a_value_error() -> None:
    """Of what a converter returned, and of bytes that are something else."""
    with pytest.raises(TypeError, match="object is none of the values"):
        pack_values({"a": object()})
    with pytest.raises(ValueError, match="got list"):
        unpack_values(b"\x90")
