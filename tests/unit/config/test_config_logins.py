"""One rule of TLS for targets and the state store, and what drivers are told."""

from __future__ import annotations

import ssl

import pytest

from retention.config import logins
from retention.config.urls import split

CHECKED = {"sslmode": "verify-full", "sslrootcert": "system"}


@pytest.mark.parametrize(
    ("url", "tls", "ca", "told"),
    [
        ("postgresql://u:p@db.example/x", None, None, {"user": "u", "password": "p", **CHECKED}),
        ("postgresql://db.example/x", None, "/ca.pem", {"sslmode": "verify-full", "sslrootcert": "/ca.pem"}),
        ("postgresql://db.example/x", "off", None, {}),
        ("postgresql://db.example/x?sslmode=require", None, None, {}),
        ("postgresql://127.0.0.1/x", None, None, {}),
        ("postgresql://[::1]/x", None, None, {}),
        ("postgresql:///x", None, None, {}),
        ("postgresql://127.0.0.1.evil.example/x", None, None, CHECKED),
    ],
)
def test_libpq_verifies_unless_the_host_is_this_machine(url, tls, ca, told):
    assert logins.postgresql(split(url), tls, ca) == told


@pytest.mark.parametrize("url", ["mysql://db.example/x", "mariadb://localhost.example/x"])
def test_pymysql_verifies_the_name_and_the_chain(url):
    context = logins.mysql(split(url), None, None)["ssl"]
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED


@pytest.mark.parametrize(
    ("url", "tls"), [("mysql://127.0.0.1/x", None), ("mysql://localhost/x", None), ("mysql://h/x", "off")]
)
def test_pymysql_does_without_tls_on_this_machine_or_where_that_is_written(url, tls):
    told = logins.mysql(split(url), tls, None)
    assert told["ssl_disabled"] is True
    assert "ssl" not in told


def test_pymysql_is_told_where_to_connect_and_as_whom():
    told = logins.mysql(split("mysql://u:p%40@h:3307/x?unix_socket=/run/m.sock"), "off", None)
    assert told == {
        "host": "h", "port": 3307, "database": "x", "user": "u", "password": "p@", "ssl_disabled": True,
        "unix_socket": "/run/m.sock",
    }  # fmt: skip


def test_a_parameter_that_nobody_reads_is_refused():
    with pytest.raises(ValueError, match="parameter that is not known"):
        logins.mysql(split("mysql://h/x?ssl=true"), None, None)
    with pytest.raises(ValueError, match="charset"):
        logins.mysql(split("mysql://h/x?charset=latin1"), None, None)
    assert "charset" not in logins.mysql(split("mysql://h/x?charset=utf8mb4"), None, None)


def test_authorities_that_cannot_be_read_are_named(tmp_path):
    (tmp_path / "ca.pem").write_text("nothing")
    for name in ("ca.pem", "nowhere.pem"):
        with pytest.raises(ValueError, match=f"{name} cannot be read"):
            logins.mysql(split("mysql://h/x"), None, str(tmp_path / name))
