"""What an API server must say of a Secret before a Pod's images are read with it."""

import base64
from collections.abc import Mapping
from typing import Any

import pytest

from pyratify.core.reference import Reference
from pyratify.kubernetes.secrets.pod_secrets import PodCredentials, PodSecrets, PullSpec
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
