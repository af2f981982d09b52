"""A library's table of converters that lies is refused, whatever it lies about."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hotgraft.core.errors import HotgraftError
from sample_plugins import SAVES, Workshop

if TYPE_CHECKING:
    from hotgraft import Host

TWO = replace(SAVES, schema=2, build=2, version="1.1.0")
LIES: dict[str, tuple[tuple[int, int, str], ...] | int] = {
    "its rows are short": 1,
    "there are too many": 2,
    "its table is short": 3,
    "no function": ((1, 2, "NULL"),),
    "somebody else's function": ((1, 2, "(void *)abort"),),
    "twice the same": ((1, 2, "tenfold"), (1, 2, "tenth")),
    "from a schema to itself": ((1, 2, "tenfold"), (2, 2, "tenfold")),
}


@pytest.mark.full  # each is another build
@pytest.mark.parametrize("lie", LIES)
def test_a_table_of_converters_that_lies_is_refused(unprobed: Host, build: Workshop, lie: str) -> None:
    """Sizes and pointers are read with suspicion, as of every table."""
    counter = unprobed.load(build(SAVES))
    what = LIES[lie]
    if isinstance(what, int):
        liar = replace(TWO, converters=((1, 2, "tenfold"),), flags=(f"-DCONVERTERS_LIE={what}",))
    else:
        liar = replace(TWO, converters=what, named=((1, 2),))

    with pytest.raises(HotgraftError) as refused:
        unprobed.reload("counter", build(liar))

    assert any("hotgraft.convert/1" in one for one in refused.value.found)
    assert counter.generation == 1
