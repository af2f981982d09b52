"""wire.py: what a host and a command in another terminal say to each other; read as hostile."""

from __future__ import annotations

import json
import struct

import pytest
from hotgraft.core import errors
from hotgraft.core.wire import (
    ASKS,
    FORMATS,
    HEAD_BYTES,
    MESSAGE_LIMIT,
    PROTOCOL,
    Request,
    answer_of,
    encode,
    error_of,
    length_of,
    read_answer,
    read_request,
)
from hypothesis import given
from hypothesis import strategies as st


def body(message: bytes) -> bytes:
    """Return a message without its length, which must be true."""
    assert length_of(message[:HEAD_BYTES]) == len(message) - HEAD_BYTES
    return message[HEAD_BYTES:]


TEXT = st.text(max_size=40).filter(lambda text: text.isprintable())


@given(ask=st.sampled_from(ASKS), plugin=TEXT.filter(bool), version=TEXT, reason=TEXT, allow_downgrade=st.booleans())
def test_a_request_arrives_as_it_was_sent(
    ask: str, plugin: str, version: str, reason: str, allow_downgrade: bool
) -> None:
    """Whatever its words are."""
    request = Request(ask=ask, plugin=plugin, version=version, reason=reason, allow_downgrade=allow_downgrade)
    assert read_request(body(request.encoded())) == request


@given(
    plugins=st.lists(TEXT.filter(bool), min_size=1, max_size=4, unique=True),
    paths=st.dictionaries(TEXT.filter(bool), TEXT.filter(bool), max_size=4),
    form=st.sampled_from(("", *FORMATS)),
)
def test_a_request_about_several_arrives_as_it_was_sent(plugins: list[str], paths: dict[str, str], form: str) -> None:
    """Who has a path of its own has that one."""
    request = Request(ask="plan", plugins=tuple(plugins), paths=paths, format=form)
    arrived = read_request(body(request.encoded()))
    assert arrived == request
    assert arrived.images == {**dict.fromkeys(plugins), **paths}


@given(st.binary(max_size=200))
def test_any_bytes_are_a_request_or_a_sentence(data: bytes) -> None:
    """No other error leaves the reader."""
    for read in (read_request, read_answer):
        try:
            read(data)
        except (ValueError, errors.HotgraftError) as error:
            assert str(error)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no JSON"),
        ("[]", "no JSON object"),
        ("{", "no JSON"),
        ('{"protocol": 2, "ask": "status"}', "speaks protocol 2, and this is 1"),
        ('{"ask": "status"}', "speaks protocol None"),
        ('{"protocol": 1}', "asked for 'None'; known: status, reload, rollback, plan"),
        ('{"protocol": 1, "ask": ["status"]}', "ask must be text"),
        ('{"protocol": 1, "ask": "stop"}', "asked for 'stop'"),
        ('{"protocol": 1, "ask": "reload"}', "reload needs a plugin"),
        ('{"protocol": 1, "ask": "reload", "plugin": 3}', "plugin must be text"),
        (
            '{"protocol": 1, "ask": "plan", "plugin": "a", "allow_downgrade": 1}',
            "allow_downgrade must be true or false",
        ),
        ('{"protocol": 1, "ask": "plan", "plugin": "a", "version": "1", "path": "x"}', "version and path are given"),
        ('{"protocol": 1, "ask": "status", "force": true}', "unknown key 'force'"),
        ('{"protocol": 1, "ask": "status", "ask": "reload"}', "stands in it twice"),
        ('{"protocol": 1, "ask": "status", "plugin": NaN}', "NaN is no number of JSON"),
        ('{"protocol": 1, "ask": "plan", "plugins": "a"}', "plugins must be a list of texts"),
        ('{"protocol": 1, "ask": "plan", "plugins": ["a", 3]}', "plugins must be a list of texts"),
        ('{"protocol": 1, "ask": "plan", "plugins": ["a", ""]}', "plugins must be a list of texts"),
        ('{"protocol": 1, "ask": "plan", "plugins": ["a", "b", "a"]}', "a plugin stands in plugins twice"),
        ('{"protocol": 1, "ask": "plan", "plugins": ["a"], "plugin": "b"}', "plugin is of one plugin, and plugins are"),
        ('{"protocol": 1, "ask": "plan", "paths": {"a": "x"}, "digest": "b"}', "digest is of one plugin"),
        ('{"protocol": 1, "ask": "plan", "plugins": []}', "plan needs a plugin"),
        ('{"protocol": 1, "ask": "rollback", "plugins": ["a"]}', "rollback is of one plugin, and plugins are given"),
        ('{"protocol": 1, "ask": "reload", "paths": ["a"]}', "paths must be an object of texts"),
        ('{"protocol": 1, "ask": "reload", "paths": {"a": null}}', "paths must be an object of texts"),
        ('{"protocol": 1, "ask": "reload", "paths": {"a": "x", "a": "y"}}', "stands in it twice"),
        ('{"protocol": 1, "ask": "reload", "plugins": ["' + "a" * 5000 + '"]}', "plugins has 5,000 characters"),
        (
            json.dumps({"protocol": 1, "ask": "plan", "plugins": list(map(str, range(257)))}),
            "257 entries, more than",
        ),
        (
            '{"protocol": 1, "ask": "plan", "plugin": "a", "format": "png"}',
            "format is 'png'; known: text, mermaid",
        ),
        ("[" * 100_000, "nested too deep"),
        ('{"protocol": 1, "ask": "plan", "plugin": "' + "a" * 5000 + '"}', "plugin has 5,000 characters"),
    ],
)
def test_what_is_no_request_is_refused_with_its_reason(text: str, words: str) -> None:
    """Unknown keys too: a later protocol's wish is not half done."""
    with pytest.raises(ValueError, match=r".+") as caught:
        read_request(text.encode())
    assert words in str(caught.value)
    assert len(str(caught.value)) < 600


def test_bytes_that_are_not_utf8_are_refused() -> None:
    """They are nobody's words."""
    with pytest.raises(ValueError, match="not UTF-8"):
        read_request(b'{"protocol": 1, "ask": "\xff"}')


@pytest.mark.parametrize("length", [0, MESSAGE_LIMIT + 1, 0xFFFFFFFF])
def test_a_length_out_of_bounds_is_refused_before_anything_is_read(length: int) -> None:
    """Nobody waits for four gigabytes."""
    with pytest.raises(ValueError, match="1 to 1,048,576"):
        length_of(struct.pack(">I", length))


def test_an_error_arrives_as_the_class_and_words_that_it_was() -> None:
    """So a command's exit code is what the host decided."""
    sent = errors.StateError("swap", on="gain", found=["a", "b"], advice="mend it", running="generation 3 still serves")
    with pytest.raises(errors.StateError) as caught:
        read_answer(body(error_of(sent)))
    assert str(caught.value) == str(sent)


@pytest.mark.parametrize("kind", ["Exception", "os", "__all__", None, 7])
def test_an_error_of_no_class_of_ours_is_a_plain_one(kind: object) -> None:
    """A name from outside makes nothing but our own errors."""
    data = json.dumps({"protocol": PROTOCOL, "error": {"kind": kind, "tried": "x", "found": "no list"}}).encode()
    with pytest.raises(errors.HotgraftError) as caught:
        read_answer(data)
    assert type(caught.value) is errors.HotgraftError


def test_an_answer_that_is_too_large_says_so() -> None:
    """Instead of one that nobody may read."""
    with pytest.raises(errors.ResourceError, match="is larger than"):
        read_answer(body(answer_of({"words": "x" * MESSAGE_LIMIT})))
    assert read_answer(body(encode({"answer": {"a": 1}}))) == {"a": 1}


def test_what_an_answer_says_obeys_no_terminal() -> None:
    """A plugin's words end up on somebody's screen."""
    with pytest.raises(errors.HotgraftError) as caught:
        read_answer(body(error_of(errors.PluginError("call\x1b[2J", on="gain", found="\x07"))))
    assert "\x1b" not in str(caught.value)
    assert "\x07" not in str(caught.value)
