"""A database with one dataset in it, connected to as verbs do, and how a test drives a remover."""

from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime

from retention.actions.strategies import Keyed, rewriter
from retention.connectors.port import Making, Marker
from retention.ledger.evidence import Committer
from retention.model.place import Place
from retention.verbs.opening.configured import as_of_instant, configuration
from retention.verbs.opening.prepared import prepared
from retention.verbs.persons.spoken import NO_WORDS, worked
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
        self.acting = self.work.only(schema.action_on(self.dataset))
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
        """The same site, connected to as somebody who may look, lock and write markers, and not delete or rewrite."""
        tables = (self.dataset, *schema.parts_of(self.dataset), *schema.vault_of(self.dataset))
        url = self.adapter.make_reader(self.database, tables, updates=not self.rewrites)
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
            manager = self.target.remover(
                self.acting, committer or self.committer, remembered, share=share, making=self.making
            )
            remover = stack.enter_context(manager)
            assert type(remover) is self.adapter.ways[self.dataset]
            yield remover

    @property
    def making(self):
        """What the engine makes of values, and when; None of records that are deleted."""
        rewritten = [item for item in self.work.bound.rewriting if item.strategy.computed]
        if not (self.rewrites or self.dataset in schema.MOVED):
            return None
        makes = {item.name: rewriter(item.strategy, Keyed(key=b"p" * 32)) for item in rewritten}
        return Making(makes=makes, at=datetime.fromisoformat(schema.AS_OF).replace(tzinfo=UTC))

    @property
    def rewrites(self):
        """The records stay, without their person."""
        return self.dataset in schema.REWRITTEN

    def objects(self, table, where):
        """Statements by which the database will not have that row changed, or gone, as the dataset's rule would."""
        return self.adapter.objects(table, where, "UPDATE" if self.rewrites else "DELETE")

    def swallows(self, table, where):
        """Statements by which it keeps the row as it is, and says nothing."""
        return self.adapter.swallows(table, where, "UPDATE" if self.rewrites else "DELETE")

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
        """The keys of the records that are there; of those that are rewritten, that still have their person."""
        columns = "room, night" if self.dataset in schema.COMPOSITE else "id"
        where = f" WHERE note <> '{schema.DONE}'" if self.rewrites else ""
        return {tuple(row) for row in self.database.rows(f"SELECT {columns} FROM {self.dataset}{where}")}

    @property
    def everything(self):
        return {self.key(n) for n in schema.ALL}

    def rows(self):
        """Every row of the dataset's tables and every marker."""
        parts, vault = schema.parts_of(self.dataset), schema.vault_of(self.dataset)
        names = (self.dataset, *parts, *vault, "retention_marker")
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
