"""Metrics whose values are read when they are scraped."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from pyratify.caches.verdicts import Verdicts
from pyratify.serving.configuration_source import FollowedSource
from pyratify.serving.tls.certificate_source import Certificates

if TYPE_CHECKING:
    from pyratify.caches.replicated import SharedCache
    from pyratify.serving.telemetry.metrics import Metrics

_Values = Mapping[str, Callable[[], float]]


def measure(
    metrics: "Metrics",
    source: FollowedSource,
    verdicts: Verdicts,
    shared: "SharedCache | None",
    certificates: Certificates,
) -> None:
    """Register gauges and counters of these components."""
    metrics.watch({**source.gauges(), **certificates.gauges(), **_verdicts(verdicts)})
    metrics.tally(_caches(verdicts))
    if shared is not None:
        metrics.tally(_shared(shared))
        metrics.watch({"ratify_shared_cache_left_alone": lambda: float(shared.breaker.is_open)})


def _verdicts(verdicts: Verdicts) -> _Values:
    return {
        "ratify_verdicts_remembered": lambda: len(verdicts),
        "ratify_evaluations_under_way": lambda: verdicts.under_way,
        "ratify_evaluations_waiting": lambda: verdicts.waiting,
        "ratify_evaluations_queued": lambda: verdicts.admission.waiting,
    }


def _caches(verdicts: Verdicts) -> _Values:
    return {
        "ratify_evaluations_refused": lambda: verdicts.admission.refused,
        "ratify_verdict_cache_hits": lambda: verdicts.hits,
        "ratify_verdict_cache_misses": lambda: verdicts.misses,
        "ratify_tag_cache_hits": lambda: verdicts.tag_hits,
        "ratify_tag_cache_misses": lambda: verdicts.tag_misses,
    }


def _shared(shared: "SharedCache") -> _Values:
    counts = shared.counts
    return {
        "ratify_shared_cache_hits": lambda: counts.hits,
        "ratify_shared_cache_misses": lambda: counts.misses,
        "ratify_shared_cache_refused": lambda: counts.refused,
        "ratify_shared_cache_errors": lambda: counts.errors,
        "ratify_shared_cache_skipped": lambda: counts.skipped,
    }
