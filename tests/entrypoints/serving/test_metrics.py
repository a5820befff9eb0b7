"""Metrics under Ratify's names, with bounded labels."""

from pyratify.core.caching import MemoryCache
from pyratify.core.engine import Engine
from pyratify.core.errors import VerificationError
from pyratify.core.executor import Executor
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.scope import ScopeMap
from pyratify.entrypoints.serving.metrics import Metrics
from pyratify.testing.fakes import FakeClock, FakeVerifier
from scenes import KIND, image, raising, threshold

APP = Reference.parse("example.com/app:v1")
NAMES = (
    "ratify_verification_request",
    "ratify_mutation_request",
    "ratify_verifier_duration",
    "ratify_system_error_count",
    "ratify_registry_request_count",
    "ratify_blob_cache_count",
    "ratify_aad_exchange_duration",
    "ratify_acr_exchange_duration",
    "ratify_akv_certificate_duration",
)


def lines(metrics: Metrics) -> list[str]:
    """Return what is exposed."""
    return metrics.expose().decode().splitlines()


def test_all_nine_names_are_declared() -> None:
    """A counter's samples end in `_total`, as Prometheus has it."""
    declared = {
        line.split()[2].removesuffix("_total") for line in lines(Metrics()) if line.startswith("# TYPE")
    }
    assert set(NAMES) <= declared


async def test_verifiers_and_the_cache_are_measured() -> None:
    """What passes, what fails with its code, and looks into the cache; the executor of two scopes stays one."""
    store, _ = image(KIND)
    bad = FakeVerifier("bad", does=raising(VerificationError(Reason.SIG_INVALID, "\n{} evil")))
    odd = FakeVerifier("odd", does=raising(RuntimeError("evil")))
    executor = Executor(
        store=store,
        verifiers=(bad, odd, FakeVerifier()),
        policy=threshold("fake", "bad", "odd", needed=1),
        cache=MemoryCache(),
    )
    metrics = Metrics(FakeClock())
    engine = metrics.measured(Engine(ScopeMap([("example.com", executor), ("*", executor)]), "one"))
    assert len({id(one) for one in engine.executors.values()}) == 1
    for _ in range(2):
        await engine.validate(APP)
    found = lines(metrics)

    assert any('verifier="bad"' in line and 'error="SIG_INVALID"' in line for line in found)
    assert any('verifier="odd"' in line and 'error="VERIFIER_ERROR"' in line for line in found)
    assert any('verifier="fake"' in line and 'success="true"' in line for line in found)
    assert 'ratify_blob_cache_count_total{hit="true",workload_namespace=""} 1.0' in found
    assert 'ratify_blob_cache_count_total{hit="false",workload_namespace=""} 1.0' in found


async def test_atk_261_labels_hold_nothing_of_others_and_are_bounded() -> None:
    """No text of a request, registry or exception is a label, and many names become one."""
    metrics = Metrics(FakeClock())
    for number in range(500):
        metrics.verified(f"v{number}", 0.0, "")
    metrics.verified('evil"} 1\n', 0.0, "SIG_INVALID")
    counts = [line for line in lines(metrics) if line.startswith("ratify_verifier_duration_count")]
    assert len(counts) == 102
    assert sum('verifier="other"' in line for line in counts) == 2
    assert not any("evil" in line for line in lines(metrics))
