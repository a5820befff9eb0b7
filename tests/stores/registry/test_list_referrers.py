"""Evidence of all places: what one of them does not answer hides nothing that is found in another."""

import asyncio
import json
import threading
from threading import Event

import pytest

from pyratify.core.descriptor import Descriptor
from pyratify.core.manifest import OCI_INDEX
from pyratify.core.reason import Reason
from pyratify.core.report import Decision
from pyratify.core.store import Discovery
from pyratify.http.transport import Response
from pyratify.stores.registry.referrers import referrers_tag
from pyratify.stores.registry.registry_options import ReferrersMode
from pyratify.stores.registry.responses import Listing, read_listing
from pyratify.testing.fakes import FakeClock
from pyratify.testing.memory import MemoryStore, make_manifest
from pyratify.testing.registry import Fault, Features, RegistrySimulator
from support.registries import (
    ENVELOPE,
    SIGNATURE,
    executor,
    listed,
    listed_until_error,
    open_store,
    reasons,
    sign,
)

NO_ANSWER = [401, 403, 429, 500, 502, 503, 504]
ANSWERS = [Fault(path="/referrers/", status=status) for status in (400, 404, 405, 406, 410, 501)]
HTML = {"Content-Type": "text/html"}
JSON = {"Content-Type": "application/json"}
NO_LIST = [
    Fault(path="/referrers/", body=b"<html>welcome</html>", headers=HTML),
    Fault(path="/referrers/", body=b"", headers={"Content-Type": None}),
    Fault(path="/referrers/", body=b""),
    Fault(path="/referrers/", body=b'{"errors":[]}', headers=JSON),
    Fault(path="/referrers/", body=b'{"schemaVersion":2,"manifests":[]}', headers=JSON),
]


def tag(
    memory: MemoryStore, image: Descriptor, envelope: bytes = ENVELOPE, suffix: str = "sig"
) -> Descriptor:
    """Keep a signature under one of cosign's tags."""
    layer = memory.add_blob(envelope)
    manifest = make_manifest(artifact_type=SIGNATURE, layers=[layer])
    return memory.add_manifest(manifest, tag=f"sha256-{image.digest.hex}.{suffix}")


def index(memory: MemoryStore, image: Descriptor, *entries: Descriptor) -> None:
    """Keep an index under the referrers tag."""
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [
            {
                "mediaType": each.media_type,
                "digest": str(each.digest),
                "size": each.size,
                "artifactType": SIGNATURE,
            }
            for each in entries
        ],
    }
    memory.add_manifest(json.dumps(document).encode(), tag=referrers_tag(image.digest), media_type=OCI_INDEX)


def signed_by_index(memory: MemoryStore, image: Descriptor) -> Descriptor:
    """Keep a signature that is listed by the referrers tag alone."""
    signature = sign(memory, image)
    memory.listings.clear()
    index(memory, image, signature)
    return signature


def asked(registry: RegistrySimulator, part: str) -> int:
    """Count the requests with this in their path."""
    return len([hit for hit in registry.hits if part in hit.path])


BROKEN = [
    *(Fault(path="/referrers/", status=status) for status in NO_ANSWER),
    Fault(path="/referrers/", close=True),
    Fault(path="/referrers/", body=b"{"),
    Fault(path="/referrers/", body=b"[]"),
    Fault(path="/referrers/", body=b'{"schemaVersion":2,"manifests":{}}'),
    Fault(path="/referrers/", body=b'{"schemaVersion":2,"manifests":[7]}'),
    Fault(path="/referrers/", status=307, headers={"Location": "http://169.254.1.1/"}),
]


@pytest.mark.parametrize("status", [403, 500])
async def test_atk_300_a_failing_cosign_tag_hides_no_referrer(
    registry: RegistrySimulator, status: int
) -> None:
    """The good signature in the listing allows; without it, the tag that could not be read is an error."""
    memory = registry.repository("app")
    image = memory.add_image("v1")
    registry.fault(Fault(path="/manifests/sha256-", status=status))
    async with open_store(cosign_tags=True) as store:
        unsigned = await executor(store).validate(registry.reference("app", "v1"))
        sign(memory, image)
        signed = await executor(store).validate(registry.reference("app", "v1"))
    assert signed.decision is Decision.ALLOW
    assert unsigned.decision is Decision.DENY
    assert unsigned.error is not None


@pytest.mark.parametrize("fault", BROKEN, ids=repr)
async def test_atk_300_a_failing_listing_hides_no_cosign_tag(
    registry: RegistrySimulator, fault: Fault
) -> None:
    """The good signature under its tag allows; without it, the failure is a gap, and its remedy blames no publisher."""
    memory = registry.repository("app")
    image = memory.add_image("v1")
    registry.fault(fault)
    async with open_store(cosign_tags=True) as store:
        unsigned = await executor(store).validate(registry.reference("app", "v1"))
        tag(memory, image)
        signed = await executor(store).validate(registry.reference("app", "v1"))
    assert signed.decision is Decision.ALLOW
    assert unsigned.decision is Decision.DENY
    assert unsigned.error is not None
    assert "publisher" not in unsigned.error.remedy
    assert "push" not in unsigned.error.remedy


@pytest.mark.parametrize("fault", BROKEN, ids=repr)
async def test_atk_300_a_failing_listing_hides_nothing_of_the_referrers_tag(
    registry: RegistrySimulator, fault: Fault
) -> None:
    """The index under the tag is asked for then, too."""
    memory = registry.repository("app")
    image = memory.add_image("v1")
    signed_by_index(memory, image)
    registry.fault(fault)
    async with open_store() as store:
        result = await executor(store).validate(registry.reference("app", "v1"))
    assert result.decision is Decision.ALLOW


@pytest.mark.parametrize("fault", [*ANSWERS, *NO_LIST], ids=repr)
async def test_what_is_no_list_means_that_there_is_no_api(registry: RegistrySimulator, fault: Fault) -> None:
    """By its status or its Content-Type: the tag schema counts, once and again."""
    memory = registry.repository("app")
    signed_by_index(memory, memory.add_image("v1"))
    registry.fault(fault)
    async with open_store() as store:
        for _ in range(2):
            assert (await executor(store).validate(registry.reference("app", "v1"))).succeeded


@pytest.mark.parametrize("fault", ANSWERS, ids=repr)
async def test_without_the_api_and_without_tags_nothing_is_attached(
    registry: RegistrySimulator, fault: Fault
) -> None:
    """That is a denial and no error, whether it is remembered or not."""
    registry.repository("app").add_image("v1")
    registry.fault(fault)
    async with open_store() as store:
        for _ in range(2):
            result = await executor(store).validate(registry.reference("app", "v1"))
            assert result.decision is Decision.DENY
            assert result.error is None


@pytest.mark.parametrize("fault", NO_LIST, ids=repr)
async def test_a_web_page_in_place_of_a_list_is_no_empty_list(
    registry: RegistrySimulator, fault: Fault
) -> None:
    """Where nothing is found elsewhere, it is said that the registry answered nonsense; the publisher is not blamed."""
    registry.repository("app").add_image("v1")
    registry.fault(fault)
    async with open_store() as store:
        for _ in range(2):
            result = await executor(store).validate(registry.reference("app", "v1"))
            assert result.error is not None
            assert result.error.reason is Reason.REGISTRY_ERROR
            assert "answers a request for referrers with" in result.error.message
            assert "push" not in result.error.remedy


@pytest.mark.parametrize("fault", [Fault(path="/referrers/", status=405), *NO_LIST], ids=repr)
async def test_without_the_fallback_what_is_no_list_is_an_error(
    registry: RegistrySimulator, fault: Fault
) -> None:
    """With `referrers: api` the message says what came instead, and the remedy which setting to change."""
    memory = registry.repository("app")
    image = memory.add_image("v1")
    signed_by_index(memory, image)
    registry.fault(fault)
    async with open_store(referrers=ReferrersMode.API) as store:
        result = await executor(store).validate(registry.reference("app", "v1"))
    assert result.error is not None
    assert result.error.reason is Reason.REGISTRY_ERROR
    assert "answers a request for them with" in result.error.message
    assert "auto" in result.error.remedy
    assert asked(registry, referrers_tag(image.digest)) == 0


async def test_one_malformed_entry_hides_neither_the_next_page_nor_a_tag(registry: RegistrySimulator) -> None:
    """Why an entry could not be read is said at the end."""
    memory = registry.repository("app")
    image = memory.add_image("v1")
    body = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [{"digest": "x"}]}).encode()
    link = f'</v2/app/referrers/{image.digest}?n=2>; rel="next"'
    registry.fault(Fault(path="/referrers/", times=1, body=body, headers={"Link": link}))
    signature = sign(memory, image)
    async with open_store(cosign_tags=True) as store:
        found, error = await listed_until_error(store, registry.reference("app", str(image.digest)))
    assert [entry.descriptor.digest for entry in found] == [signature.digest]
    assert error is not None
    assert error.reason is Reason.JSON_INVALID
    assert "a registry" in error.remedy


@pytest.mark.parametrize("path", [r"\.sig", "/referrers/"])
async def test_a_place_that_does_not_answer_hides_nothing_of_another(
    registry: RegistrySimulator, path: str
) -> None:
    """The signature of the other place allows while the first still hangs."""
    memory = registry.repository("app")
    image = memory.add_image("v1")
    if path == "/referrers/":
        tag(memory, image)
    else:
        sign(memory, image)
    registry.fault(Fault(path=path, wait=Event()))
    async with open_store(cosign_tags=True) as store:
        result = await executor(store, timeout=20.0).validate(registry.reference("app", "v1"))
    assert result.decision is Decision.ALLOW


async def test_a_listing_that_does_not_answer_hides_nothing_of_the_referrers_tag(
    registry: RegistrySimulator,
) -> None:
    """After a second without an answer the tag is asked for beside it."""
    memory = registry.repository("app")
    signed_by_index(memory, memory.add_image("v1"))
    registry.fault(Fault(path="/referrers/", wait=Event()))
    async with open_store() as store:
        result = await executor(store, timeout=20.0).validate(registry.reference("app", "v1"))
        others = asyncio.all_tasks() - {asyncio.current_task()}
    assert result.decision is Decision.ALLOW
    assert others == set()


async def test_an_unrelated_referrer_hides_no_cosign_tag(registry: RegistrySimulator) -> None:
    """What is under the tag is asked for whatever the API lists."""
    memory = registry.repository("app")
    image = memory.add_image("v1")
    memory.attach(image, "application/sbom", ("application/json", b"{}"))
    tag(memory, image)
    async with open_store(cosign_tags=True) as store:
        assert (await executor(store).validate(registry.reference("app", "v1"))).succeeded


async def test_what_is_found_in_two_places_is_one_report(registry: RegistrySimulator) -> None:
    """Merged by digest: under its tag and as a referrer."""
    memory = registry.repository("app")
    image = memory.add_image("v1")
    signature = sign(memory, image, b"not good")
    memory.tags[f"sha256-{image.digest.hex}.sig"] = signature.digest
    async with open_store(cosign_tags=True) as store:
        result = await executor(store).validate(registry.reference("app", "v1"))
    assert [report.discovery for report in result.artifacts] == [Discovery.COSIGN_TAG]


# An empty list is no answer


async def test_an_empty_list_is_no_answer(registry: RegistrySimulator) -> None:
    """Some registries answer so for want of the API; the referrers tag is asked for, unless `referrers: api` is set."""
    memory = registry.repository("app")
    image = memory.add_image("v1")
    signature = signed_by_index(memory, image)
    reference = registry.reference("app", str(image.digest))
    async with open_store() as store:
        assert [entry.descriptor.digest for entry in await listed(store, reference)] == [signature.digest]
    async with open_store(referrers=ReferrersMode.API) as store:
        assert await listed(store, reference) == []


async def test_a_registry_that_was_seen_to_list_referrers_is_spared_the_tag(
    registry: RegistrySimulator,
) -> None:
    """For minutes; then an empty list is doubted again."""
    memory, clock = registry.repository("app"), FakeClock()
    image, other = memory.add_image("v1"), memory.add_image("v2", b"other")
    sign(memory, image)
    empty = registry.reference("app", str(other.digest))
    async with open_store(clock=clock) as store:
        await listed(store, registry.reference("app", str(image.digest)))
        await listed(store, empty)
        assert asked(registry, referrers_tag(other.digest)) == 0
        clock.advance(301)
        await listed(store, empty)
        assert asked(registry, referrers_tag(other.digest)) == 1


async def test_a_mirror_with_an_empty_list_does_not_speak_for_the_registry(
    registry: RegistrySimulator, other: RegistrySimulator
) -> None:
    """As with every other thing that a mirror lacks."""
    image = registry.repository("app").add_image("v1")
    other.repository("app").add_image("v1")
    signature = sign(registry.repository("app"), image)
    async with open_store(mirrors=(other.host,)) as store:
        found = await listed(store, registry.reference("app", str(image.digest)))
    assert [entry.descriptor.digest for entry in found] == [signature.digest]


# What a registry said once


def answers_404(body: bytes, **headers: str) -> Fault:
    """Return the fault of a 404 for the referrers."""
    return Fault(path="/referrers/", status=404, body=body, headers=headers)


BARE = [
    answers_404(b""),
    answers_404(b"404 page not found", **{"Content-Type": "text/plain"}),
    answers_404(b"<html>no healthy upstream</html>", **HTML),
    answers_404(b'{"errors":[{"code":"NOT_FOUND","message":"artifact not found"}]}', **JSON),
]


@pytest.mark.parametrize("fault", BARE, ids=repr)
async def test_atk_288_a_404_about_something_else_switches_no_api_off(
    registry: RegistrySimulator, fault: Fault
) -> None:
    """Of a subject that is not there, registries answer as if there were no API; the signed image is found after it."""
    memory = registry.repository("app")
    sign(memory, memory.add_image("v1"))
    absent = registry.reference("none/none", f"sha256:{'0' * 64}")
    async with open_store() as store:
        registry.fault(fault)
        assert not (await executor(store).validate(absent)).succeeded
        registry.reset()
        assert (await executor(store).validate(registry.reference("app", "v1"))).succeeded


@pytest.mark.parametrize("fault", BARE, ids=repr)
@pytest.mark.parametrize("named", ["v1", "digest"])
async def test_atk_288_an_error_page_of_a_load_balancer_is_doubted(
    registry: RegistrySimulator, fault: Fault, named: str
) -> None:
    """Where a listing comes out empty, the API is asked again, whatever was learnt of it."""
    memory = registry.repository("app")
    image = memory.add_image("v1")
    sign(memory, image)
    reference = registry.reference("app", "v1" if named == "v1" else str(image.digest))
    async with open_store() as store:
        registry.fault(fault)
        assert not (await executor(store).validate(reference)).succeeded
        registry.reset()
        assert (await executor(store).validate(reference)).succeeded


async def test_a_registry_without_the_api_is_asked_for_it_again_after_minutes() -> None:
    """It may have been upgraded."""
    clock = FakeClock()
    with RegistrySimulator(features=Features(referrers_api=False)) as registry:
        memory = registry.repository("app")
        sign(memory, memory.add_image("v1"))
        async with open_store(clock=clock) as store:
            counts: list[int] = []
            for wait in (0, 200, 200):
                clock.advance(wait)
                registry.reset()
                assert (await executor(store).validate(registry.reference("app", "v1"))).succeeded
                counts.append(asked(registry, "/referrers/"))
    assert counts == [1, 0, 1]


async def test_an_image_without_evidence_is_asked_for_at_the_api_too() -> None:
    """One more request, where the answer would be a denial otherwise."""
    with RegistrySimulator(features=Features(referrers_api=False)) as registry:
        registry.repository("app").add_image("v1")
        async with open_store() as store:
            for _ in range(2):
                registry.reset()
                result = await executor(store).validate(registry.reference("app", "v1"))
                assert Reason.NO_EVIDENCE in reasons(result) or result.failure is not None
                assert asked(registry, "/referrers/") == 1


@pytest.mark.parametrize("start", ["https://{host}", "http://{name}:81", "http://{host}", ""])
async def test_a_next_page_on_the_same_host_is_read_by_its_path(
    registry: RegistrySimulator, start: str
) -> None:
    """A proxy before the registry ends TLS, and the registry names itself with another scheme or port."""
    memory = registry.repository("app")
    image = memory.add_image("v1")
    path = f"/v2/app/referrers/{image.digest}"
    place = start.format(host=registry.host, name=registry.host.partition(":")[0])
    memory.attach(image, "application/sbom", ("application/json", b"{}"))
    signature = sign(memory, image)
    registry.features.page_size = 1
    registry.fault(Fault(path=f"{path}$", headers={"Link": f'<{place}{path}?last=1>; rel="next"'}))
    async with open_store() as store:
        found = await listed(store, registry.reference("app", str(image.digest)))
    assert found[-1].descriptor.digest == signature.digest


async def test_a_next_page_on_another_host_is_not_read(registry: RegistrySimulator) -> None:
    """The listing ends with the error, after what was listed before."""
    memory = registry.repository("app")
    image = memory.add_image("v1")
    signature = sign(memory, image)
    registry.fault(Fault(path="/referrers/", headers={"Link": '<https://evil.example/x>; rel="next"'}))
    async with open_store() as store:
        found, error = await listed_until_error(store, registry.reference("app", str(image.digest)))
    assert [entry.descriptor.digest for entry in found] == [signature.digest]
    assert error is not None
    assert error.reason is Reason.REDIRECT_BLOCKED


async def test_a_large_page_is_read_away_from_the_event_loop(
    registry: RegistrySimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one of the threads for large documents, and no more than ten thousand entries of it; more are no silent loss."""
    memory = registry.repository("app")
    image = memory.add_image("v1")
    entry = {"mediaType": OCI_INDEX, "digest": "", "size": 1}
    entries = [{**entry, "digest": f"sha256:{number:064x}"} for number in range(10_001)]
    body = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}).encode()
    registry.fault(Fault(path="/referrers/", body=body))
    threads: list[str] = []

    def read(response: Response) -> Listing:
        threads.append(threading.current_thread().name)
        return read_listing(response)

    monkeypatch.setattr("pyratify.stores.registry.referrers_api.read_listing", read)
    async with open_store() as store:
        found, error = await listed_until_error(store, registry.reference("app", str(image.digest)))
    assert [name.startswith("pyratify-documents") for name in threads] == [True]
    assert len(found) == 10_000
    assert error is not None
    assert error.reason is Reason.REFERRERS_LIMIT
