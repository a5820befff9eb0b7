"""The parameters `trustPolicies`: which signers count, shared by the verifiers of signatures and of attestations."""

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from pyratify.sigstore.root_names import SHIPPED, is_github

Text = Annotated[str, msgspec.Meta(min_length=1)]
"""Not empty: an unset variable must not switch a demand off."""

if TYPE_CHECKING:
    from pyratify.sigstore.identity import CertificateIdentity


class IdentityOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """An identity that may sign with a certificate.

    Attributes:
        certificate_identity: The certificate's subject alternative name, exactly. Of this and the next an empty one says nothing, where
            the other one or all four are written, as Ratify v2 writes them.
        certificate_identity_regex: An expression that matches the whole of it.
        certificate_oidc_issuer: The OpenID Connect issuer that authenticated the signer, exactly.
        certificate_oidc_issuer_regex: An expression that matches the whole of it.
        certificate_extensions: Further facts in the certificate, as `githubWorkflowTrigger` or an object identifier.
        allow_any_identity: Whether expressions that match everything are meant.
        signer_workflow: The GitHub workflow that signs, exactly, as `OWNER/REPOSITORY/.github/workflows/FILE`, in place of the identity; the
            issuer is GitHub's when omitted.
        deny_self_hosted: A signer on a runner that GitHub does not host is refused.
    """

    certificate_identity: str | None = None
    certificate_identity_regex: str | None = None
    certificate_oidc_issuer: str | None = msgspec.field(default=None, name="certificateOIDCIssuer")
    certificate_oidc_issuer_regex: str | None = msgspec.field(default=None, name="certificateOIDCIssuerRegex")
    certificate_extensions: dict[str, str] = msgspec.field(default_factory=dict)
    allow_any_identity: bool = False
    signer_workflow: Text | None = None
    deny_self_hosted: bool = False

    @property
    def is_set(self) -> bool:
        """Whether anything is named."""
        return any(
            (
                self.certificate_identity,
                self.certificate_identity_regex,
                self.certificate_oidc_issuer,
                self.certificate_oidc_issuer_regex,
                self.certificate_extensions,
                self.signer_workflow,
                self.deny_self_hosted,
            )
        )

    @property
    def empty(self) -> str:
        """The first name of a subject or issuer that is written and empty, where nothing else of the same kind is; empty for none."""
        subject = {
            "certificateIdentity": self.certificate_identity,
            "certificateIdentityRegex": self.certificate_identity_regex,
        }
        issuer = {
            "certificateOIDCIssuer": self.certificate_oidc_issuer,
            "certificateOIDCIssuerRegex": self.certificate_oidc_issuer_regex,
        }
        # Programs of Ratify v2 write all four, whatever is meant: that says no more than none of them.
        if all(text == "" for text in (*subject.values(), *issuer.values())):
            return ""
        names = (
            name
            for pair in (subject, issuer)
            if not any(pair.values())
            for name, text in pair.items()
            if text == ""
        )
        return next(names, "")

    def identity(self) -> "CertificateIdentity":
        """Return the identity.

        Raises:
            ConfigurationError: It is not whole, malformed, or matches everything.
        """
        from pyratify.sigstore.github_workflow import signer_workflow
        from pyratify.sigstore.identity import CertificateIdentity

        workflow = self.signer_workflow
        return CertificateIdentity(
            subject=self.certificate_identity or "",
            subject_regex=self.certificate_identity_regex or "",
            issuer=self.certificate_oidc_issuer or "",
            issuer_regex=self.certificate_oidc_issuer_regex or "",
            extensions=self.certificate_extensions,
            allow_any=self.allow_any_identity,
            workflow=signer_workflow(workflow, "signerWorkflow") if workflow else "",
            deny_self_hosted=self.deny_self_hosted,
        )


class RekorKeyOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The key of a transparency log.

    Attributes:
        file: The public key in PEM or DER.
        origin: The origin of its checkpoints; only for logs of version 2.
    """

    file: str
    origin: Text | None = None


class TrustPolicyOptions(
    IdentityOptions, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"
):
    """One entry of `trustPolicies`.

    Attributes:
        scopes: The repositories that the policy is for; the executor's scopes when omitted.
        identities: More identities than the one that stands in the policy itself; any of them suffices.
        ignore_tlog: Transparency logs are not verified.
        ignore_ctlog: Certificate transparency logs are not verified.
        ignore_observer_timestamps: Signed timestamps are not verified.
        keys: One key provider with its parameters.
        trusted_root: `public-good` (for identities the default), `staging`, `github` or `github:TRUST_DOMAIN` (GitHub's own, with timestamps and without logs), the https address of a mirror, or a file; with keys it makes an entry in a transparency log a requirement.
        fulcio_certificates: In place of a trusted root: files with a certificate authority each, issuer first.
        rekor_keys: Likewise the keys of transparency logs.
        ctlog_keys: Likewise files with keys of certificate transparency logs.
        timestamp_certificates: Likewise files with a timestamp authority each, its own certificate first.
        transparency_logs: How many independent transparency logs must hold a signature; 1 when omitted.
        certificate_logs: How many certificate transparency logs must hold a certificate; 1 when omitted.
        signed_timestamps: How many timestamp authorities must have stamped a signature.
        annotations: What the signer must have signed besides the digest.
    """

    scopes: tuple[str, ...] | None = None
    identities: tuple[IdentityOptions, ...] = ()
    ignore_tlog: bool = msgspec.field(default=False, name="ignoreTLog")
    ignore_ctlog: bool = msgspec.field(default=False, name="ignoreCTLog")
    ignore_observer_timestamps: bool = False
    keys: dict[str, Any] | None = None
    trusted_root: Text | None = None
    fulcio_certificates: tuple[str, ...] = ()
    rekor_keys: tuple[RekorKeyOptions, ...] = ()
    ctlog_keys: tuple[str, ...] = msgspec.field(default=(), name="ctLogKeys")
    timestamp_certificates: tuple[str, ...] = ()
    transparency_logs: Annotated[int, msgspec.Meta(ge=1)] | None = None
    certificate_logs: Annotated[int, msgspec.Meta(ge=1)] | None = None
    signed_timestamps: Annotated[int, msgspec.Meta(ge=0)] = 0
    annotations: dict[str, str] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        """Put the defaults of keyless signatures in, so that `config show` prints what is in force."""
        if not self.is_keyless or self.keys:
            return
        set_default = partial(msgspec.structs.force_setattr, self)  # the struct is frozen
        if not self.has_trust:
            set_default("trusted_root", SHIPPED[0])
        # GitHub's own instance has no logs: its timestamp authority says when something was signed.
        if is_github(self.trusted_root or ""):
            set_default("signed_timestamps", self.signed_timestamps or 1)
            return
        if self.transparency_logs is None and not self.ignore_tlog:
            set_default("transparency_logs", 1)
        if self.certificate_logs is None and not self.ignore_ctlog:
            set_default("certificate_logs", 1)

    @property
    def is_keyless(self) -> bool:
        """Whether an identity or an issuer is named."""
        return bool(self.identities) or self.is_set

    @property
    def has_trust(self) -> bool:
        """Whether a trusted root is named, or a part of one."""
        parts = (self.fulcio_certificates, self.rekor_keys, self.ctlog_keys, self.timestamp_certificates)
        return bool(self.trusted_root) or any(parts)

    @property
    def least_logs(self) -> int:
        """How many logs must hold a signature or a certificate where no number is written."""
        return 0 if is_github(self.trusted_root or "") else 1

    @property
    def ignored(self) -> tuple[str, ...]:
        """The checks that are turned off."""
        flags = {
            "tlog": self.ignore_tlog,
            "ctlog": self.ignore_ctlog,
            "observerTimestamps": self.ignore_observer_timestamps,
        }
        return tuple(name for name, ignored in flags.items() if ignored)
