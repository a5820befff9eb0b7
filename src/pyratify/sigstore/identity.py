"""Identities of a policy, and whether the signer of a certificate is one of them."""

from collections.abc import Mapping
from dataclasses import field
from types import MappingProxyType

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError, VerificationError
from pyratify.core.reason import Reason
from pyratify.sigstore.expression import InvalidPattern, Pattern, compile_pattern, widen
from pyratify.sigstore.fulcio import OIDS, CertificateSigner
from pyratify.sigstore.github_workflow import check_runner, issuer_of

_NO_EXTENSIONS: Mapping[str, str] = MappingProxyType({})
_WIDER = "If every such signer is to be trusted, let the expression match the whole text; cosign accepts a match of a part."


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateIdentity:
    """An identity that may sign with a certificate; everything that is set must hold.

    Attributes:
        subject: The certificate's subject alternative name, exactly.
        subject_regex: An expression that matches the whole of it.
        issuer: The OpenID Connect issuer that authenticated the signer, exactly.
        issuer_regex: An expression that matches the whole of it.
        extensions: Further facts that the certificate authority states, by name or object identifier.
        allow_any: Whether expressions that match everything are meant.
        workflow: The GitHub workflow that signs, as `signer_workflow` returns it; the subject may then be omitted, and the issuer is
            that of GitHub, or of the enterprise at `*.ghe.com`.
        deny_self_hosted: Whether a signer on a runner that GitHub does not host is refused.
        expressions: The expressions for subject and issuer, compiled; None where the text is given exactly.

    Raises:
        ConfigurationError: Subject or issuer is missing, given twice, or matches everything; an expression is malformed
            or too large, or RE2 is not installed.
    """

    subject: str = ""
    subject_regex: str = ""
    issuer: str = ""
    issuer_regex: str = ""
    extensions: Mapping[str, str] = field(default_factory=lambda: _NO_EXTENSIONS, hash=False)
    allow_any: bool = False
    workflow: str = ""
    deny_self_hosted: bool = False
    expressions: tuple[Pattern | None, Pattern | None] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.workflow and not self.issuer and not self.issuer_regex:
            issuer = issuer_of(self.workflow)
            if not issuer:
                raise ConfigurationError(
                    f"certificateOIDCIssuer is missing, and {self.workflow[:120]!a} does not say which it is",
                    path="certificateOIDCIssuer",
                    remedy="Name the issuer of that server, as https://HOST/_services/token.",
                )
            object.__setattr__(self, "issuer", issuer)  # the class is frozen
        object.__setattr__(self, "expressions", check_identity(self))

    @property
    def size(self) -> int:
        """The instructions of its expressions together."""
        return sum(pattern.size for pattern in self.expressions if pattern is not None)

    def mismatch(self, signer: CertificateSigner) -> str:
        """Return what does not match, as `issuer`; empty where the signer has this identity."""
        subject, issuer = self.expressions
        # The issuer first: the same subject means nothing under an issuer that is not trusted.
        if issuer and not issuer.matches(signer.issuer):
            return "issuer"
        if self.issuer and self.issuer != signer.issuer:
            return "issuer"
        if subject and not subject.matches(signer.subject):
            return "subject"
        # The kind too: a user name or URI that reads like an email address is another identity.
        if self.subject and (self.subject, _kind_of(self.subject)) != (signer.subject, signer.kind):
            return "subject"
        for name, value in self.extensions.items():
            if signer.extensions.get(OIDS.get(name, name)) != value:
                return name
        return check_runner(signer, self.workflow, deny_self_hosted=self.deny_self_hosted)

    def hint(self, signer: CertificateSigner) -> str:
        """Return a hint for the policy's author: an expression that matches only a part of the signer's name or issuer."""
        subject, issuer = self.expressions
        for what, pattern, text in (("issuer", issuer, signer.issuer), ("subject", subject, signer.subject)):
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
        # A workflow takes the place of the subject: its certificate names both alike.
        if wanted.workflow and what == "certificateIdentity" and not exact and pattern is None:
            continue
        # Both: a subject without an issuer is a name that any provider could have vouched for.
        if bool(exact) == (pattern is not None):
            problem = "is given twice" if exact else "is missing"
            raise ConfigurationError(
                f"{what} {problem}: an identity has exactly one subject and one issuer", path=what
            )
        # `.*` would trust every account of every provider.
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


def check_signer(signer: CertificateSigner, identities: tuple[CertificateIdentity, ...]) -> None:
    """Refuse a signer that no identity of the policy names.

    Raises:
        VerificationError: `IDENTITY_MISMATCH`.
    """
    mismatches = [identity.mismatch(signer) for identity in identities]
    # `all` of none is true: without identities, every signer is refused.
    if all(mismatches):
        what = ", ".join(dict.fromkeys(mismatches))
        hint = next((hint for hint in (identity.hint(signer) for identity in identities) if hint), "")
        # !a: these texts are not trusted yet, and look-alike letters should show.
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


def _partial(what: str, pattern: Pattern, text: str) -> str:
    """Return that an expression matches a part only, and which one would match the whole."""
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
