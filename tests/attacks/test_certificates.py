"""Attacks on X.509 certificates: usages, authorities, keys, hashes and validity."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pyratify.core.reason import Reason
from pyratify.pki.der import SEQUENCE
from pyratify.testing.certificates import (
    Issued,
    authority,
    element,
    forge,
    make_key,
    replacing,
    signer,
    with_public_key,
)
from pyratify.testing.fakes import FakeClock
from pyratify.testing.notation import make_verifier
from support.notation_bench import FORMATS, LEAF, MIDDLE, ROOT, details, found, judge, reason

NOW = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)
PURPOSE = "1.3.6.1.5.5.7.3."

USAGES: dict[str, dict[str, Any]] = {
    "no keyUsage": {"usages": None},
    "keyUsage not critical": {"usages_critical": False},
    "no digitalSignature": {"usages": ("contentCommitment",)},
    "keyCertSign": {"usages": ("digitalSignature", "keyCertSign")},
    "cRLSign": {"usages": ("digitalSignature", "cRLSign")},
    "keyEncipherment": {"usages": ("digitalSignature", "keyEncipherment")},
    "dataEncipherment": {"usages": ("digitalSignature", "dataEncipherment")},
    "keyAgreement": {"usages": ("digitalSignature", "keyAgreement")},
    "encipherOnly": {"usages": ("digitalSignature", "keyAgreement", "encipherOnly")},
    "any purpose": {"extended": ("2.5.29.37.0",)},
    "any purpose and code": {"extended": (PURPOSE + "3", "2.5.29.37.0")},
    "server": {"extended": (PURPOSE + "3", PURPOSE + "1")},
    "client": {"extended": (PURPOSE + "2",)},
    "mail": {"extended": (PURPOSE + "4",)},
    "timestamps": {"extended": (PURPOSE + "8",), "extended_critical": True},
    "OCSP": {"extended": (PURPOSE + "9",)},
}


@pytest.mark.parametrize("media_type", FORMATS)
@pytest.mark.parametrize("name", USAGES)
async def test_atk_155_a_certificate_for_another_use_does_not_sign(name: str, media_type: str) -> None:
    """Each fault of the usages alone is enough, though the authority is trusted."""
    leaf = signer(MIDDLE, **USAGES[name])
    assert await reason(media_type=media_type, leaf=leaf) is Reason.CERT_KEY_USAGE


@pytest.mark.parametrize(
    "changes",
    [
        {"extended": None},
        {"extended": ("1.3.6.1.4.1.311.10.3.13",)},
        {"extended_critical": True},
        {"usages": ("digitalSignature", "contentCommitment")},
        {"ca": None},
        {"ca_critical": False},
    ],
)
async def test_atk_155_what_the_specification_leaves_open_is_accepted(changes: dict[str, Any]) -> None:
    """Optional extensions may be missing, and other purposes may be there."""
    details(await judge(leaf=signer(MIDDLE, **changes)))


def _below(**changes: Any) -> Issued:
    return signer(authority("changed", issuer=ROOT, **changes))


CHAINS: dict[str, Issued] = {
    "no authority": _below(ca=False, usages=("keyCertSign",)),
    "constraints not critical": _below(ca_critical=False),
    "no constraints": _below(ca=None),
    "no keyCertSign": _below(usages=("cRLSign",)),
    "keyUsage not critical": _below(usages_critical=False),
    "no keyUsage": _below(usages=None),
    "leaf below leaf": signer(signer(ROOT, which=1), which=2),
    "signer is an authority": signer(ROOT, ca=True),
    "root's path length": signer(authority("below", issuer=authority("limited", path_length=0))),
    "path length of an intermediate": signer(
        authority("c", issuer=authority("b", issuer=authority("a", issuer=ROOT, path_length=0)))
    ),
}


@pytest.mark.parametrize("name", CHAINS)
async def test_atk_156_authorities_are_authorities_and_chains_no_longer_than_they_allow(name: str) -> None:
    """The root is trusted each time; the chain below it is not as it must be."""
    leaf = CHAINS[name]
    root = Issued(leaf.above[-1], None)
    assert await reason(leaf=leaf, verifier=make_verifier(root)) is Reason.CHAIN_INVALID


async def test_atk_156_a_path_length_that_is_kept_is_accepted() -> None:
    """One authority below a root that allows one."""
    root = authority("one below", path_length=1)
    leaf = signer(authority("below", issuer=root, path_length=0))
    details(await judge(leaf=leaf, verifier=make_verifier(root)))


RSA_ROOT = authority("rsa root", kind="rsa-2048")
RSA_MIDDLE = authority("rsa intermediate", issuer=RSA_ROOT, kind="rsa-2048")
RSA_LEAF = signer(RSA_MIDDLE, kind="rsa-2048")
SHA256 = bytes.fromhex("2a864886f70d01010b")
OLD = {"sha1": bytes.fromhex("2a864886f70d010105"), "md5": bytes.fromhex("2a864886f70d010104")}


def _old_hash(certificate: Issued, issuer: Issued, digest: str) -> Issued:
    edit = replacing(SHA256, OLD[digest])
    return forge(certificate, issuer, edit, digest, edit)


def _weak_chain(place: str, digest: str) -> Issued:
    """Return a signer in whose chain one certificate is signed with an old hash."""
    root = _old_hash(RSA_ROOT, RSA_ROOT, digest) if place == "root" else RSA_ROOT
    middle = Issued(RSA_MIDDLE.der, RSA_MIDDLE.key, root.chain)
    if place == "intermediate":
        middle = Issued(_old_hash(RSA_MIDDLE, RSA_ROOT, digest).der, RSA_MIDDLE.key, root.chain)
    leaf = _old_hash(RSA_LEAF, RSA_MIDDLE, digest) if place == "leaf" else RSA_LEAF
    return Issued(leaf.der, RSA_LEAF.key, middle.chain)


@pytest.mark.parametrize("digest", OLD)
@pytest.mark.parametrize("place", ["leaf", "intermediate", "root"])
async def test_atk_157_old_hashes_anywhere_in_the_chain_are_refused(place: str, digest: str) -> None:
    """SHA-1 and MD5, the root's signature on itself included; each signature is correct."""
    leaf = _weak_chain(place, digest)
    root = Issued(leaf.above[-1], None)
    assert await reason(leaf=leaf, verifier=make_verifier(root)) is Reason.CERT_WEAK


def _signing_with(certificate: Issued) -> Issued:
    """Return the certificate with a key that can make a signature, though not a fitting one."""
    return Issued(certificate.der, LEAF.key, certificate.above)


@pytest.mark.parametrize("kind", ["rsa-1024", "p224", "k256", "dsa", "ed25519"])
async def test_atk_157_weak_and_unusual_keys_of_signers_are_refused(kind: str) -> None:
    """Too short, on another curve, or of a kind that the specification does not have."""
    assert await reason(leaf=_signing_with(signer(MIDDLE, kind=kind))) is Reason.CERT_WEAK


@pytest.mark.parametrize("kind", ["rsa-1024", "p224", "k256", "ed25519"])
async def test_atk_157_weak_and_unusual_keys_of_authorities_are_refused(kind: str) -> None:
    """Also where the signer's own key is good."""
    root = authority("weak", kind=kind)
    assert await reason(leaf=signer(root), verifier=make_verifier(root)) is Reason.CERT_WEAK


def _integer(value: int) -> bytes:
    return element(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _bits(content: bytes) -> bytes:
    return element(0x03, b"\x00" + content)


@pytest.mark.parametrize("exponent", [0, 1, 2])
async def test_atk_157_rsa_exponents_that_prove_nothing_are_refused(exponent: int) -> None:
    """With an exponent of one every message is its own signature."""
    modulus = RSA_LEAF.key.public_key().public_numbers().n
    algorithm = element(SEQUENCE, bytes.fromhex("06092a864886f70d0101010500"))
    key = _bits(element(SEQUENCE, _integer(modulus) + _integer(exponent)))
    leaf = with_public_key(RSA_LEAF, RSA_MIDDLE, element(SEQUENCE, algorithm + key))
    assert await reason(leaf=_signing_with(leaf), verifier=make_verifier(RSA_ROOT)) is Reason.CERT_WEAK


@pytest.mark.parametrize("kind", ["rsa-2056", "rsa-3080"])
async def test_atk_157_key_sizes_without_an_algorithm_are_refused(kind: str) -> None:
    """The specification names three sizes of RSA keys for signers."""
    assert await reason(leaf=_signing_with(signer(MIDDLE, kind=kind))) is Reason.ALG_NOT_ALLOWED


WHEN = {"past": (NOW - 9 * DAY, NOW - DAY), "now": (NOW - 9 * DAY, NOW + DAY), "future": (NOW + DAY, NOW + 9 * DAY)}  # fmt: skip


@pytest.mark.parametrize("leaf_when", WHEN)
@pytest.mark.parametrize("middle_when", WHEN)
@pytest.mark.parametrize("root_when", WHEN)
async def test_atk_158_every_certificate_of_the_chain_is_valid_now(
    root_when: str, middle_when: str, leaf_when: str
) -> None:
    """Of 27 combinations one is accepted."""
    root = authority("timed", not_before=WHEN[root_when][0], not_after=WHEN[root_when][1])
    middle = authority("m", issuer=root, not_before=WHEN[middle_when][0], not_after=WHEN[middle_when][1])
    leaf = signer(middle, not_before=WHEN[leaf_when][0], not_after=WHEN[leaf_when][1])
    result = await judge(leaf=leaf, verifier=make_verifier(root, clock=FakeClock(time=NOW)))
    if root_when == middle_when == leaf_when == "now":
        details(result)
    else:
        assert found(result).reason is Reason.CERT_EXPIRED


async def test_atk_158_a_certificate_may_outlive_its_issuer() -> None:
    """Nesting of validity is not asked for, as long as all are valid now."""
    root = authority("shorter", not_after=NOW + DAY)
    leaf = signer(root, not_before=NOW - 99 * DAY, not_after=NOW + 99 * DAY)
    details(await judge(leaf=leaf, verifier=make_verifier(root, clock=FakeClock(time=NOW))))


@pytest.mark.parametrize(("second", "valid"), [(-1, False), (0, True), (10, True), (11, False)])
async def test_atk_158_the_first_and_the_last_second_count(second: int, valid: bool) -> None:
    """Validity includes both of its ends."""
    leaf = signer(ROOT, not_before=NOW, not_after=NOW + timedelta(seconds=10))
    clock = FakeClock(time=NOW + timedelta(seconds=second))
    result = await judge(leaf=leaf, verifier=make_verifier(ROOT, clock=clock))
    assert (not result.artifacts[0].results[0].failure) is valid


def test_the_keys_of_these_tests_are_of_the_kinds_they_say() -> None:
    """A weak key is really weak."""
    for kind, bits in (("rsa-1024", 1024), ("p224", 224)):
        assert make_key(kind).key_size == bits
    spki = make_key("dsa").public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert bytes.fromhex("2a8648ce380401") in spki
