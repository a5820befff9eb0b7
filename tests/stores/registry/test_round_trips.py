"""How many requests a verification makes, and how many of them one after the other."""

from dataclasses import replace

import pytest

from pyratify.core.descriptor import Descriptor
from pyratify.core.executor import Executor
from pyratify.core.platform_choice import PlatformChoice
from pyratify.core.report import Decision
from pyratify.core.store import Store
from pyratify.core.verifier import Details, Evidence
from pyratify.policies.threshold import Rule, ThresholdPolicy
from pyratify.testing.attestations import SLSA_V1, in_toto
from pyratify.testing.fakes import FakeVerifier
from pyratify.testing.indexes import add_attestation_manifest, add_index, attestation_entry, entry
from pyratify.testing.registry import BearerAuth, Features, RegistrySimulator
from support.registries import USER, Credentials, open_store

SIGNATURE = "application/vnd.example.signature"
QUIET = 0.15  # what is asked for within this time belongs to one round
ONE = ThresholdPolicy(Rule(None, (Rule("fake"),), 1))


async def _fetch(evidence: Evidence) -> Details:
    await evidence.blob(evidence.manifest.layers[0])
    return Details("the envelope was read")


def _executor(store: Store) -> Executor:
    return Executor(store=store, verifiers=(FakeVerifier(does=_fetch),), policy=ONE)


def _signed(registry: RegistrySimulator) -> Descriptor:
    memory = registry.repository("app")
    image = memory.add_image("v1")
    memory.attach(image, SIGNATURE, ("application/octet-stream", b"envelope"))
    return image


@pytest.mark.parametrize("cosign_tags", [False, True])
@pytest.mark.parametrize("by_digest", [True, False])
async def test_a_digest_takes_three_round_trips_and_a_tag_four(by_digest: bool, cosign_tags: bool) -> None:
    """Subject beside the listing beside cosign's tags, then the signature's manifest, then its envelope."""
    with RegistrySimulator(rounds=QUIET) as registry:
        image = _signed(registry)
        reference = registry.reference("app", str(image.digest) if by_digest else "v1")
        async with open_store(cosign_tags=cosign_tags) as store:
            result = await _executor(store).validate(reference)
        assert result.decision is Decision.ALLOW
        assert registry.depth == (3 if by_digest else 4)
        assert len(registry.hits) == (7 if cosign_tags else 4)


async def test_a_cosign_tag_takes_no_more_round_trips_than_a_referrer() -> None:
    """The manifest under a cosign tag comes with the tag, so one of three round trips is spared.

    An empty list of referrers is no answer: the referrers tag is asked for beside the envelope.
    """
    with RegistrySimulator(rounds=QUIET) as registry:
        memory = registry.repository("app")
        image = memory.add_image("v1")
        signature = memory.attach(image, SIGNATURE, ("application/octet-stream", b"envelope"))
        memory.listings.clear()
        memory.tags[f"sha256-{image.digest.hex}.sig"] = signature.digest
        async with open_store(cosign_tags=True) as store:
            result = await _executor(store).validate(registry.reference("app", str(image.digest)))
        assert result.decision is Decision.ALLOW
        assert registry.depth == 2
        assert len(registry.hits) == 7


async def test_without_an_api_the_fallback_is_remembered() -> None:
    """The first listing costs one more round trip, the next none: tag schema and cosign tags are asked for together."""
    with RegistrySimulator(features=Features(referrers_api=False), rounds=QUIET) as registry:
        image = _signed(registry)
        reference = registry.reference("app", str(image.digest))
        async with open_store(cosign_tags=True) as store:
            assert (await _executor(store).validate(reference)).decision is Decision.ALLOW
            assert registry.depth == 4
            registry.reset()
            assert (await _executor(store).validate(reference)).decision is Decision.ALLOW
        assert registry.depth == 3
        assert not any("/referrers/" in hit.path for hit in registry.hits)


async def test_a_token_is_asked_for_once_and_kept() -> None:
    """Requests that are refused at the same time share one token; the next validation needs no challenge at all."""
    with RegistrySimulator(auth=BearerAuth(), rounds=QUIET) as registry:
        image = _signed(registry)
        reference = registry.reference("app", str(image.digest))
        async with open_store(credentials=Credentials({registry.host: USER})) as store:
            assert (await _executor(store).validate(reference)).decision is Decision.ALLOW
            assert len([hit for hit in registry.hits if hit.path.startswith("/token")]) == 1
            assert registry.depth == 5
            registry.reset()
            assert (await _executor(store).validate(reference)).decision is Decision.ALLOW
        assert registry.depth == 3
        assert all(hit.status == 200 for hit in registry.hits)


async def test_a_second_repository_needs_no_challenge() -> None:
    """What a registry asks for is remembered: a token for another repository is fetched at once."""
    with RegistrySimulator(auth=BearerAuth(), rounds=QUIET) as registry:
        _signed(registry)
        registry.repository("team/other").add_image("v1")
        async with open_store(credentials=Credentials({registry.host: USER})) as store:
            await store.resolve(registry.reference("app", "v1"))
            registry.reset()
            await store.resolve(registry.reference("team/other", "v1"))
        assert [hit.status for hit in registry.hits] == [200, 200]
        assert "scope=repository%3Ateam%2Fother%3Apull" in registry.hits[0].path


@pytest.mark.parametrize("count", [1, 4])
async def test_platforms_take_one_round_trip_more_whatever_their_number(count: int) -> None:
    """Its attestation manifests, as the index is read when it is resolved; the listings and all below run beside one another."""
    with RegistrySimulator(rounds=QUIET) as registry:
        memory = registry.repository("app")
        entries = []
        for number in range(count):
            image = memory.add_image(f"image{number}", str(number).encode())
            memory.attach(image, SIGNATURE, ("application/octet-stream", b"envelope"))
            statements = add_attestation_manifest(memory, in_toto(image.digest, SLSA_V1, {}))
            entries += [entry(image, f"linux/x{number}"), attestation_entry(statements, image.digest)]
        add_index(memory, *entries, tag="v1")
        async with open_store() as store:
            executor = replace(_executor(store), platforms=PlatformChoice.parse("each"))
            result = await executor.validate(registry.reference("app", "v1"))
        assert result.decision is Decision.ALLOW
        assert registry.depth == 4 + 1
