"""The parameters of a store of type `github-store`."""

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta, Struct

from pyratify.stores.registry.registry_plugin import Options as RegistryParameters


class AttestationsOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Where attestations are, beside those in the registry.

    Attributes:
        repository: The repository on GitHub that built the images, as `octo/app`.
        owner: In place of a repository: the organization or user, of all whose repositories attestations are taken.
        url: The API: of GitHub Enterprise Server `https://HOST/api/v3`, of an enterprise with data residency
            `https://api.SUBDOMAIN.ghe.com`.
        credential: Where its token comes from, by a `provider` that has one for the API's host; anonymous when omitted, which public
            repositories allow.
        max_attestations: How many of one image are read.
        ca_file: The path of CA certificates of the API's host, in place of the system's.
    """

    repository: str = ""
    owner: str = ""
    url: str = "https://api.github.com"
    credential: Mapping[str, Any] | None = None
    max_attestations: Annotated[int, Meta(ge=1, le=1000)] = 100
    ca_file: str = ""


class GitHubOptions(
    RegistryParameters, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"
):
    """The parameters of a store of type `github-store`: those of `registry-store`, and where attestations are.

    Attributes:
        attestations: Where attestations are, beside those in the registry.
    """

    attestations: AttestationsOptions
