"""Refusals of a run by flags that ask for documents: which one is missing, or attached without a signature."""

from argparse import Namespace
from collections.abc import Iterator, Mapping
from dataclasses import replace

from pyratify.core.errors import Failure
from pyratify.core.reason import Reason
from pyratify.core.report import ArtifactReport, Outcome, ValidationResult, VerifierResult, flatten
from pyratify.entrypoints.cli.engines.attestation_flags import attestation_flag
from pyratify.entrypoints.cli.engines.document_flags import document_parameters

_ASKING = frozenset({Reason.NO_EVIDENCE, Reason.POLICY_UNSATISFIED, Reason.EVIDENCE_UNSIGNED})
_STATEMENTS = frozenset({Reason.PREDICATE_TYPE, Reason.PAYLOAD_TYPE})
# Said of what is attached for another purpose, and of statements by other signers, of which it is not known what they are about.
_OTHERS = frozenset(
    {
        Reason.PREDICATE_TYPE,
        Reason.PAYLOAD_TYPE,
        Reason.SIG_INVALID,
        Reason.SIGNER_KIND,
        Reason.IDENTITY_MISMATCH,
    }
)
# By the kind of document: what people call it, and cosign's name for it as a predicate.
_NAMES: Mapping[str, tuple[str, str]] = {
    "sbom": ("SBOM", "spdxjson or cyclonedx"),
    "vulnerability": ("vulnerability report", "vuln"),
}


def with_missing_document(result: ValidationResult, arguments: Namespace) -> ValidationResult:
    """Return a refusal that names the document that is missing, where the image is signed as the flags ask.

    Args:
        result: The result.
        arguments: The parsed flags.
    """
    asked = tuple(document_parameters(arguments))
    failure = result.failure
    if not asked or failure is None or failure.reason not in _ASKING:
        return result
    if not _is_signed(result, asked):
        # With a flag for attestations a statement stands for the signature, and its own results tell.
        return result if attestation_flag(arguments) else _unsigned(result, failure, asked)
    for kind in asked:
        found = _said(kind, result, failure.message)
        if found is not None:
            message, remedy = found
            return replace(result, failure=replace(failure, message=message, remedy=remedy))
    return result


def _unsigned(result: ValidationResult, failure: Failure, asked: tuple[str, ...]) -> ValidationResult:
    """Return a refusal that says that documents alone are attached; another one where a signature was refused."""
    others = [item.failure for item in _of_image(result, asked) if item.failure is not None]
    platforms = any(report.platform for report in result.artifacts)
    if platforms or not result.artifacts or any(each.reason not in _STATEMENTS for each in others):
        return result
    found = replace(
        failure,
        message="the image itself has no signature by a trusted signer, and what is attached to it does not replace one",
        remedy="Sign the image, as with `cosign sign`, beside its documents.",
    )
    return replace(result, failure=found)


def _refused(noun: str, failure: Failure) -> tuple[str, str]:
    return f"the {noun} that is attached is refused: {failure.message}", failure.remedy


def _said(kind: str, result: ValidationResult, known: str) -> tuple[str, str] | None:
    """Return what is to be said of a kind of document, and what to do; None where its own results tell."""
    noun, predicate = _NAMES[kind]
    items = [(item, report) for report, item in _results(result) if item.verifier in (kind, f"signed-{kind}")]
    told = [item.failure for item, _ in items if item.failure and item.failure.reason not in _OTHERS]
    # A document that its own rule refused has a better message than any made here.
    if told:
        return None if any(each.message in known for each in told) else _refused(noun, told[0])
    passed = [(item, report) for item, report in items if item.outcome is Outcome.PASSED]
    if any(item.verifier != kind or _has_signature(report) for item, report in passed):
        return None
    attest = f"cosign attest --type {predicate}"
    if not passed:
        return (
            f"the image is signed, and no {noun} by a trusted signer is attached to it",
            f"Attach one in a signed statement ({attest}), or with `oras attach` and a signature of its own.",
        )
    digest = passed[0][1].artifact.digest
    return (
        f"the {noun} {digest} is attached without a signature by a trusted signer",
        f"Sign it as the image is signed, by its digest, or attach it in a signed statement ({attest}).",
    )


def _is_signed(result: ValidationResult, asked: tuple[str, ...]) -> bool:
    return any(item.outcome is Outcome.PASSED for item in _of_image(result, asked))


def _of_image(result: ValidationResult, asked: tuple[str, ...]) -> Iterator[VerifierResult]:
    """Iterate over what the verifiers of signatures say of what is attached to the image itself."""
    documents = {name for kind in asked for name in (kind, f"signed-{kind}")}
    for report in result.artifacts:
        yield from (item for item in report.results if item.verifier not in documents)


def _has_signature(report: ArtifactReport) -> bool:
    return any(item.outcome is Outcome.PASSED for below in report.nested for item in below.results)


def _results(result: ValidationResult) -> Iterator[tuple[ArtifactReport, VerifierResult]]:
    for report in flatten(result.artifacts):
        for item in report.results:
            yield report, item
