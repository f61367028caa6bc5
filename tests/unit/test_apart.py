"""Whether two addresses can lead to the same tables, by what is written alone."""

import pytest

from retention.config.connecting import urls
from retention.verbs.opening.apart import Address, doubts, may_be_one, shared_stores


def at(url, *schemas):
    parts = urls.split(url)
    named = {parts.database or "", *schemas}
    return Address(url=parts, databases=frozenset(name.casefold() for name in named))


@pytest.mark.parametrize(
    ("one", "other", "may"),
    [
        (at("postgresql://db/shop"), at("postgresql://pooler:6432/shop"), True),
        (at("postgresql://db/shop"), at("postgresql://db/Shop"), True),
        (at("postgresql://db/shop"), at("postgresql://db/crm"), False),
        (at("postgresql://db/shop"), at("mysql://db/shop"), False),
        (at("mysql://db/shop"), at("mariadb://elsewhere/shop"), True),
        (at("mysql://db/shop"), at("mysql://db/crm"), False),
        (at("mysql://db/shop"), at("mysql://db/crm", "Shop"), True),
        (at("postgresql://db/shop"), at("sqlite:////shop"), False),
        (at("sqlite:////not/there/shop.db"), at("sqlite:////not/there/shop.db"), False),
        (at("postgresql://db/shop"), None, False),
    ],
)
def test_addresses_by_kind_and_name(one, other, may):
    assert may_be_one(one, other) is may
    assert may_be_one(other, one) is may


def test_a_file_is_one_file_by_any_name(tmp_path):
    (tmp_path / "shop.db").touch()
    (tmp_path / "other.db").symlink_to(tmp_path / "shop.db")
    assert may_be_one(at(f"sqlite:///{tmp_path}/shop.db"), at(f"sqlite:///{tmp_path}/other.db"))


@pytest.mark.parametrize(("before", "doubted"), [(None, True), ("same", True), ("another", False)])
def test_what_it_was_when_it_last_answered_decides(before, doubted):
    from hashlib import sha256

    hashed = None if before is None else sha256(before.encode()).hexdigest()
    addresses = {"shop": at("postgresql://db/shop"), "crm": at("postgresql://pooler/shop")}
    found = doubts(["crm"], {"shop": "same"}, addresses, lambda *_: hashed)
    assert list(found) == (["shop"] if doubted else [])


def test_nothing_is_shared_by_none():
    assert shared_stores({}) == []
