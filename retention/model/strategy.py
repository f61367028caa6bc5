"""How a column is rewritten: a strategy with its parameters, and what can be said of it without a value.

What each makes of a value is `retention.actions.strategies`; how a database computes it,
`retention.connectors.sql.rewritten`.
"""

from __future__ import annotations

import enum
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeAlias

from retention.model.catalogue import Kind

REDACTED = "[redacted]"
"""What `redact` writes into a text where it does not say."""
STARS = "***"
"""What `mask` writes in place of what it does not keep, however much that is."""
HASH_PREFIX = "rh1-"
"""Of every result of `hash`; no other strategy writes it."""
HASH_SHAPE = HASH_PREFIX + "a" * 26
TOKEN_LENGTH = 26
DIGITS = "abcdefghijklmnopqrstuvwxyz234567"
"""RFC 4648's base 32 in small letters: no two are alike to a collation that folds case."""

FAKES = (
    "first_name", "last_name", "name", "email", "phone", "street", "city", "postcode", "company", "user_name",
)  # fmt: skip
"""What `fake` can make."""

Constant: TypeAlias = str | int | Decimal | bool


class Way(enum.Enum):
    """The strategies, by the names that a dataset calls them."""

    NULL = "null"
    REDACT = "redact"
    HASH = "hash"
    MASK = "mask"
    YEAR = "year"
    MONTH = "month"
    ROUND = "round"
    PREFIX = "prefix"
    FAKE = "fake"
    TOKEN = "token"  # noqa: S105 - a strategy's name


NUMBERS = frozenset({Kind.INTEGER, Kind.NUMERIC, Kind.REAL})
DATES = frozenset({Kind.DATE, Kind.TIMESTAMP, Kind.TIMESTAMPTZ})
_TEXT = frozenset({Kind.TEXT})
_TAKES: Mapping[Way, frozenset[Kind]] = {
    Way.NULL: frozenset(Kind),
    Way.REDACT: _TEXT | NUMBERS | {Kind.BOOLEAN},
    Way.HASH: _TEXT,
    Way.MASK: _TEXT,
    Way.YEAR: DATES | _TEXT,
    Way.MONTH: DATES | _TEXT,
    Way.ROUND: NUMBERS,
    Way.PREFIX: _TEXT,
    Way.FAKE: _TEXT,
    Way.TOKEN: _TEXT | {Kind.UUID},
}


@dataclass(frozen=True, kw_only=True)
class Strategy:
    """A strategy as a dataset writes it.

    `constant`: of `redact`. `keep`, `last`: how many characters `mask` keeps, and whether the last ones. `width`:
    of `round`. `length`: characters that `prefix` keeps; `ipv4`, `ipv6`: bits of an address instead. `of`,
    `locale`: what `fake` makes. `kind`: the kind of identifier by whose steps a value is made alike before it
    is hashed or faked; None where the column is of none.
    """

    way: Way
    constant: Constant = REDACTED
    keep: int = 1
    last: bool = False
    width: int = 0
    length: int | None = None
    ipv4: int = 24
    ipv6: int = 48
    of: str = ""
    locale: str = "en_US"
    kind: str | None = None

    @property
    def text(self) -> str:
        """Its name, for messages."""
        return self.way.value

    @property
    def address(self) -> bool:
        """`prefix` of an IP address."""
        return self.way is Way.PREFIX and self.length is None

    @property
    def keyed(self) -> bool:
        """Its results are made with the pseudonyms' key."""
        return self.way in (Way.HASH, Way.FAKE)

    @property
    def linking(self) -> bool:
        """Its results can stand for a person still: no anonymisation."""
        return self.way in (Way.HASH, Way.FAKE, Way.TOKEN)

    @property
    def told(self) -> bool:
        """Whether a value is one of its results can be told by looking at it."""
        return self.way not in (Way.MASK, Way.FAKE, Way.TOKEN)

    @property
    def computed(self) -> bool:
        """Its results are computed in the engine, never in the database."""
        return self.address or self.way in (Way.HASH, Way.FAKE, Way.TOKEN)

    @property
    def unequal(self) -> bool:
        """Values that are not alike stay unlike, so that a unique column can take it."""
        return self.way in (Way.NULL, Way.HASH, Way.TOKEN)

    @property
    def takes(self) -> frozenset[Kind]:
        """The kinds of column that it can rewrite."""
        if self.way is Way.REDACT:
            match self.constant:
                case bool():
                    return frozenset({Kind.BOOLEAN})
                case int():
                    return NUMBERS
                case Decimal():
                    return NUMBERS - {Kind.INTEGER}
            return _TEXT
        return _TAKES[self.way]

    @property
    def longest(self) -> int | None:
        """How many characters a text is that it writes, at most; None: it fits whatever column there is."""
        match self.way:
            case Way.REDACT:
                return len(self.constant) if isinstance(self.constant, str) else None
            case Way.HASH:
                return len(HASH_SHAPE)
            case Way.MASK:
                return self.keep + len(STARS)
            case Way.YEAR | Way.MONTH:
                return len("1984-01-01")
            case Way.TOKEN:
                return TOKEN_LENGTH
            case Way.PREFIX if self.length is None:
                return max(len(str(_network(bits, of))) for bits, of in ((self.ipv4, 32), (self.ipv6, 128)))
            case Way.PREFIX:
                return self.length
        return None


IPV4_BITS = (8, 16, 24)
IPV6_BITS = (16, 32, 48, 64)
"""Lengths of networks whose addresses end in zeros that can be seen: `192.0.2.0/24`, `2001:db8::/48`."""


def _network(bits: int, of: int) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """The one that is the longest to write."""
    every = (1 << of) - (1 << (of - bits))
    return ipaddress.IPv4Network((every, bits)) if of == 32 else ipaddress.IPv6Network((every, bits))


Pieces: TypeAlias = tuple[str, ...]
"""A column's name, with its table's before it, and the schema's before that: ("addresses", "street")."""


@dataclass(frozen=True, kw_only=True)
class Rewriting:
    """What a dataset says of its rewriting: column → strategy, of the table itself and of its parts, and the column
    that says when it was done.
    """

    columns: Mapping[str, Strategy] = field(default_factory=dict)
    parts: Mapping[Pieces, Strategy] = field(default_factory=dict)
    done: str | None = None

    def __bool__(self) -> bool:
        return bool(self.columns or self.parts)

    @property
    def named(self) -> Mapping[str, Strategy]:
        """All of them, by their names in one text."""
        own = {spoken((name,)): each for name, each in self.columns.items()}
        return own | {spoken(pieces): each for pieces, each in self.parts.items()}

    @property
    def strategies(self) -> tuple[Strategy, ...]:
        """Of every column."""
        return (*self.columns.values(), *self.parts.values())


def spoken(pieces: Pieces) -> str:
    """`addresses.street`; a piece with a dot of its own in quotes."""
    return ".".join(f'"{piece}"' if "." in piece else piece for piece in pieces)
