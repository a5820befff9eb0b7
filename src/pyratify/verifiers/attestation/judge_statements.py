"""Judges the statements of one artifact: each by itself, one after the other's authentication, within one budget."""

import asyncio
from dataclasses import field, replace
from datetime import datetime

from pyratify.core.dataclass import dataclass
from pyratify.core.descriptor import Descriptor
from pyratify.core.errors import InconclusiveError, RatifyError, StoreError, VerificationError
from pyratify.core.offload import await_process, offload
from pyratify.core.reason import Reason
from pyratify.core.verifier import Evidence
from pyratify.sigstore import json_fields
from pyratify.sigstore.attached_statements import AttachedStatement, read_layer
from pyratify.sigstore.authenticator import Authenticator
from pyratify.sigstore.budget import Budget
from pyratify.sigstore.media_types import BUNDLE_FAMILY
from pyratify.sigstore.statement_envelopes import SignedStatement
from pyratify.sigstore.statement_reader import (
    check_subject_and_annotations,
    read_signed_statement,
    subject_of,
)
from pyratify.sigstore.trust_policy import TrustPolicy
from pyratify.verifiers.attestation.checked_statement import CheckedStatement
from pyratify.verifiers.attestation.judge_signed import facts_of, judge_signed
from pyratify.verifiers.attestation.requirement import Requirement

_CONCURRENCY = 8  # statements that are read at the same time


async def judge_statements(
    evidence: Evidence,
    policy: TrustPolicy,
    authenticator: Authenticator,
    requirements: tuple[Requirement, ...],
    now: datetime,
    *,
    plain: bool = False,
) -> list[CheckedStatement]:
    """Judge what every layer of an artifact holds, in the manifest's order.

    Args:
        evidence: The artifact.
        policy: Says which signers count.
        authenticator: Authenticates them.
        requirements: What statements must be and say; one that is satisfied suffices for a statement.
        now: The moment of the verification.
        plain: Whether statements without an envelope are judged too, as unsigned ones.

    Raises:
        VerificationError: It has no layer, too many, or several of which one is a bundle.
    """
    layers = evidence.manifest.layers
    _check_layers(layers, evidence.content.limits.signatures)
    judge = _StatementJudge(evidence, policy, authenticator, requirements, now, plain)
    try:
        if len(layers) == 1:  # every bundle: no task is needed
            return await judge.judge_layer(layers[0])
        slots = asyncio.Semaphore(_CONCURRENCY)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(judge.judge_in_turn(layer, slots)) for layer in layers]
    finally:
        # Cancelled or late: a thread goes on until its next attempt, and then stops.
        judge.budget.end()
    return [each for task in tasks for each in task.result()]


def _check_layers(layers: tuple[Descriptor, ...], most: int) -> None:
    if not layers:
        json_fields.malformed("the manifest has no statement")
    # Of several bundles, which one counts would depend on the reader (cosign BUNDLE_SPEC, "Publishing").
    if len(layers) > 1 and any(each.media_type.startswith(BUNDLE_FAMILY) for each in layers):
        json_fields.malformed("the manifest does not have exactly one layer, a bundle")
    # Before anything is read: each layer costs a request, and their number is not trusted.
    if len(layers) > most:
        raise VerificationError(
            Reason.SIGNATURE_LIMIT, f"the manifest has {len(layers)} statements, more than the {most} allowed"
        )


@dataclass(slots=True)
class _StatementJudge:
    evidence: Evidence
    policy: TrustPolicy
    authenticator: Authenticator
    requirements: tuple[Requirement, ...]
    now: datetime
    plain: bool
    budget: Budget = field(default_factory=Budget)

    async def judge_in_turn(self, layer: Descriptor, slots: asyncio.Semaphore) -> list[CheckedStatement]:
        # Held until it is judged: only so many layers are in memory.
        async with slots:
            return await self.judge_layer(layer)

    async def judge_layer(self, layer: Descriptor) -> list[CheckedStatement]:
        try:
            found = await read_layer(self.evidence, layer)
        except (StoreError, VerificationError, InconclusiveError) as error:
            return [CheckedStatement(layer.digest, error=error.with_traceback(None))]
        return [await self._judge(each) for each in found]

    async def _judge(self, attached: AttachedStatement) -> CheckedStatement:
        if attached.line is not None:
            # Small ones need no thread, and thousands in a row would hold the event loop for a second.
            await asyncio.sleep(0)
        signed: SignedStatement | None = None
        try:
            signed = await read_signed_statement(
                self.evidence, attached, self.authenticator, self.budget, plain=self.plain
            )
            artifact = await subject_of(self.evidence, signed)
            size = len(attached.raw)
            await offload(size, check_subject_and_annotations, signed, artifact, self.policy)
            return await self._judge_signed(attached, signed)
        # Kept: one statement that does not count must not hide the others. Frames would keep the documents in memory.
        except (StoreError, VerificationError, InconclusiveError) as error:
            return self._refused(attached, signed, error.with_traceback(None))

    async def _judge_signed(self, attached: AttachedStatement, signed: SignedStatement) -> CheckedStatement:
        try:
            return await self._check(attached, signed, self.requirements)
        except VerificationError as error:
            if error.reason is not Reason.VULN_FOUND:
                raise
            from pyratify.verifiers.accepted_statements import AcceptedSigners

            # Only now: what satisfies the rules as it is costs no request for what is attached beside it.
            signers = AcceptedSigners(self.policy, self.authenticator)
            beside = [await each.beside(self.evidence, self.now, signers) for each in self.requirements]
            if not any(beside):
                raise
        requirements = tuple(
            informed or each for informed, each in zip(beside, self.requirements, strict=True)
        )
        return await self._check(attached, signed, requirements)

    async def _check(
        self, attached: AttachedStatement, signed: SignedStatement, requirements: tuple[Requirement, ...]
    ) -> CheckedStatement:
        if any(each.awaits_process for each in requirements):
            return await await_process(self._checked, attached, signed, requirements)
        return await offload(len(attached.raw), self._checked, attached, signed, requirements)

    def _checked(
        self, attached: AttachedStatement, signed: SignedStatement, requirements: tuple[Requirement, ...]
    ) -> CheckedStatement:
        evidence = self.evidence
        judged = judge_signed(
            signed, requirements, evidence.subject, self.now, reference=evidence.reference, tag=evidence.tag
        )
        found = judged.judgement
        return CheckedStatement(
            attached.layer.digest,
            signed.signer.name or None,
            facts=found.facts,
            warnings=found.warnings,
            valid_until=found.valid_until,
            satisfied=judged.satisfied,
            refused=judged.refused,
            is_dated=signed.signer.signed_at is not None,
            line=attached.line,
        )

    def _refused(
        self, attached: AttachedStatement, signed: SignedStatement | None, error: RatifyError
    ) -> CheckedStatement:
        refused = CheckedStatement(attached.layer.digest, error=error, line=attached.line)
        if signed is None:
            return refused
        signer = signed.signer.name or None
        is_dated = signed.signer.signed_at is not None
        return replace(refused, signer=signer, facts=facts_of(signed), is_dated=is_dated)
