"""One resource as it was built: an executor, and what it holds open."""

from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyratify.config.build import Builder
from pyratify.config.configuration_fingerprint import add_configuration
from pyratify.config.decode import decode
from pyratify.config.locations import join
from pyratify.config.schema import Config, ExecutorConfig
from pyratify.config.scopes import check_scopes
from pyratify.core.addresses import PUBLIC_ONLY
from pyratify.core.clock import Clock
from pyratify.core.errors import ConfigurationError
from pyratify.core.executor import Executor
from pyratify.core.fingerprint import Fingerprint
from pyratify.core.shared_resources import Allowance, Shared
from pyratify.kubernetes.client.resource import Resource
from pyratify.kubernetes.executors.no_substitution import check_literal
from pyratify.kubernetes.executors.tenant import MAX_INSTRUCTIONS, NOWHERE, TenantResources, check_tenant
from pyratify.kubernetes.secrets.secret_reader import ClusterResources, SecretReader

if TYPE_CHECKING:
    from pyratify.kubernetes.client.api import Api

_BUILT = "executors[0]"
SPEC = "spec"


@dataclass(slots=True)
class Part:
    """One executor, closed when nobody uses it any more.

    Attributes:
        executor: The executor.
        config: What it was built from.
        common: Names what its verdicts depend on, alike in all processes with the same secret; empty where that cannot be told.
        secrets: Knows which Secrets were read; None where none can be.
    """

    executor: Executor
    config: ExecutorConfig
    common: str
    secrets: SecretReader | None
    _stack: AsyncExitStack = field(repr=False)
    _users: int = 0

    def keep(self) -> None:
        """Note one more user."""
        self._users += 1

    async def release(self) -> None:
        """Note that a user is gone; the last one closes what it holds open."""
        self._users -= 1
        if self._users == 0:
            await self._stack.aclose()

    def types(self) -> Iterator[tuple[str, str]]:
        """Iterate over the names of its verifiers and their plugins."""
        for verifier in self.config.verifiers:
            yield verifier.name, verifier.type


def lent_to(namespace: str, clock: Clock, shared: Shared, api: "Api | None" = None) -> ClusterResources:
    """Return what plugins are lent for the cluster (no namespace), or for a tenant.

    Args:
        namespace: The tenant; empty for the cluster.
        clock: The engine's clock.
        shared: What the engine's plugins share; a tenant's connections go to public addresses where it names no destinations.
        api: Where Secrets are read; they are not when omitted.
    """
    if namespace:
        shared = replace(shared, destinations=shared.destinations or PUBLIC_ONLY)
        own = SecretReader(api, namespace, tenant=True) if api else None
        return TenantResources(clock, NOWHERE, shared=shared, secrets=own)
    home = SecretReader(api, api.namespace, tenant=False) if api else None
    return ClusterResources(clock, Path.cwd(), shared=shared, secrets=home)


async def build_part(resource: Resource, lent: ClusterResources, secret: bytes | None = None) -> Part:
    """Build a resource.

    Args:
        resource: The resource.
        lent: What plugins are lent.
        secret: What processes that share verdicts have in common; None where nothing is shared.

    Raises:
        ConfigurationError: With the path of what is wrong, from `spec` on.
    """
    config = read_spec(resource.spec, tenant=resource.kind.namespaced)
    fingerprint = Fingerprint()
    add_configuration(fingerprint, Config(executors=(config,)), secret)
    secrets = lent.secrets.anew() if lent.secrets else None
    expressions = Allowance(MAX_INSTRUCTIONS) if resource.kind.namespaced else Allowance()
    shared = replace(lent.shared, fingerprint=fingerprint, expressions=expressions)
    lent = replace(lent, shared=shared, secrets=secrets)
    async with AsyncExitStack() as stack:
        builder = Builder(lent, stack, lent.shared.cache)
        try:
            executor = await builder.executor(config, 0)
        except ConfigurationError as error:
            raise _from_spec(error) from error
        mine = f"{resource.kind.name}/{resource.namespace}/{resource.uid}/{resource.generation}"
        common = fingerprint.generation(secret or b"")
        return Part(replace(executor, partition=mine), config, common, secrets, stack.pop_all())


def read_spec(spec: Any, *, tenant: bool) -> ExecutorConfig:
    """Return a specification as a configuration.

    Args:
        spec: JSON values.
        tenant: Whether it is a tenant's text.

    Raises:
        ConfigurationError: With the path of what is wrong, from `spec` on.
    """
    check_literal(spec, SPEC)
    config = decode(ExecutorConfig, spec, SPEC)
    try:
        check_scopes(Config(executors=(config,)))
        if tenant:
            check_tenant(config)
    except ConfigurationError as error:
        raise _from_spec(error) from None
    return config


def _from_spec(error: ConfigurationError) -> ConfigurationError:
    """Return the same error, its path begun at `spec`."""
    inner = error.path.removeprefix(_BUILT).removeprefix(".")
    return ConfigurationError(error.detail, path=join(SPEC, inner), reason=error.reason, remedy=error.remedy)
