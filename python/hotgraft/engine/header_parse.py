"""The structs of interface headers: members as declared, and what the annotations beside them say.

Finds ``typedef struct name { … } name;``. A member is a function pointer or a field. Everything an interface may
not use is complained about with file and line; nothing is guessed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hotgraft.engine.header_tokens import Header, Token

PARAMETER_ANNOTATIONS: Final = {
    "HOTGRAFT_IN": 1,
    "HOTGRAFT_OUT": 1,
    "HOTGRAFT_INOUT": 1,
    "HOTGRAFT_NULLABLE": 0,
}
FUNCTION_ANNOTATIONS: Final = {
    "HOTGRAFT_SINCE": 2, "HOTGRAFT_BLOCKING": 0, "HOTGRAFT_IDEMPOTENT": 0,
    "HOTGRAFT_COPIED": 0, "HOTGRAFT_OWNED": 0, "HOTGRAFT_LEASED": 1,
}  # fmt: skip
NOISE: Final = frozenset({"HOTGRAFT_CALL", "HOTGRAFT_NOTHROW", "HOTGRAFT_EXTERN_C_BEGIN", "HOTGRAFT_EXTERN_C_END"})
STRUCT_ANNOTATION: Final = "HOTGRAFT_STATE"


@dataclass(frozen=True, slots=True)
class Declared:
    """A parameter or field: its type's tokens, its name, the text between brackets, its annotations."""

    type: tuple[str, ...]
    name: str
    array: str
    line: int
    annotations: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The declaration as cffi reads it."""
        return f"{' '.join(self.type)} {self.name}" + (f"[{self.array}]" if self.array else "")

    @property
    def stars(self) -> int:
        """How many pointers deep."""
        return self.type.count("*")


@dataclass(frozen=True, slots=True)
class Member:
    """A function pointer of an interface struct; without parameters where it is a plain field."""

    declared: Declared
    parameters: tuple[Declared, ...] | None = None

    @property
    def text(self) -> str:
        """The member as cffi reads it."""
        if self.parameters is None:
            return self.declared.text + ";"
        inner = ", ".join(one.text for one in self.parameters) or "void"
        return f"{' '.join(self.declared.type)} (*{self.declared.name})({inner});"


@dataclass(frozen=True, slots=True)
class DeclaredStruct:
    """A struct of a header."""

    name: str
    path: str
    line: int
    members: tuple[Member, ...]

    @property
    def text(self) -> str:
        """The struct as cffi reads it."""
        return f"typedef struct {self.name} {{ {' '.join(one.text for one in self.members)} }} {self.name};"


def parse_header(header: Header, complaints: list[str]) -> tuple[DeclaredStruct, ...]:
    """Return the header's structs; add what cannot be read to `complaints` as ``file:line: sentence``."""
    structs = []
    tokens = [token for token in header.tokens if token.text not in NOISE]
    at = 0
    while at < len(tokens):
        texts = [token.text for token in tokens[at : at + 4]]
        if texts[:2] == ["typedef", "struct"] and "{" in texts:
            begin = at + texts.index("{")
            end = matching(tokens, begin)
            name = tokens[end + 1].text if end + 1 < len(tokens) else ""
            members = _members(tokens[begin + 1 : end], header.path, complaints)
            structs.append(DeclaredStruct(name, header.path, tokens[at].line, members))
            at = end
        elif texts[:2] in (["typedef", "union"], ["typedef", "enum"]) or (
            texts and texts[0] in ("class", "template", "namespace")
        ):
            complaints.append(
                f"{header.path}:{tokens[at].line}: {texts[0]} {texts[1] if len(texts) > 1 else ''}: only structs cross"
            )
        at += 1
    return tuple(structs)


def matching(tokens: Sequence[Token], begin: int) -> int:
    """Return where the bracket opened at `begin` closes; the end where it does not."""
    pairs = {"(": ")", "{": "}", "[": "]"}
    opened, closed = tokens[begin].text, pairs[tokens[begin].text]
    depth = 0
    for at in range(begin, len(tokens)):
        depth += (tokens[at].text == opened) - (tokens[at].text == closed)
        if depth == 0:
            return at
    return len(tokens) - 1


def split(tokens: Sequence[Token], separator: str) -> Iterable[Sequence[Token]]:
    """Yield the runs of tokens between separators that stand outside of brackets."""
    depth = begin = 0
    for at, token in enumerate(tokens):
        depth += (token.text in "([{") - (token.text in ")]}")
        if token.text == separator and depth == 0:
            yield tokens[begin:at]
            begin = at + 1
    if begin < len(tokens):
        yield tokens[begin:]


def _members(tokens: Sequence[Token], path: str, complaints: list[str]) -> tuple[Member, ...]:
    members = []
    for run in split(tokens, ";"):
        texts = [token.text for token in run]
        if ":" in texts:
            complaints.append(f"{path}:{run[0].line}: {' '.join(texts)}: bitfields do not cross")
        elif "(" in texts and "*" in texts[texts.index("(") : texts.index("(") + 2]:
            members.append(_function(run, path, complaints))
        else:
            members.append(Member(_declared(run, {}, path, complaints)))
    return tuple(members)


def _function(run: Sequence[Token], path: str, complaints: list[str]) -> Member:
    texts = [token.text for token in run]
    opening = texts.index("(")
    naming = matching(run, opening)
    begin = naming + 1
    end = matching(run, begin)
    annotations, rest = _take_annotations(run[end + 1 :], FUNCTION_ANNOTATIONS)
    before, result = _take_annotations(run[:opening], FUNCTION_ANNOTATIONS)
    for token in rest:
        complaints.append(f"{path}:{token.line}: {token.text!r} after the parameters is not an annotation")
    parameters = tuple(
        _declared(one, PARAMETER_ANNOTATIONS, path, complaints) for one in split(run[begin + 1 : end], ",")
    )
    if len(parameters) == 1 and parameters[0].type == () and parameters[0].name == "void":
        parameters = ()
    name = texts[naming - 1]
    declared = Declared(tuple(token.text for token in result), name, "", run[opening].line, before | annotations)
    return Member(declared, parameters)


def _declared(run: Sequence[Token], known: dict[str, int], path: str, complaints: list[str]) -> Declared:
    annotations, rest = _take_annotations(run, known)
    texts = [token.text for token in rest]
    array = ""
    if "[" in texts:
        begin = texts.index("[")
        array = " ".join(texts[begin + 1 : matching(rest, begin)])
        if texts.count("[") > 1:
            complaints.append(f"{path}:{run[0].line}: {' '.join(texts)}: arrays of arrays do not cross")
        texts = texts[:begin]
    if texts == ["..."]:
        complaints.append(f"{path}:{run[0].line}: '...': a variable number of arguments does not cross")
    for text in texts:
        if text.startswith("HOTGRAFT_"):
            complaints.append(f"{path}:{run[0].line}: {text} does not belong here, or lacks its arguments")
    name = texts[-1] if texts else ""
    return Declared(tuple(texts[:-1]), name, array, run[0].line if run else 0, annotations)


def _take_annotations(run: Sequence[Token], known: dict[str, int]) -> tuple[dict[str, tuple[str, ...]], list[Token]]:
    annotations: dict[str, tuple[str, ...]] = {}
    rest = []
    at = 0
    while at < len(run):
        token = run[at]
        wanted = known.get(token.text)
        if wanted is None:
            rest.append(token)
        elif wanted == 0:
            annotations[token.text] = ()
        elif at + 1 < len(run) and run[at + 1].text == "(":
            end = matching(run, at + 1)
            annotations[token.text] = tuple(
                " ".join(one.text for one in part) for part in split(run[at + 2 : end], ",")
            )
            at = end
        else:
            rest.append(token)
        at += 1
    return annotations, rest
