"""Detection of the kind of a signature by its content."""

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError
from pyratify.verifiers.notation.blob_signature import envelope_type

_BARE = "text/plain"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of signature.

    Attributes:
        verifier: What verifies it: `cosign` or `notation`.
        media_type: Its media type, for the report.
        bare: Whether it is what cosign writes without a sigstore bundle.
    """

    verifier: str
    media_type: str
    bare: bool = False


BUNDLE = Kind("cosign", "application/vnd.dev.sigstore.bundle.v0.3+json")
ENVELOPE = Kind("cosign", "application/vnd.dsse.envelope.v1+json")


def kind_of_bundle(data: bytes) -> Kind:
    """Return what stands where a bundle was announced: one, a DSSE envelope, or what cosign called a bundle before version 3."""
    if b'"verificationMaterial"' in data or b'"mediaType"' in data:
        return BUNDLE
    if _is_statement(data):
        return ENVELOPE
    return Kind("cosign", _BARE, bare=True) if b'"base64Signature"' in data else BUNDLE


def _is_statement(data: bytes) -> bool:
    # A statement without an envelope is refused as unsigned by what reads envelopes.
    return (b'"payloadType"' in data and b'"signatures"' in data) or (
        b'"_type"' in data and b'"predicateType"' in data
    )


def kind_of(path: str, data: bytes) -> Kind:
    """Return what a signature file is.

    Args:
        path: Its name; notation tells its two formats apart by it.
        data: What is in it.

    Raises:
        ConfigurationError: It is none of the kinds that are known.
    """
    from pyratify.verifiers.cosign.detached import is_detached

    head = data.lstrip()[:1]
    # The extensions that the Notary Project requires (signature-specification.md, "Blob Signatures").
    named = path.endswith((".jws.sig", ".cose.sig"))
    # A kind only selects the verifier, which trusts nothing that its own checks do not prove (decision 0030).
    if head == b"{" and not named and (b'"verificationMaterial"' in data or b'"mediaType"' in data):
        return BUNDLE
    if head == b"{" and not named and _is_statement(data):
        return ENVELOPE
    # Before notation: the JSON of older cosign begins with { as well.
    if not named and is_detached(data):
        return Kind("cosign", _BARE, bare=True)
    # 0xd2 is CBOR tag 18, COSE_Sign1 (RFC 9052, section 4.2); 0x84 the same without its tag.
    if head == b"{" or named or head in {b"\xd2", b"\x84"}:
        return Kind("notation", envelope_type(path, data))
    raise ConfigurationError(
        f"--signature: {path} is no signature that is known here",
        remedy="Give a sigstore bundle, a DSSE envelope, a notation envelope (JWS or COSE), or what `cosign sign-blob` wrote.",
    )
