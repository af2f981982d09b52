"""A plugin answers in the slots of another, and then its next version has not that interface any more."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hotgraft import Fallback, Host, PluginUnavailable
from hotgraft.host.breaker import Breakers
from pair_scene import codec, player
from sides_scene import make_host

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sample_plugins import Sample, Workshop

LOST = "it is worn out .*; generation 2 of spare, which answers for it, lacks codec/1"


def spare(build: int, major: int) -> Sample:
    """Return a build of who answers, with that major version of the interface."""
    return replace(codec(build, major), name="spare")


@pytest.fixture
def host(build: Workshop) -> Iterator[Host]:
    """A host in which spare answers for codec; a player calls spare as well."""
    with make_host() as made:
        made.load(build(spare(3, 1)))
        made.load(build(player(11)))
        made.load(build(codec(1)), fallback=Fallback(provider="spare", answers={"add": -3}))
        made.open_breaker("codec", "it is worn out")
        assert (made["codec"].build(), made["player"].build()) == (3, 11_003)
        yield made


def replace_spare(host: Host, build: Workshop, **more: Any) -> None:
    """Let the next major version of spare serve, with the player that was built for it."""
    host.reload_set({"spare": build(spare(4, 2)), "player": build(player(12, "^2")), **more})


def test_who_answered_and_lacks_the_interface_now_leaves_it_to_the_constants(host: Host, build: Workshop) -> None:
    """Callers were told that the host is closed. They are told whose interface went, and what is declared answers."""
    replace_spare(host, build)

    assert host["codec"].add(1) == -3
    with pytest.raises(PluginUnavailable, match=LOST) as caught:
        host["codec"].build()
    assert (caught.value.on, caught.value.function) == ("codec", "build")
    assert "mend the plugin and reload it, or declare an answer" in caught.value.advice
    assert host["spare"].build() == 4
    host.close_breaker("codec")
    assert host["codec"].build() == 1


def test_before_the_constants_answer_nobody_is_told_that_the_host_is_closed(
    host: Host, build: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its slots are empty from the end of the window until what was published is noted."""
    plain, told = Breakers._follow_loans, list[str]()

    def follow(self: Breakers, provider: Any) -> None:
        if provider.name == "spare":
            with pytest.raises(PluginUnavailable) as caught:
                host["codec"].build()
            told.extend(caught.value.found)
        plain(self, provider)

    monkeypatch.setattr(Breakers, "_follow_loans", follow)
    replace_spare(host, build)
    assert told[0].startswith("it is worn out (since")


def test_who_goes_back_to_the_interface_answers_again(host: Host, build: Workshop) -> None:
    """And what callers are told, should it be out of service one day, is not of the version that lacked it."""
    replace_spare(host, build)
    host.rollback("spare")

    assert (host["codec"].build(), host["spare"].build(), host["player"].build()) == (3, 3, 11_003)
    host.open_breaker("spare", "it crashed as well")
    with pytest.raises(PluginUnavailable, match="worn out") as caught:
        host["codec"].build()
    assert "lacks" not in str(caught.value)


def test_who_lacks_the_interface_may_be_out_of_service_itself(host: Host, build: Workshop) -> None:
    """It has nothing in the other's slots any more, which are left alone."""
    replace_spare(host, build)
    host.open_breaker("spare", "it crashed as well")

    assert host["codec"].add(1) == -3
    with pytest.raises(PluginUnavailable, match="crashed as well"):
        host["spare"].build()
    host.close_breaker("codec")
    assert host["codec"].build() == 1


def test_who_is_replaced_together_with_who_answered_serves_itself(host: Host, build: Workshop) -> None:
    """What it has published in its own slots is not covered by its constants."""
    replace_spare(host, build, codec=build(codec(2)))

    assert (host["codec"].build(), host["codec"].add(0)) == (2, 0)
