"""What the error numbers of MariaDB and MySQL mean to a batch.

Numbers: https://mariadb.com/kb/en/mariadb-error-code-reference/ and
https://dev.mysql.com/doc/mysql-errors/8.0/en/.
"""

from __future__ import annotations

TRANSIENT = frozenset(
    {
        1020,  # the row has changed since it was read
        1205,  # lock wait timeout: only the statement was undone, the rest is rolled back by ourselves
        1206,  # too many locks
        1213,  # deadlock, and on Galera a commit that another node came before
        1317,  # the statement was killed
        1412,  # the table's definition has changed
        1614,  # deadlock
        1637,  # too many transactions
        1969,  # max_statement_time
        3024,  # max_execution_time
        3572,  # NOWAIT
    }
)
HELD = frozenset({1205, 3572})
LOST = frozenset(
    {
        0,  # PyMySQL's of a connection that is closed
        1047,  # Galera: this node is out of the cluster
        1053,  # the server is being shut down
        1158,
        1159,
        1160,
        1161,  # the network
        1180,  # an error during COMMIT: what became of it is not said
        1184,
        1927,  # the connection was killed
        2006,
        2013,
        2014,
        2055,
        4031,  # closed for having been idle
    }
)
DENIED = frozenset({1044, 1142, 1143, 1227, 1370})
FORBIDDEN = DENIED | frozenset({1046, 1049, 1054, 1064, 1146})
DUPLICATE = frozenset({1062, 1586})


def number(error: BaseException) -> int | None:
    """The server's or the driver's number of the error; None where it has none."""
    match getattr(getattr(error, "orig", error), "args", ()):
        case (int(found), *_):
            return found
    return None
