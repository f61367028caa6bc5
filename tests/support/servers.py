"""The servers that tests run against, and the one way in which databases are made there.

What is missing skips with the reason; where CI=true, it fails.
"""

from __future__ import annotations

import functools
import os
from typing import NoReturn

import pytest

from tests.support.mariadb import MariadbServer
from tests.support.stores import Server

POSTGRESQL = os.environ.get("RETENTION_TEST_POSTGRESQL", "postgresql://postgres@127.0.0.1:5432/postgres")
MARIADB = os.environ.get("RETENTION_TEST_MARIADB", "mysql://root@127.0.0.1:3306/test")


def missing(reason: str) -> NoReturn:
    """A server that is not there: a skip on a laptop, a failure in CI."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@functools.cache
def any_postgresql() -> Server:
    """The server, whether it answers or not; one for all tests of this process."""
    return Server(POSTGRESQL)


@functools.cache
def any_mariadb() -> MariadbServer:
    """The server, whether it answers or not; one for all tests of this process."""
    return MariadbServer(MARIADB)


def postgresql() -> Server:
    server = any_postgresql()
    if server.why_not is not None:
        missing(server.why_not)
    return server


def mariadb() -> MariadbServer:
    server = any_mariadb()
    if server.why_not is not None:
        missing(server.why_not)
    return server
