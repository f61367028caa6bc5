"""What each strategy makes of a value: the meaning that every database's own computation is held to.

NULL stays NULL, and what is a result already stays as it is, but for `token`, `fake` and `hash`: they are
asked of a column only where it is not done. A value that can't be read (a text that is no date or no
address) raises UnreadableError: it is never guessed at, and never written.
"""

from __future__ import annotations

import ipaddress
import math
import re
import secrets
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, localcontext
from typing import Any

from retention.actions.fakes import fake
from retention.actions.pseudonyms import pseudonyms, seed
from retention.model.strategy import DIGITS, STARS, TOKEN_LENGTH, Strategy, Way

ISO_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?=\Z|[Tt ])", re.ASCII)
_ATTEMPTS = 20
_LARGEST_WHOLE = float(1 << 53)


class UnreadableError(ValueError):
    """The value is none that the strategy can rewrite; the message never holds it."""


@dataclass(frozen=True, kw_only=True)
class Keyed:
    """What results depend on besides the value: the pseudonyms' key, and how the column's values are made alike.

    `room`: how many characters the column holds, None where there is no end; fakes are cut to it. `uuid`: the
    column holds UUIDs, and a token is one.
    """

    key: bytes = b""
    steps: Sequence[str] = ()
    room: int | None = None
    uuid: bool = False


def rewriter(strategy: Strategy, keyed: Keyed) -> Callable[[Any], Any]:
    """The function from a column's value to the one that is written over it. Raises UnreadableError when called.

    A keyed strategy without a key raises ValueError at once.
    """
    if strategy.keyed and not keyed.key:
        raise ValueError(f"{strategy.text} needs the pseudonyms' key")
    make = _makers(strategy, keyed)

    def rewritten(value: Any) -> Any:
        return None if value is None else make(value)

    return rewritten


def _makers(strategy: Strategy, keyed: Keyed) -> Callable[[Any], Any]:
    match strategy.way:
        case Way.NULL:
            return lambda _: None
        case Way.REDACT:
            return lambda _: strategy.constant
        case Way.HASH:
            hashed = pseudonyms(keyed.key, keyed.steps)
            return lambda value: hashed(value if type(value) is str else text_of(value))
        case Way.MASK:
            return lambda value: masked(text_of(value), strategy.keep, last=strategy.last)
        case Way.YEAR | Way.MONTH:
            return _filled(lambda value: _generalised(value, month=strategy.way is Way.MONTH))
        case Way.ROUND:
            return lambda value: _rounded(value, strategy.width)
        case Way.PREFIX if strategy.length is None:
            return _filled(lambda value: _network(value, strategy))
        case Way.PREFIX:
            return lambda value: text_of(value)[: strategy.length]
        case Way.FAKE:
            return lambda value: _faked(text_of(value), strategy, keyed)
        case Way.TOKEN:
            return lambda _: uuid.uuid4() if keyed.uuid else token()


def _filled(make: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """`make`, but of an empty text, which tells nothing and stays."""
    return lambda value: value if value in ("", b"") else make(value)


def text_of(value: Any) -> str:
    """The value as a text; bytes where a text should be (SQLite has no types) as UTF-8, what is none kept apart."""
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8", "surrogateescape")
    return value if isinstance(value, str) else str(value)


def token() -> str:
    """26 random base-32 digits: 130 bits."""
    return "".join(secrets.choice(DIGITS) for _ in range(TOKEN_LENGTH))


def masked(text: str, keep: int, *, last: bool) -> str:
    """`keep` characters and three stars, whatever the length; stars only where there are no more characters."""
    if len(text) <= keep:
        return "*" * (keep + len(STARS))
    return STARS + text[len(text) - keep :] if last else text[:keep] + STARS


def _generalised(value: Any, *, month: bool) -> Any:
    """The first day, or instant (of a column with a zone: in UTC), of the value's year or month."""
    match value:
        case datetime():
            whole = value.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
            return whole if month else whole.replace(month=1)
        case date():
            return value.replace(day=1) if month else value.replace(month=1, day=1)
        case str():
            return _generalised_text(value, month=month)
    raise UnreadableError("a value that is no date")


def _generalised_text(text: str, *, month: bool) -> str:
    """ISO 8601, with or without a time: a day, and no time."""
    found = ISO_DATE.match(text)
    try:
        if found is None or date.fromisoformat(found[0]) is None:
            raise UnreadableError("a text that is no ISO 8601 date")
    except ValueError as error:
        raise UnreadableError("a text that is no ISO 8601 date") from error
    return f"{found[1]}-{found[2] if month else '01'}-01"


def _rounded(value: Any, width: int) -> Any:
    """The greatest multiple of `width` that is not greater; what no number can be told of stays as it is."""
    match value:
        case bool():
            raise UnreadableError("a value that is no number")
        case int():
            return value - value % width
        case Decimal():
            return _rounded_decimal(value, width) if value.is_finite() else value
        case float():
            whole = math.isfinite(value) and abs(value) < _LARGEST_WHOLE
            return float(math.floor(value / width) * width) if whole else value
    raise UnreadableError("a value that is no number")


def _rounded_decimal(value: Decimal, width: int) -> Decimal:
    """Exactly, however many digits it has."""
    _, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    with localcontext() as context:
        context.prec = len(digits) + abs(exponent) + 40
        return value - (value % width + width) % width


def _network(value: Any, strategy: Strategy) -> str:
    """The network of so many bits that the address lies in; of a wider one, the first that is so wide."""
    text = text_of(value).strip()
    try:
        network = ipaddress.ip_interface(text).network
    except ValueError:
        raise UnreadableError("a text that is no IP address") from None
    bits = strategy.ipv4 if network.version == 4 else strategy.ipv6
    if network.prefixlen < bits:
        return str(next(network.subnets(new_prefix=bits)))
    return str(network.supernet(new_prefix=bits) if network.prefixlen > bits else network)


def _faked(text: str, strategy: Strategy, keyed: Keyed) -> str:
    """The first of some attempts that is not the value itself."""
    made = ""
    for attempt in range(_ATTEMPTS):
        number = seed(keyed.key, text, keyed.steps, attempt)
        made = fake(strategy.of, strategy.locale, number)[: keyed.room]
        if made.casefold() != text.strip().casefold():
            return made
    raise UnreadableError("a value that every fake was like")
