"""What a host and a command in another terminal say to each other: one request, one answer, then the connection ends.

A message is four bytes of length (big-endian), then that many bytes of UTF-8 JSON: an object with ``"protocol"``. What
arrives may come from anybody who may open the socket, so it is read as hostile.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final

from hotgraft.core import errors
from hotgraft.core.sentences import printable, sentences

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "ASKS", "FORMATS", "HEAD_BYTES", "MESSAGE_LIMIT", "PLUGINS_LIMIT", "PROTOCOL", "Request", "answer_of", "encode",
    "error_of", "length_of", "read_answer", "read_request",
]  # fmt: skip

PROTOCOL: Final = 1
MESSAGE_LIMIT: Final = 1 << 20  # bytes, without the length
HEAD_BYTES: Final = 4
ASKS: Final = ("status", "reload", "rollback", "plan")
WORD_LIMIT: Final = 4096  # characters of a word in a request
PLUGINS_LIMIT: Final = 256  # of one request
FORMATS: Final = ("text", "mermaid", "dot")  # of a plan
_NEEDS_PLUGIN: Final = ("reload", "rollback", "plan")
_OF_MANY: Final = ("reload", "plan")
_ANSWERS: Final = ("tried", "on", "advice", "running")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked of a host; empty: not said.

    `version` and `digest` (of the image's bytes, SHA-256, 8 hexadecimal digits of it or more) choose among the images
    that the host knows; `path` names one that it does not.

    Several plugins at once are `plugins`, those with an image of their own in `paths`, and then none of the former.
    `format` is that of a plan.
    """

    ask: str
    plugin: str = ""
    version: str = ""
    digest: str = ""
    path: str = ""
    plugins: tuple[str, ...] = ()
    paths: Mapping[str, str] = field(default_factory=dict)
    format: str = ""
    reason: str = ""
    allow_downgrade: bool = False

    @property
    def images(self) -> dict[str, str | None]:
        """Return the path of each plugin's image, where several are meant; None: where it is loaded from."""
        return {**dict.fromkeys(self.plugins), **self.paths}

    def encoded(self) -> bytes:
        """Return it as it is sent."""
        given = {one.name: getattr(self, one.name) for one in fields(self)}
        return encode({name: value for name, value in given.items() if value})


def encode(message: Mapping[str, Any]) -> bytes:
    """Return a message as it is sent.

    Raises:
        ValueError: it is larger than a message may be.
    """
    data = json.dumps({"protocol": PROTOCOL, **message}, ensure_ascii=False, default=str).encode(errors="replace")
    if len(data) > MESSAGE_LIMIT:
        raise ValueError(f"a message of {len(data):,} bytes is larger than {MESSAGE_LIMIT:,}")
    return struct.pack(">I", len(data)) + data


def length_of(head: bytes) -> int:
    """Return how many bytes follow the first four.

    Raises:
        ValueError: more than a message may have, or none.
    """
    (length,) = struct.unpack(">I", head)
    if not 0 < length <= MESSAGE_LIMIT:
        raise ValueError(f"a message of {length:,} bytes: it has 1 to {MESSAGE_LIMIT:,}")
    return int(length)


def read_request(data: bytes) -> Request:
    """Return what is asked.

    Raises:
        ValueError: it is no request of this protocol; the sentence holds every reason.
    """
    given = _object(data)
    known = {one.name: one.type for one in fields(Request)}
    found = [f"unknown key {printable(name, 60)!r}" for name in given if name not in known]
    for name, kind in known.items():
        if (value := given.get(name)) is not None:
            found += _wrong(name, kind, value)
    ask = given.get("ask")
    if ask not in ASKS:
        found.append(f"asked for {printable(str(ask), 60)!r}; known: {', '.join(ASKS)}")
    elif ask in _NEEDS_PLUGIN:
        found += _wrong_plugins(given)
    if given.get("format") and given["format"] not in FORMATS:
        found.append(f"format is {printable(str(given['format']), 60)!r}; known: {', '.join(FORMATS)}")
    chosen = [name for name in ("version", "digest", "path") if given.get(name)]
    if len(chosen) > 1:
        found.append(f"{' and '.join(chosen)} are given: one chooses the image")
    if found:
        raise ValueError("; ".join(sentences(found)))
    return Request(**{**given, "plugins": tuple(given.get("plugins") or ()), "paths": given.get("paths") or {}})


def _wrong(name: str, kind: object, value: object) -> list[str]:
    """Return what is wrong with a value of a request."""
    if kind == "bool":
        return [] if isinstance(value, bool) else [f"{name} must be true or false"]
    texts: list[object] = [value]
    if name in ("plugins", "paths"):
        wanted, words = (list, "a list of texts") if name == "plugins" else (dict, "an object of texts")
        if not isinstance(value, wanted):
            return [f"{name} must be {words}"]
        if len(value) > PLUGINS_LIMIT:
            return [f"{name} has {len(value):,} entries, more than {PLUGINS_LIMIT}"]
        texts = [*value, *value.values()] if isinstance(value, dict) else [*value]
        if not all(isinstance(one, str) and one for one in texts):
            return [f"{name} must be {words}"]
    elif not isinstance(value, str):
        return [f"{name} must be text"]
    longest = max((len(one) for one in texts if isinstance(one, str)), default=0)
    return [f"{name} has {longest:,} characters, more than {WORD_LIMIT:,}"] if longest > WORD_LIMIT else []


def _wrong_plugins(given: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with whom a request is about: one plugin, or several."""
    ask, many = given["ask"], [name for name in ("plugins", "paths") if given.get(name)]
    if not many:
        return [] if given.get("plugin") else [f"{ask} needs a plugin"]
    if ask not in _OF_MANY:
        return [f"{ask} is of one plugin, and {' and '.join(many)} are given"]
    alone = [name for name in ("plugin", "version", "digest", "path") if given.get(name)]
    found = [f"{' and '.join(alone)} is of one plugin, and {' and '.join(many)} are given"] if alone else []
    names = given.get("plugins")
    if isinstance(names, list) and len(set(map(str, names))) < len(names):
        found.append("a plugin stands in plugins twice")
    return found


def answer_of(answer: Mapping[str, Any]) -> bytes:
    """Return an answer as it is sent; one that is too large is an error that says so."""
    try:
        return encode({"answer": answer})
    except ValueError as error:
        return error_of(errors.ResourceError("answer", on="the host", found=str(error)))


def error_of(error: Exception) -> bytes:
    """Return what went wrong as it is sent."""
    if isinstance(error, errors.HotgraftError):
        told = {name: printable(getattr(error, name), WORD_LIMIT) for name in _ANSWERS}
        return encode({"error": {"kind": type(error).__name__, **told, "found": sentences(error.found)}})
    return encode({"error": {"kind": "HotgraftError", "tried": "answer", "found": [printable(str(error))]}})


def read_answer(data: bytes) -> dict[str, Any]:
    """Return a host's answer.

    Raises:
        HotgraftError: the host's own error, of its class. ValueError: it is no answer of this protocol.
    """
    given = _object(data)
    if isinstance(given.get("answer"), dict):
        return dict(given["answer"])
    told = given.get("error")
    if not isinstance(told, dict):
        raise ValueError("it holds neither an answer nor an error")
    raise _error(told)


def _error(told: Mapping[str, Any]) -> errors.HotgraftError:
    kind = getattr(errors, str(told.get("kind")), None)
    is_ours = isinstance(kind, type) and issubclass(kind, errors.HotgraftError)
    found = told.get("found")
    words = {name: printable(str(told.get(name, "")), WORD_LIMIT) for name in _ANSWERS}
    made = kind if is_ours and kind is not None else errors.HotgraftError
    error: errors.HotgraftError = made(
        words.pop("tried") or "answer", found=sentences(map(str, found)) if isinstance(found, list) else (), **words
    )
    return error


def _object(data: bytes) -> dict[str, Any]:
    try:
        given = json.loads(data.decode(), object_pairs_hook=_once_each, parse_constant=_no_constant)
    except (RecursionError, MemoryError):
        raise ValueError("it is nested too deep") from None
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"it is no JSON: {error.msg} at character {error.pos}") from None
    if not isinstance(given, dict):
        raise ValueError("it is no JSON object")
    protocol = given.pop("protocol", None)
    if protocol != PROTOCOL:
        raise ValueError(f"it speaks protocol {printable(repr(protocol), 30)}, and this is {PROTOCOL}")
    return given


def _once_each(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    listed = list(pairs)
    made = dict(listed)
    if len(made) != len(listed):
        raise ValueError("a key stands in it twice")
    return made


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")
