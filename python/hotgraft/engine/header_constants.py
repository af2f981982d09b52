"""The constants that headers offer: macros without arguments and enumerators, by value, as canonical text.

Equal values get equal texts, however they are spelled: ``0x10``, ``(1 << 4)`` and a macro or enumerator that is 16 are
all ``16``. A macro whose value is not certain is kept as its tokens, with a space between each two.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Final

from hotgraft.core.manifest_checks import TEXT_LIMIT
from hotgraft.engine.header_literals import Integer, NoValueError, Real
from hotgraft.engine.header_numbers import evaluate, tokens_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hotgraft.engine.header_literals import Value

__all__ = ["constants_of", "value_text"]

FIRST_SURROGATE: Final = 0xDC00  # where Python puts a byte that is no UTF-8 (PEP 383)


def constants_of(definitions: Mapping[str, str], enumerators: Mapping[str, int]) -> dict[str, str]:
    """Return every macro of `definitions` that is not the name of an enumerator too, and the enumerators."""
    found = {name: str(value) for name, value in enumerators.items()}
    for name, body in definitions.items():
        if name in enumerators:
            continue  # #define A A, beside an enumerator
        tokens = tokens_of(body)
        try:
            text = value_text(evaluate(tokens, definitions, enumerators))
        except NoValueError:
            text = " ".join(tokens)
        text = _printable(text)
        found[name] = text if len(text) <= TEXT_LIMIT else f"sha256 {hashlib.sha256(text.encode()).hexdigest()}"
    return found


def value_text(value: Value) -> str:
    """Return a value's canonical text: ``16``, ``0.5``, ``"text"`` with other bytes as ``\\x80``."""
    if isinstance(value, Integer):
        return str(value.value)
    if isinstance(value, Real):
        return repr(value.value)
    return _printable(json.dumps(value.decode("utf-8", "surrogateescape"), ensure_ascii=False))


def _printable(text: str) -> str:
    """Write what a terminal could not show, or would obey, as an escape."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else _escaped(ord(one)) for one in text)


def _escaped(code: int) -> str:
    if FIRST_SURROGATE <= code < FIRST_SURROGATE + 256:
        return f"\\x{code - FIRST_SURROGATE:02x}"
    return f"\\u{code:04x}" if code < 1 << 16 else f"\\U{code:08x}"
