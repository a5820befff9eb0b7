"""in-toto statements, read from the verified bytes only (in-toto attestation framework, "Statement layer")."""

from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Any

from pyratify.core import strictjson
from pyratify.core.dataclass import dataclass
from pyratify.core.digest import Digest
from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.sigstore import json_fields
from pyratify.sigstore.artifact import ALGORITHMS, Artifact, agree, contradict
from pyratify.sigstore.claim import Claim

STATEMENT_TYPES = ("https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1")
_STATEMENT = "in-toto.io/statement"
MAX_SUBJECTS = 1024  # a release names hundreds of files
MAX_DIGESTS = 32


@dataclass(frozen=True, slots=True)
class Statement:
    """An in-toto statement.

    Attributes:
        predicate_type: What kind of document the predicate is.
        predicate: The document, a JSON value.
        subjects: The artifacts that it is about, each with its digests by algorithm.
        algorithms: Those of `ALGORITHMS` that any subject is named by.
    """

    predicate_type: str
    predicate: Any = field(repr=False, hash=False)
    subjects: tuple[tuple[Mapping[str, Any], Mapping[str, Any]], ...] = field(repr=False, hash=False)
    algorithms: tuple[str, ...]

    def claim(self, artifact: Artifact) -> Claim:
        """Return what the statement says of an artifact.

        Raises:
            VerificationError: `PAYLOAD_SUBJECT_MISMATCH`: no subject has the artifact's digests.
        """
        # Once for all subjects: a release names many, and the artifact may be large.
        known = [digest for name in self.algorithms if (digest := artifact.digest_by(name))]
        # An artifact may be named twice, with different annotations; one mention that suffices is enough.
        mentions = [value for value, digests in self.subjects if agree(digests, known)]
        # Also beside a good mention: what is said of the artifact has to hold for each.
        for _, digests in self.subjects:
            if contradict(digests, known):
                raise _contradiction(artifact, digests, known)
        if not mentions:
            raise _about_another(artifact, [digests for _, digests in self.subjects])
        return Claim(tuple(_annotations(value) for value in mentions), predicate_type=self.predicate_type)


def parse_statement(
    payload: bytes, *, max_bytes: int = strictjson.MAX_BYTES, max_tokens: int = strictjson.MAX_TOKENS
) -> Statement:
    """Parse an in-toto statement (in-toto attestation framework, "Statement layer").

    Args:
        payload: The statement.
        max_bytes: The most bytes that it may have.
        max_tokens: The most JSON tokens.

    Raises:
        VerificationError: `PAYLOAD_TYPE`, `ENVELOPE_MALFORMED`, `PARSE_LIMIT` or a JSON code.
    """
    # From the bytes that were verified: parsing an envelope again is what DSSE's protocol.md forbids.
    return statement_of(json_fields.document(payload, "statement", max_bytes, max_tokens))


def statement_of(document: Mapping[str, Any]) -> Statement:
    """Return the statement in a document that was parsed strictly; errors as in `parse_statement`, without those of JSON."""
    if document.get("_type") not in STATEMENT_TYPES:
        raise _no_statement(document)
    predicate_type = json_fields.text(document.get("predicateType"), "predicateType")
    subjects = json_fields.items(document.get("subject"), "subject", MAX_SUBJECTS)
    # Every subject must be well-formed, also those about other artifacts: no reader may see another list.
    named = tuple((value, _digests(value)) for value in subjects)
    algorithms = tuple(name for name in ALGORITHMS if any(name in digests for _, digests in named))
    return Statement(predicate_type, document.get("predicate"), named, algorithms)


def _no_statement(document: Mapping[str, Any]) -> VerificationError:
    """Return why a document is not read: a statement of a version that is not known, or something else."""
    kind, known = document.get("_type"), " or ".join(STATEMENT_TYPES)
    said = f"is of type {str(kind)[:120]!a}" if kind is not None else "has no _type"
    # A later version may give its members another meaning; look-alikes are no other kind of document.
    is_other = isinstance(kind, str) and _STATEMENT not in kind.lower()
    if "predicateType" in document and not is_other:
        return VerificationError(
            Reason.ENVELOPE_MALFORMED,
            f"the statement {said}, and must be of {known}",
            remedy="Attest the image again with a tool that writes one of them.",
        )
    return VerificationError(
        Reason.PAYLOAD_TYPE,
        f"the signed payload is not an in-toto statement: it {said}, and must be of {known}",
    )


def read_statement(payload: bytes, subject: Artifact | Digest) -> Claim:
    """Read what an in-toto statement says of an artifact.

    Args:
        payload: The statement.
        subject: The artifact, or the only digest of it that is known.

    Raises:
        VerificationError: As `parse_statement` and `Statement.claim`.
    """
    artifact = subject if isinstance(subject, Artifact) else Artifact(None, subject)
    return parse_statement(payload).claim(artifact)


def _contradiction(
    artifact: Artifact, digests: Mapping[str, Any], known: Iterable[Digest]
) -> VerificationError:
    wrong = next(each for each in known if not agree(digests, [each]) and each.algorithm in digests)
    return VerificationError(
        Reason.PAYLOAD_SUBJECT_MISMATCH,
        f"a subject of the statement has one digest of {artifact.digest} and one of something else: "
        f"{wrong.algorithm}:{str(digests[wrong.algorithm])[:128]}, not {wrong}",
        remedy="Attest the image again, with digests that all belong to it.",
    )


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
