"""A database with one dataset in it, connected to as verbs do, and how a test drives a remover."""

from contextlib import ExitStack, contextmanager

from retention.connectors.port import Marker
from retention.ledger.evidence import Committer
from retention.model.place import Place
from retention.verbs.prepared import as_of_instant, configuration, prepared
from retention.verbs.spoken import NO_WORDS, worked
from tests.contract.target import schema

ORIGIN = "acme.example/retention"
RUN = "r1"
ROOT_HASH = "ab" * 32
MOST = 1_000_000
"""More than was asked for, and more than can be in all pages: nothing is limited."""


class Site:
    """A database with one dataset in it, connected to as verbs do."""

    def __init__(self, folder, adapter, database, dataset):
        self.folder, self.adapter, self.database, self.dataset = folder, adapter, database, dataset
        self._stack = ExitStack()

    def make(self):
        self.database.run(*schema.tables(self.dataset, self.database.date))
        policy, connector = schema.files(self.dataset)
        (self.folder / "connectors").mkdir(exist_ok=True)
        (self.folder / "policies.toml").write_text(policy)
        (self.folder / "connectors" / "shop.toml").write_text(connector)
        return self

    def open(self, url=None):
        """Connects and binds anew."""
        self.close()
        ready = self._stack.enter_context(self.ready(url))
        self.target = ready.targets["shop"]
        self.target.create_marker_table()
        works = worked(ready, ready.jobs(), as_of_instant(ready.config, schema.AS_OF, lambda: None), NO_WORDS)
        self.work = {item.bound.dataset.name: item for item in works}[self.dataset]
        self.committer = Committer(b"k" * 32, "shop", self.dataset)
        return self

    @contextmanager
    def ready(self, url=None):
        url = url or (
            f"sqlite:///{self.database.path}" if self.database.kind == "sqlite" else self.database.url
        )
        place = Place(
            config=self.folder / "policies.toml",
            connectors=self.folder / "connectors",
            state=None,
            environ={"CONTRACT_URL": url},
        )
        with prepared(place, configuration(place)) as ready:
            yield ready

    @contextmanager
    def without_the_right_to_delete(self):
        """The same site, connected to as somebody who may look, lock and write markers."""
        tables = (self.dataset, *schema.parts_of(self.dataset), "retention_marker")
        url = self.adapter.make_reader(self.database, tables)
        other = Site(self.folder, self.adapter, self.database, self.dataset)
        try:
            yield other.open(url)
        finally:
            other.close()
            self.adapter.drop_reader(self.database)

    def close(self):
        self._stack.close()

    # -- removing --------------------------------------------------------------------------

    @contextmanager
    def remover(self, share=0.0, committer=None):
        """The way that is meant for the dataset; of accounts, after their invoices went."""
        with ExitStack() as stack:
            remembered = None
            if self.work.fleeting:
                remembered = self.target.remember(self.work)
                stack.callback(remembered.close)
                due = ", ".join(map(str, schema.DUE))
                self.database.run(f"DELETE FROM invoices WHERE account_id IN ({due})")
            manager = self.target.remover(self.work, committer or self.committer, remembered, share=share)
            remover = stack.enter_context(manager)
            assert type(remover) is self.adapter.ways[self.dataset]
            yield remover

    # -- looking from another session ------------------------------------------------------

    def key(self, n):
        return schema.key_of(self.dataset, n)

    def where(self, n):
        return schema.where(self.dataset, n)

    def at_key(self, n):
        """By the whole key: a search by less may lock rows that it only passes."""
        room = f"room = {self.key(n)[0]} AND " if self.dataset in schema.COMPOSITE else ""
        return room + self.where(n)

    @property
    def due(self):
        """The keys of all records that are due."""
        return {self.key(n) for n in schema.DUE}

    def left(self):
        """The keys of the records that are there."""
        columns = "room, night" if self.dataset in schema.COMPOSITE else "id"
        return {tuple(row) for row in self.database.rows(f"SELECT {columns} FROM {self.dataset}")}

    @property
    def everything(self):
        return {self.key(n) for n in schema.ALL}

    def rows(self):
        """Every row of the dataset's tables and every marker."""
        names = (self.dataset, *schema.parts_of(self.dataset), "retention_marker")
        return {name: sorted(self.database.rows(f"SELECT * FROM {name}"), key=repr) for name in names}

    def part_rows(self, n):
        """How many rows of each part belong to record `n`."""
        items = f"SELECT id FROM {self.dataset}_items WHERE above = {n}"
        return (
            len(self.database.rows(items)),
            self.database.one(f"SELECT count(*) FROM {self.dataset}_labels WHERE above IN ({items})"),
        )

    @contextmanager
    def other(self, *statements):
        """Another session's transaction that has executed `statements`; undone at the end."""
        with self.database.session() as session:
            self.adapter.begin(session)
            for statement in statements:
                session.execute(statement)
            yield session
            session.execute("ROLLBACK")


def marker(batch=1, *, run=RUN, origin=ORIGIN, status="committed", count=1):
    return Marker(origin=origin, run=run, batch=batch, status=status, root=ROOT_HASH, count=count)


def removed(remover, window, batch=1, *, most=MOST, wait=False):
    """One whole batch: what it took."""
    remover.begin()
    taken = remover.take(window, most, wait=wait)
    remover.mark(marker(batch, count=len(taken.keys)))
    remover.commit()
    return taken


def tried(remover, window, *, most=MOST, wait=False):
    """What a batch would have taken; it is undone."""
    remover.begin()
    try:
        return remover.take(window, most, wait=wait)
    finally:
        remover.rollback()


def windows(remover, size=4, *, sweep=False):
    """Every window from the beginning on."""
    after = None
    while (window := remover.window(after, size, sweep=sweep)) is not None:
        yield window
        after = window.after


def whole(remover, *, sweep=False):
    """The first window that has all records in it, or the first page of them."""
    return remover.window(None, 100_000, sweep=sweep)


def rows_by_name(rows):
    """Table's bare name → rows; what is 0 is left out."""
    return {name.rpartition(".")[2]: count for name, count in rows.items() if count}
