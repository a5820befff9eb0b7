"""The payload of a Notary Project signature: the descriptor of what is signed, and metadata of the signer's.

Notary Project, signature-specification.md, "Payload".
"""

from collections.abc import Mapping
from typing import Any, NoReturn, Protocol

from pyratify.core.dataclass import dataclass
from pyratify.core.descriptor import Descriptor
from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.pki.jws import load_object
from pyratify.verifiers.notation.envelope import Envelope

_TARGET = "targetArtifact"


class TargetArtifact(Protocol):
    """The artifact that an envelope must be a signature of."""

    def check(self, envelope: Envelope) -> Mapping[str, str]:
        """Check that the payload names the target, and return the signed metadata.

        Raises:
            VerificationError: As `check_payload`.
        """
        ...


@dataclass(frozen=True, slots=True)
class ImageTarget:
    """An image or other artifact.

    Attributes:
        subject: What it is.
    """

    subject: Descriptor

    def check(self, envelope: Envelope) -> Mapping[str, str]:
        """Check that the payload names exactly the subject, and return the signed metadata.

        Raises:
            VerificationError: As `check_payload`.
        """
        return check_payload(envelope.payload, self.subject)


def check_payload(payload: bytes, subject: Descriptor, *, any_type: bool = False) -> Mapping[str, str]:
    """Check that the payload names exactly the subject, and return the signed metadata.

    Args:
        payload: The payload's bytes.
        subject: What it must name.
        any_type: Whether the payload may name any media type; for blobs, which have none of their own.

    Raises:
        VerificationError: `PAYLOAD_SUBJECT_MISMATCH`: another artifact, or more or less than the descriptor of one;
            `ENVELOPE_MALFORMED` or a JSON code for what cannot be read.
    """
    document = load_object(payload, "the signed payload")
    target = document.get(_TARGET)
    if not isinstance(target, dict):
        _mismatch("it names no artifact")
    if set(document) != {_TARGET}:  # a member of a later version might narrow what is signed
        _mismatch("it has members that the specification does not know")
    # Step 3.6: digest, media type and size, all three; one digest can be read under several media types.
    if target.get("digest") != subject.digest:
        _mismatch(f"it names {str(target.get('digest'))[:140]!r}, not {subject.digest}")
    if not isinstance(target.get("mediaType"), str):
        _mismatch("it names no media type")
    if not any_type and target["mediaType"] != subject.media_type:
        _mismatch("it names another media type")
    # By type, because True and 1.0 are equal to 1 in Python.
    if type(target.get("size")) is not int or target["size"] != subject.size:
        _mismatch("it names another size")
    return _metadata(target.get("annotations"))


def check_metadata(metadata: Mapping[str, str], required: Mapping[str, str]) -> None:
    """Check that the signed metadata has everything that is required.

    Raises:
        VerificationError: `METADATA_MISMATCH`.
    """
    for key, value in required.items():
        if metadata.get(key) != value:
            raise VerificationError(
                Reason.METADATA_MISMATCH, f"the signature does not say {key!r}: {value!r}, which is required"
            )


def _metadata(value: Any) -> Mapping[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise VerificationError(Reason.ENVELOPE_MALFORMED, "the signed metadata is not text by name")
    return value


def _mismatch(why: str) -> NoReturn:
    raise VerificationError(Reason.PAYLOAD_SUBJECT_MISMATCH, f"the signature is not for this artifact: {why}")
