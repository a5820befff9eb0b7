"""Which entries of pull Secrets are tried for an image."""

import base64
import json

import pytest

from pyratify.core.credential import RepositoryCredentialProvider
from pyratify.core.errors import StoreError
from pyratify.core.reference import Reference
from pyratify.kubernetes.secrets.pull_secret import OLD_PULL, PULL, PullSecret, scopes_for
from pyratify.kubernetes.secrets.secret_reader import Secret

APP = Reference.parse("registry.example.com/team/app:v1")


def read(name: str, version: str = "1", **users: str) -> PullSecret:
    """Return a Secret with an entry for each user; without one where the name of the user is empty."""
    auths = {
        key: {"auth": base64.b64encode(f"{user}:test-only".encode()).decode()} if user else {}
        for key, user in users.items()
    }
    data = {".dockerconfigjson": json.dumps({"auths": auths}).encode()}
    return PullSecret.read(Secret("team", name, version, PULL, data, f"uid-{name}"))


async def tried(*secrets: PullSecret) -> list[str]:
    """Return the users whose credentials are tried, in order."""
    scopes, malformed = scopes_for(secrets, APP)
    assert malformed == ()
    found = []
    for scope in scopes:
        assert isinstance(scope.provider, RepositoryCredentialProvider)
        found.append(await scope.provider.repository_credential(APP.registry, APP.repository))
    return [credential.username for credential in found]


async def test_entries_are_tried_from_the_closest_to_the_widest() -> None:
    """Across Secrets; an empty entry is none, and what is stored twice is tried once."""
    one = read("one", **{"*.example.com": "stars", "registry.example.com": "host", "other.example": "no"})
    two = read(
        "two",
        **{
            "registry.example.com/team": "path",
            "registry.example.com": "second",
            "https://registry.example.com": "host",
            "registry.example.com/team/app": "",
            "registry.example.com/te": "no",
        },
    )
    assert await tried(one, two) == ["path", "host", "second", "stars"]
    assert await tried(two, one) == ["path", "second", "host", "stars"]
    # The closest, and not the last of the alphabet.
    for keys in (
        ("registry.example.com", "https://registry.example.com/team/app"),
        ("*.example.com", "*y.example.com/team"),
    ):
        assert await tried(read("three", **{keys[0]: "wide", keys[1]: "close"})) == ["close", "wide"]


def test_a_scope_is_one_entry_of_one_version() -> None:
    """Another Secret, version or key is another scope; what else is in the Secret's namespace is not part of it."""
    entry = {"registry.example.com": "user"}
    given = [
        read("one", **entry),
        read("one", "2", **entry),
        read("two", **entry),
        read("one", **{"registry.example.com/team": "user"}),
    ]
    identities = {scopes_for([secret], APP)[0][0].identity for secret in given}
    assert len(identities) == 4
    assert scopes_for([read("one", **entry)], APP)[0][0].identity in identities


async def test_another_host_gets_what_the_secret_has_for_it() -> None:
    """A mirror, or the repository of signatures; never the entry of the image's own host."""
    secret = read("one", **{"registry.example.com": "user", "mirror.example.com": "mirror"})
    ((scope, *_), _) = scopes_for([secret], APP)
    assert scope.provider is not None
    assert (await scope.provider.credential("registry.example.com")).username == "user"
    assert (await scope.provider.credential("mirror.example.com")).username == "mirror"
    assert (await scope.provider.credential("elsewhere.example.com")).is_anonymous


async def test_a_malformed_entry_for_another_host_is_an_error_there() -> None:
    """It is named, and not passed over."""
    auths = {"registry.example.com": {"username": "u", "password": "p"}, "mirror.example.com": {"auth": "!"}}
    data = {".dockerconfigjson": json.dumps({"auths": auths}).encode()}
    secret = PullSecret.read(Secret("team", "one", "1", PULL, data))
    ((scope,), malformed) = scopes_for([secret], APP)
    assert malformed == ()
    assert scope.provider is not None
    with pytest.raises(StoreError, match=r"Secret team/one: the entry for mirror\.example\.com"):
        await scope.provider.credential("mirror.example.com")


@pytest.mark.parametrize("data", [{}, {".dockercfg": b""}, {".dockercfg": b" \n"}])
def test_a_secret_of_the_older_type_without_entries_holds_nothing(data: dict[str, bytes]) -> None:
    """As one of the type that replaced it; it is not malformed."""
    assert not PullSecret.read(Secret("team", "one", "1", OLD_PULL, data)).keys


def test_a_pull_secret_is_not_shown() -> None:
    """Neither in a log nor in a traceback."""
    auths = {"registry.example.com": {"username": "u", "password": "hunter2"}}
    data = {".dockerconfigjson": json.dumps({"auths": auths}).encode()}
    secret = PullSecret.read(Secret("team", "one", "1", PULL, data))
    ((scope,), _) = scopes_for([secret], APP)
    assert "hunter2" not in repr(secret) + repr(scope)
