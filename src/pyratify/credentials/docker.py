"""The plugin `docker`: credentials as `docker login` leaves them."""

import msgspec

from pyratify.core.credential import CredentialProvider
from pyratify.core.errors import ConfigurationError
from pyratify.core.plugin import Plugin, Resources
from pyratify.credentials.docker_config import DockerCredentials


class DockerOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Parameters of the provider.

    Attributes:
        path: The `config.json`; where Docker looks for it when omitted.
    """

    path: str | None = None


async def build(name: str, options: DockerOptions, resources: Resources) -> CredentialProvider:
    """Make the provider.

    Raises:
        ConfigurationError: There is no file at the path that is named.
    """
    del name
    if options.path is None:
        return DockerCredentials()
    path = resources.base / options.path
    # A path that was named and is wrong would otherwise mean anonymous access, and a confusing 401 later.
    if not path.is_file():
        raise ConfigurationError(f"there is no file {path}", path="path")
    return DockerCredentials(path)


plugin: Plugin[CredentialProvider] = Plugin(
    options=DockerOptions, build=build, summary="Docker's config.json, with its credential helpers"
)
