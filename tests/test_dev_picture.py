"""The picture of a session: what was shown, where it was shown."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

from dev_picture import picture
from dev_terminal import COLUMNS, TYPED

TEXT = "{http://www.w3.org/2000/svg}text"


def test_colours_columns_and_long_lines_are_as_in_the_terminal() -> None:
    """What a reader sees is what a person would."""
    drawn = ElementTree.fromstring(
        picture([("did", "$ hotgraft dev"), ("shown", "  \x1b[31m✗\x1b[0m a < b"), ("shown", "x" * (COLUMNS + 3))])
    )
    texts = [(one.text, one.get("x"), one.get("fill")) for one in drawn.iter(TEXT)]
    assert texts[0][0] == "$ hotgraft dev"
    assert texts[1] == ("✗", "34", "#ff7b72")
    assert texts[2][:2] == ("a < b", "50")
    assert [text for text, _, _ in texts[3:]] == ["x" * COLUMNS, "xxx"]


def test_the_picture_in_the_docs_is_one() -> None:
    """Drawn by the script, of a whole session."""
    drawn = ElementTree.parse(Path(__file__).parent.parent / "docs" / "dev.svg")
    texts = [one.text or "" for one in drawn.iter(TEXT)]
    assert texts[0] == f"$ {TYPED}"
    assert TYPED.startswith("hotgraft new gain && cd gain && hotgraft dev")
    assert any("generation 2 still serves" in text for text in texts)
    assert texts[-1] == "stopped: q was pressed"
