"""`ratify service serve`: the service made from flags."""

from argparse import Namespace
from functools import partial
from pathlib import Path

from pyratify.core.errors import ConfigurationError
from pyratify.entrypoints.service.access import LOOPBACK, Callers
from pyratify.entrypoints.service.bearer_tokens import TokenFile
from pyratify.entrypoints.service.decisions import Decisions
from pyratify.entrypoints.service.service_routes import Entrance, service_site
from pyratify.entrypoints.service.verification_service import Service, Settings
from pyratify.serving import process
from pyratify.serving.entry_point import Server, ServerContext
from pyratify.serving.http.server import Address
from pyratify.serving.server_flags import answer_within


def make(context: ServerContext) -> Server:
    """Return the service as an entry point.

    Raises:
        ConfigurationError: The token file cannot be used, or the address would be exposed without authentication.
    """
    flags, metrics = context.flags, context.metrics
    tokens = TokenFile(Path(flags.token_file)) if flags.token_file else None
    _check(flags, tokens)
    service = Service(
        context.source, context.verdicts, _settings(flags), context.clock, Decisions(flags.keep)
    )
    if metrics is not None:
        service.count = metrics.error
    entrance = Entrance(
        callers=Callers(tokens, _hosts(flags, tokens)),
        most=flags.max_references,
        certificates=bool(flags.client_ca_file),
        # Each worker keeps its own decisions; which of them answers is up to the kernel.
        shows=flags.workers == 1,
        clock=context.clock,
        measure=metrics.request if metrics is not None else None,
    )
    return Server(
        site=service_site(service, entrance),
        aclose=service.aclose,
        open_to_all=tokens is not None,  # the tokens take the place of certificates
        watch=partial(tokens.watch, context.clock) if tokens is not None else None,
        checks={"tokens": lambda: tokens.fault} if tokens is not None else {},
    )


def run(flags: Namespace) -> None:
    """Serve until SIGTERM or an interrupt.

    Raises:
        ConfigurationError: A flag, a certificate, the token file or an address cannot be used.
    """
    process.run(flags, make)


def _check(flags: Namespace, tokens: TokenFile | None) -> None:
    # The same rule as for all servers, said here because a token is another way to comply.
    if tokens is None and not flags.client_ca_file and not Address.parse(flags.address).is_loopback:
        raise ConfigurationError(
            "other machines can reach this address, and neither a token nor a client certificate is required",
            remedy="Give --token-file or --client-ca-file, or an --address on 127.0.0.1.",
        )


def _hosts(flags: Namespace, tokens: TokenFile | None) -> frozenset[str] | None:
    """Return the accepted host names, where neither a token nor TLS keeps foreign pages in a browser out."""
    # With TLS a rebound name fails at the certificate, and a page cannot send the token.
    if tokens is not None or flags.cert_file:
        return None
    return LOOPBACK | {name.lower() for name in flags.host}


def _settings(flags: Namespace) -> Settings:
    return Settings(
        verify_seconds=answer_within(flags.verify_timeout),
        resolve_seconds=answer_within(flags.resolve_timeout),
    )
