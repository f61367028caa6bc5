"""The Merkle tree is RFC 6962's."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention.ledger.tree import (
    EMPTY_ROOT,
    Builder,
    Edge,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)

# The vectors of the certificate-transparency project (merkletree tests).
LEAVES = [
    bytes.fromhex(text)
    for text in [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ]
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
SIZES = sorted({0, 1, 2, 3, 5, 6} | {2**k + d for k in range(2, 8) for d in (-1, 0, 1)})


def hashes(count):
    return [leaf_hash(number.to_bytes(4, "big")) for number in range(count)]


def by_the_book(leaves):
    """MTH of RFC 6962, 2.1, as it is written there."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + by_the_book(leaves[:split]) + by_the_book(leaves[split:])).digest()


@pytest.mark.parametrize("size", range(1, 9))
def test_the_public_vectors_hold(size):
    leaves = [leaf_hash(leaf) for leaf in LEAVES[:size]]
    assert root_of(leaves).hex() == ROOTS[size - 1]
    edge = Edge()
    for leaf in leaves:
        edge = edge.append(leaf)
    assert edge.root().hex() == ROOTS[size - 1]


def test_the_public_vectors_of_proofs_hold():
    leaves = [leaf_hash(leaf) for leaf in LEAVES]
    assert [step.hex() for step in inclusion_proof(leaves, 0)] == [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ]
    assert [step.hex() for step in consistency_proof(leaves, 6)] == [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]


def test_nothing_has_the_hash_of_nothing():
    assert root_of([]) == Edge().root() == EMPTY_ROOT == hashlib.sha256(b"").digest()


def test_long_and_short_leaves_are_hashed_alike():
    for length in (0, 1, 158, 159, 160, 161, 5000):
        data = b"x" * length
        assert leaf_hash(data) == hashlib.sha256(b"\x00" + data).digest()


@pytest.mark.parametrize("size", SIZES)
def test_root_and_edge_agree_with_the_definition(size):
    leaves = hashes(size)
    edge = Edge()
    builder = Builder()
    for leaf in leaves:
        edge = edge.append(leaf)
        builder.append(leaf)
    assert builder.edge() == edge
    assert root_of(leaves) == edge.root() == by_the_book(leaves)
    assert sum(below for below, _ in edge.nodes) == edge.size == size
    assert len(edge.hashes) == size.bit_count()
    assert Edge.decode(edge.encode()) == edge


@pytest.mark.parametrize("damage", [b"", b"\x00" * 7, b"\x00" * 40, (3).to_bytes(8, "big") + b"x" * 32])
def test_what_is_no_edge_is_refused(damage):
    with pytest.raises(ValueError, match="edge"):
        Edge.decode(damage)


@given(st.integers(1, 70), st.data())
def test_inclusion_is_proved_for_the_leaf_and_for_no_other(size, data):
    leaves = hashes(size)
    root = root_of(leaves)
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(leaves, index)
    assert verify_inclusion(leaves[index], index, size, proof, root)
    assert not verify_inclusion(leaf_hash(b"other"), index, size, proof, root)
    assert not verify_inclusion(leaves[index], index + 1, size, proof, root)
    assert not verify_inclusion(leaves[index], index, size, [*proof, root], root)
    if proof:
        assert not verify_inclusion(leaves[index], index, size, proof[:-1], root)
    with pytest.raises(IndexError):
        inclusion_proof(leaves, size)


@given(st.integers(0, 70), st.data())
def test_consistency_is_proved_for_a_beginning_and_for_no_other(size, data):
    leaves = hashes(size)
    old = data.draw(st.integers(0, size))
    proof = consistency_proof(leaves, old)
    old_root, root = root_of(leaves[:old]), root_of(leaves)
    assert verify_consistency(old, old_root, size, root, proof)
    wrong = leaf_hash(b"wrong")
    assert not verify_consistency(old, wrong, size, root, proof)
    assert not verify_consistency(old, old_root, size, root, [*proof, wrong])
    if old > 0:
        assert not verify_consistency(old, old_root, size, wrong, proof)
    assert not verify_consistency(size + 1, old_root, size, root, proof)
