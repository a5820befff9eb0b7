"""The image pull Secrets of Pods and of their service accounts, as kubelet would choose them."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from support.pull_secrets import OLD_PULL, PASSWORD, Tenants, configured_user, pod_in, tenants, users
from support.webhooks import MUTATE, VALIDATE, asked, patched


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Tenants]:
    """A registry, an API server and a webhook."""
    async with tenants(tmp_path) as found:
        yield found


@pytest.mark.parametrize("kind", ["kubernetes.io/dockerconfigjson", OLD_PULL])
async def test_a_private_image_is_read_with_the_secret_that_its_pod_names(here: Tenants, kind: str) -> None:
    """Of either type; without it the image is refused, and the mutation pins with it, too."""
    image = here.repository("app", "alice")
    here.secret("team", "login", f"{here.registry.host}=alice", kind=kind)
    assert not await here.allows(pod_in("team", image))
    document = pod_in("team", image, "login")
    assert await here.allows(document)
    response = await asked(here.webhook, document, path=MUTATE)
    assert "@sha256:" in patched(document, response)["spec"]["containers"][0]["image"]


@pytest.mark.parametrize("name", ["", "builder"])
@pytest.mark.parametrize("kind", ["Deployment", "CronJob", "Pod"])
async def test_a_template_that_names_none_has_those_of_its_service_account(
    here: Tenants, kind: str, name: str
) -> None:
    """The API server puts them into Pods, before it asks webhooks, and into no template."""
    image = here.repository("app", "alice")
    here.secret("team", "login", f"{here.registry.host}=alice")
    here.account("team", name or "default", "login")
    spec = {"serviceAccountName": name} if name else {}
    assert await here.allows(pod_in("team", image, kind=kind, **spec)) is (kind != "Pod")
    assert here.reads("serviceaccounts") == ([] if kind == "Pod" else [f"team/{name or 'default'}"])
    # One that names a Secret of its own has no others.
    here.secret("team", "useless", "other.example=bob")
    assert not await here.allows(pod_in("team", image, "useless", kind=kind, **spec))


async def test_the_closest_entry_of_all_secrets_is_tried_first_and_then_the_others(here: Tenants) -> None:
    """A longer path before the host, an exact host before stars, and at equal rank the first Secret."""
    host = here.registry.host
    image = here.repository("team/app", "alice")
    here.secret("team", "wide", f"{host}=carol", f"127.0.0.*:{host.rpartition(':')[2]}=dave")
    here.secret("team", "near", f"{host}/team=bob", f"{host}=alice")
    assert await here.allows(pod_in("team", image, "wide", "near"))
    tried = [user for user in dict.fromkeys(users(here.registry)) if user]
    assert tried == ["bob", "carol", "alice"]  # dave's is not needed any more


async def test_the_configurations_own_credential_is_tried_last(here: Tenants) -> None:
    """As that of the node."""
    image = here.repository("app", "node")
    here.configured.by_registry[here.registry.host] = configured_user("node")
    here.secret("team", "login", f"{here.registry.host}=alice")
    assert await here.allows(pod_in("team", image, "login"))
    assert [user for user in dict.fromkeys(users(here.registry)) if user] == ["alice", "node"]


@pytest.mark.parametrize("stranger", [401, 403, 404])
async def test_whatever_a_registry_says_to_strangers_another_credential_is_tried(
    here: Tenants, stranger: int
) -> None:
    """Some say that there is no such repository."""
    here.members.stranger = stranger
    image = here.repository("app", "alice")
    here.secret("team", "first", f"{here.registry.host}/app=mallory")
    here.secret("team", "second", f"{here.registry.host}=alice")
    document = pod_in("team", image, "first", "second")
    assert await here.allows(document)
    # What was accepted is remembered: the other one is not shown again.
    before = len(here.registry.hits)
    here.clock.advance(20)
    assert await here.allows(document)
    assert "mallory" not in users(here.registry)[before:]


@pytest.mark.parametrize("path", [VALIDATE, MUTATE])
async def test_a_choice_that_is_no_longer_accepted_is_made_again(here: Tenants, path: str) -> None:
    """The next question finds the one that is."""
    image = here.repository("app", "alice")
    here.secret("team", "login", f"{here.registry.host}/app=alice", f"{here.registry.host}=bob")
    document = pod_in("team", image, "login")
    assert await here.allows(document, path=path)
    here.members.users["app"] = {"bob"}
    here.clock.advance(20)
    await here.allows(document, path=path)
    assert await here.allows(document, path=path)


async def test_a_public_image_is_read_as_without_secrets(here: Tenants) -> None:
    """An entry for another repository or host is nothing to show, and the verdict is the namespace's."""
    image = here.repository("public")
    host = here.registry.host
    here.secret("team", "login", f"{host}/private=alice", "other.example=bob", "*.0.0.1=carol")
    assert await here.allows(pod_in("team", image, "login"))
    assert set(users(here.registry)) == {""}
    count = len(here.registry.hits)
    assert await here.allows(pod_in("team", image))
    # A tag is resolved for each verdict; nothing else is read.
    assert len(here.registry.hits) == count + 1


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("missing", "Secret team/missing does not exist"),
        ("opaque", "Secret team/opaque is of the type 'Opaque', and no image pull Secret"),
        ("broken", "Secret team/broken: not JSON"),
        ("entry", "Secret team/entry: the entry for 127.0.0.1"),
        ("large", "team/large has more than 262144 bytes"),
        ("many", "Secret team/many has more than 512 entries"),
        ("../../kube-system/secrets/x", "'../../kube-system/secrets/x' is not a valid name of a Secret"),
    ],
)
async def test_a_secret_that_cannot_be_used_is_left_out_and_named(here: Tenants, name: str, why: str) -> None:
    """Others count all the same; where nothing can be read, the refusal says why."""
    image = here.repository("app", "alice")
    host = here.registry.host
    here.secret("team", "login", f"{host}=alice")
    here.secret("team", "opaque", kind="Opaque", __dockerconfigjson="{}")
    here.secret("team", "broken", __dockerconfigjson="{")
    here.secret("team", "entry", __dockerconfigjson=f'{{"auths":{{"{host}":{{"auth":"!"}}}}}}')
    here.secret("team", "large", __dockerconfigjson=f'{{"auths":{{}},"x":"{"x" * 262144}"}}')
    here.secret("team", "many", *(f"h{number}.example=a" for number in range(513)))
    text = await here.refusal(pod_in("team", image, name))
    assert text.startswith(f"image {image} of container")
    assert "REGISTRY_AUTH" in text
    assert why in text.replace("is not JSON", ": not JSON")
    assert PASSWORD not in text
    assert await here.allows(pod_in("team", image, name, "login"))


async def test_a_namespace_whose_secrets_must_not_be_read_is_served_without(here: Tenants) -> None:
    """The administrator gives the role where it shall be used."""
    image, public = here.repository("app", "alice"), here.repository("public")
    here.secret("team", "login", f"{here.registry.host}=alice")
    here.server.refuse(403, path="/secrets/", times=9)
    assert "Secret team/login must not be read by this server" in await here.refusal(
        pod_in("team", image, "login")
    )
    assert await here.allows(pod_in("team", public, "login"))


async def test_without_an_answer_of_the_api_server_nothing_is_decided(here: Tenants) -> None:
    """It is no missing Secret; the next question asks again."""
    image = here.repository("app", "alice")
    here.secret("team", "login", f"{here.registry.host}=alice")
    here.server.refuse(503, path="/secrets/", times=1)
    document = pod_in("team", image, "login")
    assert "KEY_UNAVAILABLE: the API server does not answer for secrets team/login" in await here.refusal(
        document
    )
    assert await here.allows(document)


async def test_secrets_are_read_once_for_a_while(here: Tenants) -> None:
    """Also what is missing, for a second; a new one counts after that, and one that was used after five."""
    image = here.repository("app", "alice")
    document = pod_in("team", image, "login")
    for _ in range(3):
        assert not await here.allows(document)
    assert here.reads() == ["team/login"]
    here.secret("team", "login", f"{here.registry.host}=alice")
    here.clock.advance(1)
    assert await here.allows(document)
    here.clock.advance(4.9)
    assert await here.allows(document)
    assert here.reads() == ["team/login"] * 2
    here.clock.advance(0.1)
    assert await here.allows(document)
    assert here.reads() == ["team/login"] * 3


@pytest.mark.parametrize("given", ["login", ["login"], [{"name": 7}], [7], {"name": "login"}], ids=str)
async def test_a_list_of_secrets_that_is_none_is_refused(here: Tenants, given: Any) -> None:
    """Custom kinds have no schema of a Pod."""
    document = pod_in("team", here.repository("app"), imagePullSecrets=given)
    assert "BAD_REQUEST: spec.imagePullSecrets" in await here.refusal(document)
