"""`hotgraft diff` and `hotgraft check --against`, as a shell and a pipeline see them."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from command_scene import as_json, hotgraft
from diff_images import POINT, PROCESS, READ, RESET, enum, image, offer, state, struct, without_note

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sample_plugins import Workshop

    Make = Callable[..., Path]

MOVED = struct(("y", "i32", 0, 4), ("x", "i32", 4, 4), size=8)
MODES = {"enums": {"mode": enum(OFF=0)}}


@pytest.fixture
def make(build: Workshop, tmp_path: Path) -> Make:
    """Makes images that say what a test wants: ``make("new", version="1.3.0")``."""
    return lambda file, /, **changes: image(build, tmp_path / f"{file}.so", **changes)


@pytest.mark.parametrize(
    ("changes", "verdict", "code"),
    [
        ({}, "identical", 0),
        ({"permissions": [], "config_schema": {"type": "object"}}, "patch", 0),
        ({"features": ["stereo"], "version": "1.3.0"}, "minor", 0),
        ({"provides": offer(PROCESS), "version": "2.0.0"}, "major", 4),
        ({"outputs": {"gain.read": {"not": {"minimum": 4}}}}, "unknown", 5),
        ({"features": ["stereo"]}, "minor", 4),  # 1.2.0 as before: looser than the facts
    ],
)
def test_the_exit_code_is_the_verdict(
    make: Make, tmp_path: Path, changes: dict[str, Any], verdict: str, code: int
) -> None:
    """A pipeline has nothing else to decide by."""
    old = make("old", **({"outputs": {"gain.read": {"not": {"minimum": 3}}}} if "outputs" in changes else {}))
    said, _ = hotgraft("diff", old, make("new", **changes), folder=tmp_path, code=code)

    assert said.splitlines()[1].startswith(f"{verdict}: ")
    assert "\nto do: " in said
    assert ("claim mismatch" in said) == (code == 4)


def test_json_holds_verdict_state_and_every_fact(make: Make, tmp_path: Path) -> None:
    """All facts, and not the first."""
    old, new = make("old", state=state(1, 7)), make("new", structs={"point": MOVED}, state=state(1, 8))
    found = as_json(hotgraft("diff", old, new, "--json", folder=tmp_path, code=4)[0])

    assert (found["verdict"], found["state_layout_changed"]) == ("major", True)
    assert [(one["kind"], one["verdict"], one["subject"]) for one in found["facts"]] == [
        ("member-moved", "major", "struct point, member x"),
        ("member-moved", "major", "struct point, member y"),
        ("state-layout-changed", "patch", "state"),
    ]
    assert found["facts"][0] == {
        "kind": "member-moved",
        "verdict": "major",
        "subject": "struct point, member x",
        "before": "byte 0",
        "after": "byte 4",
        "rule": "callers read it at its old place",
        "through": ["gain/1.read"],
        "consumers": [],
    }
    assert [one["least"] for one in found["claims"]] == ["2.0", "2.0.0", "2"]


def test_a_consumer_is_named_where_it_relies_on_what_changed(make: Make, tmp_path: Path) -> None:
    """Who has to be built again, or replaced in the same swap."""
    wants = [{"interface": "gain", "range": "^1.2", "optional": False, "features": ["stereo"]}]
    old = make("old", features=["stereo"])
    new = make("new", version="2.0.0", provides=offer(PROCESS, version=(1, 1)))
    consumer = make("mixer", name="mixer", provides=offer(PROCESS, name="mix"), requires=wants)
    words = ("diff", old, new, "--consumer", consumer, "--json")

    facts = as_json(hotgraft(*words, folder=tmp_path, code=4)[0])["facts"]
    assert [(one["kind"], one["consumers"]) for one in facts] == [
        ("range-unmet", ["mixer"]),
        ("function-removed", ["mixer"]),
        ("feature-dropped", ["mixer"]),
        ("version-changed", ["mixer"]),
    ]
    assert "relied on by mixer" in hotgraft(*words[:-1], folder=tmp_path, code=4)[0]


def test_an_image_without_a_descriptor_is_unknown_on_either_side(make: Make, build: Workshop, tmp_path: Path) -> None:
    """Neither identical nor broken: nobody can say. Only equal bytes are."""
    old, bare = make("old"), without_note(build, tmp_path / "bare.so")
    for words in ((old, bare), (bare, old)):
        found = as_json(hotgraft("diff", *words, "--json", folder=tmp_path, code=5)[0])
        assert [one["kind"] for one in found["facts"]] == ["unseen"]
        assert "holds no descriptor" in str(found["facts"][0])
    shutil.copy(bare, tmp_path / "same.so")
    assert "identical" in hotgraft("diff", bare, tmp_path / "same.so", folder=tmp_path)[0]
    assert "holds no descriptor" in hotgraft("diff", old, old, "--consumer", bare, folder=tmp_path, code=3)[1]


def test_what_is_no_image_is_refused_in_words(make: Make, tmp_path: Path) -> None:
    """A file that was cut, an empty one, a text, a descriptor that cannot be read."""
    old = make("old")
    (tmp_path / "cut.so").write_bytes(old.read_bytes()[:5000])
    (tmp_path / "empty.so").touch()
    (tmp_path / "text.so").write_text("nothing")
    make("torn", provides="nothing")
    for name in ("cut", "empty", "text", "torn"):
        for words in ((old, tmp_path / f"{name}.so"), (tmp_path / f"{name}.so", old)):
            _, words_of = hotgraft("diff", *words, folder=tmp_path, code=3)
            assert f"{name}.so: could not compare the image: " in words_of
            assert "nothing was compared" in words_of


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("old.so", "gain.h"), "old.so is an image and gain.h is a C header"),
        (("headers", "old.so"), "headers is a C header or a folder of them and old.so is an image"),
        (("old.so", "old.so", "-D", "A=1"), "-I, -D and --cc are for headers"),
        (("gain.h", "gain.h", "--consumer", "old.so"), "--consumer is for images"),
        (("old.so", "gone.so"), "does not exist"),
        (("old.so", "fifo"), "fifo: not a regular file"),
        (("old.so",), "Missing argument 'NEW'"),
    ],
)
def test_what_cannot_be_compared_is_a_usage_error(
    make: Make, tmp_path: Path, words: tuple[str, ...], complaint: str
) -> None:
    """Before anything is read."""
    make("old")
    (tmp_path / "headers").mkdir()
    os.mkfifo(tmp_path / "fifo")  # opening it would wait for a writer
    (tmp_path / "gain.h").write_text("int gain(int by);\n")
    assert complaint in " ".join(hotgraft("diff", *words, folder=tmp_path, code=2)[1].split())


def test_headers_are_compared_as_the_compiler_sees_them(tmp_path: Path) -> None:
    """Also a library that was never built for hotgraft has callers."""
    (tmp_path / "old.h").write_text("struct p { int x, y; };\nint f(struct p *p);\n#define SIZE (2 * 4)\n")
    (tmp_path / "new.h").write_text("struct p { int x, z, y; };\nint f(struct p *q);\n#define SIZE 8\n")
    found = as_json(hotgraft("diff", "old.h", "new.h", "--json", folder=tmp_path, code=4)[0])

    kinds = sorted((one["kind"], one["through"]) for one in found["facts"])
    assert kinds == [
        ("member-added", ["f"]),
        ("member-moved", ["f"]),
        ("parameter-renamed", ["f"]),
        ("size-changed", ["f"]),
    ]
    assert "> moved" in hotgraft("diff", "old.h", "new.h", folder=tmp_path, code=4)[0]


def test_folders_of_headers_are_read_as_one_and_equal_ones_are_identical(tmp_path: Path) -> None:
    """A release ships its include folder."""
    for side in ("old", "new"):
        (tmp_path / side / "lib").mkdir(parents=True)
        (tmp_path / side / "lib" / "types.h").write_text(
            "#ifndef T\n#define T\ntypedef struct p { int x; } p;\n#endif\n"
        )
        (tmp_path / side / "all.h").write_text('#include "lib/types.h"\nint f(p *it);\n')
    assert "identical" in hotgraft("diff", "old", "new", folder=tmp_path)[0]

    (tmp_path / "new" / "lib" / "types.h").write_text("#ifndef T\n#define T\ntypedef struct p { long x; } p;\n#endif\n")
    found = as_json(hotgraft("diff", "old", "new", "--json", folder=tmp_path, code=4)[0])
    assert "member-retyped" in {one["kind"] for one in found["facts"]}
    # The header itself is the same; what it includes is not, so it must not be called so.
    found = as_json(hotgraft("diff", "old/all.h", "new/all.h", "--json", folder=tmp_path, code=4)[0])
    assert found["verdict"] == "major"


def test_headers_that_cannot_be_read_are_refused_in_words(tmp_path: Path) -> None:
    """The compiler's own text where it is the compiler that says no."""
    (tmp_path / "old.h").write_text("int f(void);\n")
    (tmp_path / "new.h").write_text("int f(missing_type it);\n")
    (tmp_path / "empty").mkdir()
    assert "missing_type" in hotgraft("diff", "old.h", "new.h", folder=tmp_path, code=9)[1]
    assert "holds no header" in hotgraft("diff", "old.h", "empty", folder=tmp_path, code=3)[1]
    assert "patch" in hotgraft("diff", "old.h", "new.h", "-D", "missing_type=void", "--cc", "cc", folder=tmp_path)[0]


def test_check_against_an_image_is_a_gate(make: Make, tmp_path: Path) -> None:
    """It fails as diff does, beside all that check says without it."""
    old, new, bad = make("old"), make("new", provides=offer(PROCESS), version="2.0.0"), tmp_path / "bad.so"
    bad.write_text("nothing")
    assert "would be accepted here" in hotgraft("check", old, "--against", old, folder=tmp_path)[0]

    said, _ = hotgraft("check", new, "--against", old, folder=tmp_path, code=4)
    assert "new.so: gain 2.0.0: would be accepted here" in said
    assert "function removed" in said
    found = as_json(hotgraft("check", new, "--against", old, "--format", "json", folder=tmp_path, code=4)[0])
    assert (found["accepted"], found["compatible"]) == (True, False)
    assert found["images"][0]["contract"]["verdict"] == "major"
    assert "not an ELF image" in hotgraft("check", bad, "--against", old, folder=tmp_path, code=3)[0]
    assert "could not compare" in hotgraft("check", old, "--against", bad, folder=tmp_path, code=3)[1]
    assert as_json(hotgraft("check", old, "--json", folder=tmp_path)[0])["images"][0]["contract"] is None


def test_check_against_a_version_finds_what_the_journal_keeps(make: Make, tmp_path: Path) -> None:
    """The release that users have, by its number; the newest where one number was built more than once."""
    kept = tmp_path / ".hotgraft" / "images"
    kept.mkdir(parents=True)
    for name, changes in (
        ("aa", {}),
        ("bb", {"features": ["x"]}),
        ("cc", {"version": "1.1.0"}),
        ("dd", {"name": "mix"}),
    ):
        shutil.move(make(name, **changes), kept / f"{name * 32}.so")
    for age, name in enumerate(("bb", "aa")):
        os.utime(kept / f"{name * 32}.so", ns=(0, 10**18 - age))
    new = make("new")

    assert "feature x dropped" in hotgraft("check", new, "--against", "1.2.0", folder=tmp_path, code=4)[0]
    assert "gain 1.1.0 → gain 1.2.0" in hotgraft("check", new, "--against", "1.1.0", folder=tmp_path)[0]
    _, words = hotgraft("check", new, "--against", "0.9.0", folder=tmp_path, code=3)
    for one in ("aaaaaaaa… is gain 1.2.0", "cccccccc… is gain 1.1.0", "dddddddd… is mix 1.2.0", "--journal FOLDER"):
        assert one in words
    elsewhere = hotgraft("check", new, "--against", "1.2.0", "--journal", tmp_path / "none", folder=tmp_path, code=3)[1]
    assert "none: could not find gain 1.2.0 among the images of the journal: there is none" in elsewhere
    assert "no version such as 1.4.0" in hotgraft("check", new, "--against", "new", folder=tmp_path, code=2)[1]


def test_check_annotates_each_strict_fact_for_github(make: Make, build: Workshop, tmp_path: Path) -> None:
    """Beside the change that caused it, escaped as the runner reads it."""
    old = make("old", provides=offer(PROCESS, READ, RESET), **MODES, constants={"SHARE": "100 %"})
    new = make("a, b", provides=offer(PROCESS, READ, RESET), **MODES, constants={"SHARE": "99 %"}, version="2.0.0")
    said, _ = hotgraft("check", new.name, "--against", old.name, "--format", "github", folder=tmp_path, code=4)

    assert said.splitlines() == [
        "::error title=hotgraft major%3A constant-changed,file=a%2C b.so::"
        "constant SHARE changed: 100 %25 → 99 %25%0Acallers are compiled with its old value",
        "::notice title=hotgraft%3A against old.so,file=a%2C b.so::major: who calls today would break (1 major)",
    ]
    said, _ = hotgraft(
        "check", without_note(build, tmp_path / "bare.so"), "--format", "github", folder=tmp_path, code=3
    )
    assert said.startswith("::error title=hotgraft%3A descriptor,file=")
    assert "%0Ato do: compile and link" in said
    assert "choose one" in hotgraft("check", old, "--json", "--format", "github", folder=tmp_path, code=2)[1]


def test_errors_are_json_where_the_format_is(make: Make, tmp_path: Path) -> None:
    """A script reads one stream."""
    for words in (("--format", "json"), ("--json",), ("--json", "--format", "json")):
        said, _ = hotgraft("check", make("new"), "--against", "0.9.0", *words, folder=tmp_path, code=3)
        assert json.loads(said)["error"]["tried"].startswith("find gain 0.9.0")


def test_struct_with_a_hole_and_a_pointer_is_drawn(make: Make, tmp_path: Path) -> None:
    """As it lies in memory on this machine, within 100 columns."""
    wide = struct(("x", "i32", 0, 4), ("at", "f64", 8, 8), ("y", "i32", 16, 4), size=24, align=8)
    said, _ = hotgraft("diff", make("old"), make("new", structs={"point": wide}), folder=tmp_path, code=4)

    assert max(map(len, said.splitlines())) <= 100
    assert "4      4 (hole)" in said
    assert POINT["bytes"] == 8
