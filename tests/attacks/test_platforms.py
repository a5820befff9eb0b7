"""Attacks on image indexes whose platforms are judged."""

from dataclasses import replace
from pathlib import Path

import pytest

from pyratify.config.build import open_engine
from pyratify.config.load import decode_config
from pyratify.core.descriptor import Descriptor
from pyratify.core.platform_choice import PlatformChoice
from pyratify.core.reason import Reason
from pyratify.core.report import Decision, ValidationResult
from pyratify.testing.attestations import SLSA_V1, in_toto
from pyratify.testing.cosign import CosignKey
from pyratify.testing.docker_chain import make_chain
from pyratify.testing.indexes import (
    add_attestation_manifest,
    add_index,
    attestation_entry,
    entry,
)
from pyratify.testing.memory import MemoryStore
from support.scenes import KIND, REFERENCE, validate

MODES = ("index", "each", "any")


def _denied(result: ValidationResult, reason: Reason) -> None:
    assert (result.decision, result.error) == (Decision.DENY, None)
    assert result.failure is not None
    assert result.failure.reason is reason


def _two(*platforms: str) -> tuple[MemoryStore, Descriptor, list[Descriptor]]:
    store = MemoryStore()
    images = [store.add_image(f"image{number}", str(number).encode()) for number in range(2)]
    entries = [entry(image, platform) for image, platform in zip(images, platforms, strict=True)]
    return store, add_index(store, *entries), images


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("signed", ["index", "children", "both", "none"])
async def test_atk_067_each_mode_takes_the_evidence_that_it_says(mode: str, signed: str) -> None:
    """The index, every child, or either."""
    store, index, images = _two("linux/amd64", "linux/arm64")
    for subject in (
        *((index,) if signed in ("index", "both") else ()),
        *(images if signed in ("children", "both") else ()),
    ):
        store.attach(subject, KIND)
    enough = {"index": ("index", "both"), "each": ("children", "both"), "any": ("index", "children", "both")}
    result = await validate(store, platforms=PlatformChoice.parse(mode))
    assert result.succeeded is (signed in enough[mode])


@pytest.mark.parametrize("choice", ["each", "any", ("linux/amd64", "linux/arm64")])
@pytest.mark.parametrize("which", [0, 1])
async def test_atk_068_one_signed_child_is_not_enough(choice: str | tuple[str, ...], which: int) -> None:
    """Not even for `any`; only a list without the other one asks for less."""
    store, _, images = _two("linux/amd64", "linux/arm64")
    store.attach(images[which], KIND)
    _denied(await validate(store, platforms=PlatformChoice.parse(choice)), Reason.POLICY_UNSATISFIED)


@pytest.mark.parametrize("choice", ["each", ("linux/arm64",)])
@pytest.mark.parametrize("spellings", [("linux/arm64", "linux/arm64/v8"), ("linux/aarch64", "linux/arm64")])
@pytest.mark.parametrize("which", [0, 1])
async def test_atk_069_two_entries_of_one_platform_must_both_verify(
    choice: str | tuple[str, ...], spellings: tuple[str, str], which: int
) -> None:
    """In either order, and however the platform is spelt."""
    store, _, images = _two(*spellings)
    store.attach(images[which], KIND)
    _denied(await validate(store, platforms=PlatformChoice.parse(choice)), Reason.POLICY_UNSATISFIED)


@pytest.mark.parametrize("choice", ["each", ("linux/amd64",)])
@pytest.mark.parametrize("hidden", ["image", "of another platform", "runnable platform", "no sibling"])
async def test_atk_070_a_mark_of_attestations_hides_nothing_that_runs(
    choice: str | tuple[str, ...], hidden: str
) -> None:
    """An image under the mark, a mark with a platform, a mark for nothing of the index: each is judged."""
    store = MemoryStore()
    image, other = (store.add_image(name, name.encode()) for name in ("image", "other"))
    store.attach(image, KIND)
    statements = add_attestation_manifest(store, in_toto(image.digest, SLSA_V1, {}))
    foreign = store.add_image("foreign", b"foreign")
    if hidden == "of another platform" and choice == "each":
        store.attach(foreign, KIND)
    marked = {
        "image": attestation_entry(other, image.digest),
        "of another platform": attestation_entry(other, foreign.digest),
        "runnable platform": attestation_entry(statements, image.digest, platform="linux/amd64"),
        "no sibling": attestation_entry(statements, other.digest),
    }
    add_index(store, entry(image), entry(foreign, "linux/s390x"), marked[hidden])
    _denied(await validate(store, platforms=PlatformChoice.parse(choice)), Reason.POLICY_UNSATISFIED)


async def test_atk_071_fifty_indexes_within_one_another_are_refused() -> None:
    """Three levels are read, and no more."""
    store = MemoryStore()
    inner = store.add_image("image")
    for _ in range(50):
        inner = add_index(store, entry(inner, None))
    store.calls.clear()
    _denied(
        await validate(store, platforms=PlatformChoice.parse("each"), reference=REFERENCE), Reason.GRAPH_LIMIT
    )
    assert len(store.calls) == 4


@pytest.mark.parametrize("signed", ["attestation", "index", "image", "other key", "none"])
async def test_atk_212_buildkits_statements_count_only_where_something_vouches_for_them(signed: str) -> None:
    """Any account that can push an index may list statements in it; a signature of the image says nothing of them."""
    key = CosignKey.generate()
    chain = make_chain()
    subjects = {"attestation": chain.attestations, "index": (chain.index,), "image": chain.images}
    if signed != "none":
        chain.sign(
            CosignKey.generate() if signed == "other key" else key, *subjects.get(signed, chain.attestations)
        )
    trust = [{"keys": {"inline": {"keys": key.pem.decode()}}}]
    plain = {"unsignedStatements": True, "predicateTypes": [SLSA_V1], "anyContent": True}
    rule = {"verifierName": "said", "requireSigned": True, "rules": [{"verifierName": "signed"}]}
    document = {
        "scopes": ["*"],
        "platforms": "each",
        "verifiers": [
            {"name": "said", "type": "attestation", "parameters": {"trustPolicies": trust, **plain}},
            {"name": "signed", "type": "cosign", "parameters": {"trustPolicies": trust}},
        ],
        "policyEnforcer": {"type": "threshold-policy", "parameters": {"policy": {"rules": [rule]}}},
    }
    async with open_engine(decode_config({"executors": [document]}, Path())) as engine:
        (executor,) = engine.executors.values()
        result = await replace(executor, store=chain.store).validate(REFERENCE)
    if signed in ("attestation", "index"):
        assert result.succeeded
    else:
        _denied(result, Reason.EVIDENCE_UNSIGNED)
