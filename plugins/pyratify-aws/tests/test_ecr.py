"""Credentials of Amazon ECR, by the real SDK against a fake AWS."""

import gc
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pyratify.core.credential import ANONYMOUS
from pyratify.core.errors import ConfigurationError, StoreError
from pyratify.core.plugin import Registry
from pyratify.core.reason import Reason
from pyratify.testing.fakes import FakeClock
from pyratify_aws.aws_client import AwsClient, AwsError
from pyratify_aws.ecr import EcrExchange
from support.plugins import FakeResources

HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
LONG_AGO = datetime(2014, 1, 1, tzinfo=UTC)  # the fake's tokens expire in 2015


async def build(provider: str = "aws", base: Path = Path(), **parameters: Any) -> Any:
    """Build a provider as the configuration reader does."""
    plugin = Registry[Any]("credentials").load(provider, "credential.provider")
    resources = FakeResources(base=base, clock=FakeClock(LONG_AGO))
    return await plugin.build(provider, msgspec.convert(parameters, plugin.options), resources)


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("registry", [HOST, HOST.replace("dkr.ecr", "dkr.ecr-fips")])
async def test_a_host_of_ecr_gets_the_token_of_its_registry(registry: str) -> None:
    """Under the plain name and the FIPS one."""
    credential = await (await build()).credential(registry)
    assert credential.username == "AWS"
    assert credential.password
    assert credential.expires is not None
    assert "password" not in repr(credential)


@pytest.mark.parametrize(
    "registry", ["a.b.c.us-east-1.evil.example.com", "ghcr.io", f"{HOST}.evil.io", f"{HOST}:444"]
)
async def test_atk_027_no_request_leaves_for_another_host(
    registry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where nothing would answer it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert await (await build()).credential(registry) is ANONYMOUS


@pytest.mark.usefixtures("environment")
async def test_registries_narrow_what_is_covered() -> None:
    """A zone has exactly one label in place of its star."""
    provider = await build(registries=["*.dkr.ecr.us-east-1.amazonaws.com"])
    assert (await provider.credential(HOST)).is_anonymous
    assert not (await provider.credential(HOST.replace("eu-west-1", "us-east-1"))).is_anonymous


@pytest.mark.usefixtures("environment")
async def test_irsa_reads_its_token_again_for_each_exchange(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token that Kubernetes replaced is the one that is sent next."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    token = tmp_path / "token"
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/ratify")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(token))
    provider = await build("awsEcrBasic")
    with pytest.raises(StoreError) as caught:
        await provider.credential(HOST)
    # Nothing to ask with, as in the other clouds, and no outage.
    assert caught.value.reason is Reason.REGISTRY_AUTH
    token.write_text("eyJhbGciOiJub25lIn0.e30.")
    assert not (await (await build("awsEcrBasic")).credential(HOST)).is_anonymous


@pytest.mark.usefixtures("environment")
async def test_a_role_of_the_configuration_comes_before_the_environment(tmp_path: Path) -> None:
    """The token file is relative to the configuration."""
    (tmp_path / "token").write_text("eyJhbGciOiJub25lIn0.e30.")
    role = "arn:aws:iam::123456789012:role/ratify"
    provider = await build(base=tmp_path, roleArn=role, webIdentityTokenFile="token")
    assert not (await provider.credential(HOST)).is_anonymous
    (tmp_path / "token").write_text("\n")
    with pytest.raises(StoreError, match="token holds no token"):
        await (await build(base=tmp_path, roleArn=role, webIdentityTokenFile="token")).credential(HOST)
    (tmp_path / "token").unlink()
    with pytest.raises(StoreError, match="token cannot be read") as caught:
        await (await build(base=tmp_path, roleArn=role, webIdentityTokenFile="token")).credential(HOST)
    assert caught.value.reason is Reason.REGISTRY_AUTH
    assert "web identity" in caught.value.remedy


@pytest.mark.parametrize(
    ("parameters", "path"),
    [
        ({"roleArn": "arn:aws:iam::1:role/x"}, "roleArn"),
        ({"webIdentityTokenFile": "token"}, "webIdentityTokenFile"),
        ({"endpoint": "http://ecr.example.com"}, "endpoint"),
        ({"endpoint": "ecr.example.com"}, "endpoint"),
        ({"endpoint": "https://"}, "endpoint"),
        ({"endpoint": "https://[::1"}, "endpoint"),
        ({"endpoint": "https://user:not-a-secret@ecr.example.com"}, "endpoint"),
        ({"endpoint": "https://ecr.example.com\n.evil.io"}, "endpoint"),
        ({"endpoint": "https://ecr.example.com/path"}, "endpoint"),
        ({"registries": ["https://x"]}, "registries"),
        ({"registries": [HOST, "ghcr.io"]}, "registries"),
        ({"registries": [f"{HOST}:444"]}, "registries"),
    ],
)
async def test_what_is_wrong_is_named(parameters: dict[str, Any], path: str) -> None:
    """Before anything is sent."""
    with pytest.raises(ConfigurationError) as caught:
        await build(**parameters)
    assert caught.value.path == path
    assert "not-a-secret" not in str(caught.value)


async def test_ratify_v1s_provider_names_what_the_environment_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """As v1 does, before the first image."""
    for name in ("AWS_REGION", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigurationError, match="AWS_REGION and AWS_ROLE_ARN"):
        await build("awsEcrBasic", name="awsEcrBasic")


class Answering(AwsClient):
    """Answers with what a test says."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        super().__init__()
        self.answer = answer

    async def call(self, *names: str, **parameters: Any) -> Mapping[str, Any]:
        """Return the answer."""
        return {"authorizationData": [self.answer]}


def answer(**changes: Any) -> Mapping[str, Any]:
    """Return an answer of ECR, changed."""
    good = {
        "authorizationToken": "QVdTOnBhc3N3b3Jk",
        "expiresAt": FakeClock().now() + timedelta(hours=12),
        "proxyEndpoint": f"https://{HOST}",
    }
    return good | changes


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"proxyEndpoint": "https://evil.io"}, Reason.CREDENTIAL_SCOPE),
        ({"proxyEndpoint": f"https://{HOST.replace('eu-west-1', 'us-east-1')}"}, Reason.CREDENTIAL_SCOPE),
        ({"proxyEndpoint": f"https://{HOST.replace('123', '999')}"}, Reason.CREDENTIAL_SCOPE),
        ({"proxyEndpoint": ""}, Reason.CREDENTIAL_SCOPE),
        ({"expiresAt": FakeClock().now()}, Reason.REGISTRY_AUTH),
        ({"expiresAt": None}, Reason.REGISTRY_AUTH),
        ({"authorizationToken": "!"}, Reason.REGISTRY_AUTH),
        ({"authorizationToken": "QVdT"}, Reason.REGISTRY_AUTH),
        ({"authorizationToken": ""}, Reason.REGISTRY_AUTH),
    ],
)
async def test_atk_246_an_answer_that_is_not_for_this_registry_is_not_used(
    changes: dict[str, Any], reason: Reason
) -> None:
    """Another account's or region's token, an expired one, or none."""
    exchange = EcrExchange(Answering(answer(**changes)), FakeClock())
    with pytest.raises(StoreError) as caught:
        await exchange.exchange(HOST)
    assert caught.value.reason is reason


async def test_the_right_answer_is_used() -> None:
    """The counterpart of the refusals."""
    credential = await EcrExchange(Answering(answer()), FakeClock()).exchange(HOST)
    assert (credential.username, credential.password) == ("AWS", "password")


async def test_references_to_many_regions_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reference names its region, and a client of the SDK for each would stay for ever."""
    client_type = pytest.importorskip("botocore.client").BaseClient
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    gc.collect()
    before = sum(isinstance(each, client_type) for each in gc.get_objects())
    client = AwsClient()
    for number in range(20):
        # Without an identity nothing is sent.
        with pytest.raises(AwsError):
            await client.call("ecr", f"eu-west-{number}", "get_authorization_token")
    gc.collect()
    assert sum(isinstance(each, client_type) for each in gc.get_objects()) - before <= 16
