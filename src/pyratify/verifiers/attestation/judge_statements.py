"""Judges the statements of one artifact: each by itself, one after the other's authentication, within one budget."""

import asyncio
from dataclasses import field
from datetime import datetime

from pyratify.core.dataclass import dataclass
from pyratify.core.descriptor import Descriptor
from pyratify.core.errors import InconclusiveError, RatifyError, StoreError, VerificationError
from pyratify.core.offload import LARGE, offload
from pyratify.core.reason import Reason
from pyratify.core.verifier import Evidence
from pyratify.evidence.judgement import Circumstances
from pyratify.sigstore.authenticator import Authenticator
from pyratify.sigstore.budget import Budget
from pyratify.sigstore.statement_envelopes import SignedStatement
from pyratify.sigstore.statement_reader import (
    check_subject_and_annotations,
    read_signed_statement,
    subject_of,
)
from pyratify.sigstore.trust_policy import TrustPolicy
from pyratify.verifiers.accepted_statements import AcceptedSigners
from pyratify.verifiers.attestation.checked_statement import CheckedStatement
from pyratify.verifiers.attestation.judge_signed import facts_of, judge_signed
from pyratify.verifiers.attestation.requirement import Requirement

_CONCURRENCY = 8  # statements that are read at the same time


@dataclass(slots=True)
class StatementJudge:
    """Judges the statements of one artifact.

    Attributes:
        evidence: The artifact.
        policy: Says which signers count.
        authenticator: Authenticates them.
        requirements: What statements must be and say; one that is satisfied suffices for a statement.
        now: The moment of the verification.
        plain: Whether statements without an envelope are judged too, as unsigned ones.
    """

    evidence: Evidence
    policy: TrustPolicy
    authenticator: Authenticator
    requirements: tuple[Requirement, ...]
    now: datetime
    plain: bool = False
    _budget: Budget = field(default_factory=Budget)

    async def judge_all(self) -> list[CheckedStatement]:
        """Judge every layer, in the manifest's order."""
        slots = asyncio.Semaphore(_CONCURRENCY)
        layers = self.evidence.manifest.layers
        try:
            if len(layers) == 1:  # every bundle: no task is needed
                return [await self._judge(layers[0], slots)]
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._judge(layer, slots)) for layer in layers]
        finally:
            # Cancelled or late: a thread goes on until its next attempt, and then stops.
            self._budget.end()
        return [task.result() for task in tasks]

    async def _judge(self, layer: Descriptor, slots: asyncio.Semaphore) -> CheckedStatement:
        signed: SignedStatement | None = None
        try:
            # Held until it is judged: only so many statements are in memory.
            async with slots:
                signed = await read_signed_statement(
                    self.evidence, layer, self.authenticator, self._budget, plain=self.plain
                )
                artifact = await subject_of(self.evidence, signed)
                await offload(layer.size, check_subject_and_annotations, signed, artifact, self.policy)
                return await self._judge_signed(layer, signed)
        # Kept: one statement that does not count must not hide the others. Frames would keep the documents in memory.
        except (StoreError, VerificationError, InconclusiveError) as error:
            return self._refused(layer, signed, error.with_traceback(None))

    async def _judge_signed(self, layer: Descriptor, signed: SignedStatement) -> CheckedStatement:
        try:
            return await self._check(layer, signed, self.requirements)
        except VerificationError as error:
            if error.reason is not Reason.VULN_FOUND:
                raise
            # Only now: what satisfies the rules as it is costs no request for what is attached beside it.
            signers = AcceptedSigners(self.policy, self.authenticator)
            beside = [await each.beside(self.evidence, self.now, signers) for each in self.requirements]
            if not any(beside):
                raise
        requirements = tuple(
            informed or each for informed, each in zip(beside, self.requirements, strict=True)
        )
        return await self._check(layer, signed, requirements)

    async def _check(
        self, layer: Descriptor, signed: SignedStatement, requirements: tuple[Requirement, ...]
    ) -> CheckedStatement:
        slow = any(each.offload for each in requirements)
        return await offload(LARGE + 1 if slow else layer.size, self._checked, layer, signed, requirements)

    def _checked(
        self, layer: Descriptor, signed: SignedStatement, requirements: tuple[Requirement, ...]
    ) -> CheckedStatement:
        evidence = self.evidence
        circumstances = Circumstances(
            evidence.subject, self.now, reference=evidence.reference, tag=evidence.tag
        )
        judged = judge_signed(signed, requirements, circumstances)
        found = judged.judgement
        return CheckedStatement(
            layer.digest,
            signed.signer.name or None,
            facts=dict(found.facts),
            warnings=found.warnings,
            valid_until=found.valid_until,
            satisfied=judged.satisfied,
            is_dated=signed.signer.signed_at is not None,
        )

    def _refused(
        self, layer: Descriptor, signed: SignedStatement | None, error: RatifyError
    ) -> CheckedStatement:
        if signed is None:
            return CheckedStatement(layer.digest, error=error)
        signer = signed.signer.name or None
        is_dated = signed.signer.signed_at is not None
        return CheckedStatement(layer.digest, signer, error, facts_of(signed), is_dated=is_dated)
