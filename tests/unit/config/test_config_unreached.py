"""Which sentence belongs to what servers and drivers say; the words are theirs, as they came."""

from __future__ import annotations

import pytest

from retention.config.connecting import unreached

AT = 'connection failed: connection to server at "h", port 5432 failed: '


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ('FATAL:  password authentication failed for user "asked"', unreached.LOGIN),
        ("fe_sendauth: no password supplied", unreached.LOGIN),
        ('FATAL:  role "nobody" does not exist', unreached.LOGIN),
        ('FATAL:  database "nowhere" does not exist', unreached.DATABASE),
        ('FATAL:  permission denied for database "shop"', unreached.NO_RIGHT),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.9", user "a", no encryption', unreached.ADMITTED),
        ("FATAL:  sorry, too many clients already", unreached.FULL),
        ("FATAL:  remaining connection slots are reserved for roles with SUPERUSER", unreached.FULL),
        ('FATAL:  too many connections for role "asked"', unreached.FULL),
        ("FATAL:  no more connections allowed (max_client_conn)", unreached.FULL),
        ("FATAL:  the database system is starting up", unreached.STARTING),
        ("FATAL:  the database system is shutting down", unreached.STARTING),
        ("FATAL:  the database system is in recovery mode", unreached.STARTING),
        ("FATAL:  the database system is not yet accepting connections", unreached.STARTING),
        ("server does not support SSL, but SSL was required", unreached.PLAIN),
        ("SSL error: certificate verify failed", unreached.AUTHORITY),
        ('server certificate for "db" does not match host name "h"', unreached.NAME),
        ("SSL error: tlsv1 alert unknown ca", unreached.CLIENT),
        ("SSL error: tlsv13 alert certificate required", unreached.CLIENT),
        ("FATAL:  connection requires a valid client certificate", unreached.CLIENT),
        ('FATAL:  certificate authentication failed for user "strict"', unreached.CLIENT),
        ("server closed the connection unexpectedly", unreached.ENDED),
        ("SSL SYSCALL error: EOF detected", unreached.ENDED),
        ("received invalid response to SSL negotiation: d", unreached.OTHER),
        ("expected authentication request from server, but received d", unreached.OTHER),
        ("Connection refused\n\tIs the server running on that host?", unreached.CLOSED),
        ("timeout expired", unreached.SILENT),
        ("No route to host", unreached.SILENT),
        ("something else", None),
    ],
)
def test_what_libpq_says(words, reason):
    assert unreached.postgresql(AT + words) == reason


def test_what_psycopg_says_itself():
    words = "failed to resolve host 'nowhere.invalid': [Errno -2] Name or service not known"
    assert unreached.postgresql(words) == unreached.HOST
    words = 'connection is bad: connection to server on socket "/x/.s.PGSQL.5432" failed: No such file or directory'
    assert unreached.postgresql(words) == unreached.SOCKET


CANNOT = "Can't connect to MySQL server on 'h' "
LOST = "Lost connection to MySQL server during query "


@pytest.mark.parametrize(
    ("number", "words", "reason"),
    [
        (1045, "Access denied for user 'asked'@'h' (using password: YES)", unreached.ACCOUNT),
        (1049, "Unknown database 'nowhere'", unreached.DATABASE),
        (1044, "Access denied for user 'a'@'h' to database 'shop'", unreached.NO_RIGHT),
        (1040, "Too many connections", unreached.FULL),
        (1203, "User a already has more than 'max_user_connections' active connections", unreached.FULL),
        (1053, "Server shutdown in progress", unreached.STARTING),
        (1130, "Host 'h' is not allowed to connect to this MariaDB server", unreached.ADMITTED),
        (2026, "SSL is required but the server doesn't support it", unreached.PLAIN),
        (2059, "Authentication plugin 'x' not configured", unreached.PLUGIN),
        (3159, "Connections using insecure transport are prohibited", unreached.CIPHER),
        (1835, "Connections using insecure transport are prohibited", unreached.CIPHER),
        (2003, CANNOT + "([Errno 111] Connection refused)", unreached.CLOSED),
        (2003, CANNOT + "([Errno -2] Name or service not known)", unreached.HOST),
        (2003, CANNOT + "([Errno 2] No such file or directory)", unreached.SOCKET),
        (2003, CANNOT + "(timed out)", unreached.SILENT),
        (
            2003,
            CANNOT + "(… certificate verify failed: self-signed certificate in chain)",
            unreached.AUTHORITY,
        ),
        (
            2003,
            CANNOT + "(… certificate verify failed: Hostname mismatch, certificate is not …)",
            unreached.NAME,
        ),
        (2003, CANNOT + "(… certificate verify failed: IP address mismatch, certificate …)", unreached.NAME),
        (2013, LOST + "([SSL: TLSV1_ALERT_UNKNOWN_CA] tlsv1 alert unknown ca)", unreached.CLIENT),
        (2006, "MySQL server has gone away (SSLEOFError(8, 'EOF occurred in violation'))", unreached.ENDED),
        (2013, LOST + "([Errno 104] Connection reset by peer)", unreached.ENDED),
        (2013, LOST + "(timed out)", unreached.OTHER),
        (None, "Packet sequence number wrong - got 32 expected 0", unreached.OTHER),
        (1, "something else", None),
    ],
)
def test_what_mariadb_and_pymysql_say(number, words, reason):
    assert unreached.mysql(number, words) == reason


def test_only_what_passes_by_itself_passes():
    reasons = [r for r in vars(unreached).values() if isinstance(r, unreached.Reason)]
    assert {id(r) for r in reasons if r.passing} == {id(unreached.FULL), id(unreached.STARTING)}
    assert all(r.write for r in reasons)
