"""Ratify v1's configuration policy: for each artifact type, any or all of its artifacts have to be verified.

As in Ratify v1, the result of an artifact is that of the first verifier that reads it, and artifacts that no verifier reads do not count.
Unlike there, verifiers choose by what is in an artifact, too, while its type is its publisher's word: an SBOM that is called a signature
must not count as one because the verifier of SBOMs comes first. So no verifier of signatures or attestations may refuse it.
"""

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from pyratify.core.dataclass import dataclass
from pyratify.core.decision import deny
from pyratify.core.policy import Chain, Reports, Subject
from pyratify.core.reason import Reason
from pyratify.core.report import ArtifactReport, Decision, Verdict, VerifierResult
from pyratify.policies.artifact_kind import artifact_type
from pyratify.sigstore.media_types import BUNDLE_FAMILY

# One plugin under two names.
_STATEMENTS = ("attestation", "slsa")
_SIGSTORE = ("cosign", *_STATEMENTS)
_SIGNED = ("notation", *_SIGSTORE)


class Quantifier(StrEnum):
    """How many artifacts of a type have to be verified."""

    ANY = "any"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class AnyAllPolicy:
    """Allows where every named type is satisfied, and every other type that is attached.

    Attributes:
        types: The quantifiers by artifact type; of each, one artifact has to be there.
        default: That of all other types.
        plugins: The plugins of the verifiers, by their names; of those that are missing the name.
        nested: By verifier, the types of artifacts for which the policy has to hold, too, for what is attached to the verifier's evidence.
    """

    types: Mapping[str, Quantifier] = field(default_factory=dict, hash=False)
    default: Quantifier = Quantifier.ALL
    nested: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    plugins: Mapping[str, str] = field(default_factory=dict, hash=False)

    def wants(self, chain: Chain) -> None:
        """Want every verifier: the first that reads an artifact counts."""
        del chain

    def descends(self, chain: Chain) -> bool:
        """Return whether the first verifier of the last artifact has nested artifacts that count."""
        first = _first(chain[-1])
        # Ratify v1 looks below evidence only where the verifier has nested references.
        return first is not None and first.verifier in self.nested

    def settled(self, reports: Reports) -> bool:
        """Return False: an artifact of another type may fail."""
        del reports
        return False

    def decide(self, subject: Subject, reports: Reports) -> Verdict:
        """Allow where every type is satisfied, and at least one artifact is verified."""
        del subject
        counted = [report for report in reports if report.results]
        if not counted:
            what = "no verifier reads what is attached, or nothing is attached"
            return deny(Reason.NO_EVIDENCE, what)
        unread = [report for report in reports if report.outcome is not None]
        # What could not be read may be of a type of which all have to be verified.
        if unread and Quantifier.ALL in (self.default, *self.types.values()):
            what = (
                f"{len(unread)} attached artifacts could not be read, and all of a type have to be verified"
            )
            return deny(Reason.POLICY_UNSATISFIED, what)
        return self._verdict(counted)

    def _verdict(self, counted: list[ArtifactReport]) -> Verdict:
        types = sorted({*self.types, *map(artifact_type, counted)})
        for kind in types:
            quantifier = self.types.get(kind, self.default)
            good = [self._is_verified(report) for report in counted if artifact_type(report) == kind]
            if not _holds(quantifier, good):
                what = _shortfall(kind, good)
                return deny(Reason.POLICY_UNSATISFIED, what, _remedy(quantifier, good))
        return Verdict(Decision.ALLOW)

    def _is_verified(self, report: ArtifactReport) -> bool:
        first = _first(report)
        if first is None or not first.passed or self._is_refused(report, self._plugin(first)):
            return False
        kinds = self.nested.get(first.verifier)
        return kinds is None or self._holds_below(report, kinds)

    def _is_refused(self, report: ArtifactReport, plugin: str) -> bool:
        """Return whether a verifier of signed evidence, of another plugin, reads an artifact and has not accepted it."""
        # A bundle holds a signature or an attestation, and of both verifiers that read it only one can accept it.
        is_bundle = artifact_type(report).startswith(BUNDLE_FAMILY)
        either = next(
            (each for each in (_SIGSTORE if is_bundle else (), _STATEMENTS) if plugin in each), (plugin,)
        )
        others = frozenset(_SIGNED) - frozenset(either)
        return any(not result.passed and self._plugin(result) in others for result in report.results)

    def _plugin(self, result: VerifierResult) -> str:
        return self.plugins.get(result.verifier, result.verifier)

    def _holds_below(self, report: ArtifactReport, kinds: tuple[str, ...]) -> bool:
        below = [each for each in report.nested if not kinds or artifact_type(each) in kinds]
        # What is attached could not be listed, or not be read.
        if report.outcome is not None or any(each.outcome is not None for each in report.nested):
            return False
        counted = [each for each in below if each.results]
        # Types that the policy names are asked of the image, not of each artifact below it.
        found = {artifact_type(each) for each in counted}
        return bool(found) and all(
            _holds(
                self.types.get(kind, self.default),
                [self._is_verified(each) for each in counted if artifact_type(each) == kind],
            )
            for kind in found
        )


def _holds(quantifier: Quantifier, good: list[bool]) -> bool:
    # `all` of none is true: one has to be there.
    return any(good) and (quantifier is Quantifier.ANY or all(good))


def _shortfall(kind: str, good: list[bool]) -> str:
    if not good:
        return f"the policy needs an artifact of type {kind!r}, and none that a verifier reads is attached"
    if not any(good):
        return f"none of the {len(good)} attached artifacts of type {kind!r} is verified"
    return f"{sum(good)} of the {len(good)} attached artifacts of type {kind!r} verified, and the policy needs all"


def _remedy(quantifier: Quantifier, good: list[bool]) -> str:
    if any(good):
        return "Replace or remove those that are not: the report says why."
    if not good:
        return "Attach one that a verifier reads and accepts."
    return "Attach one that is accepted" + (
        "; the report says why the others are not."
        if quantifier is Quantifier.ANY
        else ", and replace or remove the others: the report says why they are not."
    )


def _first(report: ArtifactReport) -> VerifierResult | None:
    return report.results[0] if report.results else None
