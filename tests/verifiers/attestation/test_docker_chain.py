"""Docker's chain: an index, its manifests, their attestation manifests, and what signs which of them."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pyratify.config.build import open_engine
from pyratify.config.load import decode_config
from pyratify.core.errors import ConfigurationError
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import Decision, ValidationResult, flatten
from pyratify.testing.attestations import (
    REPOSITORY,
    SLSA_V1,
    attach_attestation,
    bundle,
    envelope,
    in_toto,
    provenance_v1,
)
from pyratify.testing.cosign import CosignKey
from pyratify.testing.docker_chain import PLATFORMS, DockerChain, make_chain
from pyratify.testing.indexes import add_attestation_manifest, add_index, attestation_entry, entry
from pyratify.testing.memory import MemoryStore, make_manifest
from support.scenes import REFERENCE, codes

KEY, OTHER = CosignKey.generate(), CosignKey.generate()
FROM_SOURCE = {"provenance": {"sourceUris": [REPOSITORY]}}
SIGNED = {"verifierName": "provenance", "requireSigned": True, "rules": [{"verifierName": "signature"}]}


def configuration(
    platforms: Any = "each",
    rule: dict[str, Any] | None = SIGNED,
    unsigned: bool = True,
    rules: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return a configuration that reads plain statements, and counts them where a key signed their manifest or its index."""
    trust = [{"keys": {"inline": {"keys": KEY.pem.decode()}}}]
    provenance = {"trustPolicies": trust, "unsignedStatements": unsigned, **(rules or FROM_SOURCE)}
    executor: dict[str, Any] = {
        "scopes": ["*"],
        "platforms": platforms,
        "verifiers": [
            {"name": "provenance", "type": "attestation", "parameters": provenance},
            {"name": "signature", "type": "cosign", "parameters": {"trustPolicies": trust}},
        ],
    }
    if rule is not None:
        executor["policyEnforcer"] = {"type": "threshold-policy", "parameters": {"policy": {"rules": [rule]}}}
    return {"executors": [executor]}


async def verify(store: MemoryStore, reference: Reference = REFERENCE, **settings: Any) -> ValidationResult:
    """Return the result for the index."""
    async with open_engine(decode_config(configuration(**settings), Path())) as engine:
        (executor,) = engine.executors.values()
        return await replace(executor, store=store).validate(reference)


@pytest.mark.parametrize("hardened", [False, True], ids=["in the index", "as referrers"])
async def test_an_unsigned_index_with_signed_attestations_is_allowed(hardened: bool) -> None:
    """As Docker Hardened Images are: the attestation manifests are signed, and the index is not."""
    chain = make_chain(hardened=hardened)
    chain.sign(KEY)
    result = await verify(chain.store)
    assert result.succeeded, result.to_json()
    for platform, attestation in zip(result.artifacts, chain.attestations, strict=True):
        (found,) = platform.nested
        assert found.artifact.digest == attestation.digest
        assert found.nested[0].subject.digest == attestation.digest


async def test_a_signed_index_vouches_for_the_attestations_in_it() -> None:
    """Its digest covers them, and the report shows the signature of the index below each."""
    chain = make_chain()
    chain.sign(KEY, chain.index)
    result = await verify(chain.store)
    assert result.succeeded, result.to_json()
    nested = [report for report in flatten(result.artifacts) if report.subject.digest == chain.index.digest]
    assert len([report for report in nested if report.platform is None]) == len(PLATFORMS)


async def test_a_signed_index_vouches_for_no_referrer() -> None:
    """What is attached to a manifest can be attached later."""
    chain = make_chain(hardened=True)
    chain.sign(KEY, chain.index)
    assert not (await verify(chain.store)).succeeded


@pytest.mark.parametrize("hardened", [False, True])
async def test_a_signed_attestation_of_another_image_is_refused(hardened: bool) -> None:
    """The annotation that names the subject is signed by nothing; the statement names it."""
    elsewhere = make_chain(tag="other").images[0].digest.of(b"another image")
    chain = make_chain(hardened=hardened, about=elsewhere)
    chain.sign(KEY)
    result = await verify(chain.store)
    assert result.decision is Decision.DENY
    assert Reason.PAYLOAD_SUBJECT_MISMATCH in codes(result)


async def test_signed_attestations_cannot_change_places() -> None:
    """Each is about its own platform."""
    chain = make_chain()
    chain.sign(KEY)
    swapped = zip(chain.attestations, reversed(chain.images), strict=True)
    entries = [entry(image, platform) for image, platform in zip(chain.images, PLATFORMS, strict=True)]
    add_index(chain.store, *entries, *(attestation_entry(each, image.digest) for each, image in swapped))
    result = await verify(chain.store)
    assert not result.succeeded
    assert Reason.PAYLOAD_SUBJECT_MISMATCH in codes(result)


@pytest.mark.parametrize("unsigned", [False, True], ids=["by default", "where plain statements are read"])
async def test_an_unsigned_attestation_is_no_evidence(unsigned: bool) -> None:
    """Either the verifier refuses it, or the policy does."""
    result = await verify(make_chain().store, unsigned=unsigned)
    assert result.decision is Decision.DENY
    assert Reason.EVIDENCE_UNSIGNED in codes(result)


async def test_a_signature_by_another_key_vouches_for_nothing() -> None:
    """It is in the report, with why."""
    chain = make_chain()
    chain.sign(OTHER)
    chain.sign(OTHER, chain.index)
    result = await verify(chain.store)
    assert not result.succeeded
    assert {Reason.SIG_INVALID, Reason.EVIDENCE_UNSIGNED} <= codes(result)


async def test_a_signature_of_the_image_does_not_vouch_for_statements_about_it() -> None:
    """Any account that can push may have written them."""
    chain = make_chain()
    chain.sign(KEY, *chain.images)
    assert not (await verify(chain.store)).succeeded


@pytest.mark.parametrize("signed", ["envelope", "manifest", "none"])
async def test_a_rule_for_envelopes_may_stand_beside_that_for_the_chain(signed: str) -> None:
    """A statement that is signed by itself, or one whose manifest is."""
    chain = make_chain()
    if signed == "manifest":
        chain.sign(KEY)
    for image in chain.images if signed == "envelope" else ():
        attach_attestation(chain.store, image, bundle(KEY, in_toto(image.digest, SLSA_V1, provenance_v1())))
    alone = {"verifierName": "provenance", "requireSigned": True}
    result = await verify(chain.store, rule={"threshold": 1, "rules": [alone, SIGNED]})
    assert result.succeeded is (signed != "none"), result.to_json()


async def test_what_the_statement_says_is_judged_before_who_signed_it_matters() -> None:
    """A signed provenance of another source is refused with its own code."""
    chain = make_chain(predicate=provenance_v1(source="https://github.com/org/other"))
    chain.sign(KEY)
    assert Reason.PROVENANCE_MISMATCH in codes(await verify(chain.store))


async def test_the_policy_may_say_that_unsigned_statements_count() -> None:
    """By a rule with `requireSigned: false` and no other; the report calls them unsigned."""
    silent = await verify(make_chain().store, rule={"verifierName": "provenance"})
    assert not silent.succeeded
    assert Reason.EVIDENCE_UNSIGNED in codes(silent) | {silent.failure and silent.failure.reason}
    result = await verify(make_chain().store, rule={"verifierName": "provenance", "requireSigned": False})
    assert result.succeeded
    details = result.artifacts[0].nested[0].results[0].details
    assert details is not None
    assert (details.signers, details.data["unsigned"], details.data["format"]) == ((), True, "statement")
    assert "signer" not in details.data


async def test_without_a_policy_unsigned_statements_are_refused_when_the_configuration_is_read() -> None:
    """One unsigned statement would be enough."""
    with pytest.raises(ConfigurationError, match="vouches") as refused:
        await verify(make_chain().store, rule=None)
    assert refused.value.path == "executors[0].verifiers[0].parameters"
    assert not (await verify(make_chain().store, rule=None, unsigned=False)).succeeded


@pytest.mark.parametrize("first", [True, False])
async def test_an_unsigned_statement_does_not_borrow_the_signer_of_another(first: bool) -> None:
    """A forged statement beside a genuine envelope in one manifest: neither its facts nor its kind count."""
    store = MemoryStore()
    image = store.add_image("image")
    genuine = envelope(KEY, in_toto(image.digest, SLSA_V1, provenance_v1(ref="refs/heads/main")))
    forged = in_toto(image.digest, SLSA_V1, provenance_v1(ref="refs/tags/v9"))
    manifest = add_attestation_manifest(store, *((forged, genuine) if first else (genuine, forged)))
    add_index(store, entry(image), attestation_entry(manifest, image.digest))
    rule = {"verifierName": "provenance", "requireSigned": True}
    result = await verify(store, rule=rule)
    assert result.succeeded, result.to_json()
    details = result.artifacts[0].nested[0].results[0].details
    assert details is not None
    assert details.data["sourceRef"] == "refs/heads/main"
    assert "unsigned" not in details.data
    rule = {"verifierName": "provenance", "requireSigned": True, "where": {"sourceRef": "refs/tags/v9"}}
    assert not (await verify(store, rule=rule)).succeeded


async def test_kinds_count_together_within_one_attestation_manifest_only() -> None:
    """What vouches for one manifest says nothing of another."""
    kinds = {
        "requirements": [
            {"name": name, "predicateTypes": [f"https://example.com/{name}"], "anyContent": True}
            for name in "ab"
        ]
    }

    def made(store: MemoryStore, *manifests: str) -> DockerChain:
        image = store.add_image("image")
        listed = [
            add_attestation_manifest(
                store, *(in_toto(image.digest, f"https://example.com/{name}", {}) for name in names)
            )
            for names in manifests
        ]
        index = add_index(store, entry(image), *(attestation_entry(each, image.digest) for each in listed))
        return DockerChain(store, index, (image,), tuple(listed))

    together, apart = made(MemoryStore(), "ab"), made(MemoryStore(), "a", "b")
    for chain in (together, apart):
        chain.sign(KEY, chain.attestations[0])
    assert (await verify(together.store, rules=kinds)).succeeded
    assert not (await verify(apart.store, rules=kinds)).succeeded


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_named_platforms_alone_need_their_chain(platform: str) -> None:
    """Of the other one's attestation the manifest is read, which shows what it is, and no statement."""
    chain = make_chain()
    which = PLATFORMS.index(platform)
    chain.sign(KEY, chain.attestations[which])
    assert (await verify(chain.store, platforms=[platform])).succeeded
    other = chain.attestations[1 - which].digest
    assert chain.store.calls.count(("fetch_manifest", other)) == 1
    statements = [each["digest"] for each in json.loads(chain.store.manifests[other])["layers"]]
    assert statements
    assert not [each for each in statements if ("fetch_blob", each) in chain.store.calls]
    assert not (await verify(chain.store, platforms=[PLATFORMS[1 - which]])).succeeded


async def test_a_manifest_by_digest_finds_its_attestation_in_the_index_of_its_tag() -> None:
    """Where the reference names both, as a node does that pulls one platform."""
    chain = make_chain()
    chain.sign(KEY)
    reference = replace(REFERENCE, digest=chain.images[1].digest)
    assert (await verify(chain.store, reference)).succeeded
    assert not (await verify(chain.store, REFERENCE.at(chain.images[1].digest))).succeeded


async def test_an_index_stands_for_no_attestation_manifest() -> None:
    """What is listed as an attestation and is an index is judged as an image."""
    store = MemoryStore()
    image = store.add_image("image")
    inner = add_index(store, tag=None)
    add_index(store, entry(image), attestation_entry(inner, image.digest))
    assert not (await verify(store)).succeeded


async def test_a_listed_attestation_that_names_another_subject_is_refused() -> None:
    """Its own manifest attaches it elsewhere."""
    store = MemoryStore()
    image, other = store.add_image("image"), store.add_image("other", b"other")
    layer = store.add_blob(b"{}", "application/vnd.in-toto+json")
    manifest = store.add_manifest(make_manifest(layers=[layer], subject=other))
    add_index(store, entry(image), attestation_entry(manifest, image.digest))
    assert Reason.SUBJECT_MISMATCH in codes(await verify(store))


async def test_the_images_that_went_into_a_build_are_named_and_not_judged() -> None:
    """For policies to read, twenty at most; source code is none of them."""
    alpine = {"uri": "pkg:docker/alpine@3.20?platform=linux%2Famd64", "digest": {"sha256": "a" * 64}}
    source = {"uri": f"git+{REPOSITORY}@refs/tags/v1", "digest": {"gitCommit": "b" * 40}}
    said = provenance_v1()
    said["buildDefinition"]["resolvedDependencies"] = [source, *[alpine] * 30]
    chain = make_chain(predicate=said)
    chain.sign(KEY)
    result = await verify(chain.store)
    details = result.artifacts[0].nested[0].results[0].details
    assert details is not None
    assert details.data["baseImages"] == [alpine] * 20
