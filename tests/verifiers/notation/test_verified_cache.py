"""Chains that were validated before: remembered by all their bytes, so that a good one vouches for no other."""

import pytest

from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.core.report import Decision
from pyratify.pki.encoding import encode_base64
from pyratify.testing.certificates import authority, signer
from pyratify.testing.notation import Recipe, make_verifier
from pyratify.verifiers.notation.verified_cache import ChainCache
from support.notation_bench import LEAF, MIDDLE, ROOT, judge, reason

STRANGER = authority("stranger")
# The names of the chain's own authorities, with other keys.
SAME_ROOT = authority(which=1)
SAME_MIDDLE = authority("intermediate", issuer=ROOT, which=1)
BROKEN = {
    "leaf-alone": LEAF.chain[:1],
    "without-root": LEAF.chain[:2],
    "without-middle": (LEAF.der, ROOT.der),
    "other-root": (LEAF.der, MIDDLE.der, SAME_ROOT.der),
    "other-middle": (LEAF.der, SAME_MIDDLE.der, ROOT.der),
    "stranger": (LEAF.der, *STRANGER.chain),
    "more": (*LEAF.chain, STRANGER.der),
    "reversed": (LEAF.der, ROOT.der, MIDDLE.der),
    "leaf-twice": (LEAF.der, *LEAF.chain),
}


@pytest.mark.parametrize("documents", BROKEN.values(), ids=BROKEN)
def test_a_broken_chain_after_a_good_one_with_the_same_leaf_is_broken(documents: tuple[bytes, ...]) -> None:
    """Before and after; what failed is not remembered, and harms the good one no more than that one helps it."""
    cache = ChainCache()
    good = cache.validate(LEAF.chain)
    for _ in range(2):
        with pytest.raises(VerificationError) as caught:
            cache.validate(documents)
        assert caught.value.reason is Reason.CHAIN_INVALID
    assert cache.validate(LEAF.chain) is good
    assert good.certificates[0].der == LEAF.der


@pytest.mark.parametrize("documents", BROKEN.values(), ids=BROKEN)
async def test_a_signature_with_a_broken_chain_is_refused_by_a_verifier_that_knows_a_good_one(
    documents: tuple[bytes, ...],
) -> None:
    """Signed by the same key: only the certificates that come with it differ."""
    verifier = make_verifier(ROOT)
    assert (await judge(verifier=verifier)).decision is Decision.ALLOW
    chain = {"x5c": [encode_base64(der) for der in documents]}
    broken = Recipe(unprotected=lambda header: header | chain)
    assert await reason(broken, verifier=verifier) is Reason.CHAIN_INVALID


def test_the_number_of_remembered_chains_is_bounded() -> None:
    """What was not asked for for longest is forgotten first."""
    cache, chains = ChainCache(size=2), [signer(MIDDLE, which=number).chain for number in range(3)]
    first, second = map(cache.validate, chains[:2])
    assert cache.validate(chains[0]) is first
    cache.validate(chains[2])
    assert cache.validate(chains[0]) is first
    assert cache.validate(chains[1]) is not second
