"""Attacks of other sections of the catalogue, as they concern cosign signatures made with keys."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from pyratify.core.digest import Digest
from pyratify.core.executor import Executor
from pyratify.core.key import KeyMaterial
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import Decision, failures
from pyratify.pki.encoding import decode_base64, encode_base64
from pyratify.sigstore.media_types import BUNDLE
from pyratify.stores.layout.layout_store import LayoutStore
from pyratify.testing.cosign import (
    ClassicSignature,
    another_image,
    attach_bundle,
    attach_classic,
    sign_classic,
    sign_statement,
    simple_signing,
    statement,
)
from pyratify.testing.cosign_faults import CLASSIC_FAULTS
from pyratify.testing.memory import make_manifest
from pyratify.verifiers.cosign.cosign_trust_policy import CosignTrustPolicy
from pyratify.verifiers.cosign.cosign_verifier import CosignVerifier
from pyratify.verifiers.cosign.formats import SIGNATURE_ANNOTATION
from support.cosign_setting import KEY, ONE, OTHER, TWO, Setting, is_denied, passed

MATERIAL = Path(__file__).resolve().parents[2] / "examples" / "material"
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@pytest.mark.parametrize(
    ("count", "reason"), [(0, Reason.ENVELOPE_MALFORMED), (2001, Reason.SIGNATURE_LIMIT)]
)
async def test_atk_072_a_cosign_manifest_has_signatures_within_a_limit(count: int, reason: Reason) -> None:
    """None or too many: refused as a whole, though a good one is among them."""
    setting = Setting()
    bad = CLASSIC_FAULTS["other-key"].make(KEY, setting.image.digest)
    good = sign_classic(KEY, simple_signing(setting.image.digest))
    layers = [good, *[bad] * (count - 1)] if count else []
    attach_classic(setting.store, setting.image, *layers, as_referrer=True)
    assert is_denied(await setting.validate(), reason)
    assert [what for what, _ in setting.store.calls if what == "fetch_blob"] == []


@pytest.mark.parametrize("change", ["\n", " ", "\t", "!", "=", "QQ"])
@pytest.mark.parametrize("how", ["annotation", "bundle"])
async def test_atk_083_base64_has_one_spelling(how: str, change: str) -> None:
    """Another spelling is refused in the annotation as in the bundle; only an annotation may have the line ends of a tool."""
    setting = Setting()
    if how == "annotation":
        signed = sign_classic(KEY, simple_signing(setting.image.digest))
        text = signed.annotations[SIGNATURE_ANNOTATION] + change
        made = ClassicSignature(signed.payload, {SIGNATURE_ANNOTATION: text})
        attach_classic(setting.store, setting.image, made)
    else:
        bundle = sign_statement(KEY, statement(setting.image.digest))
        bundle["dsseEnvelope"]["signatures"][0]["sig"] += change
        attach_bundle(setting.store, setting.image, bundle)
    result = await setting.validate()
    if (how, change) == ("annotation", "\n"):
        passed(result)
    else:
        assert is_denied(result, Reason.ENVELOPE_MALFORMED)


@pytest.mark.parametrize("how", ["classic", "bundle"])
async def test_atk_090_what_is_verified_is_what_is_read(how: str) -> None:
    """Odd but honest JSON (order, escapes, line ends) verifies as it stands, from one single fetch."""
    setting = Setting()
    digest = setting.image.digest
    if how == "classic":
        document = simple_signing(digest)
        odd = (
            json.dumps(document, indent=1, sort_keys=True)
            .replace("\n", "\r\n")
            .replace("cosign", "\\u0063osign")
        )
        attach_classic(setting.store, setting.image, sign_classic(KEY, odd.encode()))
    else:
        odd = (
            json.dumps(statement(digest), indent=1).replace("\n", "\r\n").replace("in-toto", "in\\u002dtoto")
        )
        attach_bundle(setting.store, setting.image, sign_statement(KEY, odd.encode()))
    assert passed(await setting.validate()).signers == (KEY.fingerprint,)
    assert len([what for what, _ in setting.store.calls if what == "fetch_blob"]) == 1


@pytest.mark.parametrize("how", ["classic", "bundle"])
async def test_atk_090_a_member_that_stands_twice_is_refused(how: str) -> None:
    """A payload by the trusted key whose readers could see two digests: the first is this image's, the second another's."""
    setting = Setting()
    digest, other = str(setting.image.digest), str(another_image(setting.store).digest)
    if how == "classic":
        good = json.dumps(simple_signing(setting.image.digest))
        twice = good.replace(
            f'"docker-manifest-digest": "{digest}"',
            f'"docker-manifest-digest": "{digest}", "docker-manifest-digest": "{other}"',
        )
        attach_classic(setting.store, setting.image, sign_classic(KEY, twice.encode()))
    else:
        good = json.dumps(statement(setting.image.digest))
        value, wrong = digest.partition(":")[2], other.partition(":")[2]
        twice = good.replace(f'"sha256": "{value}"', f'"sha256": "{value}", "sha256": "{wrong}"')
        attach_bundle(setting.store, setting.image, sign_statement(KEY, twice.encode()))
    assert twice != good
    result = await setting.validate()
    assert is_denied(result, Reason.PAYLOAD_TYPE if how == "classic" else Reason.JSON_DUPLICATE_KEY)
    assert any("the same key twice" in failure.message for _, failure in failures(result.artifacts))


@pytest.mark.parametrize("how", ["classic", "bundle"])
async def test_atk_090_a_normalised_payload_is_not_the_signed_one(how: str) -> None:
    """The same JSON with other white space has another signature."""
    setting = Setting()
    digest = setting.image.digest
    if how == "classic":
        signed = sign_classic(KEY, simple_signing(digest))
        other = json.dumps(json.loads(signed.payload), indent=1).encode()
        attach_classic(setting.store, setting.image, replace(signed, payload=other))
    else:
        bundle = sign_statement(KEY, statement(digest))
        other = json.dumps(statement(digest), indent=1).encode()
        bundle["dsseEnvelope"]["payload"] = encode_base64(other)
        attach_bundle(setting.store, setting.image, bundle)
    assert is_denied(await setting.validate(), Reason.SIG_INVALID)


@pytest.mark.parametrize(
    ("tag", "reason"),
    [
        ("wrong-key", Reason.SIG_INVALID),
        ("replayed", Reason.PAYLOAD_SUBJECT_MISMATCH),
        ("replayed-v3", Reason.PAYLOAD_SUBJECT_MISMATCH),
    ],
)
async def test_atk_092_really_signed_and_no_signature_counts(tag: str, reason: Reason) -> None:
    """Signed by the real cosign with another key, or for another image: zero valid signatures are a denial."""
    key = KeyMaterial((MATERIAL / "keys" / "cosign.pub").read_bytes(), "cosign.pub")
    verifier = CosignVerifier("cosign", [CosignTrustPolicy(keys=(key,))])
    store = LayoutStore(MATERIAL / "layout", allow_bare_tags=True, allow_cosign_tag=True)
    executor = Executor(store=store, verifiers=(verifier,), policy=ONE)
    assert is_denied(await executor.validate(Reference.parse(f"example.com/demo:{tag}")), reason)


async def test_atk_092_only_bad_layers_are_a_denial() -> None:
    """Three signatures, each by an unknown key."""
    setting = Setting()
    bad = [sign_classic(OTHER, simple_signing(setting.image.digest, optional={"n": n})) for n in range(3)]
    attach_classic(setting.store, setting.image, *bad)
    result = await setting.validate()
    assert is_denied(result, Reason.SIG_INVALID)
    assert [r.details for report in result.artifacts for r in report.results] == [None]


@pytest.mark.parametrize("count", [0, 2, 3])
async def test_atk_108_an_envelope_with_more_signatures_than_one_is_malformed(count: int) -> None:
    """None is dropped in silence: two signatures and one key, the good one first."""
    setting = Setting()
    bundle = sign_statement(KEY, statement(setting.image.digest))
    good = bundle["dsseEnvelope"]["signatures"][0]
    bundle["dsseEnvelope"]["signatures"] = [good, {"sig": "AAAA"}, {"sig": "AAAA"}][:count]
    attach_bundle(setting.store, setting.image, bundle)
    assert is_denied(await setting.validate(), Reason.ENVELOPE_MALFORMED)


def _twin(signature: bytes) -> bytes:
    r, s = decode_dss_signature(signature)
    return encode_dss_signature(r, P256_ORDER - s)


@pytest.mark.parametrize("twin", ["copy", "malleated", "other-format", "signed-again"])
async def test_atk_113_one_signer_is_one_signer(twin: str) -> None:
    """Two of the same verifier need two signers; twins of one signature, or two by one key, are one."""
    setting = Setting()
    digest = setting.image.digest
    signed = sign_classic(KEY, simple_signing(digest))
    attach_classic(setting.store, setting.image, signed)
    if twin == "copy":
        data = json.dumps(sign_statement(KEY, statement(digest))).encode()
        for note in ("a", "b"):
            setting.store.attach(setting.image, BUNDLE, (BUNDLE, data), annotations={"note": note})
    elif twin == "malleated":
        value = _twin(decode_base64(signed.annotations[SIGNATURE_ANNOTATION]))
        annotations = {SIGNATURE_ANNOTATION: encode_base64(value)}
        attach_classic(setting.store, setting.image, replace(signed, annotations=annotations))
    elif twin == "other-format":
        attach_bundle(setting.store, setting.image, sign_statement(KEY, statement(digest)))
    else:
        attach_classic(setting.store, setting.image, sign_classic(KEY, simple_signing(digest)))
    assert (await setting.validate()).decision is Decision.ALLOW
    result = await setting.validate(KEY, OTHER, policy=TWO)
    assert result.decision is Decision.DENY
    assert result.failure is not None
    assert result.failure.reason is Reason.POLICY_UNSATISFIED
    attach_bundle(setting.store, setting.image, sign_statement(OTHER, statement(digest)))
    assert (await setting.validate(KEY, OTHER, policy=TWO)).decision is Decision.ALLOW


async def test_atk_113_a_malleated_twin_is_the_same_signer() -> None:
    """It verifies, as ECDSA has it, and names the signer that it has."""
    setting = Setting()
    signed = sign_classic(KEY, simple_signing(setting.image.digest))
    value = _twin(decode_base64(signed.annotations[SIGNATURE_ANNOTATION]))
    twin = replace(signed, annotations={SIGNATURE_ANNOTATION: encode_base64(value)})
    attach_classic(setting.store, setting.image, signed, twin)
    details = passed(await setting.validate())
    assert [entry["succeeded"] for entry in details.data["verifiedSignatures"]] == [True, True]
    assert details.signers == (KEY.fingerprint,)


async def test_atk_172_a_manifest_that_names_another_subject_is_not_even_offered() -> None:
    """Listed under B by the registry, attached to A by its own manifest."""
    setting = Setting()
    other = Digest.of(b"other")
    subject = replace(setting.image, digest=other)
    data = make_manifest(artifact_type=BUNDLE, subject=subject)
    setting.store.list_under(setting.image.digest, setting.store.add_manifest(data))
    assert is_denied(await setting.validate(), Reason.SUBJECT_MISMATCH)
