"""Inclusion in a Merkle tree (RFC 6962, sections 2.1 and 2.1.1; RFC 9162, section 2.1.3.2)."""

import hashlib
import hmac
from collections.abc import Sequence

from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason

HASH_SIZE = 32
MAX_PROOF = 64  # a tree of fewer than 2**63 leaves is no higher


def leaf_hash(leaf: bytes) -> bytes:
    """Return the hash of a leaf, SHA-256 over 0x00 and its bytes."""
    # The two prefixes keep leaves and nodes apart: otherwise a node could be shown as a leaf.
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node, SHA-256 over 0x01 and both children."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def check_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Refuse a leaf that the tree does not hold at that place.

    Args:
        leaf: The leaf's bytes, not hashed.
        index: Its place, from zero.
        size: The number of leaves of the tree.
        proof: The hashes of the audit path, from the leaf up.
        root: The tree's root hash.

    Raises:
        VerificationError: `TLOG_PROOF_INVALID`.
    """
    if not hmac.compare_digest(root_of(leaf, index, size, proof), root):
        raise _invalid("the inclusion proof does not lead to the root hash of the tree")


def root_of(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """Return the root hash that an audit path leads to (RFC 9162, section 2.1.3.2).

    Raises:
        VerificationError: `TLOG_PROOF_INVALID`: the place is not in the tree, or the path has another length.
    """
    # First: outside of the tree, the steps below would still lead to some hash.
    if not 0 <= index < size < 2**63:
        raise _invalid("the entry's index lies outside of the tree")
    if len(proof) > MAX_PROOF or any(len(each) != HASH_SIZE for each in proof):
        raise _invalid("the inclusion proof has too many hashes, or one of another length")
    node, last, result = index, size - 1, leaf_hash(leaf)
    for sibling in proof:
        if last == 0:
            raise _invalid("the inclusion proof is longer than the tree is high")
        # The last node of a level may have no right sibling, and the path leaves such levels out.
        if node & 1 or node == last:
            result = node_hash(sibling, result)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            result = node_hash(result, sibling)
        node, last = node >> 1, last >> 1
    # Not yet at the root: a shorter path would be one of a smaller tree.
    if last != 0:
        raise _invalid("the inclusion proof is shorter than the tree is high")
    return result


def _invalid(message: str) -> VerificationError:
    return VerificationError(Reason.TLOG_PROOF_INVALID, message)
