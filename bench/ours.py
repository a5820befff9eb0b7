"""Our engine in a process of its own: verifies references again and again, cold, and prints what that cost."""

import argparse
import asyncio
import json
import resource
import time
from collections.abc import Callable
from pathlib import Path

from bench.setup import executor, notation_verifier, registry_store
from pyratify.core.executor import Executor
from pyratify.core.reference import Reference
from pyratify.core.report import Decision


async def verify(executor: Executor, references: list[Reference]) -> None:
    """Verify one after another, as the peer does; every one must be allowed."""
    for reference in references:
        result = await executor.validate(reference)
        if result.decision is not Decision.ALLOW:
            raise RuntimeError(f"{reference}: {result.failure or result.error}")


async def measure(ca: Path, references: list[Reference], rounds: int) -> dict[str, float]:
    """Return CPU and wall seconds for one verification, after a warm-up round."""
    store = registry_store()
    ours = executor(store, notation_verifier(ca))
    try:
        await verify(ours, references)
        start, used = time.perf_counter(), _cpu()
        for _ in range(rounds):
            await verify(ours, references)
        count = rounds * len(references)
        return {"cpu": (_cpu() - used) / count, "wall": (time.perf_counter() - start) / count}
    finally:
        await store.aclose()


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Print the measurement as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ca", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--uvloop", action="store_true", help="run on uvloop, as long-lived programs may")
    parser.add_argument("references", nargs="+")
    arguments = parser.parse_args()
    references = [Reference.parse(text) for text in arguments.references]
    with asyncio.Runner(loop_factory=_uvloop() if arguments.uvloop else None) as runner:
        print(json.dumps(runner.run(measure(arguments.ca, references, arguments.rounds))))


def _uvloop() -> Callable[[], asyncio.AbstractEventLoop]:
    import uvloop

    return uvloop.new_event_loop


if __name__ == "__main__":
    main()
