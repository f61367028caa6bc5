"""One small schema: what is due of each dataset is the same, records 1 to 12, on every database."""

DUE = tuple(range(1, 13))
OVERDUE = tuple(range(1, 9))
"""Of those that are due: past the time that carrying it out may take."""
NOT_DUE = (101, 102, 103)
ALL = (*DUE, *NOT_DUE)
AS_OF = "2026-11-22"

POLICY = """
[policy]
name     = "Contract"
timezone = "UTC"
approval = "never"
limits   = { share = "100%", rows = 1_000 }
"""
RULE = """
[rules.{name}]
promise = "{name}: a year"
data    = "{name}"
keep    = "1 year"
from    = "seen"
action  = "{action}"
"""
CONNECTOR = """
type     = "sql"
url      = "env:CONTRACT_URL"
timezone = "UTC"
"""
DATASET = """
[datasets.{name}]
data   = "{name}"
table  = "{name}"
events = {{ seen = {event} }}
"""
FAMILIES = {
    "orders": "NO ACTION",
    "parcels": "NO ACTION",
    "crates": "CASCADE",
    "people": "NO ACTION",
    "files": "NO ACTION",
}
"""Records with parts two levels deep, and what happens to a part whose record goes."""
REWRITTEN = {
    "leads": 'mail = "hash", note = "redact"',
    "people": 'note = "redact", "people_items.note" = "redact", "people_labels.note" = "hash"',
}
"""Datasets whose records are pseudonymised, and how; those of `people` in their parts' rows, too."""
MOVED = frozenset({"files"})
"""Datasets whose records are moved to a vault, whose tables have the same names with `_vault` behind."""
DONE = "[redacted]"
COMPOSITE = frozenset({"bookings"})
RULED = {"accounts": ("invoices", "accounts")}
"""Datasets that need another one's rule beside their own."""


def day(n):
    """The newer a due record's number the older it is; the last four are due since yesterday, so to say."""
    if n in OVERDUE:
        return f"2015-03-{30 - n}"
    return f"2025-11-{20 - n:02}" if n in DUE else "2026-11-01"


def key_of(dataset, n):
    """The key of record `n`."""
    return (n // 5, n) if dataset in COMPOSITE else (n,)


def where(dataset, n):
    """The condition that finds the record's row."""
    return f"night = {n}" if dataset in COMPOSITE else f"id = {n}"


def parts_of(dataset):
    """The tables of a record's parts, parents first."""
    return (f"{dataset}_items", f"{dataset}_labels") if dataset in FAMILIES else ()


def action_on(dataset):
    """What the rule does to the dataset's records."""
    return "pseudonymize" if dataset in REWRITTEN else "restrict" if dataset in MOVED else "delete"


def vault_of(dataset):
    """The tables that the records' rows are moved to."""
    return tuple(f"{table}_vault" for table in (dataset, *parts_of(dataset)) if dataset in MOVED)


def rows_of(dataset, records):
    """Table → rows that go with so many records, as the table's name alone."""
    return {dataset: records} | {table: 2 * records for table in parts_of(dataset) if records}


def tables(dataset, date):
    """Statements that make the dataset's tables, with 15 records in them."""
    if dataset in FAMILIES:
        return [*_family(dataset, FAMILIES[dataset], date), *(_complaints() if dataset == "orders" else ())]
    return {"leads": _leads, "visits": _visits, "bookings": _bookings, "accounts": _accounts}[dataset](date)


def _filled(table, rows):
    return f"INSERT INTO {table} VALUES {', '.join(rows)}"


def _visits(date):
    """Fat rows, so that a few of them fill a page; no index leads to those that are due."""
    yield f"CREATE TABLE visits (id integer PRIMARY KEY, seen {date}, note text)"
    note = "x" * 1900
    yield _filled("visits", [f"({n}, '{day(n)}', '{note}')" for n in ALL])


def _leads(date):
    yield (
        f"CREATE TABLE leads (id integer PRIMARY KEY, seen {date}, mail varchar(40) DEFAULT 'a', note varchar(40)"
        " DEFAULT 'x')"
    )
    yield _filled("leads (id, seen)", [f"({n}, '{day(n)}')" for n in ALL])


def _bookings(date):
    yield f"CREATE TABLE bookings (room integer, night integer, seen {date}, PRIMARY KEY (room, night))"
    yield "CREATE INDEX bookings_seen ON bookings (seen)"
    yield _filled("bookings", [f"({n // 5}, {n}, '{day(n)}')" for n in ALL])


def _family(name, on_delete, date):
    note = ", note varchar(40) DEFAULT 'x'" if name in REWRITTEN else ""
    yield f"CREATE TABLE {name} (id integer PRIMARY KEY, seen {date}{note})"
    yield _filled(f"{name} (id, seen)", [f"({n}, '{day(n)}')" for n in ALL])
    for ends in ("", "_vault") if name in MOVED else ("",):
        above = name + ends
        if ends:
            since = f"restricted_at {date} NOT NULL"
            yield f"CREATE TABLE {above} (id integer PRIMARY KEY, seen {date}, {since})"
        for table in (part + ends for part in parts_of(name)):
            yield (
                f"CREATE TABLE {table} (id integer PRIMARY KEY,"
                f" above integer NOT NULL REFERENCES {above} (id) ON DELETE {on_delete}{note})"
            )
            yield f"CREATE INDEX {table}_above ON {table} (above)"
            above = table
    yield _filled(f"{name}_items (id, above)", [f"({n * 10 + i}, {n})" for n in ALL for i in (0, 1)])
    yield _filled(f"{name}_labels (id, above)", [f"({n * 10 + i}, {n * 10})" for n in ALL for i in (0, 1)])


def _complaints():
    """Rows that refer to a record, and keep it."""
    yield "CREATE TABLE complaints (id integer PRIMARY KEY, order_id integer REFERENCES orders (id))"
    yield "CREATE INDEX complaints_order ON complaints (order_id)"


def _accounts(date):
    """Due by their invoices, which the same run removes."""
    yield f"CREATE TABLE accounts (id integer PRIMARY KEY, made {date})"
    yield _filled("accounts", [f"({n}, NULL)" for n in ALL])
    yield (
        "CREATE TABLE invoices (id integer PRIMARY KEY,"
        f" account_id integer REFERENCES accounts (id), seen {date})"
    )
    yield "CREATE INDEX invoices_account ON invoices (account_id)"
    yield _filled("invoices", [f"({n}, {n}, '{day(n)}')" for n in ALL])


def _vault(name):
    root, *parts = vault_of(name)
    return f'[datasets.vault]\ndata = "{name}"\ntable = "{root}"\nparts = {parts}\nevents = {{ seen = "seen" }}\n'


def files(dataset):
    """(policy, connector) of the dataset."""
    names = RULED.get(dataset, (dataset,))
    policy = POLICY + "".join(RULE.format(name=name, action=action_on(dataset)) for name in names)
    connector = CONNECTOR
    events = {"accounts": '{ latest = ["made", "invoices.seen"] }'}
    for name in names:
        connector += DATASET.format(name=name, event=events.get(name, '"seen"'))
        if parts_of(name):
            connector += f"parts  = {list(parts_of(name))}\n"
        if name in REWRITTEN:
            connector += f"anonymize = {{ {REWRITTEN[name]} }}\n"
        if name in MOVED:
            connector += 'restrict = { to = "vault" }\n' + _vault(name)
    return policy, connector
