"""The image reader against pyelftools, on the shared libraries of this machine.

pyelftools shares no code with it and reads through section headers where the reader goes through PT_DYNAMIC,
so an error would have to be made twice.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerDefSection, GNUVerNeedSection, GNUVerSymSection
from elftools.elf.sections import NoteSection, Symbol, SymbolTableSection
from image_programs import build_reader
from one_at_a_time import one_at_a_time

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDERS = ("/usr/lib", "/usr/local/lib", "/opt", str(Path.home()), "/lib")
SAMPLE = 30
SHARES = 4  # of all libraries, each a test: one worker alone would be at it for minutes
OWN_BUILDS = Path(__file__).parents[2] / "build"  # where other tests make and remove libraries meanwhile
BYTES_MAX_SAMPLED = 1 << 20
MACHINES = {"EM_X86_64": 62, "EM_386": 3, "EM_AARCH64": 183, "EM_ARM": 40}
TYPES = {"ET_REL": 0, "ET_EXEC": 1, "ET_DYN": 2, "ET_CORE": 3}
KINDS = {
    "STT_NOTYPE": "none",
    "STT_OBJECT": "object",
    "STT_FUNC": "function",
    "STT_TLS": "tls",
    "STT_LOOS": "ifunc",
}
STATIC_TLS = 0x10
TEXTREL = 0x4
NODELETE = 0x8
SHN_SPELLED_UNDEF = "SHN_UNDEF"
STB_GNU_UNIQUE = "STB_LOOS"  # 10, by both names


@pytest.fixture(scope="module")
def reader() -> Path:
    return build_reader()


def find_libraries(places: tuple[str, ...] = FOLDERS) -> list[str]:
    """Return every ELF file below that is called like a shared library, each once, in a stable order."""
    found: dict[tuple[int, int], str] = {}
    for folder in places:
        for top, folders, names in os.walk(folder):
            folders[:] = [one for one in folders if Path(top, one) != OWN_BUILDS]
            for name in names:
                path = Path(top) / name
                if (name.endswith(".so") or ".so." in name) and not path.is_symlink() and is_elf(path):
                    stat = path.stat()
                    found.setdefault((stat.st_dev, stat.st_ino), str(path))
    return sorted(found.values())


def is_elf(path: Path) -> bool:
    """Whether the file begins as ELF does; linker scripts and caches are named like libraries too."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def latin(text: str | None) -> str:
    """Bytes as the reader prints them, from a string as pyelftools decodes it."""
    return (text or "").encode("utf-8", "surrogateescape").decode("latin-1")


def kind_of(symbol: Symbol) -> str:
    return KINDS.get(symbol["st_info"]["type"], "other")


class Versions:
    """Names of version indices, from .gnu.version_d and .gnu.version_r."""

    def __init__(self, elf: ELFFile) -> None:
        self.names: dict[int, tuple[str, str]] = {}
        self.definitions: list[str] = []
        self.needs: list[list[Any]] = []
        self.table: GNUVerSymSection | None = None
        for section in elf.iter_sections():
            if isinstance(section, GNUVerDefSection):
                self._read_definitions(section)
            elif isinstance(section, GNUVerNeedSection):
                self._read_needs(section)
            elif isinstance(section, GNUVerSymSection):
                self.table = section

    def _read_definitions(self, section: GNUVerDefSection) -> None:
        for definition, names in section.iter_versions():
            name = latin(next(iter(names)).name)
            is_base = definition["vd_flags"] & 1
            self.names[definition["vd_ndx"]] = ("" if is_base else name, "")
            if not is_base:
                self.definitions.append(name)

    def _read_needs(self, section: GNUVerNeedSection) -> None:
        for file, names in section.iter_versions():
            for version in names:
                name, of = latin(version.name), latin(file.name)
                self.names[version["vna_other"] & 0x7FFF] = (name, of)
                self.needs.append([of, name, int(bool(version["vna_flags"] & 2))])

    def of(self, index: int) -> tuple[str, str, bool]:
        """Name, file and whether it is the default, of symbol `index`."""
        if self.table is None:
            return "", "", True
        raw = self.table.get_symbol(index)["ndx"]
        if isinstance(raw, str):  # VER_NDX_LOCAL, VER_NDX_GLOBAL
            return "", "", True
        name, file = self.names[raw & 0x7FFF] if raw & 0x7FFF > 1 else ("", "")
        return name, file, not raw & 0x8000


def read_symbols(elf: ELFFile, versions: Versions) -> tuple[list[list[Any]], list[list[Any]]]:
    """Return exported and imported symbols, in the form the reader prints them."""
    table = elf.get_section_by_name(".dynsym")
    exported: list[list[Any]] = []
    imported: list[list[Any]] = []
    if not isinstance(table, SymbolTableSection):
        return exported, imported
    for index, symbol in enumerate(table.iter_symbols()):
        if index == 0:
            continue
        binding = symbol["st_info"]["bind"]
        version, file, is_default = versions.of(index)
        row = [
            latin(symbol.name), version, file, kind_of(symbol), symbol["st_value"], symbol["st_size"],
            int(binding == "STB_WEAK"), int(binding == STB_GNU_UNIQUE), int(is_default),
        ]  # fmt: skip
        if symbol["st_shndx"] == SHN_SPELLED_UNDEF:
            imported.append(row)
        elif binding != "STB_LOCAL" and symbol["st_other"]["visibility"] in ("STV_DEFAULT", "STV_PROTECTED"):
            exported.append(row)
    return exported, imported


def read_dynamic(elf: ELFFile) -> dict[str, Any]:
    """Return the facts of the dynamic section."""
    facts: dict[str, Any] = {"soname": "", "rpath": "", "runpath": "", "needed": []}
    flags = Counter[str]()
    section = elf.get_section_by_name(".dynamic")
    tags = section.iter_tags() if isinstance(section, DynamicSection) else ()
    for tag in tags:
        name = tag.entry.d_tag
        if name == "DT_NEEDED":
            facts["needed"].append(latin(getattr(tag, "needed")))  # noqa: B009 - mypy knows no attribute that is made at run time
        elif name in ("DT_SONAME", "DT_RPATH", "DT_RUNPATH"):
            key = name[3:].lower()
            facts[key] = latin(getattr(tag, key))
        elif name in ("DT_FLAGS", "DT_FLAGS_1", "DT_TEXTREL"):
            flags[name] = tag.entry.d_val if name != "DT_TEXTREL" else 1
    facts["nodelete"] = bool(flags["DT_FLAGS_1"] & NODELETE)
    facts["textrel"] = bool(flags["DT_TEXTREL"] or flags["DT_FLAGS"] & TEXTREL)
    facts["has_static_tls_flag"] = bool(flags["DT_FLAGS"] & STATIC_TLS)
    return facts


def read_segments(elf: ELFFile) -> dict[str, Any]:
    """Return the facts of the program headers."""
    facts: dict[str, Any] = {
        "segments": [],
        "tls_bytes": 0,
        "tls_align": 0,
        "execstack": True,
        "interpreter": False,
    }
    facts["writable_code"] = False
    for segment in elf.iter_segments():
        header = segment.header
        kind = header["p_type"]
        if kind == "PT_LOAD":
            facts["segments"].append([header[f"p_{key}"] for key in ("vaddr", "offset", "filesz", "memsz")])
            facts["writable_code"] |= header["p_flags"] & 3 == 3
        elif kind == "PT_TLS" and header["p_memsz"]:
            facts["tls_bytes"], facts["tls_align"] = header["p_memsz"], header["p_align"]
        elif kind == "PT_GNU_STACK":
            facts["execstack"] = bool(header["p_flags"] & 1)
        elif kind == "PT_INTERP":
            facts["interpreter"] = True
    return facts


def read_build_id(elf: ELFFile) -> str:
    for section in elf.iter_sections():
        if isinstance(section, NoteSection) and section.header["sh_flags"] & 2:
            for note in section.iter_notes():
                if note["n_type"] == "NT_GNU_BUILD_ID":
                    return bytes.fromhex(note["n_desc"]).decode("latin-1")
    return ""


def read_with_pyelftools(path: str) -> dict[str, Any]:
    """Return what pyelftools finds, in the reader's words."""
    with Path(path).open("rb") as file:
        elf = ELFFile(file)
        facts: dict[str, Any] = {
            "machine": MACHINES.get(elf.header["e_machine"], elf.header["e_machine"]),
            "class": elf.elfclass,
            "little_endian": elf.little_endian,
            "type": TYPES[elf.header["e_type"]],
        }
        facts["fully_read"] = list(facts.values()) == [62, 64, True, 2]
        if not facts["fully_read"] or elf.num_sections() == 0:
            return facts
        versions = Versions(elf)
        facts["exported"], facts["imported"] = read_symbols(elf, versions)
        facts["version_definitions"], facts["version_needs"] = versions.definitions, versions.needs
        facts["gnu_unique"] = sum(row[7] for row in facts["exported"])
        facts["build_id"] = read_build_id(elf)
        return facts | read_dynamic(elf) | read_segments(elf)


def read_with_reader(program: Path, paths: list[str]) -> Iterator[dict[str, Any]]:
    """Yield what the reader finds in each image; one at a time, because symbol lists are long."""
    with subprocess.Popen([str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for path in paths:
            print(path, file=process.stdin, flush=True)
            yield json.loads(process.stdout.readline())
        process.stdin.close()


def differences(found: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    """Say how the reader's facts differ from those of pyelftools."""
    if found["code"] != 0:
        return [f"refused: {found['message']}"]
    if expected.pop("has_static_tls_flag", False) and not found["static_tls"]:
        return ["static TLS was not seen"]
    return [
        f"{key}: {str(found.get(key))[:200]}, pyelftools says {str(value)[:200]}"
        for key, value in expected.items()
        if found.get(key) != value
    ]


def compare(reader: Path, paths: list[str]) -> None:
    """Fail with every difference on every path."""
    wrong = []
    for path, found in zip(paths, read_with_reader(reader, paths), strict=True):
        wrong += [f"{path}: {text}" for text in differences(found, read_with_pyelftools(path))]
    print(f"\ncompared {len(paths)} libraries")
    assert not wrong, "\n".join(wrong)


def test_reader_agrees_with_pyelftools_on_a_sample(reader: Path) -> None:
    """A wrong fact refuses a good plugin or lets a bad one in."""
    small = [
        path
        for path in find_libraries(("/usr/lib/x86_64-linux-gnu",))
        if Path(path).stat().st_size <= BYTES_MAX_SAMPLED
    ]
    assert len(small) > SAMPLE // 2
    compare(reader, random.Random(2).sample(small, min(SAMPLE, len(small))))


@pytest.fixture(scope="module")
def libraries(run_folder: Path) -> list[str]:
    """Every library of the machine, looked for once for all workers: each share must be of the same list."""
    listed = run_folder / "libraries.json"
    with one_at_a_time(listed):
        if not listed.exists():
            listed.write_text(json.dumps(sorted(find_libraries(), key=lambda path: Path(path).stat().st_size)))
    found: list[str] = json.loads(listed.read_text())
    return found


@pytest.mark.full
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("share", range(SHARES))
def test_reader_agrees_with_pyelftools_on_every_library_of_the_machine(
    reader: Path, libraries: list[str], share: int
) -> None:
    """Every linker, stripper and patcher that made them must be understood."""
    compare(reader, libraries[share::SHARES])  # from the smallest to the largest: the shares cost about the same
