from tests.support_faults.fixtures import database, kind, postgresql, shop, sqlite

__all__ = ["database", "kind", "postgresql", "shop", "sqlite"]
