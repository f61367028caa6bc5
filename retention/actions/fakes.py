"""Plausible values, made by Faker from a seed: the same for the same seed, provider and locale.

Another version of Faker may make others. The library is loaded when a value is first made.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

MAKERS: Mapping[str, str] = {
    "first_name": "first_name",
    "last_name": "last_name",
    "name": "name",
    "email": "ascii_safe_email",
    "phone": "phone_number",
    "street": "street_address",
    "city": "city",
    "postcode": "postcode",
    "company": "company",
    "user_name": "user_name",
}
"""What `fake` can make, and Faker's name of it; e-mail addresses are of domains that belong to nobody (RFC 2606)."""


def fake(of: str, locale: str, seed: int) -> str:
    """A value of the kind `of`, a key of MAKERS. Raises ValueError for a locale that Faker does not know."""
    faker = _faker(locale)
    faker.seed_instance(seed)
    make: Callable[[], object] = getattr(faker, MAKERS[of])
    return " ".join(str(make()).split())


@functools.lru_cache(maxsize=16)
def _faker(locale: str) -> Any:
    from faker import Faker
    from faker.config import AVAILABLE_LOCALES

    if locale not in AVAILABLE_LOCALES:
        raise ValueError(f"Faker knows no locale {locale}")
    return Faker(locale)
