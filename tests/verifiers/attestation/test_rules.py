"""The table of rules: every rule has a parameter, and every parameter a rule."""

import msgspec
import pytest

from pyratify.core.plugin import Registry
from pyratify.core.report import Decision
from pyratify.evidence.provenance import ProvenanceRules
from pyratify.evidence.provenance_options import ProvenanceOptions
from pyratify.policies.threshold import Rule, ThresholdPolicy
from pyratify.testing.attestations import REPOSITORY as SOURCE
from pyratify.testing.attestations import SLSA_V1, attach_under_tag, envelope
from pyratify.verifiers.attestation.attestation_options import RuleOptions
from pyratify.verifiers.attestation.attestation_plugin import plugin
from pyratify.verifiers.attestation.rules import RULES
from support.attestation_setting import FROM_SOURCE, AttestationSetting
from support.cosign_setting import KEY

NO_RULES = {"predicateTypes", "anyContent"}


def test_the_rules_of_flags_and_of_configurations_have_the_same_members() -> None:
    """The two say the same; only one of them needs a library to be read."""
    assert ProvenanceRules._fields == tuple(field.name for field in msgspec.structs.fields(ProvenanceOptions))
    assert ProvenanceRules() == tuple(getattr(ProvenanceOptions(), name) for name in ProvenanceRules._fields)


def test_rules_and_parameters_agree() -> None:
    """A rule without a parameter could not be written, a parameter without a rule would not be checked."""
    written = {field.encode_name for field in msgspec.structs.fields(RuleOptions)}
    assert written - NO_RULES == set(RULES)


@pytest.mark.parametrize("name", ["attestation", "slsa"])
def test_the_verifier_has_the_name_of_ratify_v1_too(name: str) -> None:
    """A configuration of version 1 names the type `slsa`."""
    assert Registry[object]("verifiers").load(name, "") is plugin


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_rules_of_policies_ask_for_every_statement_of_a_tag(order: tuple[int, int]) -> None:
    """What a rule asks for or forbids is found in each layer; the first one hides none."""
    setting = AttestationSetting()
    made = (setting.provenance(ref="refs/heads/main"), setting.provenance(ref="refs/tags/v1"))
    attach_under_tag(setting.store, setting.image, *(envelope(KEY, made[each]) for each in order))
    tagged = (("sourceRef", "refs/tags/v1"),)
    for rules, allowed in (
        ((Rule("attestation", where=tagged),), True),
        ((Rule("attestation", where=(("sourceRef", "refs/tags/v2"),)),), False),
        ((Rule("attestation"), Rule("attestation", deny=True, where=tagged)), False),
    ):
        result = await setting.validate(FROM_SOURCE, policy=ThresholdPolicy(Rule(None, rules)))
        assert (result.decision is Decision.ALLOW) is allowed


@pytest.mark.parametrize(
    ("where", "allowed"),
    [
        ((("predicateType", SLSA_V1), ("source", SOURCE)), True),
        ((("source", "https://github.com/org/other"),), False),
        ((("sourceRef", "refs/heads/main"),), False),
    ],
)
async def test_rules_of_policies_ask_for_the_facts(where: tuple[tuple[str, str], ...], allowed: bool) -> None:
    """They stand flat in the report, by the names that are documented."""
    setting = AttestationSetting()
    setting.attach(setting.provenance())
    policy = ThresholdPolicy(Rule(None, (Rule("attestation", where=where),), 1))
    result = await setting.validate(FROM_SOURCE, policy=policy)
    assert (result.decision is Decision.ALLOW) is allowed
