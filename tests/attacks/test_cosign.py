"""Attacks on cosign signatures that are made with keys."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pyratify.config.plugin_resources import BuildResources
from pyratify.core.clock import SystemClock
from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import ConfigurationError
from pyratify.core.executor import Executor
from pyratify.core.key import KeyMaterial
from pyratify.core.manifest import OCI_INDEX
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import Decision
from pyratify.core.store import Discovery
from pyratify.pki.dsse import pre_authentication_encoding
from pyratify.pki.encoding import encode_base64
from pyratify.pki.pem import read_pem
from pyratify.sigstore.media_types import BUNDLE_TYPES
from pyratify.stores.layout.layout_store import LayoutStore
from pyratify.testing.cosign import (
    REPOSITORY,
    CosignKey,
    another_image,
    attach_bundle,
    attach_classic,
    image_bytes,
    sign_classic,
    sign_message,
    sign_statement,
    simple_signing,
    statement,
)
from pyratify.testing.cosign_faults import BUNDLE_FAULTS, CLASSIC_FAULTS
from pyratify.testing.sigstore import PrivateSigstore
from pyratify.verifiers.cosign.cosign_plugin import plugin
from pyratify.verifiers.cosign.cosign_trust_policy import CosignTrustPolicy
from pyratify.verifiers.cosign.cosign_verifier import CosignVerifier
from pyratify.verifiers.cosign.formats import CERTIFICATE_ANNOTATION
from support.cosign_setting import KEY, ONE, OTHER, Setting, is_denied, passed

MATERIAL = Path(__file__).resolve().parents[2] / "examples" / "material"
CERTIFICATE = (MATERIAL / "certs" / "ca.pem").read_text()
MALFORMED = Reason.ENVELOPE_MALFORMED


@pytest.mark.parametrize("how", ["tag", "referrer", "bundle", "message"])
async def test_atk_172_a_signature_of_another_image_does_not_count_here(how: str) -> None:
    """A good signature of A, attached to B in each way there is: refused, and still good for A."""
    setting = Setting()
    other = another_image(setting.store)
    signed = sign_classic(KEY, simple_signing(setting.image.digest))
    for image in (setting.image, other):
        if how == "bundle":
            attach_bundle(setting.store, image, sign_statement(KEY, statement(setting.image.digest)))
        elif how == "message":
            attach_bundle(setting.store, image, sign_message(KEY, image_bytes(setting.store, setting.image)))
        else:
            attach_classic(setting.store, image, signed, as_referrer=how == "referrer")
    assert (await setting.validate()).decision is Decision.ALLOW
    expected = Reason.SIG_INVALID if how == "message" else Reason.PAYLOAD_SUBJECT_MISMATCH
    assert is_denied(await setting.validate(image=other), expected)


@pytest.mark.parametrize("name", ["ghcr.io/org/other", "", "example.com/app/more:v1"])
@pytest.mark.parametrize("required", [True, False])
async def test_atk_173_the_signed_repository_is_enforced_when_required(name: str, required: bool) -> None:
    """Reported always; a reason to refuse only with `requireDockerReference`, and never instead of the digest."""
    setting = Setting()
    payload = simple_signing(setting.image.digest, reference=name)
    attach_classic(setting.store, setting.image, sign_classic(KEY, payload))
    result = await setting.validate(require_docker_reference=required)
    if required:
        assert is_denied(result, Reason.IDENTITY_MISMATCH)
    else:
        assert passed(result).data["verifiedSignatures"][0]["dockerReference"] == name


def _confused(name: str, subject: Digest) -> bytes:
    good = simple_signing(subject)
    text = json.dumps(good)
    return {
        "type missing": json.dumps({"critical": good["critical"] | {"type": None}}).encode(),
        "type of another": text.replace("cosign container", "atomic container").encode(),
        "dsse": pre_authentication_encoding("application/vnd.in-toto+json", text.encode()),
        "extra key": json.dumps(good | {"extra": 1}).encode(),
        "duplicate key": text.replace('"type"', '"type": "x", "type"', 1).encode(),
        "statement": json.dumps(statement(subject)).encode(),
    }[name]


@pytest.mark.parametrize(
    "name", ["type missing", "type of another", "dsse", "extra key", "duplicate key", "statement"]
)
async def test_atk_174_another_document_by_the_same_key_is_no_signature(name: str) -> None:
    """Only a payload of exactly simple signing counts, whatever else the key has signed."""
    setting = Setting()
    attach_classic(setting.store, setting.image, sign_classic(KEY, _confused(name, setting.image.digest)))
    assert is_denied(await setting.validate(), Reason.PAYLOAD_TYPE)


@pytest.mark.parametrize("valid_first", [True, False])
@pytest.mark.parametrize("layered", [True, False])
async def test_atk_175_annotations_and_validity_are_of_one_signature(
    valid_first: bool, layered: bool
) -> None:
    """One has the annotation and a wrong key, the other a right key and no annotation: neither counts."""
    setting = Setting()
    digest = setting.image.digest
    signatures = [
        sign_classic(KEY, simple_signing(digest)),
        sign_classic(OTHER, simple_signing(digest, optional={"env": "prod"})),
    ]
    ordered = signatures if valid_first else signatures[::-1]
    for group in [ordered] if layered else [[each] for each in ordered]:
        attach_classic(setting.store, setting.image, *group)
    result = await setting.validate(annotations={"env": "prod"})
    assert is_denied(result, Reason.METADATA_MISMATCH)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"scopes": ["example.com"], "ignoreTLog": True},
        {"certificateIdentityRegex": ".*"},
        {"certificateOIDCIssuer": "https://issuer.example"},
        {"certificateIdentityRegex": ".*", "certificateOIDCIssuerRegex": ".*"},
        {"certificateIdentity": "a@example.com"},
    ],
)
async def test_atk_184_a_policy_that_trusts_any_identity_is_refused(parameters: dict[str, Any]) -> None:
    """Neither keys nor whole identities: an issuer without a subject, a subject without an issuer, or every signer."""
    options = msgspec.convert({"trustPolicies": [parameters]}, plugin.options)
    with pytest.raises(ConfigurationError, match=r"trustPolicies\[0\]"):
        await plugin.build("cosign", options, BuildResources(SystemClock(), Path()))


@pytest.mark.parametrize("how", ["tag", "bundle", "bundle-pem"])
async def test_atk_191_a_key_in_the_place_of_a_certificate_is_malformed(how: str) -> None:
    """The attacker's own key verifies the attacker's signature and is not looked at; the trusted key neither."""
    for key in (OTHER, KEY):
        setting = Setting()
        if how == "tag":
            signed = sign_classic(key, simple_signing(setting.image.digest))
            annotations = {**signed.annotations, CERTIFICATE_ANNOTATION: key.pem.decode()}
            attach_classic(setting.store, setting.image, replace(signed, annotations=annotations))
        else:
            bundle = sign_statement(key, statement(setting.image.digest))
            raw = encode_base64(key.der if how == "bundle" else key.pem)
            bundle["verificationMaterial"] = {"certificate": {"rawBytes": raw}}
            attach_bundle(setting.store, setting.image, bundle)
        assert is_denied(await setting.validate(), MALFORMED)


@pytest.mark.parametrize("how", ["tag", "bundle"])
async def test_atk_192_a_policy_of_keys_accepts_no_identity(how: str) -> None:
    """Keyless material that is good in every respect: allowed where its identity is trusted, refused where a key is."""
    setting, sigstore = Setting(), PrivateSigstore()
    digest = setting.image.digest
    if how == "tag":
        attach_classic(setting.store, setting.image, sigstore.sign_classic(simple_signing(digest)))
    else:
        attach_bundle(setting.store, setting.image, sigstore.sign_statement(statement(digest)))
    identity = CosignTrustPolicy(identities=(sigstore.identity,), trusted_root=sigstore.root)
    for policy, decision in (
        (identity, Decision.ALLOW),
        (CosignTrustPolicy(keys=(KEY.material,)), Decision.DENY),
    ):
        verifier = CosignVerifier("cosign", [policy])
        executor = Executor(store=setting.store, verifiers=(verifier,), policy=ONE)
        result = await executor.validate(Reference.parse(f"{REPOSITORY}@{digest}"))
        assert result.decision is decision, result


@pytest.mark.parametrize("how", ["tag", "bundle", "bundle-chain"])
async def test_atk_192_keyless_material_satisfies_no_policy_of_keys(how: str) -> None:
    """A real certificate with a signature that is not by a configured key."""
    setting = Setting()
    if how == "tag":
        signed = sign_classic(OTHER, simple_signing(setting.image.digest))
        annotations = {**signed.annotations, CERTIFICATE_ANNOTATION: CERTIFICATE}
        attach_classic(setting.store, setting.image, replace(signed, annotations=annotations))
    else:
        bundle = sign_statement(OTHER, statement(setting.image.digest))
        raw = {"rawBytes": encode_base64(read_pem(CERTIFICATE.encode())[0].data)}
        chain = {"x509CertificateChain": {"certificates": [raw]}}
        bundle["verificationMaterial"] = chain if how == "bundle-chain" else {"certificate": raw}
        bundle["mediaType"] = BUNDLE_TYPES[1]
        attach_bundle(setting.store, setting.image, bundle)
    assert is_denied(await setting.validate(), Reason.SIG_INVALID)


@pytest.mark.parametrize(
    ("trusted", "hinted", "allowed"),
    [
        ((KEY, OTHER), OTHER, True),
        ((OTHER, KEY), KEY, True),
        ((KEY,), KEY, False),
        ((KEY,), OTHER, False),
    ],
    ids=["second key", "hint at the wrong one", "hint at a trusted one", "hint at the attacker's"],
)
async def test_atk_195_every_configured_key_is_tried_and_no_other(
    trusted: tuple[CosignKey, ...], hinted: CosignKey, allowed: bool
) -> None:
    """Signed by the second key: good where it is configured, wherever the hint points."""
    setting = Setting()
    bundle = sign_statement(OTHER, statement(setting.image.digest))
    bundle["verificationMaterial"]["publicKey"]["hint"] = hinted.hint
    attach_bundle(setting.store, setting.image, bundle)
    attach_classic(setting.store, setting.image, sign_classic(OTHER, simple_signing(setting.image.digest)))
    result = await setting.validate(*trusted)
    assert (result.decision is Decision.ALLOW) is allowed
    assert allowed or is_denied(result, Reason.SIG_INVALID)


@pytest.mark.parametrize(
    "digest",
    [
        {"algorithm": "SHA2_256", "digest": encode_base64(bytes.fromhex(Digest.of(b"other").hex))},
        {"algorithm": "SHA2_256", "digest": ""},
        {"algorithm": "HASH_ALGORITHM_UNSPECIFIED", "digest": encode_base64(b"x" * 32)},
        {"algorithm": "SHA3_256", "digest": encode_base64(b"x" * 32)},
        {"digest": encode_base64(b"x" * 32)},
        {"algorithm": "SHA2_512"},
        {},
        None,
    ],
    ids=str,
)
async def test_atk_196_the_message_digest_is_the_artifacts(digest: dict[str, str] | None) -> None:
    """Of another artifact, empty, unspecified, unknown or absent: refused, though the signature is good."""
    setting = Setting()
    bundle = sign_message(KEY, image_bytes(setting.store, setting.image))
    bundle["messageSignature"]["messageDigest"] = digest
    attach_bundle(setting.store, setting.image, bundle)
    assert is_denied(await setting.validate(), Reason.SIG_INVALID)


@pytest.mark.parametrize(
    ("kind", "algorithm"), [("p256", "sha512"), ("p521", "sha256"), ("rsa-2048", "sha512")]
)
async def test_atk_196_the_message_digest_is_the_one_that_was_signed(kind: str, algorithm: str) -> None:
    """A right digest of the right artifact, by another hash than the signature's: not a pair that any signer makes."""
    setting, key = Setting(), CosignKey.generate(kind)
    image = image_bytes(setting.store, setting.image)
    bundle = sign_message(key, image)
    value = encode_base64(bytes.fromhex(Digest.of(image, algorithm).hex))
    named = {"algorithm": algorithm.replace("sha", "SHA2_"), "digest": value}
    bundle["messageSignature"]["messageDigest"] = named
    attach_bundle(setting.store, setting.image, bundle)
    assert is_denied(await setting.validate(key), Reason.SIG_INVALID)


@pytest.mark.parametrize(
    "name",
    [
        "unknown-version",
        "both-contents",
        "no-content",
        "both-materials",
        "no-material",
        "unknown-member",
        "snake-case",
    ],
)
async def test_atk_197_a_bundle_is_read_in_one_way_only(name: str) -> None:
    """Unknown versions and members, and both of two alternatives."""
    setting = Setting()
    attach_bundle(setting.store, setting.image, BUNDLE_FAULTS[name].make(KEY, setting.image.digest))
    assert is_denied(await setting.validate(), MALFORMED)


async def test_atk_198_a_cosign_tag_that_names_an_index_is_refused() -> None:
    """Its entries are not looked at."""
    setting = Setting()
    index = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}).encode()
    descriptor = setting.store.add_manifest(index, media_type=OCI_INDEX)
    setting.store.list_under(setting.image.digest, descriptor, Discovery.COSIGN_TAG)
    assert is_denied(await setting.validate(), Reason.MEDIATYPE_MISMATCH)


async def test_atk_198_a_cosign_tag_with_foreign_layers_is_refused() -> None:
    """What calls itself a signature and is something else; what does not even call itself one is no evidence."""
    setting = Setting()
    foreign = CLASSIC_FAULTS["foreign-layer"].make(KEY, setting.image.digest)
    attach_classic(setting.store, setting.image, foreign)
    assert (await setting.validate()).decision is Decision.DENY
    attach_classic(setting.store, setting.image, foreign, as_referrer=True)
    assert is_denied(await setting.validate(), Reason.MEDIATYPE_MISMATCH)


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
async def test_atk_198_a_cosign_tag_that_was_moved_is_bound_by_its_payload(algorithm: str) -> None:
    """The older signature is another image's, under either form of the tag."""
    setting = Setting()
    old = another_image(setting.store)
    image = setting.image
    if algorithm == "sha512":
        data = image_bytes(setting.store, image)
        image = Descriptor(image.media_type, Digest.of(data, "sha512"), len(data))
        setting.store.manifests[image.digest] = data
        setting.store.types[image.digest] = image.media_type
    attach_classic(setting.store, image, sign_classic(KEY, simple_signing(old.digest)))
    assert is_denied(await setting.validate(image=image), Reason.PAYLOAD_SUBJECT_MISMATCH)


async def test_atk_198_annotations_name_no_other_repository_of_signatures() -> None:
    """Only what the store lists is read, whatever the image or the signature says."""
    setting = Setting()
    signed = sign_classic(KEY, simple_signing(setting.image.digest))
    override = {"dev.cosignproject.cosign/repository": "evil.example/signatures"}
    attach_classic(
        setting.store, setting.image, replace(signed, annotations={**signed.annotations, **override})
    )
    assert (await setting.validate()).decision is Decision.ALLOW
    assert not [what for _, what in setting.store.calls if "evil" in what]


@pytest.mark.parametrize("allowed", [True, False])
async def test_atk_198_cosign_tags_are_looked_for_only_where_they_are_allowed(allowed: bool) -> None:
    """Really signed by cosign 2.6.5, in a layout."""
    store = LayoutStore(MATERIAL / "layout", allow_bare_tags=True, allow_cosign_tag=allowed)
    key = KeyMaterial((MATERIAL / "keys" / "cosign.pub").read_bytes(), "cosign.pub")
    verifier = CosignVerifier("cosign", [CosignTrustPolicy(keys=(key,))])
    executor = Executor(store=store, verifiers=(verifier,), policy=ONE)
    result = await executor.validate(Reference.parse("example.com/demo:cosign-v2"))
    assert result.error is None
    assert (result.decision is Decision.ALLOW) is allowed


@pytest.mark.parametrize("name", ["many-log-entries", "many-timestamps", "many-signatures", "many-subjects"])
async def test_atk_199_long_lists_are_refused_before_they_are_read(name: str) -> None:
    """Ten thousand of each."""
    setting = Setting()
    attach_bundle(setting.store, setting.image, BUNDLE_FAULTS[name].make(KEY, setting.image.digest))
    assert is_denied(await setting.validate(), Reason.PARSE_LIMIT)


@pytest.mark.parametrize(
    ("subjects", "digests", "allowed"), [(1024, 1, True), (1025, 1, False), (1, 32, True), (1, 33, False)]
)
async def test_atk_199_the_limits_are_exact(subjects: int, digests: int, allowed: bool) -> None:
    """Up to 1,024 subjects with 32 digests each, one of them the image."""
    setting = Setting()
    document = statement(setting.image.digest)
    (own,) = document["subject"]
    own["digest"] |= {f"x{number}": "00" for number in range(digests - 1)}
    document["subject"] = [{"digest": {"sha256": "0" * 64}}] * (subjects - 1) + [own]
    attach_bundle(setting.store, setting.image, sign_statement(KEY, document))
    result = await setting.validate()
    assert (result.decision is Decision.ALLOW) is allowed
    assert allowed or is_denied(result, Reason.PARSE_LIMIT)
