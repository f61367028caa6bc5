"""Something that happens in the middle of a run."""

import threading
from collections import Counter

from retention.connectors.sql.batches.pages import PageRemover
from retention.connectors.sql.batches.removal import KeyRemover
from retention.connectors.sql.batches.spans import SpanRemover
from retention.connectors.sql.batches.windows import KeyWindows


class Hooks:
    """Actions before or after a step of a batch, one a step. `calls` counts the steps, nested calls once."""

    def __init__(self, monkeypatch):
        self._monkeypatch = monkeypatch
        self.calls = Counter()
        self._here = threading.local()

    def before(self, step, action, *, nth=None):
        """`action(remover)` before each call of `step`, or before the `nth` alone."""
        self._wrap(step, action, None, nth)

    def after(self, step, action, *, nth=None):
        self._wrap(step, None, action, nth)

    def _wrap(self, step, first, last, nth):
        for owner in (KeyWindows, KeyRemover, PageRemover, SpanRemover):
            if step in owner.__dict__:
                self._monkeypatch.setattr(
                    owner, step, self._wrapped(owner.__dict__[step], step, first, last, nth)
                )

    def _wrapped(self, original, step, first, last, nth):
        def called(remover, *words, **options):
            if getattr(self._here, "inside", False):
                return original(remover, *words, **options)
            self.calls[step] += 1
            now = nth is None or self.calls[step] == nth
            if now and first is not None:
                first(remover)
            self._here.inside = True
            try:
                answer = original(remover, *words, **options)
            finally:
                self._here.inside = False
            if now and last is not None:
                last(remover)
            return answer

        return called


def raising(error):
    """An action that raises."""

    def action(_remover):
        raise error

    return action
