"""Why a server gives no connection, and what to do about it: one sentence each, for targets and state store.

psycopg gives no SQLSTATE for a connection that was never there, so PostgreSQL's and libpq's words are read; in another
language than English they say nothing here. PyMySQL gives the server's number, or words for its own errors.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Reason:
    """`write`: what to do. `passing`: the server may let one in a little later."""

    write: str
    passing: bool = False


LOGIN = Reason(
    write="mend the user in the URL, or the password that the URL or `password` refers to, and see that the server has"
    " this account"
)
ACCOUNT = Reason(
    write=f"{LOGIN.write}; where the account is one that REQUIREs SSL or X509, name the server's authority in tls_ca"
    " and, for X509, a certificate of its own in tls_cert and tls_key"
)
DATABASE = Reason(write="mend the database's name at the end of the URL, or make the database")
NO_RIGHT = Reason(write="mend the database's name in the URL, or GRANT the account a right in it")
HOST = Reason(write="mend the host in the URL, or see that this machine can look its name up")
CLOSED = Reason(write="see that the server runs and listens there, or mend host and port in the URL")
SOCKET = Reason(
    write="see that the server runs and has its socket there, or mend the socket's path in the URL"
)
SILENT = Reason(
    write="see that the server is there and that no firewall is between, or mend host and port in the URL"
)
PLAIN = Reason(
    write='switch TLS on at the server, or, where the network between can be trusted, write tls = "off"'
)
NAME = Reason(
    write="write the host in the URL as the server's certificate names it, or give the server one that does"
)
AUTHORITY = Reason(
    write='name the file of the authority that signed the server\'s certificate: tls_ca = "ca.pem"; where the host is'
    " another one than you think, do not connect"
)
CLIENT = Reason(
    write="name a certificate that the server accepts for this user, and its key: tls_cert and tls_key"
)
ADMITTED = Reason(
    write="admit this account and machine at the server (pg_hba.conf on PostgreSQL, the account's host on MariaDB);"
    ' where it admits only TLS, take tls = "off" out of the file or name its authority in tls_ca'
)
CIPHER = Reason(write='take tls = "off" out, or, on this machine, name the server\'s authority in tls_ca')
PLUGIN = Reason(write="give the account a way to log in that PyMySQL knows, such as mysql_native_password")
FULL = Reason(write="try again later, or let the server (or its pooler) take more connections", passing=True)
STARTING = Reason(write="try again when the server is up", passing=True)
ENDED = Reason(
    write="see in the server's log why it ended the connection; where it asks for a certificate, name one that it"
    " accepts, and its key: tls_cert and tls_key"
)
"""A server that refuses a certificate may be gone before its word for that has come."""
OTHER = Reason(
    write="see which server it is that answers there: port and scheme of the URL may not belong together"
)

_ALERT = r"alert (unknown ca|bad certificate|certificate|decrypt error|access denied|handshake failure)"

_GONE = r"gone away|closed the connection unexpectedly|eof (occurred|detected)|reset by peer|broken pipe"

_NETWORK = (
    (
        r"failed to resolve|could not translate host|name or service not known|name resolution|nodename nor",
        HOST,
    ),
    (r"no such file or directory|permission denied", SOCKET),
    (r"connection refused", CLOSED),
    (r"does not match host name|hostname mismatch|ip address mismatch", NAME),
    (r"certificate verify failed", AUTHORITY),
    (r"timed out|timeout expired|unreachable|no route to host", SILENT),
)
_POSTGRESQL = (
    (r"password authentication failed|no password supplied|role .* does not exist|no such user", LOGIN),
    (r"database .* does not exist|no such database", DATABASE),
    (r"permission denied for database", NO_RIGHT),
    (r"too many clients|connection slots are|too many connections|no more connections", FULL),
    (r"starting up|shutting down|recovery mode|not (yet )?accepting connections", STARTING),
    (rf"requires a valid client certificate|certificate authentication failed|{_ALERT}", CLIENT),
    (r"pg_hba\.conf", ADMITTED),
    (r"does not support ssl", PLAIN),
    (_GONE, ENDED),
    (r"response to ssl negotiation|expected authentication request|unsupported frontend protocol", OTHER),
    *_NETWORK,
)
_NUMBERS = {
    1045: ACCOUNT,
    1698: ACCOUNT,
    1049: DATABASE,
    1044: NO_RIGHT,
    1040: FULL,
    1203: FULL,
    1226: FULL,
    1053: STARTING,
    1079: STARTING,
    1129: ADMITTED,
    1130: ADMITTED,
    2026: PLAIN,
    2059: PLUGIN,
    3159: CIPHER,
}
"""https://mariadb.com/kb/en/mariadb-error-code-reference/, and PyMySQL's own from 2000 on."""
_MYSQL = (
    (r"insecure transport", CIPHER),
    (_ALERT, CLIENT),
    (_GONE, ENDED),
    (r"during query|packet sequence number wrong", OTHER),
    *_NETWORK,
)


def postgresql(words: str) -> Reason | None:
    """By what libpq says of a connection that it could not make; None where that is not told."""
    return _said(words, _POSTGRESQL)


def mysql(number: int | None, words: str) -> Reason | None:
    """By the error's number and words; None where they do not tell."""
    return _NUMBERS.get(number or 0) or _said(words, _MYSQL)


def _said(words: str, patterns: tuple[tuple[str, Reason], ...]) -> Reason | None:
    low = words.lower()
    return next((reason for pattern, reason in patterns if re.search(pattern, low)), None)
