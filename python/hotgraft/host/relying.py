"""The program says what it uses of a plugin: in the plugin's turn, so that no swap goes on meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hotgraft.core.errors import ContractError
from hotgraft.core.features import lacking
from hotgraft.host.report import report_of

if TYPE_CHECKING:
    from hotgraft.host.loaded import Loaded
    from hotgraft.host.report import SwapReport

__all__ = ["features_everywhere", "rely_on"]


def features_everywhere(loaded: Loaded) -> frozenset[str]:
    """Return the features that stay if a probation ends with a rollback: of what serves, and of what is held."""
    serving = frozenset(loaded.serving.side.features)
    return serving if loaded.held is None else serving.intersection(loaded.held.candidate.side.features)


def rely_on(loaded: Loaded, features: frozenset[str], deadline_s: float) -> None:
    """Note what the program uses of it, in place of what it used before.

    Raises:
        ContractError: it lacks one. Busy: its turn did not come within `deadline_s`.
    """

    def work() -> SwapReport:
        missing = lacking(features, features_everywhere(loaded))
        if missing:
            on_probation = " on probation, and less if it is rolled back" if loaded.held is not None else ""
            raise ContractError(
                "rely on its features",
                on=loaded.name,
                found=f"version {loaded.serving.side.version}{on_probation} lacks {missing}",
                advice="load a version that offers them, or ask first which it offers: host[name].features",
                running=f"generation {loaded.serving.generation.number} serves on",
            )
        loaded.relied_on = features
        return report_of(loaded)

    loaded.take_turn(work, deadline_s)
