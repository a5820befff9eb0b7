"""Image indexes: which of their manifests are judged, by what, and how the report shows it."""

import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import StoreError, VerificationError
from pyratify.core.limits import Limits
from pyratify.core.listed_by import ListedBy, ListedOnce
from pyratify.core.manifest import OCI_INDEX
from pyratify.core.platform import Platform
from pyratify.core.platform_choice import PlatformChoice
from pyratify.core.platform_report import rests_on_index
from pyratify.core.policy import NoPolicy, Reports, Subject
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import ArtifactReport, Decision, Outcome, ValidationResult, Verdict
from pyratify.core.store import Discovery, Referrer
from pyratify.core.verifier import Details, Evidence
from pyratify.policies.rule import Require, Rule
from pyratify.testing.attestations import SLSA_V1, in_toto
from pyratify.testing.fakes import FakeVerifier
from pyratify.testing.indexes import (
    add_attestation_manifest,
    add_index,
    attestation_entry,
    entry,
)
from pyratify.testing.memory import MemoryStore, make_manifest
from support.scenes import KIND, REFERENCE, threshold, validate

EACH = PlatformChoice.parse("each")
ANY = PlatformChoice.parse("any")
SIGNATURE = "application/signature"
PLATFORMS = ("linux/amd64", "linux/arm64")


def named(*platforms: str) -> PlatformChoice:
    """Return the choice of these platforms."""
    return PlatformChoice.parse(platforms)


def images(store: MemoryStore, *signed: bool) -> list[Descriptor]:
    """Add an image for each, and attach a signature to those that are signed."""
    found = [store.add_image(f"image{number}", str(number).encode()) for number in range(len(signed))]
    for image, attach in zip(found, signed, strict=True):
        if attach:
            store.attach(image, KIND)
    return found


def two(*signed: bool) -> tuple[MemoryStore, list[Descriptor], Descriptor]:
    """Return a store with an index of an image for amd64 and one for arm64, the images, and the index."""
    store = MemoryStore()
    found = images(store, *signed)
    entries = [entry(image, platform) for image, platform in zip(found, PLATFORMS, strict=True)]
    return store, found, add_index(store, *entries)


def platforms(result: ValidationResult) -> dict[str, Decision | None]:
    """Return what was decided of each platform."""
    return {report.platform: report.decision for report in result.artifacts if report.platform}


def denied(result: ValidationResult, reason: Reason) -> None:
    """Check that it is denied, decidedly, for this reason."""
    assert result.decision is Decision.DENY
    assert result.error is None
    assert result.failure is not None
    assert result.failure.reason is reason


class TestEach:
    """`each`: every manifest that can be run has evidence of its own."""

    async def test_every_platform_with_evidence_is_allowed(self) -> None:
        """The report is a tree: the platform, and below it what it stands on."""
        store, found, index = two(True, True)
        result = await validate(store, platforms=EACH)
        assert result.succeeded
        assert result.subject == replace(result.subject or index, digest=index.digest)
        assert platforms(result) == dict.fromkeys(PLATFORMS, Decision.ALLOW)
        for report, image in zip(result.artifacts, found, strict=True):
            assert report.artifact.digest == image.digest
            assert report.discovery is Discovery.INDEX
            assert [nested.subject.digest for nested in report.nested] == [image.digest]

    @pytest.mark.parametrize("which", [0, 1])
    async def test_one_platform_without_evidence_denies_all(self, which: int) -> None:
        """The message names it, with its digest and its own reason; the other stays allowed in the report."""
        store, found, _ = two(which != 0, which != 1)
        result = await validate(store, platforms=EACH)
        denied(result, Reason.POLICY_UNSATISFIED)
        assert result.failure is not None
        assert (
            f"1 of 2 manifests that must have evidence are denied: {PLATFORMS[which]} ({found[which].digest})"
            in (result.failure.message)
        )
        assert platforms(result) == {
            PLATFORMS[which]: Decision.DENY,
            PLATFORMS[1 - which]: Decision.ALLOW,
        }

    async def test_the_first_platform_that_is_denied_is_named(self) -> None:
        """In the order of the index, whichever was decided first."""
        store = MemoryStore()
        entries = [entry(image, f"linux/x{n}") for n, image in enumerate(images(store, True, False, False))]
        add_index(store, *entries)
        result = await validate(store, platforms=EACH)
        assert result.failure is not None
        assert result.failure.message.startswith(
            "2 of 3 manifests that must have evidence are denied: linux/x1 ("
        )

    @pytest.mark.parametrize("undecided", [0, 1])
    async def test_a_platform_for_which_nothing_is_decided_allows_nothing(self, undecided: int) -> None:
        """Whichever comes first: a policy that decides nothing for one manifest has not allowed it."""
        store, found, _ = two(True, True)

        class Partial(NoPolicy):
            def decide(self, subject: Subject, reports: Reports) -> Verdict:
                silent = subject.descriptor.digest == found[undecided].digest
                return Verdict(Decision.NONE if silent else Decision.ALLOW)

        result = await validate(store, policy=Partial(), platforms=EACH)
        assert result.decision is Decision.NONE
        assert not result.succeeded

    async def test_none_with_evidence_is_no_evidence(self) -> None:
        """The remedy is then to sign."""
        denied(await validate(two(False, False)[0], platforms=EACH), Reason.NO_EVIDENCE)

    async def test_the_evidence_of_the_index_does_not_count(self) -> None:
        """It was asked for that of each manifest, and so the remedy is not to sign the index once more."""
        store, _, index = two(False, False)
        store.attach(index, KIND)
        result = await validate(store, platforms=EACH)
        denied(result, Reason.NO_EVIDENCE)
        assert result.failure is not None
        assert "cosign sign --recursive" in result.failure.remedy

    async def test_an_index_that_lists_nothing_says_so(self) -> None:
        """No platform was named that could be published."""
        store = MemoryStore()
        store.attach(add_index(store), KIND)
        result = await validate(store, platforms=EACH)
        denied(result, Reason.PLATFORM_MISSING)
        assert result.failure is not None
        assert result.failure.message == "the index lists no manifest that can be run"
        assert "this platform" not in result.failure.remedy

    async def test_an_image_that_is_no_index_is_judged_itself(self) -> None:
        """Whatever platforms are named."""
        store = MemoryStore()
        store.attach(store.add_image(), KIND)
        for choice in (EACH, ANY, named("linux/s390x")):
            assert (await validate(store, platforms=choice)).succeeded

    @pytest.mark.parametrize("choice", [PlatformChoice(), EACH, ANY], ids=["index", "each", "any"])
    @pytest.mark.parametrize("by_digest", [False, True])
    async def test_an_image_that_is_no_index_costs_no_request_more(
        self, choice: PlatformChoice, by_digest: bool
    ) -> None:
        """Whatever counts for an index; where it has no evidence, too."""
        store = MemoryStore()
        image = store.add_image("v1", b"image")
        store.attach(image, KIND)
        reference = REFERENCE.at(image.digest) if by_digest else REFERENCE
        store.calls.clear()
        assert (await validate(store, reference=reference, platforms=choice)).succeeded
        assert [method for method, _ in store.calls] == ["resolve", "referrers", "fetch_manifest"]
        store.listings[image.digest].clear()
        store.calls.clear()
        denied(await validate(store, reference=reference, platforms=choice), Reason.NO_EVIDENCE)
        assert [method for method, _ in store.calls] == ["resolve", "referrers"]

    async def test_an_index_of_nothing_that_runs_is_denied(self) -> None:
        """An empty list has no member that lacks evidence, and is no evidence."""
        store = MemoryStore()
        add_index(store)
        denied(await validate(store, platforms=EACH), Reason.PLATFORM_MISSING)

    async def test_a_platform_that_could_not_be_read_leaves_it_undecided(self) -> None:
        """Unless another one is denied, which stays so."""
        store, found, _ = two(True, True)
        store.faults[str(found[1].digest)] = StoreError(Reason.REGISTRY_ERROR, "it is down")
        result = await validate(store, platforms=EACH)
        assert result.error is not None
        assert result.error.reason is Reason.REGISTRY_ERROR
        assert result.artifacts[1].outcome is Outcome.INCONCLUSIVE
        store.listings.clear()
        denied(await validate(store, platforms=EACH), Reason.POLICY_UNSATISFIED)

    async def test_one_manifest_for_two_platforms_is_judged_once(self) -> None:
        """The report has both names."""
        store = MemoryStore()
        (image,) = images(store, True)
        add_index(
            store, entry(image, "linux/arm64"), entry(image, "linux/arm64/v8"), entry(image, "linux/arm/v7")
        )
        result = await validate(store, platforms=EACH)
        assert result.succeeded
        assert [report.platform for report in result.artifacts] == ["linux/arm64", "linux/arm/v7"]
        assert len([call for call in store.calls if call[0] == "referrers"]) == 1

    async def test_without_a_policy_nothing_is_decided(self) -> None:
        """The decision is the reader's, for each platform too."""
        result = await validate(two(True, False)[0], policy=NoPolicy(), platforms=EACH)
        assert result.decision is Decision.NONE
        assert platforms(result) == dict.fromkeys(PLATFORMS, Decision.NONE)


class TestNamed:
    """A list of platforms: what may be run on one of them has evidence."""

    async def test_only_named_platforms_are_judged_and_the_others_are_shown(self) -> None:
        """The report says that nothing was decided of the rest, and nothing of theirs is read."""
        store, found, _ = two(True, False)
        result = await validate(store, platforms=named("linux/amd64"))
        assert result.succeeded
        assert platforms(result) == {"linux/amd64": Decision.ALLOW, "linux/arm64": None}
        assert ("referrers", str(found[1].digest)) not in store.calls

    @pytest.mark.parametrize(
        "spelling", ["linux/arm64", "linux/aarch64", "linux/arm64/v8", "Linux/ARM64".lower()]
    )
    async def test_one_machine_has_several_spellings(self, spelling: str) -> None:
        """As containerd and Docker normalise them."""
        store, _, _ = two(False, True)
        assert (await validate(store, platforms=named(spelling))).succeeded

    async def test_a_named_platform_that_is_missing_denies(self) -> None:
        """The message says what the index lists instead, also where the other named ones are good."""
        result = await validate(two(True, True)[0], platforms=named("linux/amd64", "linux/s390x"))
        denied(result, Reason.PLATFORM_MISSING)
        assert result.failure is not None
        assert "no manifest for linux/s390x; it lists: linux/amd64, linux/arm64" in result.failure.message

    @pytest.mark.parametrize("swapped", [False, True])
    async def test_every_manifest_of_a_platform_that_is_listed_twice_is_judged(self, swapped: bool) -> None:
        """Runtimes differ in which of them they take."""
        store = MemoryStore()
        entries = [entry(image, "linux/amd64") for image in images(store, True, False)]
        add_index(store, *(reversed(entries) if swapped else entries))
        denied(await validate(store, platforms=named("linux/amd64")), Reason.POLICY_UNSATISFIED)

    @pytest.mark.parametrize(
        "platform", [None, "unknown/unknown", "/", "/arm64", "linux/", "unknown/arm64", "linux/unknown"]
    )
    async def test_an_entry_without_a_platform_is_judged_too(self, platform: str | None) -> None:
        """Runtimes take it for any platform, and nothing says that an unknown one is not run."""
        store = MemoryStore()
        good, other = images(store, True, False)
        add_index(store, entry(good, "linux/amd64"), entry(other, platform))
        denied(await validate(store, platforms=named("linux/amd64")), Reason.POLICY_UNSATISFIED)

    async def test_a_version_of_windows_is_meant_where_it_is_named(self) -> None:
        """Without one, every version is."""
        store = MemoryStore()
        old, new = images(store, False, True)
        entries = [entry(image, "windows/amd64") for image in (old, new)]
        for each, version in zip(entries, ("10.0.17763.1", "10.0.20348.1"), strict=True):
            each["platform"]["os.version"] = version
        add_index(store, *entries)
        assert (await validate(store, platforms=named("windows(10.0.20348.1)/amd64"))).succeeded
        denied(await validate(store, platforms=named("windows/amd64")), Reason.POLICY_UNSATISFIED)


class TestAny:
    """`any`: the index, or else every manifest in it."""

    async def test_the_index_alone_is_enough(self) -> None:
        """Then nothing that it lists is read: no more requests than by default."""
        store, _, index = two(False, False)
        store.attach(index, KIND)
        calls = []
        for choice in (PlatformChoice(), ANY):
            store.calls.clear()
            assert (await validate(store, platforms=choice)).succeeded
            calls.append(list(store.calls))
        assert calls[0] == calls[1]

    @pytest.mark.parametrize("signed", ["index", "images", "one", "none"])
    @pytest.mark.parametrize("tag", ["v1", None])
    async def test_the_digest_of_an_index_is_judged_as_its_tag_is(self, signed: str, tag: str | None) -> None:
        """With the tag beside it or without, as Pods name images."""
        store, _, index = two(signed in ("images", "one"), signed == "images")
        if signed == "index":
            store.attach(index, KIND)
        reference = replace(REFERENCE, tag=tag, digest=index.digest)
        result = await validate(store, reference=reference, platforms=ANY)
        assert result.succeeded is (signed in ("index", "images"))

    async def test_every_manifest_is_enough_and_one_is_not(self) -> None:
        """A single signed platform says nothing of the one that a node runs; the index is asked for once."""
        store, _, index = two(True, True)
        store.calls.clear()
        assert (await validate(store, platforms=ANY)).succeeded
        assert store.calls.count(("resolve", str(REFERENCE))) == 1
        assert store.calls.count(("referrers", str(index.digest))) == 1
        denied(await validate(two(True, False)[0], platforms=ANY), Reason.POLICY_UNSATISFIED)

    async def test_evidence_of_the_index_counts_beside_that_of_each_manifest(self) -> None:
        """A signed index, and an SBOM of every manifest; what is forbidden at the index is forbidden for all."""
        store, found, index = two(False, False)
        store.attach(index, SIGNATURE)
        for image in found:
            store.attach(image, "application/sbom")
        verifiers = (FakeVerifier("signature", SIGNATURE), FakeVerifier("sbom", "application/sbom"))
        policy = threshold("signature", "sbom")
        assert (await validate(store, *verifiers, policy=policy, platforms=ANY)).succeeded
        assert not (await validate(store, *verifiers, policy=policy, platforms=EACH)).succeeded
        store.listings[found[1].digest].clear()
        assert not (await validate(store, *verifiers, policy=policy, platforms=ANY)).succeeded

    async def test_what_the_evidence_of_the_index_forbids_stays_forbidden(self) -> None:
        """However good that of each manifest is."""

        async def scan(evidence: Evidence) -> Details:
            if "bad" in evidence.manifest.annotations:
                raise VerificationError(Reason.VULN_FOUND, "it has a hole")
            return Details("clean")

        for bad in ({}, {"bad": "yes"}):
            store, found, index = two(False, False)
            for image in found:
                store.attach(image, SIGNATURE)
                store.attach(image, "application/scan")
            store.attach(index, "application/scan", annotations=bad)
            verifiers = (
                FakeVerifier("signature", SIGNATURE),
                FakeVerifier("scan", "application/scan", scan),
            )
            policy = threshold("signature", Rule("scan", deny=True, reasons=("VULN_FOUND",)))
            result = await validate(store, *verifiers, policy=policy, platforms=ANY)
            assert result.succeeded is not bool(bad)

    async def test_the_report_shows_what_is_attached_to_both(self) -> None:
        """Without a policy, too."""
        store, _, index = two(True, True)
        store.attach(index, KIND)
        result = await validate(store, policy=NoPolicy(), platforms=ANY)
        assert [report.platform for report in result.artifacts] == [None, *PLATFORMS]
        assert result.decision is Decision.NONE


class TestWithItsIndex:
    """A platform's manifest by digest, beside a tag that names its index."""

    @pytest.mark.parametrize("choice", [PlatformChoice(), ANY], ids=["index", "any"])
    async def test_the_index_of_the_tag_speaks_for_what_it_lists(self, choice: PlatformChoice) -> None:
        """Membership is proven by the index's digest; the report shows the index."""
        store, (image, _), index = two(False, False)
        store.attach(index, KIND)
        reference = replace(REFERENCE, digest=image.digest)
        result = await validate(store, reference=reference, platforms=choice)
        assert result.succeeded
        assert result.subject is not None
        assert result.subject.digest == image.digest
        assert platforms(result) == {"index": Decision.ALLOW}
        assert result.artifacts[-1].artifact.digest == index.digest
        denied(
            await validate(store, reference=REFERENCE.at(image.digest), platforms=choice), Reason.NO_EVIDENCE
        )

    async def test_evidence_of_both_is_judged_together(self) -> None:
        """A signed index, and an SBOM of the manifest: neither alone is enough."""
        store, (image, other), index = two(False, False)
        store.attach(index, SIGNATURE)
        store.attach(image, "application/sbom")
        verifiers = (FakeVerifier("signature", SIGNATURE), FakeVerifier("sbom", "application/sbom"))
        policy = threshold("signature", "sbom")
        reference = replace(REFERENCE, digest=image.digest)
        result = await validate(store, *verifiers, policy=policy, reference=reference)
        assert result.succeeded
        assert [(report.platform, len(report.nested)) for report in result.artifacts] == [
            (None, 0),
            ("index", 1),
        ]
        own, listed = result.artifacts
        assert (own.subject.digest, listed.nested[0].subject.digest) == (image.digest, index.digest)
        for lacking in (replace(REFERENCE, digest=other.digest), REFERENCE.at(image.digest), REFERENCE):
            assert not (await validate(store, *verifiers, policy=policy, reference=lacking)).succeeded

    async def test_what_the_manifests_own_evidence_forbids_stays_forbidden(self) -> None:
        """A good index does not make a bad report on the manifest good."""

        async def scan(evidence: Evidence) -> Details:
            if "bad" in evidence.manifest.annotations:
                raise VerificationError(Reason.VULN_FOUND, "it has a hole")
            return Details("clean")

        store, (image, other), index = two(False, False)
        for subject, annotations in ((index, {}), (image, {"bad": "yes"}), (other, {})):
            store.attach(subject, "application/scan", annotations=annotations)
        store.attach(index, SIGNATURE)
        verifiers = (FakeVerifier("signature", SIGNATURE), FakeVerifier("scan", "application/scan", scan))
        forbidden = Rule("scan", deny=True, reasons=("VULN_FOUND",))
        policy = threshold("signature", forbidden)
        for digest, good in ((index.digest, True), (other.digest, True), (image.digest, False)):
            reference = replace(REFERENCE, digest=digest)
            result = await validate(store, *verifiers, policy=policy, reference=reference)
            assert result.succeeded is good

    async def test_an_index_that_does_not_list_it_says_nothing(self) -> None:
        """However well that is signed."""
        store, _, index = two(False, False)
        store.attach(index, KIND)
        other = store.add_image("other", b"other")
        denied(await validate(store, reference=replace(REFERENCE, digest=other.digest)), Reason.NO_EVIDENCE)

    async def test_with_each_the_manifest_needs_its_own(self) -> None:
        """The index alone is not enough."""
        store, (image, _), index = two(False, False)
        store.attach(index, KIND)
        reference = replace(REFERENCE, digest=image.digest)
        denied(await validate(store, reference=reference, platforms=EACH), Reason.NO_EVIDENCE)

    async def test_its_own_evidence_costs_no_request_more(self) -> None:
        """The tag is resolved only where the evidence of the manifest is not enough."""
        store, (image, _), _ = two(True, False)
        assert (await validate(store, reference=replace(REFERENCE, digest=image.digest))).succeeded
        assert len(store.calls) == 3

    async def test_a_tag_that_could_not_be_read_leaves_it_undecided(self) -> None:
        """What its index has may be the evidence that is missing; a tag that does not exist has none."""
        store, (image, _), _ = two(False, False)
        reference = replace(REFERENCE, digest=image.digest)
        store.faults[str(REFERENCE)] = StoreError(Reason.REGISTRY_ERROR, "it is down")
        assert (await validate(store, reference=reference)).error is not None
        store.faults[str(REFERENCE)] = StoreError(Reason.NOT_FOUND, "no such tag")
        denied(await validate(store, reference=reference), Reason.NO_EVIDENCE)


class TestAttestationManifests:
    """BuildKit's entries for `unknown/unknown`: evidence of the manifest that they name, and never run."""

    def _scene(self, **broken: str | None) -> tuple[MemoryStore, Descriptor, Descriptor]:
        store = MemoryStore()
        image = store.add_image("image")
        manifest = add_attestation_manifest(store, in_toto(image.digest, SLSA_V1, {}))
        add_index(store, entry(image), attestation_entry(manifest, image.digest, **broken))  # type: ignore[arg-type]
        return store, image, manifest

    async def test_it_is_examined_as_attached_to_its_image(self) -> None:
        """It has no subject of its own: the verifier has to bind its statements."""
        store, image, manifest = self._scene()
        result = await validate(store, platforms=EACH)
        (platform,) = result.artifacts
        (found,) = platform.nested
        assert (found.artifact.digest, found.subject.digest) == (manifest.digest, image.digest)
        assert found.discovery is Discovery.INDEX
        assert result.succeeded

    @pytest.mark.parametrize(
        "broken",
        [
            {"kind": "something-else"},
            {"platform": "linux/amd64"},
            {"platform": None},
            {"platform": "linux/s390x"},
        ],
        ids=str,
    )
    async def test_what_could_be_run_is_judged_whatever_its_annotations_say(
        self, broken: dict[str, str]
    ) -> None:
        """It needs evidence of its own, and is none for the image."""
        store, image, _ = self._scene(**broken)
        store.attach(image, KIND)
        denied(await validate(store, platforms=EACH), Reason.POLICY_UNSATISFIED)

    async def test_what_names_no_manifest_of_the_index_is_judged(self) -> None:
        """Its annotations attach it to nothing."""
        store = MemoryStore()
        (image,) = images(store, True)
        manifest = add_attestation_manifest(store, in_toto(image.digest, SLSA_V1, {}))
        add_index(store, entry(image), attestation_entry(manifest, Digest.of(b"other")))
        denied(await validate(store, platforms=EACH), Reason.POLICY_UNSATISFIED)

    async def test_what_holds_an_image_is_judged(self) -> None:
        """Only layers with statements make an attestation manifest."""
        store = MemoryStore()
        image, hidden = images(store, True, False)
        add_index(store, entry(image), attestation_entry(hidden, image.digest))
        denied(await validate(store, platforms=EACH), Reason.POLICY_UNSATISFIED)

    async def test_one_that_was_not_copied_is_not_missed(self) -> None:
        """What the registry does not have is not run either; the rest is judged."""
        store, image, manifest = self._scene()
        store.attach(image, KIND)
        del store.manifests[manifest.digest]
        assert (await validate(store, platforms=EACH)).succeeded

    @pytest.mark.parametrize(
        ("config", "proves"),
        [
            ("application/vnd.oci.image.config.v1+json", True),
            ("application/vnd.oci.empty.v1+json", True),
            ("application/vnd.wasm.config.v0+json", False),
        ],
    )
    async def test_its_config_is_one_that_buildkit_writes(self, config: str, proves: bool) -> None:
        """A manifest whose config is a program could be run, whatever its layers hold."""
        store = MemoryStore()
        (image,) = images(store, True)
        layer = store.add_blob(b"{}", "application/vnd.in-toto+json")
        manifest = store.add_manifest(make_manifest(config=store.add_blob(b"{}", config), layers=[layer]))
        add_index(store, entry(image), attestation_entry(manifest, image.digest))
        assert (await validate(store, platforms=EACH)).succeeded is proves

    @pytest.mark.parametrize("first", [True, False])
    async def test_one_that_is_listed_as_of_another_type_too_is_judged(self, first: bool) -> None:
        """In whichever order: one entry does not vouch for the other."""
        store = MemoryStore()
        (image,) = images(store, True)
        manifest = add_attestation_manifest(store, in_toto(image.digest, SLSA_V1, {}))
        marked = attestation_entry(manifest, image.digest)
        other = {**marked, "mediaType": "application/vnd.example+json"}
        add_index(store, entry(image), *([marked, other] if first else [other, marked]))
        denied(await validate(store, platforms=EACH), Reason.POLICY_UNSATISFIED)

    def _of_two(self, *, hidden: bool = False) -> tuple[MemoryStore, list[Descriptor], list[Descriptor]]:
        """Two images, of which the first is signed, and what is listed as the attestation of each."""
        store = MemoryStore()
        found = images(store, True, False)
        marked = [add_attestation_manifest(store, in_toto(each.digest, SLSA_V1, {})) for each in found]
        if hidden:
            marked[1] = store.add_image("hidden", b"hidden")
        attested = zip(marked, found, strict=True)
        add_index(
            store,
            *(entry(image, platform) for image, platform in zip(found, PLATFORMS, strict=True)),
            *(attestation_entry(each, image.digest) for each, image in attested),
        )
        return store, found, marked

    async def test_that_of_a_platform_that_was_not_asked_for_stands_below_it(self) -> None:
        """None is left out silently; without a decision, as its platform."""
        store, found, marked = self._of_two()
        result = await validate(store, platforms=named("linux/amd64"))
        assert result.succeeded
        first, second = result.artifacts
        assert marked[0].digest in {each.artifact.digest for each in first.nested}
        (shown,) = second.nested
        assert (shown.artifact.digest, shown.subject.digest) == (marked[1].digest, found[1].digest)
        assert (shown.platform, shown.decision, shown.discovery) == ("unknown/unknown", None, Discovery.INDEX)

    async def test_what_hides_as_that_of_another_platform_is_judged(self) -> None:
        """Its manifest is read, whichever platform it claims to attest."""
        store, _, _ = self._of_two(hidden=True)
        result = await validate(store, platforms=named("linux/amd64"))
        denied(result, Reason.POLICY_UNSATISFIED)
        assert platforms(result)["unknown/unknown"] is Decision.DENY

    async def test_that_of_another_platform_may_be_gone_and_not_unreadable(self) -> None:
        """What the registry does not have is not run; of what cannot be read nothing is known."""
        store, _, marked = self._of_two()
        digest = marked[1].digest
        store.faults[str(digest)] = StoreError(Reason.REGISTRY_ERROR, "it is down")
        assert (await validate(store, platforms=named("linux/amd64"))).error is not None
        store.faults.clear()
        del store.manifests[digest]
        result = await validate(store, platforms=named("linux/amd64"))
        assert result.succeeded
        assert [each.artifact.digest for each in result.artifacts[1].nested] == [digest]

    @pytest.mark.parametrize(
        ("choice", "by_digest", "read"),
        [(named("linux/amd64"), False, 1), (named("linux/amd64"), True, 0), (ANY, True, 0)],
        ids=["the index", "a manifest of a named platform", "a manifest"],
    )
    async def test_that_of_another_platform_costs_a_request_only_where_it_is_left_out(
        self, choice: PlatformChoice, by_digest: bool, read: int
    ) -> None:
        """A manifest by tag and digest, as nodes ask for it, is judged by itself: nothing is left out."""
        store, found, marked = self._of_two()
        asked = replace(REFERENCE, digest=found[0].digest) if by_digest else REFERENCE
        store.calls.clear()
        await validate(store, FakeVerifier("fake", "application/none"), reference=asked, platforms=choice)
        assert store.calls.count(("fetch_manifest", str(marked[1].digest))) == read

    async def test_signatures_of_it_and_of_its_index_stand_below_it(self) -> None:
        """Both speak for it, and the report shows what each is attached to."""
        store, _, manifest = self._scene()
        index = await store.resolve(REFERENCE)
        store.attach(manifest, SIGNATURE)
        store.attach(index, SIGNATURE)
        policy = threshold(Rule("attestation", (Rule("signature"),), 1))
        result = await validate(store, *_chain_verifiers(), policy=policy, platforms=EACH)
        assert result.succeeded
        (found,) = result.artifacts[0].nested
        assert [nested.subject.digest for nested in found.nested] == [manifest.digest, index.digest]

    @pytest.mark.parametrize("signed", ["attestation", "index", "image", "none"])
    async def test_statements_count_when_they_or_their_index_are_signed(self, signed: str) -> None:
        """A signature of the image says nothing of statements about it."""
        store, image, manifest = self._scene()
        index = await store.resolve(REFERENCE)
        for name, subject in (("attestation", manifest), ("index", index), ("image", image)):
            if name == signed:
                store.attach(subject, SIGNATURE)
        policy = threshold(Rule("attestation", (Rule("signature"),), 1))
        result = await validate(store, *_chain_verifiers(), policy=policy, platforms=EACH)
        assert result.succeeded is (signed in ("attestation", "index"))

    @pytest.mark.parametrize(
        ("signed", "tag", "rests"),
        [("attestation", "v1", True), ("index", "v1", True), ("image", "v1", False), ("image", None, False)],
    )
    async def test_what_an_index_lists_and_passed_is_known_by_its_tag_alone(
        self, signed: str, tag: str | None, rests: bool
    ) -> None:
        """Without the tag the attestation is not found, and the verdict may be another."""
        store, image, manifest = self._scene()
        subjects = {"attestation": manifest, "index": await store.resolve(REFERENCE), "image": image}
        store.attach(subjects[signed], SIGNATURE)
        verifiers = _chain_verifiers() if rests else _chain_verifiers()[1:]
        policy = threshold(Rule("attestation", (Rule("signature"),), 1) if rests else Rule("signature"))
        asked = replace(REFERENCE, tag=tag, digest=image.digest)
        result = await validate(store, *verifiers, reference=asked, policy=policy, platforms=EACH)
        assert result.succeeded
        assert rests_on_index(result) is rests
        if rests:
            alone = asked.at(image.digest)
            denied(
                await validate(store, *verifiers, reference=alone, policy=policy, platforms=EACH),
                Reason.NO_EVIDENCE,
            )

    async def test_what_the_index_of_the_tag_lists_counts_beside_evidence_that_would_be_enough(self) -> None:
        """With `any` a bad report in the index is not left out because the image has a good one of its own."""
        store, image, _ = self._scene()
        kind = "application/vnd.oci.image.config.v1+json"

        async def scan(evidence: Evidence) -> Details:
            if any(layer.media_type == "application/vnd.in-toto+json" for layer in evidence.manifest.layers):
                raise VerificationError(Reason.VULN_FOUND, "it has a hole")
            return Details("clean")

        store.attach(image, kind)
        policy = threshold(Rule("scan", require=Require.ALL))
        for tag, good in (("v1", False), (None, True)):
            asked = replace(REFERENCE, tag=tag, digest=image.digest)
            verifier = FakeVerifier("scan", kind, scan)
            result = await validate(store, verifier, reference=asked, policy=policy, platforms=ANY)
            assert result.succeeded is good

    async def test_an_index_that_is_named_itself_is_known_without_its_tag(self) -> None:
        """Its digest says what it lists."""
        store, _, manifest = self._scene()
        store.attach(manifest, SIGNATURE)
        policy = threshold(Rule("attestation", (Rule("signature"),), 1))
        result = await validate(store, *_chain_verifiers(), policy=policy, platforms=EACH)
        assert result.succeeded
        assert not rests_on_index(result)


def _chain_verifiers() -> tuple[FakeVerifier, FakeVerifier]:
    """Return a verifier of attestation manifests and one of signatures."""
    return (
        FakeVerifier("attestation", "application/vnd.oci.image.config.v1+json"),
        FakeVerifier("signature", SIGNATURE),
    )


class TestBounds:
    """What an index may cost."""

    async def test_more_manifests_than_allowed_are_refused(self) -> None:
        """Before anything is asked about any of them."""
        store = MemoryStore()
        add_index(store, *(entry(image, f"linux/x{n}") for n, image in enumerate(images(store, *[True] * 5))))
        store.calls.clear()
        result = await validate(store, platforms=EACH, limits=Limits(platforms=4))
        denied(result, Reason.GRAPH_LIMIT)
        assert result.failure is not None
        assert "limits.platforms" in result.failure.remedy
        assert len(store.calls) == 2
        assert (await validate(store, platforms=EACH, limits=Limits(platforms=5))).succeeded

    async def test_indexes_within_an_index_are_read_to_three_levels(self) -> None:
        """Their manifests are judged in their place."""
        store, _, index = two(True, True)
        for level in (2, 3):
            index = add_index(store, entry(index, None), tag=f"level{level}")
        reference = Reference.parse("example.com/app:level3")
        result = await validate(store, reference=reference, platforms=EACH)
        assert result.succeeded
        assert platforms(result) == dict.fromkeys(PLATFORMS, Decision.ALLOW)
        add_index(store, entry(index, None), tag="level4")
        reference = Reference.parse("example.com/app:level4")
        deep = await validate(store, reference=reference, platforms=EACH)
        denied(deep, Reason.GRAPH_LIMIT)
        assert deep.failure is not None
        assert "fewer levels" in deep.failure.remedy

    async def test_a_broken_index_is_refused(self) -> None:
        """It is the publisher's fault: decided, and with the code of what is wrong."""
        store = MemoryStore()
        store.add_manifest(b'{"schemaVersion":2,"manifests":[{}]}', tag="v1", media_type=OCI_INDEX)
        denied(await validate(store, platforms=EACH), Reason.JSON_INVALID)

    @pytest.mark.parametrize("platform", ["linux", [], {"os": 1, "architecture": "amd64"}, {"os": "x" * 200}])
    async def test_a_platform_that_is_none_is_refused(self, platform: object) -> None:
        """Neither guessed nor left out."""
        store = MemoryStore()
        (image,) = images(store, True)
        add_index(store, entry(image, None) | {"platform": platform})
        denied(await validate(store, platforms=EACH), Reason.JSON_INVALID)

    @pytest.mark.parametrize("concurrency", [1, 4])
    async def test_reports_are_the_same_at_any_concurrency(self, concurrency: int) -> None:
        """In the index's order, and no more artifacts at the same time than allowed."""
        store = MemoryStore()
        signed = [number % 3 != 0 for number in range(9)]
        entries = [entry(each, f"linux/x{n}") for n, each in enumerate(images(store, *signed))]
        add_index(store, *entries)
        result = await validate(store, platforms=EACH, concurrency=concurrency)
        assert [report.platform for report in result.artifacts] == [f"linux/x{number}" for number in range(9)]
        assert [report.decision is Decision.ALLOW for report in result.artifacts] == signed

    async def test_time_is_for_all_of_them_together(self) -> None:
        """What was found before stays in the report."""

        class Slow(MemoryStore):
            async def resolve(self, reference: Reference) -> Descriptor:
                import asyncio

                await asyncio.Event().wait()
                raise AssertionError

        result = await validate(Slow(), platforms=EACH, timeout=0.01)
        assert result.error is not None
        assert result.error.reason is Reason.TIMEOUT


def test_the_json_shows_the_platform_and_its_decision() -> None:
    """Additive fields: a report of anything else has neither."""
    index = REFERENCE.at(Digest.of(b"index"))
    image = Descriptor("application/x", Digest.of(b"image"), 1)
    report = ArtifactReport(index, image, Discovery.INDEX, platform="linux/amd64", decision=Decision.ALLOW)
    found = report.to_dict()
    assert (found["platform"], found["decision"], found["discovery"]) == ("linux/amd64", "ALLOW", "index")
    assert not {"platform", "decision"} & set(ArtifactReport(index, image, Discovery.INDEX).to_dict())


@pytest.mark.parametrize(
    "text",
    ["", "linux", "linux/", "/amd64", "linux/amd64/v1/x", "linux amd64", "linux/amd64\n", "Linux/amd64"],
)
def test_a_text_that_is_no_platform_is_refused(text: str) -> None:
    """A misspelt one must not be a platform that no index has."""
    with pytest.raises(ValueError, match="no platform"):
        Platform.parse(text)


@pytest.mark.parametrize(
    "value", ["all", "linux/amd64,each", "linux/amd64,", "", (), tuple(f"linux/x{n}" for n in range(33))]
)
def test_a_choice_that_is_none_is_refused(value: str | tuple[str, ...]) -> None:
    """An empty list would judge nothing."""
    with pytest.raises(ValueError, match=r"platform|none of"):
        PlatformChoice.parse(value)


@pytest.mark.parametrize(
    ("usual", "spellings"),
    [
        ("linux/amd64", ["linux/x86_64", "linux/x86-64", "linux/amd64/v1"]),
        ("linux/386", ["linux/i386"]),
        ("linux/arm64", ["linux/aarch64", "linux/aarch64/v8", "linux/arm64/v8", "linux/arm64/8"]),
        ("linux/arm/v7", ["linux/arm", "linux/armhf", "linux/arm/7"]),
        ("linux/arm/v6", ["linux/armel", "linux/arm/6"]),
        ("linux/arm/v5", ["linux/arm/5"]),
        ("darwin/arm64", ["macos/arm64"]),
    ],
)
def test_several_spellings_name_one_machine(usual: str, spellings: list[str]) -> None:
    """As containerd's `platforms` normalises them; other variants stay what they are."""
    assert {str(Platform.parse(each)) for each in (usual, *spellings)} == {usual}
    assert str(Platform.parse("linux/amd64/v3")) == "linux/amd64/v3"


def test_what_names_no_platform_is_shown_as_unknown() -> None:
    """Each half by itself."""
    assert [str(Platform(*halves)) for halves in (("", ""), ("linux", ""), ("", "arm64"))] == [
        "unknown/unknown",
        "linux/unknown",
        "unknown/arm64",
    ]


def test_where_the_index_itself_counts_no_entry_needs_evidence() -> None:
    """And with any other choice one for an unknown platform does."""
    _, (image, _), _ = two(False, False)
    assert not PlatformChoice().includes(image)
    assert all(choice.includes(image) for choice in (EACH, ANY, named("linux/amd64")))


def test_a_member_of_a_platform_has_up_to_128_characters() -> None:
    """A publisher chooses its length."""
    for name in ("os", "architecture", "variant", "os.version"):
        assert Platform.read({name: "x" * 128})
        with pytest.raises(ValueError, match="no short text"):
            Platform.read({name: "x" * 129})


@given(
    st.builds(
        Platform.of,
        st.sampled_from(["linux", "windows", "darwin", "macos"]),
        st.sampled_from(
            ["amd64", "x86_64", "arm64", "aarch64", "arm", "armhf", "armel", "386", "i386", "s390x"]
        ),
        st.sampled_from(["", "v1", "v3", "v6", "v7", "v8", "8", "7"]),
        st.sampled_from(["", "10.0.17763"]),
    )
)
def test_the_text_of_a_platform_parses_to_it(platform: Platform) -> None:
    """And it includes itself."""
    assert Platform.parse(str(platform)) == platform
    assert platform.includes(platform)


async def test_the_index_is_listed_once_for_all_attestations_in_it() -> None:
    """Its signatures are verified for each, from one listing."""
    store = MemoryStore()
    found = images(store, *[False] * 4)
    made = [add_attestation_manifest(store, in_toto(image.digest, SLSA_V1, {})) for image in found]
    entries = [entry(image, f"linux/x{number}") for number, image in enumerate(found)]
    index = add_index(
        store,
        *entries,
        *(attestation_entry(each, image.digest) for each, image in zip(made, found, strict=True)),
    )
    store.attach(index, SIGNATURE)
    policy = threshold(Rule("attestation", (Rule("signature"),), 1))
    result = await validate(store, *_chain_verifiers(), policy=policy, platforms=EACH)
    assert result.succeeded
    assert store.calls.count(("referrers", str(index.digest))) == 1


async def test_a_listing_of_the_index_that_is_too_long_does_not_look_whole() -> None:
    """With larger limits a walk would not see that it was cut, and what is beyond may be what would deny."""

    class Endless(MemoryStore):
        async def referrers(
            self, reference: Reference, artifact_type: str | None = None
        ) -> AsyncIterator[Referrer]:
            for _ in range(20_000):
                yield entry_of_listing

    entry_of_listing = Referrer(MemoryStore().add_image(), Discovery.REFERRERS_API)
    listed = ListedOnce(Endless(), REFERENCE)
    for _ in range(2):
        found: list[Referrer] = []
        with pytest.raises(StoreError) as caught:
            await _append(found, listed)
        assert caught.value.reason is Reason.REFERRERS_LIMIT
        assert "attached to the index" in caught.value.remedy
        assert len(found) == 10_001


async def _append(found: list[Referrer], listed: ListedOnce) -> None:
    async for referrer in listed.referrers():
        found.append(referrer)


async def test_a_listing_of_the_index_that_fails_fails_for_all() -> None:
    """Each attestation is undecided, and so is the whole."""
    store = MemoryStore()
    image = store.add_image("image")
    manifest = add_attestation_manifest(store, in_toto(image.digest, SLSA_V1, {}))
    index = add_index(store, entry(image), attestation_entry(manifest, image.digest))
    store.faults[str(index.digest)] = StoreError(Reason.REGISTRY_ERROR, "it is down")
    policy = threshold(Rule("attestation", (Rule("signature"),), 1))
    store.types[index.digest] = OCI_INDEX

    class ListingFails(MemoryStore):
        async def resolve(self, reference: Reference) -> Descriptor:
            return index

        async def fetch_manifest(self, reference: Reference, descriptor: Descriptor, limit: int) -> bytes:
            return self.manifests[descriptor.digest]

    failing = ListingFails(**vars(store))
    result = await validate(failing, *_chain_verifiers(), policy=policy, platforms=EACH)
    assert result.error is not None
    assert result.error.reason is Reason.REGISTRY_ERROR


@given(st.lists(st.tuples(st.sampled_from(["linux/amd64", "linux/arm64", None]), st.booleans()), max_size=6))
async def test_each_is_allowed_exactly_where_every_manifest_is(listed: list[tuple[str | None, bool]]) -> None:
    """In any order, and never where there is none."""
    store = MemoryStore()
    found = images(store, *(signed for _, signed in listed))
    add_index(
        store, *(entry(image, platform) for image, (platform, _) in zip(found, listed, strict=True)), tag="v1"
    )
    signed = [each for _, each in listed]
    assert (await validate(store, platforms=EACH)).succeeded is (bool(signed) and all(signed))
    amd64 = [each for platform, each in listed if platform != "linux/arm64"]
    there = any(platform == "linux/amd64" for platform, _ in listed)
    assert (await validate(store, platforms=named("linux/amd64"))).succeeded is (there and all(amd64))


@given(st.lists(st.lists(st.booleans(), max_size=3) | st.booleans(), max_size=4))
async def test_how_manifests_are_nested_in_indexes_does_not_matter(listed: list[list[bool] | bool]) -> None:
    """What stands before or behind an index within the index is judged too."""
    store = MemoryStore()
    signed = [each for one in listed for each in ([one] if isinstance(one, bool) else one)]
    found = iter(images(store, *signed))
    entries = []
    for one in listed:
        if isinstance(one, bool):
            entries.append(entry(next(found)))
        else:
            within = add_index(store, *(entry(next(found)) for _ in one), tag=None)
            entries.append(entry(add_index(store, entry(within, None), tag=None), None))
    add_index(store, *entries)
    assert (await validate(store, platforms=EACH)).succeeded is (bool(signed) and all(signed))


@pytest.mark.parametrize("value", ["index", "each", "any"])
def test_a_mode_is_one_word(value: str) -> None:
    """And 32 platforms are a list."""
    assert PlatformChoice.parse(value).mode == value
    many = tuple(f"linux/x{number}" for number in range(32))
    assert PlatformChoice.parse(many) == PlatformChoice.parse(",".join(many))
    assert len(PlatformChoice.parse(many).named) == 32


@pytest.mark.parametrize("choice", [EACH, ANY])
async def test_the_report_of_a_platform_says_what_was_decided_of_it(choice: PlatformChoice) -> None:
    """A denial with its reason, an outage as such, and of what is allowed neither; each below the index."""
    store, found, index = two(True, False)
    third = store.add_image("third", b"third")
    add_index(
        store, *(entry(each, name) for each, name in zip((*found, third), ("a/a", "b/b", "c/c"), strict=True))
    )
    index = await store.resolve(REFERENCE)
    store.faults[str(third.digest)] = StoreError(Reason.REGISTRY_ERROR, "it is down")
    result = await validate(store, platforms=choice)
    reports = {report.platform: report for report in result.artifacts if report.platform}
    said = {name: (each.outcome, each.failure and each.failure.reason) for name, each in reports.items()}
    assert said == {
        "a/a": (None, None),
        "b/b": (Outcome.FAILED, Reason.NO_EVIDENCE),
        "c/c": (Outcome.INCONCLUSIVE, Reason.REGISTRY_ERROR),
    }
    assert {each.subject for each in reports.values()} == {REFERENCE.at(index.digest)}
    assert {each.discovery for each in reports.values()} == {Discovery.INDEX}


async def test_without_a_policy_the_platforms_of_any_decide_nothing() -> None:
    """Whatever evidence the index and its manifests lack."""
    result = await validate(two(False, False)[0], policy=NoPolicy(), platforms=ANY)
    assert (result.decision, result.failure) == (Decision.NONE, None)


async def test_the_limits_of_each_platform_are_shown() -> None:
    """A walk that was cut is said, whichever platform it is of."""
    store, found, _ = two(True, True)
    for image in found:
        store.attach(image, "application/other")
    result = await validate(store, policy=NoPolicy(), platforms=EACH, limits=Limits(referrers=1))
    assert [
        str(image.digest) in limit.message for image, limit in zip(found, result.limits, strict=True)
    ] == [
        True,
        True,
    ]


class _Listing(MemoryStore):
    """A store whose listing never ends by itself, and that knows whether it was closed."""

    closed = False

    async def referrers(
        self, reference: Reference, artifact_type: str | None = None
    ) -> AsyncIterator[Referrer]:
        """Iterate for ever."""
        try:
            while True:
                yield Referrer(Descriptor("application/x", Digest.of(b"x"), 1), Discovery.REFERRERS_API)
        finally:
            self.closed = True


async def test_listings_are_closed_where_they_are_left() -> None:
    """They hold a connection."""
    store = _Listing()
    once = ListedOnce(store, REFERENCE)
    listed = ListedBy(Descriptor("application/x", Digest.of(b"x"), 1), (), once)
    async with aclosing(listed.with_attestations(store, REFERENCE)) as source:
        await anext(source)
        assert not store.closed
    assert store.closed
    cut = _Listing()
    await anext(ListedOnce(cut, REFERENCE).referrers())
    assert cut.closed


class TestTroubles:
    """What cannot be read, or is not what it says."""

    async def test_an_attestation_manifest_that_is_none_is_judged_as_an_image(self) -> None:
        """Its bytes are no manifest: nothing shows that it holds statements."""
        store = MemoryStore()
        (image,) = images(store, True)
        broken = store.add_manifest(b"{}")
        add_index(store, entry(image), attestation_entry(broken, image.digest))
        denied(await validate(store, platforms=EACH), Reason.POLICY_UNSATISFIED)

    async def test_an_attestation_manifest_that_cannot_be_read_leaves_it_undecided(self) -> None:
        """It may be an image in disguise."""
        store = MemoryStore()
        (image,) = images(store, True)
        manifest = add_attestation_manifest(store, in_toto(image.digest, SLSA_V1, {}))
        add_index(store, entry(image), attestation_entry(manifest, image.digest))
        store.faults[manifest.digest] = StoreError(Reason.REGISTRY_ERROR, "it is down")
        result = await validate(store, platforms=EACH)
        assert result.error is not None
        assert result.error.reason is Reason.REGISTRY_ERROR

    @pytest.mark.parametrize("digest", ["", "sha256:short", "none"])
    async def test_a_mark_without_a_digest_exempts_nothing(self, digest: str) -> None:
        """It names no subject."""
        store = MemoryStore()
        (image,) = images(store, True)
        manifest = add_attestation_manifest(store, in_toto(image.digest, SLSA_V1, {}))
        mark = attestation_entry(manifest, image.digest)
        mark["annotations"]["vnd.docker.reference.digest"] = digest
        add_index(store, entry(image), mark)
        denied(await validate(store, platforms=EACH), Reason.POLICY_UNSATISFIED)

    async def test_an_index_that_cannot_be_read_after_its_own_evidence_was_not_enough(self) -> None:
        """`any` then stays undecided, with what was found."""
        store, _, index = two(False, False)
        store.attach(index, SIGNATURE)
        store.faults[index.digest] = StoreError(Reason.REGISTRY_ERROR, "it is down")

        class Readable(MemoryStore):
            def called(self, method: str, what: str) -> None:
                if method == "fetch_manifest":
                    super().called(method, what)

        result = await validate(Readable(**vars(store)), FakeVerifier(artifact_type=KIND), platforms=ANY)
        assert result.error is not None
        assert [report.artifact.artifact_type for report in result.artifacts] == [SIGNATURE]

    async def test_a_broken_index_denies_any_with_what_its_own_evidence_was(self) -> None:
        """Decided: it is the publisher's fault."""
        store = MemoryStore()
        store.add_manifest(b'{"schemaVersion":2,"manifests":[{}]}', tag="v1", media_type=OCI_INDEX)
        denied(await validate(store, platforms=ANY), Reason.JSON_INVALID)

    async def test_a_broken_index_of_the_tag_speaks_for_nothing(self) -> None:
        """The manifest's own evidence still counts, and is missing here."""
        store = MemoryStore()
        (image,) = images(store, False)
        store.add_manifest(b'{"schemaVersion":2,"manifests":[{}]}', tag="v1", media_type=OCI_INDEX)
        denied(await validate(store, reference=replace(REFERENCE, digest=image.digest)), Reason.NO_EVIDENCE)

    async def test_the_digest_of_an_index_beside_a_tag_is_the_index(self) -> None:
        """Nothing else speaks for it."""
        store, _, index = two(True, True)
        denied(await validate(store, reference=replace(REFERENCE, digest=index.digest)), Reason.NO_EVIDENCE)

    async def test_a_tag_of_an_image_names_no_index(self) -> None:
        """What it names says nothing of another digest."""
        store = MemoryStore()
        first, other = images(store, True, False)
        store.tags["v1"] = first.digest
        denied(await validate(store, reference=replace(REFERENCE, digest=other.digest)), Reason.NO_EVIDENCE)
        assert ("fetch_manifest", str(first.digest)) not in store.calls

    async def test_an_index_without_evidence_beside_a_manifest_without_is_denied(self) -> None:
        """The report shows both."""
        store, (image, _), index = two(False, False)
        result = await validate(store, reference=replace(REFERENCE, digest=image.digest))
        denied(result, Reason.NO_EVIDENCE)
        assert [report.artifact.digest for report in result.artifacts] == [index.digest]

    async def test_a_store_that_cannot_resolve_is_an_error(self) -> None:
        """As without platforms; it is asked once."""
        for choice in (PlatformChoice(), EACH, ANY, named("linux/amd64")):
            store = MemoryStore()
            result = await validate(store, platforms=choice)
            assert result.error is not None
            assert result.error.reason is Reason.NOT_FOUND
            assert [what for what, _ in store.calls] == ["resolve"]


@pytest.mark.parametrize("text", ['{"annotations":1}', '{"platform":{"os":["linux"]}}'])
def test_the_makers_break_what_they_are_told_to(text: str) -> None:
    """A test of the test kit: members stand as they are given."""
    store = MemoryStore()
    (image,) = images(store, True)
    index = add_index(store, entry(image) | json.loads(text), tag=None)
    assert json.loads(store.manifests[index.digest])["manifests"][0].items() >= json.loads(text).items()
