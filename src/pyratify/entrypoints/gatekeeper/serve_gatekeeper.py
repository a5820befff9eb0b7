"""`ratify gatekeeper serve`: the provider made from flags."""

from argparse import Namespace
from contextlib import aclosing

from pyratify.core.errors import ConfigurationError
from pyratify.entrypoints.gatekeeper.gatekeeper_routes import provider_site
from pyratify.entrypoints.gatekeeper.provider import Provider, Settings
from pyratify.entrypoints.gatekeeper.request_keys import Namespaces
from pyratify.kubernetes.client.cluster import Cluster
from pyratify.serving import process
from pyratify.serving.entry_point import Server, ServerContext
from pyratify.serving.pull_secrets import pull_secrets
from pyratify.serving.server_flags import answer_within


def make(context: ServerContext) -> Server:
    """Return the provider as an entry point.

    Raises:
        ConfigurationError: Secrets are to be read where there is no cluster, or for keys without a namespace.
    """
    flags, metrics = context.flags, context.metrics
    cluster = Cluster()
    provider = Provider(context.source, context.verdicts, _settings(flags), context.clock)
    provider.secrets = secrets = pull_secrets(flags, cluster, context.clock)
    if metrics is not None:
        provider.count, provider.decided = metrics.error, metrics.decided
    site = provider_site(
        provider,
        mutation=not flags.disable_mutation,
        max_keys=flags.max_keys,
        clock=context.clock,
        measure=metrics.request if metrics is not None else None,
    )

    async def aclose() -> None:
        """End evaluations under way, then close the client of the API server."""
        async with aclosing(
            cluster
        ):  # last, as what is cancelled here may still be using it; and whatever fails
            await provider.aclose()

    sweeps = (provider.sweep,) if secrets is None else (provider.sweep, secrets.sweep)
    return Server(site=site, aclose=aclose, open_to_all=flags.allow_any_client, sweeps=sweeps)


def run(flags: Namespace) -> None:
    """Serve until SIGTERM or an interrupt.

    Raises:
        ConfigurationError: A flag, a certificate or an address cannot be used.
    """
    process.run(flags, make)


def _settings(flags: Namespace) -> Settings:
    # A key without a prefix begins with what the author of an object wrote: `[other]image` would borrow that namespace's Secrets.
    if flags.pull_secrets and flags.namespaces != Namespaces.REQUIRED:
        raise ConfigurationError(
            f"--pull-secrets needs a namespace in every key, and --namespaces is {flags.namespaces}",
            remedy="Add --namespaces required, with constraint templates that write [namespace]reference.",
        )
    return Settings(
        verify_seconds=answer_within(flags.verify_timeout),
        mutate_seconds=answer_within(flags.mutate_timeout),
        namespaces=Namespaces(flags.namespaces),
    )
