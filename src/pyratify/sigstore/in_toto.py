"""in-toto statements, read from the verified bytes only (in-toto attestation framework, "Statement layer")."""

from collections.abc import Mapping
from typing import Any

from pyratify.core.digest import Digest
from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.sigstore import json_fields
from pyratify.sigstore.artifact import ALGORITHMS, Artifact, agree
from pyratify.sigstore.claim import Claim

STATEMENT_TYPES = ("https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1")
MAX_SUBJECTS = 1024  # a release names hundreds of files
MAX_DIGESTS = 32


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
    # From the bytes that were verified: parsing an envelope again is what DSSE's protocol.md forbids.
    document = json_fields.document(payload, "statement")
    if document.get("_type") not in STATEMENT_TYPES:
        raise VerificationError(Reason.PAYLOAD_TYPE, "the signed payload is not an in-toto statement")
    predicate_type = json_fields.text(document.get("predicateType"), "predicateType")
    subjects = json_fields.items(document.get("subject"), "subject", MAX_SUBJECTS)
    # Every subject must be well-formed, also those about other artifacts: no reader may see another list.
    named = [(value, _digests(value)) for value in subjects]
    # Once for all subjects: a release names many, and the artifact may be large.
    algorithms = [name for name in ALGORITHMS if any(name in digests for _, digests in named)]
    known = [digest for name in algorithms if (digest := artifact.digest_by(name))]
    # An artifact may be named twice, with different annotations; one mention that suffices is enough.
    mentions = [value for value, digests in named if agree(digests, known)]
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


def _digests(subject: Any) -> Mapping[str, Any]:
    digests = subject.get("digest") if isinstance(subject, dict) else None
    if not isinstance(digests, dict) or not digests:
        json_fields.malformed("a subject of the statement has no digest")
    if len(digests) > MAX_DIGESTS:
        raise VerificationError(
            Reason.PARSE_LIMIT, f"a subject has more than the {MAX_DIGESTS} digests allowed"
        )
    return digests


def _annotations(subject: Mapping[str, Any]) -> Mapping[str, Any]:
    found = subject.get("annotations")
    return found if isinstance(found, dict) else {}
