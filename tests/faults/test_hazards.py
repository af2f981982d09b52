"""Every row of the hazards that an image's file alone can show: what a tool says of it, and what a host does."""

from __future__ import annotations

import io
import shutil
import subprocess
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import pytest
from elftools.elf.elffile import ELFFile
from faulty_images import bytes_of, compiled, header, needs_helper, plugin
from hotgraft import Host, ImageError, LoadError, Outcome
from hotgraft.engine.inspection import inspect_image
from sample_plugins import PLAIN

if TYPE_CHECKING:
    from pathlib import Path

    from faulty_images import Maker
    from sample_plugins import Workshop


@dataclass(frozen=True, slots=True)
class Hazard:
    """One row: what is wrong with the image, how it is made, and what is done about it, under which rule."""

    row: str
    outcome: Literal["refused", "warned", "accepted"]
    rule: str  # accepted: the fact of the hazard, by its name
    make: Maker
    words: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.row


def sound(*flags: str) -> Maker:
    """The plugin without a fault, linked in a way that is one."""
    return plugin("plain", *flags)


def cut_short(data: bytearray, _: ELFFile) -> None:
    """The last third was never written."""
    del data[len(data) * 2 // 3 :]


def zero_tail(data: bytearray, _: ELFFile) -> None:
    """The last third was allocated and never written."""
    third = len(data) // 3
    data[-third:] = bytes(third)


def hole_in_code(data: bytearray, elf: ELFFile) -> None:
    """One sector of the code was never written."""
    code = elf.get_section_by_name(".text")
    assert code is not None
    begin = code["sh_offset"] // 512 * 512
    data[begin : begin + 512] = bytes(512)


def open_runpath(build: Workshop, folder: Path) -> Path:
    """Everybody can put files into the folder that needed files are looked for in."""
    there = folder / "everybodys"
    there.mkdir()
    there.chmod(0o777)
    return sound(f"-Wl,-rpath,{there}")(build, folder)


def origin_helper(build: Workshop, folder: Path) -> Path:
    """What an honest private helper looks like."""
    subprocess.run(
        ["cc", "-shared", "-nostdlib", "-o", folder / "libbeside.so", "-xc", "/dev/null", "-Wl,-soname,libbeside.so"],
        check=True,
    )
    flags = ("-Wl,--no-as-needed", str(folder / "libbeside.so"), "-Wl,-rpath,$ORIGIN")
    shutil.copyfile(sound(*flags)(build, folder), folder / "plain.so")
    return folder / "plain.so"


OPENMP = ("-Wl,--no-as-needed", "-l:libgomp.so.1")
HAZARDS = (
    Hazard("half-written file", "refused", "image", bytes_of(cut_short), ("of a file of",)),
    Hazard("zero tail", "refused", "image", bytes_of(zero_tail)),
    Hazard("hole in the code", "refused", "image", bytes_of(hole_in_code), ("bytes of code", "was not written whole")),
    Hazard("missing function", "refused", "symbol", plugin("symbol_missing"), ("nobody_defines_this",)),
    Hazard("version that the provider lacks", "refused", "version", needs_helper("V_2", "V_1"), ("V_2", "V_1")),
    Hazard("versioned need, provider without", "refused", "unversioned-provider", needs_helper("V_1", ""), ("V_1",)),
    Hazard("needed file gone", "refused", "needed-file", needs_helper(None, None), ("libhelper.so", "it is not in")),
    Hazard("32-bit", "refused", "class", header(4, 1, 1), ("32-bit",)),
    Hazard("big-endian", "refused", "byte-order", header(5, 2, 1), ("big-endian",)),
    Hazard("other machine", "refused", "machine", header(18, 183, 2), ("AArch64", "x86-64")),
    Hazard("PIE", "refused", "type", compiled("-pie", "-fPIE"), ("position-independent executable",)),
    Hazard("GNU_UNIQUE", "warned", "gnu-unique", plugin("unique", "-DSHARED_NUMBER=shared_a"), ("shared_a",)),
    Hazard("executable stack", "refused", "execstack", plugin("executable_stack"), ("PT_GNU_STACK",)),
    Hazard("text relocations", "refused", "textrel", plugin("text_relocation", "-Wl,-z,notext"), ("-fPIC",)),
    Hazard("writable code", "refused", "writable-code", plugin("writable_code"), ("writable and executable",)),
    Hazard(
        "sanitizer in a host without",
        "refused",
        "runtime",
        sound("-fsanitize=address"),
        ("libasan", "AddressSanitizer"),
    ),
    Hazard("Go library", "refused", "go", plugin("go_runtime"), ("Go runtime",)),
    Hazard("NODELETE", "warned", "nodelete", sound("-Wl,-z,nodelete"), ("DF_1_NODELETE",)),
    Hazard("thread_local with destructor", "warned", "tls-destructor", plugin("tls_destructor"), ("thread_local",)),
    Hazard("initial-exec TLS", "warned", "static-tls", plugin("static_tls"), ("1024 bytes of TLS",)),
    Hazard("not to be opened", "refused", "no-open", sound("-Wl,-z,nodlopen"), ("DF_1_NOOPEN",)),
    Hazard("interposer", "warned", "interposes", sound("-Wl,-z,interpose"), ("DF_1_INTERPOSE",)),
    Hazard("exports malloc", "warned", "interposes", plugin("exports_malloc"), ("malloc", "free")),
    Hazard("exports a name of ours", "refused", "reserved-name", plugin("exports_own_name"), ("hotgraft_core_v1",)),
    Hazard(
        "SONAME of a loaded library", "refused", "soname", sound("-Wl,-soname,libstdc++.so.6"), ("libstdc++.so.6 is",)
    ),
    Hazard("RUNPATH to everybody's folder", "refused", "runpath", open_runpath, ("everybodys", "everybody can put")),
    Hazard("relative RUNPATH", "refused", "runpath", sound("-Wl,-rpath,lib"), ('"lib"', "is relative")),
    Hazard("empty RUNPATH entry", "refused", "runpath", sound("-Wl,-rpath,/usr/lib:"), ('""', "is relative")),
    Hazard("helper beside it by $ORIGIN", "accepted", "runpath", origin_helper, ("$ORIGIN",)),
    Hazard("OpenMP", "accepted", "needed", sound(*OPENMP), ("libgomp.so.1",)),
    Hazard("initializer and ifunc relocations", "accepted", "exported", plugin("ifunc"), ("chosen_at_load",)),
)


@pytest.mark.parametrize("hazard", HAZARDS, ids=str)
def test_a_hazard_is_said_by_a_tool_and_acted_on_by_a_host(
    host: Host, build: Workshop, tmp_path: Path, hazard: Hazard
) -> None:
    """Faults E15, E16, E17: an author hears from `check` what a host would do, in the same words."""
    image = hazard.make(build, tmp_path)

    found = inspect_image(image)

    told = {"refused": found.refusals, "warned": found.warnings, "accepted": ()}[hazard.outcome]
    about = " ".join(one.sentence + " " + one.advice for one in told if one.rule == hazard.rule)
    if hazard.outcome == "accepted":
        about = str(found.facts[hazard.rule])
    for word in hazard.words:
        assert word in about, found
    if hazard.outcome == "refused":
        assert about, found
        plain = host.load(build(PLAIN))
        with Host(settle_deadline_s=0.1) as other, pytest.raises(ImageError) as caught:
            other.load(image, name="plain")
        assert plain.add(2, 3) == 5
        if hazard.rule != "image":  # of those a host says that it waited for the rest
            assert all(one.sentence in str(caught.value) for one in told if one.rule == hazard.rule), caught.value
    else:
        assert not found.refusals
        assert host.load(image).add(2, 3) == 5


@pytest.mark.parametrize(
    ("source", "flags", "reason"),
    [
        ("plain", ("-Wl,-z,nodelete",), "nodelete"),
        ("tls_destructor", (), "thread_local destructor"),
        ("unique", ("-DSHARED_NUMBER=shared_b",), "unique symbol shared_b"),
    ],
)
def test_what_cannot_leave_memory_is_replaced_and_reported(
    host: Host, build: Workshop, source: str, flags: tuple[str, ...], reason: str
) -> None:
    """Fault E14: the new serves; the old one stays mapped, with the reason: what never leaves must not surprise."""
    name = f"stays-{source}"  # what is stuck is counted by name and generation for the whole process
    plain = host.load(build(replace(PLAIN, source=source, flags=flags)), name=name)
    assert plain.add(2, 3) == 5  # on this thread, which lives on

    report = host.reload(name, build(replace(PLAIN, version="1.0.1")))

    assert (report.outcome, plain.add(2, 3)) == (Outcome.PUBLISHED, 5)
    unloads = host.unloads(deadline_s=10)
    assert [(one.generation, reason in one.reason) for one in unloads.stuck] == [(1, True)], unloads


def test_a_unique_symbol_that_a_live_library_has_is_refused(host: Host, build: Workshop) -> None:
    """Fault E14b: the new code would run on the old one's variable, whatever it has become."""
    unique = replace(PLAIN, source="unique", flags=("-DSHARED_NUMBER=shared_c",))
    plain = host.load(build(unique))

    with pytest.raises(ImageError) as caught:
        host.reload("plain", build(replace(unique, version="1.0.1")))

    assert "GNU_UNIQUE symbol shared_c is also in" in str(caught.value)
    assert plain.add(2, 3) == 5


def test_static_tls_that_does_not_fit_twice_is_refused_with_the_flag_to_leave_out(host: Host, build: Workshop) -> None:
    """Fault E13: the loader's own words are "cannot allocate memory", and `check` warned before."""
    image = build(replace(PLAIN, source="static_tls"))
    assert [one.rule for one in inspect_image(image).warnings] == ["static-tls"]
    plain = host.load(image)

    with pytest.raises(LoadError) as caught:
        for number in range(1, 9):
            host.load(image, name=f"plain{number}")

    assert "1024 bytes of initial-exec TLS" in str(caught.value)
    assert "-ftls-model=initial-exec" in str(caught.value)
    assert plain.add(2, 3) == 5


def test_another_helper_of_a_loaded_soname_is_refused(host: Host, build: Workshop, tmp_path: Path) -> None:
    """HAZARDS, "private helper with the same SONAME": the new version would silently run on the old one's helper."""
    images = []
    for number in (1, 2):
        folder = tmp_path / f"v{number}"
        folder.mkdir()
        (folder / "helper.c").write_text(f"int helper(void) {{ return {number}; }}")
        helper = folder / "libhelper.so"
        subprocess.run(
            ["cc", "-shared", "-fPIC", "-Wl,-soname,libhelper.so", "-o", helper, folder / "helper.c"], check=True
        )
        images.append(build(replace(PLAIN, source="needs_helper", flags=(str(helper), f"-Wl,-rpath,{folder}"))))
    plain = host.load(images[0])

    with pytest.raises(ImageError) as caught:
        host.reload("plain", images[1])

    for number in (1, 2):
        assert str(tmp_path / f"v{number}" / "libhelper.so") in str(caught.value)
    assert plain.add(2, 3) == 5 + 1  # by the first one's helper


def test_a_sector_that_was_never_written_is_found_in_structure_and_in_code(build: Workshop, tmp_path: Path) -> None:
    """Fault F05: every sector in turn is a hole; what passes is plain data, or is read by nobody."""
    data = build(PLAIN).read_bytes()
    elf = ELFFile(io.BytesIO(data))
    harmless = [".rodata", ".data", ".bss", ".comment", ".eh_frame", ".eh_frame_hdr", ".symtab", ".strtab", ".shstrtab"]
    told = [
        one
        for one in elf.iter_sections()
        if one["sh_size"] and one["sh_type"] != "SHT_NULL" and one.name not in harmless
    ]
    path = tmp_path / "holed.so"
    missed = []
    for begin in range(0, len(data), 512):
        holed = data[:begin] + bytes(min(512, len(data) - begin)) + data[begin + 512 :]
        if holed == data:
            continue
        path.write_bytes(holed)
        hit = [one.name for one in told if one["sh_offset"] < begin + 512 and begin < one["sh_offset"] + one["sh_size"]]
        if not inspect_image(path).refusals:
            missed.append((begin, hit))

    assert [(begin, hit) for begin, hit in missed if hit] == []
