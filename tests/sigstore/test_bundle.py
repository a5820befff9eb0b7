"""Sigstore bundles as cosign 3 attaches them, signed with a key."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificate

from pyratify.core.errors import StoreError
from pyratify.core.reason import Reason
from pyratify.core.report import Decision
from pyratify.pki.encoding import encode_base64
from pyratify.sigstore.media_types import BUNDLE, BUNDLE_TYPES
from pyratify.testing.cosign import (
    KINDS,
    CosignKey,
    attach_bundle,
    image_bytes,
    sign_message,
    sign_statement,
    statement,
)
from pyratify.testing.cosign_faults import BUNDLE_FAULTS
from pyratify.testing.memory import make_manifest
from support.cosign_setting import KEY, OTHER, Setting, is_denied, passed, reasons
from verifiers.cosign.test_simple_signing import SCHEMES

PROVENANCE = "https://slsa.dev/provenance/v1"


@pytest.mark.parametrize(("kind", "scheme"), SCHEMES)
async def test_an_envelope_of_every_kind_of_key_counts(kind: str, scheme: str) -> None:
    """ECDSA with the curve's hash or SHA-256, RSA in both paddings, Ed25519."""
    key, setting = CosignKey.generate(kind), Setting()
    attach_bundle(
        setting.store, setting.image, sign_statement(key, statement(setting.image.digest), scheme=scheme)
    )
    assert passed(await setting.validate(key)).signers == (key.fingerprint,)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_message_signature_of_every_kind_of_key_counts(kind: str) -> None:
    """It signs the subject's manifest itself."""
    key, setting = CosignKey.generate(kind), Setting()
    attach_bundle(setting.store, setting.image, sign_message(key, image_bytes(setting.store, setting.image)))
    assert passed(await setting.validate(key)).signers == (key.fingerprint,)


@pytest.mark.parametrize("name", BUNDLE_FAULTS)
async def test_a_broken_bundle_is_refused_for_its_reason(name: str) -> None:
    """Every way of the test kit to break a bundle has the reason that it states."""
    setting, fault = Setting(), BUNDLE_FAULTS[name]
    attach_bundle(setting.store, setting.image, fault.make(KEY, setting.image.digest))
    result = await setting.validate()
    assert is_denied(result, fault.reason)
    assert reasons(result) == {fault.reason}


@pytest.mark.parametrize("media_type", BUNDLE_TYPES)
async def test_every_known_version_is_read(media_type: str) -> None:
    """0.1, 0.2, and 0.3 in both spellings."""
    setting = Setting()
    bundle = sign_statement(KEY, statement(setting.image.digest)) | {"mediaType": media_type}
    setting.store.attach(setting.image, media_type, (media_type, json.dumps(bundle).encode()))
    data = passed(await setting.validate()).data
    assert (data["format"], data["signer"]) == ("sigstore-bundle", KEY.fingerprint)
    assert "createdAt" not in data


async def test_a_bundle_is_known_by_its_layer_too() -> None:
    """A registry or a copying tool may have lost the artifact type."""
    setting = Setting()
    data = json.dumps(sign_statement(KEY, statement(setting.image.digest))).encode()
    setting.store.attach(setting.image, "application/vnd.oci.empty.v1+json", (BUNDLE, data))
    assert passed(await setting.validate()).signers == (KEY.fingerprint,)


@pytest.mark.parametrize("layers", [(), (BUNDLE, BUNDLE), ("application/json",)])
async def test_a_manifest_has_exactly_one_bundle(layers: tuple[str, ...]) -> None:
    """None, two, or something else: refused, even where one would be good."""
    setting = Setting()
    data = json.dumps(sign_statement(KEY, statement(setting.image.digest))).encode()
    setting.store.attach(setting.image, BUNDLE, *((layer, data) for layer in layers))
    assert is_denied(await setting.validate(), Reason.ENVELOPE_MALFORMED)


@pytest.mark.parametrize(
    "hint", ["", "anything", OTHER.hint, None], ids=["empty", "anything", "another", "none"]
)
async def test_the_hint_selects_nothing(hint: str | None) -> None:
    """Whatever the signer hints at, the configured keys are tried and no others."""
    setting = Setting()
    bundle = sign_statement(KEY, statement(setting.image.digest))
    bundle["verificationMaterial"]["publicKey"] = {} if hint is None else {"hint": hint}
    attach_bundle(setting.store, setting.image, bundle)
    assert passed(await setting.validate(OTHER, KEY)).signers == (KEY.fingerprint,)
    assert is_denied(await setting.validate(OTHER), Reason.SIG_INVALID)


async def test_an_envelope_may_repeat_the_hint() -> None:
    """Both must then name the same key (sigstore_bundle.proto)."""
    setting = Setting()
    bundle = sign_statement(KEY, statement(setting.image.digest))
    bundle["dsseEnvelope"]["signatures"][0]["keyid"] = KEY.hint
    attach_bundle(setting.store, setting.image, bundle)
    assert passed(await setting.validate()).signers == (KEY.fingerprint,)


@pytest.mark.parametrize("place", ["envelope", "signature"])
async def test_an_envelope_in_a_bundle_has_no_other_members(place: str) -> None:
    """As protobuf's JSON mapping has it; DSSE by itself ignores them."""
    setting = Setting()
    bundle = sign_statement(KEY, statement(setting.image.digest))
    envelope = bundle["dsseEnvelope"]
    (envelope if place == "envelope" else envelope["signatures"][0])["cert"] = "x"
    attach_bundle(setting.store, setting.image, bundle)
    assert is_denied(await setting.validate(), Reason.ENVELOPE_MALFORMED)


async def test_an_envelope_may_be_written_in_url_safe_base64() -> None:
    """DSSE has both alphabets; what is signed is the payload and not its spelling."""
    setting = Setting()
    bundle = sign_statement(KEY, statement(setting.image.digest))
    envelope = bundle["dsseEnvelope"]
    spelling = str.maketrans("+/", "-_")
    envelope["payload"] = envelope["payload"].translate(spelling)
    envelope["signatures"][0]["sig"] = envelope["signatures"][0]["sig"].translate(spelling)
    attach_bundle(setting.store, setting.image, bundle)
    assert passed(await setting.validate()).signers == (KEY.fingerprint,)


async def test_log_entries_and_timestamps_are_counted_and_add_nothing() -> None:
    """Beside a configured key they are not looked at, and the report says so."""
    setting = Setting()
    bundle = sign_statement(KEY, statement(setting.image.digest))
    material = bundle["verificationMaterial"]
    material["tlogEntries"] = [{"logIndex": "1", "inclusionProof": {}}] * 2
    material["timestampVerificationData"] = {"rfc3161Timestamps": [{"signedTimestamp": "MAA="}]}
    attach_bundle(setting.store, setting.image, bundle)
    (entry,) = passed(await setting.validate()).data["verifiedSignatures"]
    assert entry["notChecked"] == {"logEntries": 2, "timestamps": 1}
    assert is_denied(await setting.validate(OTHER), Reason.SIG_INVALID)


@pytest.mark.parametrize(
    "place",
    [
        {"tlogEntries": [{"surprise": 1}]},
        {"tlogEntries": {}},
        {"timestampVerificationData": {"rfc3161Timestamps": [{}]}},
        {"timestampVerificationData": []},
        {"publicKey": {"hint": 1}},
        {"publicKey": {"rawBytes": "AA=="}},
    ],
)
async def test_material_of_the_wrong_shape_is_malformed(place: dict[str, Any]) -> None:
    """Also where its meaning is not used."""
    setting = Setting()
    bundle = sign_statement(KEY, statement(setting.image.digest))
    bundle["verificationMaterial"].update(place)
    attach_bundle(setting.store, setting.image, bundle)
    assert is_denied(await setting.validate(), Reason.ENVELOPE_MALFORMED)


@pytest.mark.parametrize("form", ["certificate", "x509CertificateChain"])
async def test_a_certificate_is_no_key(certificate: bytes, form: str) -> None:
    """A keyless bundle never satisfies a policy that trusts keys, even where the key made its signature."""
    setting = Setting()
    bundle = sign_statement(KEY, statement(setting.image.digest))
    raw = {"rawBytes": encode_base64(load_pem_x509_certificate(certificate).public_bytes(Encoding.DER))}
    bundle["verificationMaterial"] = {form: raw if form == "certificate" else {"certificates": [raw]}}
    bundle["mediaType"] = BUNDLE_TYPES[1]
    attach_bundle(setting.store, setting.image, bundle)
    assert is_denied(await setting.validate(), Reason.SIG_INVALID)


@pytest.mark.parametrize("index", range(len(BUNDLE_TYPES)))
async def test_only_older_bundles_bring_a_certificate_chain(certificate: bytes, index: int) -> None:
    """Since version 0.3 there is one certificate and no chain, as cosign has it."""
    setting = Setting()
    bundle = sign_statement(KEY, statement(setting.image.digest))
    raw = {"rawBytes": encode_base64(load_pem_x509_certificate(certificate).public_bytes(Encoding.DER))}
    bundle["verificationMaterial"] = {"x509CertificateChain": {"certificates": [raw]}}
    bundle["mediaType"] = BUNDLE_TYPES[index]
    attach_bundle(setting.store, setting.image, bundle)
    reason = Reason.SIG_INVALID if index < 2 else Reason.CHAIN_UNTRUSTED
    assert is_denied(await setting.validate(), reason)


@pytest.mark.parametrize(
    ("index", "member", "is_good"),
    [
        (0, "inclusionPromise", True),
        (0, "inclusionProof", False),
        (1, "inclusionProof", True),
        (1, "inclusionPromise", False),
        (3, "inclusionProof", True),
        (3, "inclusionPromise", False),
    ],
)
async def test_log_entries_have_what_their_version_asks_for_even_if_it_is_not_used(
    index: int, member: str, is_good: bool
) -> None:
    """Beside a key alone, where entries prove nothing that is asked for."""
    setting = Setting()
    bundle = sign_statement(KEY, statement(setting.image.digest))
    bundle["mediaType"] = BUNDLE_TYPES[index]
    bundle["verificationMaterial"]["tlogEntries"] = [{member: {}}]
    attach_bundle(setting.store, setting.image, bundle)
    result = await setting.validate()
    if is_good:
        assert passed(result)
    else:
        assert is_denied(result, Reason.TLOG_PROOF_INVALID)


async def test_other_predicates_count_when_they_are_named() -> None:
    """An attestation is no signature unless the policy says so; also of the older kind of statement."""
    setting = Setting()
    document = statement(setting.image.digest, predicate_type=PROVENANCE)
    document["_type"] = "https://in-toto.io/Statement/v0.1"
    attach_bundle(setting.store, setting.image, sign_statement(KEY, document))
    assert is_denied(await setting.validate(), Reason.PAYLOAD_TYPE)
    (entry,) = passed(await setting.validate(predicate_types=(PROVENANCE,))).data["verifiedSignatures"]
    assert entry["predicateType"] == PROVENANCE


@pytest.mark.parametrize(
    ("signed", "counts"), [({"team": "blue", "n": "1"}, True), ({"team": "red"}, False), (None, False)]
)
async def test_required_annotations_are_those_of_the_statements_subject(
    signed: dict[str, str] | None, counts: bool
) -> None:
    """Where cosign 3 writes them."""
    setting = Setting()
    attach_bundle(
        setting.store,
        setting.image,
        sign_statement(KEY, statement(setting.image.digest, annotations=signed)),
    )
    result = await setting.validate(annotations={"team": "blue"})
    assert (result.decision is Decision.ALLOW) is counts
    assert counts or reasons(result) == {Reason.METADATA_MISMATCH}


async def test_annotations_of_another_subject_do_not_count() -> None:
    """They were signed for something else."""
    setting = Setting()
    document = statement(setting.image.digest)
    other = statement(setting.store.add_image("v2", b"2").digest, annotations={"team": "blue"})
    document["subject"] += other["subject"]
    attach_bundle(setting.store, setting.image, sign_statement(KEY, document))
    assert is_denied(await setting.validate(annotations={"team": "blue"}), Reason.METADATA_MISMATCH)


@pytest.mark.parametrize(
    "terms", [{"annotations": {"team": "blue"}}, {"require_docker_reference": True}], ids=str
)
async def test_a_message_signature_says_nothing_that_could_be_required(terms: dict[str, Any]) -> None:
    """It signs bytes and no claims."""
    setting = Setting()
    attach_bundle(setting.store, setting.image, sign_message(KEY, image_bytes(setting.store, setting.image)))
    assert (await setting.validate()).decision is Decision.ALLOW
    assert (await setting.validate(**terms)).decision is Decision.DENY


async def test_a_subject_that_cannot_be_read_leaves_a_message_signature_open() -> None:
    """Its bytes are what is signed."""
    setting = Setting()
    attach_bundle(setting.store, setting.image, sign_message(KEY, image_bytes(setting.store, setting.image)))
    setting.store.faults[setting.image.digest] = StoreError(Reason.REGISTRY_UNREACHABLE, "gone")
    result = await setting.validate()
    assert result.error is not None
    assert result.error.reason is Reason.REGISTRY_UNREACHABLE


async def test_an_image_index_is_never_a_bundle() -> None:
    """Whatever type it claims."""
    setting = Setting()
    data = make_manifest(artifact_type=BUNDLE, subject=setting.image)
    document = {k: v for k, v in json.loads(data).items() if k not in ("config", "layers", "mediaType")}
    index = json.dumps(document | {"manifests": []}).encode()
    descriptor = setting.store.add_manifest(index, media_type="application/vnd.oci.image.index.v1+json")
    setting.store.list_under(setting.image.digest, descriptor)
    result = await setting.validate()
    assert result.decision is Decision.DENY
    assert [report.results for report in result.artifacts] == [()]
