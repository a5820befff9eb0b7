"""The transport asks nothing of addresses that are neither public nor listed, where there is such a bound."""

import socket
from collections.abc import AsyncIterator, Callable

import pytest

from pyratify.core.addresses import PUBLIC_ONLY, Destinations
from pyratify.core.errors import StoreError
from pyratify.core.reason import Reason
from pyratify.http.http_options import HttpOptions
from pyratify.http.transport import (
    CONFIGURED,
    PUBLIC,
    REGISTRY,
    SAME_HOST,
    Request,
    Transport,
    Trust,
)
from pyratify.http.transport_asyncio import AsyncioTransport
from pyratify.http.url import Url
from pyratify.testing.registry import RegistrySimulator

Make = Callable[..., Transport]
HERE = Destinations.parse(["127.0.0.0/8"])


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    """Make transports, closed at the end."""
    made: list[Transport] = []

    def call(only: Destinations | None, **how: object) -> Transport:
        how.setdefault("environ", {})
        made.append(AsyncioTransport(HttpOptions(destinations=only), **how))
        return made[-1]

    yield call
    for transport in made:
        await transport.aclose()


def asking(url: str, trust: Trust = REGISTRY) -> Request:
    """Return a request."""
    return Request(Url.parse(url), 1000, trust=trust, timeout=10)


async def refused(transport: Transport, request: Request) -> str:
    """Require that a request is not sent, and return the whole text of why."""
    with pytest.raises(StoreError) as caught:
        await transport.send(request)
    assert caught.value.reason is Reason.SSRF_BLOCKED
    return f"{caught.value.message} {caught.value.remedy}"


@pytest.mark.parametrize(
    "trust", [REGISTRY, CONFIGURED, SAME_HOST], ids=["registry", "configured", "same-host"]
)
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "2130706433"])
async def test_what_is_configured_is_bounded_too(make: Make, host: str, trust: Trust) -> None:
    """Whatever the place is trusted with, and however its address is written."""
    with RegistrySimulator() as registry:
        text = await refused(make(PUBLIC_ONLY), asking(f"http://{host}:{registry.port}/v2/", trust))
        assert registry.hits == ()
    assert "which is neither public nor listed for namespaces" in text
    assert "--tenant-allowed-host" in text


async def test_a_name_is_looked_at_by_its_address(make: Make) -> None:
    """A name outside with an address inside is a place inside; it is resolved once."""
    asked = list[str]()

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["93.184.215.14", "127.0.0.1"]

    with RegistrySimulator() as registry:
        url = f"http://registry.example:{registry.port}/v2/"
        text = await refused(make(PUBLIC_ONLY, resolve=resolve), asking(url))
        assert registry.hits == ()
    assert asked == ["registry.example"]
    assert "registry.example has the address 127.0.0.1" in text


@pytest.mark.parametrize("entry", ["127.0.0.0/8", "127.0.0.1", "registry.example", "registry.example:{port}"])
async def test_what_is_listed_is_open(make: Make, entry: str) -> None:
    """By its address or by its name."""
    with RegistrySimulator() as registry:
        only = Destinations.parse([entry.format(port=registry.port)])
        transport = make(only, resolve=lambda host, port: ["127.0.0.1"])
        request = asking(f"http://registry.example:{registry.port}/v2/")
        assert (await transport.send(request)).status == 200
        other = asking(f"http://other.example:{registry.port}/v2/")
        if "registry" in entry:
            await refused(transport, other)


async def test_what_a_registry_names_is_as_bounded_as_ever(make: Make) -> None:
    """The list is for what is configured; what answers there leads nowhere inside."""
    with RegistrySimulator() as registry:
        request = asking(f"http://registry.example:{registry.port}/v2/", PUBLIC)
        await refused(make(HERE, resolve=lambda host, port: ["127.0.0.1"]), request)
        assert registry.hits == ()


async def test_without_a_bound_the_configuration_may_name_any_address(make: Make) -> None:
    """As the cluster's own executors and files do."""
    with RegistrySimulator() as registry:
        assert (await make(None).send(asking(f"{registry.url}/v2/"))).status == 200


async def test_a_proxy_may_be_inside_but_not_what_is_behind_it(make: Make) -> None:
    """The proxy is the administrator's choice; a name that only it knows could be anything."""
    addresses = {"127.0.0.1": "127.0.0.1", "inside.example": "10.0.0.1", "outside.example": "93.184.215.14"}

    def resolve(host: str, port: int) -> list[str]:
        if host not in addresses:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [addresses[host]]

    with RegistrySimulator() as proxy:
        only = Destinations.parse(["listed.example"])
        transport = make(only, resolve=resolve, environ={"HTTP_PROXY": proxy.url})
        await refused(transport, asking("http://inside.example/v2/"))
        await refused(transport, asking("http://10.0.0.1/v2/"))
        assert "only the proxy could tell" in await refused(transport, asking("http://unknown.example/v2/"))
        assert proxy.hits == ()
        for host in ("outside.example", "listed.example"):
            await transport.send(asking(f"http://{host}/v2/"))
        assert [hit.path for hit in proxy.hits] == ["http://outside.example/v2/", "http://listed.example/v2/"]
