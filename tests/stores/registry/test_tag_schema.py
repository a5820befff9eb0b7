"""The index of the tag schema: held against the digest that the registry announces beside it."""

import pytest

from pyratify.core.digest import Digest
from pyratify.core.reason import Reason
from pyratify.core.report import Decision
from pyratify.core.store import Discovery
from pyratify.stores.registry.referrers import referrers_tag
from pyratify.testing.registry import Fault, RegistrySimulator
from support.registries import executor, listed_until_error, open_store, sign


@pytest.mark.parametrize(
    ("announced", "reason"),
    [
        (str(Digest.of(b"another index")), Reason.DIGEST_MISMATCH),
        (str(Digest.of(b"another index", "sha512")), Reason.DIGEST_MISMATCH),
        ("sha256:1", Reason.DIGEST_INVALID),
        (None, None),
    ],
)
async def test_the_tag_schema_s_index_is_what_its_headers_say(
    registry: RegistrySimulator, announced: str | None, reason: Reason | None
) -> None:
    """An index that was exchanged on the way, or is stale in a cache, lists nothing; without the header there is nothing to hold."""
    registry.features.referrers_api = False
    memory = registry.repository("app")
    image = memory.add_image("v1")
    signature = sign(memory, image)
    registry.fault(Fault(path=referrers_tag(image.digest), headers={"Docker-Content-Digest": announced}))
    async with open_store() as store:
        found, error = await listed_until_error(store, registry.reference("app", str(image.digest)))
        result = await executor(store).validate(registry.reference("app", "v1"))
    if reason is None:
        assert [(each.descriptor.digest, each.discovery) for each in found] == [
            (signature.digest, Discovery.REFERRERS_TAG)
        ]
        assert (error, result.decision) == (None, Decision.ALLOW)
        return
    assert found == []
    assert error is not None
    assert error.reason is reason
    assert result.decision is Decision.DENY


async def test_the_digest_of_the_index_is_compared_with_its_bytes(registry: RegistrySimulator) -> None:
    """The true digest beside other bytes."""
    registry.features.referrers_api = False
    memory = registry.repository("app")
    image = memory.add_image("v1")
    sign(memory, image)
    path = referrers_tag(image.digest)
    body = b'{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}'
    registry.fault(Fault(path=path, body=body))
    async with open_store() as store:
        found, error = await listed_until_error(store, registry.reference("app", str(image.digest)))
    assert found == []
    assert error is not None
    assert error.reason is Reason.DIGEST_MISMATCH
