"""Metrics for Prometheus: Ratify's names, with labels whose values clients cannot multiply.

The only place that knows prometheus_client (extra `metrics`). What plugins of clouds do is measured where they let it be watched.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field, replace
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from pyratify.core.caching import ContentCache
from pyratify.core.clock import Clock, SystemClock
from pyratify.core.dataclass import dataclass
from pyratify.core.engine import Engine
from pyratify.core.executor import Executor
from pyratify.core.scope import ScopeMap
from pyratify.core.telemetry import CANCELLED, Attribute, code_of, namespace
from pyratify.serving.http.activity import Watch
from pyratify.serving.telemetry.aggregate import Family

# Milliseconds; the last bounds lie just below Gatekeeper's usual timeouts, 5 s and 2 s.
_VERIFICATION = (0, 10, 30, 50, 100, 200, 400, 600, 800, 1000, 1500, 2000, 2500, 3000, 3500, 4000, 4900)
_MUTATION = (0, 10, 30, 50, 100, 200, 400, 600, 800, 1000, 1200, 1400, 1600, 1800)
_NAMESPACE = "workload_namespace"
_ELSEWHERE = {  # what plugins of clouds let be watched: the name of the span, the metric and its label
    "aad exchange": ("ratify_aad_exchange_duration", "resource_type"),
    "acr exchange": ("ratify_acr_exchange_duration", "repository"),
    "akv certificate": ("ratify_akv_certificate_duration", "certificate_name"),
}
# Every value is a time series for good; clients choose hosts, and tenants choose names.
_MAX_VALUES = 100
OTHER = "other"


class Bounded:
    """The values of a label: the first hundred, and `other` for all that come after them."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def __call__(self, value: str) -> str:
        """Return the value, or `other`."""
        if len(self._known) < _MAX_VALUES:
            self._known.add(value)
        return value if value in self._known else OTHER


class Metrics:
    """All metrics of one process; an `Observer` of what it does.

    Args:
        clock: The clock of durations and deadlines.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        # Not the library's global one: tests run several servers in one process.
        self._registry = CollectorRegistry()
        self._names, self._hosts, self._tenants = Bounded(), Bounded(), Bounded()
        self._requests = {
            "verification": self._histogram("ratify_verification_request", (), _VERIFICATION),
            "mutation": self._histogram("ratify_mutation_request", (), _MUTATION),
        }
        labels = ("verifier", "subject", "success", "error", _NAMESPACE)
        self._verifiers = self._histogram("ratify_verifier_duration", labels, _VERIFICATION)
        self._errors = self._counter("ratify_system_error_count", "error", _NAMESPACE)
        self._admissions = self._counter("ratify_admission_count", "kind", "allowed")
        self._registries = self._counter(
            "ratify_registry_request_count", "status_code", "registry_host", _NAMESPACE
        )
        self._blobs = self._counter("ratify_blob_cache_count", "hit", _NAMESPACE)
        self._elsewhere = {
            span: (self._histogram(name, (label, _NAMESPACE), _VERIFICATION), label, Bounded())
            for span, (name, label) in _ELSEWHERE.items()
        }
        self._verdicts = self._counter("ratify_verdicts", "decision", _NAMESPACE)
        self._answered = self._counter("ratify_requests", "status_code")
        self._under_way = Gauge("ratify_requests_under_way", "requests under way", registry=self._registry)
        self._ends: Mapping[str, Callable[[_Watched, str], None]] = {
            "verify": self._verified,
            "registry request": self._exchanged,
            "verdict": self._decided,
            "request": self._served,
            **{span: partial(self._measured_elsewhere, span) for span in _ELSEWHERE},
        }

    def request(self, kind: str, milliseconds: float) -> None:
        """Measure a request: `verification` or `mutation`."""
        self._requests[kind].observe(milliseconds)

    def admission(self, kind: str, allowed: bool, milliseconds: float) -> None:
        """Count and measure an answer to the API server: `verification` or `mutation`, and whether it allows."""
        self._admissions.labels(kind, str(allowed).lower()).inc()
        self.request(kind, milliseconds)

    def error(self, code: str) -> None:
        """Count an error of a key, by its reason code."""
        self._errors.labels(code, self._tenant()).inc()

    def decided(self, decision: str, tenant: str) -> None:
        """Count a verdict of an answer that was remembered whole, which no observer sees."""
        self._verdicts.labels(decision, self._tenants(tenant)).inc()

    def watch(self, gauges: Mapping[str, Callable[[], float]]) -> None:
        """Expose gauges under these names, read when they are scraped; NaN is left out."""
        for name, value in gauges.items():
            Gauge(name, _about(name), registry=self._registry).set_function(value)  # read at the scrape

    def tally(self, counters: Mapping[str, Callable[[], float]]) -> None:
        """Expose counters that other components keep, under these names; `_total` is added."""
        self._registry.register(_Tallies(dict(counters)))

    def know(self, version: str, watch: Watch) -> None:
        """Show which version this is, and what the server's listeners count."""
        info = Gauge("ratify_build_info", "version of the program", ("version",), registry=self._registry)
        info.labels(version).set(1)
        self._registry.register(_Labelled("ratify_clients_refused", "kind", watch.refused.counts))
        self.tally({"ratify_bodies_refused": lambda: watch.bodies.refused})
        self.watch({"ratify_bodies_bytes": lambda: watch.bodies.held})

    def expose(self) -> bytes:
        """Return everything in Prometheus's text format."""
        return bytes(generate_latest(self._registry))

    def families(self) -> tuple[Family, ...]:
        """Return everything as values, to be summed with those of other processes."""
        return tuple(
            Family(
                name=metric.name,
                type=metric.type,
                about=metric.documentation,
                samples=tuple(
                    (one.name, tuple(sorted(one.labels.items())), one.value) for one in metric.samples
                ),
            )
            for metric in self._registry.collect()
        )

    def measured(self, engine: Engine) -> Engine:
        """Return the engine with its cache measured; one executor of several scopes stays one."""
        # By identity: equal executors of two scopes are still two, with caches of their own.
        changed = {id(executor): self._measured(executor) for executor in engine.executors.values()}
        pairs = zip(engine.executors, engine.executors.values(), strict=True)
        return replace(
            engine, executors=ScopeMap((scope, changed[id(executor)]) for scope, executor in pairs)
        )

    def looked_up(self, *, hit: bool) -> None:
        """Count a look into the cache of content."""
        self._blobs.labels(str(hit).lower(), self._tenant()).inc()

    @contextmanager
    def span(
        self, name: str, *, parent: str = "", steps: bool = False, **facts: Attribute
    ) -> "Iterator[_Watched]":
        """Measure what is done meanwhile, if it is something that is measured."""
        del parent, steps
        watched, ends = _Watched(self._clock.monotonic(), facts), self._ends.get(name)
        # Counted at its beginning: requests that hang are the ones to see.
        if name == "request":
            self._under_way.inc()
        ended: BaseException | None = None
        try:
            yield watched
        # CancelledError is a BaseException, and a request that was given up has ended, too.
        except BaseException as error:
            ended = error
            raise
        finally:
            if ends is not None:
                ends(watched, code_of(ended, "INTERNAL"))

    def _verified(self, watched: "_Watched", error: str) -> None:
        """Measure one verification; the label `subject` is always empty, because clients could multiply its values.

        One that was cancelled is not measured: its answer was no longer needed, or the request's own error counts.
        """
        if error == CANCELLED:
            return
        name = self._names(str(watched.facts.get("verifier", "")))
        # An exception that is not ours came from the plugin, which the label should say.
        error = "VERIFIER_ERROR" if error == "INTERNAL" else error
        milliseconds = (self._clock.monotonic() - watched.began) * 1000
        self._verifiers.labels(name, "", str(not error).lower(), error, self._tenant()).observe(milliseconds)

    def _exchanged(self, watched: "_Watched", error: str) -> None:
        host = self._hosts(str(watched.facts.get("host", "")))
        self._registries.labels(str(watched.facts.get("status", error)), host, self._tenant()).inc()

    def _decided(self, watched: "_Watched", error: str) -> None:
        self._verdicts.labels(str(watched.facts.get("decision", error)), self._tenant()).inc()

    def _served(self, watched: "_Watched", error: str) -> None:
        self._under_way.dec()
        self._answered.labels(str(watched.facts.get("status", error))).inc()

    def _measured_elsewhere(self, span: str, watched: "_Watched", error: str) -> None:
        """Measure what a plugin did; the label `repository` is always empty, because clients could multiply its values."""
        del error
        histogram, label, names = self._elsewhere[span]
        name = "" if label == "repository" else names(str(watched.facts.get(label, "")))
        histogram.labels(name, self._tenant()).observe((self._clock.monotonic() - watched.began) * 1000)

    def _tenant(self) -> str:
        return self._tenants(namespace())

    def _measured(self, executor: Executor) -> Executor:
        cache = None if executor.cache is None else _Counted(executor.cache, self)
        return replace(executor, cache=cache)

    def _histogram(self, name: str, labels: tuple[str, ...], buckets: tuple[int, ...]) -> Histogram:
        return Histogram(name, _about(name), labels, buckets=buckets, registry=self._registry)

    def _counter(self, name: str, *labels: str) -> Counter:
        return Counter(name, _about(name), labels, registry=self._registry)


def exposed(families: Iterable[Family]) -> bytes:
    """Return families in Prometheus's text format."""
    registry = CollectorRegistry()
    registry.register(_Values(tuple(families)))
    return bytes(generate_latest(registry))


@dataclass(slots=True)
class _Watched:
    began: float
    facts: dict[str, Attribute] = field(default_factory=dict)
    trace: str = ""

    def set_attributes(self, **facts: Attribute) -> None:
        self.facts |= facts


@dataclass(frozen=True, eq=False)
class _Tallies(Collector):
    counters: Mapping[str, Callable[[], float]]

    def collect(self) -> Iterator[Metric]:
        for name, value in self.counters.items():
            yield CounterMetricFamily(name, _about(name), value=value())


@dataclass(frozen=True, eq=False)
class _Labelled(Collector):
    """A counter whose values by one label are kept elsewhere; the values of the label come from our code alone."""

    name: str
    label: str
    counts: Mapping[str, int]

    def collect(self) -> Iterator[Metric]:
        family = CounterMetricFamily(self.name, _about(self.name), labels=(self.label,))
        for value, count in sorted(self.counts.items()):
            family.add_metric((value,), count)
        yield family


@dataclass(frozen=True, eq=False)
class _Values(Collector):
    families: tuple[Family, ...]

    def collect(self) -> Iterator[Metric]:
        for family in self.families:
            metric = Metric(family.name, family.about, family.type)
            for name, labels, value in family.samples:
                metric.add_sample(name, dict(labels), math.nan if value is None else value)
            yield metric


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
