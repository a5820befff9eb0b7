"""The verifier of attached SBOMs, with the policy that asks for it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import ConfigurationError
from pyratify.core.manifest import OCI_INDEX, parse_manifest
from pyratify.core.reason import Reason
from pyratify.core.report import Decision, ValidationResult
from pyratify.core.store import Discovery
from pyratify.testing.contracts import VerifierCase, VerifierContract
from pyratify.testing.memory import MemoryStore, make_manifest
from pyratify.testing.sboms import component, cyclonedx, spdx, spdx_package
from support.sbom_setting import CYCLONEDX, SPDX, SbomSetting, build
from support.scenes import codes, signed_by_annotation

GOOD = spdx([spdx_package("musl"), spdx_package("zlib", expression="Zlib")])
BAD = spdx([spdx_package("evil", expression="GPL-3.0-only")])
DENY = {"deniedLicenses": ["GPL-3.0-only"]}
SIGNATURE = "application/example.signature"


def facts(result: ValidationResult) -> dict[str, Any]:
    """Return the facts of the artifact that passed."""
    assert result.decision is Decision.ALLOW, codes(result)
    (found,) = (each.details for artifact in result.artifacts for each in artifact.results if each.passed)
    assert found is not None
    return dict(found.data)


class TestContract(VerifierContract):
    """An SBOM that must name its subject is held to it."""

    @pytest.fixture
    async def case(self) -> VerifierCase:
        """Good evidence names the image it is attached to."""

        def good(store: MemoryStore, subject: Any) -> Any:
            return store.attach(subject, SPDX, (SPDX, spdx([spdx_package("a")], digest=str(subject.digest))))

        def bad(store: MemoryStore, subject: Any) -> Any:
            return store.attach(subject, SPDX, (SPDX, GOOD))

        def empty(store: MemoryStore, subject: Any) -> Any:
            return store.attach(subject, SPDX)

        verifier = await build({"required": {"subjectDigest": True}})
        return VerifierCase(verifier, good, (bad, empty))


async def test_facts_of_an_sbom_stand_flat_in_the_report() -> None:
    """Policies ask for them by stable names."""
    setting = SbomSetting()
    setting.attach(GOOD)
    data = facts(await setting.validate(DENY))
    assert data["format"] == "spdx"
    assert (data["packages"], data["licenses"]) == (2, {"MIT": 1, "Zlib": 1})
    assert data["createdAt"] == "2026-05-31T12:00:00Z"


async def test_a_denied_license_refuses_with_a_finding() -> None:
    """The message names package, license and place."""
    setting = SbomSetting()
    setting.attach(BAD)
    result = await setting.validate(DENY)
    assert result.decision is Decision.DENY
    failure = result.artifacts[0].results[0].failure
    assert failure is not None
    assert failure.reason is Reason.LICENSE
    assert (
        failure.message
        == "1 package has a refused license: evil 1.0 (packages[0]): GPL-3.0-only: GPL-3.0-only is denied"
    )


@pytest.mark.parametrize(
    ("artifact_type", "media_type"),
    [
        (SPDX, "application/octet-stream"),
        ("application/vnd.example.thing", SPDX),
        ("application/vnd.ratify.spdx.v0", "application/vnd.oci.image.layer.v1.tar"),
        ("text/spdx+json", "text/spdx+json"),
        (f"{SPDX}; version=2.3", SPDX),
    ],
)
async def test_an_sbom_is_known_by_its_own_type_or_a_layers(artifact_type: str, media_type: str) -> None:
    """As oras, cosign and Ratify's examples attach them."""
    setting = SbomSetting()
    setting.attach(GOOD, artifact_type=artifact_type, media_type=media_type)
    assert facts(await setting.validate({}))["packages"] == 2


async def test_other_types_are_sboms_where_the_parameters_say_so() -> None:
    """A text with commas, as in Ratify v1, or a list."""
    setting = SbomSetting()
    setting.attach(GOOD, artifact_type="application/vnd.example.sbom")
    assert (await setting.validate({})).decision is Decision.DENY
    for types in ("application/x, application/vnd.example.sbom", ["application/vnd.example.sbom"]):
        assert facts(await setting.validate({"artifactTypes": types}))["packages"] == 2


async def test_every_document_of_an_artifact_is_judged() -> None:
    """A second document cannot hide behind the first."""
    setting = SbomSetting()
    setting.attach(GOOD, BAD)
    assert Reason.LICENSE in codes(await setting.validate(DENY))
    several = SbomSetting()
    several.attach(GOOD, spdx([spdx_package("third")]))
    data = facts(await several.validate(DENY))
    assert (data["packages"], len(data["documents"])) == (3, 2)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_the_facts_of_several_documents_hold_for_all_of_them(order: tuple[int, int]) -> None:
    """A policy that asks for no package without a license, or for a young document, is not answered by the first alone."""
    documents = (
        spdx([spdx_package("musl")], created="2026-05-31T12:00:00Z"),
        spdx([spdx_package("bare", expression="")], created="2026-05-01T12:00:00Z"),
    )
    setting = SbomSetting()
    setting.attach(*(documents[each] for each in order))
    data = facts(await setting.validate(DENY))
    assert (data["packages"], data["packagesWithoutLicense"]) == (2, 1)
    assert (data["format"], data["createdAt"]) == ("spdx", "2026-05-01T12:00:00Z")
    assert "licenses" not in data
    assert [each["packagesWithoutLicense"] for each in data["documents"]] == list(order)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_documents_with_a_greatest_age_are_good_until_the_first_is_too_old(
    order: tuple[int, int],
) -> None:
    """A verdict is remembered no longer."""
    documents = (
        spdx([spdx_package("musl")], created="2026-05-31T12:00:00Z"),
        spdx([spdx_package("zlib")], created="2026-05-31T00:00:00Z"),
    )
    setting = SbomSetting()
    setting.attach(*(documents[each] for each in order))
    result = await setting.validate({"required": {"maximumAge": "48h"}})
    (found,) = (each.details for artifact in result.artifacts for each in artifact.results)
    assert found is not None
    assert found.valid_until == datetime(2026, 6, 2, tzinfo=UTC)


async def test_an_index_is_no_sbom_whatever_it_is_called() -> None:
    """It has no layers, so nothing of it could be read."""
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "artifactType": SPDX, "manifests": []}
    written = json.dumps(index).encode()
    manifest = parse_manifest(written, Descriptor(OCI_INDEX, Digest.of(written), len(written)))
    assert not (await build({})).accepts(manifest)


@pytest.mark.parametrize(
    ("allowed", "artifact_type", "good"),
    [
        (["MIT"], "application/vnd.ratify.spdx.v0", True),
        (["Zlib"], "application/vnd.ratify.spdx.v0", False),
        (["mit"], "application/vnd.ratify.spdx.v0", False),
        (["NOASSERTION"], "application/vnd.ratify.spdx.v0", False),
        (["MIT"], SPDX, None),
    ],
)
async def test_a_license_checker_compares_the_concluded_licenses_as_a_whole(
    allowed: list[str], artifact_type: str, good: bool | None
) -> None:
    """As Ratify v1's, of its own type of artifacts unless others are named."""
    setting = SbomSetting()
    setting.attach(
        spdx([spdx_package("musl", expression="GPL-3.0-only", licenseConcluded="MIT")]),
        artifact_type=artifact_type,
    )
    found = codes(await setting.validate({"allowedLicenses": allowed}, kind="licensechecker"))
    assert found >= ({Reason.NO_EVIDENCE} if good is None else set() if good else {Reason.LICENSE})
    assert (not found) is (good is True)
    if good is None:
        named = {"allowedLicenses": allowed, "artifactTypes": [artifact_type]}
        assert codes(await setting.validate(named, kind="licensechecker")) == set()


async def test_an_artifact_without_a_document_is_refused() -> None:
    """A type alone says nothing."""
    setting = SbomSetting()
    setting.attach()
    assert Reason.SBOM_INVALID in codes(await setting.validate({}))


async def test_many_documents_are_refused_before_they_are_read() -> None:
    """Each would cost a request and a parse."""
    setting = SbomSetting()
    setting.attach(*(spdx([spdx_package(f"p{number}")]) for number in range(20)))
    assert facts(await setting.validate({}))["packages"] == 20
    setting = SbomSetting()
    setting.attach(*(spdx([spdx_package(f"p{number}")]) for number in range(21)))
    assert Reason.PARSE_LIMIT in codes(await setting.validate({}))
    assert not [call for call in setting.store.calls if call[0] == "fetch_blob"]


@pytest.mark.parametrize(
    ("announced", "document"),
    [(SPDX, cyclonedx([component("a")])), (CYCLONEDX, GOOD), (CYCLONEDX.replace("c", "C"), GOOD)],
    ids=["CycloneDX as SPDX", "SPDX as CycloneDX", "in capitals"],
)
async def test_the_body_must_be_of_the_announced_format(announced: str, document: bytes) -> None:
    """Two readers would otherwise take it for two things."""
    setting = SbomSetting()
    setting.attach(document, artifact_type=announced)
    assert Reason.SBOM_INVALID in codes(await setting.validate({}))


async def test_an_unsigned_sbom_does_not_count_unless_the_policy_says_so() -> None:
    """Whatever may push to a repository can attach a clean document."""
    setting = SbomSetting()
    setting.attach(GOOD)
    result = await setting.validate(DENY, rule={"verifierName": "sbom"})
    assert result.decision is Decision.DENY
    assert result.failure is not None
    assert result.failure.reason is Reason.EVIDENCE_UNSIGNED


@pytest.mark.parametrize(("signed", "decision"), [(True, Decision.ALLOW), (False, Decision.DENY)])
async def test_an_sbom_with_a_signature_of_its_own_counts(signed: bool, decision: Decision) -> None:
    """The signature is attached to the SBOM, as it is to an image."""
    setting = SbomSetting()
    sbom = setting.attach(GOOD)
    if signed:
        setting.store.attach(sbom, SIGNATURE, ("text/plain", b"signed"), annotations={"signers": "k"})
    rule = {"verifierName": "sbom", "rules": [{"verifierName": "signature"}]}
    result = await setting.validate(DENY, signed_by_annotation("signature", SIGNATURE), rule=rule)
    assert result.decision is decision


@pytest.mark.parametrize("bound", [True, False])
async def test_under_a_tag_of_cosign_the_document_must_name_the_image(bound: bool) -> None:
    """The tag's name binds nothing: the manifest has no subject."""
    setting = SbomSetting()
    document = spdx([spdx_package("a")], digest=str(setting.image.digest) if bound else "sha256:" + "0" * 64)
    layer = setting.store.add_blob(document, "text/spdx+json")
    manifest = setting.store.add_manifest(make_manifest(layers=[layer]))
    setting.store.list_under(setting.image.digest, manifest, Discovery.COSIGN_TAG)
    result = await setting.validate({})
    assert (result.decision is Decision.ALLOW) is bound
    assert (Reason.PAYLOAD_SUBJECT_MISMATCH in codes(result)) is not bound


async def test_a_large_sbom_is_read_and_a_huge_one_is_not() -> None:
    """5,000 packages are an everyday image; more than 16 MiB is refused before it is read."""
    setting = SbomSetting()
    setting.attach(
        cyclonedx(component(f"p{n}", purl=f"pkg:npm/p{n}@1") for n in range(5000)), artifact_type=CYCLONEDX
    )
    assert facts(await setting.validate(DENY))["packages"] == 5000
    huge = SbomSetting()
    huge.attach(GOOD + b" " * 16 * 1024 * 1024)
    assert Reason.SIZE_EXCEEDED in codes(await huge.validate(DENY))
    assert not [call for call in huge.store.calls if call[0] == "fetch_blob"]


@pytest.mark.parametrize(("wanted", "allowed"), [("spdx", True), ("cyclonedx", False)])
async def test_policies_ask_for_the_facts_of_an_sbom(wanted: str, allowed: bool) -> None:
    """By `where` of a rule."""
    setting = SbomSetting()
    setting.attach(GOOD)
    rule = {"verifierName": "sbom", "requireSigned": False, "where": {"format": wanted, "packages": 2}}
    assert ((await setting.validate({}, rule=rule)).decision is Decision.ALLOW) is allowed


def v1_verifier(shared: Path, name: str) -> dict[str, Any]:
    """Return the verifier of a configuration of Ratify v1."""
    found = json.loads((shared / "ratify/bats-config" / name).read_text())["verifier"]["plugins"][0]
    return {key: value for key, value in found.items() if key not in ("name", "version")}


@pytest.mark.parametrize(
    ("name", "kind", "passes"),
    [
        ("sbom_denylist_config_licensematch.json", "sbom", True),
        ("sbom_denylist_config_nomatch.json", "sbom", True),
        ("sbom_denylist_config_packagematch.json", "sbom", False),
        ("sbom_version_mismatch.json", "sbom", True),
        ("complete_licensechecker_config.json", "licensechecker", True),
        ("partial_licensechecker_config.json", "licensechecker", False),
    ],
)
async def test_parameters_of_ratify_v1_are_accepted_as_they_are(
    shared: Path, name: str, kind: str, passes: bool
) -> None:
    """The configurations of its own tests, on the SBOM of its own tests, which has no NOASSERTION."""
    parameters = v1_verifier(shared, name)
    setting = SbomSetting()
    document = (shared / "ratify/plugin-sbom-testdata/syftbom.spdx.json").read_bytes()
    setting.attach(document, artifact_type=parameters["artifactTypes"])
    result = await setting.validate(parameters, kind=kind)
    assert (result.decision is Decision.ALLOW) is passes, codes(result)


async def test_a_package_without_a_license_is_found_by_the_configuration_of_ratify_v1(shared: Path) -> None:
    """disallowedLicenses: [NOASSERTION] refuses what concludes none."""
    setting = SbomSetting()
    setting.attach(GOOD)
    result = await setting.validate(v1_verifier(shared, "sbom_denylist_config_licensematch.json"))
    assert Reason.LICENSE in codes(result)


async def test_a_license_checker_without_a_list_is_an_error() -> None:
    """It would have nothing to check."""
    with pytest.raises(ConfigurationError):
        await build({}, "licensechecker")
