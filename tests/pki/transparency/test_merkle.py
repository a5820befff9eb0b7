"""Inclusion proofs, against a tree that is built in the most obvious way."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.pki.transparency.merkle import check_inclusion, leaf_hash, node_hash, root_of


def tree_root(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word for word."""
    if len(leaves) == 1:
        return leaf_hash(leaves[0])
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return node_hash(tree_root(leaves[:split]), tree_root(leaves[split:]))


def audit_path(index: int, leaves: list[bytes]) -> list[bytes]:
    """RFC 6962, section 2.1.1, word for word."""
    if len(leaves) == 1:
        return []
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    if index < split:
        return [*audit_path(index, leaves[:split]), tree_root(leaves[split:])]
    return [*audit_path(index - split, leaves[split:]), tree_root(leaves[:split])]


@given(st.integers(1, 70), st.data())
@settings(deadline=None)
def test_every_leaf_of_every_tree_is_found(size: int, data: st.DataObject) -> None:
    """The law of audit paths."""
    leaves = [bytes([each]) for each in range(size)]
    index = data.draw(st.integers(0, size - 1))
    assert root_of(leaves[index], index, size, audit_path(index, leaves)) == tree_root(leaves)


@given(st.integers(2, 40), st.data())
@settings(deadline=None)
def test_a_proof_holds_for_one_leaf_at_one_place_only(size: int, data: st.DataObject) -> None:
    """Another leaf, another index, a flipped bit, a hash more or less: none leads to the root."""
    leaves = [bytes([each]) for each in range(size)]
    index = data.draw(st.integers(0, size - 1))
    proof, root = audit_path(index, leaves), tree_root(leaves)
    other = data.draw(st.integers(-1, size).filter(lambda each: each != index))
    flipped = [bytes([proof[0][0] ^ 1]) + proof[0][1:], *proof[1:]]
    for leaf, place, path in (
        (b"x", index, proof),
        (leaves[index], other, proof),
        (leaves[index], index, flipped),
        (leaves[index], index, proof[:-1]),
        (leaves[index], index, [*proof, proof[0]]),
        (leaves[index], index, [proof[0][:-1], *proof[1:]]),
    ):
        with pytest.raises(VerificationError) as caught:
            check_inclusion(leaf, place, size, path, root)
        assert caught.value.reason is Reason.TLOG_PROOF_INVALID


def test_an_inner_node_is_no_leaf() -> None:
    """The two kinds are hashed with different first bytes (RFC 6962, section 2.1)."""
    left, right = leaf_hash(b"a"), leaf_hash(b"b")
    with pytest.raises(VerificationError):
        check_inclusion(left + right, 0, 1, [], node_hash(left, right))
    assert leaf_hash(b"") == hashlib.sha256(b"\x00").digest()


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 4), (0, 2**63)])
def test_a_place_outside_of_the_tree_is_refused(index: int, size: int) -> None:
    """An index at or over the size, or a size that no log has."""
    with pytest.raises(VerificationError):
        root_of(b"a", index, size, [])
