"""The plugin `gcpkms`: public keys of Cloud KMS, by cosign's references."""

from functools import partial
from typing import Annotated

import msgspec

from pyratify.core.errors import ConfigurationError
from pyratify.core.plugin import Plugin, Resources
from pyratify_gcp.google_hosts import is_api
from pyratify_gcp.google_tokens import GoogleTokens
from pyratify_gcp.kms import KmsKeys, KmsReference, parse_reference

_ENDPOINT = "https://cloudkms.googleapis.com"


class KmsOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Parameters of the provider.

    Attributes:
        references: Keys, as `gcpkms://projects/P/locations/L/keyRings/R/cryptoKeys/K`.
        credentials_file: A credential file; what the environment has when omitted.
        endpoint: The address of Cloud KMS, as of a private endpoint.
        refresh_interval: Seconds after which the keys are read again; 0 for never.
    """

    references: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=64)]
    credentials_file: str = ""
    endpoint: str = _ENDPOINT
    refresh_interval: Annotated[float, msgspec.Meta(ge=0)] = 3600.0


async def build(name: str, options: KmsOptions, resources: Resources) -> KmsKeys:
    """Make the provider.

    Raises:
        ConfigurationError: A reference that is none, a file that is not there, or an endpoint that is not https or not Google's.
    """
    from pyratify.http.http_options import HttpOptions
    from pyratify.http.json_api import JsonApi, parse_address
    from pyratify.http.transport_asyncio import asyncio_transport

    del name
    file = resources.base / options.credentials_file if options.credentials_file else None
    if file is not None and not file.is_file():
        raise ConfigurationError(f"there is no file {file}", path="credentialsFile")
    address = parse_address(options.endpoint, "endpoint", _ENDPOINT)
    if not is_api(address.origin.authority):
        raise ConfigurationError(
            f"{address.origin.authority} is no host of Google's APIs, and would be shown a token of Google",
            path="endpoint",
            remedy=f"Write {_ENDPOINT}, or the name of a private endpoint below googleapis.com.",
        )
    references = tuple(_reference(text, index) for index, text in enumerate(options.references))
    settings = HttpOptions(destinations=resources.shared.destinations)
    api = JsonApi(address, partial(asyncio_transport, settings))
    return KmsKeys(references, api, GoogleTokens(file), options.refresh_interval)


def _reference(text: str, index: int) -> KmsReference:
    try:
        return parse_reference(text)
    except ConfigurationError as error:
        raise ConfigurationError(error.detail, path=f"references[{index}]", remedy=error.remedy) from None


plugin: Plugin[KmsKeys] = Plugin(options=KmsOptions, build=build, summary="Public keys of Google Cloud KMS")
