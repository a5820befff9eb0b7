"""Public keys of AWS KMS, by the real SDK against a fake AWS."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_der_public_key

from pyratify.config.plugin_resources import BuildResources
from pyratify.core.errors import ConfigurationError
from pyratify.core.key import KeyMaterial, SourceUnreachable
from pyratify.core.reason import Reason
from pyratify.testing.fakes import FakeClock
from pyratify_aws.aws_client import AwsClient, AwsError
from pyratify_aws.kms import KmsKeys, parse_reference


async def read(*references: str, **parameters: Any) -> tuple[KeyMaterial, ...]:
    """Read keys as a trust policy does."""
    resources = BuildResources(FakeClock(), Path())
    provider = await resources.keys({"awskms": {"references": list(references), **parameters}}, "keys")
    return await provider.keys()


async def make(**parameters: Any) -> str:
    """Make a key in the fake; return its ARN."""
    answer = await AwsClient().call("kms", "", "create_key", **parameters)
    return str(answer["KeyMetadata"]["Arn"])


SIGNING = {"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"}


@pytest.mark.usefixtures("environment")
async def test_a_key_is_found_by_arn_id_and_alias() -> None:
    """All three name the same public key, and the version says which key an alias stands for."""
    arn = await make(**SIGNING)
    key_id = arn.rpartition("/")[2]
    await AwsClient().call("kms", "", "create_alias", AliasName="alias/cosign", TargetKeyId=key_id)
    found = await read(f"awskms:///{arn}", f"awskms:///{key_id}", "awskms:///alias/cosign")
    assert len({each.data for each in found}) == 1
    assert {each.version for each in found} == {key_id}
    load_der_public_key(found[0].data)


@pytest.mark.usefixtures("environment")
async def test_a_key_that_is_not_for_signatures_is_refused() -> None:
    """A symmetric key, one for encryption, and one that does not exist."""
    for arn in (await make(), await make(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")):
        with pytest.raises(ConfigurationError, match="not for signatures") as caught:
            await read(f"awskms:///{arn}")
        assert caught.value.reason is Reason.KEY_UNAVAILABLE
    with pytest.raises(ConfigurationError, match="NotFoundException"):
        await read("awskms:///alias/none")


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize(
    ("without", "code", "remedy"),
    [
        (("AWS_REGION", "AWS_DEFAULT_REGION"), "NoRegionError", "AWS_DEFAULT_REGION"),
        (("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "NoCredentialsError", "an identity"),
    ],
)
async def test_what_is_missing_before_aws_can_be_asked_is_named(
    without: tuple[str, ...], code: str, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Permissions would not mend it."""
    for name in without:
        monkeypatch.delenv(name)
    with pytest.raises(ConfigurationError, match=code) as caught:
        await read("awskms:///alias/cosign")
    assert remedy in caught.value.remedy
    # What is wrong on this machine withdraws no key that was had before.
    assert isinstance(caught.value, SourceUnreachable)


@pytest.mark.usefixtures("environment")
async def test_a_disabled_key_is_refused() -> None:
    """KMS itself still delivers its public half."""
    key_id = (await make(**SIGNING)).rpartition("/")[2]
    await AwsClient().call("kms", "", "disable_key", KeyId=key_id)
    with pytest.raises(ConfigurationError, match="not enabled") as caught:
        await read(f"awskms:///{key_id}")
    assert caught.value.reason is Reason.KEY_UNAVAILABLE
    assert caught.value.remedy.startswith("Enable the key")


async def test_a_service_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within seconds, without the address's secrets."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-secret")
    with pytest.raises(ConfigurationError, match="EndpointConnectionError") as caught:
        await read("awskms:///arn:aws:kms:eu-west-1:123456789012:key/x", endpoint="http://127.0.0.1:9")
    assert "not-a-secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "region", "endpoint"),
    [
        ("awskms:///alias/cosign", "", ""),
        ("awskms:///alias/team/cosign", "", ""),
        ("awskms:///1234abcd-12ab-34cd-56ef-1234567890ab", "", ""),
        ("awskms:///mrk-1234abcd12ab34cd56ef1234567890ab", "", ""),
        ("awskms:///arn:aws:kms:us-east-2:111122223333:key/1234abcd", "us-east-2", ""),
        ("awskms:///arn:aws-cn:kms:cn-north-1:111122223333:alias/x", "cn-north-1", ""),
        ("awskms://kms.example.com:4566/alias/x", "", "kms.example.com:4566"),
    ],
)
def test_references_are_cosigns(text: str, region: str, endpoint: str) -> None:
    """With and without an endpoint."""
    found = parse_reference(text)
    assert (found.region, found.endpoint) == (region, endpoint)


@pytest.mark.parametrize(
    "text",
    [
        "awskms://alias/x",
        "awskms:///",
        "awskms:///key",
        "awskms:///alias/",
        "awskms:///alias/x y",
        "awskms://user@host/alias/x",
        "awskms://user:not-a-secret@host/alias/x",
        "awskms://host:99999/alias/x",
        "awskms://-/alias/x",
        "awskms://host..x/alias/x",
        "awskms://ho st/alias/x",
        "awskms:///arn:aws:s3:::bucket",
        "awskms:///arn:aws:kms:us-east-2:1:key/x",
        "gcpkms:///alias/x",
        "alias/x",
    ],
)
def test_what_is_no_reference_is_refused(text: str) -> None:
    """Nothing is asked of AWS for it."""
    with pytest.raises(ConfigurationError):
        parse_reference(text)


class Moving(AwsClient):
    """A KMS whose alias is moved, and that counts what it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.key = "one"
        self.asked: list[str] = []
        self.down = False

    async def call(self, *names: str, **parameters: Any) -> Mapping[str, Any]:
        """Answer for the key that the alias stands for when it is described."""
        self.asked.append(f"{names[2]} {parameters['KeyId']}")
        if self.down:
            raise AwsError("Timeout", "kms:describe_key was not answered", refused=False)
        arn = f"arn:key/{self.key}"
        if names[2] == "describe_key":
            self.key = "moved"  # right after it was described
            metadata = {"Arn": arn, "Enabled": True, "KeyState": "Enabled", "KeyUsage": "SIGN_VERIFY"}
            return {"KeyMetadata": metadata}
        return {"PublicKey": b"key", "KeyUsage": "SIGN_VERIFY", "KeyId": parameters["KeyId"]}


async def test_what_was_described_is_what_is_read() -> None:
    """An alias that is moved between two calls does not join the state of one key to the bytes of another."""
    client = Moving()
    keys = KmsKeys((parse_reference("awskms:///alias/x"),), client, 60)
    assert [each.version for each in await keys.keys()] == ["one"]
    assert client.asked == ["describe_key alias/x", "get_public_key arn:key/one"]
    assert keys.refresh_interval == 60


@pytest.mark.parametrize(
    ("error", "outage"),
    [
        (AwsError("Timeout", "no answer", refused=False), True),
        (AwsError("ThrottlingException", "later", refused=False), True),
        (AwsError("NotFoundException", "gone", refused=True), False),
        (AwsError("AccessDeniedException", "no", refused=True), False),
    ],
)
async def test_a_refusal_is_told_from_an_outage(error: AwsError, outage: bool) -> None:
    """An outage leaves the keys in use; that a key is gone is an answer."""

    class Failing(AwsClient):
        async def call(self, *names: str, **parameters: Any) -> Mapping[str, Any]:
            raise error

    with pytest.raises(ConfigurationError) as caught:
        await KmsKeys((parse_reference("awskms:///alias/x"),), Failing(), 60).keys()
    assert isinstance(caught.value, SourceUnreachable) is outage


async def test_a_region_that_is_down_does_not_keep_a_key_of_another_one_trusted() -> None:
    """That key was disabled, and is an answer, wherever it stands in the list."""

    class Regions(AwsClient):
        async def call(self, *names: str, **parameters: Any) -> Mapping[str, Any]:
            if names[1] == "us-east-1":
                raise AwsError("Timeout", "no answer", refused=False)
            return {"KeyMetadata": {"Enabled": False, "KeyState": "Disabled", "KeyUsage": "SIGN_VERIFY"}}

    keys = [
        parse_reference(f"awskms:///arn:aws:kms:{region}:123456789012:alias/x")
        for region in ("us-east-1", "eu-west-1")
    ]
    for given in (keys, keys[::-1]):
        with pytest.raises(ConfigurationError, match="'Disabled' and not enabled") as caught:
            await KmsKeys(tuple(given), Regions(), 60).keys()
        assert not isinstance(caught.value, SourceUnreachable)
