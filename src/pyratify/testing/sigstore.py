"""A private Sigstore for tests: certificate authority, certificate log, signature logs of both kinds, timestamp authority.

sigstore = PrivateSigstore()
bundle = sigstore.sign_statement(statement(digest))
policy = CosignTrustPolicy(identities=(sigstore.identity,), trusted_root=sigstore.root)
sigstore.sign_statement(statement(digest), Signing(sct="none"))

Every key is generated at run time and trusted nowhere.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pyratify.core.dataclass import dataclass
from pyratify.core.key import KeyMaterial
from pyratify.pki.asn1 import OCTET_STRING, encode
from pyratify.pki.dsse import pre_authentication_encoding
from pyratify.pki.encoding import encode_base64
from pyratify.pki.times import format_time
from pyratify.sigstore.classic_annotations import ENTRY_ANNOTATION, TIMESTAMP_ANNOTATION
from pyratify.sigstore.fulcio import ARC, ISSUER_V1, ISSUER_V2, USERNAME
from pyratify.sigstore.identity import CertificateIdentity
from pyratify.sigstore.media_types import BUNDLE, IN_TOTO
from pyratify.testing.certificates import authority, make_key, pem
from pyratify.testing.cosign import ClassicSignature, CosignKey
from pyratify.testing.sigstore_certificates import identifiers, leaf_extensions
from pyratify.testing.sigstore_log import TestLog, hashedrekord, log_dsse, serialized_sct
from pyratify.testing.timestamps import TokenRecipe, make_response, make_token, timestamp_authority
from pyratify.verifiers.cosign.formats import CERTIFICATE_ANNOTATION, SIGNATURE_ANNOTATION

ISSUER = "https://issuer.example.com"
SUBJECT = "signer@example.com"
SIGNED_AT = datetime(2026, 1, 1, 12, 0, 5, tzinfo=UTC)
_SCT_LIST = "1.3.6.1.4.1.11129.2.4.2"
_UTF8 = 0x0C


def utf8(text: str) -> bytes:
    """Return a text as the newer extensions hold it, a UTF8String in DER."""
    return encode(_UTF8, text.encode())


def username(text: str) -> x509.GeneralName:
    """Return the subject alternative name of a user without an address."""
    return x509.OtherName(x509.ObjectIdentifier(USERNAME), utf8(text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """How a signature is made; without arguments a good one.

    Attributes:
        names: The subject alternative names.
        issuers: The issuer extensions: values by object identifier.
        extensions: More extensions of the certificate authority: values by object identifier.
        kind: The kind of key.
        at: When the signature is made; the certificate is five seconds older.
        life: How long the certificate lives.
        sct: `good`, `none`, `forged`, `unknown` (of a log that is not trusted), `early` (before the log's key) or `two` (of
            the second log too).
        log: 1 or 2, the version of the signature log; 0 for no entry.
        promise: Whether a log of version 1 promises inclusion, and so says when.
        proof: Whether there is a proof of inclusion.
        stamp: Whether the timestamp authority stamps the signature; by itself where the log says no time.
        key: A key of one's own to sign with, without any certificate.
    """

    names: tuple[x509.GeneralName, ...] = (x509.RFC822Name(SUBJECT),)
    issuers: Mapping[str, bytes] = field(
        default_factory=lambda: {ISSUER_V1: ISSUER.encode(), ISSUER_V2: utf8(ISSUER)}, hash=False
    )
    extensions: Mapping[str, bytes] = field(default_factory=dict, hash=False)
    kind: str = "p256"
    at: datetime = SIGNED_AT
    life: timedelta = timedelta(minutes=10)
    sct: str = "good"
    log: int = 1
    promise: bool = True
    proof: bool = True
    stamp: bool | None = None
    key: CosignKey | None = None

    @property
    def is_stamped(self) -> bool:
        """Whether a timestamp is made."""
        # A certificate lives for minutes, so every signature needs some proof of its time.
        return self.stamp if self.stamp is not None else not (self.log == 1 and self.promise)


GOOD = Signing()


@dataclass(frozen=True, slots=True)
class Signer:
    """A certificate with its key, or a key alone.

    Attributes:
        der: The certificate, or the public key.
        key: The key.
        bare: Whether there is no certificate.
    """

    der: bytes
    key: CosignKey
    bare: bool = False

    @property
    def material(self) -> dict[str, Any]:
        """How a bundle names the signer."""
        if self.bare:
            return {"publicKey": {"hint": self.key.hint}}
        return {"certificate": {"rawBytes": encode_base64(self.der)}}


class PrivateSigstore:
    """An instance of Sigstore with fresh keys.

    Args:
        name: Tells instances apart: two of one name have the same keys.

    Attributes:
        intermediate: Issues signing certificates.
        certificates: The certificate log.
        more_certificates: A second one, which the trusted root does not name by itself.
        logs: The signature logs, by version.
        tsa: The timestamp authority.
    """

    def __init__(self, name: str = "sigstore") -> None:
        root, below = (make_key("p256", f"{name} {which}#0") for which in ("root", "intermediate"))
        self._root = authority(f"{name} root", extensions=identifiers(root))
        both = identifiers(below, root)
        # A path length of 0: it issues signing certificates and no further authority.
        self.intermediate = authority(
            f"{name} intermediate", issuer=self._root, path_length=0, extensions=both
        )
        self.certificates = TestLog(make_key("p256", f"{name} ct"), f"ct.{name}.test")
        self.more_certificates = TestLog(make_key("p256", f"{name} ct2"), f"ct2.{name}.test")
        # Rekor v1 signs with ECDSA and promises inclusion; v2 with Ed25519 and has proofs alone.
        self.logs = {
            1: TestLog(make_key("p256", f"{name} rekor"), f"rekor.{name}.test"),
            2: TestLog(make_key("ed25519", f"{name} rekor2"), f"log2.{name}.test"),
        }
        self.tsa = timestamp_authority(self._root)

    @property
    def identity(self) -> CertificateIdentity:
        """The identity of `Signing` without arguments."""
        return CertificateIdentity(subject=SUBJECT, issuer=ISSUER)

    @property
    def root(self) -> KeyMaterial:
        """The trusted root of this instance."""
        return self.root_with()

    def root_with(self, **changes: Any) -> KeyMaterial:
        """Return the trusted root with some of its members replaced."""
        document = self.root_document() | changes
        return KeyMaterial(json.dumps(document).encode(), "test trusted root")

    def root_document(self) -> dict[str, Any]:
        """Return the trusted root, not yet bytes."""
        return {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "certificateAuthorities": [_authority(self.intermediate.chain)],
            "tlogs": [log.trusted() for log in self.logs.values()],
            "ctlogs": [self.certificates.trusted()],
            "timestampAuthorities": [_authority(self.tsa.chain)],
        }

    def signer(self, signing: Signing = GOOD) -> Signer:
        """Issue a signing certificate; none for a key of one's own."""
        if signing.key is not None:
            return Signer(signing.key.der, signing.key, bare=True)
        key = CosignKey.generate(signing.kind)
        # The certificate must be older than the signature, or its time lies outside its validity.
        begin = signing.at - timedelta(seconds=5)
        parent = x509.load_der_x509_certificate(self.intermediate.der)
        builder = x509.CertificateBuilder(
            parent.subject,
            # Fulcio leaves the subject empty: the identity is in the subject alternative name alone.
            x509.Name([]),
            key.private.public_key(),
            x509.random_serial_number(),
            begin,
            begin + signing.life,
        )
        named = identifiers(key.private, self.intermediate.key)
        for extension, critical in (
            *leaf_extensions(signing.names, {**signing.issuers, **signing.extensions}),
            *named,
        ):
            builder = builder.add_extension(extension, critical)
        # Last: the timestamp covers all other extensions, in this order.
        if signing.sct != "none":
            builder = builder.add_extension(self._timestamps(builder, begin, signing.sct), critical=False)
        certificate = builder.sign(self.intermediate.key, SHA256())
        return Signer(certificate.public_bytes(Encoding.DER), key)

    def sign_statement(self, payload: Mapping[str, Any] | bytes, signing: Signing = GOOD) -> dict[str, Any]:
        """Return a bundle with an envelope around a statement; bytes are signed as they are."""
        data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        signer, message = self.signer(signing), pre_authentication_encoding(IN_TOTO, data)
        signature = signer.key.sign(message)
        if signing.log == 2:
            body = hashedrekord(2, message, signature, signer.der, bare=signer.bare)
        else:
            body = log_dsse(data, signature, signer.der, bare=signer.bare)
        envelope = {
            "payload": encode_base64(data),
            "payloadType": IN_TOTO,
            "signatures": [{"sig": encode_base64(signature)}],
        }
        return {**self._bundle(signing, signer, signature, body), "dsseEnvelope": envelope}

    def sign_message(self, message: bytes, signing: Signing = GOOD) -> dict[str, Any]:
        """Return a bundle with a signature over the artifact's own bytes."""
        signer = self.signer(signing)
        # The digest below is by SHA-256, and signature and digest have to agree whatever the curve.
        signature = signer.key.sign(message, "sha256")
        body = hashedrekord(signing.log or 1, message, signature, signer.der, bare=signer.bare)
        digest = {"algorithm": "SHA2_256", "digest": encode_base64(hashlib.sha256(message).digest())}
        content = {"messageDigest": digest, "signature": encode_base64(signature)}
        return {**self._bundle(signing, signer, signature, body), "messageSignature": content}

    def sign_classic(self, payload: Mapping[str, Any] | bytes, signing: Signing = GOOD) -> ClassicSignature:
        """Return a layer of simple signing with its annotations."""
        data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        signer = self.signer(signing)
        signature = signer.key.sign(data)
        annotations = {SIGNATURE_ANNOTATION: encode_base64(signature)}
        if not signer.bare:
            annotations[CERTIFICATE_ANNOTATION] = pem(signer.der).decode()
            annotations["dev.sigstore.cosign/chain"] = pem(*self.intermediate.chain).decode()
        if signing.log:
            body = hashedrekord(1, data, signature, signer.der, bare=signer.bare)
            annotations[ENTRY_ANNOTATION] = json.dumps(self.logs[1].annotation(body, signing.at))
        if signing.is_stamped:
            stamp = {"SignedRFC3161Timestamp": encode_base64(self.stamp(signature, signing.at))}
            annotations[TIMESTAMP_ANNOTATION] = json.dumps(stamp)
        return ClassicSignature(data, annotations)

    def stamp(self, signature: bytes, at: datetime) -> bytes:
        """Return the timestamp authority's answer for a signature."""
        return make_response(make_token(self.tsa, signature, TokenRecipe(time=at)))

    def _bundle(self, signing: Signing, signer: Signer, signature: bytes, body: bytes) -> dict[str, Any]:
        material = signer.material
        if signing.log:
            # Rekor v2 issues no signed entry timestamps (rekor-v2-spec.md, section 4.2).
            at = signing.at if signing.log == 1 and signing.promise else None
            material["tlogEntries"] = [self.logs[signing.log].entry(body, at, proof=signing.proof)]
        if signing.is_stamped:
            stamp = {"signedTimestamp": encode_base64(self.stamp(signature, signing.at))}
            material["timestampVerificationData"] = {"rfc3161Timestamps": [stamp]}
        return {"mediaType": BUNDLE, "verificationMaterial": material}

    def _timestamps(
        self, builder: x509.CertificateBuilder, begin: datetime, how: str
    ) -> x509.UnrecognizedExtension:
        # Signed only to get at the bytes that are stamped, the certificate without the list.
        body = builder.sign(self.intermediate.key, SHA256()).tbs_certificate_bytes
        issuer = self.intermediate.key.public_key()
        spki = issuer.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        log = TestLog(make_key("p256", "unknown log"), "") if how == "unknown" else self.certificates
        taken = datetime(2000, 1, 1, tzinfo=UTC) if how == "early" else begin
        singles = [
            serialized_sct(each, taken, spki, body + b"x" * (how == "forged"))
            for each in (log, *([self.more_certificates] if how == "two" else ()))
        ]
        # Two-byte lengths, of each timestamp and of the list (RFC 6962, section 3.3).
        every = b"".join(len(single).to_bytes(2, "big") + single for single in singles)
        listed = len(every).to_bytes(2, "big") + every
        return x509.UnrecognizedExtension(x509.ObjectIdentifier(_SCT_LIST), encode(OCTET_STRING, listed))


def _authority(chain: tuple[bytes, ...]) -> dict[str, Any]:
    return {
        "subject": {"organization": "test", "commonName": "test"},
        "uri": "https://authority.test",
        "certChain": {"certificates": [{"rawBytes": encode_base64(der)} for der in chain]},
        "validFor": {"start": format_time(datetime(2020, 1, 1, tzinfo=UTC))},
    }


def extension(number: int) -> str:
    """Return the object identifier of one of the certificate authority's extensions."""
    return f"{ARC}.{number}"
