"""A store without any configuration, built from the flags; it imports no verifier, so that a registry can be asked at once."""

import os
from argparse import Namespace
from contextlib import AsyncExitStack

from pyratify.core.reference import Reference
from pyratify.core.store import COSIGN_TAGS, Store
from pyratify.entrypoints.cli.engines.flag_files import read_flag_file
from pyratify.entrypoints.cli.targets import Target

REPOSITORY_VARIABLE = "COSIGN_REPOSITORY"
TIMEOUT = 60.0
"""Seconds for each reference where no flag says otherwise."""


def direct_store(
    arguments: Namespace,
    targets: tuple[Target, ...],
    stack: AsyncExitStack,
    cosign_tags: tuple[str, ...] = COSIGN_TAGS,
) -> Store:
    """Return the store for these targets; where all are layouts, nothing of registries is imported.

    Args:
        arguments: The parsed flags.
        targets: The references of the run.
        stack: Closes the store.
        cosign_tags: Which of cosign's tags can matter.

    Raises:
        ConfigurationError: The CA file cannot be read, or what names the repository of signatures names none.
    """
    if all(target.reference.is_layout for target in targets):
        from pyratify.stores.layout.layout_store import LayoutStore  # no registry, no HTTP and TLS modules

        return LayoutStore(targets[0].reference.repository)
    return registry_store(arguments, stack, cosign_tags)


def registry_store(arguments: Namespace, stack: AsyncExitStack, cosign_tags: tuple[str, ...]) -> Store:
    """Return the store of registries, with the credentials that `docker login` left; arguments as in `direct_store`."""
    from pyratify.credentials.docker_config import DockerCredentials
    from pyratify.http.transport_asyncio import asyncio_transport
    from pyratify.stores.registry.registry_options import RegistryOptions
    from pyratify.stores.registry.registry_store import RegistryStore

    ca_file = arguments.ca_file
    options = RegistryOptions(
        # Over http a CA file would protect nothing, so it implies https; None is the loopback's rule.
        plain_http=True if arguments.plain_http else False if arguments.https or ca_file else None,
        cosign_tags=True,
        cosign_suffixes=cosign_tags,
        cosign_tag_prefix=read_prefix(arguments),
        signatures=signature_repository(arguments),
        ca_pem=_authorities(ca_file) if ca_file else "",
        timeout=timeout(arguments),
    )
    store = RegistryStore(options, DockerCredentials(), asyncio_transport(options))
    # Registered before the first request: an interrupt must close connections too.
    stack.push_async_callback(store.aclose)
    return store


def _authorities(ca_file: str) -> str:
    from pyratify.pki.certificate_authorities import plain_certificates

    return plain_certificates(read_flag_file(ca_file, "--ca-file"), "--ca-file")


def read_prefix(arguments: Namespace) -> str:
    """Return what stands before cosign's tags.

    Raises:
        ConfigurationError: No tag can begin with it.
    """
    prefix: str = arguments.attachment_tag_prefix
    if prefix:
        from pyratify.stores.registry.signature_repository import check_prefix

        check_prefix(prefix, "--attachment-tag-prefix")
    return prefix


def signature_repository(arguments: Namespace) -> Reference | None:
    """Return where signatures are: as a flag says, or for cosign's signatures alone as its own variable says.

    Raises:
        ConfigurationError: The flag or variable names no repository.
    """
    name, origin = arguments.signature_repository, "--signature-repository"
    # cosign's variable is about cosign's signatures: notation keeps its own with the image.
    if not name and not getattr(arguments, "cert", None) and not getattr(arguments, "trust_policy", None):
        name, origin = os.environ.get(REPOSITORY_VARIABLE, ""), f"${REPOSITORY_VARIABLE}"
    if not name:
        return None
    from pyratify.stores.registry.signature_repository import read_repository

    return read_repository(name, origin)


def timeout(arguments: Namespace) -> float:
    """Return the seconds for each reference."""
    return TIMEOUT if arguments.timeout is None else float(arguments.timeout)  # `or` would hide a 0
