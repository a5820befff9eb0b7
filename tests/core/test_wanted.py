"""Which verifiers are asked at which place of the graph: those that the policy wants there, and no others."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from pyratify.core.policy import Chain, NoPolicy
from pyratify.core.report import ArtifactReport
from pyratify.core.verifier import Details, Evidence
from pyratify.policies.threshold import Rule, ThresholdPolicy
from pyratify.testing.fakes import FakeVerifier
from pyratify.testing.memory import MemoryStore
from support.scenes import threshold, validate

SBOM, SIGNATURE = "application/sbom", "application/signature"


def nested() -> MemoryStore:
    """Return a store with an image, an SBOM attached to it, and a signature attached to that."""
    store = MemoryStore()
    store.attach(store.attach(store.add_image(), SBOM), SIGNATURE)
    return store


def recording(asked: list[tuple[str, str]], name: str) -> FakeVerifier:
    """Return a verifier of everything that passes, and records by name which kinds it gets."""

    def does(found: str) -> Callable[[Evidence], Awaitable[Details]]:
        async def record(evidence: Evidence) -> Details:
            asked.append((found, evidence.manifest.artifact_type or ""))
            return Details("good")

        return record

    return FakeVerifier(name, does=does(name))


def results(reports: tuple[ArtifactReport, ...]) -> list[list[str]]:
    """Return the names of the verifiers that each artifact has a result of, from the top down."""
    return [
        names
        for report in reports
        for names in ([result.verifier for result in report.results], *results(report.nested))
    ]


async def test_a_verifier_that_no_rule_names_at_a_place_is_not_asked_there() -> None:
    """Its work is saved, its plugins are not started, and its evidence does not stand in the report."""
    asked: list[tuple[str, str]] = []
    policy = threshold(Rule("sbom", (Rule("signature"),)))
    verifiers = [recording(asked, name) for name in ("signature", "sbom", "stranger")]
    result = await validate(nested(), *verifiers, policy=policy)
    assert result.succeeded
    assert asked == [("sbom", SBOM), ("signature", SIGNATURE)]
    assert results(result.artifacts) == [["sbom"], ["signature"]]


async def test_without_a_policy_all_are_asked() -> None:
    """The reader decides, and so wants to know everything."""
    asked: list[tuple[str, str]] = []
    verifiers = [recording(asked, name) for name in ("a", "b")]
    result = await validate(nested(), *verifiers, policy=NoPolicy())
    assert asked == [("a", SBOM), ("b", SBOM), ("a", SIGNATURE), ("b", SIGNATURE)]
    assert results(result.artifacts) == [["a", "b"], ["a", "b"]]


@dataclass(frozen=True)
class Wanting(ThresholdPolicy):
    """A policy that wants no verifier at all."""

    def wants(self, chain: Chain) -> frozenset[str]:
        """Return none: an empty set is not the same as no wish."""
        del chain
        return frozenset()


async def test_wanting_none_is_not_wanting_all() -> None:
    """An empty set asks for no verifier; None for all of them."""
    asked: list[tuple[str, str]] = []
    result = await validate(nested(), recording(asked, "sbom"), policy=Wanting(Rule(None, (Rule("sbom"),))))
    assert (asked, result.succeeded) == ([], False)
