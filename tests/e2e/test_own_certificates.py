"""The provider makes and renews its certificates itself, and updates the authorities in Gatekeeper's real Providers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.cluster.api import Refused
from e2e.cluster.apiserver import ApiServer
from e2e.cluster.gatekeeper import Gatekeeper
from e2e.cluster.images import Images
from e2e.cluster.load import BAD, GOOD, load
from e2e.cluster.pods import pod
from e2e.cluster.programs import eventually
from e2e.cluster.provider import Provider
from e2e.cluster.rotation import SECRET, bundles, let_it_die, providers, replica, rotating, secret, serves

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def served(
    api_server: ApiServer,
    gatekeeper: Gatekeeper,
    provider: Provider,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Provider]:
    """A provider that began without a certificate; Gatekeeper is led to it, and to the usual one again at the end."""
    if not gatekeeper.knows_names:
        pytest.skip("no mount namespaces here: the name of the provider's Service cannot lead to loopback")
    try:
        with rotating(api_server, gatekeeper, tmp_path_factory.mktemp("rotating")) as found:
            yield found
    finally:
        api_server.api.apply(*provider.resources())


@pytest.fixture
def trusted(served: Provider, api_server: ApiServer, mutating: str, images: Images) -> str:
    """A namespace in which tags are pinned and Pods are judged; Gatekeeper trusts the provider."""
    eventually("Gatekeeper trusts it", lambda: admitted(api_server, mutating, images[GOOD]))
    return mutating


def admitted(server: ApiServer, namespace: str, image: str) -> bool:
    """Return whether a Pod of an image would be admitted.

    Raises:
        AssertionError: It would not, and says why.
    """
    try:
        return bool(server.api.trying().create(pod(namespace, image)))
    except Refused as error:
        raise AssertionError(error.message) from None


def test_a_provider_without_certificates_makes_its_own(
    served: Provider, trusted: str, api_server: ApiServer, images: Images
) -> None:
    """An authority and a certificate are in its Secret, both Providers tell Gatekeeper to trust the one, and it does."""
    found = secret(api_server)
    assert found.keys() == {"ca.crt", "ca.key", "tls.crt", "tls.key"}
    assert bundles(api_server, served) == {found["ca.crt"]}
    assert serves(served, found)
    with pytest.raises(AssertionError, match="NO_EVIDENCE"):
        admitted(api_server, trusted, images[BAD])


def test_a_second_replica_serves_the_same_certificate(
    served: Provider, trusted: str, api_server: ApiServer, gatekeeper: Gatekeeper, tmp_path: Path
) -> None:
    """It takes it from the Secret and changes nothing; as soon as it is ready it answers."""
    before = secret(api_server)
    second = replica(api_server, gatekeeper, tmp_path)
    second.start()
    try:
        assert serves(second, before)
        assert secret(api_server) == before
    finally:
        second.end()


def test_a_changed_ca_bundle_is_restored(
    served: Provider, trusted: str, api_server: ApiServer, images: Images
) -> None:
    """After a change of a `caBundle` no Pod is admitted, until it is restored at the next check."""
    api_server.api.apply(*providers(served))
    eventually("no server is trusted", lambda: not is_admitted(api_server, trusted, images))
    eventually("it is put right", lambda: bundles(api_server, served) == {secret(api_server)["ca.crt"]})
    eventually("Gatekeeper trusts it", lambda: is_admitted(api_server, trusted, images))


def test_a_certificate_that_is_near_its_end_is_renewed_under_load(
    served: Provider, trusted: str, api_server: ApiServer, images: Images
) -> None:
    """By one of the same authority, and no decision is lost."""
    old = secret(api_server)
    with load(api_server, trusted, images) as creating:
        dying = let_it_die(api_server)
        eventually("there is a new one", lambda: secret(api_server)["tls.crt"] not in (dying, old["tls.crt"]))
        new = secret(api_server)
        eventually("it is served", lambda: serves(served, new))
        creating.goes_on()
    assert new["ca.crt"] == old["ca.crt"]


def test_a_secret_that_is_gone_is_made_anew(
    served: Provider, trusted: str, api_server: ApiServer, images: Images
) -> None:
    """With another authority; the old one is trusted no more, and Pods are admitted again."""
    before = secret(api_server)
    api_server.api.delete(SECRET)
    eventually(
        "there is a new one", lambda: secret(api_server).get("ca.crt", before["ca.crt"]) != before["ca.crt"]
    )
    eventually("only it is trusted", lambda: bundles(api_server, served) == {secret(api_server)["ca.crt"]})
    eventually("Gatekeeper trusts it", lambda: is_admitted(api_server, trusted, images))


def test_a_provider_that_is_killed_and_restarted_serves_what_is_in_the_secret(
    served: Provider, trusted: str, api_server: ApiServer, images: Images
) -> None:
    """At once, whichever replica has the Lease."""
    before = secret(api_server)
    served.kill()
    assert not is_admitted(api_server, trusted, images)
    served.start()
    assert serves(served, before)
    assert secret(api_server) == before
    eventually("Gatekeeper trusts it", lambda: is_admitted(api_server, trusted, images))


def is_admitted(server: ApiServer, namespace: str, images: Images) -> bool:
    """Return whether a signed Pod would be admitted."""
    try:
        return admitted(server, namespace, images[GOOD])
    except AssertionError:
        return False
