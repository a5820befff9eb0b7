"""An engine without any configuration: built from the flags alone, and importing nothing that they do not need."""

import os
from argparse import Namespace
from collections.abc import Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from pyratify.core.caching import ContentCache
from pyratify.core.errors import ConfigurationError
from pyratify.core.executor import Executor
from pyratify.core.limits import Limits
from pyratify.core.platform_choice import PlatformChoice
from pyratify.core.policy import NoPolicy, PolicyEnforcer
from pyratify.core.reference import Reference
from pyratify.core.store import COSIGN_TAGS, Store
from pyratify.core.verifier import Verifier
from pyratify.entrypoints.cli.engines.attestation_flags import attestation_flag
from pyratify.entrypoints.cli.engines.cosign_flags import is_cosign
from pyratify.entrypoints.cli.engines.document_flags import document_flag
from pyratify.entrypoints.cli.engines.flag_files import read_flag_file
from pyratify.entrypoints.cli.engines.session import timeout
from pyratify.entrypoints.cli.targets import Target

if TYPE_CHECKING:
    from pyratify.policies.threshold import ThresholdPolicy

REPOSITORY_VARIABLE = "COSIGN_REPOSITORY"


def is_direct(arguments: Namespace) -> bool:
    """Return whether the flags themselves say what is trusted.

    Raises:
        ConfigurationError: They do, and name a configuration too, or are not complete.
    """
    cosign = is_cosign(arguments)
    policy = arguments.trust_policy or arguments.notation or arguments.notation_config
    notation = arguments.cert or policy
    named = cosign or notation
    # A flag without effect is an error: it would be believed to restrict what is trusted.
    for flag, value, other, needed in (
        ("--trusted-identity", arguments.trusted_identity, "--cert", arguments.cert),
        ("--trust-store", arguments.trust_store, "--trust-policy", policy),
        ("--user-metadata", arguments.user_metadata, "--cert or --trust-policy", notation),
        ("--plugin", arguments.plugin, "--cert or --trust-policy", notation),
        ("--plugin-dir", arguments.plugin_dir, "--plugin", arguments.plugin),
        ("--max-signatures", arguments.max_signatures, "--key, --cert or --trust-policy", named),
        ("--wildcard-scopes", arguments.wildcard_scopes, "--trust-policy", policy),
        ("-a", arguments.annotations, "--key or --certificate-identity", cosign),
        ("--trusted-root", arguments.trusted_root, "--key or --certificate-identity", cosign),
        ("--signature-repository", arguments.signature_repository, "--key, --cert or --trust-policy", named),
        (
            "--attachment-tag-prefix",
            arguments.attachment_tag_prefix,
            "--key or --certificate-identity",
            cosign,
        ),
        ("--insecure-ignore-tlog", arguments.insecure_ignore_tlog, "--key or --certificate-identity", cosign),
        ("--insecure-ignore-sct", arguments.insecure_ignore_sct, "--certificate-identity", cosign),
        (attestation := attestation_flag(arguments), attestation, "--key or --certificate-identity", cosign),
        (document := document_flag(arguments), document, "--key, --cert or --trust-policy", named),
    ):
        if value and not needed and arguments.config:
            raise ConfigurationError(
                f"-c and {flag} exclude one another",
                remedy=f"Write in the configuration what {flag} means, or leave out -c and give {other}.",
            )
        if value and not needed:
            raise ConfigurationError(f"{flag} needs {other}", remedy=f"Give {other} too.")
    if arguments.user_metadata and cosign:
        raise ConfigurationError(
            "--user-metadata is for notation: cosign signatures, which --key and --certificate-identity trust, have none",
            remedy="Leave out --key and --certificate-identity, or write a configuration.",
        )
    if attestation and notation:
        raise ConfigurationError(
            f"{attestation} asks for a statement, and a notation signature holds none",
            remedy=f"Leave out {attestation}, or the flags of notation.",
        )
    # Two sources of trust: the union would accept more than either of them says.
    if named and arguments.config:
        raise ConfigurationError(
            f"-c and {given_trust(arguments)} exclude one another",
            remedy="Leave out one of them; a configuration may name keys and certificates too.",
        )
    return bool(named)


def given_trust(arguments: Namespace) -> str:
    """Return the first flag that says what is trusted, as it was written."""
    identity = ("certificate_identity", "certificate_identity_regexp", "certificate_oidc_issuer")
    names = ("key", *identity, "signer_workflow", "cert")
    found = (
        name for name in (*names, "trust_policy", "notation", "notation_config") if getattr(arguments, name)
    )
    return f"--{next(found, 'certificate-identity').replace('_', '-')}"


def direct_executor(
    arguments: Namespace, store: Store, verifiers: tuple[Verifier, ...], policy: PolicyEnforcer
) -> Executor:
    """Return an executor with the verifiers and the policy that the flags ask for."""
    return Executor(
        store=store,
        verifiers=verifiers,
        policy=policy,
        timeout=timeout(arguments),
        cache=disk_cache(arguments),
        limits=direct_limits(arguments),
        platforms=chosen_platforms(arguments) or PlatformChoice(),
    )


def direct_limits(arguments: Namespace) -> Limits:
    """Return the bounds; the flag limits what is attached, and raises how many signatures one artifact may hold."""
    most = arguments.max_signatures
    # Never lower than the default: one cosign artifact holds all signatures of its image as layers.
    return Limits(referrers=most, signatures=max(most, Limits().signatures)) if most else Limits()


def chosen_platforms(arguments: Namespace) -> PlatformChoice | None:
    """Return what `--platform` says; None where it is not given.

    Raises:
        ConfigurationError: It is no platform, or a word beside others.
    """
    # Commands that decide nothing have no such flag.
    given: list[str] = getattr(arguments, "platform", [])
    if not given:
        return None
    try:
        return PlatformChoice.parse(",".join(given))
    except ValueError as error:
        raise ConfigurationError(
            f"--platform: {error}", remedy="Write --platform linux/amd64, or one of index, each and any."
        ) from None


def reading_executor(
    arguments: Namespace, store: Store, verifier: Verifier, platforms: PlatformChoice
) -> Executor:
    """Return an executor that looks at everything and decides nothing."""
    return Executor(
        store=store,
        verifiers=(verifier,),
        policy=NoPolicy(),
        platforms=platforms,
        timeout=timeout(arguments),
        cache=disk_cache(arguments),
    )


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
    from pyratify.stores.registry.certificate_authorities import plain_certificates
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
        ca_pem=plain_certificates(read_flag_file(ca_file, "--ca-file"), "--ca-file") if ca_file else "",
        timeout=timeout(arguments),
    )
    store = RegistryStore(options, DockerCredentials(), asyncio_transport(options))
    # Registered before the first request: an interrupt must close connections too.
    stack.push_async_callback(store.aclose)
    return store


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


def disk_cache(arguments: Namespace) -> ContentCache | None:
    """Return the cache that outlives the run, or None with `--no-cache` or where there is no folder for it."""
    if arguments.no_cache:
        return None
    from pyratify.caches.sqlite_content import SqliteCache

    try:
        home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    except RuntimeError:  # no home; the run works without a cache
        return None
    folder = Path(home)
    # The XDG Base Directory Specification has relative paths ignored.
    return SqliteCache(folder / "ratify" / "content.sqlite") if folder.is_absolute() else None


def any_of(verifiers: Iterable[str]) -> "ThresholdPolicy":
    """Return the policy that is satisfied by the evidence of one of the named verifiers."""
    from pyratify.policies.rule import Rule
    from pyratify.policies.threshold import ThresholdPolicy

    # A threshold of 1 is explicit: a rule without one asks for all of them.
    return ThresholdPolicy(Rule(None, tuple(map(Rule, verifiers)), 1))
