"""Tests core/manifest.py: every key, every way to break one; hostile bytes are test_hostile_bytes.py's."""

from __future__ import annotations

import pytest
from hotgraft.core.errors import ManifestError
from hotgraft.core.manifest import Drain, Provided, Required, State, read_manifest
from hotgraft.core.versions import Range, Version

HEAD = '[plugin]\nname = "gain"\nversion = "1.2.0"\n'
FULL = (
    HEAD
    + """
[provides.gain]
version = "1.2"
[provides.meter]
version = "2.0"
header = "sub/meter.h"
struct = "meter_table"
[requires]
codec = "^1.2"
clock = { range = ">=1,<3", optional = true }
mixer = { range = "^2", features = ["stereo", "seek"] }
meter_of = { range = "^1", cycle = true }
[state]
kind = "single"
schema = 3
struct = "gain_state"
header = "gain_state.h"
save = true
[config]
schema = { type = "object", properties = { level = { type = "number", default = 1.5 } } }
[drain]
deadline_s = 2
pins = "wait"
"""
)

# what stands after HEAD, what must be said about it
WRONG = (
    ("[plugin2]", 'plugin2: unknown key; did you mean "plugin"?'),
    ("[provide.gain]", 'provide: unknown key; did you mean "provides"?'),
    ("[provides.Gain]\nversion='1.0'", "provides.Gain: is no name"),
    ("[provides.gain]", "provides.gain.version: is missing"),
    ("[provides.gain]\nversion='1'", "provides.gain.version: '1' is not an interface version"),
    ("[provides.gain]\nversion=1.0", "provides.gain.version: must be a string, found a float"),
    ("[provides.gain]\nversion='1.0'\nheader=''", "provides.gain.header: must be 1 to 4096 printable"),
    ("[provides.gain]\nversion='1.0'\nstruct='a b'", "provides.gain.struct: 'a b' is not of the form"),
    (
        "[provides.gain]\nversion='1.0'\nheaders='x'",
        'provides.gain.headers: unknown key; did you mean "header"?',
    ),
    ("provides=1", "plugin.provides: unknown key"),
    ("[requires]\ncodec='nonsense'", "requires.codec: 'nonsense' in 'nonsense' is not a range"),
    ("[requires]\ncodec=1", "requires.codec: must be a string, found a whole number"),
    ("[requires]\ncodec={optional=true}", "requires.codec.range: is missing"),
    ("[requires]\ncodec={range='^1',optional=1}", "requires.codec.optional: must be true or false"),
    ("[requires]\ncodec={range='^1',cycle='yes'}", "requires.codec.cycle: must be true or false"),
    ("[requires]\ncodec={range='^1',opt=true}", 'requires.codec.opt: unknown key; did you mean "optional"?'),
    ("[requires]\ncodec={features=['x']}", "requires.codec.range: is missing"),
    ("[requires]\ncodec={range='^1',features='x'}", "requires.codec.features: must be an array of strings"),
    ("[requires]\ncodec={range='^1',features=['X']}", "requires.codec.features: 'X' is no name of the form"),
    ("[requires]\ncodec={range='^1',features=['x','x']}", "requires.codec.features: 'x' stands twice"),
    ("[offers]\nfeatures=['a','b','a']", "offers.features: 'a' stands twice"),
    ("[offers]\npermissions=[1]", "offers.permissions: must be an array of strings, found a whole number in it"),
    (f"[offers]\nfeatures={[f'f{i}' for i in range(257)]}", "offers.features: has 257 entries; it ends at 256"),
    ("[offers]\npermission=['a']", 'offers.permission: unknown key; did you mean "permissions"?'),
    ("[requires]\n'co dec'='^1'", "requires.'co dec': is no name of the form"),
    ("[state]\nkind='shared'", "state.kind: 'shared' is none of 'none', 'single'"),
    ("[state]\nschema=1", 'state.schema: needs kind = "single"'),
    ("[state]\nkind='single'\nstruct='a'\nhandover='often'", "state.handover: must be true or false"),
    ("[state]\nkind='single'\nstruct='a'\nhandover=false", 'state.kind: "single" needs handover or save'),
    ("[state]\nkind='single'\nsave=true\nschema=0", "state.schema: must lie in 1 to 4294967295"),
    (
        "[state]\nkind='single'\nsave=true\nschema=true",
        "state.schema: must be a whole number, found true or false",
    ),
    ("[state]\nkind='single'\nsave=true\nfoo=1", "state.foo: unknown key"),
    ("[drain]\ndeadline_s=0", "drain.deadline_s: must lie above 0"),
    ("[drain]\ndeadline_s=nan", "drain.deadline_s: must lie above 0"),
    ("[drain]\ndeadline_s=inf", "drain.deadline_s: must lie above 0"),
    ("[drain]\ndeadline_s=3601", "drain.deadline_s: must lie above 0 and not above 3600"),
    ("[drain]\ndeadline_s='5'", "drain.deadline_s: must be a number, found a string"),
    ("[drain]\nat_deadline='stop'", "drain.at_deadline: 'stop' is none of 'call off', 'leave'"),
    (
        "[drain]\nat_deadline='leave'\n[state]\nkind='single'\nsave=true",
        'drain.at_deadline: "leave" needs [state] kind',
    ),
    ("[drain]\nqueue_limit=3", "drain.queue_limit: is the operator's to set"),
    ("[drain]\npins='go'", "drain.pins: 'go' is none of 'wait', 'move'"),
    ("[config]\nschema=1", "config.schema: must be a string"),
    ("[config]\nschema={a=1979-05-27}", "config.schema: holds a date"),
    ("[config]\nschema={a=[nan]}", "config.schema: holds a date, a time or a number"),
    ("[config]\nscheme='x'", 'config.scheme: unknown key; did you mean "schema"?'),
    ("name = 'again'", "Cannot overwrite a value"),
    ("[plugin]\n", "Cannot declare"),
    ("a = ", "Invalid value"),
)


def test_every_key_is_read() -> None:
    """What the author wrote is what the engine acts on."""
    manifest = read_manifest(FULL.encode())

    assert (manifest.name, manifest.version) == ("gain", Version(1, 2, 0))
    assert manifest.provides == (
        Provided("gain", (1, 2), "gain.h", "gain_v1"),
        Provided("meter", (2, 0), "sub/meter.h", "meter_table"),
    )
    assert manifest.requires == (
        Required("codec", Range.parse("^1.2"), optional=False),
        Required("clock", Range.parse(">=1,<3"), optional=True),
        Required("mixer", Range.parse("^2"), optional=False, features=("seek", "stereo")),
        Required("meter_of", Range.parse("^1"), optional=False, cycle=True),
    )
    assert manifest.state == State(
        kind="single", schema=3, handover=True, save=True, struct="gain_state", header="gain_state.h"
    )
    assert manifest.drain == Drain(deadline_s=2.0, pins="wait")
    assert manifest.config_schema["properties"] == {"level": {"type": "number", "default": 1.5}}


def test_defaults_are_those_of_the_documented_schema() -> None:
    """The shortest manifest must mean something definite."""
    manifest = read_manifest(HEAD.encode())

    assert (manifest.provides, manifest.requires) == ((), ())
    assert manifest.state == State(kind="none", schema=1, handover=False, save=False, struct="", header="")
    assert manifest.drain == Drain(deadline_s=None, at_deadline=None, pins="wait")
    assert (manifest.config_schema, manifest.config_schema_file) == ({}, "")


def test_a_config_schema_may_be_a_file() -> None:
    """The core does no I/O: it hands on the name."""
    assert read_manifest(f"{HEAD}[config]\nschema='c.json'".encode()).config_schema_file == "c.json"


@pytest.mark.parametrize(("text", "said"), WRONG)
def test_each_violation_is_named_by_its_key(text: str, said: str) -> None:
    """An author mends what is named; an unknown key is most often a slip of one letter."""
    with pytest.raises(ManifestError) as caught:
        read_manifest((HEAD + text).encode(), path="x/plugin.toml")

    assert said in "\n".join(caught.value.found)
    assert caught.value.on == "x/plugin.toml"


def test_all_violations_are_listed_at_once() -> None:
    """One build, one list: not one build per mistake."""
    head = "[plugin]\nname='Gain'\nversion='1'\nnmae='x'\n"
    text = head + "[provides.a]\n[requires]\nb='?'\n[drain]\npins=1\n[x]\n"

    with pytest.raises(ManifestError) as caught:
        read_manifest(text.encode())

    keys = [line.split(":")[0] for line in caught.value.found]
    assert keys == [
        "plugin.name",
        "plugin.version",
        "plugin.nmae",
        "provides.a.version",
        "requires.b",
        "drain.pins",
        "x",
    ]


def test_a_hand_over_may_ask_for_a_copy() -> None:
    """Who writes to the block before it serves says so; then what goes back is as it was."""
    state = read_manifest(f"{HEAD}[state]\nkind='single'\nstruct='a'\nhandover='copy'".encode()).state

    assert (state.handover, state.copies) == (True, True)
