"""The verifier."""

from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from pyratify.core.errors import ConfigurationError, VerificationError
from pyratify.core.key import KeyMaterial
from pyratify.core.manifest import Manifest
from pyratify.core.reason import Reason
from pyratify.core.verifier import Details, Evidence
from pyratify.pki.public_keys import load_public_keys
from ratify_ed25519.format import ARTIFACT_TYPE, MEDIA_TYPE, parse, signed_bytes


@dataclass(frozen=True)
class TrustedKey:
    """A key whose signatures count.

    Attributes:
        key: The key.
        identity: Its stable identity, as `spki:sha256:<hex>`.
        origin: Where it comes from.
    """

    key: Ed25519PublicKey
    identity: str
    origin: str


@dataclass(frozen=True)
class Ed25519Verifier:
    """Accepts signatures of any of its keys.

    Attributes:
        name: The name under which the verifier is configured.
        keys: The trusted keys, at least one.

    Raises:
        ConfigurationError: There is no key.
    """

    name: str
    keys: tuple[TrustedKey, ...]

    def __post_init__(self) -> None:
        if not self.keys:
            raise ConfigurationError("a verifier needs at least one key", path="keys")

    def accepts(self, manifest: Manifest) -> bool:
        """Accept its own artifact type."""
        return manifest.artifact_type == ARTIFACT_TYPE

    async def verify(self, evidence: Evidence) -> Details:
        """Verify the signature and that it is one of this subject.

        Raises:
            VerificationError: `ENVELOPE_MALFORMED`, `PAYLOAD_TYPE`, `PAYLOAD_SUBJECT_MISMATCH` or `SIG_INVALID`.
            StoreError: The signature could not be read.
        """
        # 1. Exactly one layer, of the type that this verifier understands.
        layers = evidence.manifest.layers
        if len(layers) != 1 or layers[0].media_type != MEDIA_TYPE:
            raise VerificationError(
                Reason.PAYLOAD_TYPE, f"the artifact has not exactly one layer of type {MEDIA_TYPE}"
            )
        # 2. A document that can be read in one way only; its bytes are bounded and have the announced digest.
        subject, signature = parse(await evidence.blob(layers[0]))
        # 3. It names this subject: what is signed is compared, not only what the manifest says.
        if not subject.same_content(evidence.subject):
            raise VerificationError(
                Reason.PAYLOAD_SUBJECT_MISMATCH,
                f"the signature is one of {subject.digest}, not of {evidence.subject.digest}",
            )
        # 4. One of the trusted keys made it.
        signer = self._signer(signature, signed_bytes(evidence.subject))
        return Details(
            f"signed with the Ed25519 key {signer.origin}",
            signers=(signer.identity,),
            data={"key": signer.origin, "algorithm": "Ed25519"},
        )

    def _signer(self, signature: bytes, message: bytes) -> TrustedKey:
        for trusted in self.keys:
            try:
                trusted.key.verify(signature, message)
            except InvalidSignature:
                continue
            return trusted
        raise VerificationError(
            Reason.SIG_INVALID, f"none of the {len(self.keys)} trusted keys made this signature"
        )


def load_keys(material: tuple[KeyMaterial, ...]) -> tuple[TrustedKey, ...]:
    """Load Ed25519 public keys.

    Raises:
        ConfigurationError: A document holds no public key, or a key of another kind.
    """
    keys = []
    for public in (key for document in material for key in load_public_keys(document)):
        if not isinstance(public.key, Ed25519PublicKey):
            raise ConfigurationError(
                f"{public.origin} is no Ed25519 key", path="keys", reason=Reason.KEY_INVALID
            )
        keys.append(TrustedKey(public.key, public.fingerprint, public.origin))
    return tuple(keys)
