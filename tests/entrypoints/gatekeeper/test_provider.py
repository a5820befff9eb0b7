"""The provider's answers, to the letter of the contract."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pyratify.caches.verdicts import Verdicts
from pyratify.core.digest import Digest
from pyratify.core.errors import ConfigurationError
from pyratify.core.telemetry import namespace
from pyratify.core.verifier import Details, Evidence
from pyratify.entrypoints.gatekeeper.provider import Provider, Settings
from pyratify.serving.deadline_group import evaluation_seconds
from pyratify.testing.fakes import FakeVerifier
from pyratify.testing.memory import MemoryStore
from pyratify.testing.registry import Fault, RegistrySimulator
from support.providers import MUTATE, VERIFY, BellClock, items, posted, provider, request, signed
from support.registries import open_store

APP = "example.com/app:v1"


async def test_a_verified_image_is_answered_with_its_reports() -> None:
    """The value has Ratify v2's members, `detail` is a JSON string, and nothing says idempotent."""
    store = signed()
    status, document = await posted(provider(store), VERIFY, request(APP))
    (item,) = document["response"].pop("items")
    assert (status, document) == (
        200,
        {"apiVersion": "externaldata.gatekeeper.sh/v1beta1", "kind": "ProviderResponse", "response": {}},
    )
    assert (item["key"], item["value"]["succeeded"]) == (APP, True)
    (report,) = item["value"]["artifactReports"]
    assert report["subject"] == f"example.com/app@{store.tags['v1']}"
    (result,) = report["results"]
    assert result["verifierName"] == "fake"
    assert json.loads(result["detail"]) == {}
    assert item["value"]["digest"] == store.tags["v1"]


async def test_an_image_without_evidence_is_no_error_but_a_denial() -> None:
    """`succeeded` is false, `artifactReports` null, and the failure says why."""
    store = MemoryStore()
    store.add_image()
    (item,) = await items(provider(store), APP)
    assert item["value"]["succeeded"] is False
    assert item["value"]["artifactReports"] is None
    assert item["value"]["failure"]["code"] == "NO_EVIDENCE"
    assert "error" not in item


async def test_v1_is_answered_in_its_own_shape() -> None:
    """With v1alpha1, a version, a trace id, a timestamp, and the verifier's type from the configuration."""
    _, document = await posted(provider(signed()), "/ratify/gatekeeper/v1/verify", request(APP))
    assert document["apiVersion"] == "externaldata.gatekeeper.sh/v1alpha1"
    value = document["response"]["items"][0]["value"]
    assert (value["version"], value["isSuccess"]) == ("0.2.0", True)
    assert value["timestamp"].endswith("Z")
    (report,) = value["verifierReports"]
    assert (report["type"], report["isSuccess"], report["extensions"]) == ("notation", True, {})


async def test_mutation_gives_the_digest_and_keeps_the_spelling() -> None:
    """The tag goes, the repository stays as it was written, and the response is idempotent."""
    store = signed()
    digest = store.tags["v1"]
    keys = ("example.com/app:v1", f"example.com/app:v1@{digest}", "team/app:v1", "[::1]:5000/app:v1")
    status, document = await posted(provider(store), MUTATE, request(*keys))
    assert (status, document["response"]["idempotent"]) == (200, True)
    values = [item["value"] for item in document["response"]["items"]]
    names = ("example.com/app", "example.com/app", "team/app", "[::1]:5000/app")
    assert values == [f"{name}@{digest}" for name in names]


async def test_v1_mutates_as_v2_does() -> None:
    """Under v1alpha1, whichever version asks; what cannot be resolved keeps its reference."""
    store, path, gone = signed(), "/ratify/gatekeeper/v1/mutate", "example.com/app:gone"
    alpha = "externaldata.gatekeeper.sh/v1alpha1"
    for version in (alpha, "externaldata.gatekeeper.sh/v1beta1"):
        status, document = await posted(provider(store), path, request(APP, gone, apiVersion=version))
        assert (status, document["apiVersion"], document["response"]["idempotent"]) == (200, alpha, True)
        pinned, missing = document["response"]["items"]
        assert pinned == {"key": APP, "value": f"example.com/app@{store.tags['v1']}"}
        assert missing["value"] == gone
        assert missing["error"].startswith("NOT_FOUND")


async def test_late_keys_are_errors_and_the_rest_have_their_verdict() -> None:
    """When the bell rings, what is there is answered, and what is late is ended."""
    store, clock = signed(), BellClock()
    slow = store.add_image("slow", b"slow")
    store.attach(slow, "application/test", annotations={"slow": "yes"})
    ended = asyncio.Event()

    async def does(evidence: Evidence) -> Details:
        if "slow" in evidence.manifest.annotations:
            clock.bell.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()
        return Details("good")

    one = provider(store, FakeVerifier(does=does), clock=clock)
    await items(one, APP)
    late, good = await items(one, "example.com/app:slow", APP)
    assert late["error"].startswith("TIMEOUT: not answered within 4.66 seconds")
    assert "value" not in late
    assert good["value"]["succeeded"] is True
    await one.aclose()
    assert ended.is_set()
    assert clock.slept == [evaluation_seconds(4.9)] * 2


async def test_late_mutations_keep_their_reference() -> None:
    """With an error beside it, after 1.95 seconds; it is counted as no tenant's."""
    clock = BellClock()

    class Slow(MemoryStore):
        async def resolve(self, reference: Any) -> Any:
            clock.bell.set()
            await asyncio.Event().wait()

    one = provider(Slow(), clock=clock)
    tenants = list[tuple[str, str]]()
    one.count = lambda code: tenants.append((code, namespace()))
    (item,) = await items(one, APP, path=MUTATE)
    assert tenants == [("TIMEOUT", "")]
    assert (item["value"], item["error"].partition(":")[0]) == (APP, "TIMEOUT")
    assert clock.slept == [evaluation_seconds(1.95)]
    await one.aclose()


@pytest.mark.parametrize("path", [VERIFY, MUTATE, "/ratify/gatekeeper/v1/verify"])
async def test_a_defect_is_an_error_that_says_nothing_of_itself(path: str) -> None:
    """Of every key; the exception's text is for the log, and a mutation keeps the reference."""

    class Broken:
        def acquire(self, namespace: str) -> Any:
            raise RuntimeError("hunter2")

    one = Provider(Broken(), Verdicts(BellClock()), Settings(), BellClock())
    status, document = await posted(one, path, request(APP, "example.com/other:v1"))
    assert status == 200
    for item in document["response"]["items"]:
        assert item["error"].startswith("INTERNAL: ")
        assert item.get("value") == (item["key"] if path == MUTATE else None)
    assert "hunter2" not in json.dumps(document)


async def test_a_request_that_is_cancelled_leaves_nothing_behind() -> None:
    """Its evaluations end unless another request shares them."""
    began, ended = asyncio.Event(), asyncio.Event()

    async def does(evidence: Evidence) -> Details:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return Details("never")

    one = provider(signed(), FakeVerifier(does=does))
    asking = asyncio.create_task(one.verify((APP,)))
    await began.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await ended.wait()
    await one.aclose()


async def test_without_keys_there_are_no_items() -> None:
    """An empty request is an empty response, as in Gatekeeper's own cases."""
    _, document = await posted(provider(signed()), VERIFY, request())
    assert document["response"] == {}


@pytest.mark.parametrize("seconds", [0, -1, 601, float("nan")])
def test_a_deadline_is_above_zero(seconds: float) -> None:
    """And not longer than ten minutes."""
    with pytest.raises(ConfigurationError):
        Settings(verify_seconds=seconds)


async def test_ratify_v2_cases(shared: Path) -> None:
    """Every body of Ratify v2's own tests: the same keys, values and kinds of error."""
    cases = json.loads((shared / "gatekeeper" / "ratify_v2_provider_cases.json").read_text())["cases"]
    digest = "sha256:498138d40d54f0fc20cd271e215366d3d8803f814b8f565b47c101480bbaaa88"
    assert len(cases) >= 9
    for case in cases:
        setup = case.get("setup", "")
        store = _cached(digest) if "cache" in setup else MemoryStore()
        one = provider(
            None if setup == "no executor" else store,
            scope="*" if "cache" in setup else "elsewhere.example",
        )
        path = VERIFY if case["path"] == "verify" else MUTATE
        body = case["raw_body"].encode() if "raw_body" in case else json.dumps(case["request"]).encode()
        status, document = await posted(one, path, body)
        if case.get("error"):
            assert (status, "systemError" in document["response"]) == (400, True), case["name"]
        elif "response" in case:
            _same(document, case)
        else:
            error = document["response"]["items"][0]["error"]
            assert case["item_error_must_contain"] in error
            assert case["item_error_must_not_contain"] not in error


class _Answers(MemoryStore):
    digest = Digest.of(b"")

    async def resolve(self, reference: Any) -> Any:
        descriptor = self.add_image()
        self.attach(descriptor, "application/test")
        return type(descriptor)(descriptor.media_type, self.digest, descriptor.size)


def _cached(digest: str) -> MemoryStore:
    store = _Answers()
    store.digest = Digest(digest)
    return store


def _same(document: dict[str, Any], case: dict[str, Any]) -> None:
    wanted = case["response"]
    assert (document["apiVersion"], document["kind"]) == (wanted["apiVersion"], wanted["kind"])
    assert document["response"].get("idempotent") == wanted["response"].get("idempotent")
    for item, other in zip(document["response"]["items"], wanted["response"]["items"], strict=True):
        assert item["key"] == other["key"]
        if isinstance(other.get("value"), str):
            assert item["value"] == other["value"], case["name"]
        if case["name"] != "verify: cached success":
            assert ("error" in item) == ("error" in other), case["name"]


async def test_a_whole_request_that_comes_again_is_answered_from_memory() -> None:
    """With the same bytes and no look at the store, until one of its verdicts is over or the configuration is another."""
    store, clock = signed(), BellClock()
    other = store.add_image("other", b"other")
    store.attach(other, "application/test")
    keys = tuple(f"example.com/app@{store.tags[tag]}" for tag in ("v1", "other"))
    one = provider(store, clock=clock)
    counted: list[tuple[str, str]] = []
    one.decided = lambda decision, namespace: counted.append((decision, namespace))
    first, second = await one.verify(keys), await one.verify(keys)
    looked = len(store.calls)
    third = await one.verify(keys)
    assert first == second == third
    assert (len(store.calls), counted) == (looked, [("ALLOW", "")] * 4)
    clock.advance(5.0)
    await one.verify(keys)
    assert len(store.calls) > looked


async def test_another_configuration_answers_anew() -> None:
    """What was answered under the old one counts for nothing."""
    store = signed()
    keys = (f"example.com/app@{store.tags['v1']}",)
    one = provider(store)
    for _ in range(3):
        await one.verify(keys)
    looked = len(store.calls)
    held = one.source.acquire("")
    assert held is not None
    held.engine = replace(held.engine, generation="two")
    assert b'"succeeded":true' in await one.verify(keys)
    assert len(store.calls) > looked


async def test_the_line_of_a_denial_has_its_code(caplog: pytest.LogCaptureFixture) -> None:
    """So that a log can be searched and counted by why; the line of an image that is allowed has an empty one."""
    store = signed()
    store.add_image("bare", b"bare")
    caplog.set_level("INFO", "pyratify.gatekeeper")
    await items(provider(store), "example.com/app:v1", "example.com/app:bare")
    codes = {record.key: record.code for record in caplog.records}  # type: ignore[attr-defined]
    assert codes == {"example.com/app:v1": "", "example.com/app:bare": "NO_EVIDENCE"}


async def test_a_registry_that_asks_for_a_longer_wait_than_there_is_time_for_is_no_time_out() -> None:
    """The answer has the registry's status and until when, at once; ten seconds would be too long as well."""
    for asked, until in (("3600", "01:00:00Z"), ("10", "00:00:10Z")):
        clock = BellClock()
        with RegistrySimulator() as registry:
            registry.repository("app").add_image("v1")
            registry.fault(Fault(path="/manifests/", status=429, headers={"Retry-After": asked}))
            async with open_store(clock=clock) as store:
                (item,) = await items(provider(store, clock=clock), str(registry.reference("app", "v1")))
            assert len(registry.hits) == 1
        assert "REGISTRY_ERROR" in str(item)
        assert "HTTP 429" in item["error"]
        assert until in item["error"]
