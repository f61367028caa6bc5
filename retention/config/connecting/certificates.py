"""Files of certificates and keys, looked at before a driver is given them; read anew at every connection."""

from __future__ import annotations

import os
import ssl
import stat

from retention.config.reading.findings import Unusable, unusable
from retention.model.dataset import Tls

_GROUP_WRITES = stat.S_IWGRP | stat.S_IXGRP | stat.S_IRWXO
_ANYBODY = stat.S_IRWXG | stat.S_IRWXO


def check(tls: Tls) -> None:
    """Raises Unusable, at the key that names it, for a file that can't be what it is said to be."""
    if tls.asked:
        tried = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        _trust(tried, tls)
        _introduce(tried, tls)


def context(tls: Tls) -> ssl.SSLContext:
    """Verifies the chain and the host's name, as libpq's verify-full does. Raises Unusable as `check` does."""
    made = ssl.create_default_context() if tls.ca is None else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # From Python 3.13 on: refuses authorities that lack an extension, as those lack that MariaDB's own guide makes.
    made.verify_flags &= ~ssl.VERIFY_X509_STRICT
    _trust(made, tls)
    _introduce(made, tls)
    return made


def _trust(context: ssl.SSLContext, tls: Tls) -> None:
    if tls.ca is None:
        return
    try:
        context.load_verify_locations(cafile=tls.ca)
    except OSError as error:
        reason = "no certificates in it" if isinstance(error, ssl.SSLError) else error.strerror
        found = f"the authorities' file {tls.ca} cannot be read ({reason})"
        raise unusable(found, "write the path of a file of certificates: tls_ca = …", "tls_ca") from None


def _introduce(context: ssl.SSLContext, tls: Tls) -> None:
    """The client's own certificate, with the key that nobody else may read (libpq asks for that, too)."""
    if tls.cert is None or tls.key is None:
        return
    _readable(tls.cert, "tls_cert", "the certificate")
    _readable(tls.key, "tls_key", "the key")
    found = os.stat(tls.key)
    if found.st_mode & (_GROUP_WRITES if found.st_uid == 0 else _ANYBODY):
        open_to = f"the key {tls.key} is open to others (mode {stat.S_IMODE(found.st_mode):04o})"
        raise unusable(open_to, f"chmod 600 {tls.key}", "tls_key")

    def no_passphrase() -> str:
        how = "write the path of one without, which only the account that runs this can read"
        raise unusable(f"the key {tls.key} has a passphrase", how, "tls_key")

    try:
        context.load_cert_chain(tls.cert, tls.key, password=no_passphrase)
    except ssl.SSLError as error:
        raise _not_a_pair(tls, error) from None


def _readable(path: str, key: str, what: str) -> None:
    how = "write the path of a PEM file that the account that runs this can read"
    try:
        with open(path, "rb") as file:
            begun = file.read(1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its name is no path"
        raise unusable(f"{what} {path} cannot be read ({reason})", how, key) from None
    if not begun:
        raise unusable(f"{what} {path} is empty", how, key)


def _not_a_pair(tls: Tls, error: ssl.SSLError) -> Unusable:
    if error.reason == "KEY_VALUES_MISMATCH":
        how = "write the paths of a certificate and of its own key"
        return unusable(f"{tls.key} is not the key of the certificate {tls.cert}", how, "tls_key")
    found = f"{tls.cert} and {tls.key} are not a certificate and its key in PEM"
    return unusable(found, "write the paths of such files", "tls_cert")
