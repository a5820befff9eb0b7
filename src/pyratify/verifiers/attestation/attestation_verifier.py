"""The verifier of in-toto attestations: who signed them, and whether they say what the policy asks for."""

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any

from pyratify.core.clock import Clock, SystemClock
from pyratify.core.digest import Digest
from pyratify.core.errors import ConfigurationError
from pyratify.core.manifest import Manifest
from pyratify.core.verifier import Details, Evidence
from pyratify.sigstore.authenticator import Authenticator
from pyratify.sigstore.media_types import BUNDLE_FAMILY
from pyratify.sigstore.statement_formats import holds_statements, is_signature
from pyratify.sigstore.trust_policy import TrustPolicies, TrustPolicy
from pyratify.verifiers.attestation.checked_statement import (
    CheckedStatement,
    counting,
    reported_error,
    signed,
)
from pyratify.verifiers.attestation.judge_statements import judge_statements
from pyratify.verifiers.attestation.requirement import Requirement
from pyratify.verifiers.attestation.together import Quantifier, check_all_read, check_together


class AttestationVerifier:
    """Verifies in-toto statements in sigstore bundles, under cosign's `.att` tags, and in bare DSSE envelopes.

    Args:
        name: The name by which policies refer to it.
        policies: The trust policies; the one with the most specific scope decides.
        requirements: What statements must be and say.
        clock: For ages, and to refuse timestamps of the future; the system clock when omitted.
        plain: Whether statements without an envelope are judged too; they count as unsigned.
        quantifier: Which of several statements of one kind, attached to one subject, have to satisfy a requirement.

    Raises:
        ConfigurationError: No policy or no requirement, or a scope that is malformed or given twice.
    """

    def __init__(
        self,
        name: str,
        policies: Iterable[TrustPolicy],
        requirements: Iterable[Requirement],
        clock: Clock | None = None,
        *,
        plain: bool = False,
        quantifier: Quantifier = Quantifier.ANY,
    ) -> None:
        self.name = name
        self._clock = clock or SystemClock()
        self._requirements = tuple(requirements)
        self.reads_tag = any(each.reads_tag for each in self._requirements)
        self.accepts_unsigned = plain
        self._quantifier = quantifier
        if not self._requirements:
            raise ConfigurationError("an attestation verifier needs at least one requirement")
        # What else is attached can change the result: a kind that must be there too, a denial, or a newer statement.
        several = len(self._requirements) > 1 or quantifier is not Quantifier.ANY
        self._looks_beside = several or any(each.may_deny for each in self._requirements)
        self._trust = TrustPolicies("attestation", policies, self._clock)

    def accepts(self, manifest: Manifest) -> bool:
        """Accept what declares statements; not bundles that announce a plain signature of the image."""
        if manifest.is_index or not holds_statements(manifest):
            return False
        return not is_signature(manifest.annotations)

    async def prepare(self) -> None:
        """Parse keys and trusted roots in a thread; later calls do nothing.

        Raises:
            ConfigurationError: `KEY_INVALID` or `TRUST_ROOT` with the origin of what cannot be used, or too many keys.
        """
        await self._trust.prepare()

    async def verify(self, evidence: Evidence) -> Details:
        """Verify the statements of an artifact; one that meets a requirement suffices, and the report lists all.

        Where several kinds must be there, or one may deny, everything that is attached to the subject is judged.

        Raises:
            VerificationError: None does, another kind is missing, a trusted statement denies, or no trust policy covers the repository.
            InconclusiveError: A configured key or trusted root cannot be used.
            StoreError: None does, or one has to be good or may deny; and it could not be read.
        """
        policy, authenticator = await self._trust.covering(evidence.reference)
        now, requirements = self._clock.now(), self._requirements
        siblings = evidence.siblings if self._looks_beside else None
        if siblings is not None:
            from pyratify.verifiers.accepted_statements import AcceptedSigners

            # Before the others are judged: none of them can look beside itself.
            signers = AcceptedSigners(policy, authenticator)
            requirements = tuple([await each.beside(evidence, now, signers) or each for each in requirements])
        judge = partial(
            judge_statements,
            policy=policy,
            authenticator=authenticator,
            requirements=requirements,
            now=now,
            plain=self.accepts_unsigned,
        )
        found: dict[Digest, list[CheckedStatement]] = {}
        if siblings is not None:
            work = partial(_examine, self, judge)
            found = dict(await siblings.examine(("attestation", self.name), work))
        own = evidence.manifest.descriptor.digest
        checked = found[own] if own in found else await judge(evidence)
        good = counting(checked)
        if not good:
            raise reported_error(checked)
        # Otherwise there is one requirement, and what counts satisfies it.
        if self._looks_beside:
            others = [statements for digest, statements in found.items() if digest != own]
            check_together([*map(signed, others), _own(checked, good)], self._requirements, self._quantifier)
            check_all_read(others, checked, self._requirements, self._quantifier)
        return _details(evidence.manifest, policy, authenticator, checked, good)


def _own(checked: list[CheckedStatement], good: list[CheckedStatement]) -> list[CheckedStatement]:
    # What is unsigned counts with its own artifact alone: what vouches for that says nothing of another.
    unsigned = [each for each in good if each.signer is None]
    # Beside it, what a trusted signer says here still denies, or has to be good too.
    return [*signed(checked), *unsigned]


async def _examine(
    verifier: AttestationVerifier,
    judge: Callable[[Evidence], Awaitable[list[CheckedStatement]]],
    evidence: Evidence,
) -> tuple[Digest, list[CheckedStatement]] | None:
    if not verifier.accepts(evidence.manifest):
        return None
    return evidence.manifest.descriptor.digest, await judge(evidence)


def _details(
    manifest: Manifest,
    policy: TrustPolicy,
    authenticator: Authenticator,
    checked: list[CheckedStatement],
    good: list[CheckedStatement],
) -> Details:
    # Distinct and sorted: copies of one statement add no signer, and reports are stable.
    signers = tuple(sorted({each.signer for each in good if each.signer is not None}))
    data: dict[str, Any] = {
        "format": _format(manifest, checked, signed=bool(signers)),
        **good[0].facts,
        "statements": [each.as_data() for each in checked],
    }
    # In every result: a verdict under reduced checks must be recognisable as one.
    if policy.ignored:
        data["ignored"] = list(policy.ignored)
    ends = [authenticator.valid_until(signers), *[each.valid_until for each in good]]
    said = (
        f"a trusted {authenticator.signer_kind} states"
        if signers
        else "a statement that is not signed itself says"
    )
    return Details(
        f"{said} what the policy asks for: {_said(good)}",
        signers,
        data,
        tuple([warning for each in good for warning in each.warnings]),
        min([end for end in ends if end is not None], default=None),
    )


def _format(manifest: Manifest, checked: list[CheckedStatement], *, signed: bool) -> str:
    if any(each.line is not None for each in checked):
        return "json-lines"
    if manifest.layers[0].media_type.startswith(BUNDLE_FAMILY):
        return "sigstore-bundle"
    return "dsse" if signed else "statement"


def _said(good: list[CheckedStatement]) -> str:
    """Return the types of the statements, and of provenance the source, which people look for first."""
    types = ", ".join(dict.fromkeys(str(each.facts["predicateType"]) for each in good))
    sources = dict.fromkeys(str(each.facts["source"]) for each in good if "source" in each.facts)
    return f"{types}, built from {', '.join(sources)}" if sources else types
