"""Values of a state as JSON has them, and back, with nothing lost on the way.

JSON has no word for bytes, for what is no finite number, and for keys that are no text. Those are objects of one key
that begins with a dollar sign:

    {"$bytes": "AP8="}              base64
    {"$float": "nan"}               also "inf" and "-inf"; a nan that is not the usual one is its bits, "0x7ff8…"
    {"$map": [[1, "one"], …]}       a map with keys that are no text, or that begin with a dollar sign
"""

from __future__ import annotations

import base64
import binascii
import math
import struct
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["from_json", "to_json"]

_NAN: Final = struct.pack("<d", math.nan)
_WORDS: Final = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def to_json(value: Any) -> Any:
    """Return a value as `json` can write it."""
    if isinstance(value, dict):
        if all(isinstance(key, str) and not key.startswith("$") for key in value):
            return {key: to_json(one) for key, one in value.items()}
        return {"$map": [[to_json(key), to_json(one)] for key, one in value.items()]}
    if isinstance(value, list | tuple):
        return [to_json(one) for one in value]
    if isinstance(value, bytes | bytearray | memoryview):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, float) and not math.isfinite(value):
        return {"$float": _word(value)}
    return value


def from_json(value: Any, path: str, reasons: list[str]) -> Any:
    """Return the value that JSON stands for; what cannot be read is a reason, with its path, and None in its place."""
    if isinstance(value, list):
        return [from_json(one, f"{path}[{index}]", reasons) for index, one in enumerate(value)]
    if not isinstance(value, dict):
        return value
    tags = [key for key in value if key.startswith("$")]
    if not tags:
        return {key: from_json(one, f"{path}.{key}", reasons) for key, one in value.items()}
    if len(value) == 1 and tags[0] in _READERS:
        try:
            return _READERS[tags[0]](value[tags[0]], path, reasons)
        except (ValueError, TypeError, KeyError) as error:
            reasons.append(f"{path}: {error}")
            return None
    reasons.append(f"{path}: {', '.join(tags)} is none of {', '.join(_READERS)}, alone in its object")
    return None


def _word(value: float) -> str:
    data = struct.pack("<d", value)
    if math.isnan(value):
        return "nan" if data == _NAN else f"0x{int.from_bytes(data, 'little'):016x}"
    return "inf" if value > 0 else "-inf"


def _read_bytes(text: Any, _: str, __: list[str]) -> bytes:
    if not isinstance(text, str):
        raise ValueError(f"$bytes is base64 as text, not {text!r:.40}")
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(f"$bytes is no base64: {error}") from None


def _read_float(text: Any, _: str, __: list[str]) -> float:
    if isinstance(text, str) and text in _WORDS:
        return _WORDS[text]
    if isinstance(text, str) and text.startswith("0x") and len(text) == 18:  # 16 digits
        number: float = struct.unpack("<d", int(text, 16).to_bytes(8, "little"))[0]
        return number
    raise ValueError(f"$float is nan, inf, -inf or 64 bits as 0x…, not {text!r:.40}")


def _read_map(pairs: Any, path: str, reasons: list[str]) -> dict[Any, Any]:
    if not isinstance(pairs, list) or any(not isinstance(one, list) or len(one) != 2 for one in pairs):
        raise ValueError("$map is a list of pairs: key and value")
    found: dict[Any, Any] = {}
    for key, one in pairs:
        if not isinstance(key, str | int) or isinstance(key, bool) or key in found:
            raise ValueError(f"$map: {key!r:.40} is no key, or stands twice")
        found[key] = from_json(one, f"{path}[{key!r}]", reasons)
    return found


_READERS: Final[Mapping[str, Any]] = {"$bytes": _read_bytes, "$float": _read_float, "$map": _read_map}
