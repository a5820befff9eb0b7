"""Verification summaries: the pair of verifier and signer, levels, and what a failed one means."""

from datetime import UTC, datetime
from typing import Any

import pytest

from pyratify.core.errors import ConfigurationError, StoreError
from pyratify.core.reason import Reason
from pyratify.core.report import Decision
from pyratify.testing.attestations import (
    BUILT,
    REPOSITORY,
    SLSA_V1,
    VERIFIER,
    VSA,
    in_toto,
    provenance_v1,
    summary,
)
from pyratify.testing.cosign import CosignKey
from support.attestation_setting import FROM_SOURCE, AttestationSetting, KeyResources, build
from support.cosign_setting import KEY, OTHER, reasons

RESOURCE = "https://example.com/app"


def entry(**terms: Any) -> dict[str, Any]:
    """Return an entry of `vsa` that trusts the key for the verifier."""
    return {
        "verifierId": VERIFIER,
        "signers": [KEY.fingerprint],
        "resourceUris": [RESOURCE],
        "levels": ["SLSA_BUILD_LEVEL_2"],
        **terms,
    }


def setting_with(*predicates: dict[str, Any], key: CosignKey = KEY) -> AttestationSetting:
    """Return an image with a summary for each predicate."""
    setting = AttestationSetting()
    for each in predicates:
        setting.attach(in_toto(setting.image.digest, VSA, each), key)
    return setting


@pytest.mark.parametrize(
    ("terms", "said", "reason"),
    [
        ({}, {}, None),
        ({"levels": ["SLSA_BUILD_LEVEL_3"]}, {}, None),
        ({"levels": ["SLSA_BUILD_LEVEL_4"]}, {}, Reason.PROVENANCE_MISMATCH),
        ({"levels": ["SLSA_SOURCE_LEVEL_1"]}, {}, Reason.PROVENANCE_MISMATCH),
        ({"levels": ["SLSA_SOURCE_LEVEL_1"]}, {"levels": ["SLSA_SOURCE_LEVEL_2"]}, None),
        ({"levels": ["SLSA_BUILD_LEVEL_1", "ORG_REVIEWED"]}, {}, Reason.PROVENANCE_MISMATCH),
        ({}, {"levels": ["SLSA_BUILD_LEVEL_UNEVALUATED"]}, Reason.PROVENANCE_MISMATCH),
        ({}, {"verifier": "https://example.com/other"}, Reason.PROVENANCE_MISMATCH),
        ({"signers": [OTHER.fingerprint]}, {}, Reason.PROVENANCE_MISMATCH),
        ({"resourceUris": ["https://example.com/other"]}, {}, Reason.PROVENANCE_MISMATCH),
        ({"policyUris": ["https://example.com/policy"], "policyDigests": [f"sha256:{'1' * 64}"]}, {}, None),
        ({"policyDigests": [f"gitBlob:{'a' * 40}"]}, {"policy": {"digest": {"gitBlob": "a" * 40}}}, None),
        (
            {"policyDigests": [f"gitCommit:{'a' * 40}"]},
            {"policy": {"digest": {"gitBlob": "a" * 40}}},
            Reason.PROVENANCE_MISMATCH,
        ),
        ({"policyDigests": [f"sha256:{'2' * 64}"]}, {}, Reason.PROVENANCE_MISMATCH),
        ({"dependencyLevels": ["SLSA_BUILD_LEVEL_1"]}, {}, Reason.PROVENANCE_MISMATCH),
        ({"dependencyLevels": ["SLSA_BUILD_LEVEL_1"]}, {"dependencyLevels": {}}, None),
        (
            {"dependencyLevels": ["SLSA_BUILD_LEVEL_2"]},
            {"dependencyLevels": {"SLSA_BUILD_LEVEL_3": 5, "SLSA_BUILD_LEVEL_1": 1}},
            Reason.PROVENANCE_MISMATCH,
        ),
        ({"dependencyLevels": ["SLSA_BUILD_LEVEL_2"]}, {"dependencyLevels": {"SLSA_BUILD_LEVEL_3": 5}}, None),
        ({"maximumAge": "13h"}, {}, None),
        ({"maximumAge": "11h"}, {}, Reason.EVIDENCE_STALE),
        ({}, {"timeVerified": "2027-01-01T00:00:00Z"}, Reason.TIME_INVALID),
        ({}, {"result": "FAILED"}, Reason.PROVENANCE_MISMATCH),
        ({}, {"result": "passed"}, Reason.PROVENANCE_MISMATCH),
        ({}, {"levels": ["FAILED", "SLSA_BUILD_LEVEL_3"]}, Reason.PROVENANCE_MISMATCH),
        ({}, {"verifier": ""}, Reason.PREDICATE_TYPE),
        ({}, {"dependencyLevels": {"SLSA_BUILD_LEVEL_3": True}}, Reason.PREDICATE_TYPE),
        ({}, {"policy": None}, Reason.PREDICATE_TYPE),
    ],
)
async def test_a_summary_must_say_what_its_entry_asks_for(
    terms: dict[str, Any], said: dict[str, Any], reason: Reason | None
) -> None:
    """By the pair of verifier and signer, what was verified, and when."""
    result = await setting_with(summary(**said)).validate({"vsa": [entry(**terms)]})
    assert reasons(result) == ({reason} if reason else set())
    assert (result.decision is Decision.ALLOW) is (reason is None)


@pytest.mark.parametrize(
    ("terms", "said", "message"),
    [
        (
            {},
            {"verifier": "https://other.example"},
            f"the verifier is 'https://other.example', not {VERIFIER}",
        ),
        (
            {"signers": ["sigstore:https://issuer.example.com#x"]},
            {},
            f"the signer of summaries by {VERIFIER} is 'SIGNER', not sigstore:https://issuer.example.com#x",
        ),
        (
            {"resourceUris": ["https://r.example/a"]},
            {},
            f"the resource is '{RESOURCE}', not https://r.example/a",
        ),
        (
            {"policyUris": ["https://p.example/a"]},
            {},
            "the policy is 'https://example.com/policy', not https://p.example/a",
        ),
        (
            {"policyUris": ["https://p.example/a"]},
            {"policy": {}},
            "the verification summary names no policy, and it must be https://p.example/a",
        ),
        ({}, {"result": "passed"}, "the result of the verification is 'passed', not PASSED"),
        (
            {"levels": ["SLSA_BUILD_LEVEL_4"]},
            {},
            "the verified level is 'SLSA_BUILD_LEVEL_3', not SLSA_BUILD_LEVEL_4 or higher",
        ),
        (
            {"dependencyLevels": ["SLSA_BUILD_LEVEL_2"]},
            {"dependencyLevels": {"SLSA_BUILD_LEVEL_1": 1, "SLSA_BUILD_LEVEL_3": 0}},
            "the level of the dependencies is '1 at SLSA_BUILD_LEVEL_1, 0 at SLSA_BUILD_LEVEL_3', not SLSA_BUILD_LEVEL_2 or higher",
        ),
        ({"maximumAge": "11h"}, {}, "the verification summary of 2026-05-31T12:00:00Z is 12 h old"),
        (
            {"maximumAge": "11h"},
            {"timeVerified": None},
            "nothing says when the verification summary was made",
        ),
        ({}, {"policy": None}, "malformed verification summary: policy is missing"),
        ({}, {"verifier": ""}, "malformed verification summary: verifier.id is empty"),
        ({}, {"resourceUri": None}, "malformed verification summary: resourceUri is missing"),
        ({}, {"result": None}, "malformed verification summary: verificationResult is missing"),
    ],
)
async def test_what_differs_is_named_with_both_values(
    terms: dict[str, Any], said: dict[str, Any], message: str
) -> None:
    """What the summary says, and what the entry asks for."""
    failure = (
        (await setting_with(summary(**said)).validate({"vsa": [entry(**terms)]}))
        .artifacts[0]
        .results[0]
        .failure
    )
    assert failure is not None
    # The key is another one in each process, and the names of tests must not be.
    assert failure.message.startswith(message.replace("SIGNER", KEY.fingerprint))


async def test_a_summary_without_a_verifier_is_malformed() -> None:
    """The pair of verifier and signer is what counts (slsa.dev, "How to verify", step 4)."""
    said = summary()
    del said["verifier"]
    failure = (await setting_with(said).validate({"vsa": [entry()]})).artifacts[0].results[0].failure
    assert failure is not None
    assert failure.message == "malformed verification summary: verifier is missing"


async def test_a_summary_without_a_time_has_no_fact_of_it() -> None:
    """Nothing that is not stated is in the report."""
    result = await setting_with(summary(timeVerified=None)).validate({"vsa": [entry()]})
    (found,) = [found for each in result.artifacts for found in each.results]
    assert found.details is not None
    assert "timeVerified" not in found.details.data


async def test_a_verifier_counts_with_its_own_signer_alone() -> None:
    """Two trusted signers, two trusted verifiers: one verifier's summary by the other's key is refused."""
    second = "https://example.com/second"
    entries = [entry(), entry(verifierId=second, signers=[OTHER.fingerprint])]
    for verifier, key, good in ((VERIFIER, KEY, True), (second, KEY, False), (second, OTHER, True)):
        setting = setting_with(summary(verifier=verifier), key=key)
        result = await setting.validate({"vsa": entries}, resources=KeyResources(key=key))
        assert (result.decision is Decision.ALLOW) is good


@pytest.mark.parametrize("order", [("PASSED", "FAILED"), ("FAILED", "PASSED")])
async def test_a_failed_summary_of_a_trusted_pair_denies(order: tuple[str, ...]) -> None:
    """Whatever else is attached, and in whatever order."""
    setting = setting_with(*(summary(result=each) for each in order))
    result = await setting.validate({"vsa": [entry()]})
    assert result.decision is Decision.DENY
    assert reasons(result) == {Reason.PROVENANCE_MISMATCH}


async def test_a_summary_that_cannot_be_read_may_be_the_one_that_denies() -> None:
    """A time-out must not hide that verification failed."""
    setting = setting_with(summary())
    known = set(setting.store.blobs)
    setting.attach(in_toto(setting.image.digest, VSA, summary(result="FAILED")))
    for digest in setting.store.blobs.keys() - known:
        setting.store.faults[str(digest)] = StoreError(Reason.TIMEOUT, "no answer")
    result = await setting.validate({"vsa": [entry()]})
    assert result.decision is Decision.DENY
    assert result.error is not None
    assert result.error.reason is Reason.TIMEOUT


async def test_a_failed_summary_of_another_policy_or_signer_denies_nothing() -> None:
    """It is no statement of a trusted pair about what the entry asks for."""
    setting = setting_with(summary(), summary(result="FAILED", resource="https://example.com/else"))
    setting.attach(in_toto(setting.image.digest, VSA, summary(result="FAILED")), OTHER)
    assert (await setting.validate({"vsa": [entry()]})).decision is Decision.ALLOW


async def test_a_summary_satisfies_the_rule_that_names_it_alone() -> None:
    """Where provenance is asked for, a summary is of another type."""
    assert reasons(await setting_with(summary()).validate(FROM_SOURCE)) == {Reason.PREDICATE_TYPE}


@pytest.mark.parametrize(
    ("entries", "path"),
    [
        ([], "vsa"),
        ([entry(signers=[])], "vsa[0].signers"),
        ([entry(), entry(verifierId="")], "vsa[1].verifierId"),
        ([entry(resourceUris=[])], "vsa[0].resourceUris"),
        ([entry(resourceUris=["**"])], "vsa[0].resourceUris[0]"),
        ([entry(policyUris=["**"])], "vsa[0].policyUris[0]"),
        ([entry(levels=[])], "vsa[0].levels"),
        ([entry(levels=["SLSA_BUILD_LEVEL3"])], "vsa[0].levels[0]"),
        ([entry(levels=["slsa_build_level_3"])], "vsa[0].levels[0]"),
        ([entry(levels=["FAILED"])], "vsa[0].levels[0]"),
        ([entry(signers=[KEY.fingerprint, "cosign.pub"])], "vsa[0].signers[1]"),
        ([entry(signers=["sha256:" + "1" * 64])], "vsa[0].signers[0]"),
        ([entry(signers=["spki:sha256:" + "A" * 64])], "vsa[0].signers[0]"),
        ([entry(signers=["sigstore:https://issuer.example.com"])], "vsa[0].signers[0]"),
        ([entry(dependencyLevels=["SLSA_3"])], "vsa[0].dependencyLevels[0]"),
        ([entry(maximumAge="1 week")], "vsa[0].maximumAge"),
        ([entry(policyDigests=["1" * 64])], "vsa[0].policyDigests[0]"),
        ([entry(policyDigests=["SHA256:" + "1" * 64])], "vsa[0].policyDigests[0]"),
    ],
)
async def test_an_entry_that_would_check_nothing_is_refused(entries: list[Any], path: str) -> None:
    """With the path of what is wrong."""
    with pytest.raises(ConfigurationError) as caught:
        await build({"vsa": entries})
    assert caught.value.path == path


@pytest.mark.parametrize(
    ("parameters", "said", "good"),
    [
        ({"expectedVerifierId": VERIFIER}, {}, True),
        ({"expectedVerifierId": VERIFIER, "expectedVerifiedLevels": ["SLSA_BUILD_LEVEL_2"]}, {}, True),
        ({"expectedVerifierId": VERIFIER, "expectedVerifiedLevels": ["SLSA_BUILD_LEVEL_4"]}, {}, False),
        ({"expectedVerifierId": VERIFIER, "expectedResourceUri": RESOURCE}, {}, True),
        ({"expectedVerifierId": VERIFIER, "expectedResourceUri": f"{RESOURCE}/x"}, {}, False),
        ({"expectedVerifierId": VERIFIER}, {"result": "FAILED"}, False),
        ({"expectedResourceUri": RESOURCE}, {}, False),
        (
            {"expectedResourceUri": RESOURCE},
            {"verifier": "https://github.com/slsa-framework/source-actions"},
            True,
        ),
    ],
)
async def test_the_parameters_of_ratify_v1_mean_what_they_meant(
    parameters: dict[str, Any], said: dict[str, Any], good: bool
) -> None:
    """One verifier, whose signers are those of the trust policy; source-actions where none is named."""
    result = await setting_with(summary(**said)).validate(parameters)
    assert (result.decision is Decision.ALLOW) is good


@pytest.mark.parametrize(
    ("parameters", "path"),
    [
        (FROM_SOURCE, "expectedVerifierId"),
        ({"anyContent": True}, "expectedVerifierId"),
        ({"requirements": [FROM_SOURCE]}, "requirements"),
        ({"expectedVerifiedLevels": ["SLSA_3"]}, "expectedVerifiedLevels[0]"),
        ({"expectedResourceUri": "https://example.com/*"}, "expectedResourceUri"),
    ],
)
async def test_ratify_v1_s_names_stand_alone(parameters: dict[str, Any], path: str) -> None:
    """Beside other rules, another rule's signer would count for the verifier too; patterns were none there."""
    with pytest.raises(ConfigurationError) as caught:
        await build({"expectedVerifierId": VERIFIER} | parameters)
    assert caught.value.path == path


async def test_without_a_trust_policy_ratify_v1_s_own_signer_is_trusted() -> None:
    """The workflow of SLSA's source track, and no key."""
    result = await setting_with(summary()).validate({"expectedVerifierId": VERIFIER, "trustPolicies": []})
    assert reasons(result) == {Reason.SIGNER_KIND}


@pytest.mark.parametrize(
    ("predicate_type", "predicate", "rules"),
    [
        (VSA, summary(), {"vsa": [entry(maximumAge="13h")]}),
        (SLSA_V1, provenance_v1(), {"provenance": {"sourceUris": [REPOSITORY], "maximumAge": "13h"}}),
    ],
    ids=["summary", "provenance"],
)
async def test_evidence_with_a_greatest_age_is_good_until_then(
    predicate_type: str, predicate: dict[str, Any], rules: dict[str, Any]
) -> None:
    """A verdict is cached no longer: made at noon, it is too old at one in the night."""
    setting = AttestationSetting()
    setting.attach(in_toto(setting.image.digest, predicate_type, predicate), KEY)
    result = await setting.validate(rules)
    assert result.decision is Decision.ALLOW
    (details,) = [found.details for each in result.artifacts for found in each.results if found.passed]
    assert details is not None
    assert details.valid_until == datetime(2026, 6, 1, 1, tzinfo=UTC)


async def test_the_facts_of_a_summary_have_the_names_of_its_members() -> None:
    """Rules of policies compare them by name."""
    result = await setting_with(summary()).validate({"vsa": [entry()]})
    (found,) = [found for each in result.artifacts for found in each.results]
    assert found.details is not None
    stated = {name: found.details.data.get(name) for name in ("verifierId", "resourceUri", "policyUri")}
    assert stated == {
        "verifierId": VERIFIER,
        "resourceUri": RESOURCE,
        "policyUri": "https://example.com/policy",
    }
    assert list(found.details.data["verifiedLevels"]) == ["SLSA_BUILD_LEVEL_3"]
    assert found.details.data["timeVerified"] == BUILT
