"""What every connection to PostgreSQL is given is made once."""

from retention.connectors.sql.postgresql.dialect import _load_any_date


class Adapters:
    def __init__(self):
        self.loaders = {}

    def register_loader(self, name, loader):
        self.loaders[name] = loader


class Connection:
    def __init__(self):
        self.adapters = Adapters()


def test_connections_share_the_classes_that_load_dates():
    """A daemon had grown by three classes with every connection."""
    first, second = Connection(), Connection()
    _load_any_date(first)
    _load_any_date(second)
    assert set(first.adapters.loaders) == {"date", "timestamp", "timestamptz"}
    assert first.adapters.loaders == second.adapters.loaders
