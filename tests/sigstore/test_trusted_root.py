"""Trusted roots: each of their parts is verified when they are loaded, and one that does not hold makes the whole unusable."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pyratify.core.errors import ConfigurationError
from pyratify.core.executor import Executor
from pyratify.core.key import Validity
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import Decision
from pyratify.pki.chain import TIMESTAMPING
from pyratify.pki.encoding import decode_base64, encode_base64
from pyratify.sigstore.trusted_material import TrustedMaterial
from pyratify.sigstore.trusted_root import load_trusted_root
from pyratify.testing.certificates import CODE_SIGNING, Issued, authority, forge, make_key, replacing, signer
from pyratify.testing.cosign import REPOSITORY, attach_bundle, statement
from pyratify.testing.sigstore import PrivateSigstore, Signing
from pyratify.testing.timestamps import timestamp_authority
from pyratify.verifiers.cosign.cosign_trust_policy import CosignTrustPolicy
from pyratify.verifiers.cosign.cosign_verifier import CosignVerifier
from support.cosign_setting import ONE, Setting

SIGSTORE = PrivateSigstore()
ROOT, OTHER = authority("root"), authority("other")
SAME_NAME = authority("root", which=1)
MIDDLE = authority("middle", issuer=ROOT)
TSA = timestamp_authority(MIDDLE)
CA, STAMPS = "certificateAuthorities", "timestampAuthorities"


def named(*chain: bytes) -> dict[str, Any]:
    """Return an authority as a trusted root names it."""
    return {"certChain": {"certificates": [{"rawBytes": encode_base64(der)} for der in chain]}}


def load(**changes: Any) -> TrustedMaterial:
    """Load a trusted root of which some members are replaced."""
    return load_trusted_root(SIGSTORE.root_with(**changes))


def refusal(**changes: Any) -> str:
    """Return why a trusted root is refused."""
    with pytest.raises(ConfigurationError) as caught:
        load(**changes)
    assert caught.value.reason is Reason.TRUST_ROOT
    return caught.value.message


def test_what_the_refusals_start_from_is_good() -> None:
    """With one authority of either kind, of one certificate and of several."""
    for chain in (ROOT.chain, MIDDLE.chain):
        assert [each.der for each in load(**{CA: [named(*chain)]}).authorities[0].chain] == list(chain)
    (stamps,) = load(**{STAMPS: [named(*TSA.chain)]}).timestamp_authorities
    assert stamps.leaf is not None
    assert [each.der for each in (stamps.leaf, *stamps.chain)] == list(TSA.chain)


CHAINS = {
    "other-root": (MIDDLE.der, OTHER.der),
    "same-name-other-key": (MIDDLE.der, SAME_NAME.der),
    "upside-down": (ROOT.der, MIDDLE.der),
    "stranger-below": (OTHER.der, MIDDLE.der, ROOT.der),
    "stranger-above": (MIDDLE.der, ROOT.der, OTHER.der),
}


@pytest.mark.parametrize("kind", [CA, STAMPS])
@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
def test_a_chain_that_does_not_hold_together_is_refused(chain: tuple[bytes, ...], kind: str) -> None:
    """Each certificate is issued by the next, by name and by signature."""
    assert "does not hold together" in refusal(**{kind: [named(*chain)]})


@pytest.mark.parametrize("above", [OTHER.chain, SAME_NAME.chain, MIDDLE.chain], ids=["other", "key", "below"])
def test_a_timestamp_leaf_is_issued_by_what_follows_it(above: tuple[bytes, ...]) -> None:
    """The link from the certificate that stamps to its issuer is one of the chain."""
    leaf = timestamp_authority(ROOT).der
    assert load(**{STAMPS: [named(leaf, ROOT.der)]})
    assert "does not hold together" in refusal(**{STAMPS: [named(leaf, *above)]})


@pytest.mark.parametrize("extended", [None, (CODE_SIGNING,), (TIMESTAMPING, CODE_SIGNING)])
def test_a_timestamp_leaf_of_another_purpose_is_refused(extended: tuple[str, ...] | None) -> None:
    """What may sign code, too, or whatever it likes, could be a signer that dates its own signatures."""
    tsa = timestamp_authority(MIDDLE, extended=extended, extended_critical=extended is not None)
    assert "is not one of a timestamp authority" in refusal(**{STAMPS: [named(*tsa.chain)]})


def test_a_timestamp_leaf_need_not_say_that_its_purpose_is_critical() -> None:
    """The root names it: there is nothing left to confuse it with."""
    assert load(**{STAMPS: [named(*timestamp_authority(MIDDLE, extended_critical=False).chain)]})


def with_sha1(certificate: Issued, issuer: Issued) -> Issued:
    """Return a certificate of an RSA key's that is signed with SHA-1 instead."""
    new, old = bytes.fromhex("2a864886f70d01010b"), bytes.fromhex("2a864886f70d010105")
    return forge(certificate, issuer, replacing(new, old), "sha1", replacing(new, old))


RSA = authority("rsa", kind="rsa-2048")
WEAK: dict[str, Callable[[], tuple[bytes, ...]]] = {
    "small-rsa": lambda: authority("weak", kind="rsa-1024").chain,
    "small-rsa-root": lambda: authority("below", issuer=authority("weak", kind="rsa-1024")).chain,
    "other-curve": lambda: authority("weak", kind="k256").chain,
    "small-curve": lambda: authority("weak", kind="p224").chain,
    "sha224": lambda: authority("weak", issuer=ROOT, digest="sha224").chain,
    "sha1": lambda: with_sha1(authority("weak", issuer=RSA), RSA).chain,
    "sha1-root": lambda: with_sha1(RSA, RSA).chain,
}


@pytest.mark.parametrize("kind", [CA, STAMPS])
@pytest.mark.parametrize("chain", WEAK.values(), ids=WEAK)
def test_a_weak_authority_is_refused(chain: Callable[[], tuple[bytes, ...]], kind: str) -> None:
    """Its key or its hash, anywhere in the chain: who breaks it issues certificates for any name."""
    why = refusal(**{kind: [named(*chain())]})
    assert any(word in why for word in ("1024 bits", "P-256", "is not signed with SHA-256")), why


def test_a_weak_timestamp_leaf_is_refused() -> None:
    """It is named, and still has to be strong."""
    assert "1024 bits" in refusal(**{STAMPS: [named(*timestamp_authority(MIDDLE, kind="rsa-1024").chain)]})


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"ca": False}, "cA true"),
        ({"ca_critical": False}, "cA true"),
        ({"ca": None}, "cA true"),
        ({"usages": ("cRLSign",)}, "keyCertSign"),
        ({"usages": None}, "keyCertSign"),
    ],
)
def test_what_is_no_authority_issues_nothing(changes: dict[str, Any], why: str) -> None:
    """A signer's certificate in the place of an authority's."""
    profile = {"ca": True, "usages": ("keyCertSign",), "extended": None} | changes
    assert why in refusal(**{CA: [named(*signer(ROOT, **profile).chain)]})


def test_a_path_length_holds_for_the_whole_chain() -> None:
    """An authority that allows none below it, with one below it."""
    narrow = authority("narrow", path_length=0)
    assert load(**{CA: [named(*narrow.chain)]})
    assert "allows 0 authorities below it" in refusal(**{CA: [named(*authority("b", issuer=narrow).chain)]})


@pytest.mark.parametrize(
    "media_type",
    [
        None,
        "",
        "application/json",
        "application/vnd.dev.sigstore.bundle.v0.3+json",
        "application/vnd.dev.sigstore.trustedroot+json",
        "application/vnd.dev.sigstore.trustedroot+json;version=0.3",
        "application/vnd.dev.sigstore.trustedroot.v0.1+json ",
        1,
        ["application/vnd.dev.sigstore.trustedroot+json;version=0.1"],
    ],
)
def test_a_document_of_another_type_is_no_trusted_root(media_type: Any) -> None:
    """A newer version may mean something else by the same members."""
    assert "not a trusted root of a known version" in refusal(mediaType=media_type)


@pytest.mark.parametrize(
    "media_type",
    [
        "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
        "application/vnd.dev.sigstore.trustedroot+json;version=0.2",
        "application/vnd.dev.sigstore.trustedroot.v0.1+json",
        "application/vnd.dev.sigstore.trustedroot.v0.2+json",
    ],
)
def test_every_known_version_is_read(media_type: str) -> None:
    """Both, in both spellings."""
    assert load(mediaType=media_type).logs


@pytest.mark.parametrize("member", [CA, STAMPS, "tlogs", "ctlogs"])
def test_the_number_of_entries_is_bounded(member: str) -> None:
    """A hundred of each are read, and not one more."""
    (entry, *_) = SIGSTORE.root_document()[member]
    load(**{member: [entry] * 100})
    assert "more than 100 entries" in refusal(**{member: [entry] * 101})


def test_the_length_of_a_chain_is_bounded() -> None:
    """Ten certificates, and not one more; counted before they are parsed."""
    assert "more than 10 entries" in refusal(**{CA: [named(*[b"x"] * 11)]})
    assert "more than 10 entries" not in refusal(**{CA: [named(*[b"x"] * 10)]})


CHECK = b"a checkpoint identifier of its own"


async def test_the_identifier_for_checkpoints_is_read_and_used() -> None:
    """`checkpointKeyId`: with it in the trusted root its hint names the log, without it none of the log's keys."""
    setting, log = Setting(), SIGSTORE.logs[2]
    bundle = SIGSTORE.sign_statement(statement(setting.image.digest), Signing(log=2))
    proof = bundle["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]
    note, _, line = proof["checkpoint"]["envelope"].partition("\n\n")
    dash, name, value = line.split()
    signature = encode_base64(CHECK[:4] + decode_base64(value)[4:])
    proof["checkpoint"]["envelope"] = f"{note}\n\n{dash} {name} {signature}\n"
    attach_bundle(setting.store, setting.image, bundle)
    for check, decision in ((CHECK, Decision.ALLOW), (b"another", Decision.DENY), (None, Decision.DENY)):
        named_too = {"checkpointKeyId": {"keyId": encode_base64(check)}} if check else {}
        root = SIGSTORE.root_with(tlogs=[log.trusted(**named_too)])
        policy = CosignTrustPolicy(identities=(SIGSTORE.identity,), trusted_root=root)
        executor = Executor(store=setting.store, verifiers=(CosignVerifier("cosign", [policy]),), policy=ONE)
        result = await executor.validate(Reference.parse(f"{REPOSITORY}@{setting.image.digest}"))
        assert result.decision is decision


def test_a_log_is_known_by_its_own_identifier_before_that_of_its_checkpoints() -> None:
    """Where a root has the one alone it stands for both."""
    log, check = SIGSTORE.logs[2], {"keyId": encode_base64(CHECK)}
    (both,) = load(tlogs=[log.trusted(checkpointKeyId=check)]).logs
    assert (both.log_id, both.checkpoint_id) == (log.log_id, CHECK)
    (alone,) = load(tlogs=[log.trusted(checkpointKeyId=check, logId=None)]).logs
    assert (alone.log_id, alone.checkpoint_id) == (CHECK, CHECK)
    assert "no identifier" in refusal(tlogs=[log.trusted(logId=None)])


PERIOD = {"start": "2026-01-01T00:00:00Z", "end": "2026-02-01T00:00:00Z"}
WITHIN = Validity(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))


def test_each_part_of_a_root_counts_in_its_period() -> None:
    """Authorities without one count always; one without an end counts from its start on."""
    for kind, chain in ((CA, MIDDLE.chain), (STAMPS, TSA.chain)):
        for period, wanted in (
            (PERIOD, WITHIN),
            (PERIOD | {"end": None}, Validity(WITHIN.start)),
            (None, Validity()),
        ):
            trust = load(**{kind: [named(*chain) | {"validFor": period}]})
            (found,) = trust.authorities if kind == CA else trust.timestamp_authorities
            assert found.validity == wanted
    key = SIGSTORE.logs[1].trusted()["publicKey"]
    for member in ("tlogs", "ctlogs"):
        trust = load(**{member: [SIGSTORE.logs[1].trusted(publicKey=key | {"validFor": PERIOD})]})
        (log,) = trust.logs if member == "tlogs" else trust.certificate_logs
        assert log.validity == WITHIN


@pytest.mark.parametrize("period", [None, {}, {"end": "2026-02-01T00:00:00Z"}, {"start": None}, [], "always"])
@pytest.mark.parametrize("member", ["tlogs", "ctlogs"])
def test_a_log_has_a_period_with_a_start(member: str, period: Any) -> None:
    """A key that always counts could not be retired."""
    key = SIGSTORE.logs[1].trusted()["publicKey"] | {"validFor": period}
    assert "has no start" in refusal(**{member: [SIGSTORE.logs[1].trusted(publicKey=key)]})


@pytest.mark.parametrize(
    "period", [{}, {"end": "2026-02-01T00:00:00Z"}, [], {"start": "yesterday"}, {"start": 1}]
)
@pytest.mark.parametrize("kind", [CA, STAMPS])
def test_a_period_that_cannot_be_read_is_not_always(kind: str, period: Any) -> None:
    """It is there, so it means something."""
    chain = MIDDLE.chain if kind == CA else TSA.chain
    refusal(**{kind: [named(*chain) | {"validFor": period}]})


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://log.test", "log.test"),
        ("https://log.test/", "log.test"),
        ("https://log.test/2026/", "log.test/2026"),
        ("https://log.test/X", "log.test/X"),
        ("https://log.test/a://b", "log.test/a://b"),
        ("log.test", ""),
    ],
)
def test_a_log_is_called_by_its_address_without_the_scheme(address: str, name: str) -> None:
    """What has none has no name."""
    (log,) = load(tlogs=[SIGSTORE.logs[1].trusted(baseUrl=address, operator="who.test")]).logs
    assert (log.name, log.operator, log.key.origin) == (name, "who.test", name)
    assert log.key.fingerprint == f"spki:sha256:{hashlib.sha256(SIGSTORE.logs[1].der).hexdigest()}"


def test_a_log_that_is_of_an_unknown_kind_is_left_out_with_a_warning() -> None:
    """Another hash, a weak key, and a key of a kind that no library knows; the others count."""
    good = SIGSTORE.logs[1].trusted()
    unknown = b"\x30\x0c\x30\x05\x06\x03\x2a\x03\x04\x03\x03\x00\x01\x02"
    weak = make_key("rsa-1024", "weak log").public_key()
    der = weak.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    others = [
        good | {"hashAlgorithm": "SHA2_512"},
        good | {"publicKey": good["publicKey"] | {"rawBytes": encode_base64(der)}},
        good | {"publicKey": good["publicKey"] | {"rawBytes": encode_base64(unknown)}},
    ]
    trust = load(tlogs=[*others, good])
    assert [log.log_id for log in trust.logs] == [SIGSTORE.logs[1].log_id]
    assert [warning.partition(" ")[0] for warning in trust.warnings] == ["tlogs[0]", "tlogs[1]", "tlogs[2]"]
    broken = good | {"publicKey": good["publicKey"] | {"rawBytes": encode_base64(b"no key")}}
    refusal(tlogs=[broken, good])
