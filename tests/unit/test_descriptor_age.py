"""Descriptors of another day than the host's: of a newer hotgraft, and read by one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hotgraft import ManifestError
from hotgraft.core import descriptor_checks
from hotgraft.core.descriptor import read_descriptor
from sample_plugins import STATELESS


def refused(**changes: Any) -> tuple[str, ...]:
    """Return what is said against a sound descriptor with these changes; nothing where it is taken."""
    try:
        read_descriptor(json.dumps(STATELESS.descriptor | changes).encode())
    except ManifestError as error:
        return error.found
    return ()


def test_that_it_is_of_a_later_hotgraft_is_said_before_the_keys_that_it_added() -> None:
    """An author cannot mend an unknown key that the newer `hotgraft bind` wrote; the numbers say what to do."""
    assert refused(abi=[1, 7], hotgraft=3, beyond={}) == (
        "has format 3; this host reads format 1",
        "was built for ABI 1.7; this host offers ABI 1.1",
        "$: the key 'beyond' is unknown",
    )


@pytest.mark.parametrize("abi", [None, 1, "1.7", [1], [1, 7, 0], {"major": 1}, [1, "7"]])
def test_what_is_no_version_of_an_abi_is_a_fault_of_shape(abi: Any) -> None:
    """Whatever stands there is looked at before its shape is known."""
    assert [one.split(":")[0] for one in refused(abi=abi)] in (["$.abi"], ["$.abi[1]"])


def test_a_host_of_a_newer_minor_takes_what_an_older_one_was_built_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Minors only append: a plugin of today must not be refused the day a host offers more."""
    monkeypatch.setattr(descriptor_checks, "ABI_MINOR", 2)

    assert [refused(abi=[1, minor]) for minor in (0, 1, 2)] == [(), (), ()]
    assert refused(abi=[1, 3]) == ("was built for ABI 1.3; this host offers ABI 1.2",)
    assert refused(abi=[2, 0]) == ("was built for ABI 2.0; this host offers ABI 1.2",)


def test_a_host_of_an_older_minor_refuses_what_was_built_for_a_newer_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it uses nothing that is new: no fact in an image says what its code would reach for."""
    monkeypatch.setattr(descriptor_checks, "ABI_MINOR", 0)

    assert refused(abi=[1, 1]) == ("was built for ABI 1.1; this host offers ABI 1.0",)
