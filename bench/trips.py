"""Round trips: how many requests one verification makes, and how many of them wait for one another."""

import asyncio

from bench.measure import table
from bench.peers import MATERIAL
from bench.setup import cosign_verifier, executor, registry_store
from pyratify.core.reference import Reference
from pyratify.core.report import Decision
from pyratify.testing.registry import Features, RegistrySimulator

CASES = (
    ("cosign-v3, digest", "cosign-v3", True, Features(), 3),
    ("cosign-v3, tag", "cosign-v3", False, Features(), 4),
    ("cosign-v3, tag, no referrers API", "cosign-v3", False, Features(referrers_api=False), 5),
    ("cosign-v2 (classic), digest", "cosign-v2", True, Features(), 3),
    ("cosign-v2 (classic), tag", "cosign-v2", False, Features(), 4),
)


def report() -> str:
    """Count and return the table."""
    rows = []
    for name, tag, by_digest, features, aim in CASES:
        depth, requests = asyncio.run(_count(tag, by_digest, features))
        rows.append((name, str(depth), str(aim), str(requests)))
    return table("Round trips of one cold verification", ("case", "in sequence", "aim", "requests"), rows)


async def _count(tag: str, by_digest: bool, features: Features) -> tuple[int, int]:
    with RegistrySimulator(features=features, delay=0.05) as registry:
        content = registry.load_layout(MATERIAL / "layout")
        reference = registry.reference("app", content.tags[tag] if by_digest else tag)
        return await _verify(registry, reference)


async def _verify(registry: RegistrySimulator, reference: Reference) -> tuple[int, int]:
    store = registry_store(cosign_tags=True)
    try:
        result = await executor(store, cosign_verifier()).validate(reference)
    finally:
        await store.aclose()
    if result.decision is not Decision.ALLOW:
        raise RuntimeError(f"{reference}: {result.failure or result.error}")
    return registry.depth, len(registry.hits)
