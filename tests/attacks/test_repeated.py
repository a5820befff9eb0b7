"""Section N of the catalogue: what one validation may leave behind for the next."""

import asyncio

from pyratify.core.caching import MemoryCache
from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import StoreError
from pyratify.core.executor import Executor
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import Decision
from pyratify.testing.fakes import FakeVerifier
from pyratify.testing.memory import MemoryStore
from support.scenes import KIND, ONE, REFERENCE


def executor(store: MemoryStore) -> Executor:
    """Return an executor with a cache that lives on between validations."""
    return Executor(
        store=store, verifiers=(FakeVerifier(artifact_type=KIND),), policy=ONE, cache=MemoryCache()
    )


async def test_atk_247_an_allow_for_a_tag_does_not_outlive_the_tag() -> None:
    """A tag that was allowed and then moved to an unsigned image is denied at once; no verdict is kept by name."""
    store = MemoryStore()
    store.attach(store.add_image(), KIND)
    engine = executor(store)
    assert (await engine.validate(REFERENCE)).succeeded
    unsigned = store.add_image("v1", b"other")
    result = await engine.validate(REFERENCE)
    assert result.decision is Decision.DENY
    assert result.subject == unsigned


async def test_atk_248_neither_errors_nor_denials_are_kept() -> None:
    """A registry that was down and an image that was not signed yet: the next request evaluates anew."""
    store = MemoryStore()
    subject = store.add_image()
    engine = executor(store)
    for fault in ("resolve", "referrers", "fetch_manifest"):
        artifact = store.attach(subject, "application/other", annotations={"n": fault})
        store.faults[fault] = StoreError(Reason.REGISTRY_UNREACHABLE, "x")
        assert (await engine.validate(REFERENCE)).error is not None
        del store.faults[fault]
        result = await engine.validate(REFERENCE)
        assert (result.decision, result.error) == (Decision.DENY, None)
        assert artifact.digest in {report.artifact.digest for report in result.artifacts}
    store.attach(subject, KIND)
    assert (await engine.validate(REFERENCE)).succeeded


async def test_atk_252_the_second_answer_says_as_much_as_the_first() -> None:
    """From the cache as from the registry, one after the other and at the same time: the same whole report."""

    class Slow(MemoryStore):
        async def fetch_manifest(self, reference: Reference, descriptor: Descriptor, limit: int) -> bytes:
            """Let others ask for the same."""
            await asyncio.sleep(0)
            return await super().fetch_manifest(reference, descriptor, limit)

    store = Slow()
    subject = store.add_image()
    for kind in ("application/other", KIND):
        store.attach(subject, kind, ("text/plain", b"payload"))
    engine = executor(store)
    first = await asyncio.gather(*(engine.validate(REFERENCE) for _ in range(5)))
    store.manifests = {
        Digest.of(data): data for data in store.manifests.values() if Digest.of(data) == subject.digest
    }
    later = await engine.validate(REFERENCE)
    assert all(result == later for result in first)
    assert later.succeeded
    assert later.artifacts[1].results[0].details is not None
