"""Converters are offered by a program for a plugin and a step; what is none is refused on the spot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hotgraft import Host

if TYPE_CHECKING:
    from collections.abc import Iterator


def keep(values: dict[str, Any]) -> dict[str, Any]:
    """Answer what it got."""
    return values


def _nothing() -> dict[str, Any]:
    return {}


async def _later(values: dict[str, Any]) -> dict[str, Any]:
    return values


def _bit_by_bit(values: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield values


@pytest.mark.parametrize(
    ("name", "before", "after", "function", "kind", "says"),
    [
        ("counter", 1, 1, dict, ValueError, "to itself"),
        ("counter", 0, 1, dict, ValueError, "a schema lies in"),
        ("counter", 1, True, dict, TypeError, "whole number"),
        ("counter", "1", 2, dict, TypeError, "whole number"),
        ("Counter!", 1, 2, dict, ValueError, "no name of a plugin"),
        (None, 1, 2, dict, TypeError, "a text"),
        ("counter", 1, 2, None, TypeError, "is a function"),
        ("counter", 1, 2, _later, TypeError, "answers later"),
        ("counter", 1, 2, _bit_by_bit, TypeError, "answers later"),
        ("counter", 1, 2, _nothing, TypeError, "cannot be given one dict"),
        ("counter", 1, 2, lambda a, b: {}, TypeError, "cannot be given one dict"),
    ],
)
def test_what_is_no_converter_is_refused_where_it_is_offered(
    name: Any, before: Any, after: Any, function: Any, kind: type[Exception], says: str
) -> None:
    """Not in the middle of a swap."""
    with Host() as host, pytest.raises(kind, match=says):
        host.converter(name, from_schema=before, to_schema=after)(function)


def test_a_converter_is_replaced_and_removed_by_name_only() -> None:
    """Two for one step would be a matter of which came first."""
    with Host() as host:
        host.converter("counter", from_schema=1, to_schema=2)(keep)

        with pytest.raises(ValueError, match=r"counter has a converter 1→2 \(keep, test_host_converters"):
            host.converter("counter", from_schema=1, to_schema=2)(keep)

        host.converter("counter", from_schema=1, to_schema=2, replace=True)(dict)
        assert host.converters("counter") == ("converter 1→2 (dict)",)
        assert host.remove_converter("counter", from_schema=1, to_schema=2)
        assert not host.remove_converter("counter", from_schema=1, to_schema=2)
        assert host.converters("counter") == ()
