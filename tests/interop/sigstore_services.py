"""Small services of a private Sigstore, over plain http in this process: what the real servers need beside them.

An OpenID Connect issuer, a log of certificates (RFC 6962) and a log of signatures of the first version. Every key is made on
the spot and trusted nowhere else.
"""

import base64
import hashlib
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pyratify.pki.der import SEQUENCE, Element, read_element, read_elements
from pyratify.pki.encoding import encode_base64
from pyratify.pki.transparency.merkle import leaf_hash
from pyratify.testing.certificates import element
from pyratify.testing.sigstore_log import TestLog, serialized_sct

_POISON = bytes.fromhex("060a2b06010401d679020403")
_EXTENSIONS = 0xA3
_SIGNATURE = 1 + 32 + 8 + 2  # what stands before it: version, log, time, extensions


class Issuer:
    """An issuer of identity tokens (RS256), whose address is known once it is served."""

    def __init__(self) -> None:
        """Make its key."""
        self.key: RSAPrivateKey = generate_private_key(65537, 2048)
        self.address = ""

    def get(self, path: str) -> dict[str, Any]:
        """Answer discovery and keys; every folder is an issuer of its own."""
        folder = path.partition("/.well-known/")[0]
        if path.endswith("/keys"):
            numbers = self.key.public_key().public_numbers()
            parts = {"n": _url64(numbers.n.to_bytes(256, "big")), "e": "AQAB"}
            return {"keys": [{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "test", **parts}]}
        name = f"{self.address}{folder}"
        return {
            "issuer": name,
            "jwks_uri": f"{name}/keys",
            "authorization_endpoint": f"{name}/auth",
            "token_endpoint": f"{name}/token",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def token(self, folder: str, **claims: Any) -> str:
        """Return an identity token."""
        now = int(time.time())
        general = {"iss": f"{self.address}/{folder}", "aud": "sigstore", "iat": now, "exp": now + 3600}
        parts = ({"alg": "RS256", "kid": "test", "typ": "JWT"}, general | claims)
        text = ".".join(_url64(json.dumps(part).encode()) for part in parts)
        return f"{text}.{_url64(self.key.sign(text.encode(), PKCS1v15(), SHA256()))}"


class CertificateLog:
    """A log of certificates that promises to take whatever it is shown."""

    def __init__(self, log: TestLog) -> None:
        """Sign with a log's key."""
        self.log = log

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Answer `add-pre-chain`."""
        del path
        chain = [x509.load_der_x509_certificate(base64.b64decode(each)) for each in body["chain"][:2]]
        issuer = chain[1].public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        taken = datetime.now(UTC).replace(microsecond=0)
        whole = serialized_sct(self.log, taken, issuer, without_poison(chain[0].tbs_certificate_bytes))
        return {
            "sct_version": 0,
            "id": encode_base64(self.log.log_id),
            "timestamp": int(taken.timestamp() * 1000),
            "extensions": "",
            "signature": encode_base64(whole[_SIGNATURE:]),
        }


class SignatureLog:
    """A log of signatures of the first version, with a tree of two leaves for each entry."""

    def __init__(self, log: TestLog) -> None:
        """Sign with a log's key."""
        self.log = log

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Answer a proposed entry with the entry."""
        del path
        spec = _canonical_dsse(body["spec"]) if body["kind"] == "dsse" else body["spec"]
        document = {"apiVersion": body["apiVersion"], "kind": body["kind"], "spec": spec}
        entry = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
        now, proof = datetime.now(UTC), self.log.proof(entry)
        return {
            "00" * 8 + leaf_hash(entry).hex(): {
                "body": encode_base64(entry),
                "integratedTime": int(now.timestamp()),
                "logID": self.log.log_id.hex(),
                "logIndex": 1,
                "verification": {
                    "signedEntryTimestamp": encode_base64(self.log.promise(entry, now)),
                    "inclusionProof": {
                        "logIndex": 1,
                        "treeSize": 2,
                        "rootHash": base64.b64decode(proof["rootHash"]).hex(),
                        "hashes": [base64.b64decode(each).hex() for each in proof["hashes"]],
                        "checkpoint": proof["checkpoint"]["envelope"],
                    },
                },
            }
        }


def _canonical_dsse(spec: Mapping[str, Any]) -> dict[str, Any]:
    proposed = spec["proposedContent"]
    envelope = json.loads(proposed["envelope"])
    ((signature, verifier),) = zip(envelope["signatures"], proposed["verifiers"], strict=True)
    payload = base64.b64decode(envelope["payload"])
    return {
        "envelopeHash": _hash(proposed["envelope"].encode()),
        "payloadHash": _hash(payload),
        "signatures": [{"signature": signature["sig"], "verifier": verifier}],
    }


def _hash(data: bytes) -> dict[str, str]:
    return {"algorithm": "sha256", "value": hashlib.sha256(data).hexdigest()}


def without_poison(body: bytes) -> bytes:
    """Return the body of a certificate without the extension that keeps it from being used (RFC 6962, section 3.1)."""
    members = list(read_elements(read_element(body, SEQUENCE).content))
    (last,) = (each for each in members if each.tag == _EXTENSIONS)
    listed = read_elements(read_element(last.content, SEQUENCE).content)
    kept = _encode(each for each in listed if not each.content.startswith(_POISON))
    extensions = Element(_EXTENSIONS, element(SEQUENCE, kept))
    return element(SEQUENCE, _encode(extensions if each is last else each for each in members))


def _encode(elements: Iterable[Element]) -> bytes:
    return b"".join(element(each.tag, each.content) for each in elements)


@contextmanager
def serving(service: Any) -> Iterator[str]:
    """Serve on loopback, and name the address; ended with the block."""
    handler = type("Handler", (_Handler,), {"service": service})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    """JSON in, JSON out."""

    service: ClassVar[Any]

    def do_GET(self) -> None:
        """Answer a question."""
        self._answer(200, self.service.get(self.path))

    def do_POST(self) -> None:
        """Take something."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer(200 if "/ct/" in self.path else 201, self.service.post(self.path, body))

    def _answer(self, status: int, document: Mapping[str, Any]) -> None:
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if status == 201:
            self.send_header("ETag", next(iter(document)))  # by which clients find the entry in the answer
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Be quiet."""


def _url64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
