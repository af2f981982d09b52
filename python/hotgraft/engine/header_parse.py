"""The structs of interface headers: members as declared, and what the annotations beside them say.

Finds ``typedef struct name { … } name;``. A member is a function pointer or a field. cffi parses the declarations
(`header_types`); what C's grammar does not keep for us is read here: annotations, parameter names, lines. Both
readings are compared, and nothing is guessed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hotgraft.engine.header_tokens import Header, Token

PARAMETER_ANNOTATIONS: Final = {
    "HOTGRAFT_IN": 1, "HOTGRAFT_OUT": 1, "HOTGRAFT_INOUT": 1, "HOTGRAFT_NULLABLE": 0,
}  # fmt: skip
FUNCTION_ANNOTATIONS: Final = {
    "HOTGRAFT_SINCE": 2, "HOTGRAFT_BLOCKING": 0, "HOTGRAFT_IDEMPOTENT": 0,
    "HOTGRAFT_COPIED": 0, "HOTGRAFT_OWNED": 0, "HOTGRAFT_LEASED": 1, "HOTGRAFT_NOTHROW": 0,
}  # fmt: skip
NOISE: Final = frozenset({"HOTGRAFT_CALL", "HOTGRAFT_EXTERN_C_BEGIN", "HOTGRAFT_EXTERN_C_END"})
SHOWN_TOKENS: Final = 24  # of what a complaint is about
PAIRS: Final = {"(": ")", "{": "}", "[": "]"}


@dataclass(frozen=True, slots=True)
class Declared:
    """A parameter, field or result: its type's tokens, its name, the text between brackets, its annotations."""

    type: tuple[str, ...]
    name: str
    array: str
    line: int
    annotations: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def stars(self) -> int:
        """How many pointers deep."""
        return self.type.count("*")

    @property
    def base(self) -> tuple[str, ...]:
        """What stands before the first star, without const: ``struct pair`` is ``pair``."""
        words = self.type[: self.type.index("*")] if "*" in self.type else self.type
        words = tuple(word for word in words if word != "const")
        return words[1:] if words[:1] == ("struct",) and len(words) == 2 else words

    @property
    def is_const(self) -> bool:
        """Is what it points to (or the value itself) const?"""
        return "const" in (self.type[: self.type.index("*")] if "*" in self.type else self.type)

    @property
    def is_plain(self) -> bool:
        """After the first star, is there nothing but stars and const?"""
        return "*" not in self.type or set(self.type[self.type.index("*") :]) <= {"*", "const"}

    @property
    def c_type(self) -> str:
        """The type as C writes it, without the name; const of a parameter itself is no part of a function's type."""
        const = "const " if self.is_const and self.stars else ""
        return f"{const}{' '.join(self.base)}{' ' + '*' * self.stars if self.stars else ''}"


@dataclass(frozen=True, slots=True)
class Member:
    """A function pointer of an interface struct; without parameters where it is a plain field."""

    declared: Declared
    parameters: tuple[Declared, ...] | None = None

    def c_type(self, stars: str = "") -> str:
        """Its type as C writes it, or with `stars` the type of a pointer to it."""
        declared = self.declared
        if self.parameters is None:
            pointer = f" ({stars})" if declared.array and stars else f" {stars}" if stars else ""
            return declared.c_type + pointer + (f"[{declared.array}]" if declared.array else "")
        inner = ", ".join(one.c_type for one in self.parameters) or "void"
        nothrow = " HOTGRAFT_NOTHROW" if "HOTGRAFT_NOTHROW" in declared.annotations else ""
        return f"{declared.c_type} (HOTGRAFT_CALL *{stars})({inner}){nothrow}"


@dataclass(frozen=True, slots=True)
class DeclaredStruct:
    """A struct of a header, what of it cannot be read, and the struct as cffi reads it."""

    name: str
    path: str
    line: int
    members: tuple[Member, ...]
    complaints: tuple[str, ...]
    text: str
    words: frozenset[str]


def parse_header(header: Header, complaints: list[str]) -> tuple[DeclaredStruct, ...]:
    """Return the header's structs; add what cannot be told from one another to `complaints`."""
    structs = []
    tokens = [token for token in header.tokens if token.text not in NOISE]
    at = 0
    while at < len(tokens):
        if tokens[at].text not in PAIRS:
            at += 1
            continue
        end = matching(tokens, at)
        if end == len(tokens):
            complaints.append(f"{header.path}:{tokens[at].line}: {tokens[at].text} is never closed")
            break
        if tokens[at].text == "{":
            begin = next((one for one in (at - 2, at - 3) if _opens_struct(tokens, one)), None)
            if begin is not None:
                structs.append(_struct(tokens, begin, at, end, header.path))
        at = end + 1
    return tuple(structs)


def _opens_struct(tokens: Sequence[Token], at: int) -> bool:
    return at >= 0 and [one.text for one in tokens[at : at + 2]] == ["typedef", "struct"]


def _struct(tokens: Sequence[Token], begin: int, opening: int, end: int, path: str) -> DeclaredStruct:
    complaints: list[str] = []
    name = tokens[end + 1].text if end + 1 < len(tokens) else ""
    where = f"{path}:{tokens[begin].line}"
    if not is_name(name) or end + 2 >= len(tokens) or tokens[end + 2].text != ";":
        complaints.append(f"{path}:{tokens[end].line}: after the brace of a struct come its name and ;")
    tag = tokens[begin + 2].text if begin + 2 < opening else ""
    if tag and tag != name:
        complaints.append(f"{where}: struct {tag} is called {name}: give both the same name")
    inner = tokens[opening + 1 : end]
    members = _members(inner, path, complaints)
    text = f"typedef struct {tag} {{ {' '.join(_without_annotations(inner))} }} {name};"
    words = frozenset(token.text for token in inner)
    return DeclaredStruct(name, path, tokens[begin].line, members, tuple(complaints), text, words)


def matching(tokens: Sequence[Token], begin: int) -> int:
    """Return where the bracket opened at `begin` closes; the length of `tokens` where it does not."""
    opened, closed = tokens[begin].text, PAIRS[tokens[begin].text]
    depth = 0
    for at in range(begin, len(tokens)):
        depth += (tokens[at].text == opened) - (tokens[at].text == closed)
        if depth == 0:
            return at
    return len(tokens)


def split(tokens: Sequence[Token], separator: str) -> Iterable[Sequence[Token]]:
    """Yield the runs of tokens between separators that stand outside of brackets."""
    depth = begin = 0
    for at, token in enumerate(tokens):
        depth += (token.text in PAIRS) - (token.text in ")]}")
        if token.text == separator and depth == 0:
            yield tokens[begin:at]
            begin = at + 1
    if begin < len(tokens):
        yield tokens[begin:]


def is_name(text: str) -> bool:
    """Is `text` a name that C, C++ and the descriptor can hold?"""
    return text.isascii() and text.isidentifier()


def _shown(tokens: Sequence[Token]) -> str:
    text = " ".join(token.text for token in tokens[:SHOWN_TOKENS])
    return text if len(tokens) <= SHOWN_TOKENS else text + " …"


def _members(tokens: Sequence[Token], path: str, complaints: list[str]) -> tuple[Member, ...]:
    members: list[Member] = []
    if tokens and tokens[-1].text != ";":
        complaints.append(f"{path}:{tokens[-1].line}: {tokens[-1].text}: a ; is missing after it")
    for run in split(tokens, ";"):
        texts = [token.text for token in run]
        if not run:
            continue
        if ":" in texts:
            complaints.append(f"{path}:{run[0].line}: {_shown(run)}: bitfields do not cross")
        elif "{" in texts:
            complaints.append(f"{path}:{run[0].line}: a struct inside a struct: declare it before, by name")
        elif ("(", "*") in (pairs := list(pairwise(texts))):
            member = _function(run, pairs.index(("(", "*")), path, complaints)
            members += [member] if member is not None else []
        else:
            members += [Member(one) for one in _fields(run, path, complaints)]
    return tuple(members)


def _fields(run: Sequence[Token], path: str, complaints: list[str]) -> Iterable[Declared]:
    """The fields of one line: ``float x, y[2];`` declares two of one type."""
    first, *others = split(run, ",")
    declared = _declared(first, {}, path, complaints)
    yield declared
    for one in others:
        base = tuple(word for word in declared.type if word != "*")
        further = _declared([*(_at(word, run[0]) for word in base), *one], {}, path, complaints)
        yield further


def _at(text: str, token: Token) -> Token:
    return type(token)(text, token.line)


def _function(run: Sequence[Token], opening: int, path: str, complaints: list[str]) -> Member | None:
    texts = [token.text for token in run]
    naming = matching(run, opening)
    begin = naming + 1
    if texts[begin : begin + 1] != ["("] or naming != opening + 3 or not is_name(texts[opening + 2]):
        complaints.append(f"{path}:{run[0].line}: {_shown(run)}: not of the form  result (*name)(parameters)")
        return None
    end = matching(run, begin)
    annotations, rest = _take_annotations(run[end + 1 :], FUNCTION_ANNOTATIONS, path, complaints)
    before, result = _take_annotations(run[:opening], FUNCTION_ANNOTATIONS, path, complaints)
    if rest:
        complaints.append(f"{path}:{rest[0].line}: {_shown(rest)!r} is no annotation: is a ; missing before it?")
    runs = list(split(run[begin + 1 : end], ","))
    if [token.text for one in runs for token in one] == ["void"]:
        runs = []
    parameters = tuple(_declared(one, PARAMETER_ANNOTATIONS, path, complaints) for one in runs)
    declared = Declared(
        tuple(token.text for token in result), texts[opening + 2], "", run[opening + 2].line, before | annotations
    )
    return Member(declared, parameters)


def _declared(run: Sequence[Token], known: dict[str, int], path: str, complaints: list[str]) -> Declared:
    annotations, rest = _take_annotations(run, known, path, complaints)
    texts = [token.text for token in rest]
    line = rest[-1].line if rest else run[0].line if run else 0
    where = f"{path}:{line}"
    array = ""
    if "[" in texts:
        begin = texts.index("[")
        end = matching(rest, begin)
        array = " ".join(texts[begin + 1 : end])
        if texts.count("[") > 1:
            complaints.append(f"{where}: {_shown(rest)}: arrays of arrays do not cross")
        elif end != len(texts) - 1 or not array:
            complaints.append(f"{where}: {_shown(rest)}: an array says how many elements it has, last")
        texts = texts[:begin]
    if texts == ["..."]:
        complaints.append(f"{where}: '...': a variable number of arguments does not cross")
    elif len(texts) < 2 or not is_name(texts[-1]):
        complaints.append(f"{where}: {_shown(rest) or 'nothing'}: a type and a name of A-Z a-z 0-9 _ are wanted")
    for text in texts:
        if text.startswith("HOTGRAFT_"):
            complaints.append(f"{where}: {text} does not belong here, or lacks its arguments")
    name = texts[-1] if texts else ""
    return Declared(tuple(texts[:-1]), name, array, line, annotations)


def _take_annotations(
    run: Sequence[Token], known: dict[str, int], path: str, complaints: list[str]
) -> tuple[dict[str, tuple[str, ...]], list[Token]]:
    annotations: dict[str, tuple[str, ...]] = {}
    rest = []
    at = 0
    while at < len(run):
        token = run[at]
        wanted = known.get(token.text)
        given: tuple[str, ...] = ()
        if wanted is None:
            rest.append(token)
        else:
            if at + 1 < len(run) and run[at + 1].text == "(" and wanted:
                end = matching(run, at + 1)
                given = tuple(" ".join(one.text for one in part) for part in split(run[at + 2 : end], ","))
                at = end
            if token.text in annotations:
                complaints.append(f"{path}:{token.line}: {token.text} stands twice")
            if len(given) != wanted or not all(given):
                complaints.append(f"{path}:{token.line}: {token.text} lacks its arguments: it wants {wanted}")
                given = ("0",) * wanted
            annotations[token.text] = given
        at += 1
    return annotations, rest


def _without_annotations(tokens: Sequence[Token]) -> Iterable[str]:
    """Yield what a compiler sees after the annotations became nothing."""
    known = PARAMETER_ANNOTATIONS | FUNCTION_ANNOTATIONS
    at = 0
    while at < len(tokens):
        wanted = known.get(tokens[at].text)
        if wanted is None:
            yield tokens[at].text
        elif wanted and at + 1 < len(tokens) and tokens[at + 1].text == "(":
            at = min(matching(tokens, at + 1), len(tokens))
        at += 1
