"""Damages images the way disks, writers and attackers do: anywhere, or aimed at what the loader reads.

The same seed gives the same mutants. Nothing here knows the image reader.
"""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass

EHDR = struct.Struct("<16sHHIQQQIHHHHHH")
PHDR = struct.Struct("<IIQQQQQQ")
SHDR = struct.Struct("<IIQQQQIIQQ")
SPECIAL = (
    0,
    1,
    7,
    0x7F,
    0xFF,
    0x1000,
    0x7FFF,
    0xFFFF,
    0x7FFFFFFF,
    0xFFFFFFFF,
    1 << 40,
    1 << 63,
    (1 << 64) - 1,
)
# What the loader reads, by section name; the section table itself it never reads.
TABLES = (
    ".dynamic", ".dynsym", ".dynstr", ".gnu.hash", ".hash", ".gnu.version", ".gnu.version_r",
    ".gnu.version_d", ".rela.dyn", ".rela.plt", ".init_array", ".fini_array", ".note.gnu.property",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Region:
    """A stretch of the file that holds one structure."""

    name: str
    offset: int
    size: int


def find_regions(image: bytes) -> tuple[Region, ...]:
    """Return the ELF header, the program headers and each table the loader reads."""
    header = EHDR.unpack_from(image)
    phoff, shoff, phnum, shnum, names = header[5], header[6], header[10], header[12], header[13]
    sections = [SHDR.unpack_from(image, shoff + i * SHDR.size) for i in range(shnum)]
    regions = [Region("ELF header", 0, EHDR.size), Region("program headers", phoff, phnum * PHDR.size)]
    for section in sections:
        start = sections[names][4] + section[0]
        name = image[start : image.index(b"\0", start)].decode()
        if name in TABLES and section[5]:
            regions.append(Region(name, section[4], section[5]))
    return tuple(regions)


def damage_anywhere(image: bytes, *, chance: random.Random) -> tuple[str, bytes]:
    """Return a copy with 1 to 16 bytes overwritten at random, and what was done."""
    mutant = bytearray(image)
    count = chance.randint(1, 16)
    for _ in range(count):
        mutant[chance.randrange(len(mutant))] = chance.randrange(256)
    return f"{count} random bytes", bytes(mutant)


def damage_aimed(image: bytes, *, chance: random.Random) -> tuple[str, bytes]:
    """Return a copy with 1 to 3 words of one structure changed, and what was done."""
    mutant = bytearray(image)
    region = chance.choice(find_regions(image))
    for _ in range(chance.randint(1, 3)):
        width = chance.choice([w for w in (1, 2, 4, 8) if w <= region.size])
        at = region.offset + chance.randrange(region.size // width) * width
        word = int.from_bytes(mutant[at : at + width], "little")
        word = chance.choice(
            (
                word ^ 1 << chance.randrange(width * 8),
                word + chance.choice((-24, -16, -8, -1, 1, 8, 16, 24, 4096)),
                chance.choice(SPECIAL),
                chance.getrandbits(width * 8),
            )
        )
        mutant[at : at + width] = (word % (1 << width * 8)).to_bytes(width, "little")
    return region.name, bytes(mutant)


def make_mutant(image: bytes, *, number: int) -> tuple[str, bytes]:
    """Return mutant `number` of `image`: even numbers are damaged anywhere, odd ones aimed."""
    chance = random.Random(f"hotgraft {number}")
    damage = damage_aimed if number % 2 else damage_anywhere
    return damage(image, chance=chance)
