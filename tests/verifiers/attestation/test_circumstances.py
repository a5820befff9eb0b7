"""What rules know beside the predicate: the image that was asked for, the signer's certificate, and times."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from cryptography import x509

from pyratify.core.executor import Executor
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import Decision, ValidationResult
from pyratify.core.verifier import Details
from pyratify.pki.times import format_time
from pyratify.sigstore.fulcio import OIDS
from pyratify.sigstore.identity import CertificateIdentity
from pyratify.sigstore.trust_policy import TrustPolicy
from pyratify.testing.attestations import REF, SLSA_V1, WORKFLOW, attach_attestation, in_toto
from pyratify.testing.attestations import REPOSITORY as SOURCE
from pyratify.testing.fakes import FakeClock
from pyratify.testing.sigstore import ISSUER, SIGNED_AT, PrivateSigstore, Signing, utf8
from pyratify.testing.vulnerability import Vulnerability, trivy_report, vuln_predicate
from pyratify.verifiers.attestation.attestation_options import RuleOptions
from pyratify.verifiers.attestation.attestation_verifier import AttestationVerifier
from pyratify.verifiers.attestation.load_requirements import load_requirement
from support.attestation_setting import ONE, AttestationSetting, KeyResources
from support.cosign_setting import KEY, reasons

NOW = FakeClock().now()
VULN = "https://cosign.sigstore.dev/attestation/vuln/v1"
CERTIFIED = {"sourceRepositoryURI": SOURCE, "sourceRepositoryRef": REF, "buildSignerURI": WORKFLOW}
FRACTION = timedelta(milliseconds=250)


def rule(language: str, condition: str) -> dict[str, Any]:
    """Return a condition as a rule over SLSA provenance; in Rego the names below `input`."""
    if language == "cel":
        pytest.importorskip("cel_expr_python", reason="the extra cel is not installed")
        return {"predicateTypes": [SLSA_V1], "cel": condition}
    pytest.importorskip("regorus", reason="the extra rego is not installed")
    policy = f"package pyratify\ndefault allow := false\nallow if {{ {condition} }}"
    return {"predicateTypes": [SLSA_V1], "rego": {"policy": policy, "regoVersion": "v1"}}


async def validate(
    setting: AttestationSetting,
    rules: Mapping[str, Any],
    trusted: TrustPolicy,
    *,
    tag: str = "",
    now: datetime = NOW,
) -> ValidationResult:
    """Ask for one attestation that follows the rules."""
    resources = KeyResources(clock=FakeClock(now))
    requirement = await load_requirement(msgspec.convert(rules, RuleOptions), "", resources)
    verifier = AttestationVerifier("attestation", [trusted], [requirement], FakeClock(now))
    executor = Executor(store=setting.store, verifiers=(verifier,), policy=ONE)
    named = f"example.com/app:{tag}" if tag else "example.com/app"
    return await executor.validate(Reference.parse(f"{named}@{setting.image.digest}"))


def details_of(result: ValidationResult) -> Details:
    """Return the details of the attestation that passed."""
    (details,) = [found.details for each in result.artifacts for found in each.results if found.passed]
    assert details is not None
    return details


def certified(setting: AttestationSetting, **said: str) -> TrustPolicy:
    """Attach provenance that a workflow signed, and return the policy that trusts this workflow."""
    sigstore = PrivateSigstore()
    extensions = {OIDS[name]: utf8(text) for name, text in CERTIFIED.items()}
    signing = Signing(names=(x509.UniformResourceIdentifier(WORKFLOW),), extensions=extensions)
    made = sigstore.sign_statement(setting.provenance(**said), signing)
    attach_attestation(setting.store, setting.image, made)
    identity = CertificateIdentity(subject=WORKFLOW, issuer=ISSUER)
    return TrustPolicy(identities=(identity,), trusted_root=sigstore.root)


@pytest.mark.parametrize("language", ["cel", "rego"])
@pytest.mark.parametrize(
    ("tag", "condition"),
    [
        ("", 'subject.registry == "example.com"'),
        ("", 'subject.repository == "app"'),
        ("", 'subject.digest == "{digest}"'),
        ("", 'subject.tag == ""'),
        ("v1.2.3", 'subject.tag == "v1.2.3"'),
        ("", f'predicateType == "{SLSA_V1}"'),
        ("", 'signer == "{signer}"'),
    ],
)
async def test_a_rule_knows_the_image_that_was_asked_for(language: str, tag: str, condition: str) -> None:
    """By its names and its digest; the opposite of what is true refuses."""
    setting = AttestationSetting()
    setting.attach(setting.provenance())
    written = condition.replace("{digest}", str(setting.image.digest)).replace("{signer}", KEY.fingerprint)
    written = f"input.{written}" if language == "rego" else written
    trusted = TrustPolicy(keys=(KEY.material,))
    for said, reason in ((written, set()), (written.replace("==", "!="), {Reason.POLICY_UNSATISFIED})):
        assert reasons(await validate(setting, rule(language, said), trusted, tag=tag)) == reason


@pytest.mark.parametrize("language", ["cel", "rego"])
@pytest.mark.parametrize(("ref", "allowed"), [(REF, True), ("refs/heads/main", False)])
async def test_a_rule_knows_what_the_signer_s_certificate_states(
    language: str, ref: str, *, allowed: bool
) -> None:
    """By Fulcio's names."""
    setting = AttestationSetting()
    trusted = certified(setting)
    name = "certificate.sourceRepositoryRef"
    condition = f'{"input." if language == "rego" else ""}{name} == "{ref}"'
    result = await validate(setting, rule(language, condition), trusted)
    assert (result.decision is Decision.ALLOW) is allowed


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({}, set()),
        ({"ref": "refs/heads/main"}, {Reason.PROVENANCE_MISMATCH}),
        ({"builder": WORKFLOW.replace("release", "other")}, {Reason.PROVENANCE_MISMATCH}),
    ],
)
async def test_provenance_is_compared_with_the_certificate_of_its_signer(
    said: dict[str, str], reason: set[Reason]
) -> None:
    """A workflow speaks of itself alone (SLSA, "Verifying artifacts", step 1)."""
    setting = AttestationSetting()
    trusted = certified(setting, **said)
    assert reasons(await validate(setting, {"provenance": {"sourceUris": [SOURCE]}}, trusted)) == reason


@pytest.mark.parametrize("language", ["cel", "rego"])
@pytest.mark.parametrize(("before", "allowed"), [(timedelta(0), False), (timedelta(seconds=1), True)])
async def test_a_rule_over_the_time_holds_for_its_second(
    language: str, before: timedelta, *, allowed: bool
) -> None:
    """The time is given in whole seconds, so that the verdict stands until the next one and no longer."""
    setting = AttestationSetting()
    setting.attach(setting.provenance())
    moment = format_time(NOW - before)
    condition = {
        "cel": f'now > timestamp("{moment}")',
        "rego": f'time.parse_rfc3339_ns(input.now) > time.parse_rfc3339_ns("{moment}")',
    }[language]
    trusted = TrustPolicy(keys=(KEY.material,))
    result = await validate(setting, rule(language, condition), trusted, now=NOW + FRACTION)
    assert (result.decision is Decision.ALLOW) is allowed
    if allowed:
        assert details_of(result).valid_until == NOW + timedelta(seconds=1)


@pytest.mark.parametrize("language", ["cel", "rego"])
async def test_a_rule_over_no_time_stands_for_good(language: str) -> None:
    """Its verdict is remembered as long as any."""
    setting = AttestationSetting()
    setting.attach(setting.provenance())
    condition = f'{"input." if language == "rego" else ""}signer != ""'
    result = await validate(setting, rule(language, condition), TrustPolicy(keys=(KEY.material,)))
    assert details_of(result).valid_until is None


@pytest.mark.parametrize(
    ("condition", "reads"),
    [
        ('input.subject.tag == "v1"', True),
        ('input.subject[_] == "v1"', True),
        ('input.subject["ta\\u0067"] == "v1"', True),
        ('some value in input.subject; value == "v1"', True),
        ('asked := input; asked[_][_] == "v1"', True),
        ('input.subject.digest != ""; input.signer != ""', False),
    ],
)
async def test_a_policy_that_computes_names_may_read_the_tag(condition: str, *, reads: bool) -> None:
    """So its verdicts are remembered for tag and digest."""
    setting = AttestationSetting()
    setting.attach(setting.provenance())
    rules = rule("rego", condition)
    requirement = await load_requirement(msgspec.convert(rules, RuleOptions), "", KeyResources())
    assert requirement.reads_tag is reads
    result = await validate(setting, rules, TrustPolicy(keys=(KEY.material,)), tag="v1")
    assert result.decision is Decision.ALLOW


async def test_a_policy_that_computes_the_name_of_the_time_does_not_see_it() -> None:
    """Its verdict is kept for longer than a second."""
    setting = AttestationSetting()
    setting.attach(setting.provenance())
    rules = rule("rego", 'startswith(input[concat("", ["n", "ow"])], "2026")')
    result = await validate(setting, rules, TrustPolicy(keys=(KEY.material,)))
    assert reasons(result) == {Reason.POLICY_UNSATISFIED}


async def test_the_age_of_evidence_that_says_no_time_is_that_of_its_signature() -> None:
    """A time that the signature proves; the verdict ends when it is too old."""
    setting = AttestationSetting()
    sigstore = PrivateSigstore()
    statement = setting.provenance()
    del statement["predicate"]["runDetails"]["metadata"]["finishedOn"]
    attach_attestation(setting.store, setting.image, sigstore.sign_statement(statement))
    trusted = TrustPolicy(identities=(sigstore.identity,), trusted_root=sigstore.root)
    rules = {"provenance": {"sourceUris": [SOURCE], "maximumAge": "2h"}}
    young = await validate(setting, rules, trusted, now=SIGNED_AT + timedelta(hours=1))
    end = details_of(young).valid_until
    assert end is not None
    assert SIGNED_AT + timedelta(hours=1) < end <= SIGNED_AT + timedelta(hours=2, seconds=1)
    old = await validate(setting, rules, trusted, now=SIGNED_AT + timedelta(hours=3))
    assert reasons(old) == {Reason.EVIDENCE_STALE}


async def test_of_several_rules_the_first_end_counts() -> None:
    """A statement is good until one of its rules could judge otherwise, whichever stands first."""
    for ages in (("13h", "14h"), ("14h", "13h")):
        setting = AttestationSetting()
        setting.attach(setting.provenance())
        resources = KeyResources()
        requirements = [
            await load_requirement(
                msgspec.convert({"provenance": {"maximumAge": age}}, RuleOptions),
                "",
                resources,
                f"at most {age}",
            )
            for age in ages
        ]
        verifier = AttestationVerifier(
            "attestation", [TrustPolicy(keys=(KEY.material,))], requirements, FakeClock()
        )
        executor = Executor(store=setting.store, verifiers=(verifier,), policy=ONE)
        result = await executor.validate(Reference.parse(f"example.com/app@{setting.image.digest}"))
        assert details_of(result).valid_until == datetime(2026, 6, 1, 1, tzinfo=UTC)


async def test_all_rules_of_a_statement_say_what_they_warn_of_and_when_they_end() -> None:
    """Whichever rule stands last."""
    setting = AttestationSetting()
    report = trivy_report(
        Vulnerability(severity="low"), created="2026-05-31T12:00:00Z", digests=[f"sha256:{'cd' * 32}"]
    )
    setting.attach(
        in_toto(setting.image.digest, VULN, vuln_predicate(report, finished="2026-05-31T12:00:00Z"))
    )
    rules = rule("cel", 'signer != ""') | {"predicateTypes": [VULN], "vulnerability": {"maximumAge": "24h"}}
    details = details_of(await validate(setting, rules, TrustPolicy(keys=(KEY.material,))))
    assert details.valid_until == datetime(2026, 6, 1, 12, tzinfo=UTC)
    assert [each.reason for each in details.warnings] == [Reason.REPORT_INVALID]
