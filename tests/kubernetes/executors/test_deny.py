"""The executor that denies in place of a resource that must not decide."""

import pytest

from pyratify.caches.verdicts import Verdicts
from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import StoreError
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import Decision
from pyratify.kubernetes.client.kinds import EXECUTOR
from pyratify.kubernetes.client.resource import Resource
from pyratify.kubernetes.executors.deny import denying_executor
from pyratify.testing.apiserver import ApiServer
from pyratify.testing.fakes import FakeClock
from support.clusters import put, spec

DIGEST = Digest(f"sha256:{'0' * 64}")
REFERENCE = Reference.parse("a.example/app").at(DIGEST)


async def test_everything_about_it_refuses(server: ApiServer) -> None:
    """Validating, resolving, listing and reading, always with the same reason, and nothing is asked of a registry."""
    resource = Resource.of(EXECUTOR, put(server, "e", spec("a.example")))
    assert resource is not None
    executor = denying_executor(resource)
    result = await executor.validate(REFERENCE)
    assert result.decision is Decision.DENY
    assert result.failure is not None
    assert result.failure.reason is Reason.SCOPE_NO_MATCH
    descriptor = Descriptor("application/x", DIGEST, 1)
    for ask in (
        executor.store.resolve(REFERENCE),
        executor.store.fetch_manifest(REFERENCE, descriptor, 9),
        executor.store.fetch_blob(REFERENCE, descriptor, 9),
    ):
        with pytest.raises(StoreError) as caught:
            await ask
        assert caught.value.reason is Reason.SCOPE_NO_MATCH
        assert "Executor e" in caught.value.message
    with pytest.raises(StoreError):
        executor.store.referrers(REFERENCE)


async def test_a_tag_is_not_resolved_either(server: ApiServer) -> None:
    """Through the cache of verdicts, which resolves tags itself; neither a verdict nor a digest comes out."""
    from pyratify.core.engine import Engine
    from pyratify.core.scope import ScopeMap

    resource = Resource.of(EXECUTOR, put(server, "e", spec("a.example")))
    assert resource is not None
    engine = Engine(ScopeMap([("a.example", denying_executor(resource))]), generation="g")
    verdicts = Verdicts(FakeClock())
    for text in ("a.example/app:v1", str(REFERENCE)):
        for _ in range(2):
            result = await verdicts.validate(engine, Reference.parse(text))
            assert not result.succeeded
    with pytest.raises(StoreError):
        await verdicts.resolve(engine, Reference.parse("a.example/app:v1"))
    assert len(verdicts) == 0
