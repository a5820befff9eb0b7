"""Paths from a timestamp authority's certificate to a trusted root, through an unordered set of certificates."""

from collections import deque
from collections.abc import Iterable, Sequence

from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.pki.certificates import Certificate
from pyratify.pki.chain import MAX_CHAIN


def find_path(
    leaf: Certificate, bag: Iterable[Certificate], anchors: Sequence[Certificate]
) -> tuple[Certificate, ...]:
    """Return the shortest chain from the leaf to one of the anchors, which ends with the anchor.

    Every certificate of the bag is tried once, so the work is bounded by the square of their number.

    Raises:
        VerificationError: `CHAIN_UNTRUSTED`: no chain leads to an anchor.
    """
    if any(anchor.der == leaf.der for anchor in anchors):
        return (leaf,)
    # The bag of a token is unordered and not signed, so nothing in it is trusted.
    unused = {certificate.der: certificate for certificate in bag if certificate.der != leaf.der}
    paths: deque[tuple[Certificate, ...]] = deque([(leaf,)])
    # Breadth first: shortest paths come first, and a cross-certified authority does not lead astray.
    while paths:
        path = paths.popleft()
        anchor = next((anchor for anchor in anchors if path[-1].is_issued_by(anchor)), None)
        if anchor is not None:
            return (*path, anchor)
        # Each is used once, so loops among cross-certificates end.
        for issuer in [c for c in unused.values() if len(path) < MAX_CHAIN and path[-1].is_issued_by(c)]:
            paths.append((*path, issuer))
            del unused[issuer.der]
    raise VerificationError(
        Reason.CHAIN_UNTRUSTED,
        f"the timestamp authority {leaf.subject[:200]!a} leads to no certificate of the trust stores of type tsa",
    )
