"""Proofs out of a long ledger: any node of its tree, from roots of whole blocks that were kept and few lines.

The tree is that of `retention.ledger.tree`. A block is 256 lines from a multiple of 256 on; its root is
a node of every later tree, so it never changes. What is kept of a million lines is 4,000 hashes, and a
proof reads at most the lines of two blocks. Nothing kept is believed: whoever makes a proof verifies it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from retention.ledger.tree import EMPTY_ROOT, Edge, node_hash, root_of

BLOCK = 256
"""Lines of a block, a power of two."""


def block_root(before: Edge, last: bytes) -> bytes:
    """The root of the block that `last`, a leaf's hash, ends. `before`: the edge without it."""
    node = last
    for left in reversed(before.hashes[-(BLOCK.bit_length() - 1) :]):
        node = node_hash(left, node)
    return node


def _split(count: int) -> int:
    """The largest power of two below `count`, where RFC 6962 splits a tree."""
    return 1 << ((count - 1).bit_length() - 1)


class History:
    """The tree over the first `size` lines of a ledger.

    `leaves(start, stop)` gives leaf hashes of some lines; `blocks` the roots of whole blocks by number,
    as far as they are known: what is missing is hashed from the lines.
    """

    def __init__(
        self, size: int, leaves: Callable[[int, int], Sequence[bytes]], blocks: Mapping[int, bytes]
    ) -> None:
        self.size = size
        self._leaves = leaves
        self._blocks = blocks
        self._known: dict[tuple[int, int], bytes] = {}

    def root(self, start: int = 0, stop: int | None = None) -> bytes:
        """The root over lines `start` to `stop`, by default of all; where `start` begins a subtree of the whole."""
        stop = self.size if stop is None else stop
        count = stop - start
        if count == BLOCK and start % BLOCK == 0 and start // BLOCK in self._blocks:
            return self._blocks[start // BLOCK]
        if (start, stop) not in self._known:
            self._known[start, stop] = self._hashed(start, stop)
        return self._known[start, stop]

    def _hashed(self, start: int, stop: int) -> bytes:
        count = stop - start
        if count <= BLOCK:
            return root_of(self._leaves(start, stop)) if count else EMPTY_ROOT
        middle = start + _split(count)
        return node_hash(self.root(start, middle), self.root(middle, stop))

    def inclusion(self, index: int) -> list[bytes]:
        """PATH(index) of RFC 6962, 2.1.1. Raises IndexError beyond the lines."""
        if not 0 <= index < self.size:
            raise IndexError(index)
        proof: list[bytes] = []
        start, stop = 0, self.size
        while stop - start > 1:
            middle = start + _split(stop - start)
            if index < middle:
                proof.append(self.root(middle, stop))
                stop = middle
            else:
                proof.append(self.root(start, middle))
                start = middle
        return proof[::-1]

    def consistency(self, old_size: int) -> list[bytes]:
        """PROOF(old_size) of RFC 6962, 2.1.2; empty for none and for all. Raises IndexError beyond the lines."""
        if not 0 <= old_size <= self.size:
            raise IndexError(old_size)
        if old_size in (0, self.size):
            return []
        proof: list[bytes] = []
        start, stop = 0, self.size
        while stop != old_size:
            middle = start + _split(stop - start)
            if old_size <= middle:
                proof.append(self.root(middle, stop))
                stop = middle
            else:
                proof.append(self.root(start, middle))
                start = middle
        if start:
            proof.append(self.root(start, stop))
        return proof[::-1]

    def before(self, first: int) -> list[tuple[int, bytes]]:
        """(lines, root) of the subtrees that make up what comes before line `first`, in order."""
        found, start = [], 0
        for bit in reversed(range(first.bit_length())):
            if first >> bit & 1:
                found.append((1 << bit, self.root(start, start + (1 << bit))))
                start += 1 << bit
        return found

    def after(self, stop: int) -> list[tuple[int, bytes]]:
        """(lines, root) of the subtrees that make up the lines from `stop` to the end, in order."""
        found = []
        while stop < self.size:
            count = min(stop & -stop or _split(self.size + 1), _split(self.size - stop + 1))
            found.append((count, self.root(stop, stop + count)))
            stop += count
        return found
