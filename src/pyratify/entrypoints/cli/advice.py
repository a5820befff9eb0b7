"""Remedies of a run by flags: a signature was found, and another flag reads it."""

from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace

from pyratify.core.reason import Reason
from pyratify.core.report import ArtifactReport, ValidationResult, VerifierResult, flatten
from pyratify.core.store import Discovery
from pyratify.entrypoints.cli.signature_types import BUNDLES, NOTATION

_TELLING = frozenset({Reason.NO_EVIDENCE, Reason.POLICY_UNSATISFIED})
_FLAGS = {
    "Notation": "--cert CA.pem with --trusted-identity, or --notation",
    "cosign": "--key FILE, or --certificate-identity with --certificate-oidc-issuer",
}
_TYPES = {"Notation": "notation", "cosign": "cosign"}


def advised(result: ValidationResult, arguments: Namespace, *, direct: bool) -> ValidationResult:
    """Return a refusal whose remedy names what reads the signatures that were found and not looked at.

    Args:
        result: The result.
        arguments: The parsed flags.
        direct: Whether the flags say what is trusted, and not a configuration.
    """
    if direct:
        result = replace(result, artifacts=tuple(_in_flags(each, arguments) for each in result.artifacts))
    # Other codes have remedies of their own, and a registry's fault is not mended by a flag.
    if result.failure is None or result.failure.reason not in _TELLING:
        return result
    items = [item for report in flatten(result.artifacts) for item in report.results]
    kinds = sorted(set(_unread(result)))
    # Where anything was read, the failure is about that, and advice on the rest would distract from it.
    if items or not kinds:
        return result
    found = " and ".join(kinds)
    signatures = f"a {found} signature is attached" if len(kinds) == 1 else f"{found} signatures are attached"
    if direct:
        given = next(
            (f"--{name.replace('_', '-')}" for name in _GIVEN if getattr(arguments, name, None)),
            "what is given",
        )
        remedy = f"{signatures[0].upper()}{signatures[1:]}, which {given} does not read: give {', or '.join(_FLAGS[each] for each in kinds)}."
    else:
        types = " and ".join(_TYPES[each] for each in kinds)
        remedy = f"{signatures[0].upper()}{signatures[1:]}: add a verifier of the type {types} to the configuration."
    message = f"{result.failure.message}; {signatures}, and nothing here reads it"
    return replace(result, failure=replace(result.failure, message=message, remedy=remedy))


def _in_flags(report: ArtifactReport, arguments: Namespace) -> ArtifactReport:
    """Return a report whose general remedies name the flags of this run."""
    results = tuple(_flagged(item, arguments) for item in report.results)
    return replace(
        report, results=results, nested=tuple(_in_flags(each, arguments) for each in report.nested)
    )


def _flagged(item: VerifierResult, arguments: Namespace) -> VerifierResult:
    remedies = _REMEDIES.get(item.verifier, {})
    failure = item.failure
    # A remedy that differs from its code's is specific already.
    if failure is None or failure.reason not in remedies or failure.remedy != failure.reason.remedy:
        return item
    if item.verifier == "notation" and not arguments.cert:  # a trust policy's own words are right
        return item
    return replace(item, failure=replace(failure, remedy=remedies[failure.reason]))


_REMEDIES = {
    "attestation": {
        Reason.PREDICATE_TYPE: "Attach a statement of a type that the flags ask for, as with `cosign attest --type`.",
    },
    "notation": {
        Reason.IDENTITY_MISMATCH: "If this signer is to be trusted, name it as the message does, with --trusted-identity.",
        Reason.CHAIN_UNTRUSTED: "If this signer is to be trusted, give its authority's certificate with --cert; "
        "`ratify inspect` shows the chain.",
    },
    "cosign": {
        Reason.IDENTITY_MISMATCH: "If this signer is to be trusted, name it as the message does, with "
        "--certificate-identity and --certificate-oidc-issuer.",
        Reason.CHAIN_UNTRUSTED: "If this signer is to be trusted, give the root of its authority with --trusted-root.",
    },
}
_GIVEN = (
    "key",
    "certificate_identity",
    "certificate_identity_regexp",
    "cert",
    "trust_policy",
    "notation",
    "notation_config",
)


def _unread(result: ValidationResult) -> Iterator[str]:
    for report in flatten(result.artifacts):
        if not report.results and report.failure is None:
            yield from _kind(report)


def _kind(report: ArtifactReport) -> Iterator[str]:
    kind = report.artifact.artifact_type or report.artifact.media_type
    if kind == NOTATION:
        yield "Notation"
    # The prefix covers all versions of bundles; a signature at a tag has the type of any image.
    elif kind.startswith(BUNDLES) or report.discovery is Discovery.COSIGN_TAG:
        yield "cosign"
