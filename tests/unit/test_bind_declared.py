"""What fields of a state say beyond their type, as bind reads it: counts, tags, handles, and the state itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hotgraft.core.descriptor import read_descriptor, write_descriptor
from hotgraft.core.errors import BindError
from hotgraft.core.layout_compile import compile_walk
from hotgraft.core.surface_descriptor import state_layout_of
from hotgraft.engine.bind import bind

if TYPE_CHECKING:
    from pathlib import Path

    from hotgraft.core.descriptor import Descriptor

TYPES = """
enum kinds { ROUND = 1, SQUARE = 2 };
typedef struct point { float x; float y; } point;
typedef struct box { float width; float height; } box;
typedef union shape { point round HOTGRAFT_ARM(ROUND); box square HOTGRAFT_ARM(SQUARE); } shape;
"""
FIELDS = """
    uint64_t connection HOTGRAFT_HANDLE;
    uint32_t count;
    point *points HOTGRAFT_COUNTED(count);
    uint32_t kind;
    shape body HOTGRAFT_TAGGED(kind);
"""
KEEP = "int32_t (*f)(void *self);"


def plugin(
    folder: Path, fields: str, *, types: str = TYPES, behind: str = "HOTGRAFT_STATE(2)", state: str = ""
) -> Path:
    """Write a plugin whose state has these fields."""
    (folder / "gain.h").write_text(
        f"#include <hotgraft/hotgraft.h>\n{types}\ntypedef struct gain_state {{ {fields} }} gain_state {behind};\n"
        f"typedef struct gain_v1 {{ uint32_t struct_size; {KEEP} }} gain_v1;\n"
    )
    path = folder / "plugin.toml"
    path.write_text(f'[plugin]\nname = "gain"\nversion = "1.0.0"\n[provides.gain]\nversion = "1.0"\n{state}')
    return path


def bound(*args: object, **wishes: str) -> Descriptor:
    """Return the descriptor, read back from its bytes."""
    made = bind(plugin(*args, **wishes))  # type: ignore[arg-type] # of a row
    return read_descriptor(write_descriptor(made.descriptor))


def refusals(*args: object, **wishes: str) -> list[str]:
    """Return what bind says."""
    with pytest.raises(BindError) as refused:
        bind(plugin(*args, **wishes))  # type: ignore[arg-type] # of a row
    return list(refused.value.found)


def test_a_struct_says_itself_that_it_is_the_state(tmp_path: Path) -> None:
    """The schema stands where the fields are edited; plugin.toml need not name the struct."""
    state = bound(tmp_path, FIELDS).state
    assert (state.kind, state.struct, state.schema, state.handover) == ("single", "gain_state", 2, True)


def test_what_fields_declare_stands_in_the_descriptor(tmp_path: Path) -> None:
    """Hosts know the state from there alone."""
    descriptor = bound(tmp_path, FIELDS)
    fields = {one.name: one for one in descriptor.structs["gain_state"].fields}
    assert fields["connection"].handle
    assert (fields["points"].type, fields["points"].counted, fields["points"].bytes) == ("point*", "count", 8)
    assert (fields["body"].type, fields["body"].tag) == ("shape", "kind")
    assert {one.name: one.when for one in descriptor.unions["shape"].fields} == {"round": 1, "square": 2}
    assert "point" in descriptor.structs
    layout = state_layout_of(descriptor)
    assert layout is not None and layout.reasons() == ()
    assert compile_walk(layout) is not None


def test_what_a_pointer_leads_to_is_part_of_the_layout(tmp_path: Path) -> None:
    """Two builds hand a block over only where what it leads to is the same as well; a handle changes no byte."""
    changes = {
        "as it was": (FIELDS, TYPES),
        "the elements": (FIELDS, TYPES.replace("float x; float y;", "double x; float y;")),
        "the count": (FIELDS.replace("COUNTED(count)", "COUNTED(kind)"), TYPES),
        "an arm's value": (FIELDS, TYPES.replace("ARM(SQUARE)", "ARM(3)")),
    }
    ids = {name: bound(tmp_path, fields, types=types).state.layout_id for name, (fields, types) in changes.items()}
    assert len(set(ids.values())) == len(changes)
    plain = bound(tmp_path, FIELDS.replace(" HOTGRAFT_HANDLE", "")).state.layout_id
    assert plain == ids["as it was"]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ("point *points;", "field points: a pointer in the state does not cross"),
        ("uint32_t n; point **points HOTGRAFT_COUNTED(n);", "field points: what is counted are elements"),
        ("uint32_t n; const point *points HOTGRAFT_COUNTED(n);", "field points: what is counted are elements"),
        ("uint32_t n; void *points HOTGRAFT_COUNTED(n);", "field points: void has no elements"),
        ("uint32_t n; other *points HOTGRAFT_COUNTED(n);", "field points: type 'other *' does not cross"),
        ("point *points HOTGRAFT_COUNTED(n);", "field points: its count 'n' is no integer beside it"),
        ("float n; point *points HOTGRAFT_COUNTED(n);", "field points: its count 'n' is no integer beside it"),
        ("point points HOTGRAFT_COUNTED(n); uint32_t n;", "field points: is counted, and is no pointer"),
        ("shape body HOTGRAFT_TAGGED(n);", "field body: its tag 'n' is no integer or enum beside it"),
        ("uint8_t n; bare body HOTGRAFT_TAGGED(n);", "field body: i of union bare is alive by no value"),
        ("uint8_t n; twin body HOTGRAFT_TAGGED(n);", "field body: 1 means i and f of union twin"),
        ("uint8_t n; point body HOTGRAFT_TAGGED(n);", "field body: has a tag, and is no union"),
        ("int64_t id HOTGRAFT_HANDLE;", "field id: is a handle of type 'i64'; a handle is a u64"),
        ("void (*hook)(void *x);", "field hook: a function pointer does not outlive"),
        ("const char *name;", "field name: a pointer in the state does not cross"),
        ("node *first HOTGRAFT_COUNTED(n); uint32_t n;", "contains itself"),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(tmp_path: Path, fields: str, sentence: str) -> None:
    """An author learns it at the build; nothing of it is guessed at the swap."""
    more = """
    typedef union bare { int32_t i; float f; } bare;
    typedef union twin { int32_t i HOTGRAFT_ARM(1); float f HOTGRAFT_ARM(1); } twin;
    typedef struct node { struct node *next HOTGRAFT_COUNTED(n); uint32_t n; } node;
    """
    found = refusals(tmp_path, fields, types=TYPES + more)
    assert any(sentence in one for one in found), found


def test_all_that_points_into_the_library_is_said_at_once(tmp_path: Path) -> None:
    """In one build, each by the name of its field; those of structs inside too."""
    inner = "typedef struct inner { void (*call)(void); char *text; } inner;"
    found = refusals(tmp_path, "inner one; void (*hook)(void *x); float *tail; int32_t fine;", types=inner)
    said = "\n".join(found)
    for field in ("inner, field call", "inner, field text", "gain_state, field hook", "gain_state, field tail"):
        assert field in said
    assert "fine" not in said


@pytest.mark.parametrize(
    "state",
    [
        "struct gain_state { virtual void run(); int32_t n; };",
        "struct base { int32_t n; }; struct gain_state : base { int32_t m; };",
        "struct gain_state { int32_t &n; };",
        "struct gain_state { std::string name; };",
        "struct gain_state { int32_t get() const; int32_t n; };",
        "struct gain_state { int32_t n; ~gain_state(); };",
        "class gain_state { int32_t n; };",
        "template <class T> struct gain_state { T n; };",
    ],
)
def test_a_class_of_cpp_is_no_state(tmp_path: Path, state: str) -> None:
    """A vtable is the library's, and a constructor has no say over a block that is handed over."""
    path = plugin(tmp_path, "int32_t n;", behind="", state='[state]\nkind = "single"\nstruct = "gain_state"\n')
    header = tmp_path / "gain.h"
    plain = "typedef struct gain_state { int32_t n; } gain_state ;"
    assert plain in header.read_text()
    header.write_text(header.read_text().replace(plain, state))
    with pytest.raises(BindError) as refused:
        bind(path)
    assert "gain_state" in str(refused.value)


def test_a_block_of_its_own_is_for_states_only(tmp_path: Path) -> None:
    """What callers hand over by pointer is theirs, and nobody follows pointers in it."""
    path = plugin(tmp_path, FIELDS)
    header = tmp_path / "gain.h"
    header.write_text(
        header.read_text().replace(KEEP, "int32_t (*f)(void *self, const gain_state *in HOTGRAFT_IN(1));")
    )
    with pytest.raises(BindError, match="field points: a pointer inside a struct does not cross"):
        bind(path)


@pytest.mark.parametrize(
    ("behind", "state", "sentence"),
    [
        ("", '[state]\nkind = "single"\n', "needs struct = the name of the C struct that is handed over"),
        ("HOTGRAFT_STATE(0)", "", "a schema is a number from 1"),
        ("HOTGRAFT_STATE(much)", "", "a schema is a number from 1"),
        ("HOTGRAFT_STATE(2)", '[state]\nkind = "single"\nstruct = "point"\n', "and state.struct of"),
        ("HOTGRAFT_STATE(2)", '[state]\nkind = "single"\nschema = 3\n', "and state.schema of"),
    ],
)
def test_the_header_and_the_manifest_agree(tmp_path: Path, behind: str, state: str, sentence: str) -> None:
    """Two places may say what the state is; they never say different things."""
    found = refusals(tmp_path, FIELDS, behind=behind, state=state)
    assert any(sentence in one for one in found), found


def test_a_plugin_has_one_state(tmp_path: Path) -> None:
    """One instance, one block."""
    types = TYPES + "typedef struct more { int32_t n; } more HOTGRAFT_STATE(1);"
    assert any("a plugin has one" in one for one in refusals(tmp_path, FIELDS, types=types))


def test_edits_need_no_struct_in_the_manifest(tmp_path: Path) -> None:
    """The header names it."""
    state = '[state]\nkind = "single"\ndefaults = { "gain_state.kind" = 1 }\n'
    assert bound(tmp_path, FIELDS, state=state).state.defaults == {"gain_state.kind": 1}


def test_a_name_before_is_that_of_a_field_that_is_there(tmp_path: Path) -> None:
    """A slip on the left of the = is told while the header is open, not by the first swap."""
    state = '[state]\nkind = "single"\nrenamed_from = {{ "{}" = "number" }}\n'
    assert bound(tmp_path, FIELDS, state=state.format("gain_state.count")).state.renamed_from
    assert bound(tmp_path, FIELDS, state=state.format("point.x")).state.renamed_from == {"point.x": "number"}
    for wrong in ("gain_state.cuont", "gain_stat.count"):
        found = refusals(tmp_path, FIELDS, state=state.format(wrong))
        assert len(found) == 1
        assert f"state.renamed_from: there is no field {wrong} in the state" in found[0]


@pytest.mark.parametrize(
    "fields",
    [
        "point *points HOTGRAFT_COUNTED(n);",
        "float n; point *points HOTGRAFT_COUNTED(n);",
        "shape body HOTGRAFT_TAGGED(n);",
    ],
)
def test_what_is_wrong_with_a_field_is_said_once(tmp_path: Path, fields: str) -> None:
    """At its line; what the layout would say of it follows from that."""
    found = refusals(tmp_path, fields)
    assert len(found) == 1
    assert found[0].startswith("gain.h:")


def test_what_is_wrong_with_another_field_is_said_as_well(tmp_path: Path) -> None:
    """Nothing is left for the next build."""
    found = refusals(
        tmp_path, "point *points HOTGRAFT_COUNTED(n); uint64_t id HOTGRAFT_HANDLE; float id2 HOTGRAFT_HANDLE;"
    )
    assert len(found) == 2
