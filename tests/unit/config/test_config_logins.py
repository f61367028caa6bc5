"""One rule of TLS for targets and the state store, and what drivers are told."""

from __future__ import annotations

import ssl
from types import SimpleNamespace

import pytest

from retention.config.connecting import certificates, logins
from retention.config.connecting.urls import split
from retention.config.reading.findings import Unusable
from retention.model.dataset import Tls
from tests.support.authority import Authority

CHECKED = {"sslmode": "verify-full", "sslrootcert": "system"}
OFF = Tls(off=True)
NOT_ASKED = Tls()


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """An authority with the certificates of a client, and paths of what is wrong with them."""
    folder = tmp_path_factory.mktemp("house")
    authority = Authority(folder, "house")
    authority.issue("retention", "client")
    authority.issue("retention", "other")
    authority.issue("retention", "locked", passphrase="open")
    (folder / "nothing.pem").write_text("nothing")
    (folder / "empty.pem").touch()
    for name in ("nothing.pem", "empty.pem"):
        (folder / name).chmod(0o600)
    return folder


def with_client(house, cert="house-client.pem", key="house-client.key", ca=None):
    return logins.from_folder(Tls(cert=cert, key=key, ca=ca), house)


def for_libpq(url, tls):
    """What libpq is told of account and TLS; its patience apart."""
    told = logins.postgresql(split(url), tls)
    return {
        name: value for name, value in told.items() if name in ("user", "password") or name.startswith("ssl")
    }


@pytest.fixture(autouse=True)
def without_libpq_variables(monkeypatch):
    for name in ("PGHOST", "PGHOSTADDR", "PGSERVICE"):
        monkeypatch.delenv(name, raising=False)


# -- what is this machine ------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://localhost/x",
        "postgresql://LocalHost/x",
        "postgresql://127.0.0.1/x",
        "postgresql://127.8.9.10:5433/x",
        "postgresql://[::1]:5432/x",
        "postgresql:///x",
        "postgresql:///x?host=/var/run/postgresql",
        "postgresql:///x?host=@abstract",
        "postgresql:///x?host=127.0.0.1",
        "postgresql://%2Fvar%2Frun%2Fpostgresql/x",
        "postgres://db.example/x?hostaddr=127.0.0.1",
        "mysql://127.0.0.1/x",
        "mysql://[::1]:3306/x",
        "mysql:///x",
        "mariadb://db.example/x?unix_socket=/run/mysqld/mysqld.sock",
    ],
)
def test_sockets_and_loopback_addresses_are_this_machine(url):
    assert logins.is_local(split(url))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://db.example/x",
        "postgresql://127.0.0.1.evil.example/x",
        "postgresql://localhost.example/x",
        "postgresql://0.0.0.0/x",
        "postgresql://128.0.0.1/x",
        "postgresql://10.0.0.1/x",
        "postgresql://127.1/x",
        "postgresql://[::2]/x",
        "postgresql://[::ffff:127.0.0.1]/x",
        "postgresql:///x?host=db.example",
        "postgresql:///x?host=localhost,db.example",
        "postgresql://localhost/x?host=db.example",
        "postgresql://localhost/x?hostaddr=10.0.0.1",
        "postgresql:///x?service=shop",
        "mysql://127.0.0.1.evil.example/x",
        "mysql://[fe80::1]/x",
        "mysql://db.example/x?unix_socket=",
    ],
)
def test_nothing_else_is(url):
    assert not logins.is_local(split(url))


@pytest.mark.parametrize(
    ("variable", "value", "local"),
    [
        ("PGHOST", "db.example", False),
        ("PGHOST", "/run/postgresql", True),
        ("PGHOSTADDR", "10.0.0.1", False),
        ("PGSERVICE", "shop", False),
    ],
)
def test_where_the_url_names_no_host_libpq_takes_it_from_its_environment(monkeypatch, variable, value, local):
    monkeypatch.setenv(variable, value)
    assert logins.is_local(split("postgresql:///x")) is local
    assert logins.is_local(split("mysql:///x"))


# -- what the drivers are told -------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "tls", "told"),
    [
        ("postgresql://u:p@db.example/x", NOT_ASKED, {"user": "u", "password": "p", **CHECKED}),
        ("postgresql://db.example/x", OFF, {}),
        ("postgresql://db.example/x?sslmode=require", NOT_ASKED, {}),
        ("postgresql://db.example/x?sslrootcert=/own.pem", NOT_ASKED, {"sslmode": "verify-full"}),
        ("postgresql://127.0.0.1/x", NOT_ASKED, {}),
        ("postgresql:///x", NOT_ASKED, {}),
        ("postgresql:///x?host=db.example", NOT_ASKED, CHECKED),
    ],
)
def test_libpq_verifies_unless_the_host_is_this_machine(url, tls, told):
    assert for_libpq(url, tls) == told


@pytest.mark.parametrize("host", ["db.example", "127.0.0.1"])
def test_libpq_is_given_one_s_own_authority_for_a_local_host_too(house, host):
    ca = str(house / "house-ca.pem")
    assert for_libpq(f"postgresql://{host}/x", Tls(ca=ca)) == {"sslmode": "verify-full", "sslrootcert": ca}
    assert for_libpq(f"postgresql://{host}/x?sslmode=require", Tls(ca=ca)) == {"sslrootcert": ca}


def test_libpq_is_given_certificate_and_key(house):
    told = for_libpq("postgresql://db.example/x", with_client(house))
    assert told == {
        **CHECKED, "sslcert": str(house / "house-client.pem"), "sslkey": str(house / "house-client.key")
    }  # fmt: skip


def test_libpq_notices_a_server_that_is_gone_unless_the_url_says_how():
    told = logins.postgresql(split("postgresql://h/x?connect_timeout=3"), OFF)
    assert told["tcp_user_timeout"] == 60_000
    assert told["application_name"] == "retention"
    assert "connect_timeout" not in told


@pytest.mark.parametrize("url", ["mysql://db.example/x", "mariadb://localhost.example/x"])
def test_pymysql_verifies_the_name_and_the_chain(url, house):
    for tls in (NOT_ASKED, Tls(ca=str(house / "house-ca.pem"))):
        context = logins.mysql(split(url), tls)["ssl"]
        assert context.check_hostname
        assert context.verify_mode is ssl.CERT_REQUIRED


@pytest.mark.parametrize(
    ("url", "tls"),
    [
        ("mysql://127.0.0.1/x", NOT_ASKED),
        ("mysql://localhost/x", NOT_ASKED),
        ("mysql://h/x?unix_socket=/run/m.sock", NOT_ASKED),
        ("mysql://h/x", OFF),
    ],
)
def test_pymysql_does_without_tls_on_this_machine_or_where_that_is_written(url, tls):
    told = logins.mysql(split(url), tls)
    assert told["ssl_disabled"] is True
    assert "ssl" not in told


def test_pymysql_is_told_where_to_connect_and_as_whom():
    told = logins.mysql(split("mysql://u:p%40@h:3307/x?unix_socket=/run/m.sock"), OFF)
    assert told == {
        "host": "h", "port": 3307, "database": "x", "user": "u", "password": "p@", "ssl_disabled": True,
        "unix_socket": "/run/m.sock",
    }  # fmt: skip


def test_a_parameter_that_nobody_reads_is_refused():
    with pytest.raises(ValueError, match="`ssl-mode`, which is not known; take it out: TLS is verified"):
        logins.mysql(split("mysql://h/x?ssl-mode=REQUIRED"), NOT_ASKED)
    with pytest.raises(ValueError, match='`unix-socket`, which is not known; write "unix_socket"'):
        logins.mysql(split("mysql://h/x?unix-socket=/x"), NOT_ASKED)
    with pytest.raises(ValueError, match="charset"):
        logins.mysql(split("mysql://h/x?charset=latin1"), NOT_ASKED)
    assert "charset" not in logins.mysql(split("mysql://h/x?charset=utf8mb4"), NOT_ASKED)


# -- what contradicts itself ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "tls", "at", "words"),
    [
        ("postgresql://h/x?sslmode=require", OFF, "tls", "sslmode contradicts tls"),
        ("postgresql://h/x?sslmode=prefer", Tls(ca="ca"), "tls_ca", "sslmode=prefer contradicts tls_ca"),
        ("postgresql://h/x?sslrootcert=x", Tls(ca="ca"), "tls_ca", "the URL has `sslrootcert`"),
        ("postgresql://h/x?sslcert=x", Tls(cert="c", key="k"), "tls_cert", "the URL has `sslcert`"),
        ("postgresql:///x?host=/run", Tls(ca="ca"), "tls_ca", "over a socket"),
        ("postgresql:///x", Tls(cert="c", key="k"), "tls_cert", "over a socket"),
        ("mysql://h/x?unix_socket=/m", Tls(cert="c", key="k"), "tls_cert", "over a socket"),
    ],
)
def test_url_and_keys_that_contradict_each_other_are_refused(url, tls, at, words):
    parts = split(url)
    with pytest.raises(Unusable, match=words) as refused:
        (logins.postgresql if parts.family == "postgresql" else logins.mysql)(parts, tls)
    assert refused.value.findings[0].at == (at,)


# -- files that are not what they are said to be -------------------------------------------


@pytest.fixture(params=["postgresql://h/x", "mysql://h/x"])
def told(request):
    """What a driver is told, whichever it is."""
    parts = split(request.param)
    return lambda tls: (logins.postgresql if parts.family == "postgresql" else logins.mysql)(parts, tls)


@pytest.mark.parametrize("name", ["nothing.pem", "empty.pem", "nowhere.pem"])
def test_authorities_that_cannot_be_read_are_named(told, house, name):
    with pytest.raises(Unusable, match=f"the authorities' file .*{name} cannot be read") as refused:
        told(Tls(ca=str(house / name)))
    assert refused.value.findings[0].at == ("tls_ca",)


@pytest.mark.parametrize(
    ("cert", "key", "at", "words"),
    [
        (
            "nowhere.pem",
            "house-client.key",
            "tls_cert",
            r"the certificate .*nowhere.pem cannot be read \(No such",
        ),
        ("house-client.pem", "nowhere.key", "tls_key", r"the key .*nowhere.key cannot be read \(No such"),
        ("house-client.pem", ".", "tls_key", r"cannot be read \(Is a directory"),
        ("empty.pem", "house-client.key", "tls_cert", "empty.pem is empty"),
        ("nothing.pem", "house-client.key", "tls_cert", "are not a certificate and its key in PEM"),
        ("house-client.pem", "nothing.pem", "tls_cert", "are not a certificate and its key in PEM"),
        (
            "house-client.pem",
            "house-other.key",
            "tls_key",
            "house-other.key is not the key of the certificate",
        ),
        ("house-locked.pem", "house-locked.key", "tls_key", "house-locked.key has a passphrase"),
    ],
)
def test_certificates_and_keys_that_cannot_be_used_are_named(told, house, cert, key, at, words):
    with pytest.raises(Unusable, match=words) as refused:
        told(with_client(house, cert, key))
    assert refused.value.findings[0].at == (at,)


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o660])
def test_a_key_that_others_can_read_is_refused_with_what_to_type(told, house, tmp_path, mode):
    key = tmp_path / "client.key"
    key.write_bytes((house / "house-client.key").read_bytes())
    key.chmod(mode)
    with pytest.raises(Unusable, match=rf"open to others \(mode {mode:04o}\); chmod 600 {key}"):
        told(with_client(house, key=str(key)))
    key.chmod(0o600)
    told(with_client(house, key=str(key)))


@pytest.mark.parametrize(("owner", "allowed"), [(0, True), (1000, False)])
def test_a_group_may_read_a_key_that_root_owns(house, monkeypatch, owner, allowed):
    """As libpq has it: a secret that is mounted for a group."""
    monkeypatch.setattr(certificates.os, "stat", lambda _: SimpleNamespace(st_mode=0o100640, st_uid=owner))
    if allowed:
        certificates.check(with_client(house))
    else:
        with pytest.raises(Unusable, match="open to others"):
            certificates.check(with_client(house))
