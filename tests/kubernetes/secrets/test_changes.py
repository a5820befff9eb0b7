"""What a reader of Secrets asks the API server for, when it sees a change, and what a tenant may name."""

import base64
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pyratify.core.errors import ConfigurationError, StoreError
from pyratify.core.reason import Reason
from pyratify.kubernetes.client.api import ApiFault
from pyratify.kubernetes.secrets.credentials_plugin import plugin
from pyratify.kubernetes.secrets.keys_plugin import SecretDocuments
from pyratify.kubernetes.secrets.secret_reader import MAX_SECRETS, ClusterResources, SecretReader
from pyratify.testing.fakes import FakeClock

NOT_FOUND = ApiFault(404, "NotFound", "there is none")
DOWN = ApiFault(0, "", "no answer")
PULL, BASIC = "kubernetes.io/dockerconfigjson", "kubernetes.io/basic-auth"


@dataclass
class FakeApi:
    """An API server of some objects, by their paths.

    Attributes:
        objects: The objects, or why they cannot be read.
        asked: The paths that were asked for.
    """

    objects: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def get(self, path: str) -> Any:
        """Return an object."""
        self.asked.append(path)
        found = self.objects.get(path, NOT_FOUND)
        if isinstance(found, ApiFault):
            raise found
        return found

    def put(self, name: str, version: str = "1", kind: str = "Opaque", **data: str | bytes) -> None:
        """Keep a Secret in the namespace `team`."""
        held = {key: text.encode() if isinstance(text, str) else text for key, text in data.items()}
        coded = {key.replace("__", "."): base64.b64encode(text).decode() for key, text in held.items()}
        document = {"metadata": {"resourceVersion": version}, "type": kind, "data": coded}
        self.objects[f"/api/v1/namespaces/team/secrets/{name}"] = document

    def account(self, *secrets: str, version: str = "1") -> None:
        """Keep the service account `app` with these image pull Secrets."""
        names = [{"name": name} for name in secrets]
        document = {"metadata": {"resourceVersion": version}, "imagePullSecrets": names}
        self.objects["/api/v1/namespaces/team/serviceaccounts/app"] = document


def reader(api: Any, *, tenant: bool = True) -> SecretReader:
    """Return a reader of the namespace `team`."""
    return SecretReader(api, "team", tenant)


@pytest.mark.parametrize(
    ("after", "changed"),
    [
        ({}, False),
        ({"one": "2"}, True),
        ({"two": "2"}, True),
        ({"one": NOT_FOUND}, True),
        ({"one": DOWN}, False),
        ({"one": DOWN, "two": "2"}, True),
    ],
)
async def test_a_change_is_another_version_or_a_secret_that_is_gone(
    after: dict[str, Any], *, changed: bool
) -> None:
    """An outage of the API server is none; every object is asked for by the path that it was read by."""
    api = FakeApi()
    secrets = reader(api)
    for name in ("one", "two"):
        api.put(name)
        await secrets.read(name)
    for name, what in after.items():
        if isinstance(what, ApiFault):
            api.objects[f"/api/v1/namespaces/team/secrets/{name}"] = what
        else:
            api.put(name, what)
    read = set(api.asked)
    assert await secrets.changed() is changed
    assert set(api.asked) == read


async def test_a_pull_secret_that_appears_is_a_change_and_one_that_stays_away_is_none() -> None:
    """So is another list of them."""
    api = FakeApi()
    api.account("there", "missing")
    api.put("there")
    secrets = reader(api)
    assert [each.name for each in await secrets.pull_secrets("app")] == ["there"]
    assert not await secrets.changed()
    api.put("missing")
    assert await secrets.changed()
    del api.objects["/api/v1/namespaces/team/secrets/missing"]
    assert not await secrets.changed()
    api.account("there", version="2")
    assert await secrets.changed()


async def test_a_tenant_names_a_bounded_number_of_secrets_through_an_account_too() -> None:
    """The account is one of them; those that were read already cost nothing more."""
    names = [f"s{number}" for number in range(MAX_SECRETS - 1)]
    api = FakeApi()
    for name in (*names, "more"):
        api.put(name)
    api.account(*names)
    secrets = reader(api)
    for _ in range(2):
        assert len(await secrets.pull_secrets("app")) == MAX_SECRETS - 1
    api.account(*names, "more")
    with pytest.raises(ConfigurationError, match=f"at most {MAX_SECRETS} Secrets") as caught:
        await secrets.pull_secrets("app")
    assert caught.value.path == "serviceAccount"
    assert len(await reader(api, tenant=False).pull_secrets("app")) == MAX_SECRETS


async def credentials(api: Any, *scopes: str, **options: Any) -> Any:
    """Build the provider from these parameters."""
    resources = ClusterResources(FakeClock(), Path(), scopes=scopes or ("a.example",), secrets=reader(api))
    return await plugin.build("kubernetes", msgspec.convert(options, plugin.options), resources)


def auths(**entries: str) -> str:
    """Return a Docker configuration with these credentials, by their keys."""
    coded = {
        key.replace("__", ".").replace("_", "/"): {"auth": base64.b64encode(text.encode()).decode()}
        for key, text in entries.items()
    }
    return json.dumps({"auths": coded})


async def test_pull_secrets_are_asked_in_their_order() -> None:
    """The first one with an entry counts, for a repository before the whole registry; else what is said of the first."""
    api = FakeApi()
    api.account("one", "two")
    api.put("one", kind=PULL, __dockerconfigjson=auths(a__example_app="one:1"))
    api.put("two", kind=PULL, __dockerconfigjson=auths(a__example="two:2"))
    found = await credentials(api, serviceAccount="app")
    assert (await found.repository_credential("a.example", "app")).username == "one"
    assert (await found.repository_credential("a.example", "other")).username == "two"
    assert (await found.credential("a.example")).username == "two"
    none = await found.credential("b.example")
    assert none.is_anonymous
    api.account("one")
    only = await credentials(api, serviceAccount="app")
    lacking = await only.repository_credential("a.example", "other")
    assert lacking.is_anonymous
    assert "'a.example/app' is not for a.example/other" in lacking.note


async def test_an_account_without_pull_secrets_is_anonymous() -> None:
    """As kubelet is; Secrets of other types are no credentials."""
    api = FakeApi()
    api.account("other")
    api.put("other", kind="Opaque", __dockerconfigjson=auths(a__example="one:1"))
    assert (await (await credentials(api, serviceAccount="app")).credential("a.example")).is_anonymous


async def test_a_malformed_entry_is_an_error_where_it_is_asked_for() -> None:
    """It must not look as if there were none."""
    api = FakeApi()
    api.put("login", kind=PULL, __dockerconfigjson='{"auths": {"a.example": {"auth": "!"}}}')
    found = await credentials(api, secret="login")
    with pytest.raises(StoreError) as caught:
        await found.credential("a.example")
    assert caught.value.reason is Reason.REGISTRY_AUTH


async def test_a_user_name_and_password_are_for_the_registries_of_the_scopes() -> None:
    """Or for those that are named, and for no other; without the line break of an editor."""
    api = FakeApi()
    api.put("login", kind=BASIC, username="user\n", password="hunter2\r\n")
    found = await credentials(api, "a.example/team", "*.b.example", secret="login")
    assert (await found.credential("a.example")).password == "hunter2"
    assert (await found.credential("x.b.example")).username == "user"
    assert (await found.credential("c.example")).is_anonymous
    named = await credentials(api, "*", secret="login", registries=["c.example"])
    assert (await named.credential("c.example")).username == "user"
    assert (await named.credential("a.example")).is_anonymous


@pytest.mark.parametrize(
    ("secret", "path", "reason"),
    [
        ({"kind": PULL, "__dockerconfigjson": "{"}, "secret", Reason.REGISTRY_AUTH),
        ({"kind": PULL}, "secret", Reason.KEY_UNAVAILABLE),
        ({"kind": BASIC, "username": "u"}, "secret", Reason.KEY_UNAVAILABLE),
        ({"kind": BASIC, "username": "u", "password": b"\xff"}, "secret", None),
        ({"kind": "Opaque", "a": "b"}, "secret", None),
    ],
)
async def test_a_secret_that_is_no_credential_is_named(
    secret: dict[str, Any], path: str, reason: Any
) -> None:
    """With the reason of what is wrong with it."""
    api = FakeApi()
    api.put("login", **secret)
    with pytest.raises(ConfigurationError) as caught:
        await credentials(api, secret="login")
    assert caught.value.path == path
    if reason is not None:
        assert caught.value.reason is reason


async def test_a_tenant_may_write_its_own_namespace_and_no_other() -> None:
    """It is where its Secrets are read without that, too."""
    api = FakeApi()
    api.put("login", a="b")
    secrets = reader(api)
    assert (await secrets.read("login", "team")).data == {"a": b"b"}
    asked = list(api.asked)
    with pytest.raises(ConfigurationError, match="of its own namespace only, which is team") as caught:
        await secrets.read("login", "ratify")
    assert (caught.value.path, api.asked) == ("namespace", asked)


async def test_a_secret_is_not_shown() -> None:
    """Neither in a log nor in a traceback."""
    api = FakeApi()
    api.put("login", password="hunter2")
    secret = await reader(api).read("login")
    assert secret.data == {"password": b"hunter2"}
    assert "hunter2" not in repr(secret)


async def test_an_api_server_that_does_not_answer_is_named() -> None:
    """It is not told as a code that no server sends."""
    api = FakeApi({"/api/v1/namespaces/team/secrets/login": DOWN})
    with pytest.raises(ConfigurationError, match="Secret team/login cannot be read: no answer") as caught:
        await reader(api).read("login")
    assert caught.value.reason is Reason.KEY_UNAVAILABLE


async def test_the_certificates_of_a_secret_are_its_entries() -> None:
    """In the order of their names, or the one entry that is named; keys are read alike."""
    api = FakeApi()
    api.put("ca", b="two", a="one")
    secret = await reader(api).read("ca")
    found = await SecretDocuments(secret).certificates()
    assert [(each.data, each.origin) for each in found] == [
        (b"one", "Secret team/ca a"),
        (b"two", "Secret team/ca b"),
    ]
    assert [each.data for each in await SecretDocuments(secret, "b").certificates()] == [b"two"]
