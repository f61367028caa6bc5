"""Cosignatures of witnesses (C2SP tlog-cosignature) are checked when a checkpoint has any."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from retention.errors import LedgerError, SetupError
from retention.ledger.note import Note
from retention.ledger.verify import verify_lines
from retention.ledger.witness import Witness
from tests.unit.ledger.test_ledger_verify import LINES, NOTES, SIGNER

NAME = "witness.example/w1"
SECONDS = 1727964367
PRIVATE = Ed25519PrivateKey.from_private_bytes(b"\x05" * 32)


def verifier_key(name=NAME, kind=b"\x04"):
    data = kind + PRIVATE.public_key().public_bytes_raw()
    key_hash = hashlib.sha256(name.encode() + b"\n" + data).digest()[:4].hex()
    return f"{name}+{key_hash}+{base64.b64encode(data).decode()}"


def cosigned(note, seconds=SECONDS, message=None, cut=76):
    text = Note.parse(note).text
    value = PRIVATE.sign((message or f"cosignature/v1\ntime {seconds}\n{text}").encode())
    blob = Witness.parse(verifier_key()).key_hash + seconds.to_bytes(8, "big") + value
    return f"{note}— {NAME} {base64.b64encode(blob[:cut]).decode()}\n"


def verify(*notes):
    return verify_lines(
        LINES,
        verifier_key=SIGNER.verifier_key,
        checkpoints=notes,
        source="test",
        witnesses=[Witness.parse(verifier_key())],
    )


def test_a_known_key_has_its_known_hash():
    """The key of a witness that is at work (from the tests of transparency-dev/formats)."""
    key = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"
    assert Witness.parse(key).key_hash.hex() == "da77ade7"
    for other in (
        "TEST+7997405c+AQcC+FTVKf0jlTdHDY3rbevmnKxxPjigCXlVtGe6RIr6",  # a log's, 0x01
        key.replace("da77", "da78"), "bananas.sigstore.dev+12344556", "a b+da77ade7+BOvN", "", "x+y+NO BASE64!",
    ):  # fmt: skip
        with pytest.raises(SetupError):
            Witness.parse(other)


def test_the_example_of_the_specification_is_read():
    """C2SP tlog-cosignature; its keys are not published, so its form alone can be held against ours."""
    note = Note.parse(
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
        "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE"
        "+xeMcTOAYQ8=\n"
        "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0"
        "xUe+mbIUBkBIfZ+qnA==\n"
    )
    log, witness = note.signatures
    assert (log.name, len(log.value)) == ("example.com/behind-the-sofa", 64)
    assert (witness.name, witness.key_hash.hex(), len(witness.value)) == (
        "witness.example.com/w1",
        "8d66cf3f",
        72,
    )
    at = datetime.fromtimestamp(int.from_bytes(witness.value[:8], "big"), UTC)
    assert at == datetime(2023, 3, 20, 12, 25, 47, tzinfo=UTC)


def test_what_a_witness_has_seen_is_told():
    assert verify(*NOTES).witnessed == 0
    assert verify(NOTES[0], cosigned(NOTES[1])).witnessed == 28
    assert verify(cosigned(NOTES[0]), NOTES[1]).witnessed == 10
    note = Note.parse(cosigned(cosigned(NOTES[0]), SECONDS + 5))
    at = Witness.parse(verifier_key()).check(note)
    assert at == datetime.fromtimestamp(SECONDS + 5, UTC)


@pytest.mark.parametrize(
    "changed",
    [
        {"message": Note.parse(NOTES[1]).text},
        {"message": f"cosignature/v1\ntime {SECONDS + 1}\n{Note.parse(NOTES[1]).text}"},
        {"message": f"cosignature/v1\ntime {SECONDS}\n{Note.parse(NOTES[0]).text}"},
        {"cut": 75},
        {"cut": 12},
        {"seconds": 2**63},
    ],
)
def test_a_wrong_cosignature_is_no_cosignature_at_all_but_an_error(changed):
    with pytest.raises(
        LedgerError, match=f"checkpoint of 28 events: its cosignature by the witness {NAME} is wrong"
    ):
        verify(NOTES[0], cosigned(NOTES[1], **changed))


def test_other_witnesses_are_passed_over():
    other = cosigned(NOTES[1], message="x").replace(NAME, "witness.example/other")
    assert verify(NOTES[0], other).witnessed == 0
