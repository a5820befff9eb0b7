"""Reads one statement of an artifact: authenticated first, then compared with what it is attached to."""

from pyratify.core.errors import VerificationError
from pyratify.core.offload import offload
from pyratify.core.reason import Reason
from pyratify.core.verifier import Evidence
from pyratify.sigstore.artifact import Artifact
from pyratify.sigstore.attached_statements import AttachedStatement
from pyratify.sigstore.authenticator import Authenticator
from pyratify.sigstore.budget import BYTES_PER_UNIT, Budget
from pyratify.sigstore.statement_envelopes import SignedStatement, authenticate, plain_statement
from pyratify.sigstore.trust_policy import TrustPolicy


async def read_signed_statement(
    evidence: Evidence,
    attached: AttachedStatement,
    authenticator: Authenticator,
    budget: Budget,
    *,
    plain: bool = False,
) -> SignedStatement:
    """Return a statement, once a trusted signer is known to have made it.

    Args:
        evidence: The artifact.
        attached: What holds the statement.
        authenticator: Says which signers count.
        budget: What verifying may still cost.
        plain: Whether a statement that stands there without an envelope is read too; its signer is `UNSIGNED`.

    Raises:
        VerificationError: It is malformed, of another type, or no trusted signer made it.
    """
    raw, layer = attached.raw, attached.layer
    if plain and (found := await offload(len(raw), plain_statement, raw, layer)) is not None:
        return found
    # Signatures count beside bytes: a small envelope tried with many keys belongs into a thread, too.
    work = len(raw) + authenticator.typical_cost * BYTES_PER_UNIT
    artifact = Artifact(None, evidence.subject.digest)
    return await offload(work, authenticate, raw, layer, artifact, authenticator, budget)


async def subject_of(evidence: Evidence, signed: SignedStatement) -> Artifact:
    """Return the subject as far as the statement names it: its bytes are read for digests that are not known.

    Raises:
        StoreError: They could not be read.
    """
    subject = evidence.subject
    data = None
    # A digest of any algorithm may match, and none may contradict (in-toto, "DigestSet").
    if set(signed.statement.algorithms) - {subject.digest.algorithm}:
        data = await evidence.content.manifest(evidence.reference, subject)
    return Artifact(data, subject.digest)


def check_subject_and_annotations(signed: SignedStatement, artifact: Artifact, policy: TrustPolicy) -> None:
    """Refuse a statement about another artifact, or without the annotations that the policy requires.

    Raises:
        VerificationError: `PAYLOAD_SUBJECT_MISMATCH` or `METADATA_MISMATCH`.
    """
    claim = signed.statement.claim(artifact)
    required = policy.annotations
    # All of them in one mention: halves of two mentions must not add up.
    if required and not any(
        all(found.get(name) == value for name, value in required.items()) for found in claim.annotations
    ):
        raise VerificationError(
            Reason.METADATA_MISMATCH, f"the statement lacks a required annotation: {', '.join(required)}"
        )
