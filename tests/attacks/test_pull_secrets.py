"""Attacks by Pods and their Secrets: on other tenants' images and credentials, on hosts, and on the server's work."""

import asyncio
import json
from argparse import ArgumentParser
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from pyratify.caches.verdict_entry import entry_name, seal, unseal
from pyratify.caches.verdicts import Verdicts
from pyratify.core.credential_scope import CredentialScope
from pyratify.core.errors import ConfigurationError
from pyratify.core.executor import MAX_SCOPES
from pyratify.core.shared_verdicts import VerdictKey
from pyratify.entrypoints.gatekeeper.provider_flags import add_flags
from pyratify.entrypoints.gatekeeper.serve_gatekeeper import make
from pyratify.kubernetes.secrets.pod_secrets import MAX_ENTRIES, MAX_READS, MAX_SECRETS, PodSecrets
from pyratify.kubernetes.secrets.pull_secret import MAX_TRIED
from pyratify.serving.entry_point import ServerContext
from pyratify.testing.fakes import FakeClock
from pyratify.testing.registry import RegistrySimulator, redirect
from pyratify.testing.registry_auth import BearerAuth
from support.providers import Here, items
from support.pull_secrets import PASSWORD, Tenants, configured_user, pod_in, tenants, users
from support.sharing import PINNED, SECRET, verdict
from support.webhooks import MUTATE


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Tenants]:
    """A registry, an API server and entry points."""
    async with tenants(tmp_path) as found:
        yield found


def pinned(here: Tenants, name: str) -> str:
    """Return a repository's image by digest."""
    return f"{here.registry.host}/{name}@{here.registry.repository(name).tags['v1']}"


@pytest.mark.parametrize("by_digest", [False, True])
@pytest.mark.parametrize("other", ["rival", "team"])
async def test_atk_250_what_one_tenants_secret_has_read_answers_for_no_other_credential(
    here: Tenants, other: str, by_digest: bool
) -> None:
    """Neither verdict nor content, tokens or tags: not of another namespace, and not of a Pod beside it that names no Secret."""
    image = here.repository("app", "alice")
    host = here.registry.host
    if by_digest:
        image = pinned(here, "app")
    here.secret("team", "login", f"{host}=alice")
    here.secret("rival", "login", f"{host}=mallory")
    here.secret("team", "wrong", f"{host}=mallory")
    for _ in range(2):
        assert await here.allows(pod_in("team", image, "login"))
        for names in ((), ("wrong",), ("nosuch",)):
            assert "REGISTRY_AUTH" in await here.refusal(pod_in(other, image, *names))
    assert "REGISTRY_AUTH" in await here.refusal(pod_in("rival", image, "login"))
    if not by_digest:  # a digest needs no registry to be pinned
        assert "REGISTRY_AUTH" in await here.refusal(pod_in("rival", image, "login"), path=MUTATE)
    assert await here.allows(pod_in("team", image, "login"))


async def test_atk_250_questions_at_the_same_time_share_nothing(here: Tenants) -> None:
    """Work that is under way for one credential is not joined by another."""
    image = here.repository("app", "alice")
    here.secret("team", "login", f"{here.registry.host}=alice")
    here.secret("rival", "login", f"{here.registry.host}=mallory")
    here.registry.delay = 0.05
    pods = [pod_in("team", image, "login"), pod_in("rival", image, "login"), pod_in("team", image)] * 3
    assert await asyncio.gather(*map(here.allows, pods)) == [True, False, False] * 3


async def test_atk_250_what_a_secret_has_read_is_not_in_the_answers_of_the_configuration(
    here: Tenants,
) -> None:
    """The same registry, image and namespace, with the configuration's own credential that may not read it."""
    image = here.repository("app", "alice")
    here.configured.by_registry[here.registry.host] = configured_user("node")
    here.secret("team", "login", f"{here.registry.host}=alice")
    assert await here.allows(pod_in("team", image, "login"))
    assert "REGISTRY_AUTH" in await here.refusal(pod_in("team", image))
    # And the other way round: what the configuration reads needs no Secret.
    shared = here.repository("shared", "node")
    assert await here.allows(pod_in("team", shared))
    assert await here.allows(pod_in("team", shared, "login"))


async def test_atk_250_a_secret_of_another_namespace_is_never_read(here: Tenants) -> None:
    """Its name is looked up in the Pod's own namespace alone, whatever the object says of its own."""
    image = here.repository("app", "alice")
    here.secret("victim", "login", f"{here.registry.host}=alice")
    here.account("victim", "default", "login")
    names = ("login", "victim/login", "../../victim/secrets/login", "victim%2Flogin", "[victim]login")
    for name in names:
        assert "REGISTRY_AUTH" in await here.refusal(pod_in("rival", image, name))
    for account in ("default", "victim/default", "../../victim/serviceaccounts/default"):
        document = pod_in("rival", image, kind="Deployment", serviceAccountName=account)
        assert "REGISTRY_AUTH" in await here.refusal(document)
    # The request's namespace counts, and not the one that the object's author wrote.
    assert "REGISTRY_AUTH" in await here.refusal(pod_in("victim", image, "login"), namespace="rival")
    assert {each.partition("/")[0] for each in (*here.reads(), *here.reads("serviceaccounts"))} == {"rival"}


async def test_atk_250_an_answer_about_another_secret_lends_no_credential(here: Tenants) -> None:
    """A proxy before the API server that answers with what it has."""
    image = here.repository("app", "alice")
    here.secret("victim", "login", f"{here.registry.host}=alice")
    document = here.server.get("v1", "secrets", "login", "victim")

    async def get(plural: str, name: str, namespace: str) -> Any:
        del plural, name, namespace
        return document

    here.webhook.secrets = PodSecrets(get, here.clock)
    assert "is not about rival/login" in await here.refusal(pod_in("rival", image, "login"))


async def test_atk_250_a_secret_that_is_replaced_counts_within_seconds(here: Tenants) -> None:
    """What the old one had read is no answer for the new one, and is still none when the verdict would be remembered longer."""
    image = here.repository("app", "alice")
    host = here.registry.host
    here.secret("team", "login", f"{host}=alice")
    assert await here.allows(pod_in("team", image, "login"))
    here.clock.advance(4)
    assert await here.allows(pod_in("team", image, "login"))  # remembered anew, for longer than the Secret
    here.secret("team", "login", f"{host}=mallory")
    here.clock.advance(1)
    assert "REGISTRY_AUTH" in await here.refusal(pod_in("team", image, "login"))
    # Deleted and made again, it may have the version of another one.
    here.server.remove("v1", "secrets", "login", "team")
    here.clock.advance(5)
    assert "Secret team/login does not exist" in await here.refusal(pod_in("team", image, "login"))


def test_atk_250_a_shared_verdict_is_for_its_credentials_alone() -> None:
    """Replicas find it under another name, and its signature covers them."""
    keys = [VerdictKey("one", "team", PINNED, credentials) for credentials in ("", "a", "b")]
    assert len({entry_name(SECRET, key) for key in keys}) == 3
    now = FakeClock().now()
    entry = seal(SECRET, keys[1], verdict(), now, 5)
    assert entry is not None
    assert [unseal(SECRET, key, entry, now) is not None for key in keys] == [False, True, False]


async def test_atk_257_the_text_of_a_secret_is_bounded_and_obeyed_by_no_terminal(
    here: Tenants, caplog: pytest.LogCaptureFixture
) -> None:
    """Its author chooses the keys of entries; no password is in any message or log."""
    image = here.repository("app", "alice")
    host = here.registry.host
    entries = {f"https://{host}/\x1b[31m{number}": {"auth": "!"} for number in range(99)}
    here.secret("team", "evil", __dockerconfigjson=json.dumps({"auths": entries}))
    here.secret("team", "wrong", f"{host}=mallory")
    text = await here.refusal(pod_in("team", image, "evil", "wrong", "nosuch"))
    assert "\x1b" not in text
    assert " more." in text
    assert len(text) < 3000
    assert PASSWORD not in text + caplog.text + str([vars(record) for record in caplog.records])


async def test_atk_250_gatekeepers_answers_follow_the_secret(here: Tenants) -> None:
    """They are not remembered for longer than it, whatever the lifetime of verdicts."""
    here.repository("app", "alice")
    key, host = f"[team]{pinned(here, 'app')}", here.registry.host
    here.secret("team", "login", f"{host}=alice")
    here.account("team", "default", "login")
    for _ in range(2):
        (item,) = await items(here.provider, key)
        assert item["value"]["succeeded"] is True
    here.secret("team", "login", f"{host}=mallory")
    here.clock.advance(5)
    (item,) = await items(here.provider, key)
    assert item["error"].startswith("REGISTRY_AUTH")


@pytest.mark.parametrize(
    "key",
    [
        "127.0.0.1",
        "{host}.evil.example",
        "x{host}",
        "*{host}x",
        "*.example",
        "{host}/ap",
        "{host}/other",
        "https//{host}",
        "evil.example/{host}",
        "ftp://{host}",
    ],
)
async def test_atk_027_a_secret_is_shown_to_the_hosts_of_its_keys_alone(here: Tenants, key: str) -> None:
    """Whatever image the Pod names beside it."""
    image = here.repository("app", "alice")
    here.secret("team", "login", f"{key.format(host=here.registry.host)}=alice")
    assert "REGISTRY_AUTH" in await here.refusal(pod_in("team", image, "login"))
    assert set(users(here.registry)) == {""}


@pytest.mark.parametrize("how", ["redirect", "realm"])
async def test_atk_027_no_redirect_and_no_realm_takes_a_secret_to_another_host(
    here: Tenants, how: str
) -> None:
    """As with the configuration's own credentials."""
    image = here.repository("app", "alice")
    host = here.registry.host
    here.secret("team", "login", f"{host}=alice")
    with RegistrySimulator() as thief:
        if how == "redirect":
            here.registry.fault(redirect("/manifests/", f"{thief.url}/v2/app/manifests/v1"))
        else:
            here.registry.auth = BearerAuth(realm=f"http://localhost:{thief.port}/token")
        assert not await here.allows(pod_in("team", image, "login"))
        assert not [hit for hit in thief.hits if "authorization" in hit.headers]
        assert PASSWORD not in str([(hit.path, hit.body) for hit in thief.hits])


async def test_atk_246_brackets_choose_no_other_namespace(here: Tenants) -> None:
    """The template's prefix is taken off once; what the author of a Pod wrote after it is no second one."""
    image = here.repository("app", "alice")
    here.secret("victim", "login", f"{here.registry.host}=alice")
    here.account("victim", "default", "login")
    here.account("rival", "default")
    given = [
        f"[victim]{image}",
        f"[rival]{image}",
        f"[rival][victim]{image}",
        f"[]{image}",
        f"[victim/]{image}",
    ]
    found = await items(here.provider, *given)
    assert [bool(item.get("value") and item["value"]["succeeded"]) for item in found] == [
        True,
        *[False] * 4,
    ]
    errors = [item["error"].partition(":")[0] for item in found[1:]]
    assert errors == ["REGISTRY_AUTH", "REF_INVALID", "KEY_INVALID", "KEY_INVALID"]
    assert set(here.reads()) == {"victim/login"}


@pytest.mark.parametrize("namespaces", ["optional", "disabled"])
def test_atk_246_secrets_need_a_namespace_that_the_author_of_an_object_cannot_write(namespaces: str) -> None:
    """Without a prefix by the template, `[victim]image` in a Pod would read with the victim's Secrets."""
    parser, clock = ArgumentParser(), FakeClock()
    add_flags(parser)
    flags = parser.parse_args(["--address", ":0", "--pull-secrets", "--namespaces", namespaces])
    with pytest.raises(ConfigurationError, match="needs a namespace in every key"):
        make(ServerContext(flags, Here(None), Verdicts(clock), clock))


async def test_atk_253_one_pod_names_only_so_many_secrets(here: Tenants) -> None:
    """Refused before anything is read; equal names are one."""
    image = here.repository("app", "alice")
    here.secret("team", "login", f"{here.registry.host}=alice")
    many = [f"s{number}" for number in range(MAX_SECRETS)]
    text = await here.refusal(pod_in("team", image, "login", *many))
    assert f"PARSE_LIMIT: {MAX_SECRETS + 1} imagePullSecrets are named, more than {MAX_SECRETS}" in text
    assert here.reads() == []
    assert await here.allows(pod_in("team", image, *["login"] * 99))


async def test_atk_253_a_namespace_has_only_so_many_secrets_read(here: Tenants) -> None:
    """Pods that each name others cost the API server no more than that; other namespaces are served meanwhile."""
    image = here.repository("app", "alice")
    for namespace in ("team", "rival"):
        here.secret(namespace, "login", f"{here.registry.host}=alice")
    pods = MAX_READS // MAX_SECRETS + 2
    texts = [
        await here.refusal(pod_in("rival", image, *(f"s{one}-{n}" for n in range(MAX_SECRETS))))
        for one in range(pods)
    ]
    assert "KEY_UNAVAILABLE: more than 256 Secrets are asked for within 10 seconds" in texts[-1]
    assert len(here.reads()) == MAX_READS
    assert await here.allows(pod_in("team", image, "login"))
    here.clock.advance(10)
    assert await here.allows(pod_in("rival", image, "login"))


async def test_atk_253_the_secrets_of_one_pod_have_only_so_many_entries(here: Tenants) -> None:
    """Together, as each is compared with each image; the first ones count."""
    image = here.repository("app", "alice")
    host = here.registry.host
    for number in range(3):
        here.secret("team", f"s{number}", *(f"h{n}.example=a" for n in range(MAX_ENTRIES // 2)))
    here.secret("team", "login", f"{host}=alice")
    text = await here.refusal(pod_in("team", image, "s0", "s1", "login", "s2"))
    assert f"Secret team/login and those before it have more than {MAX_ENTRIES} entries" in text
    assert await here.allows(pod_in("team", image, "login", "s0", "s1"))


async def test_atk_253_only_so_many_credentials_are_tried_for_one_image(here: Tenants) -> None:
    """A registry must not be made to refuse thousands, nor an account there be locked."""
    image = here.repository("app", "alice")
    host = here.registry.host
    for number in range(4):
        entries = [
            f"http{'s' * (n % 2)}://{host}/v{1 + n // 2}{'/' * (n // 4)}=u{number}-{n}" for n in range(8)
        ]
        here.secret("team", f"s{number}", *entries)
    assert not await here.allows(pod_in("team", image, *(f"s{number}" for number in range(4))))
    assert len({user for user in users(here.registry) if user}) == MAX_TRIED


async def test_atk_253_credentials_that_come_and_go_are_forgotten(here: Tenants) -> None:
    """A tenant that replaces a Secret again and again leaves no more than a bounded number of stores behind."""
    (executor,) = here.engine.executors.values()
    scopes = [CredentialScope(f"version {number}") for number in range(MAX_SCOPES + 1)]
    stores = [executor.with_credentials(scope) for scope in scopes]
    assert executor.with_credentials(scopes[1]) is stores[1]
    assert executor.with_credentials(scopes[0]) is not stores[0]
