"""status.py, rates.py and known_images.py: what a host says of what it serves, and which images it knows."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import hotgraft
import pytest
from hotgraft.core.errors import ContractError
from hotgraft.run.rates import Rates
from sample_plugins import Sample

if TYPE_CHECKING:
    from pathlib import Path

    from sample_plugins import Workshop


def test_it_counts_what_serves_and_names_what_holds_the_rest(host: hotgraft.Host, build: Workshop) -> None:
    """A pin keeps the generation that was replaced; the status says so, and nothing when it has gone."""
    counter = host.load(str(build(Sample())))
    counter.add(1)
    with counter.pin(who="a session"):
        (before,) = host.status().plugins
        assert (before.pin_count, "a session" in before.pins, before.calls) == (1, True, 1)
        host.reload("counter", str(build(Sample(version="1.1.0", build=2))))
        (after,) = host.status().plugins
        assert (after.version, after.generation, after.stage, after.pin_count) == ("1.1.0", 2, "active", 0)
        assert (after.calls, len(after.waiting), after.unloaded) == (0, 1, 0)
    host.unloads(30)
    (left,) = host.status().plugins
    assert (left.waiting, left.stuck, left.unloaded) == ((), (), 1)


def test_a_rate_is_that_since_the_look_before(host: hotgraft.Host, build: Workshop) -> None:
    """Of one generation; two looks that are too close together give the rate of before."""
    counter = host.load(str(build(Sample())))
    rates, first = Rates(), host.status()
    assert rates.look(first) == (0.0,)
    for _ in range(10):
        counter.add(1)
    later = replace(host.status(), at_s=first.plugins[0].since_s + 5.0)
    assert rates.look(later) == (2.0,)
    assert rates.look(replace(later, at_s=later.at_s + 0.1)) == (2.0,)
    assert rates.look(replace(later, at_s=later.at_s + 10.0)) == (0.0,)
    host.reload("counter", str(build(Sample(build=2))))
    assert rates.look(replace(host.status(), at_s=later.at_s + 20.0)) == (0.0,)


def test_an_image_is_chosen_by_version_or_hash(tmp_path: Path, build: Workshop) -> None:
    """From where it is loaded, then from the journal; what does not fit is named with what it is."""
    image = tmp_path / "counter.so"
    shutil.copyfile(build(Sample()), image)
    with hotgraft.Host(journal=str(tmp_path / "records"), settle_deadline_s=1) as host:
        host.load(str(image))
        first = host.status().plugins[0].sha256
        shutil.copyfile(build(Sample(version="1.1.0", build=2)), tmp_path / "new.so")
        (tmp_path / "new.so").replace(image)
        assert host.known_image("counter", version="1.1.0").path == str(image)
        kept = host.known_image("counter", digest=first[:8].upper())
        assert (kept.version, kept.sha256, kept.is_kept) == ("1.0.0", first, True)
        with pytest.raises(ContractError) as caught:
            host.known_image("counter", version="2.0.0")
        assert [one.partition(": ")[2].split(",")[0] for one in caught.value.found] == [
            "version 1.1.0",
            "version 1.0.0",
        ]
        image.unlink()
        with pytest.raises(ContractError, match="generation 1 still serves") as caught:
            host.known_image("counter", digest="0" * 64)
        assert "it is not there" in caught.value.found[0]


@pytest.mark.parametrize("chosen", [{}, {"version": "1.0.0", "digest": "0" * 64}, {"digest": "abc"}, {"version": "1"}])
def test_a_choice_that_is_none_is_refused(host: hotgraft.Host, build: Workshop, chosen: dict[str, Any]) -> None:
    """Both, neither, or no version and no hash."""
    host.load(str(build(Sample())))
    with pytest.raises(ValueError, match=r".+"):
        host.reload_known("counter", **chosen)


def test_an_image_that_changes_after_it_was_chosen_is_refused(
    host: hotgraft.Host, build: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was asked for by its hash is that, or nothing."""
    host.load(str(build(Sample())))
    digest = host.status().plugins[0].sha256
    chosen = replace(host.known_image("counter", digest=digest), path=str(build(Sample(build=2))))
    monkeypatch.setattr(host, "known_image", lambda *_, **__: chosen)
    with pytest.raises(hotgraft.ImageError, match=f"not {digest}"):
        host.reload_known("counter", digest=digest)
    assert host["counter"].generation == 1
