"""The plugin `awskms`: public keys of AWS KMS, by cosign's references."""

from typing import Annotated

import msgspec

from pyratify.core.errors import ConfigurationError
from pyratify.core.plugin import Plugin, Resources
from pyratify_aws.aws_client import AwsClient, check_endpoint
from pyratify_aws.ecr_plugin import IdentityOptions, identity_of
from pyratify_aws.kms import KmsKeys, KmsReference, parse_reference


class KmsOptions(IdentityOptions, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Parameters of the provider `awskms`.

    Attributes:
        references: Keys, as `awskms:///alias/NAME`.
        endpoint: The URL of KMS, in place of that of the region.
        refresh_interval: Seconds after which the keys are read again; 0 for never.
    """

    references: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=64)]
    endpoint: str = ""
    refresh_interval: Annotated[float, msgspec.Meta(ge=0)] = 3600.0


async def build(name: str, options: KmsOptions, resources: Resources) -> KmsKeys:
    """Make the provider.

    Raises:
        ConfigurationError: A reference that is none, half an identity, or an endpoint that is not https.
    """
    del name
    endpoint = check_endpoint(options.endpoint, "endpoint") if options.endpoint else ""
    client = AwsClient(identity_of(options, resources.base), endpoint)
    references = tuple(_reference(text, index) for index, text in enumerate(options.references))
    return KmsKeys(references, client, options.refresh_interval)


def _reference(text: str, index: int) -> KmsReference:
    try:
        return parse_reference(text)
    except ConfigurationError as error:
        raise ConfigurationError(error.detail, path=f"references[{index}]", remedy=error.remedy) from None


plugin: Plugin[KmsKeys] = Plugin(options=KmsOptions, build=build, summary="Public keys of AWS KMS")
