"""Whether what a function returned is what its author promised: JSON as text, MessagePack as bytes, by its schema.

For development: each look costs far more than the call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hotgraft.core.config_values import json_complaints
from hotgraft.core.descriptor_shape import read_json
from hotgraft.core.schema_check import schema_complaints
from hotgraft.engine.validating import Spending, TooMuchError, violations_of

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["OUTPUT_LIMIT", "output_violations"]

OUTPUT_LIMIT: Final = 1 << 20  # bytes or characters
OUTPUT_STEPS: Final = 200_000  # about a second


def output_violations(schema: Mapping[str, Any], result: object) -> list[str]:
    """Return how `result` breaks `schema`, each with the JSON Pointer of the value and that of the rule; empty: not.

    What cannot be decoded, and what is too large to be checked, is one. Never raises for what a plugin returned.

    Args:
        schema: of the descriptor.
        result: what a call from Python gave: text holds JSON, bytes or a view of bytes MessagePack.
    """
    if complaints := schema_complaints(schema):
        return [f"its schema is not followed: {one}" for one in complaints]
    try:
        value = _decoded(result)
        if complaints := json_complaints(value):
            return list(complaints)
        return [str(one) for one in violations_of(schema, value, spending=Spending(OUTPUT_STEPS))]
    except (ValueError, TooMuchError) as error:
        return [str(error)]


def _decoded(result: object) -> Any:
    """Return the value that `result` holds; ValueError: it holds none."""
    if result is None:
        raise ValueError("is NULL")
    if not isinstance(result, str | bytes | memoryview):
        raise ValueError(f"is {type(result).__name__}, neither JSON as text nor MessagePack as bytes")
    if len(result) > OUTPUT_LIMIT:
        raise ValueError(f"has {len(result)} bytes; what is checked ends at {OUTPUT_LIMIT}")
    if isinstance(result, str):
        try:
            return read_json(result.encode())
        except (ValueError, RecursionError) as error:
            raise ValueError(f"is no JSON: {error or 'nested too deep'}") from None
    import msgspec

    try:
        return msgspec.msgpack.decode(bytes(result))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise ValueError(f"is no MessagePack: {error}") from None
