"""The demo: an audio filter is rebuilt and replaced many times while a recording streams through it."""

from typing import Final

# Kinds of sabotage, and what each does to the swap.
SABOTAGES: Final = {
    "lose-state": "the swap skips the state's way across",
    "no-drain": "the swap does not wait for calls that are inside (may die by a signal)",
    "mix": "the new generation's table leads to the functions of the one before",
    "stale-code": "the swap loads the bytes of the build before and says it is done",
}
