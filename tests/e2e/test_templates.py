"""Constraints of `deploy/templates` that ask for more than a signature, as Gatekeeper evaluates them."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from e2e.cluster import policies
from e2e.cluster.api import Document, Refused
from e2e.cluster.apiserver import ApiServer
from e2e.cluster.images import Images
from e2e.cluster.pods import pod
from e2e.cluster.provider import Provider

pytestmark = pytest.mark.e2e

ISSUER = "CN=Pyratify Test main root,O=Pyratify Test,ST=WA,C=US"


@contextmanager
def enforced(server: ApiServer, *documents: Document) -> Iterator[None]:
    """Have documents in force until the end of the block."""
    policies.put_in_force(server.api, *documents)
    try:
        yield
    finally:
        server.api.delete(*reversed(documents))


def named(document: Document, name: str, **spec: object) -> Document:
    """Return a constraint under another name, with other members of its specification."""
    return {**document, "metadata": {"name": name}, "spec": {**document["spec"], **spec}}


def test_only_digests(api_server: ApiServer, provider: Provider, images: Images) -> None:
    """Where `requireDigest` is asked for, a signed image named by its tag is refused, by its digest it is not."""
    namespace = api_server.namespace("digests", **{policies.LABEL: "digests"})
    wanted = named(policies.constraint("default", "digests", requireDigest=True), "only-digests")
    with enforced(api_server, wanted):
        api_server.api.create(pod(namespace, images.pinned("both")))
        with pytest.raises(Refused, match="is not named by its digest"):
            api_server.api.create(pod(namespace, images["both"]))


def test_a_warning_instead_of_a_refusal(api_server: ApiServer, provider: Provider, images: Images) -> None:
    """`enforcementAction: warn` tells who creates an unsigned Pod, and creates it."""
    namespace = api_server.namespace("warned", **{policies.LABEL: "warned"})
    wanted = named(policies.constraint("default", "warned"), "warn-only", enforcementAction="warn")
    with enforced(api_server, wanted):
        api_server.api.create(pod(namespace, images["unsigned"]))
        assert any(images["unsigned"] in warning for warning in api_server.api.warnings)
        told = len(api_server.api.warnings)
        api_server.api.create(pod(namespace, images["both"]))
        assert len(api_server.api.warnings) == told


def test_the_issuer_of_notation_signatures(api_server: ApiServer, provider: Provider, images: Images) -> None:
    """An image that is signed, but by a key or by another issuer, is refused."""
    namespace = api_server.namespace("issuers", **{policies.LABEL: "issuers"})
    name = "notation-issuer-validation"
    template, good = policies.template(name), policies.constraint(name, "issuers", issuer=ISSUER)
    with enforced(api_server, template, good):
        api_server.api.create(pod(namespace, images["notation-cose-rsa"]))
        with pytest.raises(Refused, match="no trusted Notation signature has the issuer"):
            api_server.api.create(pod(namespace, images["cosign-v3"]))
        policies.put_in_force(api_server.api, policies.constraint(name, "issuers", issuer="CN=somebody else"))
        with pytest.raises(Refused, match="CN=somebody else"):
            api_server.api.create(pod(namespace, images["notation-cose-rsa"]))


def test_an_identity_is_asked_of_a_signature_that_has_none(
    api_server: ApiServer, provider: Provider, images: Images
) -> None:
    """A signature by a key has no identity: it verifies, and is refused."""
    namespace = api_server.namespace("identities", **{policies.LABEL: "identities"})
    name = "cosign-identity-validation"
    wanted = (policies.template(name), policies.constraint(name, "identities"))
    with (
        enforced(api_server, *wanted),
        pytest.raises(Refused, match="no trusted Cosign signature was made by"),
    ):
        api_server.api.create(pod(namespace, images["cosign-v3"]))
