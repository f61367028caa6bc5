"""Database URLs as people have them, taken apart and checked; and the secrets in them.

No message of this module repeats a piece of a URL: where a password was not
percent-encoded, any piece may be part of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import parse_qsl, unquote

from retention.config.reading.findings import nearest, unusable
from retention.model.dataset import Secret

SCHEMES: Mapping[str, tuple[str, str | None]] = {
    "postgres": ("postgresql", None),
    "postgresql": ("postgresql", None),
    "postgresql+psycopg": ("postgresql", "psycopg"),
    "mysql": ("mysql", None),
    "mysql+pymysql": ("mysql", "pymysql"),
    "mariadb": ("mariadb", None),
    "mariadb+pymysql": ("mariadb", "pymysql"),
    "sqlite": ("sqlite", None),
    "sqlite+pysqlite": ("sqlite", "pysqlite"),
}
"""Scheme → (family, driver that it names)."""

SECRET_PARAMETERS = frozenset({"password", "passwd", "pwd", "pass", "sslpassword", "ssl_key_password"})
MAX_SECRET = 64 * 1024

_EXAMPLES = "postgresql://, mysql://, mariadb:// or sqlite:///"
_ENCODED = "in a password, / ? # @ : % are written %2F %3F %23 %40 %3A %25"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, kw_only=True)
class Url:
    """A database's address. `family` is postgresql, mysql, mariadb or sqlite.

    `path` is a SQLite file, absolute if a folder was given to start from; the other fields
    are then None. `host` None: the driver's default, or a socket in `query`. `password` is
    kept out of the representation.
    """

    family: str
    driver: str | None = None
    host: str | None = None
    port: int | None = None
    database: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    path: str | None = None


def split(url: str, folder: str | Path | None = None) -> Url:
    """`url` in its parts, percent-decoded. Raises Unusable (a ValueError), which shows none of them.

    `folder`: where a relative SQLite path starts. SQLite paths are not percent-decoded.
    """
    scheme, rest = _scheme(url)
    family, driver = SCHEMES[scheme]
    if any(ord(c) < 32 or ord(c) == 127 for c in url):
        raise unusable("the URL holds a control character or a line break", "write it on one line")
    if family == "sqlite":
        return Url(family=family, driver=driver, path=_sqlite_path(rest, folder))
    head, mark, tail = rest.partition("?")
    query = _query(tail) if mark else {}
    authority, slash, database = head.partition("/")
    user, at, place = authority.rpartition("@")
    username, colon, password = user.partition(":")
    host, port = _place(place)
    if "/" in database or "#" in head.rpartition("@")[2] or "@" in database:
        raise unusable("the URL has a / # or @ in its database's name", _ENCODED)
    if not slash or not database:
        raise unusable("the URL names no database", "write it at the end: postgresql://HOST/DATABASE")
    return Url(
        family=family,
        driver=driver,
        host=host,
        port=port,
        database=_decoded(database),
        username=_decoded(username) if at and username else None,
        password=_decoded(password) if colon else None,
        query=query,
    )


def dialect_of(url: str) -> str:
    """The family of a URL: postgresql, mysql, mariadb or sqlite. Raises Unusable for others."""
    return SCHEMES[_scheme(url)[0]][0]


def redact(url: str) -> str:
    """`url` fit to be printed: no password, no parameters, nothing at all of what is no URL."""
    if url.startswith(("env:", "file:")):
        return url
    scheme, mark, rest = url.partition("://")
    if not mark or scheme.lower() not in SCHEMES:
        return "***"
    if SCHEMES[scheme.lower()][0] == "sqlite":
        return url
    user, at, place = rest.rpartition("@")
    place = place.split("?")[0] + ("?***" if "?" in place else "")
    name, colon, _ = user.partition(":")
    if re.search(r"[/?#]", name):
        name = "***"
    return f"{scheme}://{name}{':***' if colon else ''}{at}{place}"


def parse_secret(value: object, what: str) -> Secret:
    """`env:NAME` or `file:PATH` as a Secret, or Unusable. `what`: "a password", for messages."""
    how = 'write a reference: "env:NAME" or "file:PATH"'
    if not isinstance(value, str) or not value.strip():
        raise unusable("is not a reference to a secret", how)
    scheme, _, name = value.partition(":")
    if scheme == "env" and _VARIABLE.fullmatch(name):
        return Secret(env=name)
    if scheme == "env":
        raise unusable(
            "names no environment variable", 'write "env:NAME", with letters, digits and _ in NAME'
        )
    if scheme == "file" and name.startswith("~"):
        raise unusable("begins with ~, which means another folder for every account", "write the whole path")
    if scheme == "file" and name.strip() and name.isprintable() and not name.startswith("//"):
        return Secret(file=name)
    if scheme == "file":
        raise unusable("names no file", 'write "file:PATH"; a relative path starts at the policy\'s folder')
    raise unusable(f"is {what} written out; it is not shown here", how)


def parse_url(value: object, *, beside: bool = True) -> Secret:
    """A database's URL: a reference, or the URL itself if no password is in it. Raises Unusable.

    `beside`: a `password` may stand beside it.
    """
    if isinstance(value, str) and "://" not in value and value.startswith(("env:", "file:")):
        return parse_secret(value, "a URL")
    if not isinstance(value, str) or not value.strip():
        raise unusable("is not a URL", f'write "env:NAME", "file:PATH" or a URL: {_EXAMPLES}')
    parts = split(value)
    if parts.password is not None or any(name.lower() in SECRET_PARAMETERS for name in parts.query):
        how = 'put the whole URL into an environment variable and write "env:NAME"'
        if beside:
            how += ', or take the password out and add password = "env:NAME"'
        raise unusable(f"{redact(value)} has a password in it", how)
    return Secret(literal=value)


def resolve(secret: Secret, folder: str | Path, environ: Mapping[str, str]) -> str:
    """The secret's value now. Raises Unusable: not set, no such file, unreadable, empty, not UTF-8.

    A file's last line end is not part of the value. Read anew for every connection, so that
    rotated secrets are noticed.
    """
    if secret.env is not None:
        value = environ.get(secret.env)
        if value is None:
            raise unusable(
                f"the environment variable {secret.env} is not set", "set it for the account that runs this"
            )
        if not value.strip():
            raise unusable(f"the environment variable {secret.env} is empty", "set it to the secret's value")
        return value
    if secret.file is not None:
        return _read_secret(Path(folder) / secret.file)
    return secret.literal or ""


def address(url: Secret, password: Secret | None, folder: str | Path, environ: Mapping[str, str]) -> Url:
    """Where to connect, with the secrets as they are now. Raises Unusable, as `resolve` and `split`."""
    parts = split(resolve(url, folder, environ).strip(), folder)
    if password is None:
        return parts
    if parts.family == "sqlite":
        raise unusable("SQLite takes no password", "take `password` out")
    if parts.password is not None:
        raise unusable("there is a password in the URL and one beside it", "take one of them out")
    return replace(parts, password=resolve(password, folder, environ))


def absolute(url: str, folder: str | Path) -> str:
    """`url` with a relative SQLite path made absolute; others as they are. Raises Unusable."""
    parts = split(url, folder)
    return f"sqlite:///{parts.path}" if parts.path is not None else url


def _read_secret(path: Path) -> str:
    how = "create it, readable for the account that runs this"
    try:
        with open(path, "rb") as file:
            content = file.read(MAX_SECRET + 1)
        value = content.decode("utf-8")
    except FileNotFoundError:
        raise unusable(f"the file {path} is not there", how) from None
    except UnicodeDecodeError:
        raise unusable(f"the file {path} is not UTF-8 text", "write the secret alone into it") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its name is no path"
        raise unusable(f"the file {path} cannot be read ({reason})", how) from None
    if len(content) > MAX_SECRET:
        raise unusable(f"the file {path} is larger than any secret", "write the secret alone into it")
    value = value.removesuffix("\n").removesuffix("\r")
    if not value.strip():
        raise unusable(f"the file {path} is empty", "write the secret into it")
    return value


def _scheme(url: str) -> tuple[str, str]:
    scheme, mark, rest = url.strip().partition("://")
    known = scheme.lower()
    if not mark:
        raise unusable("it is not a URL", f"write one that begins with {_EXAMPLES}")
    if known not in SCHEMES:
        shown = known if re.fullmatch(r"[a-z][a-z0-9+.-]{0,30}", known) else "…"
        close = nearest(known, SCHEMES)
        hint = f"did you mean {close}://?" if close else f"write {_EXAMPLES}"
        raise unusable(f"{shown}:// is not a database that can be connected", hint)
    return known, rest


def _sqlite_path(rest: str, folder: str | Path | None) -> str:
    if "?" in rest:
        raise unusable(
            "a SQLite URL with parameters is not supported", "write the path alone: sqlite:///shop.db"
        )
    if rest and not rest.startswith("/"):
        raise unusable("a SQLite URL has three slashes before its path", "write sqlite:///shop.db")
    path = rest[1:]
    if not path or path == ":memory:":
        raise unusable("a SQLite database in memory holds nothing to keep", "write sqlite:///shop.db")
    if path.startswith("~"):
        raise unusable(
            "the SQLite path begins with ~, which is another folder for every account", "write it whole"
        )
    if path.startswith("file:"):
        raise unusable(
            "a SQLite URL with file: in it is not supported", "write the path alone: sqlite:///shop.db"
        )
    if path.endswith("/"):
        raise unusable("the SQLite path is a directory", "write sqlite:///shop.db")
    return str(Path(folder).absolute() / path) if folder is not None else path


def _place(place: str) -> tuple[str | None, int | None]:
    """Host and port; an IPv6 address stands in brackets."""
    host, colon, port = place, "", ""
    if place.startswith("["):
        host, bracket, after = place[1:].partition("]")
        if not bracket or (after and not after.startswith(":")):
            raise unusable("the URL has a [ without its ]", "write an IPv6 address as [::1] or [::1]:5432")
        colon, port = after[:1], after[1:]
    elif ":" in place:
        host, colon, port = place.partition(":")
    if "," in place:
        raise unusable("the URL names several hosts", "name one")
    if ":" in port or (colon and not port.isascii()) or (colon and not port.isdigit()):
        raise unusable("the URL's port is no number", f"write HOST:5432; {_ENCODED}")
    if colon and not 1 <= int(port[:6]) <= 65535:
        raise unusable("the URL's port is out of range", "write 1 to 65535")
    return (_decoded(host) or None), (int(port[:6]) if colon else None)


def _query(text: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=50)
    except ValueError:
        raise unusable("the URL's parameters cannot be read", "write ?NAME=VALUE&NAME=VALUE") from None
    query = dict(pairs)
    if len(query) != len(pairs):
        raise unusable("the URL has a parameter twice", "write it once")
    return query


def _decoded(text: str) -> str:
    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        raise unusable("the URL has a % that begins no code", _ENCODED)
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise unusable("the URL has a % code that is not UTF-8", _ENCODED) from None
