"""Build the executor of one resource, with everything that it holds open."""

from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import field, replace
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
from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError
from pyratify.core.executor import Executor
from pyratify.core.fingerprint import Fingerprint
from pyratify.core.key_source import KeySource
from pyratify.core.shared_resources import Allowance, Shared
from pyratify.kubernetes.client.resource import Resource
from pyratify.kubernetes.executors.no_substitution import check_literal
from pyratify.kubernetes.executors.tenant import MAX_INSTRUCTIONS, NOWHERE, TenantResources, check_tenant
from pyratify.kubernetes.secrets.secret_reader import ClusterResources, SecretReader

if TYPE_CHECKING:
    from pyratify.kubernetes.client.api import Api  # not at run time: `config convert` needs no client

_BUILT = "executors[0]"
SPEC = "spec"


@dataclass(slots=True)
class BuiltExecutor:
    """One executor, closed when its last user releases it.

    Attributes:
        executor: The executor.
        config: What it was built from.
        common: Fingerprint of what its verdicts depend on, alike in all processes with the same secret; empty where there is none.
        secrets: The Secrets that were read; None where none can be.
        key_sources: The sources of keys that are read again.
    """

    executor: Executor
    config: ExecutorConfig
    common: str
    secrets: SecretReader | None
    key_sources: tuple[KeySource, ...]
    _stack: AsyncExitStack = field(repr=False)
    _users: int = 0

    def acquire(self) -> None:
        """Add a user."""
        self._users += 1

    async def release(self) -> None:
        """Remove a user; the last one closes what the executor holds open."""
        self._users -= 1
        if self._users == 0:
            await self._stack.aclose()

    def types(self) -> Iterator[tuple[str, str]]:
        """Iterate over the names of its verifiers and their plugins."""
        for verifier in self.config.verifiers:
            yield verifier.name, verifier.type


def plugin_resources_for(
    namespace: str, clock: Clock, shared: Shared, api: "Api | None" = None
) -> ClusterResources:
    """Return the services that plugins may use while they are built for the cluster (no namespace), or for a tenant.

    Args:
        namespace: The tenant; empty for the cluster.
        clock: The engine's clock.
        shared: Shared by the engine's plugins; without destinations, a tenant's connections go to public addresses only.
        api: The API server that Secrets are read from; none are when omitted.
    """
    if namespace:
        # Never unrestricted for a tenant, whatever the caller passed.
        shared = replace(shared, destinations=shared.destinations or PUBLIC_ONLY)
        own = SecretReader(api, namespace, tenant=True) if api else None
        return TenantResources(clock, NOWHERE, shared=shared, secrets=own)
    home = SecretReader(api, api.namespace, tenant=False) if api else None
    return ClusterResources(clock, Path.cwd(), shared=shared, secrets=home)


async def build_executor(
    resource: Resource, plugin_resources: ClusterResources, secret: bytes | None = None
) -> BuiltExecutor:
    """Build the executor of a resource.

    Args:
        resource: The resource.
        plugin_resources: Services for plugins while they are built.
        secret: Secret of the processes that share verdicts; None where none are shared.

    Raises:
        ConfigurationError: With the path of what is wrong, from `spec` on.
    """
    config = read_spec(resource.spec, tenant=resource.kind.namespaced)
    fingerprint = Fingerprint()
    add_configuration(fingerprint, Config(executors=(config,)), secret)
    # One for each executor, because `used` tells which changes of Secrets concern it.
    secrets = plugin_resources.secrets.fresh() if plugin_resources.secrets else None
    # Only a tenant's are bounded: its expressions take the CPU time of all others.
    expressions = Allowance(MAX_INSTRUCTIONS) if resource.kind.namespaced else Allowance()
    shared = replace(
        plugin_resources.shared, fingerprint=fingerprint, expressions=expressions, key_sources=[]
    )
    services = replace(plugin_resources, shared=shared, secrets=secrets)
    async with AsyncExitStack() as stack:
        builder = Builder(services, stack, shared.cache)
        try:
            executor = await builder.executor(config, 0)
        except ConfigurationError as error:
            raise _from_spec(error) from error
        # With the generation, because another credential of the new specification may read other content.
        mine = f"{resource.kind.name}/{resource.namespace}/{resource.uid}/{resource.generation}"
        common = fingerprint.generation(secret or b"")
        sources = tuple(shared.key_sources)
        return BuiltExecutor(
            replace(executor, partition=mine), config, common, secrets, sources, stack.pop_all()
        )


def read_spec(spec: Any, *, tenant: bool) -> ExecutorConfig:
    """Return a specification as a configuration.

    Args:
        spec: JSON values.
        tenant: Whether a NamespacedExecutor has it.

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
