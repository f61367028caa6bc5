"""Key files belong to their owner and are never overwritten."""

from __future__ import annotations

import os
import stat

import pytest

from retention.errors import SetupError
from retention.ledger.keys import encode_evidence_key, encode_signing_key
from retention.store.keyfiles import create_key_file, load_evidence_key, load_signer


def test_keys_are_written_for_their_owner_only_and_come_back(tmp_path):
    before = os.umask(0)
    try:
        path = tmp_path / "keys" / "ledger.key"
        create_key_file(path, encode_signing_key(b"\x01" * 32))
        create_key_file(path.with_name("evidence.key"), encode_evidence_key(b"\x02" * 32))
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert load_signer(path, "acme.example").verifier_key.startswith("acme.example+")
    assert load_evidence_key(path.with_name("evidence.key")) == b"\x02" * 32


def test_a_key_is_never_overwritten(tmp_path):
    path = tmp_path / "ledger.key"
    create_key_file(path, encode_signing_key(b"\x01" * 32))
    with pytest.raises(SetupError, match="never overwritten"):
        create_key_file(path, encode_signing_key(b"\x02" * 32))
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SetupError, match="never overwritten"):
        create_key_file(tmp_path / "link", "x")
    assert not (tmp_path / "elsewhere").exists()


def test_keys_that_others_can_read_are_refused_with_what_to_type(tmp_path):
    path = tmp_path / "ledger.key"
    create_key_file(path, encode_signing_key(b"\x01" * 32))
    for mode in (0o640, 0o604, 0o660):
        path.chmod(mode)
        with pytest.raises(SetupError, match=f"type: chmod 600 {path}"):
            load_signer(path, "acme.example")
    path.chmod(0o400)
    load_signer(path, "acme.example")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can lend a file")
def test_a_key_that_root_lends_to_a_group_is_taken_as_a_mounted_secret_is(tmp_path, monkeypatch):
    """The example for Kubernetes had mounted keys that were refused."""
    path = tmp_path / "ledger.key"
    create_key_file(path, encode_signing_key(b"\x01" * 32))
    monkeypatch.setattr(os, "geteuid", lambda: 10001)
    for mode in (0o440, 0o640):
        path.chmod(mode)
        load_signer(path, "acme.example")
    for mode in (0o660, 0o444, 0o460):
        path.chmod(mode)
        with pytest.raises(SetupError, match="others can read"):
            load_signer(path, "acme.example")
    os.chown(path, 10001, 0)
    path.chmod(0o440)
    with pytest.raises(SetupError, match="others can read"):
        load_signer(path, "acme.example")


def test_missing_wrong_and_huge_key_files_are_refused_by_name(tmp_path):
    path = tmp_path / "ledger.key"
    with pytest.raises(SetupError, match=f"{path}: the key of this state store is not there; put your copy"):
        load_signer(path, "acme.example")
    create_key_file(path, encode_evidence_key(b"\x01" * 32))
    with pytest.raises(SetupError, match=f"{path}: this is an evidence key"):
        load_signer(path, "acme.example")
    path.write_bytes(b"\xff" * 10)
    with pytest.raises(SetupError, match="no key file"):
        load_evidence_key(path)
    path.write_text("x" * 100_000)
    with pytest.raises(SetupError, match="no key file"):
        load_evidence_key(path)
    with pytest.raises(SetupError, match="cannot be read"):
        load_evidence_key(tmp_path)
