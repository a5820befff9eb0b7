"""The flags that select trusted cosign signers, with cosign's names and meaning."""

import argparse
from argparse import Namespace
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pyratify.core.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    from pyratify.core.key import KeyMaterial
    from pyratify.sigstore.identity import CertificateIdentity
    from pyratify.verifiers.cosign.cosign_trust_policy import CosignTrustPolicy

# Errors of CertificateIdentity name the members of a configuration, and the user typed flags.
_FLAGS = {
    "certificateIdentity": "--certificate-identity",
    "certificateIdentityRegex": "--certificate-identity-regexp",
    "certificateOIDCIssuer": "--certificate-oidc-issuer",
    "certificateOIDCIssuerRegex": "--certificate-oidc-issuer-regexp",
}
_WHOLE = "Give --signer-workflow, or --certificate-identity and --certificate-oidc-issuer, each once, exactly or as a regexp."
_CLAIMS = {
    "trigger": "githubWorkflowTrigger",
    "sha": "githubWorkflowSha",
    "name": "githubWorkflowName",
    "repository": "githubWorkflowRepository",
    "ref": "githubWorkflowRef",
}


def add_identity_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of keyless signatures, and those that hold for cosign signatures of every kind."""
    group = parser.add_argument_group("cosign signatures, keyless and in general")
    group.add_argument(
        "--certificate-identity", metavar="TEXT", help="who signed: the certificate's subject, exactly"
    )
    group.add_argument(
        "--certificate-identity-regexp",
        metavar="REGEX",
        help="the same, as an expression (RE2, as Go's) for the whole of it",
    )
    group.add_argument("--certificate-oidc-issuer", metavar="URL", help="who vouched for the signer, exactly")
    group.add_argument(
        "--certificate-oidc-issuer-regexp",
        metavar="REGEX",
        help="the same, as an expression for the whole of it",
    )
    group.add_argument(
        "--allow-any-identity",
        action="store_true",
        help="an expression that matches everything is meant; otherwise it is refused",
    )
    for name in _CLAIMS:
        group.add_argument(
            f"--certificate-github-workflow-{name}", metavar="TEXT", help=f"the GitHub workflow's {name}"
        )
    group.add_argument(
        "--signer-workflow",
        metavar="OWNER/REPO/PATH",
        help="the GitHub workflow that signed, exactly, in place of an identity; with @refs/... one version of it",
    )
    group.add_argument(
        "--deny-self-hosted", action="store_true", help="refuse signers on runners that GitHub does not host"
    )
    group.add_argument(
        "--trusted-root",
        metavar="FILE",
        help="a trusted_root.json, public-good, staging, github or github:TRUST_DOMAIN, or a mirror's https address (default: Sigstore's public instance; with --key none, and no log is looked at)",
    )
    group.add_argument(
        "--insecure-ignore-tlog", action="store_true", help="ask for no entry in a transparency log"
    )
    group.add_argument(
        "--insecure-ignore-sct", action="store_true", help="ask for no proof of certificate transparency"
    )


def add_annotations_flag(parser: argparse.ArgumentParser) -> None:
    """Add the flag that asks for signed annotations."""
    parser.add_argument(
        "-a",
        "--annotations",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="what the signer must have signed besides the digest (repeatable)",
    )


def is_keyless(arguments: Namespace) -> bool:
    """Return whether the flags name an identity."""
    return any(
        (
            arguments.certificate_identity,
            arguments.certificate_identity_regexp,
            arguments.certificate_oidc_issuer,
            arguments.certificate_oidc_issuer_regexp,
            identity_claims(arguments),
            arguments.signer_workflow,
            arguments.deny_self_hosted,
        )
    )


def is_cosign(arguments: Namespace) -> bool:
    """Return whether the flags ask for cosign signatures at all."""
    return bool(arguments.key) or is_keyless(arguments)


def trust_policy(
    arguments: Namespace, annotations: Mapping[str, str], base: "Path", root: str = ""
) -> "CosignTrustPolicy":
    """Return the trust policy that the flags describe.

    Args:
        arguments: The parsed flags.
        annotations: What must have been signed besides.
        base: Where relative paths start.
        root: The trusted root where no flag names one.

    Raises:
        ConfigurationError: A file cannot be read, the identity is not whole, or a key stands beside it.
    """
    from pyratify.entrypoints.cli.engines.flag_files import keys
    from pyratify.verifiers.cosign.cosign_trust_policy import CosignTrustPolicy

    # Together they would read like a stricter demand, and no signature can meet both.
    if arguments.key and is_keyless(arguments):
        raise ConfigurationError(
            "--key and --certificate-identity exclude one another: a signature is made with one or the other",
            remedy="Leave one out; a configuration may hold a policy for each.",
        )
    name = arguments.trusted_root or root
    own = name.partition(":")[0] == "github"  # `trust_files.is_github`, without what that imports
    return CosignTrustPolicy(
        keys=keys(arguments.key, "--key"),
        identities=(_identity(arguments),) if is_keyless(arguments) else (),
        trusted_root=_root(name, base) if name else None,
        # cosign's defaults: one log entry and one SCT. Only its own two flags with "insecure" lower them.
        # GitHub's own instance has neither, and timestamps in their place.
        logs=0 if arguments.insecure_ignore_tlog or own else 1,
        certificate_logs=0 if arguments.insecure_ignore_sct or own else 1,
        timestamps=1 if own else 0,
        annotations=annotations,
        ignored=_ignored(arguments),
    )


def read_annotations(given: list[str]) -> Mapping[str, str]:
    """Return the annotations of `-a`.

    Raises:
        ConfigurationError: Not `key=value`, or a key twice with different values.
    """
    found: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        # A second value for one key cannot be met beside the first; the last one must not just win.
        if not name or not equals or found.setdefault(name, value) != value:
            raise ConfigurationError(
                f"-a {text[:100]!r} {'is not written as KEY=VALUE' if not name or not equals else 'asks for another value than before'}",
                remedy="Write -a key=value, once for a key.",
            )
    return found


def _identity(arguments: Namespace) -> "CertificateIdentity":
    from pyratify.sigstore.github_workflow import signer_workflow
    from pyratify.sigstore.identity import CertificateIdentity

    workflow = arguments.signer_workflow
    try:
        return CertificateIdentity(
            subject=arguments.certificate_identity or "",
            subject_regex=arguments.certificate_identity_regexp or "",
            issuer=arguments.certificate_oidc_issuer or "",
            issuer_regex=arguments.certificate_oidc_issuer_regexp or "",
            extensions=identity_claims(arguments),
            allow_any=arguments.allow_any_identity,
            workflow=signer_workflow(workflow, "") if workflow else "",
            deny_self_hosted=arguments.deny_self_hosted,
        )
    except ConfigurationError as error:
        raise _about_flag(error) from None


def _about_flag(error: ConfigurationError) -> ConfigurationError:
    """Return the same error in the words of the command line: configuration's names become flags."""
    flag = _FLAGS.get(error.path, "")
    detail = error.detail
    # Of the workflow, whose own remedy says how one is written.
    if not error.path:
        return ConfigurationError(f"--signer-workflow: {detail}", remedy=error.remedy)
    if not error.path.endswith("Regex"):
        found = detail.removeprefix(error.path)
        return ConfigurationError(f"{flag}{found}" if flag else detail, remedy=_WHOLE)
    remedy = error.remedy.replace("set allowAnyIdentity", "give --allow-any-identity")
    return ConfigurationError(f"{flag}: {detail}", remedy=remedy)


def identity_claims(arguments: Namespace) -> dict[str, str]:
    """Return the GitHub claims that the flags name, under the names that a configuration has for them."""
    given = {
        claim: getattr(arguments, f"certificate_github_workflow_{name}") for name, claim in _CLAIMS.items()
    }
    return {claim: value for claim, value in given.items() if value}


def _ignored(arguments: Namespace) -> tuple[str, ...]:
    flags = {"tlog": arguments.insecure_ignore_tlog, "ctlog": arguments.insecure_ignore_sct}
    return tuple(name for name, ignored in flags.items() if ignored)


def _root(name: str, base: "Path") -> "KeyMaterial":
    from pyratify.sigstore.trust_files import read_root

    return read_root(name, base)
