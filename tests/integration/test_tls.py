"""TLS as the documentation promises it: verified unless the host is local, by one's own authority, or off.

A server of the test's own, with certificates made for it. It stands on 127.0.0.2, which is not one of the
addresses that count as local.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from retention.cli.root import root

HOST = "127.0.0.2"
TABLES = (
    "CREATE TABLE visits (id integer PRIMARY KEY, seen date); INSERT INTO visits VALUES (1, '2015-01-01');"
)


class Authority:
    """Signs certificates, its own first."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self.key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = self._signed(subject, subject, self.key, authority=True)
        self.path = self._write("ca.pem", self.certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str, file: str, address: str | None = None) -> tuple[Path, Path]:
        """Certificate and key for `name`, as files."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        made = self._signed(subject, self.certificate.subject, key, address=address)
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return (
            self._write(f"{file}.pem", made.public_bytes(serialization.Encoding.PEM)),
            self._write(f"{file}.key", secret),
        )

    def _signed(
        self,
        subject: x509.Name,
        issuer: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        *,
        authority: bool = False,
        address: str | None = None,
    ) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=2))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if address is not None:
            names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
            builder = builder.add_extension(names, critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def _write(self, file: str, content: bytes) -> Path:
        path = self.folder / f"{self.name}-{file}"
        path.write_bytes(content)
        path.chmod(0o600)
        return path


@dataclass(frozen=True, kw_only=True)
class Server:
    """A PostgreSQL cluster that lets people in over TLS or not; `strict` only by a client's certificate."""

    port: int
    authority: Authority
    stranger: Authority


def programs() -> Path | None:
    """Where initdb and pg_ctl are: the newest of Debian's, or beside each other on the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: float(p.parts[-3]))
    here = shutil.which("initdb")
    return found[-1].parent if found else Path(here).parent if here else None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    pytest.importorskip("psycopg")
    bin_ = programs()
    if bin_ is None:
        if os.environ.get("CI") == "true":
            pytest.fail("PostgreSQL's programs are not installed")
        pytest.skip("PostgreSQL's programs are not installed")
    folder = tmp_path_factory.mktemp("tls")
    authority, stranger = Authority(folder, "house"), Authority(folder, "stranger")
    data, port = folder / "data", free_port()
    who: list[str] = []
    if os.geteuid() == 0:  # the server refuses to be root's
        who = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        for path in (folder, *folder.parents):
            if path == Path("/tmp") or not path.is_relative_to("/tmp"):
                break
            path.chmod(0o711)
        data.mkdir()
        shutil.chown(data, "postgres", "postgres")

    def ran(program: str, *words: str) -> None:
        command = [*who, str(bin_ / program), "-D", str(data), *words]
        subprocess.run(command, check=True, capture_output=True, cwd="/", timeout=60)

    ran("initdb", "-U", "postgres", "-A", "trust", "--no-sync")
    pem, key = authority.issue("db", "server", HOST)
    for source, name in ((pem, "server.crt"), (key, "server.key"), (authority.path, "root.crt")):
        shutil.copy(source, data / name)
        (data / name).chmod(0o600)
        if who:
            shutil.chown(data / name, "postgres", "postgres")
    hba = "hostssl all strict all cert\nhost all all all trust\n"
    (data / "pg_hba.conf").write_text(hba)
    options = f"-c listen_addresses={HOST} -c port={port} -c ssl=on -c ssl_ca_file=root.crt -c fsync=off"
    ran("pg_ctl", "-w", "-l", str(data / "log"), "-o", f"{options} -c unix_socket_directories=", "start")
    try:
        import psycopg

        with psycopg.connect(f"postgresql://postgres@{HOST}:{port}/postgres", autocommit=True) as connection:
            connection.execute(f"CREATE ROLE strict LOGIN SUPERUSER; {TABLES}")
        yield Server(port=port, authority=authority, stranger=stranger)
    finally:
        ran("pg_ctl", "-w", "-m", "immediate", "stop")


@pytest.fixture
def plan(server: Server, tmp_path: Path):  # type: ignore[no-untyped-def]
    """`plan(lines, user)`: the command's result over a connector with these lines about TLS."""
    (tmp_path / "connectors").mkdir()
    (tmp_path / "policies.toml").write_text(
        '[policy]\nname = "TLS"\ntimezone = "UTC"\n[rules.visits]\npromise = "Visits: a year"\ndata = "visits"\n'
        'keep = "1 year"\nfrom = "seen"\naction = "delete"\n'
    )
    for path in server.authority.folder.glob("*-*"):
        shutil.copy(path, tmp_path / path.name)

    def run(lines: str = "", *, user: str = "postgres", query: str = "") -> Result:
        url = f"postgresql://{user}@{HOST}:{server.port}/postgres{query}"
        (tmp_path / "connectors" / "db.toml").write_text(
            f'type = "sql"\nurl = "{url}"\n{lines}\n[datasets.visits]\ndata = "visits"\ntable = "visits"\n'
            'events = { seen = "seen" }\n'
        )
        return CliRunner().invoke(root, ["--config", str(tmp_path / "policies.toml"), "plan"])

    return run


def test_a_server_is_verified_without_being_asked(plan):
    """Its authority is none of the system's."""
    ended = plan()
    assert ended.exit_code == 5
    assert "certificate verify failed" in " ".join(ended.stderr.split())


def test_an_authority_of_ones_own_by_a_path_from_the_policys_folder(plan):
    assert plan('tls_ca = "house-ca.pem"').exit_code == 0


def test_another_authority_is_refused(plan):
    ended = plan('tls_ca = "stranger-ca.pem"')
    assert ended.exit_code == 5
    assert "certificate verify failed" in " ".join(ended.stderr.split())


def test_tls_is_done_without_only_where_that_is_written(plan):
    assert plan('tls = "off"').exit_code == 0


def test_what_the_url_says_of_tls_is_heard(plan):
    assert plan(query="?sslmode=require").exit_code == 0
