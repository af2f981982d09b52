"""Mutated images: the reader survives every one, and of those it lets through few kill the loader.

Faults E01 to E08. Damage to code bytes alone cannot be seen in a file; those deaths are counted here and
are what the probe is for.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from image_mutants import make_mutant
from image_programs import PROGRAMS, build_fuzzer, build_loader, build_reader

if TYPE_CHECKING:
    from collections.abc import Iterator

BATCH = 250
READ_NS_MAX = 10_000_000
DEATHS_MAX = 0.04

NOTE = """
__attribute__((aligned(4), section(".note.hotgraft,\\"a\\",@note#"), used))
static const unsigned char note[] = {9,0,0,0, 2,0,0,0, 1,0,0,0,
    'h','o','t','g','r','a','f','t',0,0,0,0, '{','}',0,0};
"""

C_PLUGIN = (
    NOTE
    + """
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
struct table {
    unsigned size;
    void *(*create)(void);
    void (*destroy)(void *);
    double (*process)(void *, double);
};
static void *create(void) { return calloc(4, 8); }
static void destroy(void *self) { free(self); }
static double process(void *self, double x) { double *s = self; s[0] = sin(x) + s[1]; return s[0]; }
static const struct table table = {sizeof table, create, destroy, process};
static char name[64];
__attribute__((constructor)) static void begin(void) { snprintf(name, sizeof name, "plugin %d", 1); }
const char *plugin_name(void) { return name; }
const void *hotgraft_plugin_v1(unsigned minor) { return minor > 100 ? 0 : (const void *)&table; }
"""
)

CPP_PLUGIN = (
    NOTE
    + """
#include <map>
#include <memory>
#include <string>
struct Filter { virtual ~Filter() = default; virtual int run(const std::string &text) = 0; };
struct Count : Filter {
    std::map<std::string, int> seen;
    int run(const std::string &text) override { if (text.empty()) throw text; return ++seen[text]; }
};
static std::map<std::string, std::unique_ptr<Filter>> filters;
static const bool ready = [] { filters["count"] = std::make_unique<Count>(); return true; }();
extern "C" int plugin_run(const char *text) { return ready ? filters["count"]->run(text) : 0; }
extern "C" const void *hotgraft_plugin_v1(unsigned minor) { return minor > 100 ? nullptr : &filters; }
"""
)


@pytest.fixture(scope="module")
def reader() -> Path:
    return build_reader()


@pytest.fixture(scope="module")
def loader() -> Path:
    return build_loader()


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, ...]:
    """A C and a C++ plugin as the machine's compiler makes them."""
    folder = tmp_path_factory.mktemp("plugins")
    made = []
    for compiler, name, source in (("cc", "p.c", C_PLUGIN), ("c++", "p.cc", CPP_PLUGIN)):
        (folder / name).write_text(source)
        library = folder / f"{name}.so"
        command = (compiler, "-shared", "-fPIC", "-O2", "-o", library, folder / name, "-lm")
        subprocess.run(command, check=True, timeout=120)
        made.append(library.read_bytes())
    return tuple(made)


def write_mutants(images: tuple[bytes, ...], folder: Path, *, first: int, count: int) -> dict[str, str]:
    """Write mutants `first` to `first + count` and return what was done to each, by path."""
    done = {}
    for number in range(first, first + count):
        what, mutant = make_mutant(images[number // 2 % len(images)], number=number)
        path = folder / f"{number}.so"
        path.write_bytes(mutant)
        done[str(path)] = what
    return done


def run(program: Path, paths: list[str], *arguments: str) -> Iterator[str]:
    """Feed `paths` to `program` and return its lines; its own death fails the test with what it said last."""
    result = subprocess.run(
        [str(program), *arguments],
        input="\n".join(paths),
        capture_output=True,
        timeout=600,
        encoding="latin-1",
    )
    assert result.returncode == 0, f"{program.name} died: {result.stderr[-3000:]}"
    return iter(result.stdout.split("\n")[:-1])


def is_death(outcome: str) -> bool:
    """A child that did not come back from the loader with an answer."""
    return not outcome.startswith(("ok", "error"))


@pytest.mark.full
def test_sound_plugins_are_accepted_and_load(
    reader: Path, loader: Path, images: tuple[bytes, ...], tmp_path: Path
) -> None:
    """A reader that refuses everything would pass the next test."""
    paths = []
    for number, image in enumerate(images):
        path = tmp_path / f"{number}.so"
        path.write_bytes(image)
        paths.append(str(path))

    facts = [json.loads(line) for line in run(reader, paths, "--brief")]
    outcomes = [line.split("\t")[1] for line in run(loader, paths, "libstdc++.so.6")]

    assert [(f["code"], f["fully_read"], f["message"]) for f in facts] == [(0, True, "")] * len(images)
    assert outcomes == ["ok"] * len(images)


@pytest.mark.parametrize("count", [300, pytest.param(10_000, marks=pytest.mark.full)])
def test_mutated_images_never_hurt_the_reader_and_rarely_pass_it_to_kill(
    reader: Path, loader: Path, images: tuple[bytes, ...], tmp_path: Path, count: int
) -> None:
    """A corrupt file on disk must end in a sentence, not in the death of the host."""
    accepted: list[str] = []
    deaths: Counter[str] = Counter()
    worst: dict[str, Any] = {"ns": 0}
    for first in range(0, count, BATCH):
        done = write_mutants(images, tmp_path, first=first, count=min(BATCH, count - first))
        found = [json.loads(line) for line in run(reader, list(done), "--brief")]
        assert len(found) == len(done)
        worst = max([worst, *found], key=lambda facts: int(facts["ns"]))
        passed = [f["path"] for f in found if f["code"] == 0 and f["fully_read"]]
        for line in run(loader, passed, "libstdc++.so.6"):
            path, outcome = line.split("\t", 1)
            if is_death(outcome):
                deaths[f"{done[path]}: {outcome}"] += 1
        accepted += passed
        for path in done:
            Path(path).unlink()

    share = deaths.total() / max(1, len(accepted))
    print(f"\nmutants {count}, accepted {len(accepted)}, killed the loader {deaths.total()} ({share:.1%})")
    print(f"slowest read {worst['ns'] / 1e6:.2f} ms (under sanitizers)")
    print(f"deaths by damage: {dict(deaths.most_common())}")
    assert worst["ns"] <= READ_NS_MAX, worst
    assert len(accepted) > count // 20
    assert share <= DEATHS_MAX, deaths


def test_kept_corpus_does_not_hurt_the_reader(reader: Path) -> None:
    """Each file once led the fuzzer to code that nothing before it had reached."""
    paths = sorted(str(path) for path in (PROGRAMS / "corpus").iterdir())

    found = [json.loads(line) for line in run(reader, paths, "--brief")]

    assert [facts["path"] for facts in found] == paths
    assert {facts["code"] for facts in found} == {0, 2}


@pytest.mark.full
def test_fuzzer_finds_nothing_from_the_kept_corpus_on(tmp_path: Path) -> None:
    """Mutants stay near two images; the fuzzer goes wherever a comparison in the reader leads it."""
    if shutil.which("clang++") is None:
        pytest.skip("clang++ is not installed; it brings libFuzzer")
    command: list[str | Path] = [
        build_fuzzer(),
        "-max_total_time=20",
        "-max_len=20000",
        tmp_path,
        PROGRAMS / "corpus",
    ]

    result = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=200, cwd=tmp_path)

    assert result.returncode == 0, result.stderr[-3000:]
    print("\n" + next(line for line in result.stderr.splitlines() if line.startswith("Done ")))
