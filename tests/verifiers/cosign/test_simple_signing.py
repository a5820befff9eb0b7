"""Classic cosign signatures: simple signing under a tag or as a referrer."""

from dataclasses import replace

import pytest

from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import StoreError
from pyratify.core.limits import Limits
from pyratify.core.reason import Reason
from pyratify.core.report import Decision
from pyratify.testing.cosign import (
    KINDS,
    ClassicSignature,
    CosignKey,
    attach_classic,
    sign_classic,
    simple_signing,
)
from pyratify.testing.cosign_faults import CLASSIC_FAULTS
from pyratify.testing.memory import make_manifest
from pyratify.verifiers.cosign.formats import (
    CERTIFICATE_ANNOTATION,
    MAX_PAYLOAD,
    SIGNATURE_ANNOTATION,
    SIGNATURE_ARTIFACT,
    SIMPLE_SIGNING,
)
from support.cosign_setting import KEY, OTHER, Setting, is_denied, passed, reasons

SCHEMES = [(kind, "") for kind in KINDS] + [("p384", "sha256"), ("p521", "sha256"), ("rsa-2048", "pss")]


@pytest.mark.parametrize(("kind", "scheme"), SCHEMES)
async def test_a_signature_of_every_kind_of_key_counts(kind: str, scheme: str) -> None:
    """ECDSA with the curve's hash or SHA-256, RSA in both paddings, Ed25519."""
    key, setting = CosignKey.generate(kind), Setting()
    attach_classic(
        setting.store, setting.image, sign_classic(key, simple_signing(setting.image.digest), scheme)
    )
    details = passed(await setting.validate(key))
    assert details.signers == (key.fingerprint,)


@pytest.mark.parametrize("as_referrer", [True, False])
async def test_a_signature_counts_however_it_is_attached(as_referrer: bool) -> None:
    """Under cosign's tag and as an OCI 1.1 referrer."""
    setting = Setting()
    signed = sign_classic(KEY, simple_signing(setting.image.digest))
    attach_classic(setting.store, setting.image, signed, as_referrer=as_referrer)
    assert passed(await setting.validate()).data["format"] == "simple-signing"


@pytest.mark.parametrize("break_", ["\n", "\r\n"])
async def test_a_signature_in_lines_counts(break_: str) -> None:
    """As `base64 payload.sig` prints it, and `cosign attach signature` stores it."""
    setting = Setting()
    signed = sign_classic(KEY, simple_signing(setting.image.digest))
    text = signed.annotations[SIGNATURE_ANNOTATION]
    lines = break_.join((text[:76], text[76:], ""))
    attach_classic(setting.store, setting.image, replace(signed, annotations={SIGNATURE_ANNOTATION: lines}))
    assert passed(await setting.validate()).signers == (KEY.fingerprint,)


async def test_a_certificate_annotation_is_bounded() -> None:
    """Before anything in it is looked for."""
    setting = Setting()
    signed = sign_classic(KEY, simple_signing(setting.image.digest))
    annotations = {**signed.annotations, CERTIFICATE_ANNOTATION: "x" * (128 * 1024 + 1)}
    attach_classic(setting.store, setting.image, replace(signed, annotations=annotations))
    assert is_denied(await setting.validate(), Reason.ENVELOPE_MALFORMED)


@pytest.mark.parametrize("blank", [" ", "\t", "\x0b", "\u2028"])
async def test_other_blanks_in_a_signature_are_refused(blank: str) -> None:
    """Only the ends of lines are ignored."""
    setting = Setting()
    signed = sign_classic(KEY, simple_signing(setting.image.digest))
    text = signed.annotations[SIGNATURE_ANNOTATION] + blank
    attach_classic(setting.store, setting.image, replace(signed, annotations={SIGNATURE_ANNOTATION: text}))
    assert is_denied(await setting.validate(), Reason.ENVELOPE_MALFORMED)


@pytest.mark.parametrize("name", CLASSIC_FAULTS)
async def test_a_broken_signature_is_refused_for_its_reason(name: str) -> None:
    """Every way of the test kit to break a signature has the reason that it states."""
    setting, fault = Setting(), CLASSIC_FAULTS[name]
    attach_classic(setting.store, setting.image, fault.make(KEY, setting.image.digest), as_referrer=True)
    result = await setting.validate()
    assert is_denied(result, fault.reason)
    assert reasons(result) == {fault.reason}


@pytest.mark.parametrize("name", CLASSIC_FAULTS)
@pytest.mark.parametrize("good_first", [True, False])
async def test_a_broken_signature_hides_no_good_one(name: str, good_first: bool) -> None:
    """Each layer is judged by itself, in either order."""
    setting = Setting()
    good = sign_classic(KEY, simple_signing(setting.image.digest))
    broken = CLASSIC_FAULTS[name].make(KEY, setting.image.digest)
    attach_classic(setting.store, setting.image, *((good, broken) if good_first else (broken, good)))
    details = passed(await setting.validate())
    found = [entry["succeeded"] for entry in details.data["verifiedSignatures"]]
    assert found == [good_first, not good_first]
    assert details.signers == (KEY.fingerprint,)


async def test_the_report_says_what_came_of_each_signature() -> None:
    """Ratify v2's entries, with the reason of what failed and the signer of what did not."""
    setting = Setting()
    payload = simple_signing(setting.image.digest, optional={"team": "blue"})
    layers = (sign_classic(KEY, payload), sign_classic(OTHER, payload))
    attach_classic(setting.store, setting.image, *layers)
    details = passed(await setting.validate())
    digest = str(Digest.of(layers[0].payload))
    assert list(details.data["verifiedSignatures"]) == [
        {
            "digest": digest,
            "succeeded": True,
            "signer": KEY.fingerprint,
            "dockerReference": "example.com/app",
            "optional": {"team": "blue"},
        },
        {
            "digest": digest,
            "succeeded": False,
            "error": f"SIG_INVALID: the signature was not made with the configured key {KEY.fingerprint}",
        },
    ]


async def test_all_trusted_signers_are_named_once_and_in_order() -> None:
    """Two keys and three signatures make two signers."""
    setting = Setting()
    payload = simple_signing(setting.image.digest)
    attach_classic(setting.store, setting.image, *(sign_classic(key, payload) for key in (OTHER, KEY, KEY)))
    details = passed(await setting.validate(KEY, OTHER))
    assert details.signers == tuple(sorted({KEY.fingerprint, OTHER.fingerprint}))
    assert details.description == "2 trusted keys signed this image"


@pytest.mark.parametrize(("count", "allowed"), [(1, True), (50, True), (51, False)])
async def test_a_limit_bounds_the_signatures_of_one_manifest(count: int, allowed: bool) -> None:
    """One more than the configuration allows, and none is looked at; the remedy names the setting."""
    setting = Setting()
    bad = [CLASSIC_FAULTS["changed-payload"].make(OTHER, setting.image.digest)] * (count - 1)
    attach_classic(
        setting.store, setting.image, *bad, sign_classic(KEY, simple_signing(setting.image.digest))
    )
    result = await setting.validate(limits=Limits(signatures=50))
    assert (result.decision is Decision.ALLOW) is allowed
    if not allowed:
        assert reasons(result) == {Reason.SIGNATURE_LIMIT}
        assert "51 signatures, more than the 50" in result.artifacts[0].results[0].failure.message
        assert "limits.signatures" in result.artifacts[0].results[0].failure.remedy


async def test_years_of_nightly_signatures_count_without_any_setting() -> None:
    """The one that a trusted key made stands last; those before it are of keys that were replaced."""
    setting = Setting()
    old = sign_classic(OTHER, simple_signing(setting.image.digest))
    good = sign_classic(KEY, simple_signing(setting.image.digest))
    attach_classic(setting.store, setting.image, *[old] * 1500, good)
    assert passed(await setting.validate()).signers == (KEY.fingerprint,)


async def test_a_manifest_without_signatures_is_malformed() -> None:
    """It calls itself a signature and has none."""
    setting = Setting()
    attach_classic(setting.store, setting.image, as_referrer=True)
    assert is_denied(await setting.validate(), Reason.ENVELOPE_MALFORMED)


async def test_a_payload_that_cannot_be_read_leaves_the_question_open() -> None:
    """What is missing could have been the good one: not the artifact's fault."""
    setting = Setting()
    signed = sign_classic(KEY, simple_signing(setting.image.digest))
    attach_classic(setting.store, setting.image, signed)
    digest = Digest.of(signed.payload)
    setting.store.faults[digest] = StoreError(Reason.REGISTRY_UNREACHABLE, "gone")
    result = await setting.validate()
    assert result.error is not None
    assert result.error.reason is Reason.REGISTRY_UNREACHABLE


async def test_a_payload_that_cannot_be_read_hides_no_good_signature() -> None:
    """The other layer suffices."""
    setting = Setting()
    gone = sign_classic(KEY, simple_signing(setting.image.digest, optional={"n": 1}))
    attach_classic(
        setting.store, setting.image, gone, sign_classic(KEY, simple_signing(setting.image.digest))
    )
    setting.store.faults[Digest.of(gone.payload)] = StoreError(Reason.BLOB_NOT_FOUND, "gone")
    assert passed(await setting.validate()).signers == (KEY.fingerprint,)


async def test_a_payload_that_is_too_large_is_not_fetched() -> None:
    """The announced size decides."""
    setting = Setting()
    signed = sign_classic(KEY, simple_signing(setting.image.digest))
    layer = Descriptor(
        SIMPLE_SIGNING, Digest.of(signed.payload), MAX_PAYLOAD + 1, annotations=signed.annotations
    )
    manifest = make_manifest(artifact_type=SIGNATURE_ARTIFACT, layers=[layer], subject=setting.image)
    setting.store.list_under(setting.image.digest, setting.store.add_manifest(manifest))
    assert is_denied(await setting.validate(), Reason.SIZE_EXCEEDED)
    assert "fetch_blob" not in {method for method, _ in setting.store.calls}


@pytest.mark.parametrize(
    ("required", "signed", "counts"),
    [
        ({"team": "blue"}, {"team": "blue", "more": 1}, True),
        ({"team": "blue"}, {"team": "red"}, False),
        ({"team": "blue"}, None, False),
        ({"n": "1"}, {"n": 1}, False),
        ({"a": "1", "b": "2"}, {"a": "1"}, False),
    ],
)
async def test_required_annotations_are_looked_for_in_what_is_signed(
    required: dict[str, str], signed: dict[str, object] | None, counts: bool
) -> None:
    """All of them, as texts."""
    setting = Setting()
    made = sign_classic(KEY, simple_signing(setting.image.digest, optional=signed))
    # the layer's annotations are unsigned
    made = replace(made, annotations={**made.annotations, **required})
    attach_classic(setting.store, setting.image, made)
    result = await setting.validate(annotations=required)
    assert (result.decision is Decision.ALLOW) is counts
    assert counts or reasons(result) == {Reason.METADATA_MISMATCH}


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("example.com/app", True),
        ("EXAMPLE.com/app", True),
        ("example.com/other", False),
        ("other.com/app", False),
        ("example.com/app:v1", True),
        ("example.com:5000/app", False),
        ("example.com/app@" + Digest.of(b""), False),
        ("", False),
        ("not a name", False),
    ],
)
async def test_the_signed_repository_can_be_required(name: str, counts: bool) -> None:
    """In its canonical spelling; a tag, which may have been moved, says nothing, and a digest must be the image's."""
    setting = Setting()
    attach_classic(
        setting.store, setting.image, sign_classic(KEY, simple_signing(setting.image.digest, reference=name))
    )
    assert (await setting.validate()).decision is Decision.ALLOW
    result = await setting.validate(require_docker_reference=True)
    assert (result.decision is Decision.ALLOW) is counts
    assert counts or reasons(result) == {Reason.IDENTITY_MISMATCH}


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        ("other-key", "no-signature", Reason.SIG_INVALID),
        ("no-signature", "other-subject", Reason.PAYLOAD_SUBJECT_MISMATCH),
        ("other-type", "other-subject", Reason.PAYLOAD_SUBJECT_MISMATCH),
        ("other-key", "other-type", Reason.PAYLOAD_TYPE),
    ],
)
async def test_the_reason_that_says_most_is_given(first: str, second: str, told: Reason) -> None:
    """What a trusted key has signed comes before what any account could have attached."""
    setting = Setting()
    made = [CLASSIC_FAULTS[name].make(KEY, setting.image.digest) for name in (first, second)]
    attach_classic(setting.store, setting.image, *made)
    assert reasons(await setting.validate()) == {told}


async def test_a_certificate_beside_a_good_signature_changes_nothing(certificate: bytes) -> None:
    """The configured key alone is looked at."""
    setting = Setting()
    made = sign_classic(KEY, simple_signing(setting.image.digest))
    with_certificate = ClassicSignature(
        made.payload, {**made.annotations, CERTIFICATE_ANNOTATION: certificate.decode()}
    )
    attach_classic(setting.store, setting.image, with_certificate)
    assert passed(await setting.validate()).signers == (KEY.fingerprint,)
