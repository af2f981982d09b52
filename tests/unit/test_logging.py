"""A plugin's lines reach logging.getLogger("hotgraft.plugin.<name>"), and nobody's thread stays for it."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

import pytest
from hotgraft import Host, _core
from sample_plugins import STATELESS, Workshop

if TYPE_CHECKING:
    from collections.abc import Iterator


class Lines(logging.Handler):
    """Collects records, and tells when there are enough."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []
        self.changed = threading.Condition()

    def emit(self, record: logging.LogRecord) -> None:
        with self.changed:
            self.records.append(record)
            self.changed.notify_all()

    def wait_for(self, count: int) -> list[str]:
        """Return the texts once `count` of them have come."""
        until = time.monotonic() + 60
        while len(self.records) < count:  # the drain starts between two instructions of the main thread: take some
            assert time.monotonic() < until, [record.getMessage() for record in self.records]
            with self.changed:
                self.changed.wait(0.01)
        return [record.getMessage() for record in self.records]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Everything that plugins log."""
    handler = Lines()
    logger = logging.getLogger("hotgraft.plugin")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)


def test_a_line_reaches_the_plugins_own_logger(host: Host, build: Workshop, lines: Lines) -> None:
    """Level, text, instance and generation: who reads a log must be able to tell builds apart."""
    counter = host.load(build(STATELESS), instance="left")
    counter.say(logging.WARNING, "zu heiß".encode(), 8)

    assert lines.wait_for(1) == ["zu heiß"]
    record = lines.records[0]
    assert (record.name, record.levelno) == ("hotgraft.plugin.counter", logging.WARNING)
    assert (record.hotgraft_instance, record.hotgraft_generation) == ("left", 1)  # type: ignore[attr-defined] # set by our logging


def test_bytes_that_are_no_text_are_shown_and_break_nothing(host: Host, build: Workshop, lines: Lines) -> None:
    """A plugin may log rubbish."""
    host.load(build(STATELESS)).say(logging.INFO, b"a\xffb", 3)

    assert lines.wait_for(1)[0].startswith("a")


def test_lines_after_a_silence_are_not_lost(host: Host, build: Workshop, lines: Lines) -> None:
    """The thread ends when there is nothing to do; the next line starts it again."""
    counter = host.load(build(STATELESS))
    for number in range(20):
        counter.say(logging.INFO, b"%02d" % number, 2)
        lines.wait_for(number + 1)

    assert lines.wait_for(20) == [f"{number:02d}" for number in range(20)]


def test_a_flood_is_dropped_counted_and_said(host: Host, build: Workshop, lines: Lines) -> None:
    """The ring is bounded and a plugin never waits; what is lost is said."""
    counter = host.load(build(STATELESS))
    before = _core.dropped_log_lines()
    _core.set_log_wake(None)  # nobody drains: the ring fills
    for _ in range(1_000):
        counter.say(logging.INFO, b"x", 1)
    assert _core.dropped_log_lines() > before

    from hotgraft.host.log import log_drain

    log_drain().listen()
    counter.say(logging.INFO, b"y", 1)
    log_drain().hand_on()
    assert any("were lost" in text for text in lines.wait_for(1))


def test_no_handler_is_added_and_no_thread_stays(host: Host, build: Workshop, lines: Lines) -> None:
    """Where lines go is the program's business, and a standing thread makes CPython warn at every fork."""
    before = threading.active_count()
    host.load(build(STATELESS)).say(logging.INFO, b"x", 1)
    lines.wait_for(1)

    assert logging.getLogger("hotgraft.plugin.counter").handlers == []
    until = time.monotonic() + 60
    while threading.active_count() > before:
        assert time.monotonic() < until
        threading.Event().wait(0.005)
