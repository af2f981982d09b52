"""The faulty images of FAULTS.md that a host refuses, each with how to make it and what must be said about it."""

from __future__ import annotations

import io
import subprocess
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from hotgraft import ContractError, HotgraftError, ImageError, LoadError, ManifestError, Outcome, PluginError
from sample_plugins import PLAIN, SOURCES, Workshop

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Maker = Callable[[Workshop, Path], Path]


@dataclass(frozen=True, slots=True)
class Fault:
    """One faulty image: its code in FAULTS.md, how it is made, and what the refusal says."""

    code: str
    name: str
    make: Maker
    error: type[HotgraftError]
    words: tuple[str, ...]
    outcome: Outcome = Outcome.REFUSED

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


def plugin(source: str, *flags: str) -> Maker:
    """The faulty plugin `tests/plugins/<source>.c`."""
    assert (SOURCES / f"{source}.c").exists(), source
    return lambda build, _: build(replace(PLAIN, source=source, flags=flags))


def bytes_of(change: Callable[[bytearray, ELFFile], None]) -> Maker:
    """A sound plugin with some of its bytes changed."""

    def make(build: Workshop, folder: Path) -> Path:
        data = bytearray(build(PLAIN).read_bytes())
        change(data, ELFFile(io.BytesIO(bytes(data))))
        path = folder / "changed.so"
        path.write_bytes(data)
        return path

    return make


def put(data: bytearray, at: int, value: int, size: int) -> None:
    """Write a little-endian number."""
    data[at : at + size] = value.to_bytes(size, "little")


def header(at: int, value: int, size: int) -> Maker:
    """A sound plugin with another number in its ELF header."""
    return bytes_of(lambda data, _: put(data, at, value, size))


def place_of(elf: ELFFile, name: str) -> int:
    """Return where a section begins in the file."""
    found = elf.get_section_by_name(name)
    assert found is not None, name
    return int(found["sh_offset"])


def section(name: str, at: int, value: int, size: int) -> Maker:
    """A sound plugin with another number at byte `at` of a section."""
    return bytes_of(lambda data, elf: put(data, place_of(elf, name) + at, value, size))


def first_segment(data: bytearray, elf: ELFFile) -> None:
    """The first segment claims more bytes than there are."""
    index = next(i for i, one in enumerate(elf.iter_segments()) if one["p_type"] == "PT_LOAD")
    put(data, elf["e_phoff"] + index * elf["e_phentsize"] + 32, 1 << 40, 8)


def dynamic(tag: str) -> Maker:
    """An entry of the dynamic section leads out of the image."""

    def change(data: bytearray, elf: ELFFile) -> None:
        table = elf.get_section_by_name(".dynamic")
        assert isinstance(table, DynamicSection)
        index = next(i for i, one in enumerate(table.iter_tags()) if one.entry.d_tag == tag)
        put(data, place_of(elf, ".dynamic") + index * 16 + 8, 1 << 40, 8)

    return bytes_of(change)


def compiled(*flags: str) -> Maker:
    """What the compiler makes of a program: an object, an executable."""

    def make(_: Workshop, folder: Path) -> Path:
        (folder / "m.c").write_text("int main(void) { return 0; }")
        subprocess.run(["cc", *flags, "-o", folder / "m.so", folder / "m.c"], check=True)
        return folder / "m.so"

    return make


def needs_helper(first: str | None, then: str | None) -> Maker:
    """Built against a helper that defines version `first`; then the helper is built with version `then`, or deleted."""

    def make(build: Workshop, folder: Path) -> Path:
        (folder / "helper.c").write_text("int helper(void) { return 0; }")
        helper = folder / "libhelper.so"

        def make_helper(version: str | None) -> None:
            command: list[Any] = ["cc", "-shared", "-fPIC", "-nostdlib", "-Wl,-soname,libhelper.so", "-o", helper]
            if version:
                (folder / "v.map").write_text(f"{version} {{global: *;}};")
                command.append(f"-Wl,--version-script={folder / 'v.map'}")
            subprocess.run([*command, folder / "helper.c"], check=True)

        make_helper(first)
        image = build(replace(PLAIN, source="needs_helper", flags=(str(helper), f"-Wl,-rpath,{folder}")))
        helper.unlink()
        if then is not None:
            make_helper(then or None)
        return image

    return make


def no_image(_: Workshop, folder: Path) -> Path:
    """A text file."""
    path = folder / "text.so"
    path.write_bytes(b"this is a text, not an image\n" * 100)
    return path


FAILED = Outcome.FAILED
FAULTS = (
    Fault("E01", "not_elf", no_image, ImageError, ("not an ELF image",)),
    Fault("E02", "class_32", header(4, 1, 1), ImageError, ("32-bit",)),
    Fault("E02", "big_endian", header(5, 2, 1), ImageError, ("big-endian",)),
    Fault("E02", "other_machine", header(18, 183, 2), ImageError, ("AArch64", "x86-64")),
    Fault("E03", "object", compiled("-c"), ImageError, ("relocatable object",)),
    Fault("E03", "executable", compiled("-no-pie"), ImageError, ("an executable",)),
    Fault("E03", "pie", compiled("-pie", "-fPIE"), ImageError, ("position-independent executable",)),
    Fault("E04", "header", header(54, 0, 2), ImageError, ("ELF header", "program headers")),
    Fault("E05", "segment", bytes_of(first_segment), ImageError, ("segment", "of a file of")),
    Fault("E06", "string_table", dynamic("DT_STRTAB"), ImageError, ("string table",)),
    Fault("E07", "relocation", section(".rela.dyn", 0, 1 << 40, 8), ImageError, ("relocations", "target")),
    Fault("E08", "hash_table", section(".gnu.hash", 0, 0, 4), ImageError, ("no buckets",)),
    Fault("E08", "symbol", section(".dynsym", 24, 1 << 30, 4), ImageError, ("name at byte",)),
    Fault("E09", "needed_gone", needs_helper(None, None), ImageError, ("libhelper.so is needed", "it is not in")),
    Fault("E10", "version_too_new", needs_helper("V_2", "V_1"), ImageError, ("V_2 is needed", "V_1")),
    Fault("E11", "unversioned", needs_helper("V_1", ""), ImageError, ("V_1 is needed from libhelper.so",)),
    Fault("E12", "symbol_missing", plugin("symbol_missing"), ImageError, ("nobody_defines_this",)),
    Fault("C01", "entry_missing", plugin("entry_missing"), ImageError, ("hotgraft_plugin_v1",)),
    Fault("C02", "entry_is_data", plugin("entry_is_data"), ImageError, ("hotgraft_plugin_v1", "is not a function")),
    Fault("C03", "table_size_lies", plugin("table_size_lies"), LoadError, ("struct_size lies",), FAILED),
    Fault("C03", "table_too_small", plugin("table_too_small"), LoadError, ("struct_size is 16",), FAILED),
    Fault("C03", "table_on_heap", plugin("table_on_heap"), LoadError, ("does not lie in the plugin",), FAILED),
    Fault(
        "C03", "pointers_lie", plugin("pointers_lie"), LoadError, ("create points outside", "destroy points"), FAILED
    ),
    Fault("C03", "imports_lie", plugin("imports_lie"), LoadError, ("imports do not lie",), FAILED),
    Fault("C03", "imports_const", plugin("imports_const"), LoadError, ("imports are const",), FAILED),
    Fault("C03", "interface_size_lies", plugin("interface_size_lies"), ContractError, ("16777216",), FAILED),
    Fault(
        "C04",
        "abi_major_newer",
        plugin("abi_major_newer"),
        ImageError,
        ("built for plugin ABI 2", "offers plugin ABI 1"),
    ),
    Fault("C04", "abi_minor_newer", plugin("abi_minor_newer"), LoadError, ("built for ABI 1.2", "offers 1.1"), FAILED),
    Fault(
        "C04",
        "abi_minor_needed",
        lambda build, _: build(replace(PLAIN, source="constructor_aborts", abi=(1, 2))),
        ManifestError,
        ("built for ABI 1.2", "offers ABI 1.1"),
    ),
    Fault("C04", "entry_answers_null", plugin("entry_answers_null"), LoadError, ("answered NULL",), FAILED),
    Fault("C05", "required_null", plugin("required_null"), LoadError, ("create is NULL", "destroy is NULL"), FAILED),
    Fault("C05", "interface_null", plugin("interface_null"), ContractError, ("byte 16 is NULL",), FAILED),
    Fault("C05", "state_half", plugin("state_half"), LoadError, ("save and restore are offered together",), FAILED),
    Fault("C06", "descriptor_missing", plugin("descriptor_missing"), ImageError, ("hotgraft bind",)),
    Fault(
        "C06", "descriptor_differs", plugin("descriptor_differs"), LoadError, ("descriptor is not the note",), FAILED
    ),
    Fault(
        "C06",
        "descriptor_changed_at_load",
        plugin("descriptor_changed_at_load"),
        LoadError,
        ("descriptor in memory differs",),
        FAILED,
    ),
    Fault("I07", "create_fails", plugin("create_fails"), PluginError, ("no such table: gains", "zlib"), FAILED),
    Fault("I08", "create_gives_nothing", plugin("create_gives_nothing"), PluginError, ("no instance",), FAILED),
    Fault("I09", "create_fails_half", plugin("create_fails_half"), PluginError, ("half done",), FAILED),
)
