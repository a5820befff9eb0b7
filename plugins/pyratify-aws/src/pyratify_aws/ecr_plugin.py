"""The plugins `aws` and `awsEcrBasic` (Ratify v1's name): credentials of Amazon ECR."""

import os
from pathlib import Path

import msgspec

from pyratify.core.credential import CredentialProvider
from pyratify.core.errors import ConfigurationError
from pyratify.core.plugin import Plugin, Resources
from pyratify.credentials.exchange import ExchangedCredentials
from pyratify.credentials.host_patterns import narrowed
from pyratify_aws.aws_client import AwsClient, AwsIdentity, check_endpoint
from pyratify_aws.ecr import EcrExchange
from pyratify_aws.ecr_host import is_ecr

_V1_SESSION = "ratifyEcrBasicAuth"  # what CloudTrail shows for Ratify v1


class IdentityOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The parameters of the identity of requests to AWS.

    Attributes:
        profile: A profile of the AWS tools' configuration file.
        role_arn: A role for the token of a web identity; that of the environment (IRSA) when omitted.
        web_identity_token_file: The file with that token, read again for each exchange.
        session_name: The name of the session in CloudTrail.
    """

    profile: str = ""
    role_arn: str = ""
    web_identity_token_file: str = ""
    session_name: str = "pyratify"


class EcrOptions(IdentityOptions, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Parameters of the provider `aws`.

    Attributes:
        registries: The only hosts of ECR (or zones as `*.dkr.ecr.eu-west-1.amazonaws.com`) that a credential is made for; every
            host of ECR when omitted, and never any other host.
        endpoint: The URL of ECR's API, in place of that of the registry's region.
    """

    registries: tuple[str, ...] = ()
    endpoint: str = ""


class BasicOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Parameters of the provider `awsEcrBasic`, as in Ratify v1.

    Attributes:
        name: Ratify v1's name of the provider; without effect.
    """

    name: str = "awsEcrBasic"


def identity_of(options: IdentityOptions, base: Path) -> AwsIdentity:
    """Return the identity that the options name.

    Raises:
        ConfigurationError: A role without a token, or a token without a role.
    """
    # With half of it the environment's identity would be used, and the difference not be seen.
    if bool(options.role_arn) is not bool(options.web_identity_token_file):
        raise ConfigurationError(
            "roleArn and webIdentityTokenFile belong together",
            path="roleArn" if options.role_arn else "webIdentityTokenFile",
            remedy="Give both, or neither to use what the environment has.",
        )
    token = base / options.web_identity_token_file if options.web_identity_token_file else None
    return AwsIdentity(options.profile, options.role_arn, token, options.session_name)


async def build(name: str, options: EcrOptions, resources: Resources) -> CredentialProvider:
    """Make the provider.

    Raises:
        ConfigurationError: A registry that is none, half an identity, or an endpoint that is not https.
    """
    del name
    endpoint = check_endpoint(options.endpoint, "endpoint") if options.endpoint else ""
    client = AwsClient(identity_of(options, resources.base), endpoint)
    return _provider(client, options.registries, resources)


async def build_basic(name: str, options: BasicOptions, resources: Resources) -> CredentialProvider:
    """Make the provider from the environment, as Ratify v1 does.

    Raises:
        ConfigurationError: The environment has no web identity, or an endpoint that is not https.
    """
    del name, options
    missing = [
        variable
        for variable in ("AWS_REGION", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE")
        if not os.environ.get(variable)
    ]
    if missing:
        raise ConfigurationError(
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set",
            remedy="Annotate the service account with eks.amazonaws.com/role-arn, or use the provider aws.",
        )
    identity = AwsIdentity(
        role_arn=os.environ["AWS_ROLE_ARN"],
        token_file=Path(os.environ["AWS_WEB_IDENTITY_TOKEN_FILE"]),
        session_name=_V1_SESSION,
    )
    # Ratify v1's variable; requests to it carry an identity, so https is required here, too.
    override = os.environ.get("AWS_API_OVERRIDE_ENDPOINT", "")
    endpoint = check_endpoint(override, "AWS_API_OVERRIDE_ENDPOINT") if override else ""
    return _provider(AwsClient(identity, endpoint), (), resources)


def _provider(client: AwsClient, registries: tuple[str, ...], resources: Resources) -> CredentialProvider:
    # Narrowed and never widened: no configuration shows a token to a host of another service.
    covers = narrowed(is_ecr, registries)
    return ExchangedCredentials(covers, EcrExchange(client, resources.clock).exchange, resources.clock)


plugin: Plugin[CredentialProvider] = Plugin(
    options=EcrOptions,
    build=build,
    summary="Amazon ECR, by IRSA, Pod Identity, an instance role or a profile",
)
basic_plugin: Plugin[CredentialProvider] = Plugin(
    options=BasicOptions, build=build_basic, summary="Amazon ECR by IRSA, as Ratify v1 names it"
)
