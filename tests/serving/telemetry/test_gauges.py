"""What is measured of verdicts: evaluations, who waits for them, and the caches."""

import asyncio
from collections.abc import Mapping
from typing import Any

from pyratify.caches.verdicts import Verdicts
from pyratify.core.engine import Engine
from pyratify.core.executor import Executor
from pyratify.core.reference import Reference
from pyratify.core.scope import ScopeMap
from pyratify.core.verifier import Details, Evidence
from pyratify.serving.telemetry.gauges import measure
from pyratify.serving.telemetry.metrics import Metrics
from pyratify.testing.fakes import FakeClock, FakeVerifier
from support.scenes import KIND, image, threshold

APP = Reference.parse("example.com/app:v1")


class Nothing:
    """Measures nothing."""

    def gauges(self) -> Mapping[str, Any]:
        """None."""
        return {}


async def test_evaluations_and_caches_are_shown() -> None:
    """One evaluation for which two more callers wait; then it is remembered, and so is a tag for mutation."""
    began, gate, metrics, verdicts = asyncio.Event(), asyncio.Event(), Metrics(), Verdicts(FakeClock())
    nothing: Any = Nothing()
    measure(metrics, nothing, verdicts, None, nothing)

    def shown(*names: str) -> list[float]:
        samples = (line.rpartition(" ") for line in metrics.expose().decode().splitlines())
        values = {name: float(value) for name, _, value in samples if not name.startswith("#")}
        return [values[f"ratify_{name}"] for name in names]

    async def does(evidence: Evidence) -> Details:
        began.set()
        await gate.wait()
        return Details("good")

    store, _ = image(KIND)
    executor = Executor(store=store, verifiers=(FakeVerifier(does=does),), policy=threshold("fake"))
    engine = Engine(ScopeMap([("*", executor)]), "one")
    callers = [asyncio.create_task(verdicts.validate(engine, APP)) for _ in range(3)]
    await began.wait()
    evaluations = ("evaluations_under_way", "evaluations_waiting", "verdicts_remembered")
    assert shown(*evaluations) == [1, 2, 0]
    gate.set()
    await asyncio.gather(*callers)
    assert shown(*evaluations) == [0, 0, 1]
    await verdicts.validate(engine, APP)
    assert shown("verdict_cache_hits_total", "verdict_cache_misses_total") == [1, 1]
    for _ in range(3):
        await verdicts.resolve(engine, APP)
    assert shown("tag_cache_hits_total", "tag_cache_misses_total") == [2, 1]


async def test_requests_are_counted_and_those_under_way_are_shown() -> None:
    """By the status of the answer."""
    metrics = Metrics()
    with metrics.span("request") as span:
        assert b"ratify_requests_under_way 1.0" in metrics.expose()
        span.set_attributes(status=503)
    found = metrics.expose()
    assert b"ratify_requests_under_way 0.0" in found
    assert b'ratify_requests_total{status_code="503"} 1.0' in found
