"""Credentials of Alibaba Cloud Container Registry, against a fake that says what its documentation says."""

import urllib.parse
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pyratify.core.errors import ConfigurationError, StoreError
from pyratify.core.plugin import Registry
from pyratify.core.reason import Reason
from pyratify.http.transport import Request
from pyratify.testing.fakes import FakeClock
from pyratify.testing.json_service import JsonService
from pyratify_alibaba.acr import AcrExchange, RoleIdentity
from pyratify_alibaba.acr_host import AcrHost, parse_host
from pyratify_alibaba.signed_request import signature
from support.plugins import FakeResources

HOST = "mine-registry.cn-hangzhou.cr.aliyuncs.com"
CREDENTIALS = {"AccessKeyId": "STS.key", "AccessKeySecret": "s.secret", "SecurityToken": "token"}


def test_the_signature_is_that_of_the_documentation() -> None:
    """Alibaba Cloud's own example of a signed request (ECS, DescribeRegions)."""
    parameters = {
        "Timestamp": "2016-02-23T12:46:24Z",
        "Format": "XML",
        "AccessKeyId": "testid",
        "Action": "DescribeRegions",
        "SignatureMethod": "HMAC-SHA1",
        "SignatureNonce": "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf",
        "Version": "2014-05-26",
        "SignatureVersion": "1.0",
    }
    assert signature("GET", parameters, "testsecret") == "OLeaidS1JvxuMvnyHOwuJ+uX5qY="


@pytest.mark.parametrize(
    ("registry", "name"),
    [
        (HOST, "mine"),
        ("mine-registry-vpc.cn-hangzhou.cr.aliyuncs.com", "mine"),
        ("my-own-registry.ap-southeast-1.cr.aliyuncs.com", "my-own"),
        ("registry.cn-beijing.aliyuncs.com", ""),
        ("registry-intl.ap-southeast-1.aliyuncs.com", ""),
    ],
)
def test_a_host_names_instance_and_region(registry: str, name: str) -> None:
    """Of every kind of address."""
    found = parse_host(registry)
    assert isinstance(found, AcrHost)
    assert found.name == name
    assert found.region in registry


@pytest.mark.parametrize(
    "registry",
    [
        "aliyuncs.com",
        f"{HOST}.evil.io",
        f"{HOST}:444",
        f"evil.{HOST}",
        "mine-registry.evil.io.cr.aliyuncs.com",
        "mine-registry.cn-hangzhou.craliyuncs.com",
        "registry.aliyuncs.com",
        # Buckets of OSS, whose names anyone may choose.
        "mine-registry.oss-cn-hangzhou.aliyuncs.com",
        "registry.oss-cn-hangzhou.aliyuncs.com",
        "ghcr.io",
    ],
)
def test_atk_027_another_host_is_none(registry: str) -> None:
    """No credential is made for it."""
    assert parse_host(registry) is None


class FakeAlibaba(JsonService):
    """Answers by host, and remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        end = int((FakeClock().now() + timedelta(hours=1)).timestamp() * 1000)
        self.answers: dict[str, tuple[int, Any]] = {
            "sts.cn-hangzhou.aliyuncs.com": (200, {"Credentials": CREDENTIALS}),
            "cr.cn-hangzhou.aliyuncs.com": (
                200,
                {"TempUsername": "cr_temp_user", "AuthorizationToken": "password", "ExpireTime": end},
            ),
        }

    def respond(self, request: Request) -> tuple[int, object]:
        """Answer by the host."""
        return self.answers[request.url.origin.host]


def exchange(fake: FakeAlibaba, folder: Path, usual: str = "") -> AcrExchange:
    """Return the exchange with the fake."""
    (folder / "token").write_text("oidc\n")
    identity = RoleIdentity("acs:ram::1:role/ratify", "acs:ram::1:oidc-provider/ack", folder / "token")
    return AcrExchange(identity, {"mine": "cri-mine"}, usual, fake.connect, FakeClock())


async def test_the_service_accounts_role_is_exchanged(tmp_path: Path) -> None:
    """The token goes in a body to the region's security token service, and the signed request to its registry."""
    fake = FakeAlibaba()
    credential = await exchange(fake, tmp_path).exchange(HOST)
    assert (credential.username, credential.password) == ("cr_temp_user", "password")
    assert credential.expires == FakeClock().now() + timedelta(hours=1)
    first, second = fake.asked
    assert dict(urllib.parse.parse_qsl(first.body.decode()))["OIDCToken"] == "oidc"
    sent = dict(urllib.parse.parse_qsl(second.url.target.removeprefix("/?")))
    assert (sent["InstanceId"], sent["SecurityToken"]) == ("cri-mine", "token")
    signed = sent.pop("Signature")
    assert signed == signature("GET", sent, "s.secret")
    assert "s.secret" not in second.url.target


@pytest.mark.parametrize(
    ("host", "answer"),
    [
        ("sts.cn-hangzhou.aliyuncs.com", (403, {"Message": "s.secret"})),
        ("sts.cn-hangzhou.aliyuncs.com", (302, {})),
        ("sts.cn-hangzhou.aliyuncs.com", (200, {})),
        ("sts.cn-hangzhou.aliyuncs.com", (200, {"Credentials": CREDENTIALS | {"AccessKeySecret": ""}})),
        ("cr.cn-hangzhou.aliyuncs.com", (400, {})),
        ("cr.cn-hangzhou.aliyuncs.com", (200, {})),
        ("cr.cn-hangzhou.aliyuncs.com", (200, {"TempUsername": "u", "AuthorizationToken": "p"})),
        (
            "cr.cn-hangzhou.aliyuncs.com",
            (200, {"TempUsername": "u", "AuthorizationToken": "p", "ExpireTime": 1000}),
        ),
        (
            "cr.cn-hangzhou.aliyuncs.com",
            (200, {"TempUsername": "u", "AuthorizationToken": "", "ExpireTime": 1e13}),
        ),
    ],
)
async def test_what_is_no_credential_is_not_used(host: str, answer: tuple[int, Any], tmp_path: Path) -> None:
    """And the message has no secret."""
    fake = FakeAlibaba()
    fake.answers[host] = answer
    with pytest.raises(StoreError) as caught:
        await exchange(fake, tmp_path).exchange(HOST)
    assert caught.value.reason in (Reason.REGISTRY_AUTH, Reason.REGISTRY_ERROR)
    assert "s.secret" not in str(caught.value)


async def test_an_instance_that_is_not_named_is_the_usual_one(tmp_path: Path) -> None:
    """Without one nothing is sent."""
    fake, other = FakeAlibaba(), HOST.replace("mine", "other")
    with pytest.raises(StoreError) as caught:
        await exchange(fake, tmp_path).exchange(other)
    assert caught.value.reason is Reason.CREDENTIAL_SCOPE
    assert fake.asked == []
    await exchange(fake, tmp_path, "cri-usual").exchange(other)
    assert "cri-usual" in fake.asked[-1].url.target


async def build(**parameters: Any) -> Any:
    """Build the provider as the configuration reader does."""
    plugin = Registry[Any]("credentials").load("alibabacloudAcrBasic", "credential.provider")
    return await plugin.build("alibaba", msgspec.convert(parameters, plugin.options), FakeResources())


async def test_ratify_v1s_parameters_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its variables of the environment; what is missing is named."""
    names = ("ROLE_ARN", "OIDC_PROVIDER_ARN", "OIDC_TOKEN_FILE")
    for name in names:
        monkeypatch.delenv(f"ALIBABA_CLOUD_{name}", raising=False)
    with pytest.raises(ConfigurationError, match="ALIBABA_CLOUD_ROLE_ARN and"):
        await build()
    for name in names:
        monkeypatch.setenv(f"ALIBABA_CLOUD_{name}", "/x")
    instances = [{"instanceName": "mine", "instanceId": "cri-mine"}]
    provider = await build(defaultInstanceId="cri-usual", acrInstancesConfig=instances)
    assert (await provider.credential("ghcr.io")).is_anonymous
    with pytest.raises(ConfigurationError, match="named twice"):
        await build(acrInstancesConfig=instances * 2)


@pytest.mark.parametrize("text", ["", "\n", "of two\nlines", "\u00e9", None])
async def test_a_file_without_a_token_sends_nothing(tmp_path: Path, text: str | None) -> None:
    """As while it is being replaced; there is nothing to ask with, and no outage."""
    fake = FakeAlibaba()
    exchanging = exchange(fake, tmp_path)
    (tmp_path / "token").unlink() if text is None else (tmp_path / "token").write_text(text)
    what = "cannot be read" if text is None else "holds no token"
    with pytest.raises(StoreError, match=f"token {what}") as caught:
        await exchanging.exchange(HOST)
    assert caught.value.reason is Reason.REGISTRY_AUTH
    assert fake.asked == []
