"""A signer of cosign signatures, for tests: classic simple signing and sigstore bundles, good ones.

`pyratify.testing.cosign_faults` makes each of them broken in one chosen way.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import field
from typing import Any, Self

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pyratify.core.dataclass import dataclass
from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.key import KeyMaterial
from pyratify.core.manifest import OCI_MANIFEST
from pyratify.core.store import Discovery
from pyratify.pki.dsse import pre_authentication_encoding
from pyratify.pki.encoding import encode_base64
from pyratify.pki.public_keys import spki_fingerprint
from pyratify.sigstore.in_toto import STATEMENT_TYPES
from pyratify.sigstore.media_types import BUNDLE, IN_TOTO
from pyratify.testing.memory import MemoryStore, make_manifest
from pyratify.verifiers.cosign.cosign_trust_policy import SIGN_PREDICATE
from pyratify.verifiers.cosign.formats import SIGNATURE_ANNOTATION, SIGNATURE_ARTIFACT, SIMPLE_SIGNING
from pyratify.verifiers.cosign.simple_signing_payload import SIGNATURE_TYPE

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
KINDS = ("p256", "p384", "p521", "rsa-2048", "rsa-3072", "ed25519")
REPOSITORY = "example.com/app"
_CURVES: Mapping[str, ec.EllipticCurve] = {
    "p256": ec.SECP256R1(),
    "p384": ec.SECP384R1(),
    "p521": ec.SECP521R1(),
}
# The hash that sigstore's algorithm-registry.md pairs with each curve; others here use SHA-256.
_HASHES: Mapping[str, hashes.HashAlgorithm] = {
    "p384": hashes.SHA384(),
    "p521": hashes.SHA512(),
}


@dataclass(frozen=True, slots=True)
class CosignKey:
    """A key pair for tests.

    Attributes:
        private: The private key.
        kind: One of `KINDS`.
    """

    private: PrivateKey = field(repr=False)
    kind: str

    @classmethod
    def generate(cls, kind: str = "p256") -> Self:
        """Make a fresh key of one of the `KINDS`."""
        if kind == "ed25519":
            return cls(ed25519.Ed25519PrivateKey.generate(), kind)
        if kind.startswith("rsa-"):
            return cls(rsa.generate_private_key(65537, int(kind.removeprefix("rsa-"))), kind)
        return cls(ec.generate_private_key(_CURVES[kind]), kind)

    @property
    def pem(self) -> bytes:
        """The public key as cosign writes it."""
        return self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    @property
    def der(self) -> bytes:
        """The public key in DER."""
        return self.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    @property
    def material(self) -> KeyMaterial:
        """The public key as a key provider delivers it."""
        return KeyMaterial(self.pem, f"test key {self.kind}")

    @property
    def fingerprint(self) -> str:
        """The signer's identity in reports."""
        return spki_fingerprint(self.private.public_key())

    @property
    def hint(self) -> str:
        """The hint that cosign writes into bundles."""
        # Unauthenticated (sigstore_common.proto, `hint`): it helps to find a key and proves nothing.
        return base64.b64encode(bytes.fromhex(self.fingerprint.rpartition(":")[2])).decode()

    def sign(self, message: bytes, scheme: str = "") -> bytes:
        """Sign as cosign does; `sha256` signs with that hash on any curve, `pss` with RSA-PSS."""
        if isinstance(self.private, ed25519.Ed25519PrivateKey):
            return self.private.sign(message)
        if isinstance(self.private, rsa.RSAPrivateKey):
            pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.MAX_LENGTH)
            pad = pss if scheme == "pss" else padding.PKCS1v15()
            return self.private.sign(message, pad, hashes.SHA256())
        # SIGNATURE_SPEC.md, "Hashing Algorithms": SHA-256, whatever the curve.
        own = hashes.SHA256() if scheme == "sha256" else _HASHES.get(self.kind, hashes.SHA256())
        return self.private.sign(message, ec.ECDSA(own))


@dataclass(frozen=True, slots=True)
class ClassicSignature:
    """One layer of a classic signature manifest.

    Attributes:
        payload: What was signed.
        annotations: The layer's annotations, the signature among them.
        media_type: The layer's type.
    """

    payload: bytes
    annotations: Mapping[str, str]
    media_type: str = SIMPLE_SIGNING


def simple_signing(
    subject: Digest, *, reference: str = REPOSITORY, optional: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return a payload of simple signing, not yet bytes."""
    critical = {
        "identity": {"docker-reference": reference},
        "image": {"docker-manifest-digest": str(subject)},
        "type": SIGNATURE_TYPE,
    }
    # Go writes a nil map as null, so verifiers meet both.
    return {"critical": critical, "optional": dict(optional) if optional else None}


def sign_classic(key: CosignKey, payload: Mapping[str, Any] | bytes, scheme: str = "") -> ClassicSignature:
    """Sign a payload; bytes are signed as they are."""
    # Without spaces, as Go's encoder writes it.
    data = payload if isinstance(payload, bytes) else json.dumps(payload, separators=(",", ":")).encode()
    return ClassicSignature(data, {SIGNATURE_ANNOTATION: encode_base64(key.sign(data, scheme))})


def attach_classic(
    store: MemoryStore, image: Descriptor, *signatures: ClassicSignature, as_referrer: bool = False
) -> Descriptor:
    """Attach signatures in one manifest: under cosign's tag, or as a referrer."""
    layers = [_layer(store, signature) for signature in signatures]
    if as_referrer:
        manifest = make_manifest(artifact_type=SIGNATURE_ARTIFACT, layers=layers, subject=image)
        descriptor = store.add_manifest(manifest)
        store.list_under(image.digest, descriptor)
        return descriptor
    # An image's config type, as cosign writes it (SIGNATURE_SPEC.md, "Object Types"), and no artifactType.
    config = Descriptor("application/vnd.oci.image.config.v1+json", Digest.of(b"{}"), 2)
    # SIGNATURE_SPEC.md, "Tag-based Discovery".
    tag = f"{image.digest.algorithm}-{image.digest.hex}.sig"
    descriptor = store.add_manifest(make_manifest(layers=layers, config=config), tag=tag)
    store.list_under(image.digest, descriptor, Discovery.COSIGN_TAG)
    return descriptor


def statement(
    subject: Digest,
    *,
    predicate_type: str = SIGN_PREDICATE,
    annotations: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return an in-toto statement as cosign 3 signs it, not yet bytes."""
    about = {"digest": {subject.algorithm: subject.hex}, "annotations": dict(annotations or {})}
    return {"_type": STATEMENT_TYPES[0], "subject": [about], "predicateType": predicate_type, "predicate": {}}


def sign_statement(
    key: CosignKey, payload: Mapping[str, Any] | bytes, *, payload_type: str = IN_TOTO, scheme: str = ""
) -> dict[str, Any]:
    """Return a bundle with a DSSE envelope around a statement; bytes are signed as they are."""
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    # The type is signed with the payload (DSSE protocol.md): else one could be taken for another kind.
    signature = key.sign(pre_authentication_encoding(payload_type, data), scheme)
    envelope = {
        "payload": encode_base64(data),
        "payloadType": payload_type,
        "signatures": [{"sig": encode_base64(signature)}],
    }
    return _bundle(key, "dsseEnvelope", envelope)


def sign_message(key: CosignKey, message: bytes, scheme: str = "") -> dict[str, Any]:
    """Return a bundle with a signature over the artifact's own bytes."""
    # The hash of the digest must be the one that the key signs with.
    algorithm = {"p384": "sha384", "p521": "sha512"}.get(key.kind, "sha256")
    digest = bytes.fromhex(Digest.of(message, algorithm).hex)
    content = {
        "messageDigest": {
            "algorithm": algorithm.replace("sha", "SHA2_"),
            "digest": encode_base64(digest),
        },
        "signature": encode_base64(key.sign(message, scheme)),
    }
    return _bundle(key, "messageSignature", content)


def attach_bundle(store: MemoryStore, image: Descriptor, bundle: Mapping[str, Any] | bytes) -> Descriptor:
    """Attach a bundle as cosign 3 does; bytes as they are."""
    data = bundle if isinstance(bundle, bytes) else json.dumps(bundle).encode()
    return store.attach(image, BUNDLE, (BUNDLE, data))


def image_bytes(store: MemoryStore, image: Descriptor) -> bytes:
    """Return the bytes of an image's manifest, which message signatures sign."""
    return store.manifests[image.digest]


def another_image(store: MemoryStore, content: bytes = b"another") -> Descriptor:
    """Add an image that shares nothing with the one of `MemoryStore.add_image`."""
    layer = store.add_blob(content, "application/vnd.oci.image.layer.v1.tar")
    return store.add_manifest(make_manifest(layers=[layer]), media_type=OCI_MANIFEST)


def _layer(store: MemoryStore, signature: ClassicSignature) -> Descriptor:
    blob = store.add_blob(signature.payload, signature.media_type)
    return Descriptor(blob.media_type, blob.digest, blob.size, annotations=signature.annotations)


def _bundle(key: CosignKey, name: str, content: Mapping[str, Any]) -> dict[str, Any]:
    material = {"publicKey": {"hint": key.hint}}
    return {"mediaType": BUNDLE, "verificationMaterial": material, name: content}
