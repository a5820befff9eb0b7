"""The policy any-all: Ratify v1's artifactVerificationPolicies."""

from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyratify.config.decode import decode
from pyratify.core.errors import ConfigurationError
from pyratify.core.plugin import Registry
from pyratify.core.reason import Reason
from pyratify.core.report import ArtifactReport, Decision, Outcome, VerifierResult
from pyratify.core.store import Discovery
from pyratify.policies.any_all import AnyAllPolicy, Quantifier
from pyratify.policies.any_all_plugin import AnyAllOptions, plugin
from pyratify.policies.artifact_kind import COSIGN_ATTESTATION, COSIGN_SIGNATURE, artifact_type
from pyratify.sigstore.media_types import BUNDLE
from pyratify.testing.attestations import SLSA_V1, attach_under_tag, envelope, in_toto
from pyratify.testing.contracts import SUBJECT, PolicyCase, PolicyContract
from pyratify.testing.cosign import CosignKey, attach_classic, sign_classic, simple_signing
from pyratify.testing.fakes import FakeVerifier
from pyratify.testing.memory import MemoryStore
from support.policy_reports import failed, inconclusive, passed, report, unread
from support.scenes import validate

NOTATION, SBOM = "application/vnd.cncf.notary.signature", "application/spdx+json"


async def policy(types: dict[str, str], **more: Any) -> AnyAllPolicy:
    """Return the policy that a configuration describes."""
    document = {"artifactVerificationPolicies": types, **more}
    return await plugin.build("p", decode(AnyAllOptions, document, "parameters"), _Resources())


class _Resources:
    verifiers = ("v", "w", "other", "schema", "cosign", "provenance", "builder")
    verifier_types = MappingProxyType(
        {
            "v": "notation",
            "w": "notation",
            "other": "sbom",
            "schema": "schema",
            "cosign": "cosign",
            "provenance": "attestation",
            "builder": "slsa",
        }
    )


def of(kind: str, *results: VerifierResult, number: int = 1) -> ArtifactReport:
    """Return the report of an artifact of a type."""
    return report(number, *results, artifact_type=kind)


def allows(found: AnyAllPolicy, *reports: ArtifactReport) -> bool:
    """Return the decision; nothing is settled."""
    assert found.settled(reports) is False
    return found.decide(SUBJECT, reports).decision is Decision.ALLOW


GOOD, BAD = passed("v"), failed("v")


@pytest.mark.parametrize(
    ("types", "found", "allowed"),
    [
        ({}, [], False),
        ({}, [(NOTATION, BAD)], False),
        ({}, [(NOTATION, GOOD), (NOTATION, BAD)], False),
        ({"default": "any"}, [(NOTATION, GOOD), (NOTATION, BAD)], True),
        ({NOTATION: "any"}, [], False),
        ({NOTATION: "any"}, [(NOTATION, GOOD), (NOTATION, BAD)], True),
        ({NOTATION: "all"}, [(NOTATION, GOOD), (NOTATION, BAD)], False),
        ({NOTATION: "all"}, [(NOTATION, GOOD), (NOTATION, GOOD)], True),
        ({NOTATION: "any", SBOM: "any"}, [(NOTATION, GOOD), (SBOM, BAD)], False),
        ({NOTATION: "any", SBOM: "all"}, [(NOTATION, GOOD), (SBOM, GOOD)], True),
    ],
)
async def test_ratify_v1s_table(
    types: dict[str, str], found: list[tuple[str, VerifierResult]], allowed: bool
) -> None:
    """The ten cases of configpolicy_test.go."""
    reports = tuple(of(kind, result, number=number) for number, (kind, result) in enumerate(found))
    assert allows(await policy(types), *reports) is allowed


@pytest.mark.parametrize(
    ("types", "reports", "allowed"),
    [
        ({NOTATION: "any", SBOM: "any"}, [of(NOTATION, GOOD)], False),
        ({"default": "any"}, [of(NOTATION, GOOD), of(SBOM, BAD)], False),
        ({NOTATION: "any", "default": "any"}, [of(NOTATION, GOOD), of(SBOM, GOOD)], True),
        ({}, [of(NOTATION, GOOD), of(SBOM)], True),
        ({SBOM: "any"}, [of(NOTATION, GOOD), of(SBOM)], False),
        ({}, [of(NOTATION, GOOD), of(NOTATION, inconclusive("v"))], False),
        ({}, [of(NOTATION, GOOD), unread(2)], False),
        ({NOTATION: "any", "default": "any"}, [of(NOTATION, GOOD), unread(2)], True),
        ({}, [of(NOTATION, BAD, passed("w"))], False),
        ({}, [of(NOTATION, GOOD, failed("w"))], True),
    ],
)
async def test_neighbours_of_the_table(
    types: dict[str, str], reports: list[ArtifactReport], allowed: bool
) -> None:
    """Types that are missing, that no verifier reads, and results of a second verifier."""
    assert allows(await policy(types), *reports) is allowed


@pytest.mark.parametrize(
    ("kind", "results", "allowed"),
    [
        (NOTATION, [passed("other"), BAD], False),
        (NOTATION, [passed("other"), inconclusive("v")], False),
        (NOTATION, [passed("other"), GOOD, BAD], False),
        (NOTATION, [passed("other"), GOOD], True),
        (BUNDLE, [passed("provenance"), failed("cosign")], True),
        (BUNDLE, [failed("provenance"), passed("cosign")], False),
        (BUNDLE, [passed("other"), failed("cosign")], False),
        (BUNDLE, [passed("provenance"), failed("other")], True),
        (SBOM, [passed("other"), failed("schema")], True),
        (COSIGN_SIGNATURE, [passed("provenance"), failed("cosign")], False),
        (COSIGN_ATTESTATION, [passed("provenance"), failed("builder")], True),
        (COSIGN_ATTESTATION, [passed("builder"), failed("provenance")], True),
        (COSIGN_ATTESTATION, [failed("provenance"), passed("builder")], False),
        (COSIGN_ATTESTATION, [passed("builder"), failed("v")], False),
        (BUNDLE, [passed("builder"), failed("provenance"), failed("cosign")], True),
    ],
)
async def test_what_a_publisher_calls_a_signature_is_none_because_another_verifier_comes_first(
    kind: str, results: list[VerifierResult], allowed: bool
) -> None:
    """An unsigned SBOM may be called a signature. Of bundles, a verifier of either content is right; of documents, the first alone decides."""
    assert allows(await policy({kind: "any"}), of(kind, *results)) is allowed


@pytest.mark.parametrize(
    ("layers", "kind"),
    [
        ({"application/vnd.dev.cosign.simplesigning.v1+json"}, COSIGN_SIGNATURE),
        ({"application/vnd.dsse.envelope.v1+json"}, COSIGN_ATTESTATION),
        ({SBOM}, SBOM),
        ({SBOM, "application/vnd.dev.cosign.simplesigning.v1+json"}, ""),
        (set(), COSIGN_SIGNATURE),
    ],
)
async def test_what_is_under_cosigns_tags_is_of_the_type_of_its_content(layers: set[str], kind: str) -> None:
    """Their manifests have no type of their own, and an attestation or an SBOM is no signature."""
    bare = report(1, GOOD, artifact_type="application/vnd.oci.image.config.v1+json")
    tagged = replace(bare, discovery=Discovery.COSIGN_TAG, layer_types=frozenset(layers))
    assert artifact_type(tagged) == kind
    found = await policy({COSIGN_SIGNATURE: "any", "default": "any"})
    assert allows(found, tagged) is (kind == COSIGN_SIGNATURE)
    assert not allows(found, bare)


async def test_an_attestation_under_cosigns_tag_is_no_signature() -> None:
    """Through a store: what is in it is seen."""
    key, store = CosignKey.generate(), MemoryStore()
    image = store.add_image()
    attach_under_tag(store, image, envelope(key, in_toto(image.digest, SLSA_V1, {})))
    reader = FakeVerifier("v")
    for kind, allowed in ((COSIGN_SIGNATURE, False), (COSIGN_ATTESTATION, True)):
        result = await validate(store, reader, policy=await policy({kind: "any", "default": "any"}))
        assert result.succeeded is allowed
    attach_classic(store, image, sign_classic(key, simple_signing(image.digest)))
    signed = await validate(store, reader, policy=await policy({COSIGN_SIGNATURE: "any"}))
    assert signed.succeeded


async def test_nested_artifacts_count_where_a_verifier_has_nested_references() -> None:
    """As in Ratify v1, a failure below turns the result into a failure, and so does nothing below."""
    found = await policy({}, nestedReferences={"v": [NOTATION]})
    for below, allowed in (
        ((of(NOTATION, GOOD_LEAF),), True),
        ((of(NOTATION, failed("w")),), False),
        ((of(NOTATION),), False),
        ((), False),
        ((of(SBOM, GOOD_LEAF),), False),
        ((of(NOTATION, GOOD_LEAF), of(SBOM, failed("w"))), True),
        ((of(NOTATION, GOOD_LEAF), unread(3)), False),
    ):
        assert allows(found, report(1, GOOD, nested=below, artifact_type=SBOM)) is allowed
    assert found.descends((of(SBOM, GOOD),))
    assert not found.descends((of(SBOM, passed("w")),))


GOOD_LEAF = passed("w")


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"artifactVerificationPolicies": {NOTATION: "some"}}, "parameters.artifactVerificationPolicies"),
        ({"artifactVerificationPolicies": []}, "parameters.artifactVerificationPolicies"),
        ({"nestedReferences": {"x": []}}, "nestedReferences"),
    ],
)
async def test_what_is_no_policy_is_refused(document: dict[str, Any], path: str) -> None:
    """With the place of what is wrong."""
    with pytest.raises(ConfigurationError) as error:
        await plugin.build("p", decode(AnyAllOptions, document, "parameters"), _Resources())
    assert error.value.path.startswith(path)


@pytest.mark.parametrize("kind", ["*", "application/*", "Default", "DEFAULT", "a/b ", "a /b", "a/b\n"])
async def test_a_type_that_is_written_as_a_pattern_is_refused(kind: str) -> None:
    """Types are compared as they are: it would deny every image."""
    with pytest.raises(ConfigurationError, match="as it is") as error:
        await policy({kind: "any"})
    assert error.value.path == f"artifactVerificationPolicies.{kind}"
    assert "write default" in error.value.remedy
    assert (await policy({"default": "any", "defaults": "all", "a.b": "any"})).default is Quantifier.ANY


async def test_a_nested_type_that_is_written_as_a_pattern_is_refused() -> None:
    """All types are an empty list there."""
    with pytest.raises(ConfigurationError, match="as it is") as error:
        await plugin.build(
            "p", decode(AnyAllOptions, {"nestedReferences": {"v": ["a/b", "*"]}}, "parameters"), _Resources()
        )
    assert error.value.path == "nestedReferences.v[1]"
    assert "an empty list" in error.value.remedy


def test_both_names_are_one_plugin() -> None:
    """`any-all` here, `config-policy` in Ratify v1's resources."""
    assert {Registry[Any]("policies").load(name, "") for name in ("any-all", "config-policy")} == {plugin}


async def test_evidence_of_which_what_is_attached_is_unknown_is_not_verified() -> None:
    """What could not be listed or read might be what fails; `any` of everything else does not make up for it."""
    built = await policy({"default": "any"}, nestedReferences={"v": []})
    good = replace(of(NOTATION, GOOD), nested=(of(SBOM, GOOD_LEAF, number=2),))
    assert allows(built, good)
    unlisted = replace(good, outcome=Outcome.INCONCLUSIVE, failure=unread(3).failure)
    assert not allows(built, unlisted)
    assert not allows(built, replace(good, nested=(*good.nested, unread(3))))
    assert allows(built, unlisted, good)


async def test_nothing_is_looked_for_below_what_no_verifier_reads() -> None:
    """Nor below evidence of a verifier without nested references."""
    built = await policy({}, nestedReferences={"v": []})
    assert built.descends((of(NOTATION, GOOD),))
    assert not built.descends((of(NOTATION),))
    assert not built.descends((of(NOTATION, passed("w"), GOOD),))
    assert built.descends((of(NOTATION), of(NOTATION, GOOD)))
    assert not built.descends((of(NOTATION, GOOD), of(NOTATION)))


def test_a_refusal_says_which_type_lacks_what() -> None:
    """With the numbers."""
    verdict = AnyAllPolicy().decide(SUBJECT, (of(NOTATION, GOOD), of(NOTATION, BAD, number=2)))
    assert verdict.failure is not None
    assert verdict.failure.reason is Reason.POLICY_UNSATISFIED
    assert (
        f"1 of the 2 attached artifacts of type {NOTATION!r} verified, and the policy needs all"
        in verdict.failure.message
    )


@pytest.mark.parametrize(
    ("types", "found", "remedy"),
    [
        ({}, (of(SBOM, GOOD), of(SBOM, BAD, number=2)), "Replace or remove those that are not: "),
        ({NOTATION: Quantifier.ANY}, (of(SBOM, GOOD),), "Attach one that a verifier reads and accepts."),
        ({SBOM: Quantifier.ANY}, (of(SBOM, BAD),), "Attach one that is accepted; "),
        ({}, (of(SBOM, BAD),), "Attach one that is accepted, and replace or remove the others: "),
    ],
)
def test_a_refusal_says_what_to_do(
    types: dict[str, Quantifier], found: tuple[ArtifactReport, ...], remedy: str
) -> None:
    """More evidence does not make good what all of a type have to be."""
    verdict = AnyAllPolicy(types).decide(SUBJECT, found)
    assert verdict.failure is not None
    assert verdict.failure.remedy.startswith(remedy)


kinds = st.sampled_from((NOTATION, SBOM))
quantifiers = st.sampled_from(Quantifier)
reports = st.builds(
    of, kinds, st.sampled_from((GOOD, BAD, inconclusive("v"), passed("w"))), number=st.integers(0, 99)
)


@given(st.dictionaries(kinds, quantifiers), quantifiers, st.lists(reports, max_size=5), kinds)
def test_a_failed_report_never_turns_deny_into_allow(
    types: dict[str, Quantifier], default: Quantifier, found: list[ArtifactReport], kind: str
) -> None:
    """Of whatever type."""
    judge = AnyAllPolicy(types, default)
    if allows(judge, *found, of(kind, BAD)):
        assert allows(judge, *found)


class TestContract(PolicyContract):
    """What every policy has to do."""

    @pytest.fixture
    def case(self) -> PolicyCase:
        """Return the default policy."""
        return PolicyCase(AnyAllPolicy(), (of(NOTATION, GOOD),))


def test_a_refusal_over_a_type_that_is_absent_says_so() -> None:
    """Without counting nothing."""
    failure = AnyAllPolicy({NOTATION: Quantifier.ANY}).decide(SUBJECT, (of(COSIGN_SIGNATURE, GOOD),)).failure
    assert failure is not None
    assert failure.message.startswith(f"the policy needs an artifact of type {NOTATION!r}, and none")
