"""Public keys of Cloud KMS, against a fake one that Google's own client accepts."""

from pathlib import Path
from typing import Any

import pytest

from pyratify.config.plugin_resources import BuildResources
from pyratify.core.errors import ConfigurationError
from pyratify.core.key import KeyMaterial, SourceUnreachable
from pyratify.core.reason import Reason
from pyratify.testing.cosign import CosignKey
from pyratify.testing.fakes import FakeClock
from pyratify_gcp.kms import parse_reference

KEY = "projects/p/locations/global/keyRings/r/cryptoKeys/cosign"
PEM = CosignKey.generate().pem.decode()
OTHER = CosignKey.generate().pem.decode()
ALGORITHM = "EC_SIGN_P256_SHA256"


async def read(google: Any, *references: str, **parameters: Any) -> tuple[KeyMaterial, ...]:
    """Read keys as a trust policy does."""
    resources = BuildResources(FakeClock(), Path())
    options = {"references": list(references), "endpoint": google.url} | parameters
    return await (await resources.keys({"gcpkms": options}, "keys")).keys()


@pytest.fixture
def kms(google: Any) -> Any:
    """A key with two versions that are enabled, and one that is not."""
    google.put_key(
        KEY,
        {
            "1": (PEM, "ENABLED", ALGORITHM),
            "2": (OTHER, "ENABLED", ALGORITHM),
            "3": (PEM, "DISABLED", ALGORITHM),
        },
    )
    return google


async def test_every_version_that_is_enabled_verifies(kms: Any) -> None:
    """With a token of the identity."""
    found = await read(kms, f"gcpkms://{KEY}")
    assert [(each.version, each.data) for each in found] == [("1", PEM.encode()), ("2", OTHER.encode())]
    assert all(token == "Bearer metadata-1" for _, path, token in kms.seen if path.startswith("/v1/projects"))


@pytest.mark.parametrize("name", ["cryptoKeyVersions", "versions"])
async def test_a_version_can_be_named(kms: Any, name: str) -> None:
    """In both of cosign's spellings."""
    (found,) = await read(kms, f"gcpkms://{KEY}/{name}/2")
    assert found.data == OTHER.encode()
    with pytest.raises(ConfigurationError, match="not enabled"):
        await read(kms, f"gcpkms://{KEY}/{name}/3")


def _change(google: Any, target: str, **changes: Any) -> None:
    google.answers[f"/v1/{KEY}{target}"] = 200, google.answers[f"/v1/{KEY}{target}"][1] | changes


@pytest.mark.parametrize(
    ("target", "changes", "words"),
    [
        ("/cryptoKeyVersions/1/publicKey", {"pem": OTHER}, "checksum"),
        ("/cryptoKeyVersions/1/publicKey", {"pemCrc32c": None}, "checksum"),
        ("/cryptoKeyVersions/1/publicKey", {"name": f"{KEY}/cryptoKeyVersions/2"}, "another key"),
        ("/cryptoKeyVersions/1/publicKey", {"pem": 7}, "another key"),
        (
            "/cryptoKeyVersions/1/publicKey",
            {"algorithm": "RSA_DECRYPT_OAEP_2048_SHA256"},
            "not for signatures",
        ),
        (
            "/cryptoKeyVersions/1/publicKey",
            {"algorithm": "GOOGLE_SYMMETRIC_ENCRYPTION"},
            "not for signatures",
        ),
        ("/cryptoKeyVersions", {"cryptoKeyVersions": []}, "no version"),
        ("/cryptoKeyVersions", {"cryptoKeyVersions": None}, "no version"),
        (
            "/cryptoKeyVersions",
            {"cryptoKeyVersions": [{"name": "other/1", "state": "ENABLED"}]},
            "no version",
        ),
        ("/cryptoKeyVersions", {"nextPageToken": "more"}, "more than"),
    ],
)
async def test_what_is_not_the_key_that_was_asked_for_is_refused(
    kms: Any, target: str, changes: dict[str, Any], words: str
) -> None:
    """Also where a server answers for it."""
    _change(kms, target, **changes)
    with pytest.raises(ConfigurationError, match=words) as caught:
        await read(kms, f"gcpkms://{KEY}")
    assert caught.value.reason is Reason.KEY_UNAVAILABLE


async def test_a_filter_that_is_ignored_brings_nothing_back(kms: Any) -> None:
    """A version that was disabled stays out."""
    states = [("1", "DISABLED"), ("2", "ENABLED")]
    versions = [{"name": f"{KEY}/cryptoKeyVersions/{n}", "state": state} for n, state in states]
    _change(kms, "/cryptoKeyVersions", cryptoKeyVersions=versions)
    assert [each.version for each in await read(kms, f"gcpkms://{KEY}")] == ["2"]


async def test_an_identity_that_cannot_be_used_is_no_missing_permission(
    kms: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The remedy is about the identity."""
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json")
    with pytest.raises(ConfigurationError, match="identity cannot be used") as caught:
        await read(kms, f"gcpkms://{KEY}")
    assert caught.value.remedy.startswith("Check the identity of this process")


@pytest.mark.parametrize("status", [302, 403, 404, 429, 500])
async def test_a_service_that_does_not_answer_is_named(kms: Any, status: int) -> None:
    """A redirect is not followed with the token."""
    kms.answers[f"/v1/{KEY}/cryptoKeyVersions"] = status, {}
    with pytest.raises(ConfigurationError, match="Cloud KMS") as caught:
        await read(kms, f"gcpkms://{KEY}")
    assert caught.value.reason is Reason.KEY_UNAVAILABLE
    assert isinstance(caught.value, SourceUnreachable) is (status not in (403, 404))
    assert "metadata-1" not in str(caught.value)
    assert "/elsewhere" not in [path for _, path, _ in kms.seen]


@pytest.mark.parametrize(
    "text",
    [
        f"gcpkms://{KEY}/",
        f"gcpkms://{KEY}/versions/0",
        f"gcpkms://{KEY}/versions/1/x",
        f"gcpkms:///{KEY}",
        "gcpkms://projects/p/locations/l/keyRings/r",
        f"gcpkms://{KEY}/../../x",
        f"gcpkms://{KEY}?x=1",
        "awskms:///alias/x",
        KEY,
    ],
)
def test_what_is_no_reference_is_refused(text: str) -> None:
    """Nothing of it becomes a path."""
    with pytest.raises(ConfigurationError):
        parse_reference(text)


@pytest.mark.parametrize(
    ("parameters", "path"),
    [
        ({"endpoint": "http://kms.example.com"}, "keys.gcpkms.endpoint"),
        ({"endpoint": "https://evil.io"}, "keys.gcpkms.endpoint"),
        ({"endpoint": "https://cloudkms.googleapis.com.evil.io"}, "keys.gcpkms.endpoint"),
        ({"endpoint": "https://evilgoogleapis.com"}, "keys.gcpkms.endpoint"),
        ({"endpoint": "https://cloudkms.googleapis.com:444"}, "keys.gcpkms.endpoint"),
        ({"credentialsFile": "nosuch"}, "keys.gcpkms.credentialsFile"),
        ({"references": ["x"]}, "keys.gcpkms.references[0]"),
    ],
)
async def test_what_is_wrong_is_named(google: Any, parameters: dict[str, Any], path: str) -> None:
    """With the whole path."""
    with pytest.raises(ConfigurationError) as caught:
        await read(google, f"gcpkms://{KEY}", **parameters)
    assert caught.value.path == path
    assert google.seen == []


def test_googles_own_client_accepts_the_fake(kms: Any) -> None:
    """So the fake has the shape that another client expects."""
    pytest.importorskip("google.cloud.kms_v1", reason="google-cloud-kms is not installed")
    from google.auth.credentials import AnonymousCredentials
    from google.cloud.kms_v1 import CryptoKeyVersion, KeyManagementServiceClient
    from google.cloud.kms_v1.services.key_management_service.transports import (
        KeyManagementServiceRestTransport,
    )

    transport = KeyManagementServiceRestTransport(
        host=kms.host, url_scheme="http", credentials=AnonymousCredentials()
    )
    with KeyManagementServiceClient(transport=transport) as client:
        listed = list(client.list_crypto_key_versions(parent=KEY))
        assert [each.state for each in listed] == [CryptoKeyVersion.CryptoKeyVersionState.ENABLED] * 2
        public = client.get_public_key(name=listed[0].name)
    assert public.pem == PEM
    assert public.name == listed[0].name


@pytest.mark.parametrize("text", ["", "{", '{"type": "authorized_user"}'])
async def test_a_credential_file_that_cannot_be_used_withdraws_no_key(
    kms: Any, tmp_path: Path, text: str
) -> None:
    """It is no answer of Google, as while the file is being replaced: the last keys stay in use."""
    (tmp_path / "file.json").write_text(text)
    with pytest.raises(SourceUnreachable):
        await read(kms, f"gcpkms://{KEY}", credentialsFile=str(tmp_path / "file.json"))
    assert kms.seen == []
