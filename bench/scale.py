"""Scale: many referrers of one image, and many references; time must be linear and memory bounded."""

import asyncio
import json
import resource
import subprocess
import sys
import time
from dataclasses import dataclass

from bench.measure import table
from bench.peers import MATERIAL
from bench.setup import cosign_verifier, executor, registry_store
from pyratify.core.limits import Limits
from pyratify.core.reference import Reference
from pyratify.core.report import Decision
from pyratify.testing.fakes import FakeVerifier
from pyratify.testing.memory import MemoryStore
from pyratify.testing.registry import RegistrySimulator

REFERRERS = (1_000, 10_000)
REFERENCES = (100, 1_000)


@dataclass(frozen=True)
class _Cost:
    seconds: float
    mebibytes: float


def report() -> str:
    """Measure each case in a process of its own and return the table."""
    rows = []
    for kind, sizes in (("referrers of one image", REFERRERS), ("references (HTTP, one key)", REFERENCES)):
        costs = [_in_a_process(kind, size) for size in sizes]
        for size, cost in zip(sizes, costs, strict=True):
            each = f"{cost.seconds / size * 1000:.2f} ms"
            rows.append((kind, f"{size:,}", f"{cost.seconds:.2f} s", each, f"{cost.mebibytes:.0f} MiB"))
        growth = (costs[1].seconds / sizes[1]) / (costs[0].seconds / sizes[0])
        rows.append((kind, "time per item, large / small", "", f"{growth:.2f} x", ""))
    return table("Scale", ("what", "how many", "time", "each", "peak memory"), rows)


def _in_a_process(kind: str, size: int) -> _Cost:
    command = (sys.executable, "-m", "bench.scale", kind.split(maxsplit=1)[0], str(size))
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return _Cost(**json.loads(done.stdout))


async def _referrers(size: int) -> None:
    """Look at that many referrers of which the last one alone is accepted."""
    store = MemoryStore()
    image = store.add_image()
    for number in range(size - 1):
        store.attach(image, "application/other", ("text/plain", str(number).encode()))
    store.attach(image, "application/wanted", ("text/plain", b"wanted"))
    limits = Limits(referrers=size, artifacts=size)
    reference = Reference.parse("example.com/app:v1")
    start = time.perf_counter()
    result = await executor(store, FakeVerifier("fake", "application/wanted"), limits).validate(reference)
    _finish(start, result.decision is Decision.ALLOW and len(result.artifacts) == size)


async def _references(size: int) -> None:
    """Verify one signed image that often, eight at a time, over HTTP."""
    with RegistrySimulator() as registry:
        registry.load_layout(MATERIAL / "layout")
        store = registry_store()
        ours = executor(store, cosign_verifier())
        slots = asyncio.Semaphore(8)

        async def one() -> bool:
            async with slots:
                return (await ours.validate(registry.reference("app", "cosign-v3"))).succeeded

        try:
            start = time.perf_counter()
            verdicts = await asyncio.gather(*(one() for _ in range(size)))
            _finish(start, all(verdicts))
        finally:
            await store.aclose()


def _finish(start: float, as_expected: bool) -> None:
    if not as_expected:
        raise RuntimeError("the verdict is not what it must be")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": time.perf_counter() - start, "mebibytes": peak}))


if __name__ == "__main__":
    asyncio.run({"referrers": _referrers, "references": _references}[sys.argv[1]](int(sys.argv[2])))
