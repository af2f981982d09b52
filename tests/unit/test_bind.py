"""What `hotgraft bind` refuses and what it writes, by table."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from hotgraft.cli.main import cli
from hotgraft.core.descriptor import Drain, read_descriptor, signature, write_descriptor
from hotgraft.core.errors import BindError
from hotgraft.engine.bind import RESERVED_NAMES, bind
from hotgraft.engine.build import build_plugin, find_compiler
from hotgraft.engine.places import include_dir
from hotgraft.host.plugin import Plugin

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST = '[plugin]\nname = "gain"\nversion = "1.0.0"\n\n[provides.gain]\nversion = "1.1"\n'
PROCESS = (
    "hotgraft_status (*process)(void *self, const float *in HOTGRAFT_IN(n), float *out HOTGRAFT_OUT(n), uint64_t n)"
)


def write_plugin(
    folder: Path, *functions: str, before: str = "", head: str = "uint32_t struct_size;", more: str = ""
) -> Path:
    """Write a manifest and a header whose interface has `functions`."""
    body = "\n    ".join(f"{one};" for one in functions)
    (folder / "gain.h").write_text(
        f"#include <hotgraft/hotgraft.h>\n{before}\ntypedef struct gain_v1 {{\n    {head}\n    {body}\n}} gain_v1;\n"
    )
    (folder / "plugin.toml").write_text(MANIFEST + more)
    return folder / "plugin.toml"


def test_annotations_become_buffers_with_length_and_direction(tmp_path: Path) -> None:
    """The call path checks lengths from the descriptor alone."""
    bound = bind(
        write_plugin(tmp_path, PROCESS + " HOTGRAFT_BLOCKING", "double (*level)(void *self) HOTGRAFT_SINCE(1, 1)")
    )
    process, level = bound.descriptor.provides[0].functions
    assert signature(process) == "process(self, in: f32[n] in, out: f32[n] out, n: u64) -> status"
    assert process.blocking
    assert (process.offset, level.offset) == (8, 16)
    assert level.since == (1, 1)


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        ("long (*f)(void *self)", "use int64_t"),
        ("void (*f)(void *self, bool on)", "use uint8_t"),
        ("void (*f)(void *self, int n)", "use int32_t"),
        ("void (*f)(void *self, size_t n)", "use uint64_t"),
        ("void (*f)(void *self, enum mode m)", "use int32_t"),
        ("void (*f)(void *self, ...)", "variable number of arguments"),
        ("void (*f)(int32_t a)", "the first parameter is not void *self"),
        ("void (*f)(void *self, float *out)", "how many elements, which way"),
        ("void (*f)(void *self, float **out HOTGRAFT_OUT(1))", "pointer to a pointer"),
        ("void (*f)(void *self, const float *out HOTGRAFT_OUT(1))", "writes, and the type is const"),
        ("void (*f)(void *self, float *in HOTGRAFT_IN(m))", "neither a number nor a parameter"),
        ("void (*f)(void *self, double n, float *in HOTGRAFT_IN(n))", "n is not an integer"),
        ("const char *(*f)(void *self)", "whose it is"),
        ("void (*f)(void *self, pair p)", "by pointer, not by value"),
        ("void (*f)(void *self, std_string s)", "does not cross"),
        ("int32_t value", "only function pointers follow"),
        ("void (*pin)(void *self)", "taken by every plugin handle"),
        ("void (*report)(void *self)", "taken by every plugin handle"),
        ("void (*f)(void *self) HOTGRAFT_SINCE(1, 2)", "since 1.2, and the interface is 1.1"),
        ("void (*f)(void *self, float in[4])", "instead of an array"),
    ],
)
def test_what_may_not_cross_is_refused_with_its_line(tmp_path: Path, function: str, sentence: str) -> None:
    """An author learns at bind time, not from a crash."""
    manifest = write_plugin(tmp_path, function, before="typedef struct pair { int32_t a; int32_t b; } pair;")
    with pytest.raises(BindError, match=r"gain\.h") as caught:
        bind(manifest)
    assert any(sentence in one for one in caught.value.found), caught.value.found


def test_every_public_name_of_a_handle_is_refused() -> None:
    """What the handle has hides the plugin's function, which the host then refuses to load."""
    assert {name for name in dir(Plugin) if not name.startswith("_")} <= RESERVED_NAMES


def test_every_violation_is_listed_not_the_first(tmp_path: Path) -> None:
    """An author mends them in one build."""
    manifest = write_plugin(
        tmp_path, "long (*a)(void *self)", "void (*b)(int32_t x)", "void (*c)(void *self, float *p)"
    )
    with pytest.raises(BindError) as caught:
        bind(manifest)
    assert len(caught.value.found) == 3


def test_interface_without_struct_size_is_refused(tmp_path: Path) -> None:
    """Growing a table is only safe when its size is written in it."""
    with pytest.raises(BindError, match="does not begin with uint32_t struct_size"):
        bind(write_plugin(tmp_path, PROCESS, head="uint64_t magic;"))


@pytest.mark.parametrize(
    ("field", "sentence"),
    [
        ("float *tail", "field tail: a pointer in the state"),
        ("void (*hook)(void *x)", "function pointer"),
        ("long n", "int64_t"),
    ],
)
def test_state_that_points_into_the_library_is_refused(tmp_path: Path, field: str, sentence: str) -> None:
    """What is handed over outlives the code that wrote it."""
    more = '\n[state]\nkind = "single"\nstruct = "gain_state"\n'
    manifest = write_plugin(
        tmp_path, PROCESS, before=f"typedef struct gain_state {{ {field}; }} gain_state;", more=more
    )
    with pytest.raises(BindError) as caught:
        bind(manifest)
    assert any(sentence in one for one in caught.value.found), caught.value.found


def test_equal_layouts_have_equal_ids_and_others_do_not(tmp_path: Path) -> None:
    """Hand over goes by this number alone."""
    ids = []
    for fields in (
        "int64_t a; float b[3];",
        "int64_t a;  float b[3];",
        "int64_t a; float b[4];",
        "int64_t a; int32_t b[3];",
    ):
        more = '\n[state]\nkind = "single"\nstruct = "gain_state"\n'
        before = f"typedef struct gain_state {{ {fields} }} gain_state;"
        ids.append(bind(write_plugin(tmp_path, PROCESS, before=before, more=more)).descriptor.state.layout_id)
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3
    assert 0 not in ids


def test_descriptor_reads_back_as_it_was_written(tmp_path: Path) -> None:
    """The host sees what the author's build saw."""
    descriptor = bind(write_plugin(tmp_path, PROCESS)).descriptor
    data = write_descriptor(descriptor)
    assert len(data) % 4 == 0
    assert read_descriptor(data) == descriptor


def test_a_wish_for_draining_is_carried_and_silence_leaves_no_trace(tmp_path: Path) -> None:
    """A host of before the wish refuses keys that it does not know: who wishes nothing must not have them."""
    silent = write_descriptor(bind(write_plugin(tmp_path, PROCESS)).descriptor)
    wish = '[drain]\nat_deadline = "leave"\n'
    wishing = write_descriptor(bind(write_plugin(tmp_path, PROCESS, more=wish)).descriptor)
    assert b"drain" not in silent
    assert b'"drain":{"at_deadline":"leave"}' in wishing
    assert read_descriptor(wishing).drain == Drain(at_deadline="leave")


def test_features_and_permissions_come_from_the_manifest(tmp_path: Path) -> None:
    """What it offers, what it asks for, and what it uses of others: a host reads none of it anywhere else."""
    more = '[offers]\nfeatures = ["stereo", "seek"]\npermissions = ["network"]\n'
    more += '[requires]\ncodec = { range = "^1", features = ["tempo"] }\n'
    descriptor = bind(write_plugin(tmp_path, PROCESS, more=more)).descriptor
    assert (descriptor.features, descriptor.permissions) == (("seek", "stereo"), ("network",))
    assert [one.features for one in descriptor.requires] == [("tempo",)]


def test_a_requirement_says_that_it_may_be_part_of_a_cycle_and_else_nothing(tmp_path: Path) -> None:
    """A host that knows nothing of cycles reads what does not need to be said."""
    needs = '[requires]\ncodec = "^1"\nmixer = { range = "^1", cycle = true }\n'
    manifest = write_plugin(tmp_path, PROCESS, more=needs)
    codec, mixer = bind(manifest).descriptor.requires
    assert (codec.cycle, mixer.cycle) == (False, True)
    assert write_descriptor(bind(manifest).descriptor).count(b'"cycle"') == 1


def test_stale_descriptor_fails_to_compile(tmp_path: Path) -> None:
    """A header that changed without bind must not ship."""
    write_plugin(tmp_path, PROCESS)
    (tmp_path / "gain.c").write_text('#include "gain_descriptor.h"\nint unused;\n')
    build_plugin(tmp_path)
    source = tmp_path / "gain.h"
    source.write_text(source.read_text().replace("uint32_t struct_size;", "uint32_t struct_size; uint64_t more;"))
    command = [
        find_compiler(),
        "-fsyntax-only",
        f"-I{include_dir()}",
        f"-I{tmp_path}",
        f"-I{tmp_path / 'build'}",
    ]
    done = subprocess.run([*command, str(tmp_path / "gain.c")], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "run hotgraft bind again" in done.stderr


def test_running_programs_never_import_the_parser() -> None:
    """It costs 130 ms; what it found is in the descriptor."""
    code = "import sys, hotgraft.core.descriptor, hotgraft.engine.build; print(*{'cffi', 'pycparser'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_manifest_of_another_name_is_the_one_that_is_bound(tmp_path: Path) -> None:
    """A folder may hold two plugins over one header."""
    write_plugin(tmp_path, PROCESS)
    other = tmp_path / "other.toml"
    other.write_text(MANIFEST.replace('name = "gain"', 'name = "other"'))

    done = CliRunner().invoke(cli, ["bind", str(other), "-o", str(tmp_path / "out")])

    assert done.exit_code == 0, done.output
    assert sorted(one.name for one in (tmp_path / "out").iterdir()) == [
        "other_descriptor.h", "other_interface.py",
        "other_interface.pyi", "other_wrapper.hpp",
    ]  # fmt: skip
