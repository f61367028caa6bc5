"""What somebody asked for and was refused: written down once, with the reason, and proved for one record."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from retention.planning.fates.refusing import Refusing
from retention.verbs.running.refusing import _Notes
from tests.support import auditors
from tests.support.stores import Store
from tests.support.workplace import Workplace

TOLD = """
[events.erasure_requested]
by = ["email", "customer_id"]
[identifiers]
email = ["trim", "lower"]
"""
SHOP = """
CREATE TABLE accounts (id INTEGER PRIMARY KEY, email VARCHAR(60), name VARCHAR(40), country VARCHAR(2), made DATE);
CREATE TABLE orders (id INTEGER PRIMARY KEY, account INTEGER REFERENCES accounts (id), made DATE);
CREATE INDEX orders_account ON orders (account);
INSERT INTO accounts VALUES (1, 'ann@example.org', 'Ann', 'NO', '2020-01-01'),
 (2, 'ben@example.org', 'Ben', 'NO', '2020-01-01'), (3, 'cat@example.org', 'Cat', 'DE', '2020-01-01'),
 (4, 'dan@example.org', 'Dan', 'NO', '2020-01-01'), (5, 'eva@example.org', 'Eva', 'NO', '2020-01-01');
INSERT INTO orders VALUES (1, 1, '2025-01-01'), (2, 4, '2010-01-01'), (3, 5, '2025-02-01')
"""
DATASETS = """
[datasets.accounts]
data = "accounts"
table = "accounts"
subject = { customer_id = "id", email = "email" }
began = "made"
events = { made = "made" }
facts = { country = "country" }
MORE
[datasets.orders]
data = "orders"
table = "orders"
subject = "none"
events = { made = "made" }
"""
KEPT = """
data = "accounts"
where = "country = 'DE'"
keep = "10 years"
from = "made"
basis = "legal obligation"
citation = "§ 147 AO"
"""
ERASURE = 'data = "accounts"\nupon = ["erasure_requested"]\nyields_to = ["legal obligation"]'


@pytest.fixture
def shop(work: Workplace, store: Store) -> Workplace:
    store.script(SHOP)
    work.store = store  # type: ignore[attr-defined]
    work.rules["told"] = TOLD
    work.rule("orders", 'data = "orders"\nkeep = "5 years"\nfrom = "made"\nbasis = "legal obligation"')
    work.rule("german", KEPT)
    work.rule("erasure", ERASURE)
    work.connect(store, DATASETS.replace("MORE", ""))
    work.init()
    return work


def tell(shop: Workplace, *names: str) -> None:
    for name in names:
        told = shop.cli(
            "event",
            "add",
            "erasure_requested",
            "--subject",
            f"email={name}@example.org",
            "--at",
            "2026-11-01",
            "--yes",
        )
        assert told.exit_code == 0, told.output


def refused(shop: Workplace) -> list[dict[str, Any]]:
    return [event["data"] for event in shop.events() if event["type"] == "action.refused"]


def said(data: dict[str, Any]) -> dict[str, int]:
    """Reasons → records, of one event."""
    return {
        "+".join(" ".join(filter(None, (b["kind"], b.get("by", "").rpartition(".")[0].rpartition(".")[2] or b.get("by")
        ))) for b in group["because"]): group["count"]
        for group in data["refused"]
    }  # fmt: skip


def test_each_reason_is_written_down_once_for_each_record(shop: Workplace):
    """Kept by a law, referred to, held, free; nobody asked for the fifth. The German one is kept beyond its rows."""
    tell(shop, "ann", "ben", "cat", "dan")
    assert shop.cli("hold", "add", "--subject", "email=dan@example.org", "--reason", "dispute").exit_code == 0
    shop.run()
    assert [key for (key,) in shop.store.rows("SELECT id FROM accounts ORDER BY id")] == [1, 3, 4, 5]
    (data,) = refused(shop)
    assert data["count"] == 3
    assert data["job"] == "erasure/db/accounts"
    assert said(data) == {"referenced orders": 1, "retained german": 1, "held": 1}
    kept = next(each for group in data["refused"] for each in group["because"] if each["kind"] == "retained")
    assert kept == {
        "kind": "retained", "by": "german", "dataset": "db.accounts",
        "basis": "legal obligation", "citation": "§ 147 AO",
    }  # fmt: skip
    assert all(group["actions"] == ["delete"] and group["instead"] is None for group in data["refused"])
    assert "@" not in json.dumps(data)
    told = " ".join(shop.cli("audit", "log", "--type", "action.refused").stdout.split())
    assert "erasure (db.accounts), run " in told
    assert "1 record not deleted: kept by german (legal obligation, § 147 AO)" in told
    assert "1 record not deleted: under a legal hold" in told
    shop.run()
    assert len(refused(shop)) == 1
    tell(shop, "eva")
    shop.run()
    assert [each["count"] for each in refused(shop)] == [3, 1]
    hold = json.loads(shop.cli("hold", "list", "--format", "json").stdout)["holds"][0]["id"]
    assert shop.cli("hold", "release", hold, "--reason", "it is over").exit_code == 0
    shop.run()  # Dan's order goes by its own rule, and he with it
    assert [key for (key,) in shop.store.rows("SELECT id FROM accounts ORDER BY id")] == [1, 3, 5]
    assert len(refused(shop)) == 2
    shop.store.script("DELETE FROM orders WHERE id = 1; UPDATE accounts SET country = 'DE' WHERE id = 1")
    shop.run()
    assert [each["count"] for each in refused(shop)] == [3, 1, 1]
    assert said(refused(shop)[-1]) == {"retained german": 1}
    assert shop.cli("audit", "verify").exit_code == 0


def proof(shop: Workplace, key: str, *words: str) -> dict[str, Any]:
    """What is proved of an account; its own document is held against verify.py, and a changed one is not verified."""
    told = shop.cli("audit", "prove", "db.accounts", key, "--format", "json", *words)
    assert told.exit_code == 0, told.output
    found: dict[str, Any] = json.loads(told.stdout)
    folder = shop.folder / f"proof-{key}-{len(list(shop.folder.glob('proof-*')))}"
    assert shop.cli("audit", "export", str(folder)).exit_code == 0
    for wrong in (False, True):
        document = json.loads(json.dumps(found["proof"]))
        if wrong:
            document["record"]["key"] = ["99"]
        (folder / "proof.json").write_text(json.dumps(document))
        code, said = auditors.typed(folder, "key.pub", "--proof", "proof.json")
        assert code == (1 if wrong else 0), said
        assert ("NOT VERIFIED" in said) is wrong
        # a record that was anonymized must not pass for one that was deleted
        if "action" in found and not wrong:
            assert f" under the rule {found['rule']}: {found['action']}." in said
    return found


def test_one_record_s_refusal_is_proved_and_opens_no_other(shop: Workplace):
    tell(shop, "ann", "ben", "cat")
    shop.run()
    (data,) = refused(shop)
    found = proof(shop, "3")
    assert found["rule"] == "erasure"
    assert found["group"]["because"][0]["by"] == "german"
    assert found["promise"] == "erasure, for a while"
    assert found["at"] in [event["at"] for event in shop.events() if event["type"] == "action.refused"]
    told = " ".join(shop.cli("audit", "prove", "db.accounts", "3").stdout.split())
    assert "refused for the record db.accounts 3" in told
    assert "not deleted: kept by german (legal obligation, § 147 AO)" in told
    assert proof(shop, "2")["batch"]  # Ben went
    for key, words in (("4", ()), ("2", ("--refused",))):
        told = shop.cli("audit", "prove", "db.accounts", key, *words)
        assert told.exit_code == 7
    shop.store.script("UPDATE accounts SET country = 'NO' WHERE id = 3")
    shop.run()
    assert proof(shop, "3")["refused"] == [found["event"]]
    assert proof(shop, "3", "--refused")["event"] == found["event"]
    assert "because" not in json.dumps(data["refused"][0]["root"])


def test_what_is_done_instead_is_a_refusal_of_the_first_action(shop: Workplace):
    """Deleted is refused, the person is taken out; a record that is deleted is refused nothing."""
    more = 'anonymize = { email = "null", name = "redact" }'
    shop.connect(shop.store, DATASETS.replace("MORE", more))
    shop.rule("erasure", ERASURE + '\notherwise = ["anonymize"]')
    tell(shop, "ann", "ben", "cat")
    shop.run()
    assert shop.store.rows("SELECT id, name FROM accounts WHERE id < 4 ORDER BY id") == [
        (1, "[redacted]"),
        (3, "Cat"),
    ]
    (data,) = refused(shop)
    groups = {group["instead"]: (group["actions"], group["count"]) for group in data["refused"]}
    assert groups == {"anonymize": (["delete"], 1), None: (["delete", "anonymize"], 1)}
    assert "1 record not deleted, but anonymized: referred to by" in " ".join(
        shop.cli("audit", "log", "--type", "action").stdout.split()
    )
    assert proof(shop, "1", "--refused")["group"]["instead"] == "anonymize"
    assert proof(shop, "1")["action"] == "anonymize"
    for _ in range(2):
        shop.run()
        assert len(refused(shop)) == 1
    shop.store.script("DELETE FROM orders WHERE id = 1")
    shop.run()
    assert shop.store.rows("SELECT id FROM accounts WHERE id < 4 ORDER BY id") == [(3,)]
    assert len(refused(shop)) == 1


VAULT = """
[datasets.vault]
data = "accounts"
table = "accounts_vault"
subject = { customer_id = "id", email = "email" }
began = "made"
events = { made = "made" }
facts = { country = "country" }
"""


def test_a_refusal_beside_a_vault_is_told_of_the_record_where_it_was_and_where_it_is(shop: Workplace):
    """Not deleted, but restricted; in the vault it is not deleted either, and after that nothing new is to be said."""
    shop.store.script(
        "CREATE TABLE accounts_vault (id INTEGER PRIMARY KEY, email VARCHAR(60), name VARCHAR(40), country VARCHAR(2),"
        " made DATE, restricted_at DATE)"
    )
    shop.connect(shop.store, DATASETS.replace("MORE", 'restrict = { to = "vault" }\n') + VAULT)
    shop.rule("erasure", ERASURE + '\notherwise = ["restrict"]')
    tell(shop, "cat")
    shop.run()
    assert shop.store.rows("SELECT id FROM accounts_vault") == [(3,)]
    first = refused(shop)
    assert [(d["job"], g["actions"], g["instead"]) for d in first for g in d["refused"]] == [
        ("erasure/db/accounts", ["delete"], "restrict")
    ]
    shop.run()
    later = refused(shop)
    assert [(d["job"], d["count"]) for d in later[1:]] == [("erasure/db/vault", 1)]
    for _ in range(2):
        shop.run()
        assert refused(shop) == later
    assert shop.store.rows("SELECT id FROM accounts_vault") == [(3,)]
    shop.now = shop.now.replace(year=2032)
    shop.run()
    assert not shop.store.rows("SELECT id FROM accounts_vault")
    assert refused(shop) == later


def test_what_is_refused_again_and_again_is_made_out_once_for_all_records_alike(
    shop: Workplace, monkeypatch: pytest.MonkeyPatch
):
    """A job may deny a hundred thousand records every night, for a handful of reasons."""
    tell(shop, "ann", "eva", "cat")
    shop.run()
    made, told = [], Refusing.told
    monkeypatch.setattr(Refusing, "told", lambda self, true: made.append(true) or told(self, true))
    shop.run()
    assert len(refused(shop)) == 1
    assert len(made) == len(set(made)) == 2  # two are referred to, one is kept


def _killed_after_one() -> Callable[[_Notes], None]:
    """Writes one event; the process is gone before the next."""
    write, seen = _Notes.write, []

    def killed(notes: _Notes) -> None:
        if seen:
            raise KeyboardInterrupt
        seen.append(True)
        write(notes)

    return killed


@pytest.mark.heavy
def test_a_demand_that_a_column_says_and_the_law_of_each_exception(
    shop: Workplace, monkeypatch: pytest.MonkeyPatch
):
    """More than one event's worth of records; a new evidence key makes nothing new; a kill loses whole events only."""
    monkeypatch.setattr("retention.verbs.running.refusing.MOST", 40)
    monkeypatch.setattr("retention.connectors.sql.sorting.RANGE", 30)
    monkeypatch.setattr("retention.connectors.sql.sorting.LOOKED_AT", 7)
    rows = ", ".join(
        f"({n}, 'p{n}', 'P', '{'DE' if n % 3 else 'SE'}', '2020-01-01')" for n in range(100, 190)
    )
    shop.store.script(f"INSERT INTO accounts VALUES {rows}; ALTER TABLE accounts ADD COLUMN asked DATE")
    shop.store.script("UPDATE accounts SET asked = '2026-11-01' WHERE id >= 100")
    asked = DATASETS.replace("MORE", "").replace('made" }\nfacts', 'made", asked = "asked" }\nfacts')
    shop.connect(shop.store, asked)
    exception = "[[rules.german.exceptions]]\nwhen = \"country = 'SE'\"\n"
    exception += 'citation = "bokföringslagen"\nbasis = "legal claims"'
    shop.rule("german", KEPT.replace("country = 'DE'", "country <> 'NO'") + exception)
    shop.rule(
        "erasure", 'data = "accounts"\nupon = ["asked"]\nyields_to = ["legal obligation", "legal claims"]'
    )
    shop.init()
    with monkeypatch.context() as patch:
        patch.setattr("retention.verbs.running.refusing._Notes.write", _killed_after_one())
        with pytest.raises(KeyboardInterrupt):
            shop.run("erasure")
    assert [data["count"] for data in refused(shop)] == [40]
    shop.run("erasure")
    assert [data["count"] for data in refused(shop)] == [40, 40, 10]
    counts: dict[str, int] = {}
    for data in refused(shop):
        for group in data["refused"]:
            (each,) = group["because"]
            counts[each["citation"]] = counts.get(each["citation"], 0) + group["count"]
    assert counts == {"§ 147 AO": 60, "bokföringslagen": 30}
    assert shop.cli("key", "rotate", "evidence").exit_code == 0
    shop.run("erasure")
    assert len(refused(shop)) == 3
    assert proof(shop, "150")["group"]["because"][0]["citation"] == "bokföringslagen"
    shop.settings = '[ledger]\nevidence_keep = "1 month"\n'
    shop.now = shop.now.replace(year=2027)
    shop.run("erasure")
    dropped = [event["data"] for event in shop.events() if event["type"] == "evidence.dropped"]
    assert [data["refused"] for data in dropped] == [90]
    shop.run("erasure")  # what stands still is said again, once
    assert sum(data["count"] for data in refused(shop)) == 180
