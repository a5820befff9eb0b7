"""Credentials that come with a question, and stores and executors that read with them."""

import gc
import weakref
from datetime import UTC, datetime

import pytest

from pyratify.core.credential import ANONYMOUS, Credential
from pyratify.core.credential_scope import CONFIGURED, CredentialScope
from pyratify.core.engine import Engine
from pyratify.core.executor import SCOPE_SECONDS, Executor
from pyratify.core.instrumented import InstrumentedStore
from pyratify.core.scope import ScopeMap
from pyratify.core.store import with_credentials
from pyratify.core.telemetry import NULL_OBSERVER
from pyratify.credentials.providers import StaticCredentials
from pyratify.http.transport_asyncio import AsyncioTransport
from pyratify.http.url import Origin, Url
from pyratify.stores.github.github_api import GitHubApi
from pyratify.stores.github.github_store import GitHubStore
from pyratify.stores.registry.registry_options import RegistryOptions
from pyratify.stores.registry.registry_store import RegistryStore
from pyratify.stores.scoped import MuxStore
from pyratify.testing.fakes import FakeClock, FakeVerifier
from pyratify.testing.memory import MemoryStore
from pyratify.testing.registry import BasicAuth, RegistrySimulator
from support.registries import USER, Credentials

OTHER = Credential("other", "password")
SCOPE = CredentialScope("one", StaticCredentials(USER, ("a.example",)))


class Exchanging(Credentials):
    """A source that is told what was refused."""

    def __init__(self, **by_registry: Credential) -> None:
        super().__init__({name.replace("_", "."): each for name, each in by_registry.items()})
        self.dropped: list[tuple[str, Credential]] = []

    def drop(self, registry: str, credential: Credential) -> None:
        """Remember it."""
        self.dropped.append((registry, credential))


async def test_the_scope_is_asked_before_the_configuration() -> None:
    """Each for its own hosts; where neither has anything, access is anonymous."""
    configured = Credentials({"a.example": OTHER, "b.example": OTHER})
    both = SCOPE.over(configured)
    assert await both.credential("a.example") is USER
    assert await both.credential("b.example") is OTHER
    assert await both.credential("c.example") == ANONYMOUS
    assert configured.asked == ["b.example", "c.example"]
    assert CONFIGURED.over(configured) is configured


def test_a_refused_credential_is_dropped_where_it_can_be_exchanged() -> None:
    """A cloud's credential that expires is renewed, also below a scope."""
    configured, refused = Exchanging(), Credential("u", "p", expires=datetime(2026, 6, 1, tzinfo=UTC))
    both = SCOPE.over(configured)
    both.drop("a.example", refused)  # type: ignore[attr-defined]
    assert configured.dropped == [("a.example", refused)]


def test_a_scope_shows_no_secret_and_is_its_identity() -> None:
    """Equal identities have equal credentials."""
    assert CredentialScope("one", None) == SCOPE
    assert hash(CredentialScope("one", None)) == hash(SCOPE)
    assert CredentialScope("two", SCOPE.provider) != SCOPE
    assert repr(SCOPE) == "CredentialScope(identity='one')"


def test_an_executor_makes_one_other_for_each_scope() -> None:
    """With a part of the cache of its own, and the bounds of all of them; none for the configuration's own credentials."""
    store = RegistryStore(RegistryOptions(), Credentials(), AsyncioTransport(RegistryOptions(), environ={}))
    executor = Executor(store=store, verifiers=(FakeVerifier(),), partition="p")
    assert executor.with_credentials(CONFIGURED) is executor
    scoped = executor.with_credentials(SCOPE)
    assert executor.with_credentials(CredentialScope("one")) is scoped
    other = executor.with_credentials(CredentialScope("two", SCOPE.provider))
    assert len({executor.partition, scoped.partition, other.partition}) == 3
    assert len({id(executor.store), id(scoped.store), id(other.store)}) == 3
    assert scoped.verifiers is executor.verifiers
    for bound in ("_places", "_beside"):
        assert getattr(scoped, bound) is getattr(executor, bound)


def test_a_scope_that_is_no_longer_used_is_forgotten() -> None:
    """A Secret that was deleted must not stay until others displace it; one that is used stays."""
    clock = FakeClock()
    store = RegistryStore(RegistryOptions(), Credentials(), AsyncioTransport(RegistryOptions(), environ={}))
    executor = Executor(store=store, verifiers=(FakeVerifier(),), clock=clock)
    engine = Engine(ScopeMap([("*", executor), ("example.com", executor)]))
    provider = StaticCredentials(USER, ("deleted",))
    executor.with_credentials(CredentialScope("deleted", provider))
    used = executor.with_credentials(SCOPE)
    held = weakref.ref(provider)
    del provider
    clock.advance(SCOPE_SECONDS - 1)
    assert executor.with_credentials(SCOPE) is used
    engine.sweep()
    assert held() is not None
    clock.advance(1)
    engine.sweep()
    gc.collect()
    assert held() is None
    assert executor.with_credentials(SCOPE) is used


def test_an_equal_scope_is_not_held_beside_the_one_that_is_read_with() -> None:
    """A Secret is read anew every few seconds, with the same identity."""
    executor = Executor(store=MemoryStore(), verifiers=(FakeVerifier(),))
    executor.with_credentials(SCOPE)
    provider = StaticCredentials(USER, ("again",))
    held = weakref.ref(provider)
    executor.with_credentials(CredentialScope(SCOPE.identity, provider))
    del provider
    gc.collect()
    assert held() is None


def test_an_executor_is_swept_once_however_many_scopes_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is done every second."""
    swept: list[Executor] = []

    def sweep(executor: Executor) -> None:
        swept.append(executor)

    monkeypatch.setattr(Executor, "sweep", sweep)
    one, two = (Executor(store=MemoryStore(), verifiers=(FakeVerifier(),)) for _ in range(2))
    Engine(ScopeMap([("*", one), ("a.example", one), ("b.example", two)])).sweep()
    assert [id(each) for each in swept] == [id(one), id(two)]


def test_a_store_without_credentials_is_the_same_for_all() -> None:
    """As a layout on disk."""
    store = MemoryStore()
    assert with_credentials(store, SCOPE) is store


@pytest.mark.parametrize("kind", ["plain", "several", "instrumented", "github"])
async def test_every_store_over_registries_reads_with_the_credentials_of_a_scope(kind: str) -> None:
    """Through every store that holds others, and the store itself does not learn them."""
    with RegistrySimulator(auth=BasicAuth()) as registry:
        registry.repository().add_image()
        options = RegistryOptions()
        transport = AsyncioTransport(options, environ={})
        plain = RegistryStore(options, Credentials(), transport)
        store = {
            "plain": lambda: plain,
            "several": lambda: MuxStore(ScopeMap([(registry.host, plain)])),
            "instrumented": lambda: InstrumentedStore(plain, NULL_OBSERVER),
            "github": lambda: GitHubStore(
                plain,
                GitHubApi(
                    Url(Origin("https", "api.example", 443), ""), "repos/o/a", transport, Credentials()
                ),
            ),
        }[kind]()
        scope = CredentialScope("one", StaticCredentials(USER, (registry.host,)))
        scoped = with_credentials(store, scope)
        assert type(scoped) is type(store)
        assert (await scoped.resolve(registry.reference())).size
        with pytest.raises(Exception, match="HTTP 401"):
            await store.resolve(registry.reference())
        await plain.aclose()
