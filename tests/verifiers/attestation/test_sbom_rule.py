"""The rule `sbom` of attestations."""

import json
from pathlib import Path
from typing import Any

import pytest

from pyratify.core.errors import ConfigurationError
from pyratify.core.reason import Reason
from pyratify.core.report import Decision
from pyratify.entrypoints.cli.decode.sbom_contents import sbom_in
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
        (
            CYCLONEDX,
            {"Data": json.loads(cyclonedx([component("musl")])), "Timestamp": "2022-07-01T00:00:00Z"},
        ),
        ("https://cyclonedx.org/schema", {"Data": json.loads(cyclonedx([component("musl")]))}),
        (SPDX, {"Data": GOOD.decode(), "Timestamp": ""}),
    ],
    ids=[
        "spdxjson",
        "spdx, a text",
        "SPDX 2.3",
        "CycloneDX",
        "CycloneDX 1.6",
        "cosign 1, cyclonedx",
        "cosign 1, its first type of CycloneDX",
        "cosign 1, spdx",
    ],
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


@pytest.mark.parametrize("more", [{"x": 1}, {"bomFormat": "CycloneDX", "specVersion": "1.6"}])
async def test_an_object_of_cosign_1_holds_nothing_else(more: dict[str, Any]) -> None:
    """A reader that does not know it would judge the members beside it."""
    document = {"Data": json.loads(cyclonedx([component("musl", expression="GPL-3.0-only")])), **more}
    assert not (await judged(CYCLONEDX, document, DENY))[0]


def test_a_real_statement_of_cosign_1_is_read(shared: Path) -> None:
    """Trivy's own test material."""
    name = "trivy/pkg__fanal__artifact__sbom__testdata__sbom.cdx.intoto.jsonl"
    found = sbom_in((shared / name).read_bytes())
    assert found is not None
    assert "musl" in {package.name for package in found.packages}
