"""The declarations in the tokens of headers: names of what they declare, and what debug information does not keep.

The compiler says what each type is. What is read here is only which names there are to ask it about, the parameters'
names, attributes, symbols, and the code that a header puts into its callers.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import field
from typing import TYPE_CHECKING, Final

from hotgraft.core.dataclass import dataclass
from hotgraft.engine.header_surface_attributes import (
    PAIRS,
    Attribute,
    attributes_of,
    calling_facts,
    close_of,
    fold_attributes,
    groups,
    promises,
    symbol_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hotgraft.engine.header_tokens import Token

__all__ = ["Declarations", "DeclaredName", "DeclaredParameter", "read_declarations"]

TAGS: Final = frozenset({"struct", "union", "enum"})
STORAGE: Final = frozenset({
    "typedef", "extern", "static", "inline", "__inline", "__inline__", "register", "auto", "constexpr",
    "_Thread_local", "thread_local", "__thread",
})  # fmt: skip
QUALIFIERS: Final = frozenset({
    "const", "__const", "__const__", "volatile", "__volatile", "__volatile__", "restrict", "__restrict",
    "__restrict__", "_Atomic", "_Nonnull", "_Nullable", "_Null_unspecified",
})  # fmt: skip
BODY: Final = "{}"
SHOWN_WORDS: Final = 12  # of a declaration that is not understood
QUALIFIERS_CONST: Final = frozenset({"const", "__const", "__const__"})
TYPE_WORDS: Final = frozenset({
    "void", "char", "short", "int", "long", "float", "double", "signed", "unsigned", "__signed", "__signed__",
    "_Bool", "_Complex", "__complex__", "_Imaginary", "__int128", "_Sat", "_Fract", "_Accum",
})  # fmt: skip
TYPE_CALLS: Final = frozenset({"typeof", "__typeof__", "__typeof", "typeof_unqual", "_Atomic", "_BitInt"})
THREAD: Final = frozenset({"_Thread_local", "thread_local", "__thread"})


@dataclass(frozen=True, slots=True)
class DeclaredParameter:
    """A parameter as it is written; `count` is the text between its first brackets, `kind` a typedef it is just of."""

    name: str
    count: str = ""
    kind: str = ""
    is_const: bool = False  # what it points to, or its elements
    is_nonnull: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredName:
    """A function or variable that a header declares."""

    name: str
    symbol: str
    line: int
    parameters: tuple[DeclaredParameter, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    is_const: bool = False  # a variable, or its elements


@dataclass(slots=True)
class Declarations:
    """All that the headers declare, besides types: those the compiler lists itself."""

    names: dict[str, DeclaredName] = field(default_factory=dict)
    code: dict[str, str] = field(default_factory=dict)  # of inline functions, by name
    values: dict[str, tuple[str, ...]] = field(default_factory=dict)  # of static constants: the words after =
    records: dict[str, None] = field(default_factory=dict)  # "struct tag" or a typedef's name, with its members shown
    calling: list[str] = field(default_factory=list)  # "name: attribute", where it may change a call or a layout
    promises: list[str] = field(default_factory=list)  # "name: attribute", what callers build on
    enumerators: set[str] = field(default_factory=set)
    typedefs: set[str] = field(default_factory=set)
    once: frozenset[str] = frozenset()  # words that stand in one place only
    words: frozenset[str] = frozenset()
    unread: list[str] = field(default_factory=list)  # how declarations begin in which no name was found


def read_declarations(tokens: Sequence[Token]) -> Declarations:
    """Read the declarations at the top level of the headers."""
    counted = Counter(one.text for one in tokens)
    once = frozenset(word for word, times in counted.items() if times == 1)
    found = Declarations(words=frozenset(counted), once=once)
    for one in _top_level(fold_attributes(tokens)):
        _read(found, [token.text for token in one], one[0].line)
    return found


def _top_level(tokens: Sequence[Token]) -> Iterator[Sequence[Token]]:
    """Yield one declaration or definition after another, without its semicolon."""
    begin = at = 0
    words = [one.text for one in tokens]
    while at < len(words):
        if words[at] == ";":
            if at > begin:
                yield tokens[begin:at]
            begin = at = at + 1
        elif words[at] in PAIRS:
            is_body = words[at] == "{" and _before(words, begin, at) == ")" and "=" not in words[begin:at]
            at = close_of(words, at) + 1
            if is_body:
                yield tokens[begin:at]
                begin = at
        else:
            at += 1
    if begin < len(words):
        yield tokens[begin:]


def _before(words: Sequence[str], begin: int, at: int) -> str:
    """Return the word before, attributes left out."""
    return next((one for one in reversed(words[begin:at]) if not one.startswith("@")), "")


def _read(found: Declarations, words: list[str], line: int) -> None:
    if words[0] in ("_Static_assert", "static_assert"):
        return
    body = words.index("{") if words[-1] == "}" and _before(words, 0, words.index("{")) == ")" else None
    head = words if body is None else words[:body]
    flat = _without_bodies(head)
    kinds, rest = _specifiers(flat)
    is_const = not QUALIFIERS_CONST.isdisjoint(flat[: len(flat) - len(rest)])
    names = [_declared(one, line, head, is_const=is_const) for one in groups(rest)]
    named = [one for one in names if one is not None]
    if None in names and "static" not in kinds:
        found.unread.append(" ".join(words[:SHOWN_WORDS]))
    _read_types(found, head, [one.name for one in named] if "typedef" in kinds else [])
    label = ", ".join(one.name for one in named) or " ".join(flat[:2])
    threads = ["thread storage"] if kinds & THREAD else []
    found.calling += [f"{label}: {one}" for one in (*calling_facts(words if body is None else head), *threads)]
    found.promises += [f"{label}: {one}" for one in promises(head)]
    if "typedef" in kinds:
        found.typedefs.update(one.name for one in named)
        return
    if body is not None and named:
        found.code[named[0].name] = " ".join(one for one in words if not one.startswith("@"))
    if "static" in kinds:
        _read_values(found, rest, words)
        return
    for one in named:
        known = found.names.get(one.name)
        found.names[one.name] = one if known is None else _joined(known, one)


def _joined(first: DeclaredName, again: DeclaredName) -> DeclaredName:
    """A thing that is declared twice has what either declaration says."""
    return DeclaredName(
        name=first.name,
        symbol=first.symbol if first.symbol != first.name else again.symbol,
        line=first.line,
        parameters=again.parameters if len(again.parameters) > len(first.parameters) else first.parameters,
        attributes=first.attributes + again.attributes,
        is_const=first.is_const,
    )


def _read_values(found: Declarations, rest: Sequence[str], words: Sequence[str]) -> None:
    """Note what static constants are: `rest` has no braces, so one with braces is taken from all the words."""
    for one in groups(rest):
        if "=" in one:
            at = list(one).index("=")
            name = _name_of([word for word in one[:at] if not word.startswith("@")])[0]
            whole = list(words)[list(words).index("=") + 1 :]
            found.values[name] = tuple(whole if "{" in whole else one[at + 1 :])


def _read_types(found: Declarations, words: Sequence[str], typedefs: Sequence[str]) -> None:
    """Note which structs and unions show their members, at any depth outside of parentheses, and what enums list."""
    depth = 0
    for at, word in enumerate(words):
        depth += (word == "(") - (word == ")")
        if word == "enum" and "{" in words[at + 1 : at + 8]:
            begin = list(words).index("{", at)
            found.enumerators.update(one[0] for one in groups(words[begin + 1 : close_of(words, begin)]) if one)
        if word not in ("struct", "union") or depth:
            continue
        after = [one for one in words[at + 1 : at + 8] if not one.startswith("@")][:2]
        if len(after) == 2 and after[1] == "{":
            found.records[f"{word} {after[0]}"] = None
        elif after[:1] == ["{"] and typedefs and not any(one in "{(" for one in words[:at]):
            found.records[typedefs[0]] = None


def _without_bodies(words: Sequence[str]) -> list[str]:
    """Put one word in the place of what stands in braces."""
    kept: list[str] = []
    at = 0
    while at < len(words):
        if words[at] == "{":
            kept.append(BODY)
            at = close_of(words, at) + 1
        else:
            kept.append(words[at])
            at += 1
    return kept


def _specifiers(words: Sequence[str]) -> tuple[set[str], Sequence[str]]:
    """Return the words of storage before the first declarator, and the declarators."""
    kinds: set[str] = set()
    at, has_type = 0, False
    while at < len(words):
        word = words[at]
        if word in TYPE_CALLS and words[at + 1 : at + 2] == ["("]:
            at, has_type = close_of(words, at + 1), True
        elif word in TAGS:
            has_type = True
            after = at + 1
            while after < len(words) and words[after].startswith("@"):
                after += 1
            at = after if after < len(words) and _is_name(words[after]) else after - 1
            at += words[at + 1 : at + 2] == [BODY]
            if words[at + 1 : at + 2] == [":"]:  # C23: the integer that an enum is
                at += 1
                has_type = False
        elif word in TYPE_WORDS or word == BODY:
            has_type = True
        elif word in STORAGE:
            kinds.add(word)
        elif word not in QUALIFIERS and not word.startswith("@"):
            if has_type or not _is_name(word):
                break
            has_type = True
        at += 1
    return kinds, words[at:]


def _is_name(word: str) -> bool:
    return word.isidentifier() and word not in TYPE_WORDS and word not in STORAGE and word not in QUALIFIERS


def _declared(
    declarator: Sequence[str], line: int, declaration: Sequence[str], *, is_const: bool
) -> DeclaredName | None:
    if not declarator:
        return None
    plain = [one for one in declarator if not one.startswith("@")]
    if "=" in plain:
        plain = plain[: plain.index("=")]
    name, parameters = _name_of(plain)
    if not name:
        return None
    return DeclaredName(
        name=name,
        symbol=symbol_of(declarator) or name,
        line=line,
        parameters=tuple(_parameter(one) for one in groups(parameters)),
        attributes=tuple(attributes_of(declaration)),
        is_const=is_const,
    )


def _name_of(words: Sequence[str]) -> tuple[str, Sequence[str]]:
    """Return the name in a declarator, and the words between the parentheses that make it a function."""
    at = next((place for place, word in enumerate(words) if word in ("(", "[")), len(words))
    outer = words[at + 1 : close_of(words, at)] if at < len(words) and words[at] == "(" else ()
    name = next((one for one in reversed(words[:at]) if one.isidentifier() and one not in QUALIFIERS), "")
    if name or not outer:
        return name, outer
    name, parameters = _name_of([one for one in outer if not one.startswith("@")])
    end = close_of(words, at)
    if not parameters and "*" not in outer and "^" not in outer and words[end + 1 : end + 2] == ["("]:
        parameters = words[end + 2 : close_of(words, end + 1)]
    return name, parameters


def _parameter(words: Sequence[str]) -> DeclaredParameter:
    plain = [one for one in words if not one.startswith("@")]
    _, declarator = _specifiers(plain)
    name, _ = _name_of(declarator)
    kinds = [one for one in plain[: len(plain) - len(declarator)] if _is_name(one)]
    kind = kinds[0] if len(kinds) == 1 and list(declarator) in ([], [name]) else ""
    inner: Sequence[str] = ()
    if "[" in declarator and "(" not in declarator:
        begin = list(declarator).index("[")
        inner = declarator[begin + 1 : close_of(declarator, begin)]
    is_nonnull = "static" in inner or "_Nonnull" in words
    count = " ".join(one for one in inner if one not in QUALIFIERS and one != "static")
    is_const = not QUALIFIERS_CONST.isdisjoint(plain[: len(plain) - len(declarator)])
    return DeclaredParameter(name, count, kind, is_const, is_nonnull)
