"""Patience: a service that is in trouble is asked again for a while, which is told in the log."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

PATIENCE = "SPNST_PATIENCE"
"""Environment variable: for how many seconds a service that doesn't answer is asked again; 300 by default."""

REMINDER = 15.0
"""Seconds between two lines in the log that say that a service doesn't answer."""

_log = logging.getLogger(__name__)


def attempts(
    trouble: type[Exception], most: float = float("inf"), told: Callable[[BaseException], str] = str
) -> Retrying:
    """Attempts at one request: the next follows where one raises ``trouble``, for as long as `PATIENCE` says.

    After that the exception passes, as others do at once.

    Args:
        most: seconds after which no attempt follows, if that is less.
        told: what the log says of an exception.
    """
    patience = min(most, float(os.environ.get(PATIENCE) or 300))
    return Retrying(
        retry=retry_if_exception_type(trouble),
        stop=stop_after_delay(patience),
        wait=wait_random_exponential(multiplier=0.5, max=min(20, patience / 5)),
        before_sleep=_Reminder(patience, told),
        reraise=True,
    )


class _Reminder:
    """Logs that a request is repeated, at most every `REMINDER` seconds in the whole process."""

    last = -REMINDER

    def __init__(self, patience: float, told: Callable[[BaseException], str]) -> None:
        self._patience, self._told = patience, told

    def __call__(self, state: RetryCallState) -> None:
        now, error = time.monotonic(), state.outcome.exception() if state.outcome else None
        if now - _Reminder.last >= REMINDER and error:
            _Reminder.last = now
            _log.warning("%s: trying again for at most %.0f seconds", self._told(error), self._patience)
