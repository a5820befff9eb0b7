"""The VEX documents that a policy accepts: signed by its signers and attached to the same image, or files of its own.

What is attached without such a signature is never read: who may push could otherwise say that nothing matters.
"""

import asyncio
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

import msgspec

from pyratify.core import strictjson
from pyratify.core.clock import Clock
from pyratify.core.errors import ConfigurationError, RatifyError, VerificationError
from pyratify.core.files import UnreadableFile, read_file
from pyratify.core.limits import MIB
from pyratify.core.plugin import Resources
from pyratify.core.verifier import Evidence
from pyratify.evidence.cosign_predicate import unwrapped
from pyratify.evidence.predicate_types import CYCLONEDX_PREDICATES, VEX_PREDICATES
from pyratify.evidence.vex.read_vex import read_vex
from pyratify.evidence.vex.statement import VexDocument
from pyratify.evidence.vex.suppression import Suppression
from pyratify.sigstore.load_trust_policy import load_trust_policy
from pyratify.sigstore.statement_envelopes import SignedStatement
from pyratify.sigstore.trust_policy import TrustPolicies, TrustPolicy
from pyratify.sigstore.trust_policy_options import TrustPolicyOptions
from pyratify.verifiers.accepted_statements import AcceptedSigners

_MAX_FILE = 4 * MIB


class VexOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Whose VEX documents (OpenVEX, CycloneDX) count.

    Attributes:
        trust_policies: Whose attestations of them count, as for a verifier of type `cosign`; they are attached to the same image.
        files: VEX documents of the policy's own authors; read when the configuration is.
    """

    trust_policies: tuple[TrustPolicyOptions, ...] = ()
    files: tuple[str, ...] = ()


class AcceptedVex:
    """Finds the accepted VEX documents about an image.

    Args:
        trust: Whose attestations count; None for no signer.
        documents: The documents of the policy's own authors.
    """

    def __init__(self, trust: TrustPolicies[TrustPolicy] | None, documents: tuple[VexDocument, ...]) -> None:
        self._trust, self._documents = trust, documents

    async def about(self, evidence: Evidence, now: datetime) -> Suppression:
        """Return what all accepted documents together say of the evidence's subject.

        Raises:
            VerificationError: `REPORT_INVALID`: an accepted document is malformed, so what it says is unknown.
            InconclusiveError: A configured key or trusted root cannot be used.
            StoreError: Not all of what is attached could be read.
        """
        found = [*self._documents, *await self._attached(evidence)]
        return Suppression(found, str(evidence.subject.digest), now)

    async def _attached(self, evidence: Evidence) -> list[VexDocument]:
        if self._trust is None or evidence.siblings is None:
            return []
        try:
            policy, authenticator = await self._trust.covering(evidence.reference)
        except VerificationError:  # no trust policy covers the repository: no signer is accepted there
            return []
        work = partial(AcceptedSigners(policy, authenticator).read, _document, in_part=_taking_back)
        found = [each for one in await evidence.siblings.examine(self, work) for each in one]
        for each in found:
            if isinstance(each, RatifyError):
                raise VerificationError(
                    each.reason,
                    f"an accepted VEX document cannot be read, so what it takes back is unknown: {each.message}",
                    remedy="Ask its author for a document that follows its format.",
                )
        return [each for each in found if isinstance(each, VexDocument)]


async def load_accepted_vex(options: VexOptions, path: str, resources: Resources) -> AcceptedVex:
    """Load keys and files.

    Raises:
        ConfigurationError: With the path of what is wrong; also where nothing is named.
    """
    if not options.trust_policies and not options.files:
        raise ConfigurationError(
            "accepts no VEX documents: it has neither trustPolicies nor files", path=path
        )
    policies = [
        await load_trust_policy(each, f"{path}.trustPolicies[{index}]", resources, TrustPolicy)
        for index, each in enumerate(options.trust_policies)
    ]
    record = partial(resources.shared.fingerprint.add, "VEX document")
    documents: list[VexDocument] = []
    for index, name in enumerate(options.files):
        data, document = await asyncio.to_thread(_read_file, resources.base / name, f"{path}.files[{index}]")
        # What a file suppresses changes verdicts, so its bytes belong to the fingerprint.
        record(data)
        documents.append(document)
    return AcceptedVex(_trust(policies, resources.clock), tuple(documents))


def _trust(policies: list[TrustPolicy], clock: Clock) -> TrustPolicies[TrustPolicy] | None:
    return TrustPolicies("VEX", policies, clock) if policies else None


def _read_file(file: Path, path: str) -> tuple[bytes, VexDocument]:
    try:
        data = read_file(file, _MAX_FILE)
        return data, read_vex(strictjson.loads(data, what=file.name, max_bytes=_MAX_FILE))
    except (UnreadableFile, RatifyError) as error:
        raise ConfigurationError(f"{file.name}: {error}", path=path) from None


def _document(signed: SignedStatement) -> VexDocument | RatifyError | None:
    statement = signed.statement
    if statement.predicate_type not in VEX_PREDICATES:
        return None
    predicate = unwrapped(statement.predicate)
    # Most CycloneDX documents are SBOMs without any analysis.
    if statement.predicate_type in CYCLONEDX_PREDICATES and not _has_analyses(predicate):
        return None
    try:
        return _dated(read_vex(predicate), signed.signer.signed_at)
    except VerificationError as error:
        # Returned: raised, it would be left out like what no accepted signer made.
        return VerificationError(error.reason, error.message)


def _has_analyses(predicate: object) -> bool:
    return isinstance(predicate, dict) and bool(predicate.get("vulnerabilities"))


def _dated(document: VexDocument, signed_at: datetime | None) -> VexDocument:
    """Return the document with no suppressing statement later than its signature: a later one would win by a date alone."""
    if signed_at is None:
        return document
    statements = tuple(
        replace(each, time=min(each.time, signed_at)) if each.status.suppresses and each.time else each
        for each in document.statements
    )
    return replace(document, statements=statements)


def _taking_back(document: VexDocument | RatifyError) -> VexDocument | RatifyError:
    # Of a list that was not read whole: the rest of it may take back what these suppress.
    if isinstance(document, RatifyError):
        return document
    statements = tuple(each for each in document.statements if not each.status.suppresses)
    return replace(document, statements=statements)
