"""Transparency logs for tests: trees of two leaves with checkpoints, promises and certificate timestamps."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pyratify.core.dataclass import dataclass
from pyratify.pki.encoding import encode_base64
from pyratify.pki.transparency.log_entry import LogEntry, promised_bytes
from pyratify.pki.transparency.merkle import leaf_hash, node_hash
from pyratify.testing.certificates import pem

# A second leaf, so that proofs have a step: in a tree of one the leaf is the root.
_SIBLING = leaf_hash(b"another entry")


@dataclass(frozen=True, slots=True)
class TestLog:
    """A log.

    Attributes:
        key: Its private key.
        name: Its host.
    """

    # The class's name would make pytest collect it.
    __test__ = False

    key: Any = field(repr=False)
    name: str

    @property
    def der(self) -> bytes:
        """Its public key."""
        data: bytes = self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return data

    @property
    def log_id(self) -> bytes:
        """Its identifier: a hash of the key, for Ed25519 with the name (C2SP signed-note)."""
        if self._is_ed25519:
            raw = self.key.public_key().public_bytes_raw()
            # The name, a line feed, the type 1 for Ed25519, the key; a note's key ID is the first four bytes.
            return hashlib.sha256(self.name.encode() + b"\n\x01" + raw).digest()
        return hashlib.sha256(self.der).digest()

    @property
    def _is_ed25519(self) -> bool:
        return isinstance(self.key, Ed25519PrivateKey)

    def sign(self, message: bytes) -> bytes:
        """Sign as logs do."""
        if self._is_ed25519:
            plain: bytes = self.key.sign(message)
            return plain
        signature: bytes = self.key.sign(message, ECDSA(SHA256()))
        return signature

    def trusted(self, **changes: Any) -> dict[str, Any]:
        """Return the log's entry in a trusted root; `changes` are members of it."""
        key = {
            "rawBytes": encode_base64(self.der),
            "keyDetails": "PKIX_ED25519" if self._is_ed25519 else "PKIX_ECDSA_P256_SHA_256",
            "validFor": {"start": "2020-01-01T00:00:00Z"},
        }
        return {
            "baseUrl": f"https://{self.name}",
            "hashAlgorithm": "SHA2_256",
            "publicKey": key,
            "logId": {"keyId": encode_base64(self.log_id)},
        } | changes

    def entry(self, body: bytes, at: datetime | None, *, proof: bool = True) -> dict[str, Any]:
        """Return an entry as bundles hold it; without a time there is no promise."""
        kind = json.loads(body)
        entry: dict[str, Any] = {
            "logIndex": "1",
            "logId": {"keyId": encode_base64(self.log_id)},
            "kindVersion": {"kind": kind["kind"], "version": kind["apiVersion"]},
            "canonicalizedBody": encode_base64(body),
        }
        if at is not None:
            # A text: protobuf's JSON writes 64-bit integers so.
            entry["integratedTime"] = str(int(at.timestamp()))
            entry["inclusionPromise"] = {"signedEntryTimestamp": encode_base64(self.promise(body, at))}
        if proof:
            entry["inclusionProof"] = self.proof(body)
        return entry

    def annotation(self, body: bytes, at: datetime) -> dict[str, Any]:
        """Return an entry as annotations of classic signatures hold it."""
        payload = {
            "body": encode_base64(body),
            # A number, and the log's ID in hex: classic annotations are Rekor's own JSON, not protobuf's.
            "integratedTime": int(at.timestamp()),
            "logIndex": 1,
            "logID": self.log_id.hex(),
        }
        return {"SignedEntryTimestamp": encode_base64(self.promise(body, at)), "Payload": payload}

    def promise(self, body: bytes, at: datetime, index: int = 1) -> bytes:
        """Return the signed entry timestamp."""
        entry = LogEntry(index, self.log_id, "", "", int(at.timestamp()), None, None, body)
        return self.sign(promised_bytes(entry))

    def proof(self, body: bytes) -> dict[str, Any]:
        """Return the proof that the second of two leaves is the entry."""
        # Prefixes keep a node from passing as a leaf (RFC 6962, section 2.1).
        root = node_hash(_SIBLING, leaf_hash(body))
        return {
            "logIndex": "1",
            "rootHash": encode_base64(root),
            "treeSize": "2",
            "hashes": [encode_base64(_SIBLING)],
            "checkpoint": {"envelope": self.checkpoint(2, root)},
        }

    def checkpoint(self, size: int, root: bytes, origin: str | None = None) -> str:
        """Return a signed checkpoint."""
        # Rekor v1 appends the number of its tree to the origin.
        own = self.name if self._is_ed25519 else f"{self.name} - 1193050959916656506"
        text = f"{own if origin is None else origin}\n{size}\n{encode_base64(root)}\n"
        return f"{text}\n{self.signature_line(text)}"

    def signature_line(self, text: str) -> str:
        """Return the log's signature under a note."""
        # Four bytes of key ID precede the signature (C2SP signed-note).
        value = encode_base64(self.log_id[:4] + self.sign(text.encode()))
        # The em dash and the space begin a signature line (C2SP signed-note).
        return f"\N{EM DASH} {self.name} {value}\n"


def hashedrekord(
    version: int, message: bytes, signature: bytes, certificate: bytes, *, bare: bool = False
) -> bytes:
    """Return the body of an entry over a message, of the first or the second version of the log.

    Args:
        version: The version.
        message: What was signed.
        signature: The signature.
        certificate: The signer's certificate.
        bare: Whether it is a public key instead.
    """
    digest = hashlib.sha256(message)
    if version == 2:
        record = {"data": _digest_v2(message), "signature": _signature_v2(signature, certificate, bare=bare)}
        return body("hashedrekord", "0.0.2", {"hashedRekordV002": record})
    spec = {
        "data": {"hash": {"algorithm": "sha256", "value": digest.hexdigest()}},
        "signature": {
            "content": encode_base64(signature),
            "publicKey": {"content": encode_base64(_pem(certificate, bare=bare))},
        },
    }
    return body("hashedrekord", "0.0.1", spec)


def log_dsse(payload: bytes, signature: bytes, certificate: bytes, *, bare: bool = False) -> bytes:
    """Return the body of an entry over an envelope, of the first version of the log; `bare` as in `hashedrekord`."""
    value = hashlib.sha256(payload).hexdigest()
    verifier = encode_base64(_pem(certificate, bare=bare))
    spec = {
        # Not an envelope's hash, which is not known here: pyratify reads payloadHash only.
        "envelopeHash": {"algorithm": "sha256", "value": value},
        "payloadHash": {"algorithm": "sha256", "value": value},
        "signatures": [{"signature": encode_base64(signature), "verifier": verifier}],
    }
    return body("dsse", "0.0.1", spec)


def _digest_v2(message: bytes) -> dict[str, Any]:
    return {"algorithm": "SHA2_256", "digest": encode_base64(hashlib.sha256(message).digest())}


def _signature_v2(signature: bytes, certificate: bytes, *, bare: bool) -> dict[str, Any]:
    form = "publicKey" if bare else "x509Certificate"
    verifier = {"keyDetails": "PKIX_ECDSA_P256_SHA_256", form: {"rawBytes": encode_base64(certificate)}}
    return {"content": encode_base64(signature), "verifier": verifier}


def log_intoto(payload: bytes, signature: bytes, certificate: bytes) -> bytes:
    """Return the body of an entry of the older kind for envelopes, which encodes the signature twice."""
    value = hashlib.sha256(payload).hexdigest()
    signed = {
        "sig": encode_base64(encode_base64(signature).encode()),
        "publicKey": encode_base64(pem(certificate)),
    }
    content = {
        "envelope": {"payloadType": "application/vnd.in-toto+json", "signatures": [signed]},
        "payloadHash": {"algorithm": "sha256", "value": value},
    }
    return body("intoto", "0.0.2", {"content": content})


def _pem(der: bytes, *, bare: bool) -> bytes:
    # Only the label: the bytes are a SubjectPublicKeyInfo already.
    return pem(der).replace(b"CERTIFICATE", b"PUBLIC KEY") if bare else pem(der)


def body(kind: str, version: str, spec: Mapping[str, Any]) -> bytes:
    """Return the canonical bytes of an entry."""
    document = {"apiVersion": version, "kind": kind, "spec": spec}
    # The leaf's hash is over these bytes: sorted and without spaces (RFC 8785).
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def serialized_sct(log: TestLog, taken: datetime, issuer: bytes, certificate: bytes) -> bytes:
    """Return a signed certificate timestamp (RFC 6962, section 3.2)."""
    millis = int(taken.timestamp() * 1000).to_bytes(8, "big")
    # The issuer's key by its hash, then the TBSCertificate without the list of timestamps.
    entry = hashlib.sha256(issuer).digest() + len(certificate).to_bytes(3, "big") + certificate
    # Version 1, certificate_timestamp, the time, precert_entry, and no extensions.
    signature = log.sign(b"\x00\x00" + millis + b"\x00\x01" + entry + b"\x00\x00")
    # SHA-256 and ECDSA (RFC 5246, section 7.4.1.4.1).
    signed = b"\x04\x03" + len(signature).to_bytes(2, "big") + signature
    return b"\x00" + log.log_id + millis + b"\x00\x00" + signed
