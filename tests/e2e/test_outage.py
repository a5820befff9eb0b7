"""An outage of something that decisions need: no Pod is admitted, and afterwards everything is as before."""

from collections.abc import Iterator

import pytest

from e2e.cluster.api import Refused
from e2e.cluster.apiserver import ApiServer
from e2e.cluster.images import Images
from e2e.cluster.pods import pod
from e2e.cluster.programs import eventually
from e2e.cluster.provider import COSIGN, SIGNED_BY_EITHER, Provider, configuration

pytestmark = pytest.mark.e2e

GOOD, BAD = "cosign-v2", "unsigned"


@pytest.fixture
def interrupted(provider: Provider) -> Iterator[Provider]:
    """The provider, started again at the end if it was ended."""
    yield provider
    if provider.program is None or provider.program.process.poll() is not None:
        provider.start()


def test_provider_killed_and_restarted(
    api_server: ApiServer, admitting: str, images: Images, interrupted: Provider
) -> None:
    """Without the provider a signed Pod is refused; with it again it is admitted and an unsigned one is not."""
    api_server.api.create(pod(admitting, images[GOOD]))
    interrupted.kill()
    with pytest.raises(Refused, match="connection refused") as caught:
        api_server.api.create(pod(admitting, images[GOOD]))
    assert caught.value.code == 403
    interrupted.start()
    api_server.api.create(pod(admitting, images[GOOD]))
    with pytest.raises(Refused, match="NO_EVIDENCE"):
        api_server.api.create(pod(admitting, images[BAD]))


def test_mutation_without_the_provider(
    api_server: ApiServer, mutating: str, images: Images, interrupted: Provider
) -> None:
    """Refuses as well: no tag is admitted unpinned."""
    interrupted.kill()
    with pytest.raises(Refused, match=r"mutation\.gatekeeper\.sh"):
        api_server.api.create(pod(mutating, images[GOOD]))
    interrupted.start()
    made = api_server.api.create(pod(mutating, images[GOOD]))
    assert made["spec"]["containers"][0]["image"] == images.pinned(GOOD)


def test_a_configuration_that_is_wrong_changes_nothing(
    api_server: ApiServer, admitting: str, images: Images, interrupted: Provider
) -> None:
    """The last good one decides on; a process that has none refuses everything."""
    good = (interrupted.folder / "config.json").read_bytes()
    try:
        (interrupted.folder / "config.json").write_text("{}")
        eventually("the log says so", lambda: "configuration refused" in said(interrupted))
        api_server.api.create(pod(admitting, images[GOOD]))
        interrupted.kill()
        interrupted.start(ready=False)
        with pytest.raises(Refused, match="NO_EXECUTOR"):
            api_server.api.create(pod(admitting, images[GOOD]))
    finally:
        (interrupted.folder / "config.json").write_bytes(good)
    eventually("the provider is ready", interrupted.ready)
    api_server.api.create(pod(admitting, images[GOOD]))


def test_the_configuration_is_followed(
    api_server: ApiServer, admitting: str, images: Images, interrupted: Provider
) -> None:
    """Who is trusted no longer is refused within seconds, without a restart; and the other way round."""
    interrupted.configure(configuration(COSIGN))
    try:
        eventually(
            "the key alone counts", lambda: not admitted(api_server, admitting, images["notation-jws-ec"])
        )
        assert admitted(api_server, admitting, images[GOOD])
    finally:
        interrupted.configure(SIGNED_BY_EITHER)
    eventually(
        "the authority counts again", lambda: admitted(api_server, admitting, images["notation-jws-ec"])
    )


def said(provider: Provider) -> str:
    """Return the log of the provider's processes."""
    return provider.program.said() if provider.program else ""


def admitted(api_server: ApiServer, namespace: str, image: str) -> bool:
    """Return whether a Pod of an image would be admitted."""
    try:
        return bool(api_server.api.trying().create(pod(namespace, image)))
    except Refused:
        return False
