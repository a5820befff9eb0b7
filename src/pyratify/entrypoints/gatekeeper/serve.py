"""`ratify gatekeeper serve`: the provider as a process, from flags to its end."""

import asyncio
import logging
import signal
from argparse import Namespace
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pyratify.config.locate import locate
from pyratify.config.watch import WatchedConfig
from pyratify.core.clock import Clock, SystemClock
from pyratify.core.errors import ConfigurationError
from pyratify.core.guard import end
from pyratify.core.verdicts import Verdicts
from pyratify.entrypoints.gatekeeper.flags import answer_within
from pyratify.entrypoints.gatekeeper.keys import Namespaces
from pyratify.entrypoints.gatekeeper.provider import Provider, Settings
from pyratify.entrypoints.gatekeeper.site import provider_site
from pyratify.entrypoints.serving.health import Readiness, health_site, metrics_site
from pyratify.entrypoints.serving.http import Address, listening
from pyratify.entrypoints.serving.tls import ReloadingTls, TlsFiles

if TYPE_CHECKING:
    from pyratify.entrypoints.serving.metrics import Metrics

_LOG = logging.getLogger("pyratify.gatekeeper")


@dataclass(slots=True)
class Process:
    """The provider as a process.

    Attributes:
        flags: What the command line said.
        clock: Where all times come from.
        stop: Set when the process is to end.
        started: Told where the provider and its health are served.
    """

    flags: Namespace
    clock: Clock = field(default_factory=SystemClock)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    started: Callable[[Address, Address], None] | None = None

    async def run(self) -> None:
        """Serve until told to stop, then finish what is under way.

        Raises:
            ConfigurationError: A flag, a certificate or an address cannot be used. A configuration that is wrong is not an
                error: nothing is allowed and the process is not ready until it is right.
        """
        address, tls = Address.parse(self.flags.address), self._tls()
        check_exposure(address, tls, any_client=self.flags.allow_any_client)
        metrics = _metrics(self.clock) if self.flags.enable_metrics else None
        config = WatchedConfig(_config_file(self.flags.config), self.clock)
        readiness = Readiness({"configuration": config.trouble, "certificates": lambda: _fault(tls)})
        provider = Provider(config, Verdicts(self.clock), self._settings(), self.clock)
        if metrics is not None:
            config.dress, provider.count = metrics.measured, metrics.error
            metrics.watch(_gauges(config, provider.verdicts))
        site = provider_site(
            provider,
            mutation=not self.flags.disable_mutation,
            max_keys=self.flags.max_keys,
            clock=self.clock,
            measure=metrics.request if metrics is not None else None,
        )
        async with AsyncExitStack() as stack:
            stack.push_async_callback(config.aclose)
            await config.refresh()
            self._follow(stack, config, tls)
            health = await stack.enter_async_context(
                listening(health_site(readiness), Address.parse(self.flags.health_address))
            )
            if metrics is not None:
                port = Address(Address.parse(self.flags.health_address).host, self.flags.metrics_port)
                await stack.enter_async_context(listening(metrics_site(metrics.expose), port))
            stack.push_async_callback(provider.aclose)
            where = await stack.enter_async_context(listening(site, address, tls.context if tls else None))
            _LOG.info("serving", extra={"address": f"{where.host}:{where.port}", "tls": tls is not None})
            if self.started is not None:
                self.started(where, health)
            await self.stop.wait()
            readiness.draining = True
            _LOG.info("draining")
            await self.clock.sleep(self.flags.drain)

    def _settings(self) -> Settings:
        return Settings(
            verify_seconds=answer_within(self.flags.verify_timeout),
            mutate_seconds=answer_within(self.flags.mutate_timeout),
            namespaces=Namespaces(self.flags.namespaces),
        )

    def _tls(self) -> ReloadingTls | None:
        certificate, key = self.flags.cert_file, self.flags.key_file
        if bool(certificate) != bool(key):
            raise ConfigurationError("--cert-file and --key-file belong together")
        authority = self.flags.gatekeeper_ca_cert_file
        if not certificate:
            if authority:
                raise ConfigurationError("--gatekeeper-ca-cert-file needs --cert-file and --key-file")
            return None
        return ReloadingTls(TlsFiles(Path(certificate), Path(key), Path(authority) if authority else None))

    def _follow(self, stack: AsyncExitStack, config: WatchedConfig, tls: ReloadingTls | None) -> None:
        """Follow the files until the stack is closed."""
        tasks = [asyncio.create_task(config.watch())]
        if tls is not None:
            tasks.append(asyncio.create_task(tls.watch(self.clock)))
        stack.push_async_callback(end, *tasks)


def run(flags: Namespace) -> None:
    """Serve until SIGTERM or an interrupt; errors as in `Process.run`."""
    from pyratify.entrypoints.serving.logs import set_up, tear_down

    handler = set_up(flags.log_level)
    try:
        asyncio.run(_until_signalled(flags))
    finally:
        tear_down(handler)


async def _until_signalled(flags: Namespace) -> None:
    process = Process(flags)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, process.stop.set)
    await process.run()


def check_exposure(address: Address, tls: ReloadingTls | None, *, any_client: bool) -> None:
    """Refuse to be an oracle for everybody who can reach the address.

    Raises:
        ConfigurationError: Other machines can reach it, and there is no TLS or no authority of clients.
    """
    if address.is_loopback:
        return
    if tls is None:
        raise ConfigurationError(
            "without TLS only this machine is served",
            remedy="Give --cert-file and --key-file, or an --address on 127.0.0.1.",
        )
    if tls.files.client_ca is None and not any_client:
        raise ConfigurationError(
            "anybody in the cluster could ask",
            remedy="Give --gatekeeper-ca-cert-file; --allow-any-client serves everybody as Ratify v2 does without it.",
        )


def _metrics(clock: Clock) -> "Metrics":
    try:
        from pyratify.entrypoints.serving.metrics import Metrics
    except ImportError:
        raise ConfigurationError(
            "metrics need prometheus_client", remedy="Install it: pip install 'pyratify[metrics]'."
        ) from None
    return Metrics(clock)


def _gauges(config: WatchedConfig, verdicts: Verdicts) -> Mapping[str, Callable[[], float]]:
    return {
        "ratify_executor_scopes": lambda: len(config.current.engine.executors) if config.current else 0,
        "ratify_configuration_wrong": lambda: float(config.fault is not None),
        "ratify_verdicts_remembered": lambda: len(verdicts),
        "ratify_verdict_cache_hits": lambda: verdicts.hits,
        "ratify_verdict_cache_misses": lambda: verdicts.misses,
    }


def _config_file(given: str | None) -> Path:
    return locate(given) or Path.home() / ".ratify" / "config.json"


def _fault(tls: ReloadingTls | None) -> str:
    return tls.fault.message if tls is not None and tls.fault is not None else ""
