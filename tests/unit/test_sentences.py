"""Tests core/sentences.py: what is said of hostile input can be shown, and is not more than a person reads."""

from __future__ import annotations

from hotgraft.core.sentences import printable, sentences


def test_what_a_terminal_would_obey_is_written_as_its_code() -> None:
    """An escape sequence can hide what was said, or say something else."""
    assert printable("a\x1b[2Jb\x07\n\r\x85\u202e\u2028\ud800\x00") == (
        "a\\x1b[2Jb\\x07\\n\\r\\x85\\u202e\\u2028\\ud800\\x00"
    )
    assert printable('is not ünïcode? 漢 it\'s "fine"') == 'is not ünïcode? 漢 it\'s "fine"'


def test_a_sentence_ends_where_a_person_stops_to_read() -> None:
    """Also where codes make it longer."""
    assert printable("x" * 300) == "x" * 300
    assert printable("x" * 301) == "x" * 299 + "…"
    assert len(printable("\x1b" * 10_000_000)) == 300
    assert printable("abcdef", 4) == "abc…"


def test_of_many_sentences_the_first_are_shown_and_the_others_counted() -> None:
    """The first is there, however long; a number that is no longer exact is not given."""
    assert sentences([]) == []
    assert sentences(["a", "b"]) == ["a", "b"]
    assert sentences(["x" * 300] * 9) == ["x" * 300] * 4 + ["and 5 more"]
    assert sentences(["x" * 5_000]) == ["x" * 299 + "…"]
    assert sentences(str(number) for number in range(1_000))[-1] == "and many more"
    assert sum(map(len, sentences(["x" * 90] * 150))) < 1_500
