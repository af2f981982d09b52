"""The text of a JSON document that people edit, read strictly: a key that stands twice in an object is a mistake."""

from __future__ import annotations

import json
from typing import Any

from hotgraft.core.snapshot_error import SnapshotError

__all__ = ["read_snapshot_json"]


def read_snapshot_json(data: bytes, *, on: str) -> Any:
    """Return the value that the text is; numbers as they are written, none rounded.

    Raises:
        SnapshotError: it is no JSON, or an object has a key twice.
    """
    twice: list[str] = []

    def made(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            keys = [key for key, _ in pairs]
            twice.extend(f"the key {key[:64]!r} stands twice in an object" for key in found if keys.count(key) > 1)
        return found

    try:
        value = json.loads(data, object_pairs_hook=made)
    except json.JSONDecodeError as error:
        raise _refused(on, [f"line {error.lineno}, column {error.colno}: {error.msg}"]) from None
    except UnicodeDecodeError:
        found = "it is no text of UTF-8; what a snapshot itself holds, hotgraft state show prints"
        raise _refused(on, [found]) from None
    except RecursionError:
        raise _refused(on, ["its arrays and objects are nested too deep"]) from None
    except ValueError as error:  # an integer of thousands of digits
        raise _refused(on, [str(error)]) from None
    if twice:
        raise _refused(on, twice)
    return value


def _refused(on: str, found: list[str]) -> SnapshotError:
    advice = "mend what is named, or begin with what hotgraft state export writes"
    return SnapshotError("import the state", on=on, found=found, advice=advice, running="nothing was written")
