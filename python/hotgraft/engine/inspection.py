"""What an image's file says, and what stands against loading it in a process like this one. None of its code runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hotgraft import _core
from hotgraft.core.dataclass import dataclass
from hotgraft.core.descriptor import read_descriptor
from hotgraft.core.errors import ImageError, ManifestError
from hotgraft.core.side import side_of
from hotgraft.engine.stage import check_path, printable_path

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hotgraft.core.descriptor import Descriptor

__all__ = ["Finding", "Inspection", "inspect_image"]

# ELF's numbers (gABI, e_machine) for machines that plugins are built for by mistake.
MACHINES: Final = {3: "i386", 40: "ARM", 62: "x86-64", 183: "AArch64", 243: "RISC-V"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that stands against the image, or that will cost something."""

    rule: str  # a stable word: "symbol", "needed-file", "gnu-unique", ...
    sentence: str
    advice: str


@dataclass(frozen=True, slots=True)
class Inspection:
    """What is known of an image from its file."""

    path: str
    facts: Mapping[str, Any]  # as _core.inspect gives them; empty when the file is no readable image
    descriptor: Descriptor | None
    refusals: tuple[Finding, ...]
    warnings: tuple[Finding, ...]

    @property
    def machine(self) -> str:
        """Name of the machine that the image is for."""
        number = self.facts.get("machine", 0)
        return MACHINES.get(number, f"machine {number}")

    @property
    def shown_path(self) -> str:
        """Its path in one line of text, whatever bytes it holds."""
        return printable_path(self.path)

    @property
    def name(self) -> str:
        """Name and version by the descriptor, or a word for none."""
        found = self.descriptor
        return f"{found.name} {found.version}" if found is not None else "no readable descriptor"


def inspect_image(path: Path) -> Inspection:
    """Return what the file at `path` says; a file that is no image is a refusal, not an error.

    What is needed is looked for as this process would: another host may have other libraries loaded.

    Raises:
        LoadError: the file cannot be read.
    """
    shown = str(path)
    try:
        check_path(shown)
        facts = _core.inspect(shown, str(path.absolute().parent))
    except ImageError as error:
        return Inspection(shown, {}, None, tuple(Finding("image", one, error.advice) for one in error.found), ())
    refusals = [_finding(one) for one in facts["findings"] if one["is_refusal"]]
    warnings = [_finding(one) for one in facts["findings"] if not one["is_refusal"]]
    descriptor = None
    if facts["descriptor"] is not None:
        try:
            descriptor = read_descriptor(facts["descriptor"])
            side_of(descriptor)
        except ManifestError as error:
            descriptor = None
            refusals += [Finding("descriptor", one, "run `hotgraft bind` and compile again") for one in error.found]
    return Inspection(shown, facts, descriptor, tuple(refusals), tuple(warnings))


def _finding(one: Mapping[str, Any]) -> Finding:
    return Finding(one["rule"], f"{one['subject']} {one['found']}; {one['needed']}", one["advice"])
