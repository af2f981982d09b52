"""`dataclass` for the many small values of a host: checked as the standard one, made as a `msgspec.Struct`.

The standard decorator compiles six methods for each class, 0.35 ms, and a host imports 160 classes: that was a third of
its start. A struct has the same methods from C: a thirtieth of the time to make a class, a seventh to make a value.

What a struct cannot do takes the standard decorator: a field that is left out of comparing, of `repr` or of the
arguments, an ``__init__`` of the class's own, and a class that is derived. Modules of commands that neither load nor
read an image (``hotgraft --help``, ``history``, ``status``) use the standard decorator: importing `msgspec` costs more.
"""

from __future__ import annotations

import copy
import dataclasses
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import dataclass as dataclass  # a struct of ours is used as one, so types are checked as of one
else:

    def dataclass(
        *, slots: bool, frozen: bool = False, kw_only: bool = False, eq: bool = True
    ) -> Callable[[type], type]:
        """Make a class with the fields that its annotations say; each option is the standard one of its name.

        Setting a field of a frozen one raises `AttributeError`, of which the standard error is a kind.
        """

        def make(template: type) -> type:
            if is_struct(template):
                return _made(template, {"frozen": frozen, "kw_only": kw_only, "eq": eq})
            return dataclasses.dataclass(slots=slots, frozen=frozen, kw_only=kw_only, eq=eq)(template)

        return make


@dataclasses.dataclass(frozen=True)
class _Sample:
    plain: int = 0


_PLAIN: Final = dataclasses.fields(_Sample)[0]
_OPTIONS: Final = ("repr", "hash", "init", "compare", "metadata")
_STRUCTS: Final[Any] = type(msgspec.Struct)  # what makes them
_NOT_PASSED_ON: Final = frozenset({"__dict__", "__weakref__"})  # a class has these for itself


def is_struct(template: type) -> bool:
    """Can a struct do all that this class asks for?"""
    given = vars(template)
    return (
        template.__bases__ == (object,)
        and not {"__init__", "__new__"} & given.keys()
        and all(
            getattr(one, option) == getattr(_PLAIN, option)
            for one in given.values()
            if isinstance(one, dataclasses.Field)
            for option in _OPTIONS
        )
    )


def _made(template: type, options: dict[str, bool]) -> type:
    body = {name: _default(one) for name, one in vars(template).items() if name not in _NOT_PASSED_ON}
    body |= {"__qualname__": template.__qualname__, "__dataclass_fields__": _Fields(template, options["kw_only"])}
    made: type = _STRUCTS(template.__name__, (msgspec.Struct,), body, **options)
    return made


def _default(one: Any) -> Any:
    """Return what a struct takes for a default."""
    if not isinstance(one, dataclasses.Field):
        return one
    if one.default_factory is not dataclasses.MISSING:
        return msgspec.field(default_factory=one.default_factory)
    return one.default


class _Fields:
    """Answers `dataclasses.fields`, `replace` and `asdict`; made when one of them asks first."""

    def __init__(self, template: type, kw_only: bool) -> None:
        self._template = template
        self._kw_only = kw_only
        self._known: dict[str, dataclasses.Field[Any]] | None = None

    def __get__(self, value: object, owner: type[msgspec.Struct]) -> dict[str, dataclasses.Field[Any]]:
        if self._known is None:
            self._known = {name: self._field(name) for name in owner.__struct_fields__}
        return self._known

    def _field(self, name: str) -> dataclasses.Field[Any]:
        given = vars(self._template).get(name, dataclasses.MISSING)
        one = copy.copy(_PLAIN)
        one.name, one.type, one.kw_only = name, self._template.__annotations__[name], self._kw_only
        is_field = isinstance(given, dataclasses.Field)
        one.default = given.default if is_field else given
        one.default_factory = given.default_factory if is_field else dataclasses.MISSING
        return one
