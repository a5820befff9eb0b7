"""Credentials that are exchanged for an identity, kept, renewed and dropped."""

import asyncio
from datetime import timedelta

import pytest

from pyratify.core.credential import Credential, ExchangingCredentialProvider
from pyratify.core.errors import ConfigurationError, StoreError
from pyratify.core.reason import Reason
from pyratify.credentials.exchange import ExchangedCredentials
from pyratify.credentials.host_patterns import HostPatterns, narrowed
from pyratify.testing.fakes import FakeClock

HOST = "mine.azurecr.io"


class Cloud:
    """An identity service that counts what it is asked, and can be down."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        # As in a process that has run for a while: its monotonic time is not that of the first exchange.
        self.clock.advance(10_000)
        self.asked: list[str] = []
        self.down = False
        self.lifetime: timedelta | None = timedelta(hours=1)
        self.credentials = ExchangedCredentials(
            HostPatterns(("*.azurecr.io",)).match, self.exchange, self.clock
        )

    async def exchange(self, registry: str) -> Credential:
        """Return a new credential each time."""
        self.asked.append(registry)
        await asyncio.sleep(0)
        if self.down:
            raise StoreError(Reason.REGISTRY_AUTH, "the identity service answers HTTP 503", remedy="Ask it.")
        expires = None if self.lifetime is None else self.clock.now() + self.lifetime
        return Credential(identity_token=f"token-{len(self.asked)}", expires=expires)


async def test_atk_027_a_host_outside_the_patterns_causes_no_exchange() -> None:
    """The allow list comes before the first request: nothing leaves for a host that an image chose."""
    cloud = Cloud()
    for host in ("evil.io", "azurecr.io", "mine.azurecr.io.evil.io", "a.b.azurecr.io", "mine.azurecr.io:444"):
        assert (await cloud.credentials.credential(host)).is_anonymous
    assert cloud.asked == []


async def test_many_questions_at_once_make_one_exchange() -> None:
    """A burst of images of one registry."""
    cloud = Cloud()
    found = await asyncio.gather(*(cloud.credentials.credential(HOST) for _ in range(50)))
    assert len(cloud.asked) == 1
    assert len(set(found)) == 1


@pytest.mark.parametrize(("lifetime", "until"), [(60, 55), (8, 4), (None, 55)])
async def test_it_is_renewed_before_its_end(lifetime: int | None, until: int) -> None:
    """Five minutes early, or after half of a short life; an unknown one counts as an hour."""
    cloud = Cloud()
    cloud.lifetime = None if lifetime is None else timedelta(minutes=lifetime)
    await cloud.credentials.credential(HOST)
    cloud.clock.advance(until * 60 - 1)
    await cloud.credentials.credential(HOST)
    assert len(cloud.asked) == 1
    cloud.clock.advance(1)
    await cloud.credentials.credential(HOST)
    assert len(cloud.asked) == 2


async def test_a_dead_identity_service_is_not_noticed_before_the_end() -> None:
    """The last good credential is shown while the registry still accepts it, and not longer."""
    cloud = Cloud()
    first = await cloud.credentials.credential(HOST)
    cloud.down = True
    cloud.clock.advance(59 * 60)
    assert await cloud.credentials.credential(HOST) == first
    cloud.clock.advance(60)
    with pytest.raises(StoreError):
        await cloud.credentials.credential(HOST)


async def test_a_dead_identity_service_is_asked_once_in_two_seconds() -> None:
    """Load does not become load on a service that is down; recovery takes seconds."""
    cloud = Cloud()
    cloud.down = True
    for _ in range(20):
        with pytest.raises(StoreError, match="503") as caught:
            await cloud.credentials.credential(HOST)
        assert (caught.value.reason, caught.value.remedy) == (Reason.REGISTRY_AUTH, "Ask it.")
    assert len(cloud.asked) == 1
    cloud.down = False
    cloud.clock.advance(1.9)
    with pytest.raises(StoreError, match="503"):
        await cloud.credentials.credential(HOST)
    cloud.clock.advance(0.1)
    assert not (await cloud.credentials.credential(HOST)).is_anonymous


async def test_a_refused_credential_is_exchanged_again_but_not_for_every_refusal() -> None:
    """A registry that refuses everything causes one exchange a minute."""
    cloud = Cloud()
    provider: object = cloud.credentials
    assert isinstance(provider, ExchangingCredentialProvider)
    for _ in range(10):
        provider.drop(HOST, await cloud.credentials.credential(HOST))
    assert (await cloud.credentials.credential(HOST)).identity_token == "token-2"
    cloud.clock.advance(59)
    provider.drop(HOST, await cloud.credentials.credential(HOST))
    assert (await cloud.credentials.credential(HOST)).identity_token == "token-2"
    cloud.clock.advance(1)
    provider.drop(HOST, await cloud.credentials.credential(HOST))
    assert (await cloud.credentials.credential(HOST)).identity_token == "token-3"


async def test_a_late_refusal_of_a_replaced_credential_drops_nothing() -> None:
    """Two requests were refused; the second one must not drop what the first one got."""
    cloud = Cloud()
    old = await cloud.credentials.credential(HOST)
    cloud.credentials.drop(HOST, old)
    fresh = await cloud.credentials.credential(HOST)
    cloud.clock.advance(61)  # past the pause, which would hide it
    cloud.credentials.drop(HOST, old)
    assert await cloud.credentials.credential(HOST) == fresh
    assert cloud.asked == [HOST, HOST]


async def test_a_refusal_of_one_registry_delays_no_other() -> None:
    """Each has its own minute, and its own credential."""
    cloud = Cloud()
    for host in (HOST, "yours.azurecr.io"):
        first = await cloud.credentials.credential(host)
        cloud.credentials.drop(host, first)
        assert await cloud.credentials.credential(host) != first
    assert cloud.asked == [HOST, HOST, "yours.azurecr.io", "yours.azurecr.io"]


@pytest.mark.parametrize(
    ("registries", "host", "shown"),
    [
        ((), "mine.azurecr.io", True),
        ((), "ghcr.io", False),
        (("mine.azurecr.io",), "mine.azurecr.io", True),
        (("mine.azurecr.io",), "yours.azurecr.io", False),
        (("*.azurecr.io",), "yours.azurecr.io", True),
    ],
)
def test_the_credentials_of_a_cloud_are_for_its_own_hosts_that_are_named(
    registries: tuple[str, ...], host: str, *, shown: bool
) -> None:
    """All of them where none is named."""
    covers = narrowed(HostPatterns(("*.azurecr.io",)).match, registries)
    assert covers(host) is shown


@pytest.mark.parametrize("name", ["https://mine.azurecr.io", "ghcr.io"])
def test_what_is_no_host_of_the_cloud_is_refused_with_its_path(name: str) -> None:
    """When the configuration is read: a name makes no foreign host one of the cloud's."""
    with pytest.raises(ConfigurationError) as caught:
        narrowed(HostPatterns(("*.azurecr.io",)).match, (name,))
    assert caught.value.path == "registries"
