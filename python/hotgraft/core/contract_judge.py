"""The contract's decision: everything that differs between two surfaces, and what that comes to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hotgraft.core.contract_claims import interface_claims, release_claims
from hotgraft.core.contract_facts import Comparison, Fact, strictest_first
from hotgraft.core.contract_interfaces import export_facts, interface_facts, range_facts
from hotgraft.core.contract_outputs import output_facts
from hotgraft.core.contract_promises import promise_facts
from hotgraft.core.contract_records import pair_facts
from hotgraft.core.contract_rules import Verdict, strictest
from hotgraft.core.contract_state import LAYOUT_KINDS, state_facts
from hotgraft.core.contract_types import TypePairs
from hotgraft.core.contract_unused import note_bare_types, unused_facts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hotgraft.core.contract import Consumer
    from hotgraft.core.surface import Surface

__all__ = ["compare"]


def compare(
    old: Surface, new: Surface, consumers: Iterable[Consumer] = (), *, is_same_bytes: bool = False
) -> Comparison:
    """Say what `new` comes to for those who rely on `old`, with every fact.

    Args:
        old, new: what callers could and can rely on, from whatever source, but both from the same kind of it.
        consumers: who is known to rely on `old`; none: nobody is known, so anybody may.
        is_same_bytes: both were read from equal bytes. Only then is the verdict `identical`: equal facts are not equal
            code.

    Threads: any; nothing is kept. A usual descriptor takes well below a millisecond.
    """
    known = tuple(consumers)
    facts = [*range_facts(new, known)]
    if not is_same_bytes:
        facts += _differences(old, new, known) if old is not new else _unseen(old, new)
    listed = strictest_first(_with_consumers(one, known) for one in facts)
    least = Verdict.IDENTICAL if is_same_bytes else Verdict.PATCH
    return Comparison(
        verdict=strictest((one.verdict for one in listed), least=least),
        state_layout_changed=any(one.kind in LAYOUT_KINDS for one in listed),
        facts=listed,
        claims=tuple(interface_claims(old, new, listed)),
        release_claims=tuple(release_claims(old, new, listed)),
    )


def _differences(old: Surface, new: Surface, consumers: tuple[Consumer, ...]) -> Iterator[Fact]:
    pairs = TypePairs(old.types, new.types)
    yield from interface_facts(old, new, pairs)
    yield from export_facts(old, new, pairs)
    note_bare_types(old, new, pairs)
    pairs.settle()
    for pair in pairs.reached:
        yield from pair_facts(pairs, pair)
    yield from unused_facts(old, new, pairs)
    yield from promise_facts(old, new, consumers)
    yield from output_facts(old, new)
    yield from state_facts(old, new)
    yield from _unseen(old, new)


def _unseen(old: Surface, new: Surface) -> Iterator[Fact]:
    """What cannot be seen is never called the same."""
    for sentence in dict.fromkeys((*old.unseen, *new.unseen)):
        before, after = (sentence if sentence in side.unseen else "" for side in (old, new))
        yield Fact(kind="unseen", subject=new.label if after else old.label, before=before, after=after)


def _with_consumers(fact: Fact, consumers: tuple[Consumer, ...]) -> Fact:
    """Add who is bound to the interfaces that a fact concerns."""
    keys = set(fact.interfaces)
    users = tuple(dict.fromkeys(one.plugin for one in consumers if one.interface in keys))
    return replace(fact, consumers=users) if users and not fact.consumers else fact
