"""A descriptor that no longer tells what the headers say does not compile: one changed fact each."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hotgraft.engine.build import write_bound
from hotgraft.engine.places import include_dir

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST = """\
[plugin]
name = "gain"
version = "1.0.0"

[provides.gain]
version = "1.0"

[state]
kind = "single"
struct = "gain_state"
"""
HEADER = """\
#ifndef GAIN_H
#define GAIN_H
#include <hotgraft/hotgraft.h>
#define CHANNELS 4
HOTGRAFT_EXTERN_C_BEGIN
typedef struct gain_pair { int32_t first; float second; } gain_pair;
typedef struct gain_state {
    int64_t count;
    double level[CHANNELS];
    gain_pair pair;
    gain_pair pairs[2];
    char name[8];
    uint16_t port;
} gain_state;
typedef struct gain_v1 {
    uint32_t struct_size;
    hotgraft_status (*process)(void *self, const float *in HOTGRAFT_IN(n), float *out HOTGRAFT_OUT(n), uint64_t n);
    double (*level)(void *self, int32_t channel) HOTGRAFT_SINCE(1, 0);
    void (*reset)(void *self) HOTGRAFT_NOTHROW;
    hotgraft_status (*set)(void *self, const gain_pair *pair HOTGRAFT_IN(1));
    const char *(*title)(void *self) HOTGRAFT_COPIED;
} gain_v1;
HOTGRAFT_EXTERN_C_END
#endif
"""
LANGUAGES = {"C11": ("-xc", "-std=c11"), "C++17": ("-xc++", "-std=c++17"), "C++11": ("-xc++", "-std=c++11")}
WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror")


@dataclass(frozen=True)
class Change:
    """One fact of the header, written otherwise, and what the compiler must name."""

    name: str
    old: str
    new: str
    named: str


CHANGES = (
    Change("signedness of a field", "int64_t count", "uint64_t count", "gain_state.count"),
    Change("kind of a field", "int32_t first", "float first", "gain_pair.first"),
    Change("width of a field", "uint16_t port", "uint32_t port", "gain_state.port"),
    Change("name of a field", "int64_t count", "int64_t total", "gain_state.count"),
    Change("order of fields", "int32_t first; float second;", "float second; int32_t first;", "gain_pair.first"),
    Change("length of an array", "double level[CHANNELS]", "double level[5]", "gain_state.level"),
    Change("length behind a macro", "#define CHANNELS 4", "#define CHANNELS 3", "gain_state.level"),
    Change("array for a value", "uint16_t port;", "uint16_t port[1];", "gain_state.port"),
    Change("char for int8_t", "char name[8]", "int8_t name[8]", "gain_state.name"),
    Change("array of another struct", "gain_pair pairs[2]", "int64_t pairs[2]", "gain_state.pairs"),
    Change("struct for a number", "gain_pair pair;", "int64_t pair;", "gain_state.pair"),
    Change("field put into padding", "uint16_t port;", "uint16_t port; uint16_t more;", "gain_state"),
    Change("field appended", "float second; }", "float second; int32_t third; }", "gain_pair"),
    Change("field taken out", "char name[8];", "", "gain_state.name"),
    Change("alignment", "int64_t count;", "__attribute__((aligned(16))) int64_t count;", "gain_state"),
    Change("packed", "uint16_t port;\n}", "uint16_t port;\n} __attribute__((packed, aligned(2)))", "gain_state"),
    Change("field put after struct_size", "uint32_t struct_size;", "uint32_t struct_size, flags;", "gain_v1"),
    Change("struct_size", "uint32_t struct_size", "float struct_size", "gain_v1.struct_size"),
    Change("result", "double (*level)", "float (*level)", "gain_v1.level"),
    Change("result for nothing", "void (*reset)", "int32_t (*reset)", "gain_v1.reset"),
    Change("const of a result", "const char *(*title)", "char *(*title)", "gain_v1.title"),
    Change("const of a pointee, gone", "const float *in", "float *in", "gain_v1.process"),
    Change("const of a pointee, new", "float *out", "const float *out", "gain_v1.process"),
    Change("const of a struct", "const gain_pair *pair", "gain_pair *pair", "gain_v1.set"),
    Change("depth of a pointer", "float *out", "float **out", "gain_v1.process"),
    Change("pointer for a value", "int32_t channel", "int32_t *channel", "gain_v1.level"),
    Change("type of a pointee", "const float *in", "const double *in", "gain_v1.process"),
    Change("signedness of a parameter", "int32_t channel", "uint32_t channel", "gain_v1.level"),
    Change("width of a parameter", "uint64_t n)", "uint32_t n)", "gain_v1.process"),
    Change("kind of a parameter", "int32_t channel", "float channel", "gain_v1.level"),
    Change("parameter appended", "int32_t channel)", "int32_t channel, int32_t more)", "gain_v1.level"),
    Change("parameter taken out", "void *self, int32_t channel", "void *self", "gain_v1.level"),
    Change("variable arguments", "int32_t channel)", "int32_t channel, ...)", "gain_v1.level"),
    Change("self", "(*reset)(void *self)", "(*reset)(int64_t self)", "gain_v1.reset"),
    Change("name of a function", "(*reset)", "(*clear)", "gain_v1.reset"),
    Change("function appended", "HOTGRAFT_COPIED;", "HOTGRAFT_COPIED; void (*more)(void *self);", "gain_v1"),
    Change("function taken out", "void (*reset)(void *self) HOTGRAFT_NOTHROW;", "", "gain_v1.reset"),
    Change("data for a function", "void (*reset)(void *self) HOTGRAFT_NOTHROW", "int64_t reset", "gain_v1.reset"),
)


def compilers() -> list[str]:
    """The families this machine has; a machine that builds plugins has one."""
    found = [name for name in ("gcc", "clang") if shutil.which(name)]
    return found or ["cc"]


def said(folder: Path, compiler: str, language: str, *flags: str) -> str:
    """What a compiler says about a source that includes the descriptor; nothing when it compiles."""
    command = [compiler, *LANGUAGES[language], "-fsyntax-only", *flags, f"-I{include_dir()}", f"-I{folder}"]
    done = subprocess.run(
        [*command, str(folder / "build" / "gain_descriptor.h")], capture_output=True, text=True, check=False
    )
    assert (done.returncode != 0) == bool(done.stderr), done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plugin that is bound."""
    folder = tmp_path_factory.mktemp("gain")
    (folder / "gain.h").write_text(HEADER)
    (folder / "plugin.toml").write_text(MANIFEST)
    write_bound(folder / "plugin.toml", folder / "build")
    return folder


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("compiler", compilers())
def test_what_bind_wrote_compiles_without_a_warning(folder: Path, compiler: str, language: str) -> None:
    """An author's own warning flags must not stumble over generated text; nor may anything be stale when nothing is."""
    (folder / "gain.h").write_text(HEADER)
    assert said(folder, compiler, language, *WARNINGS) == ""


@pytest.mark.parametrize("change", CHANGES, ids=lambda one: one.name)
def test_a_header_that_changed_without_bind_does_not_compile(folder: Path, change: Change, tier: str) -> None:
    """A stale descriptor makes callers pass a float where an integer is read. Quick: one compiler and language each."""
    assert HEADER.count(change.old) >= 1
    (folder / "gain.h").write_text(HEADER.replace(change.old, change.new, 1))

    every = list(itertools.product(compilers(), ("C11", "C++17")))
    at = CHANGES.index(change) % len(every)
    for compiler, language in every[at : at + 1] if tier == "quick" else every:
        text = said(folder, compiler, language)
        assert "run hotgraft bind again" in text, (compiler, language, text)
        assert change.named in text, (compiler, language, text)
