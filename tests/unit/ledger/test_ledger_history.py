"""Proofs out of kept blocks are those of the whole tree; a part is joined to it, and nothing else is."""

from __future__ import annotations

import functools
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention.errors import LedgerError
from retention.ledger.history import BLOCK, History, block_root
from retention.ledger.parts import Part, verify_part
from retention.ledger.tree import (
    Builder,
    Edge,
    consistency_proof,
    inclusion_proof,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from tests.unit.ledger.test_ledger_verify import LINES, SIGNER, history, sign

LEAVES = [hashlib.sha256(b"%d" % number).digest() for number in range(1100)]


@functools.cache
def of(size, *, kept=True):
    """The tree over so many leaves, its blocks kept as the state store keeps them."""
    edge, blocks = Edge(), {}
    for leaf in LEAVES[:size]:
        if edge.size % BLOCK == BLOCK - 1 and kept:
            blocks[edge.size // BLOCK] = block_root(edge, leaf)
        edge = edge.append(leaf)
    return History(size, lambda start, stop: LEAVES[start:stop], blocks)


SIZES = [0, 1, 2, 3, 4, 5, 255, 256, 257, 511, 512, 513, 1023, 1024, 1025]


@pytest.mark.parametrize("size", SIZES)
def test_roots_and_blocks_are_those_of_the_leaves(size):
    assert of(size).root() == of(size, kept=False).root() == root_of(LEAVES[:size])
    assert all(
        root == root_of(LEAVES[at * BLOCK : (at + 1) * BLOCK]) for at, root in of(size)._blocks.items()
    )


@given(st.sampled_from(SIZES[1:]), st.data())
def test_proofs_are_those_of_the_whole_tree(size, data):
    tree, index = of(size), data.draw(st.integers(0, size - 1))
    path = tree.inclusion(index)
    assert path == inclusion_proof(LEAVES[:size], index)
    assert verify_inclusion(LEAVES[index], index, size, path, tree.root())
    proof = tree.consistency(index)
    assert proof == consistency_proof(LEAVES[:size], index)
    assert verify_consistency(index, root_of(LEAVES[:index]), size, tree.root(), proof)


@given(st.sampled_from(SIZES), st.data())
def test_what_comes_before_and_after_makes_up_the_tree(size, data):
    first = data.draw(st.integers(0, size))
    stop = data.draw(st.integers(first, size))
    built = Builder()
    for count, root in of(size).before(first):
        built.add(root, count)
    assert built.size == first
    for leaf in LEAVES[first:stop]:
        built.append(leaf)
    for count, root in of(size).after(stop):
        built.add(root, count)
    assert (built.size, built.edge().root()) == (size, root_of(LEAVES[:size]))


@pytest.mark.parametrize("size", [0, 1, 300])
def test_beyond_the_lines_there_is_no_proof(size):
    with pytest.raises(IndexError):
        of(size).inclusion(size)
    with pytest.raises(IndexError):
        of(size).consistency(size + 1)


def test_a_proof_reads_few_lines():
    read = []
    blocks = of(1024)._blocks

    def leaves(start, stop):
        read.append(stop - start)
        return LEAVES[start:stop]

    History(1024 + 17, leaves, blocks).inclusion(700)
    assert sum(read) < 2 * BLOCK


def part(first, stop, lines=LINES):
    from retention.ledger.tree import leaf_hash

    hashes = [leaf_hash(line) for line in lines]
    tree = History(len(lines), lambda start, end: hashes[start:end], {})
    return Part(first=first, before=tuple(tree.before(first)), after=tuple(tree.after(stop)))


def check(lines, joined, note=None):
    note = note or sign(LINES, len(LINES))
    return verify_part(lines, joined, verifier_key=SIGNER.verifier_key, checkpoint=note)


@given(st.data())
def test_a_part_verifies(data):
    first = data.draw(st.integers(0, len(LINES)))
    stop = data.draw(st.integers(first, len(LINES)))
    assert check(LINES[first:stop], part(first, stop)) == stop - first


def test_a_part_that_was_touched_does_not():
    joined = part(7, 19)
    for wrong, words in (
        ([*LINES[7:18]], "does not fit|not events"),
        ([*LINES[7:20]], "does not fit|not events"),
        ([*LINES[8:19]], "event 7: in its place stands event 8"),
        ([*LINES[7:12], LINES[13], LINES[12], *LINES[14:19]], "event 12: in its place"),
        (
            [*LINES[7:12], LINES[12].replace(b'"count":10', b'"count":11'), *LINES[13:19]],
            "event 13: its prev",
        ),
        ([*LINES[7:18], LINES[18].replace(b'"count":10', b'"count":11')], "not events of the ledger"),
        ([*LINES[7:18], LINES[18].replace(b'"count"', b' "count"')], "event 18: it is not in canonical"),
    ):
        with pytest.raises(LedgerError, match=words):
            check(wrong, joined)
    others = history(40)
    with pytest.raises(LedgerError, match="not events of the ledger"):
        check(others[7:19], part(7, 19, others[:35]))
    for count in (0, 3, 64):
        with pytest.raises(LedgerError, match="does not fit"):
            check(LINES[7:19], Part(first=7, before=((count, b"x" * 32),), after=()))
