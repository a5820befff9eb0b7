"""The page about attestations: every rule has an example, and each example allows a good image and refuses another."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from pyratify.core.report import Decision
from pyratify.testing.attestations import SLSA_V1, VSA, in_toto, summary
from support.attestation_setting import KEYS, AttestationSetting
from support.cosign_setting import KEY

PAGE = Path(__file__).resolve().parents[3] / "docs" / "attestations.md"
EXAMPLES = dict(re.findall(r"<!-- example: (\w+) -->\n```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL))
RELEASE = "https://in-toto.io/attestation/release/v0.1"
EVIL = "https://github.com/evil/evil"


def parameters(name: str) -> dict[str, Any]:
    """Return the parameters of an example, with the tests' key in the place of the file."""
    text = EXAMPLES[name].replace("${SIGNER}", KEY.fingerprint.rpartition(":")[2])
    document = yaml.safe_load(text)
    assert document["type"] == "attestation"
    found: dict[str, Any] = document["parameters"]
    assert found["trustPolicies"] == [{"keys": {"files": ["cosign.pub"]}}]
    return found | {"trustPolicies": [{"keys": KEYS}]}


def statements(setting: AttestationSetting, *, good: bool) -> dict[str, list[dict[str, Any]]]:
    """Return what is attached for each example."""
    digest = setting.image.digest
    provenance = setting.provenance() if good else setting.provenance(source=EVIL)
    release = in_toto(digest, RELEASE, {})
    return {
        "provenance": [provenance],
        "tagMatchesRef": [setting.provenance() if good else setting.provenance(ref="refs/tags/v1.2.2")],
        "vsa": [in_toto(digest, VSA, summary() if good else summary(levels=["SLSA_BUILD_LEVEL_1"]))],
        "anyContent": [provenance if good else in_toto(digest, f"{SLSA_V1}.evil", {})],
        "newest": [setting.provenance(), provenance],
        "requirements": [provenance, release] if good else [release],
    }


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("good", [True, False], ids=["good", "another"])
async def test_an_example_works_as_it_is_written(name: str, good: bool) -> None:
    """With the key's fingerprint and a key source put in, and nothing else changed."""
    setting = AttestationSetting()
    for statement in statements(setting, good=good)[name]:
        setting.attach(statement)
    result = await setting.validate(parameters(name), tag="v1.2.3")
    assert (result.decision is Decision.ALLOW) is good


def test_every_rule_of_this_page_has_an_example() -> None:
    """None is documented without one."""
    assert set(EXAMPLES) == set(statements(AttestationSetting(), good=True))
