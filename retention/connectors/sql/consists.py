"""What a statement consists of, each element looked at once, however many places ask for it."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Any


def elements(whole: Any, *, but: Container[int] = ()) -> Iterator[Any]:
    """All that the SQLAlchemy element consists of, and what it asks for in turn; nothing below those of which the
    identity is among `but`. The library's own `iterate` goes through a definition once for each place that asks for
    it, and for each place in that: where definitions ask for others, that doesn't end."""
    seen: set[int] = {id(whole)}
    left: list[Any] = list(whole.get_children())
    yield whole
    while left:
        each = left.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        if id(each) not in but:
            left.extend(each.get_children())
