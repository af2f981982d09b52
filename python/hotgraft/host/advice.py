"""What a person can do about each kind of failed change, where the error's own finder had nothing more exact to say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hotgraft.core import errors

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["advice_for"]

ADVICE: Final[Mapping[type[errors.HotgraftError], str]] = {
    errors.ManifestError: "write the descriptor with `hotgraft bind`, then rebuild",
    errors.ImageError: "mend what is named, rebuild the image and try again",
    errors.ContractError: "mend what is named and rebuild; what callers rely on must stay",
    errors.LoadError: "mend what is named, or give the process what it needs, then try again",
    errors.StateError: "offer a way for the state to cross, then rebuild",
    errors.PluginError: "mend what the plugin's own function complains about, then try again",
    errors.PluginAbandoned: "mend the function that does not return; its library stays until the process ends",
    errors.DrainTimeout: "end the calls or pins that are named, or try again with a longer deadline_s",
    errors.SwapTimeout: "try again, or with a longer deadline_s",
    errors.Busy: "wait for what goes on, then try again",
    errors.ResourceError: "free memory, fds or disk, then try again",
}


def advice_for(error: errors.HotgraftError) -> str:
    """Return what to do about `error`: its own advice, else that of its class."""
    return error.advice or ADVICE.get(type(error), "")
