"""The debug information of an object file, as plain entries: the one place that names pyelftools."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

from hotgraft.core.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["DebugInfo", "Entry", "prepare", "read_debug"]

_PREFIX: Final = len("DW_TAG_")


class Entry:
    """One entry: its tag (``structure_type``), its attributes, and the entries inside it."""

    __slots__ = ("_die",)

    def __init__(self, die: Any) -> None:
        self._die = die

    @property
    def tag(self) -> str:
        """The tag without its prefix."""
        return str(self._die.tag)[_PREFIX:]

    @property
    def offset(self) -> int:
        """Where it lies: what tells entries apart."""
        return int(self._die.offset)

    @property
    def name(self) -> str:
        """Its name; empty: it has none."""
        attribute = self._die.attributes.get("DW_AT_name")
        return attribute.value.decode("utf-8", "replace") if attribute is not None else ""

    def number(self, name: str) -> int | None:
        """Return an attribute that is a number (``byte_size``); None where it has none, or one known at run time."""
        attribute = self._die.attributes.get(f"DW_AT_{name}")
        return attribute.value if attribute is not None and isinstance(attribute.value, int) else None

    @property
    def type(self) -> Entry | None:
        """The entry of its type; None: void, or none is said."""
        if "DW_AT_type" not in self._die.attributes:
            return None
        return Entry(self._die.get_DIE_from_attribute("DW_AT_type"))

    @property
    def children(self) -> Iterator[Entry]:
        """The entries directly inside it."""
        return (Entry(one) for one in self._die.iter_children())


@dataclass(frozen=True, slots=True)
class DebugInfo:
    """The entries at the top of every unit, in order, and the bytes of the sections that were asked for."""

    entries: tuple[Entry, ...]
    sections: dict[str, bytes]


def prepare() -> None:
    """Import what reads debug information: 40 ms that need not wait for a compiler."""
    import elftools.elf.elffile  # noqa: F401 - imported for later


def read_debug(image: bytes, sections: tuple[str, ...] = ()) -> DebugInfo:
    """Read the debug information of an ELF file; a section that is not there is empty.

    Raises:
        ValueError: the bytes are no ELF file, hold no debug information, or some that cannot be read.
    """
    from elftools.common.exceptions import DWARFError, ELFError  # 50 ms: paid by those who compare headers
    from elftools.elf.elffile import ELFFile

    try:
        elf = ELFFile(io.BytesIO(image))
        if not elf.has_dwarf_info():
            raise ValueError("it holds no debug information")
        units = elf.get_dwarf_info().iter_CUs()
        entries = tuple(Entry(die) for unit in units for die in unit.get_top_DIE().iter_children())
        found = {name: elf.get_section_by_name(name) for name in sections}
        return DebugInfo(entries, {name: one.data() if one is not None else b"" for name, one in found.items()})
    except (ELFError, DWARFError) as error:
        raise ValueError(f"it cannot be read: {error}") from error
