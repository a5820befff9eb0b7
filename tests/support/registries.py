"""What tests of registries share: a source of credentials, and a store that is closed at the end."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from pyratify.core.credential import ANONYMOUS, Credential
from pyratify.core.descriptor import Descriptor
from pyratify.core.errors import StoreError, VerificationError
from pyratify.core.executor import Executor
from pyratify.core.policy import PolicyEnforcer
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import ValidationResult, failures
from pyratify.core.store import Referrer, Store
from pyratify.core.verifier import Details, Evidence
from pyratify.http.transport import Transport
from pyratify.http.transport_asyncio import AsyncioTransport
from pyratify.policies.threshold import Rule, ThresholdPolicy
from pyratify.stores.registry.registry_options import RegistryOptions
from pyratify.stores.registry.registry_store import RegistryStore
from pyratify.testing.fakes import FakeClock, FakeVerifier
from pyratify.testing.memory import MemoryStore

USER = Credential("user", "password")


class Credentials:
    """Hands out the credentials it is given, by registry, and remembers for which it was asked."""

    def __init__(self, by_registry: Mapping[str, Credential] | None = None) -> None:
        self.by_registry = dict(by_registry or {})
        self.asked: list[str] = []

    async def credential(self, registry: str) -> Credential:
        """Return the registry's credential."""
        self.asked.append(registry)
        return self.by_registry.get(registry, ANONYMOUS)


@asynccontextmanager
async def open_store(
    *,
    credentials: Credentials | None = None,
    transport: Transport | None = None,
    clock: FakeClock | None = None,
    **options: object,
) -> AsyncIterator[RegistryStore]:
    """Give a store with these options, over asyncio unless another transport is given, and close it."""
    settings = RegistryOptions(**options)  # type: ignore[arg-type]
    store = RegistryStore(
        settings,
        credentials or Credentials(),
        transport or AsyncioTransport(settings, environ={}),
        clock or FakeClock(),
    )
    try:
        yield store
    finally:
        await store.aclose()


Place = tuple[str, int]


def record_dialling(
    patch: pytest.MonkeyPatch, lead: Callable[[Place], Place] = lambda place: place
) -> list[Place]:
    """Return a list that fills with the addresses and ports that the running loop's sockets are connected to.

    Args:
        patch: Undoes it.
        lead: Says where a connection goes in truth, or raises.
    """
    loop = asyncio.get_running_loop()
    connect = loop.sock_connect
    dialled: list[Place] = []

    async def sock_connect(sock: socket.socket, address: tuple[Any, ...]) -> None:
        place = (address[0], address[1])
        dialled.append(place)
        await connect(sock, lead(place))

    patch.setattr(loop, "sock_connect", sock_connect)
    return dialled


async def listed(store: RegistryStore, reference: Reference) -> list[Referrer]:
    """Return everything that a store lists."""
    return [referrer async for referrer in store.referrers(reference)]


async def listed_until_error(
    store: RegistryStore, reference: Reference
) -> tuple[list[Referrer], StoreError | None]:
    """Return what a store lists, and the error that ends the list."""
    found: list[Referrer] = []
    try:
        async for referrer in store.referrers(reference):
            found.append(referrer)
    except StoreError as error:
        return found, error
    return found, None


SIGNATURE = "application/vnd.example.signature"
ENVELOPE = b"a good envelope"
ONE = ThresholdPolicy(Rule(None, (Rule("fake"),), 1))


async def read_envelope(evidence: Evidence) -> Details:
    """Verify as the simplest verifier does: the only layer has to be the good envelope."""
    if await evidence.blob(evidence.manifest.layers[0]) != ENVELOPE:
        raise VerificationError(Reason.SIG_INVALID, "not the good envelope")
    return Details("the envelope is good")


def executor(store: Store, policy: PolicyEnforcer = ONE, **fields: Any) -> Executor:
    """Return an executor that allows what has one good envelope attached."""
    verifiers = (FakeVerifier(artifact_type=SIGNATURE, does=read_envelope),)
    return Executor(store=store, verifiers=verifiers, policy=policy, **fields)


def sign(memory: MemoryStore, subject: Descriptor, envelope: bytes = ENVELOPE) -> Descriptor:
    """Attach an envelope."""
    return memory.attach(subject, SIGNATURE, ("application/octet-stream", envelope))


def reasons(result: ValidationResult) -> set[Reason]:
    """Return every reason in a report."""
    found = {failure.reason for failure in (result.failure, result.error) if failure is not None}
    return found | {failure.reason for _, failure in failures(result.artifacts)}
