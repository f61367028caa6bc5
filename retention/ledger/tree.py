"""The Merkle tree of RFC 6962 (section 2.1): a leaf is hashed behind 0x00, a node behind 0x01, with SHA-256.

Everywhere here a leaf is given by its hash, 32 bytes, as `leaf_hash` makes it.
Proofs are lists of 32-byte hashes in the order of RFC 6962; their verification
follows RFC 9162, sections 2.1.3.2 and 2.1.4.2.
"""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

HASH_SIZE = 32
_SHORT = 160  # bytes up to which `short_sha256` is the faster one
EMPTY_ROOT = hashlib.sha256(b"").digest()


class Hash(Protocol):
    """What of a hashlib object is used here."""

    def update(self, data: bytes, /) -> None:
        """Takes more bytes in."""

    def digest(self) -> bytes:
        """The hash of all bytes so far."""

    def copy(self) -> Hash:
        """Another one in the same state."""


def _for_short_messages() -> Callable[[bytes], Hash]:
    """SHA-256 that starts fast: OpenSSL's takes 1 µs to begin, the one inside Python half of it."""
    for module in ("_sha256", "_sha2"):
        try:
            return cast("Callable[[bytes], Hash]", importlib.import_module(module).sha256)
        except (ImportError, AttributeError):
            continue
    return hashlib.sha256


short_sha256 = _for_short_messages()


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(0x00 || data)."""
    sha = short_sha256 if len(data) < _SHORT else hashlib.sha256
    return sha(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right)."""
    return short_sha256(b"\x01" + left + right).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over leaf hashes; of none, the hash of nothing.

    Level by level: pairing from the left and carrying an odd last one up is the
    same tree as RFC 6962's split at the largest power of two.
    """
    if not leaves:
        return EMPTY_ROOT
    sha, level = short_sha256, list(leaves)
    while len(level) > 1:
        odd = level[-1:] if len(level) % 2 else []
        pairs = zip(level[::2], level[1::2], strict=False)
        level = [sha(b"\x01" + left + right).digest() for left, right in pairs]
        level += odd
    return level[0]


@dataclass(frozen=True, kw_only=True)
class Edge:
    """The right edge of a tree (a compact range): all that appending needs, O(log n) hashes.

    `hashes`: the roots of the perfect subtrees, largest first, one for each bit set in `size`.
    """

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    @property
    def nodes(self) -> list[tuple[int, bytes]]:
        """(leaves below, hash) of each perfect subtree, largest first."""
        bits = [1 << bit for bit in range(self.size.bit_length()) if self.size >> bit & 1]
        return list(zip(reversed(bits), self.hashes, strict=True))

    def append(self, leaf: bytes) -> Edge:
        """The edge with one more leaf, given by its hash."""
        hashes, node, keep, size = self.hashes, leaf, len(self.hashes), self.size
        while size & 1:
            keep -= 1
            node = short_sha256(b"\x01" + hashes[keep] + node).digest()
            size >>= 1
        return Edge(size=self.size + 1, hashes=(*hashes[:keep], node))

    def root(self) -> bytes:
        """The root of the tree so far, 32 bytes."""
        if not self.hashes:
            return EMPTY_ROOT
        root = self.hashes[-1]
        for left in self.hashes[-2::-1]:
            root = node_hash(left, root)
        return root

    def encode(self) -> bytes:
        """8 bytes of size, big-endian, then the hashes."""
        return self.size.to_bytes(8, "big") + b"".join(self.hashes)

    @classmethod
    def decode(cls, data: bytes) -> Edge:
        """The reverse of `encode`; raises ValueError where size and hashes do not fit."""
        size = int.from_bytes(data[:8], "big")
        if len(data) != 8 + HASH_SIZE * size.bit_count():
            raise ValueError("no edge of a tree")
        hashes = tuple(data[at : at + HASH_SIZE] for at in range(8, len(data), HASH_SIZE))
        return cls(size=size, hashes=hashes)


class Builder:
    """A tree that grows leaf by leaf: what `Edge.append` does, in place and faster."""

    def __init__(self) -> None:
        self.size = 0
        self._hashes: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        """Add one leaf, given by its hash."""
        hashes, size, node = self._hashes, self.size, leaf
        while size & 1:
            node = short_sha256(b"\x01" + hashes.pop() + node).digest()
            size >>= 1
        hashes.append(node)
        self.size += 1

    def add(self, root: bytes, count: int) -> None:
        """Add a perfect subtree of `count` leaves, given by its root. Raises ValueError where none can stand."""
        if count < 1 or count & (count - 1) or self.size % count:
            raise ValueError("no subtree of this size can stand here")
        hashes, node, bit = self._hashes, root, count
        while self.size & bit:
            node = node_hash(hashes.pop(), node)
            bit <<= 1
        hashes.append(node)
        self.size += count

    def edge(self) -> Edge:
        """The right edge of the tree so far."""
        return Edge(size=self.size, hashes=tuple(self._hashes))


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """PATH(index, leaves) of RFC 6962, 2.1.1. Raises IndexError beyond the leaves."""
    if not 0 <= index < len(leaves):
        raise IndexError(index)
    proof: list[bytes] = []
    level = list(leaves)
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            proof.append(level[sibling])
        level = [root_of(level[at : at + 2]) for at in range(0, len(level), 2)]
        index //= 2
    return proof


def consistency_proof(leaves: Sequence[bytes], old_size: int) -> list[bytes]:
    """PROOF(old_size, leaves) of RFC 6962, 2.1.2; empty for sizes 0 and all. Raises IndexError beyond."""
    if not 0 <= old_size <= len(leaves):
        raise IndexError(old_size)
    if old_size in (0, len(leaves)):
        return []
    return _subproof(leaves, old_size, whole=True)


def _subproof(leaves: Sequence[bytes], old_size: int, *, whole: bool) -> list[bytes]:
    if old_size == len(leaves):
        return [] if whole else [root_of(leaves)]
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    if old_size <= split:
        return [*_subproof(leaves[:split], old_size, whole=whole), root_of(leaves[split:])]
    return [*_subproof(leaves[split:], old_size - split, whole=False), root_of(leaves[:split])]


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether the leaf with this hash is number `index` (from 0) of the `size` leaves below `root`."""
    if not 0 <= index < size:
        return False
    node, last = leaf, size - 1
    for step in proof:
        if last == 0:
            return False
        if index & 1 or index == last:
            node = node_hash(step, node)
            while not index & 1 and index:
                index >>= 1
                last >>= 1
        else:
            node = node_hash(node, step)
        index >>= 1
        last >>= 1
    return last == 0 and node == root


def verify_consistency(
    old_size: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether the tree of `size` leaves begins with the very leaves of the older one."""
    if not 0 <= old_size <= size:
        return False
    if old_size == size:
        return not proof and old_root == root
    if old_size == 0:
        return not proof and old_root == EMPTY_ROOT
    steps = list(proof)
    if old_size & (old_size - 1) == 0:
        steps.insert(0, old_root)
    if not steps:
        return False
    index, last = old_size - 1, size - 1
    while index & 1:
        index >>= 1
        last >>= 1
    old_node = node = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if index & 1 or index == last:
            old_node, node = node_hash(step, old_node), node_hash(step, node)
            while not index & 1 and index:
                index >>= 1
                last >>= 1
        else:
            node = node_hash(node, step)
        index >>= 1
        last >>= 1
    return last == 0 and old_node == old_root and node == root
