"""The plugin `github-store`: a registry, and beside it the attestations that are only in GitHub's API."""

import re
from dataclasses import replace

from pyratify.core.errors import ConfigurationError
from pyratify.core.plugin import Plugin, Resources
from pyratify.core.reference import is_loopback
from pyratify.http.http_options import HttpOptions
from pyratify.http.url import Url
from pyratify.pki.certificate_authorities import read_authorities
from pyratify.stores.github.github_api import GitHubApi
from pyratify.stores.github.github_options import AttestationsOptions, GitHubOptions
from pyratify.stores.github.github_store import GitHubStore
from pyratify.stores.registry.registry_plugin import build as build_registry

_NAME = r"[A-Za-z0-9_.-]{1,100}"
_REPOSITORY = re.compile(rf"({_NAME})/({_NAME})", re.ASCII)
_OWNER = re.compile(_NAME, re.ASCII)


async def build(name: str, options: GitHubOptions, resources: Resources) -> GitHubStore:
    """Build the store.

    Raises:
        ConfigurationError: With the path of the parameter that cannot be used.
    """
    api = options.attestations
    address, owner = _address(api), _owner(api)
    ca_pem = read_authorities(api.ca_file, resources.base, "attestations.caFile")
    resources.shared.fingerprint.add("certificate authorities of GitHub", ca_pem.encode())
    credentials = await resources.credentials(api.credential, "attestations.credential")
    registry = await build_registry(name, options, resources)
    from pyratify.http.transport_asyncio import asyncio_transport

    settings = HttpOptions(
        ca_pem=ca_pem,
        proxy_from_environment=options.proxy_from_environment,
        connect_timeout=options.connect_timeout,
        destinations=resources.shared.destinations,
    )
    return GitHubStore(
        registry,
        GitHubApi(
            address,
            owner,
            asyncio_transport(settings),
            credentials,
            api.max_attestations,
            options.timeout,
            # GitHub answers 404 under the path of organizations where the name is a user's.
            otherwise=f"users/{api.owner}" if api.owner else "",
        ),
    )


def _address(options: AttestationsOptions) -> Url:
    try:
        url = Url.parse(options.url)
    except ValueError:
        url = None
    # Over plain http the network could read the token.
    safe = url is not None and (url.origin.scheme == "https" or is_loopback(url.origin.authority))
    if url is None or not safe or "?" in url.target:
        raise ConfigurationError(
            f"{options.url[:120]!r} is no https address of an API",
            path="attestations.url",
            remedy="Write https://api.github.com, https://HOST/api/v3 or https://api.SUBDOMAIN.ghe.com.",
        )
    return replace(url, target=url.target.rstrip("/") or "/")


def _owner(options: AttestationsOptions) -> str:
    if bool(options.repository) == bool(options.owner):
        raise ConfigurationError(
            "it needs a repository or an owner, and not both",
            path="attestations.repository",
            remedy="Write repository: octo/app, the repository that built the images.",
        )
    pattern, text = (_REPOSITORY, options.repository) if options.repository else (_OWNER, options.owner)
    parts = text.split("/")
    # Dots alone would lead to another path of the API, with the token.
    if not pattern.fullmatch(text) or any(set(part) <= {"."} for part in parts):
        which = "repository" if options.repository else "owner"
        raise ConfigurationError(f"{text[:120]!a} is no {which} on GitHub", path=f"attestations.{which}")
    return f"repos/{text}" if options.repository else f"orgs/{text}"


plugin = Plugin(
    options=GitHubOptions,
    build=build,
    summary="OCI registries, and beside them the attestations in GitHub's API",
    traced=True,
)
