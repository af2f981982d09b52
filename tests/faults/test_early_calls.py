"""What is made or started for a set calls others of it before they are replaced: it must not meet what they lack."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hotgraft import HotgraftError, Outcome, PluginError, _core
from hotgraft.host import attempt_set
from sides_scene import Sides, make_host, top

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sample_plugins import Workshop

NEWER: Mapping[str, Mapping[str, bool]] = {"a further function": {"more": True}, "the next major": {"two": True}}


def early(build: Workshop, name: str, number: int, met: int, **more: bool) -> Path:
    """Return a consumer that calls base as it is created and as it starts, and fails unless build `met` answers."""
    made = top(number, **more)
    return build(replace(made, flags=(*made.flags, f"-DSIDES_STARTS={met}"), name=name, interface="top"))


@pytest.mark.parametrize("newer", NEWER.values(), ids=NEWER)
def test_what_is_loaded_with_a_set_does_not_meet_the_old_provider(build: Workshop, newer: Mapping[str, bool]) -> None:
    """It starts while that one serves, whose table ends sooner: the process would end there."""
    with make_host() as host:
        sides = Sides(host, build, {"base": False, "top": False}).load()
        images = {"base": sides.image("base", 2, **newer), "late": early(build, "late", 5, 2, **newer)}
        if "two" in newer:
            images["top"] = sides.image("top", 2, **newer)

        assert host.reload_set(images).outcome is Outcome.PUBLISHED

        late: Any = host["late"]
        assert late.both() == 5002


@pytest.mark.parametrize("newer", NEWER.values(), ids=NEWER)
def test_what_is_replaced_with_its_provider_does_not_meet_the_old_one(
    build: Workshop, newer: Mapping[str, bool]
) -> None:
    """It is created before the gates close."""
    with make_host() as host:
        sides = Sides(host, build, {"base": False, "top": False}).load()
        images = {"base": sides.image("base", 2, **newer), "top": early(build, "top", 2, 2, **newer)}
        host.reload_set(images)
        assert sides.seen == (2, 2, 2002)
        host.rollback("top")
        assert sides.seen == (1, 1, 1001)


def test_who_can_be_called_already_is(build: Workshop) -> None:
    """The provider that serves has all that it was built for."""
    with make_host() as host:
        sides = Sides(host, build, {"base": False, "top": False}).load()
        with pytest.raises(PluginError, match="build 1 of base answered"):
            host.reload_set({"base": sides.image("base", 2), "late": early(build, "late", 5, 2)})
        assert sides.seen == (1, 1, 1001)
        assert "late" not in host


def test_a_step_that_fails_leaves_no_import_to_what_did_not_come(build: Workshop) -> None:
    """What was loaded goes with the set that failed, and the next one is bound anew."""
    with make_host() as host:
        sides = Sides(host, build, {"base": False, "top": False}).load()
        images = {"base": sides.image("base", 2, more=True), "late": early(build, "late", 5, 2, more=True)}
        _core._seams.set_step_hook(lambda step: "fail" if step == "start" else "run")
        try:
            with pytest.raises(HotgraftError):
                host.reload_set(images)
        finally:
            _core._seams.set_step_hook(None)
        assert sides.seen == (1, 1, 1001)
        assert "late" not in host
        host.reload_set(images)
        late: Any = host["late"]
        assert late.both() == 5002


@pytest.mark.control
def test_control_the_stub_of_a_table_that_was_longer_once_is_called(
    build: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That is why nobody answers until the set is published; where it never was longer, the process would end."""
    monkeypatch.setattr(attempt_set, "not_yet", lambda *_: frozenset())
    with make_host() as host:
        sides = Sides(host, build, {"base": False, "top": False}).load()
        sides.replace_both(3, more=True)
        host.commit("base")
        host.reload_set({name: sides.image(name, 1) for name in ("base", "top")}, allow_downgrade=True)
        images = {"base": sides.image("base", 2, more=True), "late": early(build, "late", 5, 2, more=True)}
        with pytest.raises(PluginError, match=r"build \d+ of base answered"):
            host.reload_set(images)
