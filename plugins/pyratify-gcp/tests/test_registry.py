"""Credentials of Google's registries, by google-auth against a fake Google Cloud."""

import json
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pyratify.core.errors import ConfigurationError, StoreError
from pyratify.core.plugin import Registry
from pyratify.core.reason import Reason
from pyratify.credentials.access_token import AccessToken
from pyratify.testing.fakes import FakeClock
from pyratify_gcp.google_hosts import is_api_url, is_google
from pyratify_gcp.google_tokens import GoogleTokens
from pyratify_gcp.registry_plugin import TokenExchange
from support.plugins import FakeResources

HOST = "europe-west1-docker.pkg.dev"


async def build(base: Path = Path(), **parameters: Any) -> Any:
    """Build the provider as the configuration reader does."""
    plugin = Registry[Any]("credentials").load("gcp", "credential.provider")
    resources = FakeResources(base=base, clock=FakeClock(datetime.now(UTC)))
    return await plugin.build("gcp", msgspec.convert(parameters, plugin.options), resources)


@pytest.mark.parametrize("registry", [HOST, "us-docker.pkg.dev", "gcr.io", "eu.gcr.io", "mirror.gcr.io"])
def test_googles_registries_are_known_by_their_whole_name(registry: str) -> None:
    """Artifact Registry and Container Registry."""
    assert is_google(registry)


@pytest.mark.parametrize(
    "registry",
    [
        "docker.pkg.dev",
        "pkg.dev",
        f"{HOST}.evil.io",
        f"evil.{HOST}",
        f"{HOST}:444",
        "evil-docker.pkg.dev.io",
        "a.b.gcr.io",
        "gcr.io.evil.io",
        "evilgcr.io",
        "-docker.pkg.dev",
        "docker.io",
        "",
    ],
)
async def test_atk_027_no_token_is_made_for_another_host(registry: str, google: Any) -> None:
    """Not even the metadata server is asked."""
    assert not is_google(registry)
    assert (await (await build()).credential(registry)).is_anonymous
    assert google.seen == []


async def test_the_metadata_servers_token_is_a_password(google: Any) -> None:
    """It is kept, and shown under Google's fixed name."""
    provider = await build()
    credential = await provider.credential(HOST)
    assert (credential.username, credential.password) == ("oauth2accesstoken", "metadata-1")
    assert credential.expires is not None
    assert await provider.credential(HOST) == credential
    assert google.tokens == 1
    provider.drop(HOST, credential)
    assert (await provider.credential(HOST)).password == "metadata-2"


def federation(google: Any, folder: Path) -> Path:
    """Write the configuration of a workload identity federation."""
    (folder / "token").write_text("of-kubernetes")
    document = {
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/k",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": f"{google.url}/v1/token",
        "credential_source": {"file": str(folder / "token")},
        "service_account_impersonation_url": f"{google.url}/v1/projects/-/serviceAccounts/x:generateAccessToken",
    }
    (folder / "federation.json").write_text(json.dumps(document))
    return folder / "federation.json"


async def test_workload_identity_federation_exchanges_the_files_token(google: Any, tmp_path: Path) -> None:
    """By the security token service, and then for a service account; the file is read for each exchange."""
    federation(google, tmp_path)
    provider = await build(tmp_path, credentialsFile="federation.json")
    credential = await provider.credential(HOST)
    assert credential.password == "impersonated"
    (tmp_path / "token").write_text("of-kubernetes-2")
    provider.drop(HOST, credential)
    await provider.credential(HOST)
    sent = [body for _, path, body in google.seen if path == "/v1/token"]
    assert "of-kubernetes-2" in sent[1]
    assert "of-kubernetes-2" not in sent[0]


@pytest.mark.parametrize("path", ["/v1/token", "/v1/projects/-/serviceAccounts/x:generateAccessToken"])
@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (307, Reason.REGISTRY_ERROR),
        (400, Reason.REGISTRY_AUTH),
        (403, Reason.REGISTRY_AUTH),
        (429, Reason.REGISTRY_ERROR),
        (500, Reason.REGISTRY_ERROR),
        (503, Reason.REGISTRY_ERROR),
    ],
)
async def test_an_identity_service_that_fails_gives_no_credential(
    google: Any, path: str, status: int, reason: Reason, tmp_path: Path
) -> None:
    """And what it was sent is in no message; an outage is told from a refusal."""
    federation(google, tmp_path)
    google.answers[path] = status, {"error": "you sent of-kubernetes"}
    provider = await build(tmp_path, credentialsFile="federation.json")
    with pytest.raises(StoreError) as caught:
        await provider.credential(HOST)
    assert "of-kubernetes" not in str(caught.value)
    assert f"HTTP {status}" in str(caught.value)
    assert caught.value.reason is reason
    assert "/elsewhere" not in [path for _, path, _ in google.seen]


@pytest.mark.parametrize(("status", "reason"), [(403, Reason.REGISTRY_AUTH), (502, Reason.REGISTRY_ERROR)])
async def test_a_metadata_server_that_fails_is_an_outage(google: Any, status: int, reason: Reason) -> None:
    """Unless it refuses."""
    google.answers["/computeMetadata/v1/instance/service-accounts/default/token"] = status, {"error": "x"}
    with pytest.raises(StoreError, match=f"HTTP {status}") as caught:
        await (await build()).credential(HOST)
    assert caught.value.reason is reason


async def test_an_empty_token_file_sends_nothing(google: Any, tmp_path: Path) -> None:
    """It is the fault of this machine, and no outage."""
    federation(google, tmp_path)
    (tmp_path / "token").write_text("")
    provider = await build(tmp_path, credentialsFile="federation.json")
    with pytest.raises(StoreError, match="cannot be used") as caught:
        await provider.credential(HOST)
    assert caught.value.reason is Reason.REGISTRY_AUTH
    assert google.seen == []


@pytest.mark.parametrize("name", ["token_url", "service_account_impersonation_url", "token_uri"])
@pytest.mark.parametrize(
    "address",
    [
        "https://evil.io/v1/token",
        "https://sts.googleapis.com.evil.io/v1/token",
        "https://sts.googleapis.com@evil.io/v1/token",
        "http://sts.googleapis.com/v1/token",
        "https://sts.googleapis.com:444/v1/token",
        "",
        7,
    ],
)
async def test_atk_027_a_file_that_sends_the_identity_elsewhere_is_refused(
    google: Any, tmp_path: Path, name: str, address: object
) -> None:
    """Before anything is sent."""
    file = federation(google, tmp_path)
    file.write_text(json.dumps(json.loads(file.read_text()) | {name: address}))
    provider = await build(tmp_path, credentialsFile=file.name)
    with pytest.raises(StoreError, match=f"its {name} is no https address of Google") as caught:
        await provider.credential(HOST)
    assert caught.value.reason is Reason.REGISTRY_AUTH
    assert google.seen == []


@pytest.mark.parametrize(
    "address",
    [
        "https://sts.googleapis.com/v1/token",
        "https://sts.us-east1.rep.googleapis.com/v1/token",
        "https://oauth2.googleapis.com/token",
        "https://accounts.google.com/o/oauth2/token",
        "https://iamcredentials-mine.p.googleapis.com/v1/x:generateAccessToken",
    ],
)
def test_addresses_of_google_may_see_an_identity(address: str) -> None:
    """Regional ones and those of private endpoints, too."""
    assert is_api_url(address)


@pytest.mark.parametrize(
    "document",
    [
        {"type": "external_account", "credential_source": {"executable": {"command": "/bin/false"}}},
        {"type": "authorized_user"},
        {"type": "impersonated_service_account"},
        {},
    ],
)
async def test_a_file_that_would_start_a_program_is_refused(document: dict[str, Any], tmp_path: Path) -> None:
    """As every kind that a server has no use for."""
    (tmp_path / "file.json").write_text(json.dumps(document))
    provider = await build(tmp_path, credentialsFile="file.json")
    with pytest.raises(StoreError, match="neither the key of a service account") as caught:
        await provider.credential(HOST)
    assert caught.value.reason is Reason.REGISTRY_AUTH


@pytest.mark.parametrize("data", [b"", b"{", b'{"type": "a", "type": "b"}', b"[]"])
async def test_a_file_that_is_half_written_is_refused(data: bytes, tmp_path: Path) -> None:
    """Until it is whole; the credential of before is used meanwhile."""
    (tmp_path / "file.json").write_bytes(data)
    provider = await build(tmp_path, credentialsFile="file.json")
    with pytest.raises(StoreError):
        await provider.credential(HOST)


async def test_a_dead_metadata_server_is_an_outage(google: Any) -> None:
    """Not a refusal: the registry may be asked again later."""
    google.answers["/computeMetadata/v1/instance/service-accounts/default/token"] = 503, {}
    with pytest.raises(StoreError) as caught:
        await (await build()).credential(HOST)
    assert caught.value.reason in (Reason.REGISTRY_ERROR, Reason.REGISTRY_AUTH)


async def test_a_token_that_has_expired_is_not_shown() -> None:
    """Clocks that differ, or an answer of yesterday."""

    class Old(GoogleTokens):
        async def token(self) -> AccessToken:
            return AccessToken("old", FakeClock().now() - timedelta(seconds=1))

    with pytest.raises(StoreError, match="expired") as caught:
        await TokenExchange(Old(), FakeClock()).exchange(HOST)
    assert caught.value.reason is Reason.REGISTRY_AUTH
    assert "old" not in repr(AccessToken("old", FakeClock().now()))


@pytest.mark.parametrize(
    ("parameters", "path"),
    [({"credentialsFile": "nosuch.json"}, "credentialsFile"), ({"registries": ["https://x"]}, "registries")],
)
async def test_what_is_wrong_is_named(parameters: dict[str, Any], path: str) -> None:
    """Before anything is sent."""
    with pytest.raises(ConfigurationError) as caught:
        await build(**parameters)
    assert caught.value.path == path


@pytest.mark.usefixtures("google")
async def test_registries_narrow_what_is_covered() -> None:
    """To some hosts of Google."""
    provider = await build(registries=[HOST])
    assert not (await provider.credential(HOST)).is_anonymous
    assert (await provider.credential("gcr.io")).is_anonymous


def test_warnings_of_the_sdk_do_not_go_to_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """They quote what Google answered; applications that set up logging see them."""
    shown: list[str] = []
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    monkeypatch.setattr(logging.lastResort, "handle", lambda record: shown.append(record.getMessage()))
    logging.getLogger("google.auth.compute_engine._metadata").warning("you sent metadata-1")
    assert shown == []
    logging.getLogger("other").warning("seen")
    assert shown == ["seen"]
