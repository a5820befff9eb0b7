"""The rule `rego` of attestations."""

import threading
from collections.abc import Mapping
from typing import Any

import pytest

pytest.importorskip("regorus", reason="the extra rego is not installed")

from pyratify.core.errors import ConfigurationError
from pyratify.core.reason import Reason
from pyratify.core.report import failures
from pyratify.expressions.language import Answer
from pyratify.expressions.rego.rego_language import RegoProgram
from support.attestation_setting import AttestationSetting, build
from support.cosign_setting import OTHER, reasons

SLSA = ["https://slsa.dev/provenance/v1"]
HEAD = "package pyratify\ndefault allow := false\n"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("allow if count(input.predicate.buildDefinition.resolvedDependencies) > 0", None),
        (f'allow if {{ input.predicateType == "{SLSA[0]}"; startswith(input.signer, "spki:") }}', None),
        ('allow if startswith(input.subject.digest, "sha256:")', None),
        ("allow if input.predicate.nothing", Reason.POLICY_UNSATISFIED),
        ('allow := true\ndeny contains "no" if input.predicate.buildDefinition', Reason.POLICY_UNSATISFIED),
        ('allow if to_number(concat("", ["x"])) == 1', Reason.POLICY_ERROR),
    ],
)
async def test_a_policy_over_a_statement_has_to_allow(body: str, reason: Reason | None) -> None:
    """Over what a trusted signer signed."""
    setting = AttestationSetting()
    setting.attach(setting.provenance())
    text = body if body.startswith("allow :=") else f"{HEAD}{body}"
    text = text if text.startswith("package") else f"package pyratify\n{text}"
    rule = {"policy": text, "regoVersion": "v1"}
    result = await setting.validate({"predicateTypes": SLSA, "rego": rule})
    assert reasons(result) == ({reason} if reason else set())
    told = {failure.remedy.partition(":")[0] for _, failure in failures(result.artifacts)}
    # To sign with another key would help in neither case.
    assert told <= {"Attest what the rule asks for, or change the rule.", "Correct the rule"}


async def test_a_policy_is_not_evaluated_over_what_another_key_signed() -> None:
    """Authentication comes first."""
    setting = AttestationSetting()
    setting.attach(setting.provenance(), OTHER)
    rule = {"policy": "package pyratify\nallow := true", "regoVersion": "v1"}
    assert reasons(await setting.validate({"predicateTypes": SLSA, "rego": rule})) == {Reason.SIG_INVALID}


@pytest.mark.parametrize(
    "text", ["package pyratify\nallow {", "package other\nallow := true", f"{HEAD}allow if http.send({{}})"]
)
async def test_a_policy_that_cannot_be_used_is_refused_with_its_path(text: str) -> None:
    """When the configuration is read."""
    with pytest.raises(ConfigurationError) as error:
        await build({"predicateTypes": SLSA, "rego": {"policy": text, "regoVersion": "v1"}})
    assert error.value.path == "rego.policy"


async def test_a_policy_that_names_the_tag_says_so() -> None:
    """So that its verdicts are remembered for tag and digest."""
    for body, reads in (('allow if input.subject.tag == "v1"', True), ("allow if input.signer", False)):
        rule = {"policy": f"{HEAD}{body}", "regoVersion": "v1"}
        assert (await build({"predicateTypes": SLSA, "rego": rule})).reads_tag is reads


async def test_a_rule_is_evaluated_beside_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also over a small statement: its process may take its whole budget, and everything else would wait."""
    threads, evaluate = [], RegoProgram.evaluate

    def recorded(program: RegoProgram, values: Mapping[str, Any]) -> Answer:
        threads.append(threading.current_thread())
        return evaluate(program, values)

    monkeypatch.setattr(RegoProgram, "evaluate", recorded)
    setting = AttestationSetting()
    setting.attach(setting.provenance())
    rule = {"policy": "package pyratify\nallow := true", "regoVersion": "v1"}
    assert not reasons(await setting.validate({"predicateTypes": SLSA, "rego": rule}))
    assert len(threads) == 1
    assert threading.current_thread() not in threads
