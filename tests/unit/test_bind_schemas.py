"""Tests engine/bind_schemas.py: the schemas that a manifest names, and the functions they are of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hotgraft import BindError
from hotgraft.core.manifest import read_manifest
from hotgraft.core.schema_check import SCHEMA_LIMIT
from hotgraft.engine.bind import bind

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST = '[plugin]\nname = "gain"\nversion = "1.0.0"\n[provides.gain]\nversion = "1.0"\n'
HEADER = """#include <hotgraft/hotgraft.h>
typedef struct gain_v1 {
    uint32_t struct_size;
    const char *(*tell)(void *self) HOTGRAFT_COPIED;
    const uint8_t *(*packed)(void *self, uint64_t *bytes HOTGRAFT_OUT(1)) HOTGRAFT_LEASED(bytes);
    double (*level)(void *self);
} gain_v1;
"""


def complaints(folder: Path, more: str, **files: bytes) -> str:
    (folder / "gain.h").write_text(HEADER)
    for name, data in files.items():
        (folder / f"{name}.json").write_bytes(data)
    manifest = folder / "plugin.toml"
    manifest.write_text(MANIFEST + more)
    with pytest.raises(BindError) as caught:
        bind(manifest)
    return str(caught.value)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ('[outputs]\n"gain.tel" = {}', 'outputs.gain.tel: no such function; did you mean "gain.tell"?'),
        ('[outputs]\n"gain.level" = {}', "outputs.gain.level: it returns neither text"),
        ('[outputs]\n"gain.tell" = { type = "x" }', 'outputs.gain.tell is no JSON Schema: #/type: "x" is none of'),
        ('[outputs]\n"gain.tell" = "absent.json"', "absent.json"),
        ('[config]\nschema = { properties = { a = { maximum = 1, default = 2 } } }',
         "config.schema is no JSON Schema: #/properties/a/default: breaks its own schema: "
         "the whole of it: 2 is greater than the maximum of 1 (#/maximum)"),
        ('[config]\nschema = "big.json"', f"a schema ends at {SCHEMA_LIMIT} bytes"),
        ('[config]\nschema = "deep.json"', "nested deeper than 64"),
        ('[config]\nschema = "twice.json"', "the key 'type' stands twice"),
        ('[config]\nschema = "nan.json"', "NaN is not JSON"),
        ('[config]\nschema = "bad.json"', "is not UTF-8: byte 0xff"),
        ('[config]\nschema = "list.json"', "a JSON Schema is an object"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_schema_is_said_when_building(tmp_path: Path, more: str, said: str) -> None:
    """The author hears of it, not the operator who loads it."""
    files: dict[str, Any] = {
        "big": b'{"const": "' + b"x" * SCHEMA_LIMIT + b'"}',
        "deep": b'{"not":' * 10_000,
        "twice": b'{"type": "null", "type": "null"}',
        "nan": b'{"const": NaN}',
        "bad": b'{"const": "\xff"}',
        "list": b"[]",
    }

    assert said in complaints(tmp_path, more, **files)


def test_outputs_that_fit_are_in_the_descriptor(tmp_path: Path) -> None:
    """Text and bytes both: JSON and MessagePack."""
    (tmp_path / "gain.h").write_text(HEADER)
    manifest = MANIFEST + '[outputs]\n"gain.tell" = { type = "object" }\n"gain.packed" = { type = "array" }\n'
    (tmp_path / "plugin.toml").write_text(manifest)

    bound = bind(tmp_path / "plugin.toml")

    assert bound.descriptor.outputs == {"gain.tell": {"type": "object"}, "gain.packed": {"type": "array"}}
    assert set(read_manifest(manifest.encode()).outputs) == set(bound.descriptor.outputs)
