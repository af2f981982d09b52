"""The types that interface headers declare: structs, unions, enums, typedefs; members as declared, annotations beside.

Finds ``typedef struct name { … } name;``, ``struct name { … };``, the same of unions and enums, and typedefs of other
types. cffi parses the declarations too (`header_types`); what C's grammar does not keep for us is read here:
annotations, parameter names, lines. Both readings are compared, and nothing is guessed.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from hotgraft.core.dataclass import dataclass
from hotgraft.engine.header_c import TAGGED, Scope
from hotgraft.engine.header_declare import (
    LAYOUT_ATTRIBUTES,
    PAIRS,
    TYPE_WORDS,
    DeclarationReader,
    Declared,
    is_name,
    matching,
    shown,
    split,
    without_annotations,
)
from hotgraft.engine.header_literals import NoValueError
from hotgraft.engine.header_numbers import integer_value

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence

    from hotgraft.engine.header_tokens import Header, Token

Kind: TypeAlias = Literal["struct", "union", "enum", "typedef"]

NOISE: Final = frozenset({"HOTGRAFT_CALL", "HOTGRAFT_EXTERN_C_BEGIN", "HOTGRAFT_EXTERN_C_END"})
SCHEMA_MOST: Final = 0xFFFF_FFFF
ANONYMOUS_LIMIT: Final = 16  # members without a name inside one another
CPP_TYPE: Final = "a type of C++ does not cross: use fixed-width fields, or save and restore ([state] save = true)"


@dataclass(frozen=True, slots=True)
class Anonymous:
    """A struct or union inside another, without a name: its members are the outer's."""

    members: tuple[Declared | Anonymous, ...]


@dataclass(frozen=True, slots=True)
class DeclaredType:
    """A type of a header, what of it cannot be read, and the declaration as cffi reads it."""

    kind: Kind
    name: str
    path: str
    line: int
    complaints: tuple[str, ...]
    text: str
    words: frozenset[str]
    spelled: str  # "pair", or "struct pair" where it has no typedef of its own
    parts: tuple[Declared | Anonymous, ...] = ()
    values: tuple[tuple[str, int], ...] = ()  # of an enum
    state_schema: int = 0  # HOTGRAFT_STATE behind a struct: it is the state; 0: it says nothing

    @property
    def members(self) -> tuple[Declared, ...]:
        """Return the members; those of a member without a name as its own."""
        return tuple(_flat(self.parts))


def _flat(parts: Sequence[Declared | Anonymous]) -> Iterator[Declared]:
    for one in parts:
        if isinstance(one, Anonymous):
            yield from _flat(one.members)
        else:
            yield one


def parse_header(header: Header, complaints: list[str], scope: Scope | None = None) -> tuple[DeclaredType, ...]:
    """Return the header's types; add what cannot be told from one another to `complaints`.

    `scope`: what headers before this one declared; it is added to.
    """
    return _Parser(header, complaints, Scope() if scope is None else scope).types()


class _Parser:
    """Goes over the declarations of one header, in order: C names nothing before it was declared."""

    def __init__(self, header: Header, complaints: list[str], scope: Scope) -> None:
        self._path = header.path
        self._tokens = [token for token in header.tokens if token.text not in NOISE]
        self._complaints = complaints
        self._scope = scope
        self._types: list[DeclaredType] = []

    def types(self) -> tuple[DeclaredType, ...]:
        tokens = self._tokens
        begin = at = 0
        while at < len(tokens):
            text = tokens[at].text
            if text == ";":
                self._alias(tokens[begin:at])
                begin = at + 1
            elif text in PAIRS:
                end = matching(tokens, at)
                if end == len(tokens):
                    self._complaints.append(f"{self._path}:{tokens[at].line}: {text} is never closed")
                    break
                if text == "{":
                    end, begin = self._braces(begin, at, end)
                at = end
            at += 1
        return tuple(self._types)

    def _braces(self, begin: int, opening: int, end: int) -> tuple[int, int]:
        """Read what may be the body of a type; return its last token, and where the next declaration begins."""
        head = _from_last(self._tokens[begin:opening], {"typedef"}) or _from_last(self._tokens[begin:opening], TAGGED)
        complaints: list[str] = []
        before = self._tokens[begin : opening - len(head)]
        if before and before[-1].text in TYPE_WORDS:
            complaints.append(f"{self._path}:{before[-1].line}: {before[-1].text} before typedef: typedef comes first")
        texts = _without_attributes(head, f"{self._path}:{head[0].line if head else 0}", complaints)
        is_typedef = texts[:1] == ["typedef"]
        words = texts[is_typedef:]
        if not (words[:1] and words[0] in TAGGED and len(words) <= 2 and all(map(is_name, words))):
            return end, end + 1
        tail = self._tokens[end + 1 :]
        stop = next((at for at, token in enumerate(tail) if token.text == ";"), None)
        behind, schema = self._state_schema(tail[:stop] if stop is not None else tail[:2])
        names = _without_attributes(behind, f"{self._path}:{self._tokens[end].line}", complaints)
        tag = words[1] if len(words) == 2 else ""
        if is_typedef:
            name = names[0] if names else ""
            if len(names) != 1 or not is_name(name) or stop is None:
                complaints.append(
                    f"{self._path}:{self._tokens[end].line}: after the brace of a {words[0]} come its name and ;"
                )
            if tag and tag != name:
                complaints.append(
                    f"{self._path}:{head[0].line}: {words[0]} {tag} is called {name}: give both the same name"
                )
        elif names or (not tag and words[0] != "enum"):
            return end, end + 1  # a variable, or nothing that could be named
        else:
            name = tag
        self._declare(
            words[0], name, tag, head[0].line, (opening, end), complaints, is_typedef=is_typedef, schema=schema
        )
        last = end if stop is None or len(names) > 1 else end + 1 + stop
        return last, last + 1

    def _declare(
        self,
        kind: str,
        name: str,
        tag: str,
        line: int,
        body: tuple[int, int],
        complaints: list[str],
        *,
        is_typedef: bool,
        schema: int,
    ) -> None:
        opening, end = body
        if schema and kind != "struct":
            complaints.append(f"{self._path}:{line}: HOTGRAFT_STATE stands behind a struct, not behind a {kind}")
        inner = self._tokens[opening + 1 : end]
        written = f"{kind} {tag} {{ {' '.join(without_annotations(inner))} }}"
        values: tuple[tuple[str, int], ...] = ()
        parts: tuple[Declared | Anonymous, ...] = ()
        if kind == "enum":
            values = tuple(self._enumerators(inner, complaints))
        else:
            parts = _members(inner, self._path, self._scope, complaints)
        declared = DeclaredType(
            "struct" if kind == "struct" else "union" if kind == "union" else "enum",
            name or f"enum at {self._path}:{line}",
            self._path,
            line,
            tuple(complaints),
            f"typedef {written} {name};" if is_typedef else f"{written};",
            frozenset(token.text for token in inner),
            name if is_typedef else f"{kind} {name}",
            parts,
            values,
            schema,
        )
        self._types.append(declared)
        if tag:
            self._scope.tags[tag] = kind
        if not complaints:
            self._scope.enumerators |= dict(values)

    def _state_schema(self, behind: Sequence[Token]) -> tuple[Sequence[Token], int]:
        """Return what stands behind a brace without HOTGRAFT_STATE(schema), and that schema; 0: it is not there."""
        at = next((at for at, token in enumerate(behind) if token.text == "HOTGRAFT_STATE"), len(behind))
        if at == len(behind):
            return behind, 0
        end = matching(behind, at + 1) if at + 1 < len(behind) and behind[at + 1].text == "(" else at
        try:
            schema = integer_value(" ".join(one.text for one in behind[at + 2 : end]), self._scope.enumerators)
        except NoValueError:
            schema = 0
        if not 1 <= schema <= SCHEMA_MOST:
            where = f"{self._path}:{behind[at].line}: {shown(behind[at : end + 1])}"
            self._complaints.append(f"{where}: a schema is a number from 1 to {SCHEMA_MOST}")
        return [*behind[:at], *behind[end + 1 :]], schema

    def _enumerators(self, tokens: Sequence[Token], complaints: list[str]) -> Iterator[tuple[str, int]]:
        known = dict(self._scope.enumerators)
        following = 0
        for run in split(tokens, ","):
            texts = [token.text for token in run]
            if not texts or not is_name(texts[0]) or (len(texts) > 1 and texts[1] != "="):
                line = run[0].line if run else tokens[0].line
                complaints.append(f"{self._path}:{line}: {shown(run) or 'nothing'}: NAME or NAME = number is wanted")
                return
            if len(texts) > 1:
                try:
                    following = integer_value(" ".join(texts[2:]), known)
                except NoValueError:
                    complaints.append(f"{self._path}:{run[0].line}: {shown(run)}: its value is not certain")
                    return
            if texts[0] in known:
                complaints.append(f"{self._path}:{run[0].line}: {texts[0]} is declared twice")
            yield texts[0], following
            known[texts[0]] = following
            following += 1

    def _alias(self, run: Sequence[Token]) -> None:
        """Read ``typedef type name;``."""
        texts = [token.text for token in run]
        if texts[:1] != ["typedef"] or len(texts) < 3:
            return
        complaints: list[str] = []
        reader = DeclarationReader(self._path, self._scope, complaints)
        is_function = ("(", "*") in pairwise(texts)
        declared = reader.call_back(run[1:]) if is_function else reader.declared(run[1:], {})
        name = declared.name
        if not is_name(name):
            return
        if texts[1] in TAGGED and texts[2:] == [name, name]:
            self._scope.aliased.add(name)
            return
        line = run[0].line
        text = " ".join(texts) + ";"
        words = frozenset(texts[1:]) - {name}
        self._scope.typedefs[name] = (declared.type, declared.is_const)
        self._types.append(DeclaredType("typedef", name, self._path, line, tuple(complaints), text, words, name))


def _from_last(run: Sequence[Token], words: Container[str]) -> Sequence[Token]:
    """Return what begins with the last of these words; nothing where none stands there."""
    at = next((at for at in reversed(range(len(run))) if run[at].text in words), len(run))
    return run[at:]


def _members(
    tokens: Sequence[Token], path: str, scope: Scope, complaints: list[str], depth: int = 0
) -> tuple[Declared | Anonymous, ...]:
    reader = DeclarationReader(path, scope, complaints)
    members: list[Declared | Anonymous] = []
    if tokens and tokens[-1].text != ";":
        complaints.append(f"{path}:{tokens[-1].line}: {tokens[-1].text}: a ; is missing after it")
    for run in split(tokens, ";"):
        texts = [token.text for token in run]
        if not run:
            continue
        if "{" in texts:
            opening = texts.index("{")
            kind = _without_attributes(run[:opening], f"{path}:{run[0].line}", complaints)
            if (
                kind not in (["struct"], ["union"])
                or matching(run, opening) != len(run) - 1
                or depth == ANONYMOUS_LIMIT
            ):
                complaints.append(f"{path}:{run[0].line}: a struct inside a struct: declare it before, by name")
                continue
            members.append(Anonymous(_members(run[opening + 1 : -1], path, scope, complaints, depth + 1)))
        elif (":", ":") in pairwise(texts):
            complaints.append(f"{path}:{run[0].line}: {shown(run)}: {CPP_TYPE}")
        elif ":" in texts:
            complaints.append(f"{path}:{run[0].line}: {shown(run)}: bitfields do not cross")
        elif ("(", "*") in pairwise(texts):
            member = reader.function(run)
            members += [member] if member is not None else []
        else:
            members += reader.fields(run)
    return tuple(members)


def _without_attributes(run: Sequence[Token], where: str, complaints: list[str]) -> list[str]:
    """Return the words of a type's head; what changes its layout is complained about and left out."""
    words = []
    at = 0
    while at < len(run):
        text = run[at].text
        if text not in LAYOUT_ATTRIBUTES:
            words.append(text)
        else:
            end = matching(run, at + 1) if at + 1 < len(run) and run[at + 1].text == "(" else at
            complaints.append(
                f"{where}: {shown(run[at : end + 1])}: bind knows nothing of layouts that an attribute makes, and such "
                "a struct does not cross: leave it out, and order the fields so that no gaps are left"
            )
            at = end
        at += 1
    return words
