"""`ratify verify-file`: decide whether a file may be trusted, from signatures kept beside it, of whatever kind they are."""

import asyncio
import json
from argparse import Namespace
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from pyratify.core.clock import SystemClock
from pyratify.core.dataclass import dataclass
from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import (
    ConfigurationError,
    Failure,
    InconclusiveError,
    VerificationError,
)
from pyratify.core.policy import Subject
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import ArtifactReport, Decision, Outcome, ValidationResult, VerifierResult
from pyratify.core.store import Discovery
from pyratify.core.verifier import Details
from pyratify.entrypoints.cli.commands.verify import Printer
from pyratify.entrypoints.cli.decode.file_kinds import Kind, kind_of, kind_of_bundle
from pyratify.entrypoints.cli.decode.statement_lines import MAX_LINES
from pyratify.entrypoints.cli.engines.attestation_flags import (
    attestation_flag,
    attestation_requirement,
    has_rules,
)
from pyratify.entrypoints.cli.engines.cosign_flags import is_cosign
from pyratify.entrypoints.cli.engines.executor_from_flags import any_of
from pyratify.entrypoints.cli.engines.flag_files import read_flag_file
from pyratify.entrypoints.cli.engines.store_from_flags import timeout
from pyratify.terminal import exits
from pyratify.terminal.console import Console

_FLAGS = {
    "cosign": "--key FILE, or --certificate-identity and --certificate-oidc-issuer",
    "notation": "--cert FILE with --trusted-identity, or --trust-policy and --trust-store, or --notation",
}
_ENDINGS = (".sigstore.json", ".bundle", ".jws.sig", ".cose.sig", ".sig")
_MAX_BYTES = 16 * 1024 * 1024  # as of an attestation in a registry, which may hold an SBOM
Judge = Callable[["Given"], Awaitable[Details]]


@dataclass(frozen=True, slots=True)
class Given:
    """One signature that was given.

    Attributes:
        path: Its file.
        data: What is in it.
        kind: What it is.
    """

    path: str
    data: bytes
    kind: Kind


def run(arguments: Namespace, console: Console) -> int:
    """Verify the file, print the result and return the exit code."""
    if not arguments.signature and not arguments.bundle:
        raise ConfigurationError(f"no signature of {arguments.file} is given", remedy=_beside(arguments.file))
    given = [each for path in arguments.signature for each in _given(path, "--signature")]
    given += [each for path in arguments.bundle for each in _given(path, "--bundle")]
    subject, judges = _judges(arguments, {each.kind.verifier for each in given})
    result = asyncio.run(_verify(arguments, subject, given, judges))
    if arguments.output == "json":
        result = result.checked()
        console.result(json.dumps(_document(arguments, result), allow_nan=False, separators=(",", ":")))
        return exits.of(result)
    return Printer(console, arguments.output).show(result)


def _given(path: str, flag: str) -> tuple[Given, ...]:
    """Return what a file holds: a signature, or several bundles or envelopes as JSON lines, as `gh attestation download` writes them."""
    data = read_flag_file(path, flag, most=_MAX_BYTES)
    if b"\n" in data.strip():
        from pyratify.sigstore.attached_statements import json_lines  # most files hold one

        try:
            lines = json_lines(data, MAX_LINES)
        except VerificationError as error:
            raise ConfigurationError(f"{flag}: {path}: {error.message}", remedy=error.remedy) from None
        if lines:
            return tuple(
                Given(f"{path}, line {number}", line, kind_of_bundle(line)) for number, line in lines
            )
    return (Given(path, data, kind_of_bundle(data) if flag == "--bundle" else kind_of(path, data)),)


def _judges(arguments: Namespace, wanted: set[str]) -> tuple[Descriptor, dict[str, Judge]]:
    """Return what the file is, and what verifies each kind of signature that is trusted at all."""
    trusted = {
        "cosign": is_cosign(arguments),
        "notation": bool(
            arguments.cert or arguments.trust_policy or arguments.notation or arguments.notation_config
        ),
    }
    # Ignoring the flag would accept a signature where a certain statement was asked for.
    if (flag := attestation_flag(arguments)) and "notation" in wanted:
        raise ConfigurationError(
            f"{flag} asks for a statement, and a notation signature holds none", remedy=f"Leave {flag} out."
        )
    usable = sorted(kind for kind in wanted if trusted[kind])
    if not usable:
        (kind, *_) = sorted(wanted)
        raise ConfigurationError(
            f"the signature is one of {kind}, and nothing says whose of that kind count",
            remedy=f"Give {_FLAGS[kind]}.",
        )
    makers = {"cosign": _cosign, "notation": _notation}
    made = {kind: makers[kind](arguments) for kind in usable}
    # notation's description where there is one: it has the media type too, which cosign does not name.
    return made[usable[-1]][0], {kind: judge for kind, (_, judge) in made.items()}


def _cosign(arguments: Namespace) -> tuple[Descriptor, Judge]:
    from pyratify.entrypoints.cli.decode.cosign_file import (
        load_trust,
        read_artifact,
        verify,
        verify_statement,
    )

    requirement = attestation_requirement(arguments) if has_rules(arguments) else None
    trusted = load_trust(arguments)
    artifact = read_artifact(arguments.file)

    async def judge(given: Given) -> Details:
        data, kind = given.data, given.kind
        if requirement is not None:
            now = SystemClock().now()
            return await asyncio.to_thread(
                verify_statement, data, kind, artifact, trusted, requirement=requirement, now=now
            )
        # A signature over a whole file reads up to a gigabyte, which would stop the loop of the timeout.
        return await asyncio.to_thread(
            verify, data, artifact, trusted, kind=kind, predicate_type=arguments.type or ""
        )

    return Descriptor("", artifact.digest, len(artifact.data or b"")), judge


def _notation(arguments: Namespace) -> tuple[Descriptor, Judge]:
    from pyratify.entrypoints.cli.decode.notation_file import blob_verifier
    from pyratify.verifiers.notation.blob_signature import Blob

    verifier = blob_verifier(arguments)
    blob = Blob(Path(arguments.file), arguments.media_type)
    try:
        subject = blob.describe()
    except InconclusiveError as error:
        remedy = "Give the file: a notation signature names its size too, and no digest stands for that."
        raise ConfigurationError(error.message, remedy=remedy) from None

    async def judge(given: Given) -> Details:
        await verifier.prepare()
        return await verifier.verify_blob(blob, given.data, given.kind.media_type, arguments.policy_name)

    return subject, judge


async def _verify(
    arguments: Namespace, subject: Descriptor, given: list[Given], judges: dict[str, Judge]
) -> ValidationResult:
    reference = _reference(arguments.file)
    reports: list[ArtifactReport] = []
    denials: list[Failure] = []
    try:
        async with asyncio.timeout(timeout(arguments)) as deadline:
            for each in given:
                artifact = Descriptor(each.kind.media_type, Digest.of(each.data), len(each.data))
                report = ArtifactReport(reference, artifact, Discovery.FILE)
                judge = judges.get(each.kind.verifier)
                # A signature of a kind without trust is reported and never counts.
                results = () if judge is None else (await _judged(each, judge, denials),)
                reports.append(replace(report, results=results))
                _check(deadline)
    except TimeoutError:
        late = Failure(Reason.TIMEOUT, "the signatures could not be verified in time", Reason.TIMEOUT.remedy)
        return ValidationResult(reference, subject, Decision.DENY, error=late, artifacts=tuple(reports))
    found = tuple(reports)
    # As `ratify verify`: a trusted statement against the file is not outweighed by another one for it.
    if denials:
        return ValidationResult(reference, subject, Decision.DENY, denials[0], artifacts=found)
    # The same policy as of `ratify verify` by flags: one accepted signature is enough.
    verdict = any_of(judges).decide(Subject(reference, subject, "", SystemClock().now()), found)
    failure = verdict.failure
    if failure is not None and len(given) == 1 and given[0].kind.verifier == "cosign":
        # A single bundle keeps its own reason: scripts that use verify-bundle compare it.
        failure = found[0].results[0].failure
    return ValidationResult(reference, subject, verdict.decision, failure, artifacts=found)


def _check(deadline: asyncio.Timeout) -> None:
    """Raise `TimeoutError` where the time is over: what never waits is not interrupted, and would be in time by chance."""
    when = deadline.when()
    if when is not None and asyncio.get_running_loop().time() >= when:
        raise TimeoutError


async def _judged(given: Given, judge: Judge, denials: list[Failure]) -> VerifierResult:
    try:
        details = await judge(given)
    except VerificationError as error:
        from pyratify.evidence.judgement import Denial  # of attestations alone

        if isinstance(error, Denial):
            denials.append(error.failure)
        return VerifierResult(given.kind.verifier, Outcome.FAILED, failure=error.failure)
    except InconclusiveError as error:
        return VerifierResult(given.kind.verifier, Outcome.INCONCLUSIVE, failure=error.failure)
    return VerifierResult(given.kind.verifier, Outcome.PASSED, details)


def _document(arguments: Namespace, result: ValidationResult) -> dict[str, Any]:
    """Return the result as every command writes it, with what verify-bundle always said beside it."""
    from pyratify.render.plain import bounded

    passed = [item.details for report in result.artifacts for item in report.results if item.details]
    found = result.to_dict()
    signers = sorted({signer for details in passed for signer in details.signers})
    return {
        **found,
        "artifact": bounded(arguments.file),
        **({"signers": bounded(signers), "details": bounded(passed[0].data)} if passed else {}),
    }


def _beside(file: str) -> str:
    found = [f"{file}{ending}" for ending in _ENDINGS if Path(f"{file}{ending}").is_file()]
    if found:
        return f"Beside it there is {found[0]}: give --signature {found[0]}."
    return f"Give --signature FILE: the bundle or signature that was made of it, as {file}.sigstore.json."


def _reference(path: str) -> Reference:
    """Return how reports call the file: its path, which always has a slash in it and so is no registry's."""
    # A name such as `nginx` would look like an image in the report.
    first, _, rest = (path if path.startswith("/") else f"./{path}").partition("/")
    return Reference(first, rest)
