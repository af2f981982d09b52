"""Where the promises were tested: one platform so far, and a clear word everywhere else."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["OLDEST_GLIBC", "PYTHONS", "PlatformFacts", "platform_refusals"]

OLDEST_GLIBC = (2, 31)
PYTHONS = ((3, 11), (3, 12), (3, 13))


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformFacts:
    """What a process runs on."""

    system: str  # "linux"
    machine: str  # "x86_64"
    pointer_bits: int
    libc: str  # "glibc 2.36", or what else it calls itself
    implementation: str  # "cpython"
    python: tuple[int, int]
    has_gil: bool
    is_main_interpreter: bool = True


def platform_refusals(facts: PlatformFacts) -> tuple[str, ...]:
    """Return everything that speaks against running here; empty when nothing does."""
    found: list[str] = []
    if facts.system != "linux":
        found.append(f"the system is {facts.system}, and only linux is supported")
    if facts.machine not in ("x86_64", "AMD64") or facts.pointer_bits != 64:
        found.append(f"the machine is {facts.machine} ({facts.pointer_bits} bits), and only 64-bit x86_64 is supported")
    if facts.system == "linux" and _glibc(facts.libc) < OLDEST_GLIBC:
        found.append(f"the C library is {facts.libc or 'not glibc'}, and glibc from 2.31 on is supported")
    if facts.implementation != "cpython":
        found.append(f"the interpreter is {facts.implementation}, and only cpython is supported")
    if facts.python not in PYTHONS:
        known = ", ".join(f"{major}.{minor}" for major, minor in PYTHONS)
        found.append(f"Python is {facts.python[0]}.{facts.python[1]}, and {known} are supported")
    if not facts.has_gil:
        found.append("this is a free-threaded build of Python, and only builds with the lock are supported")
    if not facts.is_main_interpreter:
        found.append("this is a sub-interpreter, and only the main one is supported")
    return tuple(found)


def _glibc(libc: str) -> tuple[int, int]:
    name, _, version = libc.partition(" ")
    parts = version.split(".")
    if name != "glibc" or len(parts) < 2 or not (parts[0].isdigit() and parts[1].isdigit()):
        return (0, 0)
    return int(parts[0]), int(parts[1])
