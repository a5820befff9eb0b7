"""Metrics under Ratify's names, with bounded labels."""

import asyncio
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pyratify.caches.verdicts import Verdicts
from pyratify.core.caching import MemoryCache
from pyratify.core.engine import Engine
from pyratify.core.errors import StoreError, VerificationError
from pyratify.core.executor import Executor
from pyratify.core.instrumented import instrument_engine
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.scope import ScopeMap
from pyratify.core.telemetry import for_namespace
from pyratify.core.verifier import Details, Evidence
from pyratify.credentials.providers import AnonymousCredentials
from pyratify.http.transport_asyncio import asyncio_transport
from pyratify.http.transport_instrumented import InstrumentedTransport
from pyratify.serving.telemetry.aggregate import Family, counted, summed
from pyratify.serving.telemetry.metrics import Metrics, exposed
from pyratify.stores.registry.registry_options import RegistryOptions
from pyratify.stores.registry.registry_store import RegistryStore
from pyratify.testing.fakes import FakeClock, FakeVerifier
from pyratify.testing.registry import RegistrySimulator
from support.scenes import KIND, ONE, image, raising, threshold

MATERIAL = Path(__file__).resolve().parents[3] / "examples" / "material"
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
    engine = Engine(ScopeMap([("example.com", executor), ("*", executor)]), "one")
    engine = metrics.measured(instrument_engine(engine, metrics))
    assert len({id(one) for one in engine.executors.values()}) == 1
    for _ in range(2):
        await engine.validate(APP)
    found = lines(metrics)

    assert any('verifier="bad"' in line and 'error="SIG_INVALID"' in line for line in found)
    assert any('verifier="odd"' in line and 'error="VERIFIER_ERROR"' in line for line in found)
    assert any('verifier="fake"' in line and 'success="true"' in line for line in found)
    assert 'ratify_blob_cache_count_total{hit="true",workload_namespace=""} 1.0' in found
    assert 'ratify_blob_cache_count_total{hit="false",workload_namespace=""} 1.0' in found


async def test_a_verification_that_was_no_longer_needed_is_no_error() -> None:
    """Once the policy has its evidence, what is still being verified ahead is cancelled and not measured."""
    store, subject = image()
    for number in range(3):
        store.attach(subject, KIND, annotations={"number": str(number)})
    begun = asyncio.Event()

    async def does(evidence: Evidence) -> Details:
        if evidence.manifest.annotations["number"] != "0":
            begun.set()
            await asyncio.Event().wait()
        await begun.wait()
        return Details("good", signers=("a",))

    metrics = Metrics(FakeClock())
    executor = Executor(store=store, verifiers=(FakeVerifier(does=does),), policy=ONE)
    engine = instrument_engine(Engine(ScopeMap([("*", executor)]), "one"), metrics)
    assert (await engine.validate(APP)).succeeded
    counted = [line for line in lines(metrics) if line.startswith("ratify_verifier_duration_count")]
    assert len(counted) == 1
    assert 'success="true"' in counted[0]


async def test_atk_261_labels_hold_nothing_of_others_and_are_bounded() -> None:
    """No text of a request, registry or exception is a label, and many names become one."""
    metrics = Metrics(FakeClock())
    for number in range(500):
        with for_namespace(f"team-{number}"), metrics.span("verify", verifier=f"v{number}"):
            pass
        with metrics.span("registry request", host=f"host-{number}"):
            pass
    with pytest.raises(VerificationError), metrics.span("verify", verifier='evil"} 1\n'):
        raise VerificationError(Reason.SIG_INVALID, "evil")
    counts = [line for line in lines(metrics) if line.startswith("ratify_verifier_duration_count")]
    assert len(counts) == 102
    assert sum('verifier="other"' in line and 'workload_namespace="other"' in line for line in counts) == 1
    hosts = [line for line in lines(metrics) if line.startswith("ratify_registry_request_count_total")]
    assert len(hosts) == 101
    assert not any("evil" in line for line in lines(metrics))


async def test_every_verdict_is_counted_under_its_tenant() -> None:
    """What is allowed, what is denied and what could not be decided; an error has the tenant too."""
    store, _ = image(KIND)
    metrics = Metrics(FakeClock())
    verdicts = Verdicts(FakeClock(), observer=metrics)
    executor = Executor(store=store, verifiers=(FakeVerifier(),), policy=threshold("fake"))
    engine = Engine(ScopeMap([("*", executor)]), "one")
    await verdicts.validate(engine, APP, "team-a")
    await verdicts.validate(engine, Reference.parse("example.com/app:missing"), "team-a")
    denying = replace(
        executor, verifiers=(FakeVerifier(does=raising(VerificationError(Reason.SIG_INVALID, "x"))),)
    )
    await verdicts.validate(Engine(ScopeMap([("*", denying)]), "two"), APP)
    with for_namespace("team-b"):
        metrics.error("NOT_FOUND")
    found = lines(metrics)
    for decision, tenant in (("ALLOW", "team-a"), ("UNDECIDED", "team-a"), ("DENY", "")):
        assert f'ratify_verdicts_total{{decision="{decision}",workload_namespace="{tenant}"}} 1.0' in found
    assert 'ratify_system_error_count_total{error="NOT_FOUND",workload_namespace="team-b"} 1.0' in found


async def test_requests_to_registries_are_counted_by_status_and_host() -> None:
    """A real registry over real HTTP: what it answered, and what did not come to an answer."""
    metrics = Metrics()
    with RegistrySimulator() as registry:
        registry.load_layout(MATERIAL / "layout", "app")
        transport = InstrumentedTransport(asyncio_transport(RegistryOptions()), metrics)
        store = RegistryStore(RegistryOptions(), AnonymousCredentials(), transport)
        await store.resolve(Reference.parse(f"{registry.host}/app:cosign-v3"))
        with pytest.raises(StoreError):
            await store.resolve(Reference.parse(f"{registry.host}/app:nobody"))
    with pytest.raises(StoreError):
        await store.resolve(Reference.parse(f"{registry.host}/app:gone"))
    await store.aclose()
    found = lines(metrics)
    for status in ("200", "404", "REGISTRY_UNREACHABLE"):
        start = f'ratify_registry_request_count_total{{registry_host="{registry.host}",status_code="{status}"'
        assert any(line.startswith(start) for line in found), status


@pytest.mark.parametrize(
    ("span", "metric", "label", "shown"),
    [
        ("aad exchange", "ratify_aad_exchange_duration", "resource_type", "vault"),
        ("acr exchange", "ratify_acr_exchange_duration", "repository", ""),
        ("akv certificate", "ratify_akv_certificate_duration", "certificate_name", "vault"),
    ],
)
def test_what_plugins_of_clouds_let_be_watched_is_measured(
    span: str, metric: str, label: str, shown: str
) -> None:
    """Whether it succeeds or fails, under the tenant; many names become one, and a repository is none of them."""
    clock = FakeClock()
    metrics, facts = Metrics(clock), dict[str, Any]({label: "vault"})
    with for_namespace("team-a"), metrics.span(span, **facts):
        clock.advance(0.25)
    with for_namespace("team-a"), pytest.raises(StoreError), metrics.span(span, **facts):
        raise StoreError(Reason.REGISTRY_UNREACHABLE, "x")
    for number in range(500):
        facts[label] = f"name-{number}"
        with metrics.span(span, **facts):
            pass
    found = lines(metrics)
    labels = f'{{{label}="{shown}",workload_namespace="team-a"}}'
    assert f"{metric}_count{labels} 2.0" in found
    assert f"{metric}_sum{labels} 250.0" in found
    assert sum(line.startswith(f"{metric}_count") for line in found) == (101 if shown else 2)


def test_several_processes_are_exposed_as_one() -> None:
    """What is counted is added, gauges are joined as they must be, and what is not a number does not count."""
    one, two = Metrics(FakeClock()), Metrics(FakeClock())
    for metrics, ends, faults in ((one, 100.0, 0.0), (two, math.nan, 1.0)):
        metrics.request("verification", 20)
        metrics.error("NOT_FOUND")
        metrics.watch(
            {
                "ratify_certificate_expiry_seconds": lambda ends=ends: ends,  # type: ignore[misc]
                "ratify_configuration_wrong": lambda faults=faults: faults,  # type: ignore[misc]
                "ratify_verdicts_remembered": lambda: 7,
            }
        )
        metrics.tally({"ratify_tag_cache_hits": lambda: 3})
    carried = [
        msgspec.json.decode(msgspec.json.encode(each.families()), type=tuple[Family, ...])
        for each in (one, two)
    ]
    found = exposed(summed(carried)).decode().splitlines()
    for line in (
        "ratify_verification_request_count 2.0",
        'ratify_verification_request_bucket{le="30.0"} 2.0',
        'ratify_verification_request_bucket{le="10.0"} 0.0',
        'ratify_system_error_count_total{error="NOT_FOUND",workload_namespace=""} 2.0',
        "ratify_certificate_expiry_seconds 100.0",
        "ratify_configuration_wrong 1.0",
        "ratify_verdicts_remembered 14.0",
        "ratify_tag_cache_hits_total 6.0",
    ):
        assert line in found, line


def test_what_a_process_counted_outlives_it() -> None:
    """Its counters and histograms stay in the sum; what it was at the moment does not."""
    gone, fresh = Metrics(FakeClock()), Metrics(FakeClock())
    gone.error("NOT_FOUND")
    gone.watch({"ratify_verdicts_remembered": lambda: 7})
    fresh.watch({"ratify_verdicts_remembered": lambda: 1})
    found = exposed(summed([counted(gone.families()), fresh.families()])).decode().splitlines()
    assert 'ratify_system_error_count_total{error="NOT_FOUND",workload_namespace=""} 1.0' in found
    assert "ratify_verdicts_remembered 1.0" in found
