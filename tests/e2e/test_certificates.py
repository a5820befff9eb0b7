"""Certificates replaced in place while Pods are being created: no admission fails, and authorities that are no longer trusted are refused."""

import pytest

from e2e.cluster.api import Refused
from e2e.cluster.apiserver import ApiServer
from e2e.cluster.gatekeeper import Gatekeeper
from e2e.cluster.images import Images
from e2e.cluster.load import load
from e2e.cluster.pods import pod
from e2e.cluster.programs import eventually
from e2e.cluster.provider import Provider
from pyratify.testing.tls import Authority

pytestmark = pytest.mark.e2e

GOOD, BAD = "cosign-v3", "unsigned"


def test_the_provider_gets_a_new_certificate(
    api_server: ApiServer, admitting: str, images: Images, provider: Provider
) -> None:
    """Of the same authority, as every rotation does: no decision is lost."""
    before = provider.serial()
    with load(api_server, admitting, images) as creating:
        creating.goes_on()
        provider.replace_certificate()
        eventually("the new one is served", lambda: provider.serial() != before)
        creating.goes_on()


def test_the_provider_gets_a_new_authority(
    api_server: ApiServer, admitting: str, images: Images, provider: Provider
) -> None:
    """First both are trusted, then the certificate is replaced, then only the new one is trusted: no decision is lost."""
    old, new, before = provider.authority, Authority("e2e provider, the second"), provider.serial()
    with load(api_server, admitting, images) as creating:
        api_server.api.apply(*provider.resources(old, new))
        creating.goes_on()
        provider.authority = new
        provider.replace_certificate()
        eventually("the new one is served", lambda: provider.serial() != before)
        creating.goes_on()
        api_server.api.apply(*provider.resources(new))
        creating.goes_on()


def test_gatekeeper_gets_a_new_certificate(
    api_server: ApiServer, admitting: str, images: Images, gatekeeper: Gatekeeper
) -> None:
    """Of the same authority, replaced in place: the provider goes on answering, the API server goes on asking."""
    before = gatekeeper.serial()
    with load(api_server, admitting, images) as creating:
        creating.goes_on()
        gatekeeper.replace_certificate()
        eventually("the new one is served", lambda: gatekeeper.serial() != before)
        creating.goes_on()


def test_gatekeeper_gets_a_new_authority(
    api_server: ApiServer, admitting: str, images: Images, provider: Provider, gatekeeper: Gatekeeper
) -> None:
    """Both sides trust both, then the certificate is replaced, then only the new one is trusted: no decision is lost."""
    old, new, before = gatekeeper.authority, Authority("e2e Gatekeeper, the second"), gatekeeper.serial()
    with load(api_server, admitting, images) as creating:
        provider.admit_clients_of(old.pem, new.pem)
        gatekeeper.serve(old, new)
        gatekeeper.authority = new
        gatekeeper.replace_certificate()
        eventually("the new one is served", lambda: gatekeeper.serial() != before)
        creating.goes_on()
        gatekeeper.serve(new)
        provider.admit_clients_of(new.pem)
        creating.goes_on()


def test_a_client_of_another_authority_is_refused(
    api_server: ApiServer, admitting: str, images: Images, provider: Provider, gatekeeper: Gatekeeper
) -> None:
    """The provider refuses clients whose authority it no longer knows, though they are still connected; no Pod is admitted."""
    provider.admit_clients_of(Authority("somebody else").pem)
    try:
        eventually("Gatekeeper is not served", lambda: refused(api_server, pod(admitting, images[GOOD])))
    finally:
        provider.admit_clients_of(gatekeeper.authority.pem)
    eventually("Gatekeeper is served again", lambda: not refused(api_server, pod(admitting, images[GOOD])))


def test_a_provider_of_another_authority_is_not_believed(
    api_server: ApiServer, admitting: str, images: Images, provider: Provider
) -> None:
    """A server at the provider's address without its certificate gets no Pod admitted."""
    api_server.api.apply(*provider.resources(Authority("somebody else")))
    try:
        message = eventually(
            "no answer is believed", lambda: refused(api_server, pod(admitting, images[GOOD]))
        )
        assert "certificate" in message
    finally:
        api_server.api.apply(*provider.resources())
    eventually("the provider is believed", lambda: not refused(api_server, pod(admitting, images[GOOD])))


def refused(server: ApiServer, document: dict[str, object]) -> str:
    """Return why a document would be refused; nothing when it would not."""
    try:
        server.api.trying().create(document)
    except Refused as error:
        return error.message
    return ""
