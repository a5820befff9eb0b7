"""Attacks on the transport: redirects, TLS, addresses and lengths, tried through the registry store."""

import asyncio
import json
import re
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import StoreError
from pyratify.core.policy import Chain
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import ArtifactReport, Decision, Verdict
from pyratify.http.transport import Transport
from pyratify.http.transport_asyncio import AsyncioTransport
from pyratify.stores.registry.registry_options import RegistryOptions
from pyratify.testing.fakes import FakeClock
from pyratify.testing.memory import as_json, make_manifest
from pyratify.testing.registry import BearerAuth, Fault, RegistrySimulator, redirect
from pyratify.testing.tls import Authority
from support.registries import USER, Credentials, Place, executor, listed, open_store, record_dialling, sign

SOURCES = Path(__file__).resolve().parents[2] / "src" / "pyratify"


@pytest.fixture
def registry() -> Iterator[RegistrySimulator]:
    """A registry with one signed image, `app:v1`."""
    with RegistrySimulator() as simulator:
        memory = simulator.repository("app")
        sign(memory, memory.add_image("v1"))
        yield simulator


@pytest.fixture
def transport() -> Transport:
    """A transport; closed by the store that gets it."""
    return AsyncioTransport(RegistryOptions(), environ={})


async def _resolve_reason(reference: Reference, **options: object) -> Reason:
    async with open_store(**options) as store:  # type: ignore[arg-type]
        with pytest.raises(StoreError) as caught:
            await store.resolve(reference)
    return caught.value.reason


@pytest.mark.parametrize(
    "host", ["registry.local", "127.0.0.1.evil.example", "localhost.evil.example", "evil.example"]
)
async def test_atk_008_plain_http_is_never_guessed(registry: RegistrySimulator, host: str) -> None:
    """Only this machine's loopback itself is plain http; names that look like it get TLS and not one byte in the clear."""
    transport = AsyncioTransport(RegistryOptions(), resolve=lambda name, port: ["127.0.0.1"], environ={})
    reference = Reference.parse(f"{host}:{registry.port}/localhost:v1")
    assert await _resolve_reason(reference, transport=transport) is Reason.TLS_REQUIRED
    assert registry.hits == ()


INSIDE = (
    "169.254.169.254",
    "0.0.0.0:8443",
    "[::ffff:169.254.169.254]",
    "[fe80::1%25eth0]",
    "2130706433",
    "0177.0.0.1",
    "[64:ff9b::a9fe:a9fe]",
    "168.63.129.16",
    "100.64.0.1",
    "10.0.0.1",
    "[::1]",
    "[2002:a9fe:a9fe::]",
)


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("host", INSIDE)
async def test_atk_030_a_registry_cannot_send_its_clients_inside(
    registry: RegistrySimulator,
    transport: Transport,
    host: str,
    scheme: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither by a redirect nor by a realm, in whatever spelling; no connection is opened."""
    dialled = record_dialling(monkeypatch)
    registry.fault(redirect("manifests/moved", f"{scheme}://{host}/latest"))
    async with open_store(transport=transport) as store:
        for tag, auth in (("moved", None), ("v1", BearerAuth(realm=f"{scheme}://{host}/token"))):
            registry.auth = auth
            with pytest.raises(StoreError) as caught:
                await store.resolve(registry.reference("app", tag))
            assert caught.value.reason is Reason.SSRF_BLOCKED
    assert set(dialled) == {("127.0.0.1", registry.port)}


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1"])
async def test_atk_030_a_name_that_leads_inside_is_refused(registry: RegistrySimulator, address: str) -> None:
    """What counts is the address that would be dialled."""

    def resolve(name: str, port: int) -> list[str]:
        return [address] if name == "inside.example" else [name]

    registry.fault(redirect("manifests/", "https://inside.example/x"))
    transport = AsyncioTransport(RegistryOptions(), resolve=resolve, environ={})
    reason = await _resolve_reason(registry.reference("app", "v1"), transport=transport)
    assert reason is Reason.SSRF_BLOCKED


@pytest.mark.parametrize("first", ["8.8.8.8", "127.0.0.1"])
async def test_atk_031_the_address_that_was_checked_is_the_one_dialled(
    registry: RegistrySimulator, first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A resolver that answers differently the second time is not asked a second time."""
    answers = iter([first, "127.0.0.1" if first == "8.8.8.8" else "8.8.8.8"])

    def resolve(name: str, port: int) -> list[str]:
        return [next(answers)] if name == "rebind.example" else [name]

    def lead(place: Place) -> Place:
        if place[0] == "8.8.8.8":
            raise ConnectionRefusedError
        return place

    dialled = record_dialling(monkeypatch, lead)
    transport = AsyncioTransport(RegistryOptions(), resolve=resolve, environ={})
    registry.fault(redirect("manifests/", "https://rebind.example/x"))
    reason = await _resolve_reason(registry.reference("app", "v1"), transport=transport, plain_http=True)
    if first == "8.8.8.8":
        assert reason is Reason.REGISTRY_UNREACHABLE
        assert dialled == [("127.0.0.1", registry.port), ("8.8.8.8", 443)]
    else:
        assert reason is Reason.SSRF_BLOCKED
        assert dialled == [("127.0.0.1", registry.port)]


@pytest.mark.parametrize(
    "link",
    [
        "http://169.254.169.254/latest",
        "//evil.example/x",
        "http://localhost:{port}/x",
        "http://user:pw@127.0.0.1:{port}/x",
    ],
)
async def test_atk_036_a_listing_is_continued_at_its_own_origin(
    registry: RegistrySimulator, link: str
) -> None:
    """The host has to be the same; another scheme or port is never dialled."""
    target = link.format(port=registry.port)
    registry.fault(Fault(path="/referrers/", headers={"Link": f'<{target}>; rel="next"'}))
    async with open_store() as store:
        image = await store.resolve(registry.reference("app", "v1"))
        with pytest.raises(StoreError) as caught:
            await listed(store, registry.reference("app", str(image.digest)))
    assert caught.value.reason is Reason.REDIRECT_BLOCKED
    assert len(registry.hits) == 2


async def test_atk_037_a_descriptors_urls_are_never_fetched(registry: RegistrySimulator) -> None:
    """A blob that the registry lacks is missing, whatever its descriptor promises; and nothing is ever written."""
    memory = registry.repository("app")
    image = memory.add_image("foreign", b"another")
    layer = Descriptor("application/octet-stream", Digest.of(b"elsewhere"), 9)
    with RegistrySimulator() as elsewhere:
        document = json.loads(make_manifest(artifact_type="application/vnd.example.signature", subject=image))
        document["layers"] = [{**as_json(layer), "urls": [f"{elsewhere.url}/x", "http://10.0.0.1/"]}]
        memory.list_under(image.digest, memory.add_manifest(json.dumps(document).encode()))
        async with open_store() as store:
            result = await executor(store).validate(registry.reference("app", "foreign"))
        assert elsewhere.hits == ()
    assert result.decision is Decision.DENY
    failure = result.artifacts[0].results[0].failure
    assert failure is not None
    assert failure.reason is Reason.BLOB_NOT_FOUND
    assert {hit.method for hit in registry.hits} == {"GET"}


async def test_atk_038_the_token_servers_certificate_is_checked_too() -> None:
    """A realm with a certificate of an unknown authority is not spoken to."""
    authority, unknown = Authority(), Authority("unknown")
    with (
        RegistrySimulator(tls=unknown.server_context()) as tokens,
        RegistrySimulator(tls=authority.server_context()) as registry,
    ):
        registry.auth = BearerAuth(realm=f"{tokens.url}/token")
        credentials = Credentials({registry.host: USER})
        for realms in ((), ("127.0.0.1",)):
            reason = await _resolve_reason(
                registry.reference("app", "v1"),
                credentials=credentials,
                plain_http=False,
                ca_pem=authority.pem,
                auth_realms=realms,
            )
            assert reason is Reason.TLS_VERIFY
        assert tokens.hits == ()


def test_atk_038_verification_is_never_switched_off() -> None:
    """No source of ours has the means to do so."""
    banned = re.compile(r"CERT_NONE|verify\s*=\s*False|check_hostname\s*=\s*False|_create_unverified_context")
    guilty = [path.name for path in SOURCES.rglob("*.py") if banned.search(path.read_text("utf-8"))]
    assert guilty == []


async def test_atk_039_https_never_becomes_http(registry: RegistrySimulator) -> None:
    """A port that speaks plain http is refused, not obliged; and a redirect to http is not followed."""
    reason = await _resolve_reason(registry.reference("app", "v1"), plain_http=False)
    assert reason is Reason.TLS_REQUIRED
    assert registry.hits == ()
    authority = Authority()
    with RegistrySimulator(tls=authority.server_context()) as secure:
        secure.fault(redirect("manifests/", f"{registry.url}/v2/app/manifests/v1", status=301))
        reason = await _resolve_reason(secure.reference("app", "v1"), plain_http=False, ca_pem=authority.pem)
    assert reason is Reason.REDIRECT_BLOCKED
    assert registry.hits == ()


async def test_atk_040_a_private_ca_vouches_for_the_registry_alone() -> None:
    """A token server at another origin with a certificate of the private CA is not believed."""
    authority = Authority()
    with (
        RegistrySimulator(tls=authority.server_context()) as evil,
        RegistrySimulator(tls=authority.server_context()) as registry,
    ):
        registry.auth = BearerAuth(realm=f"{evil.url}/token")
        reason = await _resolve_reason(
            registry.reference("app", "v1"), plain_http=False, ca_pem=authority.pem
        )
        assert reason is Reason.TLS_VERIFY
        registry.auth = None
        registry.fault(redirect("manifests/", f"{evil.url}/x"))
        reason = await _resolve_reason(
            registry.reference("app", "v1"), plain_http=False, ca_pem=authority.pem
        )
        assert reason is Reason.TLS_VERIFY
        assert evil.hits == ()


@pytest.mark.parametrize("what", ["header", "body", "silence"])
async def test_atk_045_a_slow_registry_is_given_up(
    registry: RegistrySimulator, transport: Transport, what: str
) -> None:
    """One deadline for everything; other requests are not held up, and the connection is not used again."""
    release = threading.Event()
    faults = {
        "header": Fault(path="manifests/slow", drip=0.02, status=200),
        "body": Fault(path="manifests/slow", endless=True, status=404, drip=0.02, body=b"x" * 1000),
        "silence": Fault(path="manifests/slow", wait=release),
    }
    registry.fault(faults[what])
    async with open_store(transport=transport, timeout=0.3) as store:
        slow = asyncio.create_task(store.resolve(registry.reference("app", "slow")))
        assert (await store.resolve(registry.reference("app", "v1"))).size
        with pytest.raises(StoreError) as caught:
            await slow
        assert caught.value.reason is Reason.TIMEOUT
        assert (await store.resolve(registry.reference("app", "v1"))).size
    release.set()


@pytest.mark.parametrize(
    ("status", "reason"),
    [(500, Reason.REGISTRY_ERROR), (400, Reason.REGISTRY_ERROR), (404, Reason.NOT_FOUND)],
)
async def test_atk_046_an_endless_error_is_cut(
    registry: RegistrySimulator, transport: Transport, status: int, reason: Reason
) -> None:
    """Of an error's body a little is read, and less is shown."""
    registry.fault(Fault(path="manifests/", status=status, endless=True))
    assert await _resolve_reason(registry.reference("app", "v1"), transport=transport) is reason


async def test_atk_046_an_errors_text_is_made_safe(registry: RegistrySimulator) -> None:
    """Two hundred of its characters at most, and none that a terminal could act upon."""
    body = json.dumps({"errors": [{"code": "BAD\x1b[31m", "message": "\r\n\u202e" + "x" * 5000}]}).encode()
    registry.fault(Fault(path="manifests/", status=400, body=body))
    async with open_store() as store:
        with pytest.raises(StoreError) as caught:
            await store.resolve(registry.reference("app", "v1"))
    assert "BAD\\x1b[31m" in caught.value.message
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 400


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
@pytest.mark.parametrize("after", [None, "0", "3600", "Tue, 01 Jun 2027 00:00:00 GMT"])
async def test_atk_047_retries_are_few_and_short(
    registry: RegistrySimulator, status: int, after: str | None
) -> None:
    """Three tries at most, and one where the registry asks for a longer wait than there is time for."""
    headers = {"Retry-After": after} if after is not None else {}
    registry.fault(Fault(path="manifests/", status=status, headers=headers))
    clock = FakeClock(datetime(2026, 6, 1, tzinfo=UTC))
    assert await _resolve_reason(registry.reference("app", "v1"), clock=clock) is Reason.REGISTRY_ERROR
    assert len(registry.hits) == (3 if after in (None, "0") else 1)
    assert sum(clock.slept) <= 20


async def test_atk_047_a_registry_that_recovers_is_read(registry: RegistrySimulator) -> None:
    """A short illness is not a refusal."""
    registry.fault(Fault(path="manifests/", status=503, times=1), Fault(path="blobs/", close=True, times=2))
    clock = FakeClock()
    async with open_store(clock=clock) as store:
        result = await executor(store).validate(registry.reference("app", "v1"))
    assert result.decision is Decision.ALLOW
    assert clock.slept


@pytest.mark.parametrize("encoding", ["gzip", "gzip, gzip, gzip", "zstd", "br", "x-anything"])
@pytest.mark.parametrize("path", ["manifests/", "/referrers/", "blobs/"])
async def test_atk_048_nothing_is_decompressed(
    registry: RegistrySimulator, transport: Transport, encoding: str, path: str
) -> None:
    """Content is asked for as it is, and refused in any other form."""
    registry.fault(Fault(path=path, headers={"Content-Encoding": encoding}))
    async with open_store(transport=transport) as store:
        result = await executor(store).validate(registry.reference("app", "v1"))
    assert result.error is not None
    assert result.error.reason is Reason.CONTENT_ENCODING
    assert {hit.headers["accept-encoding"] for hit in registry.hits} == {"identity"}


@pytest.mark.parametrize(
    "raw",
    [
        b"garbage\r\n\r\n",
        b"HTTP/9.9 000 no\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\nx",
        b"HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 2000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000 + b"\r\n\r\n",
    ],
)
async def test_atk_049_what_is_no_http_is_an_error_and_ends_its_connection(
    registry: RegistrySimulator, transport: Transport, raw: bytes
) -> None:
    """Then a good answer on another connection is as good as ever."""
    registry.fault(Fault(path="manifests/", raw=raw, times=1))
    async with open_store(transport=transport, plain_http=True) as store:
        with pytest.raises(StoreError) as caught:
            await store.resolve(registry.reference("app", "v1"))
        assert caught.value.reason is Reason.REGISTRY_ERROR
        assert (await store.resolve(registry.reference("app", "v1"))).size
    assert registry.connections == 2


class DenyIfFound:
    """A policy that allows what has nothing attached: the kind that a hidden listing would fool."""

    wants: Callable[[Chain], None] = staticmethod(lambda chain: None)
    descends: Callable[[Chain], bool] = staticmethod(lambda chain: False)
    settled: Callable[[tuple[ArtifactReport, ...]], bool] = staticmethod(lambda reports: False)

    def decide(self, reports: tuple[ArtifactReport, ...]) -> Verdict:
        """Allow an empty listing."""
        return Verdict(Decision.DENY if reports else Decision.ALLOW)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(path="/referrers/", status=403),
        Fault(path="/referrers/", status=500),
        Fault(path="/referrers/", status=204, body=b""),
        Fault(path="/referrers/", body=b"<html>", headers={"Content-Type": "text/html"}),
        Fault(path="/referrers/", body=b"<html>", headers={"Content-Type": None}),
        Fault(path="/referrers/", status=206),
        Fault(path="/referrers/", status=304, body=b""),
    ],
)
async def test_atk_050_an_answer_that_is_no_list_is_no_empty_one(
    registry: RegistrySimulator, fault: Fault
) -> None:
    """Where nothing is found elsewhere, every answer but that of a registry without the API is an error."""
    registry.fault(fault)
    async with open_store() as store:
        result = await executor(store, DenyIfFound()).validate(registry.reference("app", "v1"))
    assert result.decision is Decision.DENY
    assert result.error is not None
    assert result.error.reason is Reason.REGISTRY_ERROR


@pytest.mark.parametrize(
    "body", [b"{}", b'{"schemaVersion":2}', b'{"schemaVersion":2,"manifests":{}}', b"[]", b""]
)
async def test_atk_050_a_document_that_is_no_list_is_an_error(
    registry: RegistrySimulator, body: bytes
) -> None:
    """A listing without its list is not an empty one."""
    registry.fault(Fault(path="/referrers/", body=body))
    async with open_store() as store:
        result = await executor(store, DenyIfFound()).validate(registry.reference("app", "v1"))
    assert result.decision is Decision.DENY
    assert result.error is not None


@pytest.mark.parametrize(
    "headers",
    [
        {"OCI-Filters-Applied": "artifactType"},
        {"Warning": '299 - "all is well"', "X-Verified": "true"},
        {"OCI-Filters-Applied": "artifactType,everything"},
    ],
)
async def test_atk_051_header_fields_change_no_verdict(
    registry: RegistrySimulator, headers: dict[str, str | None]
) -> None:
    """Whatever the registry claims to have filtered, every artifact is looked at for what it is."""
    memory = registry.repository("app")
    memory.attach(await _image(registry), "application/vnd.example.other", ("text/plain", b"a good envelope"))
    registry.features.filters = False
    registry.fault(Fault(path="/referrers/", headers=headers))
    async with open_store() as store:
        result = await executor(store).validate(registry.reference("app", "v1"))
    assert result.decision is Decision.ALLOW
    other = memory.add_image("other", b"not signed")
    memory.attach(other, "application/vnd.example.other", ("text/plain", b"a good envelope"))
    async with open_store() as store:
        result = await executor(store).validate(registry.reference("app", "other"))
        by_type = registry.reference("app", str(other.digest))
        assert [r async for r in store.referrers(by_type, "application/vnd.example.signature")]
    assert result.decision is Decision.DENY


async def _image(registry: RegistrySimulator) -> Descriptor:
    async with open_store() as store:
        return await store.resolve(registry.reference("app", "v1"))
