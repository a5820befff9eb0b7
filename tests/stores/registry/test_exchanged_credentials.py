"""A registry whose credentials are exchanged for an identity: rotation, refusals and outages under load."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from pyratify.core.credential import Credential
from pyratify.core.errors import StoreError
from pyratify.core.executor import Executor
from pyratify.core.key import KeyMaterial
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import ValidationResult
from pyratify.credentials.exchange import ExchangedCredentials
from pyratify.testing.fakes import FakeClock
from pyratify.testing.registry import BasicAuth, RegistrySimulator
from pyratify.verifiers.cosign.cosign_trust_policy import CosignTrustPolicy
from pyratify.verifiers.cosign.cosign_verifier import CosignVerifier
from support.cosign_setting import ONE
from support.registries import open_store

MATERIAL = Path(__file__).resolve().parents[3] / "examples" / "material"
KEY = KeyMaterial((MATERIAL / "keys" / "cosign.pub").read_bytes(), "cosign.pub")
LOAD = 20


class Cloud:
    """An identity service whose tokens a registry accepts until it is rotated."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.auth = BasicAuth("cloud", "token-1")
        self.exchanges = 0
        self.down = False
        self.foreign = False

    async def exchange(self, registry: str) -> Credential:
        """Return what the registry accepts now."""
        del registry
        self.exchanges += 1
        await asyncio.sleep(0)
        if self.down:
            raise StoreError(Reason.REGISTRY_ERROR, "the identity service answers HTTP 503")
        password = "of-another" if self.foreign else self.auth.password
        expires = self.clock.now() + timedelta(hours=1)
        return Credential(username="cloud", password=password, expires=expires)


async def test_a_rotation_under_load_costs_one_exchange_and_no_answer() -> None:
    """Tokens are revoked while images are verified; a dead identity service denies, and what follows it is quick."""
    clock = FakeClock()
    cloud = Cloud(clock)
    with RegistrySimulator(auth=cloud.auth) as registry:
        registry.load_layout(MATERIAL / "layout", "app")
        credentials = ExchangedCredentials(lambda host: host == registry.host, cloud.exchange, clock)
        async with open_store(credentials=credentials, clock=clock, cosign_tags=True) as store:  # type: ignore[arg-type]
            trusted = CosignTrustPolicy(keys=(KEY,), logs=0, certificate_logs=0)
            verifiers = (CosignVerifier("cosign", [trusted]),)
            engine = Executor(store=store, verifiers=verifiers, policy=ONE)

            async def ask(tag: str) -> list[ValidationResult]:
                reference = Reference.parse(f"{registry.host}/app:{tag}")
                return list(await asyncio.gather(*(engine.validate(reference) for _ in range(LOAD))))

            assert all(result.succeeded for result in await ask("cosign-v3"))
            assert cloud.exchanges == 1
            cloud.auth.password = "token-2"
            assert all(result.succeeded for result in await ask("cosign-v3"))
            assert cloud.exchanges == 2

            # The identity service is down when the next token is revoked: undecided, within the bound on exchanges.
            clock.advance(61)
            cloud.auth.password, cloud.down = "token-3", True
            assert not any(result.succeeded or result.decided for result in await ask("cosign-v3"))
            assert cloud.exchanges <= 4
            cloud.down = False
            clock.advance(2)
            assert all(result.succeeded for result in await ask("cosign-v3"))

            # A token that is another's is refused by the registry, and never leads to an allow.
            clock.advance(61)
            cloud.auth.password, cloud.foreign = "token-4", True
            assert not any(result.succeeded for result in await ask("cosign-v3"))
            assert not any(result.succeeded for result in await ask("unsigned"))


@pytest.mark.parametrize("down", [False, True])
async def test_a_host_outside_is_shown_nothing(down: bool) -> None:
    """Whatever it asks for."""
    clock = FakeClock()
    cloud = Cloud(clock)
    cloud.down = down
    with RegistrySimulator(auth=cloud.auth) as registry:
        registry.load_layout(MATERIAL / "layout", "app")
        credentials = ExchangedCredentials(lambda host: False, cloud.exchange, clock)
        async with open_store(credentials=credentials, clock=clock) as store:  # type: ignore[arg-type]
            with pytest.raises(StoreError):
                await store.resolve(Reference.parse(f"{registry.host}/app:cosign-v3"))
            assert cloud.exchanges == 0
            assert not any("authorization" in hit.headers for hit in registry.hits)
