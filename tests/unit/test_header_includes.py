"""Local includes of an interface header: their structs and macros cross, and one that is missing is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hotgraft.core.errors import BindError
from hotgraft.core.manifest import read_manifest
from hotgraft.engine.bind import bind
from hotgraft.engine.bind_files import read_files
from hotgraft.engine.build import build_plugin

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MANIFEST = '[plugin]\nname = "gain"\nversion = "1.0.0"\n\n[provides.gain]\nversion = "1.0"\nheader = "api/gain.h"\n'
GUARDED = "#pragma once\n#include <stdint.h>\n"
GAIN = """\
#pragma once
#include <hotgraft/hotgraft.h>
#include "types.h"
typedef struct gain_v1 {
    uint32_t struct_size;
    hotgraft_status (*mix)(void *self, const frame *in HOTGRAFT_IN(n), uint64_t n);
} gain_v1;
"""
FRAME = f'{GUARDED}#include "../sizes.h"\ntypedef struct frame {{ float sample[CHANNELS]; }} frame;\n'
SIZES = f"{GUARDED}#define CHANNELS 2\n"
WHOLE = {"api/gain.h": GAIN, "api/types.h": FRAME, "sizes.h": SIZES}


def write(folder: Path, files: Mapping[str, str]) -> Path:
    """Write a plugin's manifest and headers; return the manifest."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder / "plugin.toml").write_text(MANIFEST)
    return folder / "plugin.toml"


def complaints(folder: Path, files: Mapping[str, str]) -> tuple[str, ...]:
    """What bind has against headers."""
    with pytest.raises(BindError) as found:
        bind(write(folder, files))
    return found.value.found


def test_types_and_macros_of_included_headers_are_part_of_the_interface(tmp_path: Path) -> None:
    """Beside the header, below the manifest, and through another include: as the compiler finds them."""
    bound = bind(write(tmp_path, WHOLE))
    assert bound.descriptor.structs["frame"].bytes == 8
    assert [field.count for field in bound.descriptor.structs["frame"].fields] == [2]


def test_compiler_agrees_with_what_was_read(tmp_path: Path) -> None:
    """The generated assertions hold in a plugin that includes the interface."""
    write(tmp_path, WHOLE)
    (tmp_path / "gain.c").write_text('#include "api/gain.h"\n#include "gain_descriptor.h"\n')
    assert build_plugin(tmp_path, flags=("-Wall", "-Wextra", "-Werror", "-Wno-unused")).is_file()


def test_changed_include_is_a_reason_to_bind_again(tmp_path: Path) -> None:
    """The rule that make and CMake read names every header, or an old layout stays."""
    path = write(tmp_path, WHOLE)
    named = {one.resolve() for one in read_files(read_manifest(path.read_bytes()), path)}
    assert named == {path, *(tmp_path / name for name in WHOLE)}


def test_missing_include_is_named_with_every_place_looked_in(tmp_path: Path) -> None:
    """The compiler's own words would come later, from a generated file."""
    found = complaints(tmp_path, {name: text for name, text in WHOLE.items() if name != "api/types.h"})
    assert (
        'api/gain.h:3: #include "types.h": it is not there; looked for api/types.h and types.h; '
        "a header of the system is included with <>"
    ) in found


def test_complaint_about_an_included_type_names_its_own_file_and_line(tmp_path: Path) -> None:
    """Where to mend it is not where it was included."""
    found = complaints(tmp_path, WHOLE | {"api/types.h": FRAME.replace("float sample", "long sample")})
    assert found == ("api/types.h:4: struct frame, field sample: long: its width depends on the platform: use int64_t",)


def test_headers_that_include_one_another_are_read_once(tmp_path: Path) -> None:
    """Guards end that for a compiler; a file that was read ends it here."""
    sizes = SIZES + '#include "api/gain.h"\n'
    assert "frame" in bind(write(tmp_path, WHOLE | {"sizes.h": sizes})).descriptor.structs


def test_include_under_an_undecided_condition_is_refused(tmp_path: Path) -> None:
    """An interface is the same in every build."""
    text = GAIN.replace('#include "types.h"', '#ifdef WIDE\n#include "types.h"\n#endif')
    assert any("a declaration under #ifdef WIDE" in one for one in complaints(tmp_path, WHOLE | {"api/gain.h": text}))


def test_include_for_the_other_language_is_left_alone(tmp_path: Path) -> None:
    """What only C++ sees is no part of the interface, there or not."""
    text = GAIN.replace('#include "types.h"', '#include "types.h"\n#ifdef __cplusplus\n#include "gain.hpp"\n#endif')
    assert "frame" in bind(write(tmp_path, WHOLE | {"api/gain.h": text})).descriptor.structs


def test_our_own_headers_may_stand_in_quotes(tmp_path: Path) -> None:
    """They are found on the include path and declare no interface."""
    text = GAIN.replace("<hotgraft/hotgraft.h>", '"hotgraft/hotgraft.h"')
    assert "frame" in bind(write(tmp_path, WHOLE | {"api/gain.h": text})).descriptor.structs


def test_a_chain_without_an_end_is_refused(tmp_path: Path) -> None:
    """Generated headers may go as deep as a disk holds; a reader may not."""
    chain = {f"api/h{i}.h": f'#include "h{i + 1}.h"\n' for i in range(40)}
    found = complaints(tmp_path, WHOLE | chain | {"api/types.h": FRAME + '#include "h0.h"\n'})
    assert found == ("api/h30.h:1: headers include one another more than 32 deep",)
