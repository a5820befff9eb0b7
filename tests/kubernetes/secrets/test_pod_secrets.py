"""What an API server must say of a Secret before a Pod's images are read with it."""

import base64
from collections.abc import Mapping
from typing import Any

import pytest

from pyratify.core.errors import StoreError
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.kubernetes.client.api import ApiFault
from pyratify.kubernetes.secrets.pod_secrets import MAX_READS, PodCredentials, PodSecrets, PullSpec
from pyratify.testing.fakes import FakeClock

IDENTITY = {"uid": "one", "resourceVersion": "1"}
DATA = base64.b64encode(b'{"auths":{"registry.example":{"username":"a","password":"test-only"}}}').decode()


async def credentials(identity: Mapping[str, Any]) -> PodCredentials:
    """Return what is found in a Secret with this in its metadata."""

    async def get(plural: str, name: str, namespace: str) -> Mapping[str, Any]:
        del plural
        metadata = {"namespace": namespace, "name": name, **identity}
        data = {".dockerconfigjson": DATA}
        return {"metadata": metadata, "type": "kubernetes.io/dockerconfigjson", "data": data}

    image = Reference.parse("registry.example/app:v1")
    return await PodSecrets(get, FakeClock()).credentials("team", PullSpec(("login",)), image)


@pytest.mark.parametrize("missing", sorted(IDENTITY))
@pytest.mark.parametrize("value", [None, "", 7])
async def test_a_secret_without_uid_or_version_is_left_out(missing: str, value: object) -> None:
    """Two contents would have one identity, and what one has read would answer for the other."""
    assert (await credentials(IDENTITY)).scopes
    found = await credentials({**IDENTITY, missing: value})
    assert not found.scopes
    assert "no uid or resourceVersion of Secret team/login" in found.notes[0]


@pytest.mark.parametrize("data", [{"a": 7}, {"a": "!"}, {"a": "\xe4"}, {"a": None}, "text", ["a"]])
async def test_a_secret_whose_data_is_malformed_is_left_out(data: object) -> None:
    """The Pod's other Secrets count all the same."""

    async def get(plural: str, name: str, namespace: str) -> Mapping[str, Any]:
        del plural
        good = {".dockerconfigjson": DATA}
        metadata = {"namespace": namespace, "name": name, **IDENTITY}
        kind = "kubernetes.io/dockerconfigjson"
        return {"metadata": metadata, "type": kind, "data": good if name == "good" else data}

    names = PullSpec(("bad", "good"))
    found = await PodSecrets(get, FakeClock()).credentials(
        "team", names, Reference.parse("registry.example/app:v1")
    )
    assert len(found.scopes) == 1
    assert found.notes == ("Secret team/bad is malformed",)


NOTED = PodCredentials(notes=(*(f"note {number}" for number in range(3)), "x" * 400, "y", "z"))


@pytest.mark.parametrize("reason", [Reason.REGISTRY_AUTH, Reason.NOT_FOUND, Reason.AUTH_SCOPE])
def test_an_error_about_access_says_which_secrets_are_not_used(reason: Reason) -> None:
    """Four of them, each cut after 300 characters."""
    with pytest.raises(StoreError) as caught, NOTED.explained():
        raise StoreError(reason, "refused", remedy="Log in.")
    assert (caught.value.reason, caught.value.message) == (reason, "refused")
    before, _, shown = caught.value.remedy.partition(": ")
    assert before == "Log in. Pull Secrets that are not used"
    *notes, long, more = shown.split("; ")
    assert (notes, more) == (["note 0", "note 1", "note 2"], "and 2 more.")
    assert long.count("x") == 300


@pytest.mark.parametrize(
    ("found", "reason"), [(NOTED, Reason.TIMEOUT), (PodCredentials(), Reason.REGISTRY_AUTH)]
)
def test_an_error_that_has_another_cause_stays_as_it_is(found: PodCredentials, reason: Reason) -> None:
    """A Secret that is not used did not cause an outage, and one that is used is no matter for a note."""
    error = StoreError(reason, "refused")
    with pytest.raises(StoreError) as caught, found.explained():
        raise error
    assert caught.value is error


async def test_what_a_namespace_may_read_is_counted_anew_after_ten_seconds() -> None:
    """From its first read on: one that goes on asking, and asks for no more than is allowed, is never shut out."""

    async def get(plural: str, name: str, namespace: str) -> Mapping[str, Any]:
        raise ApiFault(404, "NotFound", f"{plural} {namespace}/{name}")

    clock = FakeClock()
    secrets = PodSecrets(get, clock)
    names = iter(range(3 * MAX_READS))

    async def ask(times: int) -> None:
        for _ in range(times):
            await secrets.credentials(
                "team", PullSpec((f"s{next(names)}",)), Reference.parse("registry.example/app:v1")
            )

    await ask(MAX_READS - 1)
    clock.advance(9)
    await ask(1)
    with pytest.raises(StoreError, match=f"more than {MAX_READS} Secrets") as caught:
        await ask(1)
    assert caught.value.reason is Reason.KEY_UNAVAILABLE
    clock.advance(1)
    await ask(MAX_READS)
