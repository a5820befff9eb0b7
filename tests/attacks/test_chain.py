"""Attacks on certificate chains and trust stores."""

import pytest
from cryptography import x509

from pyratify.core.errors import ConfigurationError
from pyratify.core.reason import Reason
from pyratify.testing.certificates import Issued, authority, signer
from pyratify.testing.fakes import FakeClock
from pyratify.testing.notation import (
    Recipe,
    make_verifier,
)
from pyratify.verifiers.notation.envelope import (
    SIGNING_AUTHORITY,
    X509,
)
from pyratify.verifiers.notation.notation_verifier import NotationVerifier
from pyratify.verifiers.notation.policy_document import short_trust_policy
from pyratify.verifiers.notation.trust_policy import StoreName
from support.notation_bench import FORMATS, LEAF, MIDDLE, ROOT, details, found, judge, reason

OTHER_LEAF = signer(MIDDLE, which=1, subject="CN=other,O=Example,ST=WA,C=US")
CHAINS = {
    "reversed": LEAF.chain[::-1],
    "leaf twice": (LEAF.der, *LEAF.chain),
    "root twice": (*LEAF.chain, ROOT.der),
    "unrelated in the middle": (LEAF.der, authority("unrelated").der, *LEAF.above),
    "unrelated at the end": (*LEAF.chain, authority("unrelated").der),
    "leaf missing": LEAF.above,
    "intermediate missing": (LEAF.der, ROOT.der),
    "root missing": LEAF.chain[:-1],
    "root alone": (ROOT.der,),
    "two leaves": (OTHER_LEAF.der, *LEAF.chain),
    "a thousand": (LEAF.der, *([MIDDLE.der] * 998), ROOT.der),
}


@pytest.mark.parametrize("media_type", FORMATS)
@pytest.mark.parametrize("name", CHAINS)
async def test_atk_140_the_chain_is_complete_in_order_and_has_nothing_else(
    name: str, media_type: str
) -> None:
    """Nothing is sorted, searched for or left out."""
    leaf = Issued(CHAINS[name][0], LEAF.key, CHAINS[name][1:])
    assert await reason(Recipe(), media_type, leaf=leaf, verifier=make_verifier(ROOT)) is Reason.CHAIN_INVALID


async def test_atk_140_the_signing_key_is_the_first_certificate_s() -> None:
    """A good chain of another signer does not lend its name to this signature."""
    leaf = Issued(OTHER_LEAF.der, LEAF.key, OTHER_LEAF.above)
    assert await reason(leaf=leaf) is Reason.SIG_INVALID


def _same_identifier() -> tuple[Issued, Issued]:
    """Return two roots with the same name and the same key identifier, and different keys."""
    identifier = (x509.SubjectKeyIdentifier(b"\x01" * 20), False)
    return tuple(authority("twin", which=which, extensions=[identifier]) for which in (0, 1))  # type: ignore[return-value]


@pytest.mark.parametrize("media_type", FORMATS)
async def test_atk_141_a_root_that_only_looks_like_the_trusted_one_is_not_trusted(media_type: str) -> None:
    """Equal in name and key identifier, and another certificate."""
    trusted, attacker = _same_identifier()
    details(await judge(media_type=media_type, leaf=signer(trusted), verifier=make_verifier(trusted)))
    code = await reason(media_type=media_type, leaf=signer(attacker), verifier=make_verifier(trusted))
    assert code is Reason.CHAIN_UNTRUSTED


async def test_atk_142_a_self_signed_signer_counts_only_if_it_is_in_the_trust_store() -> None:
    """The same name with another key is not the one that is trusted."""
    alone, twin = signer(None), signer(None, which=1)
    verifier = make_verifier(alone)
    details(await judge(leaf=alone, verifier=verifier))
    assert await reason(leaf=twin, verifier=verifier) is Reason.CHAIN_UNTRUSTED


SELF_ISSUED = Issued(signer(authority("x", subject="CN=signer,O=Example,ST=WA,C=US")).der, LEAF.key)


@pytest.mark.parametrize(
    "leaf",
    [
        pytest.param(SELF_ISSUED, id="self-issued-by-another-key"),
        pytest.param(authority("signs itself"), id="authority-that-signs"),
        pytest.param(Issued(LEAF.der, LEAF.key), id="issued-leaf-alone"),
    ],
)
async def test_atk_142_other_chains_of_one_certificate_are_refused(leaf: Issued) -> None:
    """The catalogue says untrusted; such a chain is invalid before its trust is evaluated."""
    assert await reason(leaf=leaf, verifier=make_verifier(ROOT)) is Reason.CHAIN_INVALID


@pytest.mark.parametrize("kind", ["ca", "signingAuthority", "tsa"])
@pytest.mark.parametrize("scheme", [X509, SIGNING_AUTHORITY])
async def test_atk_143_the_signing_scheme_decides_which_trust_store_counts(scheme: str, kind: str) -> None:
    """Of each scheme exactly one type of trust store vouches for signers."""
    policy = short_trust_policy(
        identities=["*"], stores=[f"{kind}:test", "ca:other", "signingAuthority:other"]
    )
    other = authority("other").material
    stores = {
        StoreName(kind, "test"): (ROOT.material,),
        StoreName("ca", "other"): (other,),
        StoreName("signingAuthority", "other"): (other,),
    }
    result = await judge(
        Recipe(scheme=scheme), verifier=NotationVerifier("notation", policy, stores, FakeClock())
    )
    if (scheme, kind) in ((X509, "ca"), (SIGNING_AUTHORITY, "signingAuthority")):
        details(result)
    else:
        assert found(result).reason is Reason.CHAIN_UNTRUSTED


@pytest.mark.parametrize(
    "leaf", [LEAF, signer(ROOT), signer(MIDDLE, ca=None)], ids=["below-two", "below-root", "no-constraints"]
)
async def test_atk_144_a_signer_s_certificate_is_no_trust_anchor(leaf: Issued) -> None:
    """Neither alone nor beside a good anchor, and each time the certificates are loaded."""
    for anchors in ((leaf,), (ROOT, leaf)):
        with pytest.raises(ConfigurationError) as error:
            await make_verifier(*anchors).prepare()
        assert error.value.reason is Reason.KEY_INVALID
