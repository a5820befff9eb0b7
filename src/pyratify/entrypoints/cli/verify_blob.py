"""`ratify verify-blob`: decide whether a file may be trusted, from signatures kept beside it."""

import asyncio
from argparse import Namespace
from pathlib import Path

from pyratify.core.clock import SystemClock
from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import ConfigurationError, Failure, InconclusiveError, VerificationError
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import ArtifactReport, Decision, Outcome, ValidationResult, VerifierResult
from pyratify.core.store import Discovery
from pyratify.entrypoints.cli.console import Console
from pyratify.entrypoints.cli.direct import any_of, read_file
from pyratify.entrypoints.cli.session import timeout
from pyratify.entrypoints.cli.trust import anchors, notation_options, trust_files
from pyratify.entrypoints.cli.verify import Printer
from pyratify.verifiers.notation.blob import Blob, BlobVerifier, envelope_type


def run(arguments: Namespace, console: Console) -> int:
    """Verify the file, print the result and return the exit code."""
    verifier = _verifier(arguments)
    blob = Blob(Path(arguments.file), arguments.media_type)
    try:
        subject = blob.describe()
    except InconclusiveError as error:
        raise ConfigurationError(error.message, remedy=error.remedy) from None
    signatures = [(path, read_file(path, "--signature")) for path in arguments.signature]
    result = asyncio.run(_verify(verifier, blob, subject, signatures, arguments))
    return Printer(console, arguments.output).show(result)


def _verifier(arguments: Namespace) -> BlobVerifier:
    from pyratify.verifiers.notation.blobpolicy import parse_blob_policy, short_blob_policy
    from pyratify.verifiers.notation.truststore import load_trust_store

    given = bool(arguments.trust_policy or arguments.notation or arguments.notation_config)
    if given == bool(arguments.cert) or (arguments.trusted_identity and given):
        raise ConfigurationError(
            "either --cert with --trusted-identity, or a trust policy has to say what is trusted",
            remedy="Give --cert, or --trust-policy and --trust-store, or --notation, or --notation-config.",
        )
    if given:
        data, folder = trust_files(arguments, blob=True)
        policy = parse_blob_policy(
            data, path="--trust-policy" if arguments.trust_policy else "trustpolicy.blob.json"
        )
        stores = dict(load_trust_store(folder, policy.stores))
    else:
        identities, stores = anchors(arguments)
        policy = short_blob_policy(identities=identities, stores=tuple(map(str, stores)))
    return BlobVerifier("notation", policy, stores, SystemClock(), **notation_options(arguments))


async def _verify(
    verifier: BlobVerifier,
    blob: Blob,
    subject: Descriptor,
    signatures: list[tuple[str, bytes]],
    arguments: Namespace,
) -> ValidationResult:
    reference, reports = _reference(arguments.file), []
    await verifier.prepare()
    try:
        async with asyncio.timeout(timeout(arguments)):
            for path, data in signatures:
                media_type = envelope_type(path, data)
                result = await _judge(verifier, blob, data, media_type, arguments.policy_name)
                artifact = Descriptor(media_type, Digest.of(data), len(data))
                reports.append(ArtifactReport(reference, artifact, Discovery.FILE, (result,)))
    except TimeoutError:
        late = Failure(Reason.TIMEOUT, "the signatures could not be verified in time", Reason.TIMEOUT.remedy)
        return ValidationResult(reference, subject, Decision.DENY, error=late, artifacts=tuple(reports))
    found = tuple(reports)
    verdict = any_of((verifier.name,)).decide(found)
    return ValidationResult(reference, subject, verdict.decision, verdict.failure, artifacts=found)


async def _judge(
    verifier: BlobVerifier, blob: Blob, data: bytes, media_type: str, policy_name: str | None
) -> VerifierResult:
    try:
        details = await verifier.verify_blob(blob, data, media_type, policy_name)
    except VerificationError as error:
        return VerifierResult(verifier.name, Outcome.FAILED, failure=error.failure)
    except InconclusiveError as error:
        return VerifierResult(verifier.name, Outcome.INCONCLUSIVE, failure=error.failure)
    return VerifierResult(verifier.name, Outcome.PASSED, details)


def _reference(path: str) -> Reference:
    """Return how reports call the file: its path, which always has a slash in it and so is no registry's."""
    first, _, rest = (path if path.startswith("/") else f"./{path}").partition("/")
    return Reference(first, rest)
