"""One declaration of a header: a parameter, a field, a function pointer; and the annotations beside it."""

from __future__ import annotations

from dataclasses import field
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from hotgraft.core.c_types import Array, CType, FunctionType, Pointer, Unseen
from hotgraft.core.dataclass import dataclass
from hotgraft.engine.header_c import TAGGED, Scope, c_text, leaf_of, named_type, parameters_text, stars_of
from hotgraft.engine.header_literals import NoValueError
from hotgraft.engine.header_numbers import integer_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from hotgraft.engine.header_tokens import Token

PARAMETER_ANNOTATIONS: Final = {
    "HOTGRAFT_IN": 1, "HOTGRAFT_OUT": 1, "HOTGRAFT_INOUT": 1, "HOTGRAFT_NULLABLE": 0,
}  # fmt: skip
FUNCTION_ANNOTATIONS: Final = {
    "HOTGRAFT_SINCE": 2, "HOTGRAFT_BLOCKING": 0, "HOTGRAFT_IDEMPOTENT": 0, "HOTGRAFT_SERIAL": 0, "HOTGRAFT_REALTIME": 0,
    "HOTGRAFT_COPIED": 0, "HOTGRAFT_OWNED": 0, "HOTGRAFT_LEASED": 1, "HOTGRAFT_NULLABLE": 0, "HOTGRAFT_NOTHROW": 0,
}  # fmt: skip
FIELD_ANNOTATIONS: Final = {
    "HOTGRAFT_COUNTED": 1, "HOTGRAFT_TAGGED": 1, "HOTGRAFT_ARM": 1, "HOTGRAFT_HANDLE": 0,
}  # fmt: skip
LAYOUT_ATTRIBUTES: Final = frozenset({"__attribute__", "__attribute", "_Alignas", "alignas", "__declspec"})
# Words that end a type and never name a parameter.
TYPE_WORDS: Final = frozenset({
    "void", "char", "short", "int", "long", "float", "double", "signed", "unsigned", "_Bool", "bool", "const",
    "volatile", "restrict", "_Atomic",
})  # fmt: skip
NOTHING: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({})
NESTING_LIMIT: Final = 3  # call-backs that take call-backs
SHOWN_TOKENS: Final = 24  # of what a complaint is about
PAIRS: Final = {"(": ")", "{": "}", "[": "]"}


@dataclass(frozen=True, slots=True)
class Declared:
    """A parameter, field or function: its type with typedefs resolved, as it was written, its name, its annotations.

    `parameters` are those of a function pointer that is written out, named; a result without parameters has None.
    """

    type: CType
    name: str
    line: int
    written: str
    annotations: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    is_const: bool = False  # the value itself
    parameters: tuple[Declared, ...] | None = None

    @property
    def stars(self) -> int:
        """How many pointers deep."""
        return stars_of(self.type)

    @property
    def result(self) -> CType:
        """What the function that it points to answers."""
        assert isinstance(self.type, Pointer)
        assert isinstance(self.type.to, FunctionType)
        return self.type.to.result

    @property
    def leaf(self) -> CType:
        """What is under all pointers and arrays."""
        return leaf_of(self.type)

    def c_type(self, stars: str = "") -> str:
        """Its type as C writes it, or with `stars` the type of a pointer to it; const of itself is left out."""
        if self.parameters is None:
            return c_text(Pointer(self.type) if stars else self.type)
        assert isinstance(self.type, Pointer)
        assert isinstance(self.type.to, FunctionType)
        nothrow = " HOTGRAFT_NOTHROW" if "HOTGRAFT_NOTHROW" in self.annotations else ""
        return c_text(self.result, f"(HOTGRAFT_CALL *{stars})({parameters_text(self.type.to)})") + nothrow


class DeclarationReader:
    """Reads declarations of one header; what is wrong is added to `complaints`."""

    def __init__(self, path: str, scope: Scope, complaints: list[str]) -> None:
        self._path = path
        self._scope = scope
        self._complaints = complaints
        self._depth = 0  # of call-backs

    def fields(self, run: Sequence[Token]) -> Iterable[Declared]:
        """Yield the fields of one line: ``float x, y[2];`` declares two of one type."""
        first, *others = split(run, ",")
        yield self.declared(first, FIELD_ANNOTATIONS)
        texts = [token.text for token in first]
        end = next((at for at, text in enumerate(texts) if text in ("*", "[")), len(texts))
        base = first[: end if "*" in texts[: end + 1] else end - 1]
        for one in others:
            yield self.declared([*base, *one], FIELD_ANNOTATIONS)

    def function(self, run: Sequence[Token], *, known: dict[str, int] = FUNCTION_ANNOTATIONS) -> Declared | None:
        """Read ``result (*name)(parameters)``; `known` are the annotations that may stand behind it."""
        texts = [token.text for token in run]
        opening = list(pairwise(texts)).index(("(", "*"))
        naming = matching(run, opening)
        begin = naming + 1
        if texts[begin : begin + 1] != ["("] or naming != opening + 3 or not is_name(texts[opening + 2]):
            self._complain(run[0].line, f"{shown(run)}: not of the form  result (*name)(parameters)")
            return None
        end = matching(run, begin)
        annotations, rest = self._take_annotations(run[end + 1 :], known)
        before, result = self._take_annotations(run[:opening], known)
        if rest:
            self._complain(rest[0].line, f"{shown(rest)!r} is no annotation: is a ; missing before it?")
        runs = list(split(run[begin + 1 : end], ","))
        if [token.text for one in runs for token in one] == ["void"]:
            runs = []
        is_member = known is FUNCTION_ANNOTATIONS
        parameters = tuple(
            self.declared(one, PARAMETER_ANNOTATIONS if is_member else {}, is_named=is_member) for one in runs
        )
        words = [token.text for token in result]
        answer, _ = self._type(words)
        return Declared(
            Pointer(FunctionType(tuple(map(_passed, parameters)), answer)),
            texts[opening + 2],
            run[opening + 2].line,
            " ".join(words),
            before | annotations,
            parameters=parameters,
        )

    def declared(self, run: Sequence[Token], known: dict[str, int], *, is_named: bool = True) -> Declared:
        """Read a parameter or a field; `known` are the annotations that may stand beside it."""
        annotations, rest = self._take_annotations(run, known)
        texts = [token.text for token in rest]
        line = rest[-1].line if rest else run[0].line if run else 0
        if ("(", "*") in pairwise(texts):
            return self.call_back(rest, annotations)
        for text in texts:
            if text.startswith("HOTGRAFT_"):
                self._complain(line, f"{text} does not belong here, or lacks its arguments")
            if text in LAYOUT_ATTRIBUTES:
                self._complain(line, f"{shown(rest)}: what {text} makes of a layout does not cross: leave it out")
        counts = self._counts(rest, line)
        texts = texts[: texts.index("[")] if "[" in texts else texts
        if texts == ["..."]:
            self._complain(line, "'...': a variable number of arguments does not cross")
        elif is_named and (len(texts) < 2 or not is_name(texts[-1])):
            self._complain(line, f"{shown(rest) or 'nothing'}: a type and a name of A-Z a-z 0-9 _ are wanted")
        has_name = is_named or _ends_in_a_name(texts)
        words, name = (texts[:-1], texts[-1] if texts else "") if has_name else (texts, "")
        kind, is_const = self._type(words)
        for count in reversed(counts):
            kind = Array(kind, count)
        return Declared(kind, name, line, " ".join(words), annotations, is_const)

    def call_back(self, run: Sequence[Token], annotations: Mapping[str, tuple[str, ...]] = NOTHING) -> Declared:
        """Read a pointer to a function whose parameters need no names: a parameter, or what a typedef names."""
        line = run[0].line
        texts = [token.text for token in run]
        opening = list(pairwise(texts)).index(("(", "*"))
        if texts[matching(run, opening) + 1 :][:1] == ["["]:
            self._complain(line, f"{shown(run)}: a pointer to an array does not cross")
            read = None
        elif self._depth == NESTING_LIMIT:
            self._complain(line, f"{shown(run)}: call-backs of call-backs of call-backs do not cross")
            read = None
        else:
            self._depth += 1
            unnamed = texts[opening + 2 : opening + 3] == [")"]
            given = [*run[: opening + 2], type(run[0])("_", line), *run[opening + 2 :]] if unnamed else run
            read = self.function(given, known={})
            self._depth -= 1
        if read is None:
            return Declared(Unseen(shown(run)), "", line, shown(run), annotations)
        return Declared(read.type, read.name, read.line, shown(run), annotations, parameters=read.parameters)

    def _type(self, words: Sequence[str]) -> tuple[CType, bool]:
        star = words.index("*") if "*" in words else len(words)
        kind, is_const = named_type(words[:star], self._scope)
        for word in words[star:]:
            if word not in ("*", "const"):
                return Unseen(" ".join(words)), False
            kind, is_const = (Pointer(kind, is_const), False) if word == "*" else (kind, True)
        return kind, is_const

    def _counts(self, run: Sequence[Token], line: int) -> list[int]:
        """Read the lengths between the brackets at the end."""
        at = next((index for index, token in enumerate(run) if token.text == "["), len(run))
        counts = []
        while at < len(run) and run[at].text == "[":
            end = matching(run, at)
            length = " ".join(token.text for token in run[at + 1 : end])
            if not length:
                self._complain(line, f"{shown(run)}: an array says how many elements it has, last")
                return []
            try:
                counts.append(integer_value(length, self._scope.enumerators))
            except NoValueError:
                self._complain(line, f"{shown(run)}: {length} is no number of elements that is certain: write one")
                return []
            at = end + 1
        if at < len(run):
            self._complain(line, f"{shown(run)}: an array says how many elements it has, last")
        return counts

    def _take_annotations(
        self, run: Sequence[Token], known: dict[str, int]
    ) -> tuple[dict[str, tuple[str, ...]], list[Token]]:
        annotations: dict[str, tuple[str, ...]] = {}
        rest = []
        at = depth = 0
        while at < len(run):
            token = run[at]
            depth += (token.text in PAIRS) - (token.text in ")]}")
            wanted = known.get(token.text) if depth == 0 else None  # what a call-back's parameters say is not ours
            given: tuple[str, ...] = ()
            if wanted is None:
                rest.append(token)
            else:
                if at + 1 < len(run) and run[at + 1].text == "(" and wanted:
                    end = matching(run, at + 1)
                    given = tuple(" ".join(one.text for one in part) for part in split(run[at + 2 : end], ","))
                    at = end
                if token.text in annotations:
                    self._complain(token.line, f"{token.text} stands twice")
                if len(given) != wanted or not all(given):
                    self._complain(token.line, f"{token.text} lacks its arguments: it wants {wanted}")
                    given = ("0",) * wanted
                annotations[token.text] = given
            at += 1
        return annotations, rest

    def _complain(self, line: int, sentence: str) -> None:
        self._complaints.append(f"{self._path}:{line}: {sentence}")


def _passed(declared: Declared) -> CType:
    """As it is passed: an array is a pointer by then (C11 6.7.6.3)."""
    return Pointer(declared.type.of) if isinstance(declared.type, Array) else declared.type


def _ends_in_a_name(texts: Sequence[str]) -> bool:
    """Does a parameter have a name, where it need not have one?"""
    if len(texts) < 2 or not is_name(texts[-1]) or texts[-1] in TYPE_WORDS or texts[-2] in TAGGED:
        return False
    return any(text not in ("const", "volatile") for text in texts[:-1])


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


def shown(tokens: Sequence[Token]) -> str:
    """Return tokens as text for a message, cut where they go on and on."""
    text = " ".join(token.text for token in tokens[:SHOWN_TOKENS])
    return text if len(tokens) <= SHOWN_TOKENS else text + " …"


def without_annotations(tokens: Sequence[Token]) -> Iterable[str]:
    """Yield what a compiler sees after the annotations became nothing."""
    known = PARAMETER_ANNOTATIONS | FUNCTION_ANNOTATIONS | FIELD_ANNOTATIONS
    at = 0
    while at < len(tokens):
        wanted = known.get(tokens[at].text)
        if wanted is None:
            yield tokens[at].text
        elif wanted and at + 1 < len(tokens) and tokens[at + 1].text == "(":
            at = min(matching(tokens, at + 1), len(tokens))
        at += 1
