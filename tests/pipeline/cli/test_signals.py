"""Signals: SIGTERM interrupts like Ctrl-C, and the exit status tells which of them it was."""

import os
import signal
from collections.abc import Iterator

import pytest

from spnst_pipeline.cli.signals import INTERRUPTED, TERMINATED, terminating_as_interrupted


@pytest.fixture(autouse=True)
def _interruptible() -> Iterator[None]:
    """Ctrl-C counts, even where the tests run in the background and the shell has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, TERMINATED), (signal.SIGINT, INTERRUPTED)])
def test_the_status_is_that_of_the_signal_that_came(number, status):
    with terminating_as_interrupted() as found, pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), number)
    with terminating_as_interrupted() as found:
        try:
            os.kill(os.getpid(), number)
        except KeyboardInterrupt:
            assert found() == status


def test_a_handler_that_was_put_in_between_does_not_hide_the_signal():
    with terminating_as_interrupted() as found:
        signal.signal(signal.SIGTERM, lambda *_: None)
        os.kill(os.getpid(), signal.SIGTERM)
        assert found() == TERMINATED


def test_an_interruption_that_no_signal_brought_counts_as_ctrl_c():
    with terminating_as_interrupted() as found:
        assert found() == INTERRUPTED


def test_handlers_are_put_back():
    def handler(*_):
        """Somebody's own."""

    before = signal.signal(signal.SIGTERM, handler)
    with terminating_as_interrupted():
        assert signal.getsignal(signal.SIGTERM) is not handler
    assert signal.getsignal(signal.SIGTERM) is handler
    signal.signal(signal.SIGTERM, before)
