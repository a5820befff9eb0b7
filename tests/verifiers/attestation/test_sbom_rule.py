"""The rule `sbom` of attestations."""

import json
from typing import Any

import pytest

from pyratify.core.errors import ConfigurationError
from pyratify.core.reason import Reason
from pyratify.core.report import Decision
from pyratify.testing.attestations import in_toto
from pyratify.testing.sboms import component, cyclonedx, spdx, spdx_package
from support.attestation_setting import AttestationSetting, build
from support.scenes import codes

SPDX, CYCLONEDX = "https://spdx.dev/Document", "https://cyclonedx.org/bom"
GOOD = spdx([spdx_package("musl")])
DENY = {"sbom": {"deniedLicenses": ["GPL-3.0-only"]}}


async def judged(predicate_type: str, predicate: Any, parameters: dict[str, Any]) -> tuple[bool, set[Reason]]:
    """Return whether a signed statement with this predicate is accepted, and the codes of the result."""
    setting = AttestationSetting()
    setting.attach(in_toto(setting.image.digest, predicate_type, predicate))
    result = await setting.validate(parameters)
    return result.decision is Decision.ALLOW, codes(result)


@pytest.mark.parametrize(
    ("predicate_type", "predicate"),
    [
        (SPDX, json.loads(GOOD)),
        (SPDX, GOOD.decode()),
        (f"{SPDX}/v2.3", json.loads(GOOD)),
        (CYCLONEDX, json.loads(cyclonedx([component("musl")]))),
        (f"{CYCLONEDX}/v1.6", json.loads(cyclonedx([component("musl")], version="1.6"))),
    ],
    ids=["spdxjson", "spdx, a text", "SPDX 2.3", "CycloneDX", "CycloneDX 1.6"],
)
async def test_a_signed_sbom_is_judged_in_every_form_of_predicate(
    predicate_type: str, predicate: Any
) -> None:
    """As cosign, Syft and in-toto write them."""
    assert await judged(predicate_type, predicate, DENY) == (True, set())


@pytest.mark.parametrize("as_text", [False, True])
async def test_a_denied_license_in_a_predicate_is_refused(as_text: bool) -> None:
    """In both forms of cosign's."""
    document = spdx([spdx_package("evil", expression="MIT AND GPL-3.0-only")])
    passes, reasons = await judged(SPDX, document.decode() if as_text else json.loads(document), DENY)
    assert not passes
    assert Reason.LICENSE in reasons


async def test_a_text_with_a_key_twice_is_refused() -> None:
    """The text within the signed JSON is parsed as strictly as the JSON around it."""
    text = GOOD.decode().replace('"packages"', '"packages": [], "packages"', 1)
    passes, reasons = await judged(SPDX, text, DENY)
    assert not passes
    assert Reason.JSON_DUPLICATE_KEY in reasons


async def test_the_facts_of_a_signed_sbom_stand_beside_those_of_the_signature() -> None:
    """Flat, so that policies can ask for them."""
    setting = AttestationSetting()
    setting.attach(in_toto(setting.image.digest, SPDX, json.loads(GOOD)))
    result = await setting.validate(DENY)
    details = result.artifacts[0].results[0].details
    assert details is not None
    assert details.signers
    assert (details.data["predicateType"], details.data["packages"]) == (SPDX, 1)


async def test_a_large_sbom_in_a_statement_is_read() -> None:
    """5,000 packages are an everyday image."""
    document = json.loads(cyclonedx(component(f"p{n}", purl=f"pkg:npm/p{n}@1") for n in range(5000)))
    assert await judged(CYCLONEDX, document, DENY) == (True, set())


async def test_errors_of_the_rule_carry_its_path() -> None:
    """As those of every rule."""
    with pytest.raises(ConfigurationError) as caught:
        await build({"sbom": {"deniedLicenses": ["GPL3"]}})
    assert caught.value.path == "sbom.deniedLicenses[0]"
