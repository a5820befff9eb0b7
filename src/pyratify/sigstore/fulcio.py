"""The signer that a Fulcio certificate names (Fulcio, certificate specification and oid-info)."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.pki.certificates import Certificate
from pyratify.pki.der import InvalidDer, read_element

ARC = "1.3.6.1.4.1.57264.1"
ISSUER_V1 = f"{ARC}.1"
ISSUER_V2 = f"{ARC}.8"
USERNAME = f"{ARC}.7"
_UTF8 = 0x0C
# Extensions from before version 2 of the specification: bare bytes, no DER.
# oid-info: extensions 1 to 6 are deprecated, but the issuer (1) is still in use.
_RAW = frozenset(f"{ARC}.{number}" for number in range(1, 7))
_NAMES = [
    "issuer",
    "githubWorkflowTrigger",
    "githubWorkflowSha",
    "githubWorkflowName",
    "githubWorkflowRepository",
    "githubWorkflowRef",
    "otherName",
    "issuerV2",
    "buildSignerURI",
    "buildSignerDigest",
    "runnerEnvironment",
    "sourceRepositoryURI",
    "sourceRepositoryDigest",
    "sourceRepositoryRef",
    "sourceRepositoryIdentifier",
    "sourceRepositoryOwnerURI",
    "sourceRepositoryOwnerIdentifier",
    "buildConfigURI",
    "buildConfigDigest",
    "buildTrigger",
    "runInvocationURI",
    "sourceRepositoryVisibilityAtSigning",
]
OIDS: Mapping[str, str] = {name: f"{ARC}.{number}" for number, name in enumerate(_NAMES, start=1)}
# Longer values are left out, so a policy that asks for one refuses.
_MAX_VALUE = 4096


@dataclass(frozen=True, slots=True)
class CertificateSigner:
    """The signer that a certificate names.

    Attributes:
        subject: The subject alternative name.
        kind: The kind of that name: `uri`, `email`, or `username` for names of users and hosts.
        issuer: The OpenID Connect issuer that authenticated the signer.
        extensions: All of Fulcio's extensions, by object identifier.
    """

    subject: str
    kind: str
    issuer: str
    extensions: Mapping[str, str]

    @property
    def identity(self) -> str:
        """One text for the signer, the same in each of its certificates."""
        # An issuer is a URL without a fragment, so `#` separates.
        return f"sigstore:{self.issuer}#{self.subject}"


def read_signer(certificate: Certificate) -> CertificateSigner:
    """Read the signer from a certificate.

    Raises:
        VerificationError: `IDENTITY_MISMATCH`: it names none, or names it ambiguously.
    """
    subject, kind = _subject(certificate)
    extensions = dict(_extensions(certificate))
    old, new = extensions.get(ISSUER_V1), extensions.get(ISSUER_V2)
    # The new form is preferred: SHOULD be .8, MAY be .1 (Fulcio specification, 7.3).
    issuer = new or old
    # Two issuers: readers of the old and of the new extension would trust different ones.
    if not issuer or (old and new and old != new):
        raise _mismatch("the certificate names no issuer, or two")
    for text in (subject, issuer):
        # Control and bidirectional characters could make a name look like another in a terminal or report.
        if not text.isprintable():
            raise _mismatch("the certificate's identity has characters that cannot be shown")
    return CertificateSigner(subject, kind, issuer, extensions)


def _subject(certificate: Certificate) -> tuple[str, str]:
    from cryptography.x509 import ExtensionNotFound, SubjectAlternativeName

    try:
        names = tuple(certificate.parsed.extensions.get_extension_for_class(SubjectAlternativeName).value)
    except ExtensionNotFound:
        raise _mismatch("the certificate has no subject alternative name") from None
    # Exactly one GeneralName (Fulcio specification, 7.3): of several, readers choose different ones.
    if len(names) != 1:
        raise _mismatch(f"the certificate has {len(names)} subject alternative names, not exactly one")
    return _name(names[0])


def _name(name: Any) -> tuple[str, str]:
    from cryptography.x509 import DNSName, IPAddress, OtherName, RFC822Name, UniformResourceIdentifier

    if isinstance(name, UniformResourceIdentifier):
        return name.value, "uri"
    if isinstance(name, RFC822Name):
        return name.value, "email"
    if isinstance(name, DNSName):
        return name.value, "username"
    if isinstance(name, IPAddress):
        return str(name.value), "username"
    if isinstance(name, OtherName) and name.type_id.dotted_string == USERNAME:
        return _utf8(name.value), "username"
    raise _mismatch("the certificate's subject alternative name is of a kind that is not understood")


def _extensions(certificate: Certificate) -> Iterator[tuple[str, str]]:
    for extension in certificate.parsed.extensions:
        oid = extension.oid.dotted_string
        # .7 is a name inside the subject alternative name, not an extension.
        if oid.startswith(f"{ARC}.") and oid != USERNAME:
            value = extension.value.public_bytes()
            decode: Callable[[bytes], str] = _raw if oid in _RAW else _utf8
            if len(value) <= _MAX_VALUE:
                yield oid, decode(value)


def _raw(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        raise _mismatch("an extension of the certificate is no text") from None


def _utf8(value: bytes) -> str:
    try:
        # From .8 on: a DER-encoded UTF8String (Fulcio specification, 7.3).
        return _raw(read_element(value, _UTF8).content)
    except InvalidDer:
        raise _mismatch("an extension of the certificate is no UTF8String") from None


def _mismatch(message: str) -> VerificationError:
    return VerificationError(Reason.IDENTITY_MISMATCH, message)
