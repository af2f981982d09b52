"""What a library says of its state, held against its manifest when it is loaded."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hotgraft import StateError
from sample_plugins import HANDS_OVER, SHARES, Sample, Workshop

if TYPE_CHECKING:
    from hotgraft import Host


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (("-UCOUNTER_SCHEMA", "-DCOUNTER_SCHEMA=2"), "its schema is 1 in the manifest and 2 in its table"),
        (("-UCOUNTER_LAYOUT", "-DCOUNTER_LAYOUT=9"), "its layout_id is 0x7 in the manifest and 0x9 in its table"),
    ],
    ids=["schema", "layout"],
)
@pytest.mark.parametrize("sample", [HANDS_OVER, SHARES], ids=["hand over", "share"])
def test_a_table_that_says_otherwise_than_the_manifest_is_not_loaded(
    host: Host, build: Workshop, sample: Sample, flags: tuple[str, ...], sentence: str
) -> None:
    """Else the first swap would be the one to find out, or a snapshot would be read for what it is not."""
    with pytest.raises(StateError, match=sentence):
        host.load(build(replace(sample, flags=flags)))
    assert "counter" not in host
