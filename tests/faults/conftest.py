from tests.support_faults.fixtures import database, hooks, impatient, kind, postgresql, shop, sqlite

__all__ = ["database", "hooks", "impatient", "kind", "postgresql", "shop", "sqlite"]
