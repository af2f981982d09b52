"""One plugin answers in the slots of another, of which nothing can serve: with its own functions, in tables of its own.

Its drain and its reclaim see those who call that way, because the tables are its generation's. So what is lent is part
of everything that happens to what serves of the provider: each swap and rollback of it publishes there as well, and its
end empties those slots.

Invariants
  (1) A lent slot holds a table of what serves of its provider.
  (2) What is lent changes in the turns of both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotgraft import _core
from hotgraft.core.contract import why_not_in_place_of
from hotgraft.core.dataclass import dataclass
from hotgraft.engine.load import make_tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hotgraft.core.plan import Side
    from hotgraft.host.loaded import Loaded

__all__ = ["Loan", "lend", "lent_tables", "take_back", "why_not"]


@dataclass(frozen=True, slots=True)
class Loan:
    """One slot of another plugin in which an instance of this one answers."""

    borrower: str
    instance: str  # of the provider
    interface: str  # key
    slot: _core.Slot


def why_not(provider: Loaded | None, borrower: Loaded) -> tuple[str, ...]:
    """Return every reason why `provider` cannot answer for `borrower`; empty when it can."""
    if provider is None:
        return ("it is not loaded",)
    if provider is borrower:
        return ("it is the plugin itself",)
    if provider.borrows_from is not None:
        return (f"{provider.borrows_from.name} answers for it",)
    return why_not_in_place_of(borrower.serving.side.surface, provider.serving.side.surface)


def lend(provider: Loaded, borrower: Loaded, deadline_s: float) -> None:
    """Let the first instance of `provider` answer in every slot of `borrower`, by whoever has both turns.

    Raises:
        PluginError, PluginAbandoned: the provider's own get_interface; nothing was published.
    """
    serving, instance = provider.serving, next(iter(provider.instances.values()))
    attempt = _core.Attempt.of(serving.generation)
    keys = {one.key for one in borrower.serving.side.interfaces}
    tables = [
        table
        for own in borrower.instances.values()
        for table in make_tables(
            attempt,
            serving.side,
            instance.index,
            {key: own.slots[key] for key in keys},
            deadline_s=deadline_s,
        )
    ]
    for table in tables:
        table.slot.publish(table)
    loans = [
        Loan(borrower.name, instance.name, key, one.slots[key]) for one in borrower.instances.values() for key in keys
    ]
    provider.lent = (*(one for one in provider.lent if one.borrower != borrower.name), *loans)
    borrower.borrows_from = provider


def take_back(borrower: Loaded) -> None:
    """The borrower's slots are its own again, by whoever has both turns; what they hold is the caller's to publish."""
    provider, borrower.borrows_from = borrower.borrows_from, None
    if provider is not None:
        provider.lent = tuple(one for one in provider.lent if one.borrower != borrower.name)


def lent_tables(
    attempt: _core.Attempt, lent: Iterable[Loan], indexes: Mapping[str, int], side: Side, *, deadline_s: float
) -> list[_core.Table]:
    """Return new tables for every slot that is lent and whose interface `side` has.

    Args:
        attempt: of the generation that is to serve.
        lent: by the provider.
        indexes: of its instances in that generation, by name.
        side: what that generation offers.
        deadline_s: for each of its own functions.
    """
    return [
        table
        for loan in lent
        for table in make_tables(
            attempt, side, indexes[loan.instance], {loan.interface: loan.slot}, deadline_s=deadline_s
        )
    ]
