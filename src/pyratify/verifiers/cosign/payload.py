"""What cosign signs: simple-signing payloads and in-toto statements, read from the verified bytes and no others."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from pyratify.core.digest import Digest
from pyratify.core.errors import InvalidReference, VerificationError
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.verifiers.cosign import fields
from pyratify.verifiers.cosign.artifact import ALGORITHMS, Artifact
from pyratify.verifiers.cosign.policy import CosignTrustPolicy

SIGNATURE_TYPE = "cosign container image signature"
STATEMENT_TYPES = ("https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1")
MAX_SUBJECTS = 1024
MAX_DIGESTS = 32


@dataclass(frozen=True, slots=True)
class Claim:
    """What a verified signature says.

    Attributes:
        annotations: What the signer says besides, for each mention of the subject; all of it is signed.
        docker_reference: The repository that the signer names; empty when there is none.
        predicate_type: The in-toto predicate; None for simple signing and message signatures.
    """

    annotations: tuple[Mapping[str, Any], ...] = ()
    docker_reference: str = ""
    predicate_type: str | None = None


def read_simple_signing(payload: bytes, subject: Digest) -> Claim:
    """Read a payload of simple signing (cosign SIGNATURE_SPEC, "Simple Signing").

    Raises:
        VerificationError: `PAYLOAD_TYPE` for anything else, `PAYLOAD_SUBJECT_MISMATCH` for another subject.
    """
    try:
        claim, digest = _simple_signing(fields.document(payload, "the signed payload"))
    except VerificationError as error:
        raise VerificationError(Reason.PAYLOAD_TYPE, f"not simple signing: {error.message}") from None
    if digest != subject:
        raise VerificationError(
            Reason.PAYLOAD_SUBJECT_MISMATCH, f"the signature is for {digest[:150]}, not for {subject}"
        )
    return claim


def read_statement(payload: bytes, subject: Artifact | Digest) -> Claim:
    """Read an in-toto statement about an artifact (in-toto attestation framework, "Statement layer").

    Args:
        payload: The statement.
        subject: The artifact, or the only digest of it that is known.

    Raises:
        VerificationError: `PAYLOAD_TYPE`, `ENVELOPE_MALFORMED`, `PARSE_LIMIT`, a JSON code, or
            `PAYLOAD_SUBJECT_MISMATCH` when no subject has the artifact's digests.
    """
    artifact = subject if isinstance(subject, Artifact) else Artifact(None, subject)
    document = fields.document(payload, "statement")
    if document.get("_type") not in STATEMENT_TYPES:
        raise VerificationError(Reason.PAYLOAD_TYPE, "the signed payload is not an in-toto statement")
    predicate_type = fields.text(document.get("predicateType"), "predicateType")
    subjects = fields.items(document.get("subject"), "subject", MAX_SUBJECTS)
    named = [(value, _digests(value)) for value in subjects]
    mentions = [value for value, digests in named if artifact.is_named_by(digests)]
    if not mentions:
        raise _about_another(artifact, [digests for _, digests in named])
    return Claim(tuple(_annotations(value) for value in mentions), predicate_type=predicate_type)


def _about_another(artifact: Artifact, subjects: list[Mapping[str, Any]]) -> VerificationError:
    algorithms = [name for name in ALGORITHMS if any(name in digests for digests in subjects)]
    if subjects and not any(artifact.digest_by(name) for name in algorithms):
        names = " and ".join(algorithms or sorted({str(name)[:20] for each in subjects for name in each})[:3])
        return VerificationError(
            Reason.PAYLOAD_SUBJECT_MISMATCH,
            f"the statement names its subjects by {names}, and of the artifact {artifact.digest} is known",
            remedy=f"Give the file itself, or its digest as {algorithms[0]}:HEX."
            if algorithms
            else "A digest by SHA-256, SHA-384 or SHA-512 is needed: sign again with one.",
        )
    found = [f"{name}:{str(each[name])[:128]}" for each in subjects for name in ALGORITHMS if name in each]
    return VerificationError(
        Reason.PAYLOAD_SUBJECT_MISMATCH,
        f"the statement is about {', '.join(found[:3]) or 'nothing'}{' and others' if len(found) > 3 else ''}, "
        f"not about {artifact.digest}",
    )


def check_claim(claim: Claim, policy: CosignTrustPolicy, reference: Reference) -> None:
    """Hold what is signed against the policy.

    Args:
        claim: What one verified signature says.
        policy: What it must say.
        reference: What was asked for.

    Raises:
        VerificationError: `PAYLOAD_TYPE`, `IDENTITY_MISMATCH` or `METADATA_MISMATCH`.
    """
    if claim.predicate_type is not None and claim.predicate_type not in policy.predicate_types:
        raise VerificationError(
            Reason.PAYLOAD_TYPE,
            f"a statement of type {claim.predicate_type[:200]!r} is no signature under this policy",
            remedy="Sign the image, or name this type in the policy's predicateTypes if it is to count.",
        )
    if policy.require_docker_reference:
        _check_docker_reference(claim.docker_reference, reference)
    required = policy.annotations
    if required and not any(_holds(required, found) for found in claim.annotations):
        raise VerificationError(
            Reason.METADATA_MISMATCH, f"the signature lacks a required annotation: {', '.join(required)}"
        )


def _holds(required: Mapping[str, str], found: Mapping[str, Any]) -> bool:
    return all(found.get(name) == value for name, value in required.items())


def _simple_signing(document: dict[str, Any]) -> tuple[Claim, str]:
    payload = fields.members(document, "the payload", ("critical", "optional"))
    critical = fields.members(payload.get("critical"), "critical", ("identity", "image", "type"))
    if critical.get("type") != SIGNATURE_TYPE:
        fields.malformed(f"its type is {str(critical.get('type'))[:80]!r}, not {SIGNATURE_TYPE!r}")
    identity = fields.members(critical.get("identity"), "identity", ("docker-reference",))
    image = fields.members(critical.get("image"), "image", ("docker-manifest-digest",))
    name = identity.get("docker-reference", "")
    optional = payload.get("optional", {})
    if not isinstance(name, str) or not isinstance(optional, dict):
        fields.malformed("its docker-reference is not a text, or its optional part not an object")
    digest = fields.text(image.get("docker-manifest-digest"), "docker-manifest-digest")
    return Claim((optional,), name), digest


def _digests(subject: Any) -> Mapping[str, Any]:
    digests = subject.get("digest") if isinstance(subject, dict) else None
    if not isinstance(digests, dict) or not digests:
        fields.malformed("a subject of the statement has no digest")
    if len(digests) > MAX_DIGESTS:
        raise VerificationError(
            Reason.PARSE_LIMIT, f"a subject has more than the {MAX_DIGESTS} digests allowed"
        )
    return digests


def _annotations(subject: Mapping[str, Any]) -> Mapping[str, Any]:
    found = subject.get("annotations")
    return found if isinstance(found, dict) else {}


def _check_docker_reference(name: str, reference: Reference) -> None:
    """Refuse another repository; a tag in the name, as some signers write it, was moved perhaps and says nothing."""
    if not name:
        _refuse_name("names no repository", reference)
    try:
        signed = Reference.parse(name)
    except InvalidReference:
        _refuse_name(f"names {name[:200]!r}, which is no repository", reference)
    if signed.name != reference.name or signed.digest not in (None, reference.digest):
        _refuse_name(f"is for {name[:200]!r}", reference)


def _refuse_name(what: str, reference: Reference) -> NoReturn:
    raise VerificationError(Reason.IDENTITY_MISMATCH, f"the signature {what}, not for {reference.name}")
