"""Tests core/set_plan.py and core/set_planning.py: whom a swap replaces, how each, and everything against it."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial

import pytest
from graph_scene import calls_of, candidate, many, plugin
from hotgraft.core.plan import Action, Place
from hotgraft.core.reload_set import Reason
from hotgraft.core.set_planning import Incoming, Rules
from set_scene import BLOCK, F64, System, incoming, side

ZIP = plugin("zip", "codec 1.2")
LOG = plugin("log", "log 1.0")
GAIN = plugin("gain", "gain 1.0", "codec ^1", "log ^1")
PEAK = plugin("peak", "peak 1.0", "gain ^1")
ZIP_2 = candidate(ZIP, "2.0.0", "codec 2.0")
GAIN_2 = candidate(GAIN, "1.1.0", "gain 1.1", "codec ^2", "log ^1")


def test_a_change_that_breaks_nobody_is_the_plan_of_one() -> None:
    """What is staged elsewhere is not even looked at, and nobody else's facts are."""
    system = System(ZIP, LOG, GAIN, PEAK)
    plan = system.plan(incoming(candidate(ZIP, "1.3.0", "codec 1.3")))
    assert plan.names == ("zip",)
    assert not plan.is_refused
    assert plan["zip"].candidate_version == "1.3.0"
    assert not plan["zip"].is_gated
    assert set(system.asked) == {"zip"}
    assert system.looked == 0
    assert str(plan).splitlines()[0].startswith("zip: version 1.0.0 → 1.3.0; generation 3 serves;")
    assert "  pause: no gate: calls never wait" in str(plan).splitlines()


def test_a_consumer_that_is_broken_is_judged_with_the_candidate_that_it_will_call() -> None:
    """Its old needs count no more: it was built against the new provider, so the old interface may go."""
    system = System(ZIP, LOG, GAIN, PEAK)
    plan = system.plan(incoming(ZIP_2), staged=[incoming(GAIN_2)])
    assert plan.refusals == ()
    assert [(one.plugin, one.member.reason, one.image) for one in plan] == [
        ("zip", Reason.CHANGED, "/new/zip.so"),
        ("gain", Reason.BROKEN, "/new/gain.so"),
    ]
    assert system.looked == 1
    # Several slots at once: nobody may see one of them new and another old.
    assert plan["zip"].is_gated
    assert plan["gain"].is_gated
    assert [str(one.action) for one in plan["zip"].at(Place.WINDOW)][:3] == ["leave pins", "close gates", "drain"]


def test_one_consumer_that_is_left_keeps_the_old_interface_alive() -> None:
    """It has no candidate, so both say no: the set, and the provider's own plan, as it does alone."""
    other = plugin("other", "", "codec ^1")
    plan = System(ZIP, LOG, GAIN, other).plan(incoming(ZIP_2), staged=[incoming(GAIN_2)])
    assert plan.is_refused
    assert any("relied on by other" in one for one in plan["zip"].refusals)
    assert [one.plugin for one in plan.set_refusals] == ["other"]
    assert all(one.startswith(("zip: ", "other 1.0.0 needs codec ^1: ")) for one in plan.refusals)


def test_an_interface_that_nobody_is_known_to_call_does_not_go() -> None:
    """The program may call it: whoever is not known counts."""
    plan = System(ZIP).plan(incoming(ZIP_2))
    assert plan.refusals == plan["zip"].refusals
    assert "no longer offers interface codec/1" in plan.refusals[0]


def test_a_number_that_callers_are_compiled_with_may_change_with_all_of_them() -> None:
    """Who was compiled anew knows the new one; while one caller stays, it stays too."""
    other = plugin("other", "", "codec ^1")
    changed = replace(incoming(ZIP_2), side=side(ZIP_2, constants={"LIMIT": "8"}))
    for plugins, is_refused in (((ZIP, LOG, GAIN), False), ((ZIP, LOG, GAIN, other), True)):
        system = System(*plugins)
        system.sides["zip"] = side(ZIP, constants={"LIMIT": "4"})
        plan = system.plan(changed, staged=[incoming(GAIN_2)])
        assert plan.is_refused is is_refused
        assert any("constant LIMIT" in one for one in plan.refusals) is is_refused


def test_a_function_that_breaks_within_its_version_is_a_lie_whoever_is_replaced_with_it() -> None:
    """The consumer would go along; what the version claims must be so all the same."""
    liar = candidate(ZIP, "1.3.0", "codec 1.3")
    plan = System(ZIP, LOG, GAIN).plan(incoming(liar, takes=F64), staged=[incoming(candidate(GAIN, "1.0.1"))])
    assert plan.names == ("zip", "gain")
    assert plan.set_refusals == ()
    assert [one.split(":")[0] for one in plan["zip"].refusals] == ["claim mismatch"]


def test_a_consumer_that_takes_both_majors_is_bound_anew_in_its_own_image() -> None:
    """Its path is that of what runs."""
    both = candidate(GAIN, "1.0.0", "", "codec >=1,<3", "log ^1")
    plan = System(ZIP, LOG, both, PEAK, state=BLOCK).plan(incoming(ZIP_2, state=BLOCK))
    assert plan.refusals == ()
    assert [(one.plugin, one.member.is_candidate, one.image) for one in plan] == [
        ("zip", True, "/new/zip.so"),
        ("gain", False, "/own/gain.so"),
    ]
    steps = [one.action for one in plan["gain"].at(Place.WINDOW)]
    assert steps[-4:] == [Action.SURRENDER, Action.TAKE, Action.START, Action.PUBLISH]


def test_everything_against_it_is_told_at_once() -> None:
    """A build that is missing, a lower version, a quarantine: the operator mends all of them in one go."""
    lower = incoming(candidate(LOG, "0.9.0"), refusals=("its image is in quarantine",))
    plan = System(ZIP, LOG, GAIN).plan(incoming(ZIP_2), lower, unusable={"gain": "/own/gain.so: no descriptor"})
    told = "\n".join(plan.refusals)
    assert "log: its image is in quarantine" in told
    assert "log: version 0.9.0 is lower than 1.0.0, which serves" in told
    assert "gain has no candidate ready where it was loaded from: /own/gain.so: no descriptor" in told
    assert str(plan).count("  refused: ") == len(plan.refusals)
    assert str(plan).splitlines()[0] == "a swap of 3 plugins, refused"
    allowed = System(ZIP, LOG, GAIN).plan(lower, rules=Rules(allow_downgrade=True))
    assert allowed.refusals == ("its image is in quarantine",)


def test_what_is_not_loaded_yet_is_loaded_with_the_rest() -> None:
    """It has no plan of its own: nothing of it runs."""
    fft = plugin("fft", "fft 1.0")
    wants = candidate(PEAK, "2.0.0", "", "gain ^1", "fft ^1")
    plan = System(ZIP, LOG, GAIN, PEAK).plan(incoming(fft), incoming(wants))
    assert plan.names == ("fft", "peak")
    assert not plan.is_refused
    assert plan.members[0].plan is None
    with pytest.raises(KeyError):
        plan["fft"]
    assert "fft: loaded for the first time" in str(plan)
    assert ("fft" in plan, "zip" in plan, len(plan)) == (True, False, 2)


def test_who_holds_leased_objects_joins() -> None:
    """They go with the generation that lent them."""
    plan = System(ZIP, LOG, GAIN, PEAK).plan(incoming(candidate(ZIP, "1.3.0")), leases={"zip": ("peak",)})
    assert [(one.plugin, one.member.reason) for one in plan] == [("zip", Reason.CHANGED), ("peak", Reason.LEASE)]


def test_json_holds_what_the_text_says() -> None:
    """A script decides by it, and it survives the way through JSON."""
    plan = System(ZIP, LOG, GAIN, PEAK).plan(incoming(ZIP_2))
    told = json.loads(json.dumps(plan.as_dict()))
    assert told["order"] == list(plan.names)
    assert told["refusals"] == list(plan.refusals)
    assert [one["image"] for one in told["members"]] == ["/new/zip.so", "/own/gain.so"]
    assert told["members"][0]["plan"]["candidate_version"] == "2.0.0"
    pause = {"is_gated": True, "us": None, "is_known": False, "by": [], "unmeasured": ["zip", "gain"], "unknown": []}
    assert told["pause"] == pause


def test_the_decision_grows_with_the_edges() -> None:
    """The graph, the set and the plan of each member: whoever changes one plugin in the middle of a large system."""
    calls = []
    for size in (100, 200, 400):
        system = System(*many(size))
        middle = system.graph.plugins[f"p{size // 2:06}"]
        broken = candidate(middle, "2.0.0", f"{middle.provides[0][0]} 9.0")
        plan = system.plan(incoming(broken))
        assert len(plan) > 1
        assert set(system.asked) == set(plan.names)
        calls.append(calls_of(partial(system.plan, incoming(broken))))
    assert calls[2] < 2.1 * calls[1] < 4.41 * calls[0]


def test_a_large_set_costs_what_its_members_do() -> None:
    """Everybody is replaced at once: no member's plan looks at all the others."""
    calls = []
    for size in (25, 50, 200):
        system = System(*many(size))
        changes = [Incoming(facts=one, side=side(one), image="") for one in (
            candidate(facts, "1.0.1") for facts in system.graph.plugins.values()
        )]  # fmt: skip
        assert system.plan(*changes).refusals == ()
        calls.append(calls_of(partial(system.plan, *changes)) / size)
    assert max(calls) < 1.1 * min(calls)
