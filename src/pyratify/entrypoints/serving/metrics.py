"""Metrics for Prometheus: Ratify's names, with labels that nobody from outside can multiply.

The only place that knows prometheus_client (extra `metrics`). What has no source in this process yet is declared and has no samples.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from pyratify.core.caching import ContentCache
from pyratify.core.clock import Clock, SystemClock
from pyratify.core.engine import Engine
from pyratify.core.errors import RatifyError
from pyratify.core.executor import Executor
from pyratify.core.manifest import Manifest
from pyratify.core.scope import ScopeMap
from pyratify.core.verifier import Details, Evidence, Verifier

_VERIFICATION = (0, 10, 30, 50, 100, 200, 400, 600, 800, 1000, 1500, 2000, 2500, 3000, 3500, 4000, 4900)
_MUTATION = (0, 10, 30, 50, 100, 200, 400, 600, 800, 1000, 1200, 1400, 1600, 1800)
_NAMESPACE = "workload_namespace"
_ELSEWHERE = {  # measured by plugins of clouds and by the transport, where these can
    "ratify_aad_exchange_duration": ("resource_type", _NAMESPACE),
    "ratify_acr_exchange_duration": ("repository", _NAMESPACE),
    "ratify_akv_certificate_duration": ("certificate_name", _NAMESPACE),
}
_MAX_VALUES = 100
OTHER = "other"


class Metrics:
    """All metrics of one process.

    Args:
        clock: Where durations are taken from.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._registry = CollectorRegistry()
        self._names: set[str] = set()
        self._requests = {
            "verification": self._histogram("ratify_verification_request", (), _VERIFICATION),
            "mutation": self._histogram("ratify_mutation_request", (), _MUTATION),
        }
        self._verifiers = self._histogram(
            "ratify_verifier_duration",
            ("verifier", "subject", "success", "error", _NAMESPACE),
            _VERIFICATION,
        )
        self._errors = self._counter("ratify_system_error_count", "error", _NAMESPACE)
        self._admissions = self._counter("ratify_admission_count", "kind", "allowed")
        self._counter("ratify_registry_request_count", "status_code", "registry_host", _NAMESPACE)
        self._blobs = self._counter("ratify_blob_cache_count", "hit", _NAMESPACE)
        for name, labels in _ELSEWHERE.items():
            self._histogram(name, labels, _VERIFICATION)

    def request(self, kind: str, milliseconds: float) -> None:
        """Measure a request: `verification` or `mutation`."""
        self._requests[kind].observe(milliseconds)

    def admission(self, kind: str, allowed: bool, milliseconds: float) -> None:
        """Count and measure an answer to the API server: `verification` or `mutation`, and whether it allows."""
        self._admissions.labels(kind, str(allowed).lower()).inc()
        self.request(kind, milliseconds)

    def error(self, code: str) -> None:
        """Count an error of a key, by its reason code."""
        self._errors.labels(code, "").inc()

    def watch(self, gauges: Mapping[str, Callable[[], float]]) -> None:
        """Show values of the moment under these names."""
        for name, value in gauges.items():
            Gauge(name, _about(name), registry=self._registry).set_function(value)

    def expose(self) -> bytes:
        """Return everything in Prometheus's text format."""
        return bytes(generate_latest(self._registry))

    def measured(self, engine: Engine) -> Engine:
        """Return the engine with its verifiers and its cache measured; one executor of several scopes stays one."""
        changed = {id(executor): self._measured(executor) for executor in engine.executors.values()}
        pairs = zip(engine.executors, engine.executors.values(), strict=True)
        return replace(
            engine, executors=ScopeMap((scope, changed[id(executor)]) for scope, executor in pairs)
        )

    def looked_up(self, *, hit: bool) -> None:
        """Count a look into the cache of content."""
        self._blobs.labels(str(hit).lower(), "").inc()

    def verified(self, verifier: str, began: float, error: str) -> None:
        """Measure one verification; the label `subject` is always empty, because anybody can make new subjects.

        Args:
            verifier: The verifier's name; of more than a hundred names the rest are `other`.
            began: The monotonic time of its beginning, in seconds.
            error: The reason code; empty when it passed.
        """
        if len(self._names) < _MAX_VALUES:
            self._names.add(verifier)
        name = verifier if verifier in self._names else OTHER
        milliseconds = (self._clock.monotonic() - began) * 1000
        self._verifiers.labels(name, "", str(not error).lower(), error, "").observe(milliseconds)

    def now(self) -> float:
        """Return the monotonic time in seconds."""
        return self._clock.monotonic()

    def _measured(self, executor: Executor) -> Executor:
        verifiers = tuple(_Timed(verifier, self) for verifier in executor.verifiers)
        cache = None if executor.cache is None else _Counted(executor.cache, self)
        return replace(executor, verifiers=verifiers, cache=cache)

    def _histogram(self, name: str, labels: tuple[str, ...], buckets: tuple[int, ...]) -> Histogram:
        return Histogram(name, _about(name), labels, buckets=buckets, registry=self._registry)

    def _counter(self, name: str, *labels: str) -> Counter:
        return Counter(name, _about(name), labels, registry=self._registry)


@dataclass(frozen=True, slots=True)
class _Timed:
    verifier: Verifier
    metrics: Metrics

    @property
    def name(self) -> str:
        return self.verifier.name

    def accepts(self, manifest: Manifest) -> bool:
        return self.verifier.accepts(manifest)

    async def verify(self, evidence: Evidence) -> Details:
        began, error = self.metrics.now(), "VERIFIER_ERROR"
        try:
            details = await self.verifier.verify(evidence)
            error = ""
            return details
        except RatifyError as fault:
            error = fault.reason.value
            raise
        finally:
            self.metrics.verified(self.name, began, error)


@dataclass(frozen=True, slots=True)
class _Counted:
    cache: ContentCache
    metrics: Metrics

    def get(self, key: str) -> bytes | None:
        found = self.cache.get(key)
        self.metrics.looked_up(hit=found is not None)
        return found

    def put(self, key: str, data: bytes) -> None:
        self.cache.put(key, data)


def _about(name: str) -> str:
    return name.removeprefix("ratify_").replace("_", " ")
