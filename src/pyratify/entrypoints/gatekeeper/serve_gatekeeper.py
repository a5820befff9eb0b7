"""`ratify gatekeeper serve`: the provider made from flags."""

from argparse import Namespace

from pyratify.entrypoints.gatekeeper.gatekeeper_routes import provider_site
from pyratify.entrypoints.gatekeeper.provider import Provider, Settings
from pyratify.entrypoints.gatekeeper.request_keys import Namespaces
from pyratify.serving import process
from pyratify.serving.entry_point import Server, ServerContext
from pyratify.serving.server_flags import answer_within


def make(context: ServerContext) -> Server:
    """Return the provider as an entry point."""
    flags, metrics = context.flags, context.metrics
    provider = Provider(context.source, context.verdicts, _settings(flags), context.clock)
    if metrics is not None:
        provider.count, provider.decided = metrics.error, metrics.decided
    site = provider_site(
        provider,
        mutation=not flags.disable_mutation,
        max_keys=flags.max_keys,
        clock=context.clock,
        measure=metrics.request if metrics is not None else None,
    )
    return Server(
        site=site, aclose=provider.aclose, open_to_all=flags.allow_any_client, sweeps=(provider.sweep,)
    )


def run(flags: Namespace) -> None:
    """Serve until SIGTERM or an interrupt.

    Raises:
        ConfigurationError: A flag, a certificate or an address cannot be used.
    """
    process.run(flags, make)


def _settings(flags: Namespace) -> Settings:
    return Settings(
        verify_seconds=answer_within(flags.verify_timeout),
        mutate_seconds=answer_within(flags.mutate_timeout),
        namespaces=Namespaces(flags.namespaces),
    )
