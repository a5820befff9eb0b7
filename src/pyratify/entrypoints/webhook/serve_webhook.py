"""`ratify webhook serve`: the webhook made from flags."""

from argparse import Namespace
from contextlib import aclosing
from pathlib import Path

from pyratify.entrypoints.webhook.admission import Webhook
from pyratify.entrypoints.webhook.namespaces import NamespaceLabels
from pyratify.entrypoints.webhook.rules.watch_rules import FollowedRules
from pyratify.entrypoints.webhook.webhook_routes import webhook_site
from pyratify.kubernetes.client.cluster import Cluster
from pyratify.kubernetes.client.in_cluster import has_cluster
from pyratify.serving import process
from pyratify.serving.entry_point import Server, ServerContext
from pyratify.serving.pull_secrets import pull_secrets


def make(context: ServerContext) -> Server:
    """Return the webhook as an entry point; API servers seldom have client certificates, so none is required.

    Raises:
        ConfigurationError: The rules cannot be read, or Secrets are to be read where there is no cluster.
    """
    flags, metrics = context.flags, context.metrics
    rules = FollowedRules(Path(flags.rules) if flags.rules else None, context.clock, has_cluster())
    cluster = Cluster()
    namespaces = NamespaceLabels(cluster.namespace, context.clock)
    secrets = pull_secrets(flags, cluster, context.clock)
    webhook = Webhook(context.source, context.verdicts, rules, context.clock, namespaces, secrets)
    site = webhook_site(
        webhook,
        seconds=flags.timeout,
        clock=context.clock,
        measure=metrics.admission if metrics is not None else None,
    )

    async def aclose() -> None:
        """End evaluations under way, then close the client of the API server."""
        async with aclosing(
            cluster
        ):  # last, as what is cancelled here may still be using it; and whatever fails
            await webhook.aclose()

    return Server(
        site=site,
        aclose=aclose,
        open_to_all=True,
        watch=rules.watch,
        sweeps=() if secrets is None else (secrets.sweep,),
        checks={"rules": rules.unready_reason},
    )


def run(flags: Namespace) -> None:
    """Serve until SIGTERM or an interrupt.

    Raises:
        ConfigurationError: A flag, the rules, a certificate or an address cannot be used.
    """
    process.run(flags, make)
