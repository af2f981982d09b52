"""Rows of what callers get in by: interfaces, functions, parameters, results, variables, constants."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from contract_rows import Row, back, function, interface, offering, parameter, passing, variable
from hotgraft.core.surface import Surface

STEP: Final = function("step", parameter("by", "i64"), result="i64")
FLUSH: Final = function("flush", offset=16, is_status=True, result="i32")
BOTH: Final = offering(STEP, FLUSH)
COPY: Final = function("copy", parameter("to", "u8*", direction="out"), parameter("from", "u8*", direction="out"))
LIBRARY: Final = Surface(label="libz.h", functions={"crc": function("crc", result="u32")})
ROOT: Final = Surface(label="a.h", variables={"table": variable("i32*")}, constants={"SIZE": "4"})


def _changed(**change: object) -> tuple[Surface, Surface]:
    """Return a plugin with `step`, and the same with that function changed."""
    return offering(STEP), offering(replace(STEP, **change))  # type: ignore[arg-type] # fields by name


def _result(old: str, new: str, **more: object) -> tuple[Surface, Surface]:
    was, now = function("read", result=old), function("read", result=new)
    return offering(was), offering(replace(now, **more))  # type: ignore[arg-type] # fields by name


def _tagged(*old: str, new: str = "") -> tuple[Surface, Surface]:
    was, now = frozenset(old), frozenset(new.split())
    return offering(replace(STEP, tags=was)), offering(replace(STEP, tags=now))  # type: ignore[arg-type] # of Literal


def _counted(old: str | None, new: str | None, direction: str, const: str = " const") -> tuple[Surface, Surface]:
    was, now = (parameter("it", f"f32{const}*", count=one, direction=direction) for one in (old, new))
    return passing(was, now)


def _prototype(old: str | None, new: str | None) -> tuple[Surface, Surface]:
    """Return two libraries with a function that takes nothing (empty), one thing, or has no prototype (None)."""
    given = {one: (parameter("", one),) if one else () for one in (old, new)}
    sides = (replace(function("init"), parameters=given[one], is_variadic=one is None) for one in (old, new))
    was, now = (Surface(label="a.h", functions={"init": one}) for one in sides)
    return was, now


def _with_code(text: str) -> Surface:
    return replace(ROOT, constants={**ROOT.constants, "macro NEXT($0)": text})


P: Final = parameter
OFFERS: Final = (
    # DESIGN §8: code only; parameter names; comments → patch
    Row("code only", BOTH, BOTH, ()),
    Row("parameter renamed", *passing(P("by", "i64"), P("step", "i64")), ("parameter-renamed",)),
    Row("name given", *passing(P("", "i64"), P("step", "i64")), ()),
    Row(
        "names of two parameters of one type exchanged",
        offering(COPY),
        offering(
            replace(
                COPY, parameters=(parameter("from", "u8*", direction="out"), parameter("to", "u8*", direction="out"))
            )
        ),
        ("parameters-swapped",),
    ),
    Row("since changed", *_changed(since=(1, 2)), ("since-changed",)),
    # DESIGN §8: function appended; interface added → minor
    Row("function appended", offering(STEP), BOTH, ("function-appended",)),
    Row(
        "interface added",
        offering(STEP),
        replace(BOTH, interfaces=(interface(STEP), interface(FLUSH, name="meter"))),
        ("interface-added",),
    ),
    Row(
        "old major beside the new one",
        offering(STEP),
        replace(BOTH, interfaces=(interface(STEP), interface(FLUSH, version=(2, 0)))),
        ("interface-added",),
    ),
    Row(
        "minor raised", BOTH, replace(BOTH, interfaces=(interface(STEP, FLUSH, version=(1, 3)),)), ("version-changed",)
    ),
    Row("function exported", Surface(label="a.h"), LIBRARY, ("function-added",)),
    # DESIGN §8: function removed, moved or retyped → major
    Row("interface removed", BOTH, replace(BOTH, interfaces=()), ("interface-removed",)),
    Row(
        "another major instead",
        offering(STEP),
        replace(BOTH, interfaces=(interface(STEP, version=(2, 0)),)),
        ("interface-added", "interface-removed"),
    ),
    Row("last function removed", BOTH, offering(STEP), ("function-removed",)),
    Row(
        "interface says a smaller size",
        BOTH,
        replace(BOTH, interfaces=(replace(interface(STEP, FLUSH), bytes=16),)),
        ("interface-shrunk",),
    ),
    Row(
        "interface says a larger size",
        BOTH,
        replace(BOTH, interfaces=(replace(interface(STEP, FLUSH), bytes=40),)),
        ("interface-grown",),
    ),
    Row("exported function removed", LIBRARY, Surface(label="a.h"), ("function-removed",)),
    Row("function moved", offering(STEP), offering(replace(STEP, offset=16)), ("function-moved",)),
    Row(
        "function inserted before another",
        offering(STEP),
        offering(replace(FLUSH, offset=8), replace(STEP, offset=16)),
        ("function-inserted", "function-moved"),
    ),
    Row(
        "another function in its place",
        offering(STEP),
        offering(replace(STEP, name="stride")),
        ("function-inserted", "function-removed"),
    ),
    Row("parameter added", *_changed(parameters=(*STEP.parameters, P("n", "u32"))), ("parameter-count-changed",)),
    Row("parameter removed", *_changed(parameters=()), ("parameter-count-changed",)),
    Row("parameter widened", *passing(P("by", "i32"), P("by", "i64")), ("parameter-retyped",)),
    Row("sign changed", *passing(P("by", "i32"), P("by", "u32")), ("parameter-retyped",)),
    Row("value to pointer", *passing(P("by", "i64"), P("by", "i64 const*")), ("parameter-retyped",)),
    Row("pointer to pointer", *passing(P("by", "i8*"), P("by", "i8**")), ("parameter-retyped",)),
    Row("volatile dropped", *passing(P("by", "i32 volatile*"), P("by", "i32*")), ("parameter-retyped",)),
    Row("const below the first pointer", *passing(P("v", "i8**"), P("v", "i8 const**")), ("parameter-retyped",)),
    Row("result retyped", *_changed(result=parameter("", "i32").type), ("result-retyped",)),
    Row("void to a value", *_result("void", "i32"), ("result-retyped",)),
    Row("a value to void", *_result("i32", "void"), ("result-retyped",)),
    Row("number to status", *_result("i32", "i32", is_status=True), ("result-retyped",)),
    Row("result volatile", *_result("i32*", "i32 volatile*"), ("result-retyped",)),
    Row("prototype of nothing", *_prototype(None, ""), ("prototype-said",)),
    Row("prototype of something", *_prototype(None, "i32"), ("prototype-unseen",)),
    Row("prototype of nothing lost", *_prototype("", None), ("prototype-unseen",)),
    Row("no prototype before and after", *_prototype(None, None), ("prototype-unseen",)),
    Row(
        "prototype of something lost",
        *_prototype("i32", None),
        ("parameter-count-changed", "variadic-changed"),
    ),
    Row("variadic added", *_changed(is_variadic=True), ("variadic-changed",)),
    Row("no longer variadic", offering(replace(STEP, is_variadic=True)), offering(STEP), ("variadic-changed",)),
    # DESIGN §8: constant changed → major
    Row("constant changed", ROOT, replace(ROOT, constants={"SIZE": "8"}), ("constant-changed",)),
    Row("constant removed", ROOT, replace(ROOT, constants={}), ("constant-removed",)),
    Row("constant added", replace(ROOT, constants={}), ROOT, ("constant-added",)),
    # What a header compiles into its callers
    Row("macro changed", _with_code("($0 + 1)"), _with_code("($0 + 2)"), ("code-changed",)),
    Row("macro removed", _with_code("($0 + 1)"), ROOT, ("code-removed",)),
    Row("macro added", ROOT, _with_code("($0 + 1)"), ("code-added",)),
    # DESIGN §8: thread rule stricter → major
    Row("serial from now on", *_tagged(new="serial"), ("thread-rule-stricter",)),
    Row("blocking from now on", *_tagged(new="blocking"), ("thread-rule-stricter",)),
    Row("no longer realtime", *_tagged("realtime"), ("thread-rule-stricter",)),
    Row("no longer idempotent", *_tagged("idempotent"), ("thread-rule-stricter",)),
    Row("no longer serial", *_tagged("serial"), ("thread-rule-looser",)),
    Row("no longer blocking", *_tagged("blocking"), ("thread-rule-looser",)),
    Row("realtime from now on", *_tagged(new="realtime"), ("thread-rule-looser",)),
    Row("idempotent from now on", *_tagged(new="idempotent"), ("thread-rule-looser",)),
    # DESIGN §8: 0.x interfaces, minor counts as major
    Row(
        "minor below 1.0",
        replace(BOTH, interfaces=(interface(STEP, version=(0, 1)),)),
        replace(BOTH, interfaces=(interface(STEP, version=(0, 2)),)),
        ("unstable-step",),
    ),
)
BUFFERS: Final = (
    Row("array or pointer", *passing(parameter("v", "i32*", count="4"), parameter("v", "i32*")), ()),
    Row(
        "array of another length",
        *passing(parameter("v", "i32*", count="4"), parameter("v", "i32*", count="5")),
        ("buffer-count-changed",),
    ),
    Row("const added", *passing(P("it", "f32*"), P("it", "f32 const*")), ("parameter-const-added",)),
    Row("const dropped", *passing(P("it", "f32 const*"), P("it", "f32*")), ("parameter-const-dropped",)),
    Row(
        "in to inout",
        *passing(P("it", "f32*", direction="in"), P("it", "f32*", direction="inout")),
        ("direction-changed",),
    ),
    Row(
        "in to out, without const",
        *passing(P("it", "f32 const*", direction="in"), P("it", "f32*", direction="out")),
        ("direction-changed", "parameter-const-dropped"),
    ),
    Row("what const said is now annotated", *passing(P("it", "f32 const*"), P("it", "f32 const*", direction="in")), ()),
    Row("fewer are read", *_counted("8", "4", "in"), ("buffer-needs-less",)),
    Row("more are read", *_counted("4", "8", "in"), ("buffer-count-changed",)),
    Row("fewer are written", *_counted("8", "4", "out", ""), ("buffer-count-changed",)),
    Row("more are written", *_counted("4", "8", "out", ""), ("buffer-count-changed",)),
    Row("another parameter counts", *_counted("#1", "#2", "in"), ("buffer-count-changed",)),
    Row("a number instead of a parameter", *_counted("#1", "4", "in"), ("buffer-count-changed",)),
    Row("one, said or not", *_counted(None, "1", "in"), ()),
    Row("may be NULL", *passing(P("it", "i8*"), P("it", "i8*", is_nullable=True)), ("parameter-may-be-null",)),
    Row("never NULL", *passing(P("it", "i8*", is_nullable=True), P("it", "i8*")), ("parameter-not-null",)),
    Row("result const added", *_result("i8*", "i8 const*"), ("result-const-added",)),
    Row("result const dropped", *_result("i8 const*", "i8*"), ("result-const-dropped",)),
    Row("result may be NULL", *_result("i8*", "i8*", is_nullable=True), ("result-may-be-null",)),
    Row("result never NULL", *back(_result("i8*", "i8*", is_nullable=True)), ("result-not-null",)),
    Row("result counted", *_result("i8*", "i8*", count="#0"), ("result-count-changed",)),
    Row("result owned", *_result("i8*", "i8*", ownership="owned"), ("ownership-changed",)),
    Row(
        "call-back's parameter changed",
        *passing(P("call", "(fn(i32) -> void)*"), P("call", "(fn(i64) -> void)*")),
        ("callback-changed",),
    ),
    Row(
        "call-back's const added",
        *passing(P("call", "(fn(i8*) -> void)*"), P("call", "(fn(i8 const*) -> void)*")),
        ("callback-changed",),
    ),
    Row(
        "call-back's result changed",
        *passing(P("call", "(fn() -> void)*"), P("call", "(fn() -> i32)*")),
        ("callback-changed",),
    ),
    Row("call-back longer", *passing(P("c", "(fn() -> i8)*"), P("c", "(fn(i8) -> i8)*")), ("callback-changed",)),
    Row("call-back variadic", *passing(P("c", "(fn() -> i8)*"), P("c", "(fn(...) -> i8)*")), ("callback-changed",)),
    Row("call-back for data", *passing(P("c", "(fn() -> i8)*"), P("c", "i8*")), ("parameter-retyped",)),
    Row("no word for a parameter, before and now", *passing(P("it", "?*"), P("it", "?*")), ("type-unseen",)),
    Row("no word for it now", *passing(P("it", "i8"), P("it", "?")), ("type-unseen",)),
    Row("no word for it before", *passing(P("it", "?[2]"), P("it", "i8[2]")), ("type-unseen",)),
    Row(
        "no word within a call-back",
        *passing(P("c", "(fn(?) -> i8)*"), P("c", "(fn(?) -> i8)*")),
        ("type-unseen",),
    ),
    Row(
        "no word within a call-back that changed",
        *passing(P("c", "(fn(?, i8) -> i8)*"), P("c", "(fn(?, i16) -> i8)*")),
        ("callback-changed",),
    ),
    Row("variable added", replace(ROOT, variables={}), ROOT, ("variable-added",)),
    Row("variable removed", ROOT, replace(ROOT, variables={}), ("variable-removed",)),
    Row("variable retyped", ROOT, replace(ROOT, variables={"table": variable("i64*")}), ("variable-retyped",)),
    Row(
        "variable const",
        ROOT,
        replace(ROOT, variables={"table": variable("i32*", is_const=True)}),
        ("variable-const-added",),
    ),
    Row(
        "variable no longer const",
        replace(ROOT, variables={"table": variable("i32*", is_const=True)}),
        ROOT,
        ("variable-const-dropped",),
    ),
)
