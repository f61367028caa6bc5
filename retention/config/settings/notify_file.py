"""`[notify.NAME]` of `retention.toml`: whom to tell what, and by which way."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar, TypedDict
from urllib.parse import urlsplit

from pydantic import Field, PlainValidator

from retention.config.connecting import beside, urls
from retention.config.connecting.logins import is_here
from retention.config.connector.dataset_values import path
from retention.config.reading.findings import Finding, Unusable, choice, dotted, each, nearest, said, unusable
from retention.config.reading.tables import Table, children, read
from retention.config.reading.values import string
from retention.model.dataset import Secret
from retention.model.notice import FAILURES, Channel, Kind, Mail, Program, Webhook

MOST_CHANNELS = 50
MOST_FAILURES = 1_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_MAILBOX = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?"
)
_SERVER = re.compile(r"(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?))(?::(\d{1,5}))?")
_KINDS = tuple(kind.value for kind in Kind)
_WAYS: Mapping[str, tuple[str, ...]] = {
    "webhook": ("secret", "tls", "tls_ca"),
    "email": ("from", "smtp", "user", "password", "tls", "tls_ca"),
    "command": (),
}
"""The key that says how → the keys that belong to it."""
_NEEDED: Mapping[str, Mapping[str, str]] = {
    "webhook": {"secret": 'secret = "env:NAME", which signs what is sent'},
    "email": {"from": 'from = "retention@example.com"', "smtp": 'smtp = "mail.example.com:587"'},
    "command": {},
}
_EXAMPLE = 'webhook = "https://…", email = ["…"] or command = ["…"]'


def a_webhook(value: object) -> Secret:
    """A reference to an address, or the address itself. Raises Unusable."""
    if isinstance(value, str) and value.startswith(("env:", "file:")):
        return urls.parse_secret(value, "an address")
    text = string(value, '"https://example.com/hook", or "env:NAME" that holds one')
    an_address(text, plain=True)
    return Secret(literal=text)


def an_address(text: str, *, plain: bool) -> str:
    """The host of a web address. `plain`: TLS may be missing. Raises Unusable, which shows none of it."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    how = 'write https://HOST/PATH, or "env:NAME" that holds it'
    if not host or parts.scheme not in ("http", "https") or port == 0 or re.search(r"[^\x21-\x7e]", text):
        raise unusable("is no address of the web", how)
    if parts.username is not None or parts.password is not None:
        raise unusable("has a user or a password in it", "take it out: what is sent is signed")
    if parts.scheme == "http" and not plain and not is_here(host):
        raise unusable("begins with http://, and what is sent could be read on its way", _OFF)
    return host


_OFF = 'write https://, or tls = "off" beside it'


def mailboxes(value: object) -> tuple[str, ...]:
    """One address or a list of them. Raises Unusable."""
    given = value if isinstance(value, list) else [value]
    if not given:
        raise unusable("is an empty list", 'write whom to tell: ["ops@example.com"]')
    found = tuple(each(enumerate(given), mailbox)) if isinstance(value, list) else (mailbox(value),)
    if len(set(found)) < len(found):
        raise unusable("names one twice", "name each once")
    return found


def mailbox(value: object) -> str:
    """A bare e-mail address. Raises Unusable."""
    if not isinstance(value, str) or not _MAILBOX.fullmatch(value):
        raise unusable(f"{said(value)} is no e-mail address", 'write it bare, such as "ops@example.com"')
    return value


def a_server(value: object) -> tuple[str, int]:
    """`HOST` or `HOST:PORT`; 587 where no port is named. Raises Unusable."""
    how = 'write a host, and a port where it is not 587: "mail.example.com:465"'
    found = _SERVER.fullmatch(value) if isinstance(value, str) else None
    if found is None or not 1 <= int(found[3] or 587) <= 65_535:
        raise unusable(f"is {said(value)}, which is no mail server", how)
    return found[1] or found[2], int(found[3] or 587)


def some_words(value: object) -> tuple[str, ...]:
    """A program and its arguments. Raises Unusable."""
    how = 'write a list, the program first: ["/usr/local/bin/page", "--urgent"]; there is no shell'
    if not isinstance(value, list) or not value:
        raise unusable(f"is {said(value)}", how)
    for word in value:
        if not isinstance(word, str) or "\0" in word:
            raise unusable(f"holds {said(word)}, which is no word", how)
    if not value[0].strip():
        raise unusable("begins with an empty word", how)
    return tuple(value)


def some_kinds(value: object) -> frozenset[Kind]:
    """What a channel is to be told about. Raises Unusable."""
    given = value if isinstance(value, list) else [value]
    if not given:
        raise unusable(
            "is an empty list", "take it out, for everything, or write one of " + ", ".join(_KINDS)
        )
    for kind in given:
        if not isinstance(kind, str) or kind not in _KINDS:
            raise unusable(f"{said(kind)} is nothing to be told about", choice(str(kind)[:200], _KINDS))
    return frozenset(map(Kind, given))


def some_failures(value: object) -> int:
    """How many in a row. Raises Unusable."""
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_FAILURES:
        raise unusable(f"is {said(value)}", f"write a whole number from 1 to {MOST_FAILURES}")
    return value


class _Common(TypedDict):
    """What every kind of channel has."""

    name: str
    folder: str
    about: frozenset[Kind]
    failures: int


class ChannelTable(Table):
    """`[notify.NAME]`"""

    webhook: Annotated[Secret | None, PlainValidator(a_webhook)] = None
    secret: Annotated[Secret | None, PlainValidator(lambda value: urls.parse_secret(value, "a secret"))] = (
        None
    )
    email: Annotated[tuple[str, ...] | None, PlainValidator(mailboxes)] = None
    from_: Annotated[str | None, PlainValidator(mailbox), Field(alias="from")] = None
    smtp: Annotated[tuple[str, int] | None, PlainValidator(a_server)] = None
    user: Annotated[str | None, PlainValidator(lambda value: string(value, '"retention"'))] = None
    password: Annotated[Secret | None, PlainValidator(beside.password)] = None
    tls: Annotated[str | None, PlainValidator(beside.tls)] = None
    tls_ca: Annotated[str | None, PlainValidator(path)] = None
    command: Annotated[tuple[str, ...] | None, PlainValidator(some_words)] = None
    about: Annotated[frozenset[Kind] | None, PlainValidator(some_kinds)] = None
    failures: Annotated[int | None, PlainValidator(some_failures)] = None

    elsewhere: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("url", "address"), "`webhook`"),
        **dict.fromkeys(("to", "mail"), "`email`"),
        **dict.fromkeys(("host", "server", "port"), "`smtp`, as HOST:PORT"),
        **dict.fromkeys(("events", "kinds", "on"), "`about`"),
    }


def read_channels(raw: object, folder: Path, findings: list[Finding]) -> tuple[Channel, ...]:
    """`[notify]`, as far as it is right; mistakes go to `findings`."""
    found: list[Channel] = []
    for name, table in children(raw, ("notify",), findings):
        at = ("notify", name)
        if not isinstance(table, dict):
            findings.append(_without_a_name(name, table))
        elif not _NAME.fullmatch(name):
            how = "write letters, digits, - and _ only, at most 40"
            findings.append(Finding(at=at, found="is no name of a channel", write=how))
        else:
            before = len(findings)
            channel = _channel(name, read(ChannelTable, table, at, findings), set(table), folder, findings)
            if len(findings) == before and channel is not None:
                found.append(channel)
    if len(found) > MOST_CHANNELS:
        told = f"has {len(found)} channels"
        findings.append(Finding(at=("notify",), found=told, write=f"write at most {MOST_CHANNELS}"))
    return tuple(found)


def _without_a_name(key: str, value: object) -> Finding:
    known = nearest(key, ChannelTable.keys())
    if known is not None:
        return Finding(
            at=("notify", key), found="stands in no channel", write="give the channel a name: [notify.NAME]"
        )
    return Finding(
        at=("notify", key), found=f"is {said(value)}", write=f"write a channel: [{dotted(('notify', key))}]"
    )


def _channel(
    name: str, table: ChannelTable, written: set[str], folder: Path, findings: list[Finding]
) -> Channel | None:
    at = ("notify", name)
    ways = [way for way in _WAYS if way in written]
    if len(ways) != 1:
        told = f"has {' and '.join(f'`{way}`' for way in ways)}" if ways else "says by no way how to tell"
        findings.append(Finding(at=at, found=told, write=f"write one of {_EXAMPLE}"))
        return None
    (way,) = ways
    strange = [key for keys in _WAYS.values() for key in keys if key in written and key not in _WAYS[way]]
    findings += [
        Finding(at=(*at, key), found=f"means nothing beside `{way}`", write="take it out")
        for key in dict.fromkeys(strange)
    ]
    for key, line in _NEEDED[way].items():
        if key not in written:
            findings.append(Finding(at=(*at, key), found="is missing", write=f"write {line}"))
    if table.tls is not None and table.tls_ca is not None:
        findings.append(
            Finding(at=(*at, "tls_ca"), found='contradicts tls = "off"', write="take one of the two out")
        )
    about = frozenset(Kind) if table.about is None else table.about
    if table.failures is not None and Kind.FAILING not in about:
        found = "means nothing where `about` has no failing"
        findings.append(Finding(at=(*at, "failures"), found=found, write="take it out"))
    failures = FAILURES if table.failures is None else table.failures
    common: _Common = {"name": name, "folder": str(folder), "about": about, "failures": failures}
    if way == "command":
        return Program(**common, words=table.command or ())
    ca = None if table.tls_ca is None else str(folder / table.tls_ca)
    return (_webhook if way == "webhook" else _mail)(table, common, ca, findings)


def _webhook(table: ChannelTable, common: _Common, ca: str | None, findings: list[Finding]) -> Webhook | None:
    if table.webhook is None or table.secret is None:
        return None
    plain = table.tls == "off"
    if table.webhook.literal is not None:
        try:
            an_address(table.webhook.literal, plain=plain)
        except Unusable as error:
            at = ("notify", common["name"], "webhook")
            findings += [Finding(at=at, found=f.found, write=f.write) for f in error.findings]
    return Webhook(**common, url=table.webhook, secret=table.secret, plain=plain, ca=ca)


def _mail(table: ChannelTable, common: _Common, ca: str | None, findings: list[Finding]) -> Mail | None:
    at = ("notify", common["name"])
    for key, other, line in (("user", "password", '"env:NAME"'), ("password", "user", '"NAME"')):
        if getattr(table, key) is not None and getattr(table, other) is None:
            found = f"has no {other} beside it"
            findings.append(Finding(at=(*at, key), found=found, write=f"add {other} = {line}"))
    if table.smtp is None or table.from_ is None or table.email is None:
        return None
    host, port = table.smtp
    here = is_here(host) and ca is None
    tls = "off" if table.tls == "off" or here else "tls" if port == 465 else "starttls"
    if tls == "off" and not here and table.password is not None:
        found = 'would go over the network in the clear with tls = "off"'
        findings.append(Finding(at=(*at, "password"), found=found, write="take one of the two out"))
    return Mail(
        **common,
        to=table.email,
        sender=table.from_,
        host=host,
        port=port,
        tls=tls,
        user=table.user,
        password=table.password,
        ca=ca,
    )
