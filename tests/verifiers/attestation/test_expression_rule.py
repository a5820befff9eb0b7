"""The rule `cel` of attestations."""

import pytest

from pyratify.core.errors import ConfigurationError
from pyratify.core.reason import Reason
from pyratify.core.report import failures
from pyratify.testing.attestations import REPOSITORY as SOURCE
from support.attestation_setting import AttestationSetting, build
from support.cosign_setting import OTHER, reasons

pytest.importorskip("cel_expr_python", reason="the extra cel is not installed")

SLSA = ["https://slsa.dev/provenance/v1"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("size(predicate.buildDefinition.resolvedDependencies) > 0", None),
        ('predicateType == "https://slsa.dev/provenance/v1" && signer.startsWith("spki:sha256:")', None),
        ("predicate.buildDefinition.resolvedDependencies.all(d, size(d.digest) > 0)", None),
        (f'predicate.buildDefinition.buildType == "{SOURCE}"', Reason.POLICY_UNSATISFIED),
        ("predicate.nosuch.field == 1", Reason.POLICY_ERROR),
        ("predicate.buildDefinition", Reason.POLICY_ERROR),
        ("!has(predicate.buildDefinition)", Reason.POLICY_UNSATISFIED),
        ("now > timestamp('2020-01-01T00:00:00Z')", None),
    ],
)
async def test_an_expression_over_a_statement_has_to_be_true(text: str, reason: Reason | None) -> None:
    """Over what a trusted signer signed."""
    setting = AttestationSetting()
    setting.attach(setting.provenance())
    result = await setting.validate({"predicateTypes": SLSA, "cel": text})
    assert reasons(result) == ({reason} if reason else set())
    told = {failure.remedy.partition(":")[0] for _, failure in failures(result.artifacts)}
    # To sign with another key would help in neither case.
    assert told <= {"Attest what the rule asks for, or change the rule.", "Correct the rule"}


async def test_an_expression_is_not_evaluated_over_what_another_key_signed() -> None:
    """Authentication comes first."""
    setting = AttestationSetting()
    setting.attach(setting.provenance(), OTHER)
    result = await setting.validate({"predicateTypes": SLSA, "cel": "true"})
    assert reasons(result) == {Reason.SIG_INVALID}


@pytest.mark.parametrize("text", ["predicate.", "1", "env == 1", ""])
async def test_an_expression_that_cannot_be_used_is_refused_with_its_path(text: str) -> None:
    """When the configuration is read."""
    with pytest.raises(ConfigurationError) as error:
        await build({"predicateTypes": SLSA, "cel": text})
    assert error.value.path == "cel"


async def test_a_rule_that_names_the_tag_says_so() -> None:
    """So that its verdicts are remembered for tag and digest."""
    assert (await build({"predicateTypes": SLSA, "cel": 'subject.tag == "v1"'})).reads_tag
    assert not (await build({"predicateTypes": SLSA, "cel": "true"})).reads_tag
