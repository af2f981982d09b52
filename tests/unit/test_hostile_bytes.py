"""Hostile bytes at every reader of files: a clear refusal, at once (FAULTS C03, C07)."""

from __future__ import annotations

import json
import time

import pytest
from hotgraft.core.descriptor import read_descriptor
from test_descriptor import GOOD, PROCESS, put, refused

CHAIN = {
    f"s{i}": {
        "bytes": 8,
        "align": 8,
        "fields": [{"name": "a", "type": f"s{(i + 1) % 5000}", "offset": 0, "bytes": 8, "count": 1}],
    }
    for i in range(5000)
}
HOSTILE: tuple[tuple[bytes, str], ...] = (
    (b"", "is not a descriptor"),
    (b"null", "expected an object"),
    (b"[]", "expected an object"),
    (b"\xff\xfe", "is not a descriptor"),
    (b"\xef\xbb\xbf{}", "is not a descriptor"),
    (b"{}{}", "is not a descriptor"),
    (b'{"a": 1,}', "is not a descriptor"),
    (b" " * ((1 << 20) + 1), "ends at 1048576"),
    (b"[" * 1_000_000, "is not a descriptor"),
    (b'{"a":' * 100_000, "is not a descriptor"),
    (b"[" * 65 + b"]" * 65, "is nested deeper than 64"),
    (b'{"a": 1, "a": 2}', "the key 'a' stands twice"),
    (b'{"a": {"b": 1, "b": 1}}', "the key 'b' stands twice"),
    (b'{"a": 1, "\\u0061": 2}', "the key 'a' stands twice"),
    (b'{"a": NaN}', "NaN is not JSON"),
    (b'{"a": -Infinity}', "-Infinity is not JSON"),
    (b'{"a": 1e999}', "beyond a double"),
    (b'{"a": ' + b"1" * 100_000 + b"}", "is not a descriptor"),
    (b'{"a": "\\ud800"}', "half of a surrogate pair"),
    (b'{"a": "\x00"}', "is not a descriptor"),
    (b"{" + b",".join(b'"k%d":0' % i for i in range(80_000)) + b"}", "and more"),
    (json.dumps(GOOD | {"provides": [GOOD["provides"][0]] * 700}).encode(), "interface gain is provided twice"),
    (json.dumps(GOOD | {"structs": CHAIN}).encode(), "structs contain themselves"),
    (json.dumps(GOOD | {"provides": [{}] * 100_000}).encode(), "and more"),
    (put("config_schema", {"a": [[[]]] * 50_000, "b": "\0" * 1000}) + b"x", "is not a descriptor"),
)


@pytest.mark.parametrize(("data", "said"), HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_bytes_are_refused_within_a_second(data: bytes, said: str) -> None:
    """FAULTS C03 and C07: the bytes come out of an image, and an image may be anybody's."""
    began = time.process_time()

    found = refused(data)

    assert time.process_time() - began < 1.0
    assert said in "\n".join(found)


def test_the_largest_descriptor_is_read_within_a_second() -> None:
    """The limit must be one that the checks can bear."""
    functions = [{**PROCESS, "name": f"f{i}", "offset": 8 + 8 * i} for i in range(1500)]
    provides = [{**GOOD["provides"][0], "functions": functions, "bytes": 8 + 8 * len(functions)}]
    data = json.dumps(GOOD | {"provides": provides}).encode()
    assert 900_000 < len(data) < 1 << 20
    began = time.process_time()

    read_descriptor(data)

    assert time.process_time() - began < 1.0
