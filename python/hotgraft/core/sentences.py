"""What is said of hostile input: text that any terminal can show, and not more of it than a person reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["SENTENCE_LIMIT", "printable", "sentences"]

SENTENCE_LIMIT: Final = 300  # characters of one sentence
SENTENCES_LIMIT: Final = 1400  # of all together
MANY: Final = 100  # readers stop to look for more somewhere above this


def printable(text: str, limit: int = SENTENCE_LIMIT) -> str:
    """Return `text` in at most `limit` characters of one line; what cannot be printed is written as its code.

    A terminal obeys escape sequences, whoever they come from.
    """
    shown = text[:limit]
    if not shown.isprintable():
        shown = "".join(one if one.isprintable() else repr(one)[1:-1] for one in shown)
    return shown if len(text) <= limit and len(shown) <= limit else shown[: limit - 1] + "…"


def sentences(found: Iterable[str]) -> list[str]:
    """Return as many of `found` as a person reads, each printable, and how many more there are."""
    shown: list[str] = []
    left_out = size = 0
    for one in found:
        sentence = printable(one) if size < SENTENCES_LIMIT else ""
        if shown and (not sentence or size + len(sentence) > SENTENCES_LIMIT):
            size, left_out = SENTENCES_LIMIT, left_out + 1
            continue
        shown.append(sentence)
        size += len(sentence)
    return [*shown, f"and {left_out if left_out < MANY else 'many'} more"] if left_out else shown
