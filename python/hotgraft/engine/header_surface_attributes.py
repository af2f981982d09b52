"""Attributes of C declarations: which say nothing to compiled callers, which debug information shows, and the rest.

A group like ``__attribute__((nonnull(1), deprecated))`` becomes one token that begins with @, which C has no use for.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from hotgraft.core.dataclass import dataclass
from hotgraft.engine.header_tokens import Token

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = [
    "Attribute",
    "attributes_of",
    "calling_facts",
    "close_of",
    "fold_attributes",
    "groups",
    "lays_out",
    "promises",
    "symbol_of",
]

ATTRIBUTE, ASM, ALIGN = "@attribute", "@asm", "@align"
PAIRS: Final = {"(": ")", "{": "}", "[": "]"}
# Said to the compiler of whoever includes the header, or about the library's inside: compiled callers hold none of it.
HARMLESS: Final = frozenset({
    "deprecated", "unavailable", "unused", "maybe_unused", "used", "nodiscard", "warn_unused_result", "error",
    "warning", "diagnose_if", "format", "format_arg", "sentinel", "access", "fallthrough", "nonstring", "nothrow",
    "noexcept", "leaf", "cold", "hot", "malloc", "alloc_size", "alloc", "visibility", "externally_visible",
    "dllimport", "dllexport", "always_inline", "noinline", "gnu_inline", "artificial", "flatten", "noclone", "noipa",
    "optimize", "target", "no_instrument_function", "no_sanitize", "no_sanitize_address", "no_sanitize_thread",
    "no_sanitize_undefined", "no_stack_protector", "stack_protect", "no_split_stack", "constructor", "destructor",
    "annotate", "availability", "introduced_in", "designated_init", "flag_enum", "enum_extensibility", "fd_arg",
    "fd_arg_read", "fd_arg_write", "null_terminated_string_arg", "counted_by", "tainted_args", "zero_call_used_regs",
    "noescape", "no_reorder", "symver", "unsequenced", "reproducible", "swift_name", "ownership_returns",
    "ownership_takes", "ownership_holds", "acquire_capability", "release_capability", "guarded_by", "capability",
    "lockable", "exclusive_lock_function", "unlock_function", "warn_if_not_aligned", "likely",
    "unlikely", "preferred_name", "copy", "weak_import", "convergent", "overloadable_hint",
})  # fmt: skip
# Their effect stands in the debug information, as sizes, offsets and alignments.
SHOWN: Final = frozenset({"packed", "gcc_struct", "aligned", "mode", "vector_size", "ext_vector_type", "alignas"})
NULLNESS: Final = frozenset({"nonnull", "returns_nonnull"})
# What a caller's compiler builds on: to promise more is harmless, to take a promise back is not.
PROMISES: Final = frozenset({"noreturn", "const", "pure", "assume_aligned", "alloc_align", "may_alias"})


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute, its name without underscores around it."""

    name: str
    arguments: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}({', '.join(self.arguments)})" if self.arguments else self.name


def close_of(words: Sequence[str], begin: int) -> int:
    """Return where the bracket opened at `begin` closes, the last place if it does not."""
    depth = 0
    for at in range(begin, len(words)):
        depth += (words[at] in PAIRS) - (words[at] in ")]}")
        if depth == 0:
            return at
    return len(words) - 1


def groups(words: Sequence[str], separator: str = ",") -> Iterator[Sequence[str]]:
    """Yield what stands between separators outside of brackets."""
    depth = begin = 0
    for at, word in enumerate(words):
        depth += (word in PAIRS) - (word in ")]}")
        if word == separator and depth == 0:
            yield words[begin:at]
            begin = at + 1
    if begin < len(words):
        yield words[begin:]


def fold_attributes(tokens: Sequence[Token]) -> list[Token]:
    """Make each group of attributes, each symbol's name and each alignment one token."""
    words = [one.text for one in tokens]
    folded: list[Token] = []
    at = 0
    while at < len(words):
        word, following = words[at], words[at + 1] if at + 1 < len(words) else ""
        kind = ""
        if following == "(":
            kind = {
                "__attribute__": ATTRIBUTE, "__attribute": ATTRIBUTE, "__declspec": ATTRIBUTE,
                "__asm__": ASM, "__asm": ASM, "asm": ASM, "_Alignas": ALIGN, "alignas": ALIGN,
            }.get(word, "")  # fmt: skip
        elif word == following == "[":
            kind = ATTRIBUTE
        if not kind:
            if word in ("_Noreturn", "__extension__"):
                folded += [Token(f"{ATTRIBUTE} noreturn", tokens[at].line)] if word == "_Noreturn" else []
            else:
                folded.append(tokens[at])
            at += 1
            continue
        end = close_of(words, at if word == "[" else at + 1)
        inner = words[at + 2 : end]
        while kind == ATTRIBUTE and inner and inner[0] == "(" and close_of(inner, 0) == len(inner) - 1:
            inner = inner[1:-1]
        if word == "[":
            inner = inner[:-1]
        folded.append(Token(f"{kind} {' '.join(inner)}", tokens[at].line))
        at = end + 1
    return folded


def attributes_of(words: Iterable[str]) -> list[Attribute]:
    """Return every attribute among folded words."""
    found = []
    for word in words:
        if not word.startswith(ATTRIBUTE):
            continue
        for group in groups(word.split(" ")[1:]):
            named = [one for one in group if one != ":"]
            if named and named[0] in ("gnu", "clang", "__gnu__", "_Clang") and len(named) > 1:
                named = named[1:]
            if named:
                name = re.fullmatch(r"_*(.*?)_*", named[0])
                arguments = tuple(" ".join(one) for one in groups(named[2:-1]))
                found.append(Attribute(name[1] if name else named[0], arguments))
    return found


def symbol_of(words: Iterable[str]) -> str:
    """Return the name that the linker knows, where the declaration says one; else nothing."""
    labels = [word.removeprefix(ASM).replace('"', "").replace(" ", "") for word in words if word.startswith(ASM)]
    return labels[0] if labels else ""


def calling_facts(words: Iterable[str]) -> tuple[str, ...]:
    """Return the attributes that may change how a thing is called, laid out or linked, as text."""
    known = HARMLESS | SHOWN | NULLNESS | PROMISES
    return tuple(sorted({
        str(one) for one in attributes_of(words)
        if one.name not in known and one.name != "" and not one.name.startswith(("ns_", "cf_", "objc_", "swift_"))
    } | {"visibility(hidden)" for one in attributes_of(words) if one.arguments == ('"hidden"',)}))  # fmt: skip


def lays_out(words: Iterable[str]) -> bool:
    """Is there an attribute that a caller who writes it in its own code lays out, or calls, by?"""
    words = list(words)
    shown = any(one.name in SHOWN for one in attributes_of(words)) or any(one.startswith(ALIGN) for one in words)
    return shown or bool(calling_facts(words))


def promises(words: Iterable[str]) -> tuple[str, ...]:
    """Return the attributes that callers were compiled to build on, as text."""
    return tuple(sorted({str(one) for one in attributes_of(words) if one.name in PROMISES}))
