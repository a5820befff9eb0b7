"""Who signed, as the certificate authority states it in the certificate (Fulcio, certificate specification and oid-info)."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pyratify.core.errors import ConfigurationError, VerificationError
from pyratify.core.reason import Reason
from pyratify.pki.certificates import Certificate
from pyratify.pki.der import InvalidDer, read_element
from pyratify.verifiers.cosign.expression import InvalidPattern, Pattern, compile_pattern, widen
from pyratify.verifiers.cosign.policy import CertificateIdentity

ARC = "1.3.6.1.4.1.57264.1"
ISSUER_V1 = f"{ARC}.1"
ISSUER_V2 = f"{ARC}.8"
USERNAME = f"{ARC}.7"
_UTF8 = 0x0C
# Written before version 2 of the specification: bare bytes, no DER.
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
_MAX_VALUE = 4096
_WIDER = "If every such signer is to be trusted, let the expression match the whole text; cosign is content with a part."


@dataclass(frozen=True, slots=True)
class Signer:
    """What a certificate says of the signer.

    Attributes:
        subject: The subject alternative name.
        kind: Of which kind it is: `uri`, `email`, or `username` for names of users and hosts.
        issuer: Who vouched for the signer.
        extensions: Everything else that is stated, by object identifier.
    """

    subject: str
    kind: str
    issuer: str
    extensions: Mapping[str, str]

    @property
    def identity(self) -> str:
        """One text for the signer, the same for every certificate that he ever gets."""
        return f"sigstore:{self.issuer}#{self.subject}"


@dataclass(frozen=True, slots=True)
class Matcher:
    """An identity of the policy, ready to be used."""

    wanted: CertificateIdentity
    subject: Pattern | None
    issuer: Pattern | None

    def refuses(self, signer: Signer) -> str:
        """Return what does not fit; empty where the signer is the one who is wanted."""
        wanted = self.wanted
        if self.issuer and not self.issuer.matches(signer.issuer):
            return "issuer"
        if wanted.issuer and wanted.issuer != signer.issuer:
            return "issuer"
        if self.subject and not self.subject.matches(signer.subject):
            return "subject"
        if wanted.subject and (wanted.subject, _kind_of(wanted.subject)) != (signer.subject, signer.kind):
            return "subject"
        for name, value in wanted.extensions.items():
            if signer.extensions.get(OIDS.get(name, name)) != value:
                return name
        return ""

    def hint(self, signer: Signer) -> str:
        """Return what the policy's author may have missed: an expression that fits only a part of what it is held against."""
        for what, pattern, text in (
            ("issuer", self.issuer, signer.issuer),
            ("subject", self.subject, signer.subject),
        ):
            if pattern is not None and not pattern.matches(text):
                return _partial(what, pattern, text)
        return ""


def check_identity(wanted: CertificateIdentity) -> tuple[Pattern | None, Pattern | None]:
    """Refuse an identity that is not whole; return its expressions for subject and issuer.

    Raises:
        ConfigurationError: As in `CertificateIdentity`.
    """
    subject = _compile(wanted.subject_regex, "certificateIdentityRegex")
    issuer = _compile(wanted.issuer_regex, "certificateOIDCIssuerRegex")
    for what, exact, pattern in (
        ("certificateIdentity", wanted.subject, subject),
        ("certificateOIDCIssuer", wanted.issuer, issuer),
    ):
        if bool(exact) == (pattern is not None):
            problem = "is given twice" if exact else "is missing"
            raise ConfigurationError(
                f"{what} {problem}: an identity has exactly one subject and one issuer", path=what
            )
        if pattern is not None and pattern.is_catch_all and not wanted.allow_any:
            raise ConfigurationError(
                f"the expression {pattern.text[:100]!a} matches everything, so every signer would be trusted",
                path=f"{what}Regex",
                remedy="Name who is trusted, or set allowAnyIdentity if every signer is meant.",
            )
    for name, value in wanted.extensions.items():
        if name not in OIDS and name not in OIDS.values():
            raise ConfigurationError(f"no certificate states {name[:80]!r}", path="extensions")
        if not value:
            raise ConfigurationError(f"{name} is empty", path=f"extensions.{name}")
    return subject, issuer


def make_matcher(wanted: CertificateIdentity) -> Matcher:
    """Return an identity, ready to be used."""
    subject, issuer = wanted.expressions
    return Matcher(wanted, subject, issuer)


def read_signer(certificate: Certificate) -> Signer:
    """Read who a certificate is for.

    Raises:
        VerificationError: `IDENTITY_MISMATCH`: it does not say, or says it in a way that could be read in two.
    """
    subject, kind = _subject(certificate)
    extensions = dict(_extensions(certificate))
    old, new = extensions.get(ISSUER_V1), extensions.get(ISSUER_V2)
    issuer = new or old
    if not issuer or (old and new and old != new):
        raise _mismatch("the certificate names no issuer, or two")
    for text in (subject, issuer):
        if not text.isprintable():
            raise _mismatch("the certificate's identity has characters that cannot be shown")
    return Signer(subject, kind, issuer, extensions)


def check_signer(signer: Signer, matchers: tuple[Matcher, ...]) -> None:
    """Refuse a signer that no identity of the policy names.

    Raises:
        VerificationError: `IDENTITY_MISMATCH`.
    """
    refusals = [matcher.refuses(signer) for matcher in matchers]
    if all(refusals):
        what = ", ".join(dict.fromkeys(refusals))
        hint = next((hint for hint in (matcher.hint(signer) for matcher in matchers) if hint), "")
        message = (
            f"signed by {signer.subject[:200]!a} (issuer {signer.issuer[:200]!a}), which no identity of the "
            f"policy names: {what or 'there is none'}"
        )
        raise VerificationError(
            Reason.IDENTITY_MISMATCH,
            message + (f"; {hint}" if hint else ""),
            remedy=_WIDER if hint else None,
        )


def _kind_of(text: str) -> str:
    if "://" in text:
        return "uri"
    return "email" if "@" in text else "username"


def _subject(certificate: Certificate) -> tuple[str, str]:
    from cryptography.x509 import ExtensionNotFound, SubjectAlternativeName

    try:
        names = tuple(certificate.parsed.extensions.get_extension_for_class(SubjectAlternativeName).value)
    except ExtensionNotFound:
        raise _mismatch("the certificate has no subject alternative name") from None
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
        return _raw(read_element(value, _UTF8).content)
    except InvalidDer:
        raise _mismatch("an extension of the certificate is no UTF8String") from None


def _partial(what: str, pattern: Pattern, text: str) -> str:
    """Return that an expression fits a part only, and which one would fit the whole."""
    place = pattern.find(text)
    if place is None:
        return ""
    wider = widen(pattern, text)
    part = "the beginning" if place[0] == 0 else "the end" if place[1] == len(text) else "a part"
    found = f"the expression {pattern.text!a} matches only {part} of the {what}, and the whole has to match"
    return f"{found}: {wider!a} would" if wider else found


def _compile(text: str, path: str) -> Pattern | None:
    try:
        return compile_pattern(text) if text else None
    except InvalidPattern as error:
        raise ConfigurationError(
            f"{text[:100]!a} is no expression that can be used: {error}",
            path=path,
            remedy="Correct the expression, or write the text out exactly.",
        ) from None
    except ConfigurationError as error:
        raise ConfigurationError(error.detail, path=path, remedy=error.remedy) from None


def _mismatch(message: str) -> VerificationError:
    return VerificationError(Reason.IDENTITY_MISMATCH, message)
