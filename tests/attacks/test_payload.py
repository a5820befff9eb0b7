"""Attacks on the payload of Notation's signatures: what a signature is for."""

from collections.abc import Callable
from typing import Any

import pytest

from pyratify.core.reason import Reason
from pyratify.core.report import Decision
from pyratify.testing.certificates import Issued, authority
from pyratify.testing.fakes import FakeClock
from pyratify.testing.memory import MemoryStore
from pyratify.testing.notation import (
    Recipe,
    attach_signature,
    make_verifier,
    sign_jws,
)
from pyratify.verifiers.notation.envelope import (
    JWS_TYPE,
)
from pyratify.verifiers.notation.notation_verifier import NotationVerifier
from pyratify.verifiers.notation.policy_document import read_trust_policy
from pyratify.verifiers.notation.trust_policy import StoreName
from support.notation_bench import FORMATS, LEAF, REFERENCE, ROOT, found, reason
from support.notation_layouts import validate


@pytest.mark.parametrize("media_type", FORMATS)
async def test_atk_124_a_signature_of_another_image_does_not_count(media_type: str) -> None:
    """The manifest is attached to this image, and the signed payload names another one."""
    other = MemoryStore().add_image(content=b"other")
    recipe = Recipe(payload=lambda p: p["targetArtifact"].update(digest=other.digest, size=other.size))
    assert await reason(recipe, media_type) is Reason.PAYLOAD_SUBJECT_MISMATCH


@pytest.mark.parametrize("media_type", FORMATS)
@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(lambda p: p["targetArtifact"].update(size=1), id="size"),
        pytest.param(lambda p: p["targetArtifact"].update(size=True), id="size-true"),
        pytest.param(
            lambda p: p["targetArtifact"].update(size=float(p["targetArtifact"]["size"])), id="size-float"
        ),
        pytest.param(lambda p: p["targetArtifact"].update(mediaType="text/plain"), id="media-type"),
        pytest.param(lambda p: p["targetArtifact"].pop("digest") and None, id="no-digest"),
        pytest.param(lambda p: p["targetArtifact"].pop("size") and None, id="no-size"),
        pytest.param(lambda p: p["targetArtifact"].pop("mediaType") and None, id="no-media-type"),
        pytest.param(lambda _: {}, id="no-target"),
        pytest.param(lambda p: p.update(targetArtifact=None), id="target-null"),
        pytest.param(lambda p: p.update(targetArtifact=[p["targetArtifact"]]), id="target-list"),
        pytest.param(lambda p: p.update(other=1), id="unknown-member"),
    ],
)
async def test_atk_125_the_payload_names_digest_size_and_media_type(
    edit: Callable[[Any], Any], media_type: str
) -> None:
    """All three are the subject's, and the payload says nothing else."""
    assert await reason(Recipe(payload=edit), media_type) is Reason.PAYLOAD_SUBJECT_MISMATCH


def _for_repositories(**policies: Issued) -> NotationVerifier:
    statements = [
        {
            "name": name,
            "registryScopes": [f"example.com/{name}"],
            "signatureVerification": {"level": "strict"},
            "trustStores": [f"ca:{name}"],
            "trustedIdentities": ["*"],
        }
        for name in policies
    ]
    stores = {StoreName("ca", name): (anchor.material,) for name, anchor in policies.items()}
    document = read_trust_policy({"version": "1.0", "trustPolicies": statements})
    return NotationVerifier("notation", document, stores, FakeClock())


async def test_atk_126_a_signature_counts_by_digest_and_the_scope_decides_who_may_sign() -> None:
    """The same image and signature in two repositories: each repository's own trust policy is asked."""
    store = MemoryStore()
    image = store.add_image()
    attach_signature(store, image, sign_jws(LEAF, image))
    verifier = _for_repositories(prod=ROOT, dev=authority("dev"))
    assert (await validate(store, "example.com/prod:v1", verifier)).decision is Decision.ALLOW
    assert found(await validate(store, "example.com/dev:v1", verifier)).reason is Reason.CHAIN_UNTRUSTED


@pytest.mark.parametrize("signed", [{}, {"env": "dev"}, {"ENV": "prod"}, None])
async def test_atk_126_required_metadata_must_stand_in_the_signed_payload(
    signed: dict[str, str] | None,
) -> None:
    """Annotations of the manifest, which no signature covers, do not stand in for it."""
    store = MemoryStore()
    image = store.add_image()
    recipe = Recipe(payload=lambda p: p["targetArtifact"].update(annotations=signed))
    layer = (JWS_TYPE, sign_jws(LEAF, image, recipe))
    store.attach(image, "application/vnd.cncf.notary.signature", layer, annotations={"env": "prod"})
    result = await validate(store, REFERENCE, make_verifier(ROOT, required_metadata={"env": "prod"}))
    assert found(result).reason is Reason.METADATA_MISMATCH
