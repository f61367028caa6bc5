"""What names of tables and columns seem to say."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

from retention.config.reading.values import MAX_NAME

_WORD = re.compile(r"[A-Z]+(?![a-z])\d*|[A-Z]?[^\W\d_A-Z]+\d*|[A-Z]|\d+")

_PEOPLE = frozenset(
    {
        "account", "applicant", "author", "buyer", "candidate", "client", "contact", "creator", "customer",
        "donor", "employee", "guest", "member", "owner", "participant", "passenger", "patient", "payer",
        "person", "player", "recipient", "sender", "student", "subscriber", "tenant", "user", "visitor",
    }
)  # fmt: skip
_MAIL = frozenset({"email", "mail"})
_BIRTH = frozenset({"birth", "birthday", "birthdate", "dob", "born"})
_DATED = frozenset(
    {
        "birthday", "closed", "created", "date", "datetime", "day", "deleted", "ended", "expires", "expiry",
        "finished", "issued", "modified", "paid", "sent", "started", "time", "timestamp", "updated",
    }
)  # fmt: skip
_LASTING = frozenset({"estimate", "estimated", "duration", "limit", "out", "spent", "total", "zone"})
"""Beside these words `time` is a length of time."""
_TOUCHED = frozenset({"changed", "modification", "modified", "update", "updated", "touched"})


def words(name: str) -> list[str]:
    """`InvoiceLine`, `invoice_line` and `invoice line` as ["invoice", "line"]; any script."""
    normal = unicodedata.normalize("NFC", name)
    return [word.lower() for word in _WORD.findall(normal)]


def slug(name: str, taken: Collection[str] = (), otherwise: str = "table") -> str:
    """A name as the policy's own names are: letters, digits and `_`, at most 64, not in `taken`."""
    text = unicodedata.normalize("NFC", "_".join(words(name)))[: MAX_NAME - 4].rstrip("_")
    text = text if re.fullmatch(r"[^\W_][\w-]*", text) else otherwise
    number, free = 2, text
    while free in taken:
        free, number = f"{text}_{number}", number + 1
    return free


def singular(word: str) -> str:
    """An English plural's singular, as far as two rules go."""
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def names_person(name: str) -> bool:
    """Whether a table's name, or that of a column that refers, speaks of people."""
    return any(singular(word) in _PEOPLE for word in words(name))


def names_mail(name: str) -> bool:
    """Whether a column holds an e-mail address, by its name."""
    found = words(name)
    return bool(found) and (found[-1] in _MAIL or found[-2:] in (["e", "mail"], ["email", "address"]))


def names_birth(name: str) -> bool:
    """Whether a column holds a date of birth, which is a fact and no event."""
    return bool(_BIRTH & set(words(name)))


def names_time(name: str) -> bool:
    """Whether a column of numbers or text holds points in time, by its name."""
    found = words(name)
    return not _LASTING & set(found) and (bool(_DATED & set(found)) or found[-1:] == ["at"])


def names_touch(name: str) -> bool:
    """Whether a column is set anew whenever its row is changed, by its name."""
    return bool(_TOUCHED & set(words(name)))
