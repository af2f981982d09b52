"""`hotgraft check --probe`: a build is tried before it goes out, by who has no host."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from hotgraft.cli.main import cli
from sample_plugins import CALLER_PLUGIN, PLAIN, STATELESS

if TYPE_CHECKING:
    from sample_plugins import Sample, Workshop


def check(*arguments: object) -> tuple[int, str]:
    """Run the command."""
    done = CliRunner().invoke(cli, ["check", *(str(one) for one in arguments)])
    return done.exit_code, done.output


def test_a_sound_build_is_brought_up_and_down(build: Workshop) -> None:
    """Which stages it went through, and how long they took, is there for a script."""
    code, output = check(build(PLAIN), "--probe", "--json")

    tried: dict[str, Any] = json.loads(output)["images"][0]["probe"]
    assert code == 0
    assert [stage for stage, _ in tried["stages_us"]][-2:] == ["destroy main", "close"]
    assert (tried["error"], tried["warnings"], tried["not_probed"]) == ([], [], "")


@pytest.mark.parametrize(
    ("sample", "words"),
    [
        (replace(PLAIN, source="constructor_crashes"), "SIGSEGV, nothing is mapped at 0x0; in write_to_null+"),
        (replace(PLAIN, source="unhealthy"), "the model answers 3 of 8 questions"),
    ],
    ids=["crashes", "unhealthy"],
)
def test_a_build_that_fails_when_it_runs_is_refused(build: Workshop, sample: Sample, words: str) -> None:
    """What the file does not show ends a pipeline with 3 all the same."""
    assert check(build(sample))[0] == 0
    code, output = check(build(sample), "--probe")

    assert code == 3
    assert words in output
    assert "to do: " in output


def test_create_is_given_the_config(build: Workshop) -> None:
    """A plugin may have none that it can do without."""
    image = build(STATELESS)
    assert check(image, "--probe", "--plugin-config", '{"fail": "create"}')[0] == 3
    assert check(image, "--probe", "--plugin-config", "[1]")[0] == 2


def test_what_needs_another_plugin_is_not_probed_and_not_refused(build: Workshop) -> None:
    """There is no host that would have the other."""
    code, output = check(build(CALLER_PLUGIN), "--probe")

    assert code == 0
    assert "not probed: create of main: no slot was bound for import" in output


def test_what_asks_for_more_than_is_granted_is_refused_where_grants_are_named(build: Workshop) -> None:
    """A pipeline that knows its hosts' config need not wait for them to say no."""
    image = build(replace(PLAIN, permissions=("disk", "network")))
    assert check(image)[0] == 0
    assert check(image, "--granted", "network", "--granted", "disk")[0] == 0

    code, output = check(image, "--granted", "netwrok", "--granted", "disk")

    assert code == 3
    assert "refused: asks for permission 'network', which waits for a grant; granted is 'netwrok'" in output
    said = json.loads(check(image, "--granted", "disk", "--json")[1])
    assert said["images"][0]["ungranted"] == ["asks for permission 'network', which waits for a grant"]
