"""A shop whose policy is kept on one database: visits (nothing refers to them) and orders with lines."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from retention.ledger.evidence import Committer, unpack
from retention.model.place import Place
from retention.model.progress import NoProgress
from retention.store.state import StateStore
from retention.verbs import approve as approving
from retention.verbs import audit
from retention.verbs import check as checking
from retention.verbs import init as initializing
from retention.verbs import plan as planning
from retention.verbs import run as running
from retention.verbs.opening import stores

ROOT = Path(__file__).parents[2]
CANARY = "canary-7f3a91"
OLD = "2015-03-01"

POLICY = """\
[policy]
name     = "Faults"
timezone = "Europe/Oslo"
approval = "{approval}"
limits   = {{ share = "{share}", rows = {rows} }}
"""
VISITS = """
[rules.visits]
promise = "Visits: a year"
data    = "visits"
keep    = "{keep}"
from    = "seen"
action  = "delete"
"""
ORDERS = """
[rules.orders]
promise = "Orders: five years"
data    = "orders"
keep    = "5 years"
from    = "booked"
action  = "delete"
"""
CONNECTOR = """\
type     = "sql"
url      = "{url}"
timezone = "Europe/Oslo"

[throttle]
batch_time = "{batch_time}"
"""
VISITS_DATA = """
[datasets.visits]
data   = "visits"
table  = "visits"
events = { seen = "seen" }
"""
ORDERS_DATA = """
[datasets.orders]
data   = "orders"
table  = "orders"
events = { booked = "booked" }
parts  = ["order_lines"]
"""


class Clock:
    """The time as verbs are told it: the machine's, moved by what a test says."""

    def __init__(self):
        self.moved = timedelta()

    def __call__(self):
        return datetime.now(UTC) + self.moved

    def forward(self, **span):
        self.moved += timedelta(**span)


class Shop:
    """Files, database, state store. Verbs are called as a program would; `cli` is a process of its own."""

    def __init__(self, folder, database, state_url=None, marker_schema=None):
        """`state_url`: where the state store is, if not in the default file."""
        self.marker_schema = marker_schema
        self.folder = folder
        self.state_url = state_url
        self.database = database
        self.clock = Clock()
        self.environ = dict(os.environ)
        self.datasets = ()

    # -- making ----------------------------------------------------------------------------

    def write(
        self, *, approval="never", share="100%", rows=10_000_000, keep="12 months", batch_time="500 ms"
    ):
        """The files, for the datasets that there are."""
        policy = POLICY.format(approval=approval, share=share, rows=rows)
        connector = CONNECTOR.format(url=self.database.url, batch_time=batch_time)
        if self.marker_schema is not None:
            connector = f'marker_schema = "{self.marker_schema}"\n{connector}'
        if "visits" in self.datasets:
            policy += VISITS.format(keep=keep)
            connector += VISITS_DATA
        if "orders" in self.datasets:
            policy += ORDERS
            connector += ORDERS_DATA
        (self.folder / "connectors").mkdir(exist_ok=True)
        (self.folder / "policies.toml").write_text(policy)
        (self.folder / "connectors" / "shop.toml").write_text(connector)
        if self.state_url is not None:
            (self.folder / "retention.toml").write_text(f'state = "{self.state_url}"\n')

    def visits(self, due, recent=10):
        """A table that nothing refers to."""
        self.datasets += ("visits",)
        date = self.database.date
        self.database.run(
            f"CREATE TABLE visits (id integer PRIMARY KEY, seen {date}, note text)",
        )
        self.add_visits(1, due)
        self.add_visits(1_000_000_001, recent, day=self.recently())

    def add_visits(self, first, count, day=OLD):
        if count:
            self.database.run(
                f"INSERT INTO visits SELECT n, '{day}', 'a visit' FROM"
                f" {self.database.series(first, first + count - 1)}"
            )

    def orders(self, due, recent=10, lines=2):
        """A table with children."""
        self.datasets += ("orders",)
        date = self.database.date
        self.database.run(
            f"CREATE TABLE orders (id integer PRIMARY KEY, booked {date}, note text)",
            "CREATE TABLE order_lines (id bigint PRIMARY KEY,"
            " order_id integer NOT NULL REFERENCES orders (id), what text)",
            "CREATE INDEX order_lines_order ON order_lines (order_id)",
        )
        self.add_orders(1, due, lines)
        self.add_orders(1_000_000_001, recent, lines, day=self.recently())

    def add_orders(self, first, count, lines=2, day=OLD):
        if not count:
            return
        numbers = self.database.series(first, first + count - 1)
        self.database.run(f"INSERT INTO orders SELECT n, '{day}', 'an order' FROM {numbers}")
        for line in range(lines):
            self.database.run(
                f"INSERT INTO order_lines SELECT n * CAST(10 AS bigint) + {line}, n, 'a line' FROM {numbers}"
            )

    def recently(self):
        return (self.clock() - timedelta(days=10)).date().isoformat()

    def ready(self, **policy):
        """Files written, state store and marker table made."""
        self.write(**policy)
        return self.ready_made()

    def ready_made(self):
        """State store and marker table made, for the files as they are."""
        initializing.init(self.folder, self.place, by="tester", clock=self.clock)
        return self

    # -- verbs -----------------------------------------------------------------------------

    @property
    def place(self):
        return Place(
            config=self.folder / "policies.toml",
            connectors=self.folder / "connectors",
            state=None,
            environ=self.environ,
        )

    def plan(self, **options):
        return planning.plan(self.place, clock=self.clock, **options)

    def approve(self, plan_id, **options):
        return approving.approve(self.place, plan_id, by="officer", clock=self.clock, **options)

    def check(self):
        return checking.check(self.place, clock=self.clock)

    def run(self, **options):
        options = {"by": "tester", "progress": NoProgress(), **options}
        return running.run(self.place, clock=self.clock, **options)

    def job(self, **options):
        """The outcome of the only job."""
        [job] = self.run(**options).jobs
        return job

    # -- a process of its own --------------------------------------------------------------

    def command(self, *words):
        return [sys.executable, "-m", "retention", "--config", str(self.folder / "policies.toml"), *words]

    def process_environ(self, **more):
        return {**self.environ, "PYTHONPATH": str(ROOT), **more}

    def cli(self, *words, **options):
        environ = self.process_environ(**options.pop("environ", {}))
        return subprocess.run(
            self.command(*words), capture_output=True, text=True, env=environ, timeout=300, **options
        )

    def start(self, *words, **options):
        environ = self.process_environ(**options.pop("environ", {}))
        return subprocess.Popen(
            self.command(*words),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            env=environ,
            **options,
        )

    # -- what is left ----------------------------------------------------------------------

    def state(self):
        """The state store, for reading."""
        return StateStore.open(stores.backend(self.config(), self.place), signer=None, evidence_key_id=None)

    @property
    def state_path(self):
        return self.folder / "state" / "retention.db"

    @property
    def mirror(self):
        return self.folder / "state" / "ledger"

    def writing(self):
        """The state store, for writing, as a verb opens it."""
        return stores.opened(self.config(), self.place)

    def config(self):
        from retention.config import load

        return load(self.place.config, self.place.connectors, environ=self.environ)

    def events(self, *types):
        """(type, data) of the ledger's events, oldest first; of these types, where any are named."""
        found = [json.loads(line) for line in audit.log(self.place)]
        return [(e["type"], e["data"]) for e in found if not types or e["type"] in types]

    def count(self, table, where="1 = 1"):
        return self.database.one(f"SELECT count(*) FROM {table} WHERE {where}")

    def left(self, table="visits"):
        return self.count(table, f"{'seen' if table == 'visits' else 'booked'} = '{OLD}'")

    def unresolved(self):
        with self.state() as state, state.read() as snapshot:
            return snapshot.batches.unresolved()

    def aside(self):
        with self.state() as state, state.read() as snapshot:
            return sorted(json.loads(row.key)[0] for row in snapshot.set_aside.of("shop", self.datasets[0]))

    def committed(self):
        """Batches that the ledger says were committed: (run, batch) → count."""
        found = {}
        for kind, data in self.events("batch.committed", "batch.reconciled"):
            if kind == "batch.reconciled" and data["outcome"] != "committed":
                continue
            name = (data["run"], data["batch"])
            assert name not in found, f"{name} was committed twice"
            found[name] = data["count"]
        return found

    def leaves(self):
        """Every commitment of a batch that the ledger says was committed."""
        leaves = []
        with self.state() as state, state.read() as snapshot:
            jobs = {(d["run"], d["batch"]): d["job"] for _, d in self.events("batch.intent")}
            for run, number in self.committed():
                row = snapshot.evidence.get(run, jobs[run, number], number)
                assert row is not None
                leaves += unpack(row.leaves)
        return leaves

    def expected_leaves(self, dataset, keys):
        config = self.config()
        committer = Committer(stores.evidence_key(config), "shop", dataset)
        return committer.leaves([(key,) for key in keys])

    def verify(self):
        """Ledger and mirror, each by itself."""
        audit.verify(self.place)
        return audit.verify(self.place, mirror=self.mirror)

    def keys(self):
        """Table → the keys of its records."""
        return {
            name: {row[0] for row in self.database.rows(f"SELECT id FROM {name}")} for name in self.datasets
        }

    def must_be_whole(self, before):
        """What is gone is what the ledger says, nothing twice, no part without its record, all verified.

        `before`: what `keys` said at the beginning.
        """
        gone = {name: before[name] - keys for name, keys in self.keys().items()}
        assert sum(self.committed().values()) == sum(map(len, gone.values()))
        leaves = self.leaves()
        assert len(leaves) == len(set(leaves))
        assert set(leaves) == {
            leaf for name, keys in gone.items() for leaf in self.expected_leaves(name, keys)
        }
        if "orders" in self.datasets:
            assert self.count("order_lines", "order_id NOT IN (SELECT id FROM orders)") == 0
        self.verify()
