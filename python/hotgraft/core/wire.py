"""What a host and a command in another terminal say to each other: one request, one answer, then the connection ends.

A message is four bytes of length (big-endian), then that many bytes of UTF-8 JSON: an object with ``"protocol"``. What
arrives may come from anybody who may open the socket, so it is read as hostile.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from hotgraft.core import errors
from hotgraft.core.sentences import printable, sentences

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "ASKS", "HEAD_BYTES", "MESSAGE_LIMIT", "PROTOCOL", "Request", "answer_of", "encode", "error_of", "length_of",
    "read_answer", "read_request",
]  # fmt: skip

PROTOCOL: Final = 1
MESSAGE_LIMIT: Final = 1 << 20  # bytes, without the length
HEAD_BYTES: Final = 4
ASKS: Final = ("status", "reload", "rollback", "plan")
WORD_LIMIT: Final = 4096  # characters of a word in a request
_NEEDS_PLUGIN: Final = ("reload", "rollback", "plan")
_ANSWERS: Final = ("tried", "on", "advice", "running")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked of a host; empty: not said.

    `version` and `digest` (of the image's bytes, SHA-256, 8 hexadecimal digits of it or more) choose among the images
    that the host knows; `path` names one that it does not.
    """

    ask: str
    plugin: str = ""
    version: str = ""
    digest: str = ""
    path: str = ""
    reason: str = ""
    allow_downgrade: bool = False

    def encoded(self) -> bytes:
        """Return it as it is sent."""
        given = {one.name: getattr(self, one.name) for one in fields(self)}
        return encode({name: value for name, value in given.items() if value not in ("", False)})


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
        value = given.get(name)
        wanted = bool if kind == "bool" else str
        if value is not None and not isinstance(value, wanted):
            found.append(f"{name} must be {'true or false' if wanted is bool else 'text'}")
        elif isinstance(value, str) and len(value) > WORD_LIMIT:
            found.append(f"{name} has {len(value):,} characters, more than {WORD_LIMIT:,}")
    ask = given.get("ask")
    if ask not in ASKS:
        found.append(f"asked for {printable(str(ask), 60)!r}; known: {', '.join(ASKS)}")
    elif ask in _NEEDS_PLUGIN and not given.get("plugin"):
        found.append(f"{ask} needs a plugin")
    chosen = [name for name in ("version", "digest", "path") if given.get(name)]
    if len(chosen) > 1:
        found.append(f"{' and '.join(chosen)} are given: one chooses the image")
    if found:
        raise ValueError("; ".join(sentences(found)))
    return Request(**given)


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
