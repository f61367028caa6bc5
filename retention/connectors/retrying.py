"""Trying again, from one settings record; what is transient is the adapter's to say."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from retention.connectors.failures import Transient

if TYPE_CHECKING:
    import tenacity

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Retry:
    """`attempts` in all, with pauses from `first` seconds on, doubled each time up to `longest`."""

    attempts: int = 4
    first: float = 0.05
    longest: float = 1.0
    sleep: Callable[[float], None] = time.sleep


PATIENCE = 10
"""Attempts at what only begins, or looks: nothing is undone for it."""


def again(
    retry: Retry,
    action: Callable[[], T],
    on_failure: Callable[[], None] = lambda: None,
    *,
    transient: type[Exception] = Transient,
) -> T:
    """`action`, tried again while it raises `transient`; the last one comes out.

    `on_failure` is called after each failed attempt. Never used around a commit.
    """
    return _retrying(retry, on_failure, transient)(action)


def pause_after(retry: Retry, attempts: int) -> float:
    """Seconds to pause after so many failed attempts (from 1 on), for whoever does not wait on the spot."""
    import tenacity

    state = tenacity.RetryCallState(_retrying(retry, lambda: None, Exception), None, (), {})
    state.attempt_number = attempts
    return float(state.retry_object.wait(state))


def _retrying(retry: Retry, on_failure: Callable[[], None], transient: type[Exception]) -> tenacity.Retrying:
    import tenacity

    return tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(transient),
        stop=tenacity.stop_after_attempt(retry.attempts),
        wait=tenacity.wait_exponential(multiplier=retry.first, max=retry.longest),
        sleep=retry.sleep,
        after=lambda _: on_failure(),
        reraise=True,
    )
