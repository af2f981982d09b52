"""What a probe told is read line by line, and judged: refused, warned of, or not probed."""

from __future__ import annotations

import pytest
from hotgraft import ContractError, HotgraftError, LoadError, PluginError, ProbeError
from hotgraft.core.probing import STAGES, Ending, ProbeReport, judge, read_told

BEFORE = ">begin\tlimits\t\n>end\t1000\n>begin\tresidents\t\n>end\t2000\n"
MAPPED = BEFORE + ">begin\tmap\t\n>end\t3000\n>begin\tentry\t\n>end\t4000\n"
LABEL = "gain: generation 2"
CRASH = """hotgraft: SIGSEGV in plugin gain, generation 2 (version 1.0.0, mapped): nothing is mapped at 0x0
  where: set_gain+0x7 (gain.so+0x1139), thread 12
  on the stack, nearest first (a left-over address may be among them):
    gain: create+0x12 (gain.so+0x1150)
  call: none; the thread is not inside a call that the host guards
"""
ABORT = CRASH.replace("SIGSEGV in plugin", "SIGABRT in code called by plugin").replace(
    "set_gain+0x7 (gain.so+0x1139)", "libc.so.6+0x8e, which is no plugin"
)
THROWN = ">thrown\tstd::logic_error\tno\\tgain\n"


def verdict(text: str, ending: Ending | None = None) -> tuple[ProbeReport, HotgraftError | None]:
    """Judge what was told."""
    return judge(read_told(text), ending or Ending(exit_code=0), label=LABEL, plugin="gain")


def test_a_probe_that_is_done_speaks_for_the_candidate() -> None:
    """Its stages are told with their times."""
    report, error = verdict(MAPPED + ">begin\tcreate\tmain\n>end\t5000\n>done\n")

    assert error is None
    assert report.stages == (("limits", 1.0), ("residents", 2.0), ("map", 3.0), ("entry", 4.0), ("create main", 5.0))
    assert (report.warnings, report.not_probed) == ((), "")


@pytest.mark.parametrize(
    ("told", "ending", "found", "signal"),
    [
        (CRASH, Ending(signal="SIGSEGV"), "SIGSEGV, nothing is mapped at 0x0; in set_gain+0x7", "SIGSEGV"),
        (ABORT, Ending(signal="SIGABRT"), "SIGABRT, nothing is mapped at 0x0; in create+0x12", "SIGABRT"),
        ("", Ending(signal="SIGKILL"), "SIGKILL ended the process", "SIGKILL"),
        ("", Ending(exit_code=3), "it ended the process with exit code 3", ""),
        ("", Ending(exit_code=0), "it ended the process with exit code 0", ""),
        ("", Ending(), "the process ended, and nobody could tell how", ""),
        (CRASH, Ending(signal="SIGABRT", timed_out_s=2.0), "did not return within 2 s; in set_gain+0x7", ""),
        (THROWN + ABORT, Ending(signal="SIGABRT"), "an exception got out: std::logic_error, no\tgain", "SIGABRT"),
    ],
)  # fmt: skip
def test_an_end_before_done_refuses_with_stage_signal_and_place(
    told: str, ending: Ending, found: str, signal: str
) -> None:
    """However it came to its end, the stage that was under way is to blame."""
    _, error = verdict(MAPPED + ">begin\tcreate\tmain\n" + told, ending)

    assert isinstance(error, ProbeError)
    assert error.found[0].startswith("in the probe, create of main: ")
    assert found in error.found[0]
    assert (error.stage, error.signal) == ("create", signal)


@pytest.mark.parametrize("stage", STAGES)
def test_only_what_comes_before_the_candidate_is_not_its_fault(stage: str) -> None:
    """A host that is gone or a provider that crashes says nothing about the candidate."""
    report, error = verdict(f">begin\t{stage}\t\n", Ending(signal="SIGSEGV"))

    is_before = stage in ("limits", "residents", "providers")
    assert (error is None) is is_before
    assert (report.not_probed != "") is is_before


@pytest.mark.parametrize(
    ("stage", "code", "kind"),
    [("create", 7, PluginError), ("health", 7, PluginError), ("entry", 3, LoadError), ("interface", 3, ContractError),
     ("map", 3, LoadError), ("create", 5, ProbeError)],
)  # fmt: skip
def test_an_answer_is_the_error_that_the_hosts_own_step_would_end_in(
    stage: str, code: int, kind: type[HotgraftError]
) -> None:
    """One class per decision, wherever it was found."""
    _, error = verdict(MAPPED + f">begin\t{stage}\tmain\n>fail\t{code}\t{LABEL}: said no\\nto do: rest\n")

    assert type(error) is kind
    assert error is not None
    assert error.found[0].startswith("said no")
    assert "in the probe" in str(error)


@pytest.mark.parametrize(
    "told",
    [
        f">begin\tmap\t\n>fail\t3\t{LABEL}: the loader refused x.so: no\n",
        ">begin\tcreate\tmain\n>fail\t1\tno slot\n",
    ],
)
def test_what_only_that_process_could_not_give_is_left_to_the_host(told: str) -> None:
    """Its loader knows what this process really has."""
    report, error = verdict(BEFORE + told)

    assert error is None
    assert report.not_probed != ""


def test_changes_and_leftovers_are_refused_or_warned_of_by_what_they_are() -> None:
    """What nobody would put back refuses; what ends with a thread or stays the plugin's does not."""
    told = MAPPED + ">change\tfpu\tflush to zero\n>change\tumask\tfrom 022 to 0\n>left\tstuck\tnodelete\n>done\n"
    report, error = verdict(told)

    assert isinstance(error, ProbeError)
    assert error.found == ("in the probe, from 022 to 0",)
    assert report.warnings == ("nodelete", "flush to zero")
    lenient, none = judge(read_told(told), Ending(exit_code=0), label=LABEL, plugin="gain", refused_changes=frozenset())
    assert none is None
    assert lenient.warnings == ("nodelete", "flush to zero", "from 022 to 0")


def test_written_state_is_refused_in_its_words() -> None:
    """The helper names stage and byte."""
    _, error = verdict(MAPPED + ">begin\ttake\tmain\n>wrote\ttake of main wrote at byte 8\n")

    assert error is not None
    assert error.found == ("in the probe, take of main wrote at byte 8",)


@pytest.mark.parametrize(
    "text", ["", ">", ">nonsense\tx\n", ">begin\n", ">fail\n", ">end\n", "noise\n", ">begin\tmap\t"]
)
def test_lines_that_are_none_are_passed_over(text: str) -> None:
    """A candidate can write to any fd of its process: what it writes there is no reason to fail here."""
    report, _ = verdict(text, Ending(signal="SIGSEGV"))

    assert report.warnings == ()
