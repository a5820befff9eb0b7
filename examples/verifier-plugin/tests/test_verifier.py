"""The verifier keeps the contract of verifiers, and what is special about it."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from ratify_ed25519.format import ARTIFACT_TYPE, MEDIA_TYPE
from ratify_ed25519.signer import sign
from ratify_ed25519.verifier import Ed25519Verifier, load_keys

from pyratify.core.descriptor import Descriptor
from pyratify.core.errors import ConfigurationError
from pyratify.core.executor import Executor
from pyratify.core.key import KeyMaterial
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.testing.contracts import VerifierCase, VerifierContract
from pyratify.testing.memory import MemoryStore

KEY = Ed25519PrivateKey.generate()
OTHER = Ed25519PrivateKey.generate()


def public(key):
    """Return a key's public half as a key provider delivers it."""
    return KeyMaterial(
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), "release.pub"
    )


def verifier(*keys):
    """Return a verifier that trusts the keys."""
    return Ed25519Verifier("release", load_keys(tuple(public(key) for key in keys or (KEY,))))


def attach(store: MemoryStore, image: Descriptor, data: bytes, media_type: str = MEDIA_TYPE) -> Descriptor:
    """Attach a document as the format says."""
    return store.attach(image, ARTIFACT_TYPE, (media_type, data))


def signed(store, image):
    """Attach a good signature."""
    return attach(store, image, sign(KEY, image))


def changed(**members):
    """Return what attaches a signature with some members changed."""

    def change(store, image):
        return attach(store, image, json.dumps({**json.loads(sign(KEY, image)), **members}).encode())

    return change


BAD = {
    "another key": lambda store, image: attach(store, image, sign(OTHER, image)),
    "another layer type": lambda store, image: attach(store, image, sign(KEY, image), "text/plain"),
    "two layers": lambda store, image: store.attach(
        image, ARTIFACT_TYPE, (MEDIA_TYPE, b"1"), (MEDIA_TYPE, b"2")
    ),
    "no JSON": lambda store, image: attach(store, image, b"text"),
    "a key twice": lambda store, image: attach(store, image, b'{"signature": "", "signature": ""}'),
    "one more member": changed(note="x"),
    "another subject": changed(subject={"mediaType": "a/b", "digest": f"sha256:{'0' * 64}", "size": 1}),
    "no subject": changed(subject=None),
    "no digest": changed(subject={"mediaType": "a/b", "digest": "sha256:0", "size": 1}),
    "a short signature": changed(signature="AAAA"),
    "no base64": changed(signature="%"),
    "no string": changed(signature=1),
}


class TestEd25519Verifier(VerifierContract):
    """The contract of verifiers."""

    @pytest.fixture
    def case(self):
        """A signature by the trusted key, and everything that must be refused."""
        return VerifierCase(verifier(), good=signed, bad=tuple(BAD.values()))


@pytest.mark.parametrize(
    ("what", "reason"), [("another key", "SIG_INVALID"), ("another subject", "PAYLOAD_SUBJECT_MISMATCH")]
)
async def test_the_report_says_what_is_wrong(what, reason):
    """The reason is one that programs can rely on."""
    store = MemoryStore()
    BAD[what](store, store.add_image())
    result = await Executor(store=store, verifiers=(verifier(),)).validate(
        Reference.parse("example.com/app:v1")
    )
    assert result.artifacts[0].results[0].failure.reason is Reason(reason)


async def test_the_key_that_signed_is_named():
    """Of several trusted keys the one that made the signature is the signer."""
    store = MemoryStore()
    signed(store, store.add_image())
    both = verifier(OTHER, KEY)
    result = await Executor(store=store, verifiers=(both,)).validate(Reference.parse("example.com/app:v1"))
    assert result.artifacts[0].results[0].details.signers == (both.keys[1].identity,)


def test_no_key_or_one_of_another_kind_is_refused():
    """A verifier that could never accept anything is a mistake in the configuration."""
    with pytest.raises(ConfigurationError, match="at least one key"):
        Ed25519Verifier("release", ())
    with pytest.raises(ConfigurationError, match="no Ed25519 key"):
        load_keys((public(generate_private_key(SECP256R1())),))
