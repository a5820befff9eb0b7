"""Builds an engine from a configuration."""

import secrets
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from pyratify.config.configuration_fingerprint import add_configuration
from pyratify.config.load import LoadedConfig, load_config
from pyratify.config.locations import join, within
from pyratify.config.plugin_resources import BuildResources, make, usable_tags
from pyratify.config.schema import ExecutorConfig, StoreConfig
from pyratify.config.scopes import check_reach, check_scopes
from pyratify.core.caching import ContentCache, MemoryCache
from pyratify.core.clock import Clock, SystemClock
from pyratify.core.dataclass import dataclass
from pyratify.core.engine import Engine
from pyratify.core.errors import ConfigurationError
from pyratify.core.executor import DEFAULT_CONCURRENCY, Executor
from pyratify.core.instrumented import instrument_engine
from pyratify.core.limits import Limits
from pyratify.core.platform_choice import PlatformChoice
from pyratify.core.plugin import proves_author
from pyratify.core.policy import PolicyEnforcer
from pyratify.core.scope import EVERYTHING, ScopeMap
from pyratify.core.shared_resources import Shared
from pyratify.core.store import Store
from pyratify.core.telemetry import Observer
from pyratify.core.verifier import Verifier


@asynccontextmanager
async def open_engine(
    source: LoadedConfig | str | Path, *, clock: Clock | None = None, cache: ContentCache | None = None
) -> AsyncIterator[Engine]:
    """Build the engine that a configuration describes, and close its stores at the end.

    Args:
        source: The configuration or its file.
        clock: The clock of every part; the system's when omitted.
        cache: The content cache, instead of the configuration's one in memory.

    Raises:
        ConfigurationError: With the path of what is wrong.
    """
    loaded = source if isinstance(source, LoadedConfig) else load_config(source)
    async with AsyncExitStack() as stack:
        yield await build_engine(loaded, stack, clock=clock, cache=cache)


async def build_engine(
    loaded: LoadedConfig,
    stack: AsyncExitStack,
    *,
    clock: Clock | None = None,
    cache: ContentCache | None = None,
    secret: bytes | None = None,
    observer: Observer | None = None,
) -> Engine:
    """Build the engine; what it holds open is closed with the stack. Arguments and errors as in `open_engine`.

    Args:
        loaded: The configuration.
        stack: Closes what the engine holds open.
        clock: The clock of every part; the system's when omitted.
        cache: The content cache.
        secret: The key of processes that share verdicts; with it, equal engines get the same generation.
        observer: Records resolving, listing, verifying and requests to registries.
    """
    kept = cache if cache is not None else _own_cache(loaded, stack)
    resources = BuildResources(clock or SystemClock(), loaded.base, shared=Shared(kept, observer))
    builder = Builder(resources, stack, kept)
    # Before any plugin is built: a wrong scope must not first cost requests for keys.
    check_scopes(loaded.config)
    add_configuration(resources.shared.fingerprint, loaded.config, secret)
    executors = [
        await builder.executor(config, index) for index, config in enumerate(loaded.config.executors)
    ]
    pairs = zip(loaded.config.executors, executors, strict=True)
    scopes = ((scope, executor) for config, executor in pairs for scope in config.scopes)
    common = resources.shared.fingerprint.generation(secret or b"")
    # Random where it is not common: it must not equal that of another configuration.
    engine = Engine(
        ScopeMap(scopes),
        generation=common or secrets.token_hex(8),
        common=bool(common),
        key_sources=tuple(resources.shared.key_sources),
    )
    # Registered last, so called first: validations are refused before stores close under them.
    stack.callback(engine.lifetime.close)
    return engine if observer is None else instrument_engine(engine, observer)


def _own_cache(loaded: LoadedConfig, stack: AsyncExitStack) -> ContentCache | None:
    memory = loaded.config.cache.memory_bytes
    if not memory:
        return None
    cache = MemoryCache(memory)
    # Emptied, not only dropped: what still refers to a replaced engine must not hold its documents.
    stack.callback(cache.clear)
    return cache


@dataclass(frozen=True, slots=True)
class Builder:
    """Builds executors.

    Attributes:
        resources: What plugins may use while they are built.
        stack: Closes the stores.
        cache: The engine's cache.
    """

    resources: BuildResources
    stack: AsyncExitStack
    cache: ContentCache | None

    async def executor(self, config: ExecutorConfig, index: int) -> Executor:
        """Build one executor with everything in it."""
        path = f"executors[{index}]"
        resources = self._resources(config)
        _check_names(config, path)
        _check_documents(config, path)
        verifiers = [
            await self.verifier(config, number, path, resources) for number in range(len(config.verifiers))
        ]
        try:
            _check_unsigned(config, dict(enumerate(verifiers)))
            return Executor(
                store=await self.store(config, path, resources),
                verifiers=tuple(verifiers),
                policy=await self.policy(config, path, resources),
                limits=_limits(config),
                platforms=_platforms(config, path),
                concurrency=config.concurrency or DEFAULT_CONCURRENCY,
                timeout=config.timeout,
                cache=self.cache,
                # Executors may use different credentials: content of one must not be read through another.
                partition=f"{self.resources.base}#{index}",
                clock=self.resources.clock,
            )
        except ConfigurationError as error:
            # `Executor` and the checks of values in it know no path of the configuration.
            raise error if error.path.startswith(path) else within(path, error) from None

    async def verifier(
        self, config: ExecutorConfig, number: int, path: str, resources: BuildResources
    ) -> Verifier:
        """Build one verifier."""
        one = config.verifiers[number]
        where = f"{path}.verifiers[{number}]"
        verifier: Verifier = await make("verifiers", (one.type, one.name), one.parameters, where, resources)
        return verifier

    async def store(self, config: ExecutorConfig, path: str, resources: BuildResources) -> Store:
        """Build the executor's store, of one or several."""
        check_reach(config, path)
        pairs: list[tuple[str, Store]] = []
        for number, one in enumerate(config.stores):
            store = await self._store(one, f"{path}.stores[{number}]", resources)
            pairs.extend((scope, store) for scope in one.scopes or (EVERYTHING,))
        # The usual case without a look-up for every request.
        if len(pairs) == 1 and pairs[0][0] == EVERYTHING:
            return pairs[0][1]
        # Lazy: only for several stores.
        from pyratify.stores.scoped import MuxStore

        return MuxStore(ScopeMap(pairs))

    async def policy(self, config: ExecutorConfig, path: str, resources: BuildResources) -> PolicyEnforcer:
        """Build the policy; when none is configured, one verifier's evidence is enough."""
        one = config.policy_enforcer
        if one is None:
            # Lazy: only without a policy of its own.
            from pyratify.policies.rule import Rule
            from pyratify.policies.threshold import ThresholdPolicy

            return ThresholdPolicy(Rule(None, tuple(Rule(name) for name in resources.verifiers), 1))
        where = f"{path}.policyEnforcer"
        policy: PolicyEnforcer = await make(
            "policies", (one.type, one.type), one.parameters, where, resources
        )
        return policy

    async def faults(self, config: ExecutorConfig, index: int) -> AsyncIterator[ConfigurationError]:
        """Iterate over everything that is wrong with one executor."""
        path, resources = f"executors[{index}]", self._resources(config)
        verifiers: dict[int, Verifier] = {}
        for number in range(len(config.verifiers)):
            try:
                verifiers[number] = await self.verifier(config, number, path, resources)
            except ConfigurationError as error:
                yield error
        # Coroutines, awaited one by one below, so that a fault of one part does not hide another.
        parts: tuple[Any, ...] = (self.store(config, path, resources), self.policy(config, path, resources))
        for part in parts:
            try:
                await part
            except ConfigurationError as error:
                yield error
        try:
            _check_unsigned(config, verifiers)
        except ConfigurationError as error:
            yield within(path, error)
        try:
            _check_names(config, path)
            _check_documents(config, path)
            _platforms(config, path)
        except ConfigurationError as error:
            yield error

    async def _store(self, one: StoreConfig, where: str, resources: BuildResources) -> Store:
        store: Store = await make("stores", (one.type, one.type), one.parameters, where, resources)
        # `aclose` is no part of `Store`: a store that holds nothing open need not have it.
        close = getattr(store, "aclose", None)
        if close is not None:
            self.stack.push_async_callback(close)
        return store

    def _resources(self, config: ExecutorConfig) -> BuildResources:
        names = tuple(verifier.name for verifier in config.verifiers)
        types = {verifier.name: verifier.type for verifier in config.verifiers}
        tags = usable_tags(verifier.type for verifier in config.verifiers)
        return replace(
            self.resources, scopes=config.scopes, verifiers=names, verifier_types=types, cosign_tags=tags
        )


def _limits(config: ExecutorConfig) -> Limits:
    return Limits(**dict(_pairs(config)))


def _check_unsigned(config: ExecutorConfig, verifiers: Mapping[int, Verifier]) -> None:
    """Refuse evidence that nothing signs where no policy says that it counts: any of it would be enough."""
    for number, verifier in verifiers.items():
        if config.policy_enforcer is None and getattr(verifier, "accepts_unsigned", False):
            raise ConfigurationError(
                "statements that are not signed count, and no policyEnforcer says what vouches for them",
                path=f"verifiers[{number}].parameters",
                remedy="Add a policyEnforcer whose rule for this verifier has requireSigned: true and rules for the signature of the attestation.",
            )


def _check_documents(config: ExecutorConfig, path: str) -> None:
    """Refuse verifiers of documents that prove no author where no policy says what vouches for them: any of those would be enough."""
    for number, one in enumerate(config.verifiers if config.policy_enforcer is None else ()):
        if not proves_author(one.type):
            raise ConfigurationError(
                f"any account that can push could attach what {one.name!r} accepts, and no policyEnforcer says what vouches for it",
                path=join(path, f"verifiers[{number}]"),
                remedy="Add a policyEnforcer with a rule for this verifier, and below it a rule for the signature of the document.",
            )


def _platforms(config: ExecutorConfig, path: str) -> PlatformChoice:
    try:
        return PlatformChoice.parse(config.platforms)
    except ValueError as error:
        raise ConfigurationError(str(error), path=join(path, "platforms")) from None


def _pairs(config: ExecutorConfig) -> Iterator[tuple[str, int]]:
    for name in config.limits.__struct_fields__:
        yield name, getattr(config.limits, name)


def _check_names(config: ExecutorConfig, path: str) -> None:
    names = [verifier.name for verifier in config.verifiers]
    for number, name in enumerate(names):
        if name in names[:number]:
            raise ConfigurationError(
                f"two verifiers are called {name!r}",
                path=join(path, f"verifiers[{number}].name"),
                remedy="Rename one of them: rules refer to verifiers by name.",
            )
