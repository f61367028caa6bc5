"""`suppressed`: who was pseudonymised by hash is found again by value, and nothing of the value is kept or told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.stores import Store
from tests.support.workplace import Workplace

CONTACTS = """
CREATE TABLE contacts (id INTEGER PRIMARY KEY, channel VARCHAR(20), email {text}, backup VARCHAR(40), made DATE);
CREATE INDEX contacts_email ON contacts (email);
INSERT INTO contacts VALUES (1, 'news', ' Ann@Example.org ', 'a@old.example', '2020-01-01'),
 (2, 'news', 'ben@example.org', NULL, '2026-11-01'), (3, 'sms', 'cat@example.org', NULL, '2020-01-01'),
 (4, NULL, 'dan@example.org', NULL, '2020-01-01'), (5, 'news', 'EVA@example.org', NULL, '2020-01-01')
"""
DATASET = """
[datasets.contacts]
data = "contacts"
table = "contacts"
where = "channel = 'news'"
subject = {{ email = "email" }}
began = "made"
events = {{ made = "made" }}
anonymize = {{ {anonymize} }}
"""


def listed(work: Workplace, typed: str, *words: str, code: int = 7) -> dict[int, bool]:
    """Line → whether it is listed."""
    told = work.cli("suppressed", "db.contacts", "--from", "-", "--format", "json", *words, typed=typed)
    assert told.exit_code == code, told.output
    return {each["line"]: each["listed"] for each in json.loads(told.stdout)["lines"]}


def pseudonymized(
    work: Workplace, store: Store, *, text: str = "VARCHAR(40)", anonymize: str = 'email = "hash"'
):
    work.template = None  # the pseudonyms' key is made by this test's own `init`
    store.script(CONTACTS.format(text=text))
    work.rules["identifiers"] = '[identifiers]\nemail = ["trim", "lower"]'
    work.rule("contacts", 'data = "contacts"\nkeep = "1 year"\nfrom = "made"', action='"pseudonymize"')
    work.connect(store, DATASET.format(anonymize=anonymize))
    assert [job.done for job in work.run().jobs] == [2]
    return work


def test_a_value_is_found_however_it_is_written_under_every_key(
    work: Workplace, store: Store, tmp_path: Path
):
    """Each line by itself; a record that the dataset leaves out, or whose fate is another, is on no list."""
    shop = pseudonymized(work, store, text="CHAR(40)")
    typed = "ann@example.org\n\n  ANN@example.ORG\r\nben@example.org\ncat@example.org\ndan@example.org\nx' OR '1'='1\n"
    assert listed(shop, typed) == {1: True, 3: True, 4: False, 5: False, 6: False, 7: False}
    assert listed(shop, "eva@example.org", code=0) == {1: True}
    assert shop.cli("key", "rotate", "pseudonym").exit_code == 0
    shop.now = shop.now.replace(year=2028)
    assert [job.done for job in shop.run().jobs] == [1]
    assert listed(shop, "ann@example.org\nben@example.org\nBEN@example.org ", code=0) == {
        1: True,
        2: True,
        3: True,
    }
    events = [json.dumps(event) for event in shop.events()]
    assert not [text for text in events if "example.org" in text]
    for path in (shop.folder / "state").rglob("*"):
        assert path.is_dir() or b"example.org" not in path.read_bytes().lower()
    told = shop.cli("suppressed", "db.contacts", "--from", "-", typed="ann@example.org\ncanary@example.org\n")
    assert told.exit_code == 7
    assert "line 1: listed" in told.stdout
    assert "line 2: not listed" in told.stdout
    assert "1 of 2 values are listed in db.contacts, email." in told.stdout
    assert "@example" not in told.output
    keys = json.loads(shop.cli("key", "list", "--format", "json").stdout)["keys"]
    shown = [key["id"] for key in keys if (key["kind"], key["state"]) == ("pseudonym", "former")]
    assert shop.cli("key", "destroy", "pseudonym", shown[0], "--yes").exit_code == 0
    told = shop.cli("suppressed", "db.contacts", "--from", "-", typed="ann@example.org\nben@example.org\n")
    assert told.exit_code == 7
    assert "line 1: not listed" in told.stdout
    assert "line 2: listed" in told.stdout
    assert f"pseudonyms' key {shown[0]} can't be found any more: that key was destroyed on 2028-" in " ".join(
        told.stdout.split()
    )


def test_several_hashed_columns_and_one_that_no_index_serves(work: Workplace, store: Store):
    shop = pseudonymized(work, store, anonymize='email = "hash", backup = "hash"')
    told = shop.cli("suppressed", "db.contacts", "--from", "-", typed="a@old.example\n")
    assert told.exit_code == 2
    assert "add --column, one of email, backup" in told.stderr
    assert listed(shop, "a@old.example\n", "--column", "backup", code=0) == {1: True}
    assert listed(shop, "A@old.example\n", "--column", "backup") == {
        1: False
    }  # of no kind: compared to the letter
    told = shop.cli("suppressed", "db.contacts", "--from", "-", "--column", "backup", typed="a@old.example\n")
    assert "no index leads with `backup`" in told.stdout
    assert "type: CREATE INDEX" in " ".join(told.stdout.split())
    store.script("CREATE INDEX contacts_backup ON contacts (backup)")
    told = shop.cli("suppressed", "db.contacts", "--from", "-", "--column", "backup", typed="a@old.example\n")
    assert "no index" not in told.stdout


def test_a_hashed_column_of_a_part_is_asked_by_its_name(work: Workplace, store: Store):
    """Of rows that belong to a record: what hangs on none, or on one that the dataset leaves out, is on no list."""
    work.template = None
    store.script(CONTACTS.format(text="VARCHAR(40)"))
    store.script(
        "CREATE TABLE phones (id INTEGER PRIMARY KEY, contact INTEGER, number VARCHAR(40), email VARCHAR(40),"
        " FOREIGN KEY (contact) REFERENCES contacts (id)); CREATE INDEX phones_contact ON phones (contact);"
        " INSERT INTO phones VALUES (1, 1, '123', 'Z@example.org'), (2, 1, '456', NULL), (3, 2, '789', NULL),"
        " (4, NULL, '000', NULL)"
    )
    work.rules["identifiers"] = '[identifiers]\nemail = ["trim", "lower"]'
    work.rule("contacts", 'data = "contacts"\nkeep = "1 year"\nfrom = "made"', action='"pseudonymize"')
    made = '"phones.number" = "hash", "phones.email" = { strategy = "hash", as = "email" }, email = "hash"'
    work.connect(store, DATASET.format(anonymize=made) + 'parts = ["phones"]\n')
    assert [job.done for job in work.run().jobs] == [2]
    taken = "UPDATE phones SET number = (SELECT number FROM (SELECT * FROM phones) AS p WHERE p.id = 1) WHERE id = 4"
    store.script(taken)
    typed = "123\n456\n789\n"
    told = work.cli("suppressed", "db.contacts", "--from", "-", typed=typed)
    assert (told.exit_code, "one of email, phones.number, phones.email" in told.stderr) == (2, True), (
        told.output
    )
    number = ("--column", "phones.number")
    assert listed(work, typed, *number) == {1: True, 2: True, 3: False}
    assert listed(work, "z@EXAMPLE.org", "--column", "phones.email", code=0) == {1: True}
    told = work.cli("suppressed", "db.contacts", "--from", "-", *number, typed="123\n")
    assert "no index leads with `phones.number`" in " ".join(told.stdout.split())
    store.script("DELETE FROM phones WHERE id = 1; CREATE INDEX phones_number ON phones (number)")
    told = work.cli("suppressed", "db.contacts", "--from", "-", *number, typed="123\n")
    assert (told.exit_code, "no index" in told.stdout) == (7, False)


@pytest.mark.parametrize(
    ("words", "typed", "said"),
    [
        (["db.contacts"], "", "which values? add --from FILE"),
        (["db.contacts", "--from", "-"], "\n \n", "standard input has no value in it; write one a line"),
        (["db.contacts", "--from", "-"], b"\xff", "standard input is not UTF-8"),
        (
            ["db.people", "--from", "-"],
            "a",
            "there is no dataset `db.people`; those that hash a column: db.contacts",
        ),
        (["db.orders", "--from", "-"], "a", "`db.orders` hashes no column"),
        (
            ["db.contacts", "--from", "-", "--column", "channel"],
            "a",
            "does not hash `channel`; it hashes: email",
        ),
        (["contacts", "--from", "-"], "a", "'contacts' is no CONNECTOR.DATASET"),
    ],
)
def test_what_can_not_be_answered_says_what_to_write(work: Workplace, sqlite: Store, words, typed, said):
    sqlite.script(
        CONTACTS.format(text="VARCHAR(40)") + "; CREATE TABLE orders (id INTEGER PRIMARY KEY, made DATE)"
    )
    work.rule("contacts", 'data = "contacts"\nkeep = "1 year"\nfrom = "made"', action='"pseudonymize"')
    orders = '[datasets.orders]\ndata = "orders"\ntable = "orders"\nevents = { made = "made" }\n'
    work.rule("orders", 'data = "orders"\nkeep = "1 year"\nfrom = "made"')
    work.connect(sqlite, DATASET.format(anonymize='email = "hash"') + orders)
    told = work.cli("suppressed", *words, typed=typed)
    assert told.exit_code == 2
    assert said in told.stderr


def test_a_key_that_is_gone_and_was_not_destroyed_is_missed(work: Workplace, sqlite: Store):
    """Without it "not listed" would be a guess."""
    shop = pseudonymized(work, sqlite)
    assert shop.cli("key", "rotate", "pseudonym").exit_code == 0
    path = shop.folder / "state" / "keys" / "pseudonym.key"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text(lines[-1])
    told = shop.cli("suppressed", "db.contacts", "--from", "-", typed="ann@example.org\n")
    assert told.exit_code == 3
    assert "is not there; put your copy of it back" in told.stderr
    path.unlink()
    assert shop.cli("suppressed", "db.contacts", "--from", "-", typed="ann@example.org\n").exit_code == 3


def test_one_value_has_one_result_in_every_dataset_and_another_under_another_key(
    work: Workplace, store: Store
):
    """Rows that refer to each other by an address still do, and a name that is made up is the same everywhere."""
    work.template = None
    columns = "email VARCHAR(40), name VARCHAR(40), made DATE, done DATE"
    people = {"contacts": " Ann@Example.org ", "tickets": "ann@example.org"}
    store.script("".join(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, {columns});" for table in people))
    work.rules["identifiers"] = '[identifiers]\nemail = ["trim", "lower"]'
    datasets = ""
    for table, email in people.items():
        store.script(f"INSERT INTO {table} VALUES (1, '{email}', 'Ann Canary', '2020-01-01', NULL)")
        work.rule(table, f'data = "{table}"\nkeep = "1 year"\nfrom = "made"', action='"pseudonymize"')
        subject = '"none"' if table == "tickets" else '{ email = "email" }'
        hashed = '{ strategy = "hash", as = "email" }' if table == "tickets" else '"hash"'
        datasets += (
            f'[datasets.{table}]\ndata = "{table}"\ntable = "{table}"\nsubject = {subject}\nbegan = "made"\n'
            f'events = {{ made = "made" }}\ndone = "done"\n'
            f'anonymize = {{ email = {hashed}, name = {{ strategy = "fake", of = "name" }} }}\n'
        )
    work.connect(store, datasets)
    assert [job.done for job in work.run().jobs] == [1, 1]
    first, second = (store.rows(f"SELECT email, name FROM {table}")[0] for table in people)
    assert tuple(first) == tuple(second)
    assert first[0].startswith("rh1-")
    assert first[1] != "Ann Canary"
    assert work.cli("key", "rotate", "pseudonym").exit_code == 0
    store.script("INSERT INTO contacts VALUES (2, 'ann@example.org', 'Ann Canary', '2020-01-01', NULL)")
    assert [job.done for job in work.run().jobs] == [1, 0]
    later = store.rows("SELECT email, name FROM contacts WHERE id = 2")[0]
    assert later[0] != first[0]
    assert later[1] not in ("Ann Canary", first[1])
