"""The plugin `com.amazonaws.signer.notation.plugin` of the kind notation_plugins."""

from pyratify.core.plugin import Plugin, Resources
from pyratify_aws.aws_client import AwsClient, check_endpoint
from pyratify_aws.ecr_plugin import IdentityOptions, identity_of
from pyratify_aws.signer import SignerPlugin


class SignerOptions(IdentityOptions, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Parameters of the plugin.

    Attributes:
        endpoint: The URL of AWS Signer, in place of that of the profile's region.
    """

    endpoint: str = ""


async def build(name: str, options: SignerOptions, resources: Resources) -> SignerPlugin:
    """Make the plugin.

    Raises:
        ConfigurationError: Half an identity, or an endpoint that is not https.
    """
    del name
    endpoint = check_endpoint(options.endpoint, "endpoint") if options.endpoint else ""
    return SignerPlugin(AwsClient(identity_of(options, resources.base), endpoint), resources.clock)


plugin: Plugin[SignerPlugin] = Plugin(
    options=SignerOptions, build=build, summary="Signatures of AWS Signer, without its program"
)
