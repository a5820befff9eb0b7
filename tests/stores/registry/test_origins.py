"""Whether a registry on this machine speaks https or http, and that no other is ever asked."""

import asyncio

import pytest

from pyratify.core.errors import StoreError
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.http.transport_asyncio import asyncio_transport
from pyratify.http.url import Origin
from pyratify.stores.registry.origins import Origins
from pyratify.stores.registry.registry_options import RegistryOptions
from pyratify.testing.registry import Fault, RegistrySimulator
from pyratify.testing.tls import Authority
from support.registries import open_store


async def _found(registry: str, *, tls: bool = False, **options: object) -> tuple[str, list[str]]:
    """Return the origin of a registry, and which origins were offered a handshake."""
    asked: list[str] = []

    async def speaks_tls(origin: Origin) -> bool:
        asked.append(str(origin))
        return tls

    origins = Origins(RegistryOptions(**options), speaks_tls)  # type: ignore[arg-type]
    return str(await origins.find(registry)), asked


@pytest.mark.parametrize(
    "registry", ["localhost:5000", "127.0.0.1:5000", "127.1.2.3", "[::1]:5000", "localhost"]
)
@pytest.mark.parametrize("tls", [True, False])
async def test_on_loopback_https_is_tried_first(registry: str, tls: bool) -> None:
    """As Docker does; without it http is spoken."""
    found, asked = await _found(registry, tls=tls)
    assert found == f"{'https' if tls else 'http'}://{registry}"
    assert asked == [f"https://{registry}"]


@pytest.mark.parametrize(
    "registry", ["example.com", "127.0.0.1.evil.io", "localhost.evil.io", "registry.local:5000"]
)
async def test_no_other_registry_is_ever_spoken_to_over_http(registry: str) -> None:
    """Nor offered a handshake beforehand."""
    assert await _found(registry) == (f"https://{registry}", [])


@pytest.mark.parametrize(
    ("options", "scheme"),
    [
        ({"plain_http": True}, "http"),
        ({"plain_http": False}, "https"),
    ],
)
async def test_what_is_configured_is_not_tried_out(options: dict[str, object], scheme: str) -> None:
    """In either direction."""
    assert await _found("localhost:5000", **options) == (f"{scheme}://localhost:5000", [])


async def test_a_registry_with_tls_on_loopback_is_read() -> None:
    """With the authority's certificate; without it the message says that https was spoken, and what to give."""
    authority = Authority()
    with RegistrySimulator(tls=authority.server_context("127.0.0.1")) as registry:
        image = registry.repository("app").add_image("v1")
        reference = registry.reference("app", "v1")
        options = {"ca_pem": authority.pem}
        async with open_store(transport=asyncio_transport(RegistryOptions(**options)), **options) as store:  # type: ignore[arg-type]
            assert (await store.resolve(reference)).digest == image.digest
        async with open_store(transport=asyncio_transport(RegistryOptions())) as store:
            with pytest.raises(StoreError) as caught:
                await store.resolve(reference)
    assert caught.value.reason is Reason.TLS_VERIFY
    assert "(over https)" in caught.value.message
    assert "--ca-file" in caught.value.remedy


async def test_a_registry_without_tls_on_loopback_is_read(registry: RegistrySimulator) -> None:
    """By its name too; and where it fails, the message says that http was spoken."""
    image = registry.repository("app").add_image("v1")
    async with open_store(
        transport=asyncio_transport(RegistryOptions(proxy_from_environment=False))
    ) as store:
        named = Reference.parse(f"localhost:{registry.port}/app:v1")
        assert (await store.resolve(named)).digest == image.digest
        registry.fault(Fault(status=500))
        with pytest.raises(StoreError) as caught:
            await store.resolve(named)
    assert "(over http)" in caught.value.message


async def test_a_server_that_hangs_up_or_is_gone_speaks_no_tls() -> None:
    """Then http is tried, and its failure is what is reported."""

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    for over in ("closed", "gone"):
        async with open_store() as store:
            with pytest.raises(StoreError) as caught:
                await store.resolve(Reference.parse(f"127.0.0.1:{port}/app:v1"))
        assert caught.value.reason is Reason.REGISTRY_UNREACHABLE, over
        assert "(over http)" in caught.value.message
        server.close()
        await server.wait_closed()


async def test_a_registry_that_gets_tls_while_the_store_lives_is_found_again() -> None:
    """What could not be reached is tried out anew."""
    answers = iter([False, True])

    async def speaks_tls(origin: Origin) -> bool:
        return next(answers)

    origins = Origins(RegistryOptions(), speaks_tls)
    assert (await origins.find("localhost:5000")).scheme == "http"
    assert (await origins.find("localhost:5000")).scheme == "http"
    origins.forget("localhost:5000")
    assert (await origins.find("localhost:5000")).scheme == "https"
