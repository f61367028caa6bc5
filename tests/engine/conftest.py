from tests.support_faults.fixtures import (
    database,
    folder,
    hooks,
    impatient,
    kind,
    mariadb,
    postgresql,
    shop,
    sqlite,
)

__all__ = ["database", "folder", "hooks", "impatient", "kind", "mariadb", "postgresql", "shop", "sqlite"]
