"""Permissions and features at a live host: what waits for a grant, and what must stay because somebody uses it."""

from __future__ import annotations

import json
import threading
from dataclasses import replace as but
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from hotgraft import ContractError, Host, LoadError, Outcome, PermissionRequired
from hotgraft.cli.main import cli
from hotgraft.engine.journal_reading import history
from hotgraft.host.watches import Watches
from sample_plugins import CALLER_PLUGIN, HANDS_OVER, STATELESS, Workshop
from watch_scene import Listener, replace

if TYPE_CHECKING:
    from pathlib import Path

PLAIN = STATELESS
ASKS = but(STATELESS, build=2, permissions=("disk", "network"))
RICH = but(STATELESS, features=("seek", "stereo"))
POOR = but(STATELESS, build=2, features=("seek",))
USER = but(CALLER_PLUGIN, uses=("stereo",))


@pytest.fixture
def host() -> Host:
    """A host that tries nothing first, unless a test says so: what is decided here is decided before that."""
    return Host(probe="off")


# --- permissions ---


def test_nothing_of_a_candidate_runs_before_its_permissions_are_granted(
    build: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even in the probe: the consent of an operator comes before the code."""
    tried: list[str] = []
    monkeypatch.setattr("hotgraft.host.attempt.probe", lambda *_, **__: tried.append("probe"))
    monkeypatch.setattr("hotgraft.host.attempt.prepare", lambda *_, **__: tried.append("map"))
    with Host() as host:
        with pytest.raises(PermissionRequired) as caught:
            host.load(build(ASKS))

        assert list(host) == []
        assert tried == []
    assert caught.value.permissions == ("disk", "network")
    assert caught.value.found == tuple(
        f"asks for permission {one!r}, which waits for a grant" for one in ("disk", "network")
    )
    assert 'host.grant("counter", "disk", "network")' in caught.value.advice
    assert caught.value.running == "nothing of it is loaded"


def test_a_grant_comes_from_the_host_s_arguments_from_load_or_from_a_call(build: Workshop) -> None:
    """Whoever operates the host has one of the three at hand."""
    with Host(probe="off", grants={"counter": ["network", "disk", "nobody.asks"], "other": ["x"]}) as host:
        assert host.load(build(ASKS)).build() == 2
        assert host.grants("counter") == ("disk", "network", "nobody.asks")
        assert host.grants("gain") == ()
    with Host(probe="off") as host:
        assert host.load(build(ASKS), grants=["network", "disk"]).build() == 2
    with Host(probe="off") as host:
        assert host.grant("counter", "network", "disk") == ("disk", "network")
        assert host.grant("counter", "network") == ()
        assert host.load(build(ASKS)).build() == 2


def test_a_reload_that_asks_for_more_waits_and_a_grant_lets_the_next_attempt_go(host: Host, build: Workshop) -> None:
    """What ran still runs; the same image is taken once its permission is there."""
    with host:
        counter = host.load(build(PLAIN))
        host.grant("counter", "netwrok", "disk")
        assert host.plan("counter", build(ASKS)).refusals == (
            "asks for permission 'network', which waits for a grant; granted is 'netwrok'",
        )
        with pytest.raises(PermissionRequired, match=r"'network', which waits.*granted is 'netwrok'") as caught:
            host.reload("counter", build(ASKS))
        assert caught.value.permissions == ("network",)
        assert caught.value.running == "generation 1 still serves"
        assert counter.build() == 1

        host.grant("counter", "network")

        assert host.plan("counter", build(ASKS)).refusals == ()
        assert host.reload("counter", build(ASKS)).outcome is Outcome.PUBLISHED
        assert counter.build() == 2


def test_what_stands_against_it_besides_comes_first_and_the_permission_with_it(host: Host, build: Workshop) -> None:
    """A grant would not let it in: the author mends it in one build, and the operator is asked then."""
    with host:
        host.load(build(but(HANDS_OVER, features=("stereo",))))
        host.rely_on("counter", features=["stereo"])
        with pytest.raises(ContractError) as caught:
            host.reload("counter", build(but(HANDS_OVER, permissions=("network",))))
    assert [one.split()[0] for one in caught.value.found] == ["this", "asks"]


def test_what_is_revoked_stops_the_next_candidate_and_nothing_that_serves(host: Host, build: Workshop) -> None:
    """A config's swap is a candidate too; an instance more of what serves is none, and neither is a rollback."""
    with host:
        counter = host.load(build(ASKS), grants=["network", "disk"])
        assert host.revoke("counter", "network", "never.granted") == ("network",)
        assert counter.build() == 2
        with pytest.raises(PermissionRequired, match="network"):
            host.reload("counter")
        with pytest.raises(PermissionRequired, match="network"):
            host.configure("counter", {"a": 1})
        assert host.load("counter", instance="left").build() == 2
        assert host.reload("counter", build(but(PLAIN, build=3))).generation
    with Host(probe="off", probation="on", probation_s=3600, probation_max_s=3600) as other:
        other.load(build(ASKS), grants=["network", "disk"])
        other.reload("counter", build(but(PLAIN, build=3)))
        other.revoke("counter", "network")
        assert other.rollback("counter").outcome is Outcome.ROLLED_BACK


def test_a_word_that_is_no_permission_is_refused_and_grants_nothing(host: Host) -> None:
    """A slip in a program is its own mistake, not an operator's."""
    with host:
        with pytest.raises(ValueError, match="'Network' is no permission"):
            host.grant("counter", "disk", "Network")
        with pytest.raises(TypeError):
            Host(grants={"counter": "network"})
        assert host.grants("counter") == ()


def test_grants_and_what_waited_for_them_are_on_record(build: Workshop, tmp_path: Path) -> None:
    """Who let it in, when and why, is what somebody asks after the fact."""
    folder = tmp_path / "journal"
    with Host(probe="off", journal=folder, grants={"counter": ["disk"]}) as host:
        host.load(build(PLAIN))
        with pytest.raises(PermissionRequired):
            host.reload("counter", build(ASKS))
        host.grant("counter", "network", reason="it fetches its tables")
        host.grant("counter", "network")  # nothing changes, so nothing is noted
        host.reload("counter", build(ASKS))
        host.revoke("counter", "network", "disk")

    lines = [one.as_dict() for one in history(folder)]
    told = [
        (one["asked_by"], one["outcome"], one["facts"].get("permissions"), one["reason"])
        for one in lines
        if one["plugin"]
    ]
    assert told == [
        ("host", "granted", ["disk"], ""),
        ("load", "published", None, ""),
        ("reload", "refused", None, ""),
        ("grant", "granted", ["network"], "it fetches its tables"),
        ("reload", "published", None, ""),
        ("revoke", "revoked", ["disk", "network"], ""),
    ]
    assert "PermissionRequired: asks for permission 'network'" in lines[2]["error"]
    shown = CliRunner().invoke(cli, ["history", "--journal", str(folder)]).output
    assert "network: it fetches its tables" in shown
    assert "which waits for a grant" in shown
    assert "disk, network" in shown
    said = json.loads(CliRunner().invoke(cli, ["history", "--journal", str(folder), "--json"]).output)
    assert said["attempts"][3]["facts"] == {"permissions": ["network"]}


def test_a_watch_tries_again_what_was_refused_for_want_of_a_grant(host: Host, build: Workshop, tmp_path: Path) -> None:
    """The file does not change any more, so no event would come."""
    image = tmp_path / "counter.so"
    replace(image, build(PLAIN))
    with host:
        listener, counter = Listener(host), host.load(image)
        host.watch("counter")
        replace(image, build(ASKS))
        assert isinstance(listener.wait_for("watch.refused").facts["error"], PermissionRequired)

        host.grant("counter", "network")  # not yet all
        refused = listener.wait_for("watch.refused").facts["error"]
        assert isinstance(refused, PermissionRequired)
        assert refused.permissions == ("disk",)
        host.grant("counter", "disk")

        listener.wait_for_build(counter, 2)


def test_a_grant_does_not_bring_back_what_was_refused_for_something_else(
    host: Host, build: Workshop, tmp_path: Path
) -> None:
    """It would be tried, and refused, and told once more."""
    image = tmp_path / "counter.so"
    replace(image, build(PLAIN))
    with host:
        listener = Listener(host)
        host.load(image)
        host.watch("counter")
        replace(image, build(but(PLAIN, functions=PLAIN.functions[:-1])))
        listener.wait_for("watch.refused")

        host.grant("counter", "network")
        replace(image, build(but(PLAIN, build=3)))
        listener.wait_for("swap.published")

        assert listener.names().count("watch.refused") == 1


def test_a_grant_in_the_midst_of_the_attempt_it_is_for_is_not_lost(
    host: Host, build: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the refusal and its note in the watch, an operator may just have granted."""
    image, granted = tmp_path / "counter.so", threading.Event()
    replace(image, build(PLAIN))
    with host:
        listener, counter = Listener(host), host.load(image)
        watches = host._watches
        real = watches._reload

        def reload(*args: object, **options: object) -> object:
            try:
                return real(*args, **options)
            finally:
                if not granted.is_set():
                    granted.set()
                    host.grant("counter", "network", "disk")

        monkeypatch.setattr(watches, "_reload", reload)
        assert isinstance(watches, Watches)
        host.watch("counter")
        replace(image, build(ASKS))

        listener.wait_for_build(counter, 2)
        assert granted.is_set()


@pytest.mark.control
def test_control_without_the_check_it_runs_with_what_nobody_granted(
    host: Host, build: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is taken out: the comparison with the host's grants."""
    monkeypatch.setattr("hotgraft.host.attempt.check_granted", lambda *_: None)
    with host:
        assert host.load(build(ASKS)).build() == 2


# --- features ---


def test_a_handle_says_which_features_the_running_generation_offers(host: Host, build: Workshop) -> None:
    """So a program can ask before it relies on one; a pin's are those of what is pinned."""
    with host:
        counter = host.load(build(RICH))
        with counter.pin() as held:
            before = counter.features
            host.reload("counter", build(POOR))
            assert (before, counter.features, held.features) == (("seek", "stereo"), ("seek",), ("seek", "stereo"))


def test_a_consumer_whose_provider_lacks_a_feature_is_refused_with_both_names(host: Host, build: Workshop) -> None:
    """Before any of its code runs, and before it calls into what is not there."""
    with host:
        host.load(build(POOR))
        with pytest.raises(LoadError) as caught:
            host.load(build(USER))
        assert caught.value.on == "caller"
        assert caught.value.found == (
            "needs interface counter ^1.0: counter lacks feature 'stereo' (it offers 'seek')",
        )
        host.reload("counter", build(but(RICH, build=3)))
        assert host.load(build(USER)).add_there(1) == 1


def test_a_provider_further_on_that_has_the_feature_is_taken(host: Host, build: Workshop) -> None:
    """Two may offer one interface; the first that will do is bound."""
    with host:
        host.load(build(POOR), name="first")
        second = host.load(build(RICH), name="second")
        host.load(build(USER)).add_there(5)
        assert second.add(0) == 5


def test_an_optional_provider_without_the_feature_is_left_out(host: Host, build: Workshop) -> None:
    """As one in a version out of its range: the consumer comes up without it, and holds nothing of it."""
    with host:
        host.load(build(POOR))
        host.load(build(but(USER, optional=True)))
        assert host._loaded("caller").imports == {}
        host.reload("counter", build(but(PLAIN, build=3)))


def test_a_feature_that_a_loaded_consumer_uses_stays(host: Host, build: Workshop) -> None:
    """Dropping it breaks a promise that somebody relies on; where nobody does, it goes."""
    with host:
        counter = host.load(build(RICH))
        host.load(build(USER))
        sentence = "caller uses what this lacks: feature 'stereo' (it offers 'seek')"
        assert host.plan("counter", build(POOR))["counter"].refusals == (sentence,)
        with pytest.raises(ContractError) as caught:
            host.reload("counter", build(POOR))
        assert caught.value.found[0] == sentence
        assert "caller has no candidate ready" in caught.value.found[1]
        assert counter.build() == 1

        host.reload("caller", build(but(CALLER_PLUGIN, uses=("seek",))))

        host.reload("counter", build(POOR))
        assert counter.build() == 2


def test_what_a_program_says_it_relies_on_stays_until_it_says_otherwise(host: Host, build: Workshop) -> None:
    """A caller in Python is a consumer too, and has no manifest."""
    with host:
        host.load(build(RICH))
        with pytest.raises(ContractError, match=r"version 1\.0\.0 lacks feature 'tempo' .*generation 1 serves on"):
            host.rely_on("counter", features=["tempo"])
        host.rely_on("counter", features=["stereo"])
        with pytest.raises(ContractError, match="this program uses what this lacks: feature 'stereo'"):
            host.reload("counter", build(POOR))

        host.rely_on("counter", features=[])

        assert host.reload("counter", build(POOR)).outcome is Outcome.PUBLISHED


def test_nobody_relies_on_a_feature_that_a_rollback_would_take_away(build: Workshop) -> None:
    """What is on probation may go back, and must break nobody by it."""
    with Host(probe="off", probation="on", probation_s=3600, probation_max_s=3600) as host:
        host.load(build(POOR))
        host.reload("counter", build(but(RICH, build=3)))
        with pytest.raises(ContractError, match="on probation, and less if it is rolled back lacks feature 'stereo'"):
            host.rely_on("counter", features=["stereo"])
        with pytest.raises(LoadError, match="counter as it would be after a rollback lacks feature 'stereo'"):
            host.load(build(USER))

        host.commit("counter")

        host.rely_on("counter", features=["stereo"])
        host.load(build(USER))


@pytest.mark.control
def test_control_without_the_check_a_feature_goes_that_is_used(
    host: Host, build: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is taken out: the look for users of what a candidate no longer offers."""
    monkeypatch.setattr("hotgraft.core.plan.lost_features", lambda *_: ())
    with host:
        counter = host.load(build(RICH))
        host.load(build(USER))
        host.reload("counter", build(POOR))
        assert counter.features == ("seek",)
