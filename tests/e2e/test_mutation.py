"""Gatekeeper writes the digest where a tag stood, and what it then decides about is that digest."""

import pytest

from e2e.cluster.api import STRATEGIC, Refused
from e2e.cluster.apiserver import ApiServer
from e2e.cluster.images import Images
from e2e.cluster.pods import WORKLOADS, pod, pod_spec, with_ephemeral, workload
from e2e.cluster.programs import eventually

pytestmark = pytest.mark.e2e

GOOD, BAD = "notation-cose-ec", "unsigned"


def test_containers_and_init_containers_are_pinned(
    api_server: ApiServer, mutating: str, images: Images
) -> None:
    """The Pod that is stored names digests, each of the image that its tag named."""
    made = api_server.api.create(pod(mutating, images[GOOD], images["both"], init=(images["cosign-v2"],)))
    found = [container["image"] for container in made["spec"]["containers"]]
    assert found == [images.pinned(GOOD), images.pinned("both")]
    assert made["spec"]["initContainers"][0]["image"] == images.pinned("cosign-v2")


def test_ephemeral_containers_are_pinned(api_server: ApiServer, mutating: str, images: Images) -> None:
    """As all others."""
    document = pod(mutating, images[GOOD])
    api_server.api.create(document)
    changed = api_server.api.patch(
        with_ephemeral(document, images["both"]), "ephemeralcontainers", media=STRATEGIC
    )
    assert changed["spec"]["ephemeralContainers"][0]["image"] == images.pinned("both")


@pytest.mark.parametrize("kind", WORKLOADS)
def test_the_pods_of_workloads_are_pinned(
    api_server: ApiServer, mutating: str, images: Images, kind: str
) -> None:
    """A tag that moves later moves nothing that runs."""
    made = api_server.api.create(workload(kind, mutating, images[GOOD]))
    assert pod_spec(made)["containers"][0]["image"] == images.pinned(GOOD)


def test_a_digest_stays_as_it_is(api_server: ApiServer, mutating: str, images: Images) -> None:
    """To the letter."""
    made = api_server.api.create(pod(mutating, images.pinned(GOOD)))
    assert made["spec"]["containers"][0]["image"] == images.pinned(GOOD)


def test_nothing_is_pinned_where_no_assign_matches(
    api_server: ApiServer, admitting: str, images: Images
) -> None:
    """What pins is the mutation and nothing else."""
    made = api_server.api.create(pod(admitting, images[GOOD]))
    assert made["spec"]["containers"][0]["image"] == images[GOOD]


def test_an_unsigned_image_is_refused_by_its_digest(
    api_server: ApiServer, mutating: str, images: Images
) -> None:
    """Pinning is not trusting, and the message names what was decided about."""
    with pytest.raises(Refused, match=r"validation\.gatekeeper\.sh") as caught:
        api_server.api.create(pod(mutating, images[BAD]))
    assert images.pinned(BAD) in caught.value.message


def test_a_tag_that_names_nothing_is_refused(api_server: ApiServer, mutating: str, images: Images) -> None:
    """By the mutation already, with the code of the reason."""
    with pytest.raises(Refused, match=r"mutation\.gatekeeper\.sh") as caught:
        api_server.api.create(pod(mutating, images["nobody"]))
    assert "NOT_FOUND" in caught.value.message


def test_a_tag_that_moves_is_pinned_to_where_it_leads_now(
    api_server: ApiServer, mutating: str, images: Images
) -> None:
    """A tag moved from a signed to an unsigned image is refused as soon as its short memory is over."""
    repository = images.repository
    signed, unsigned = (repository.get(f"manifests/{tag}") for tag in (GOOD, BAD))
    repository.push_manifest(signed, "moving")
    made = api_server.api.create(pod(mutating, images["moving"]))
    assert made["spec"]["containers"][0]["image"] == images.pinned(GOOD)
    repository.push_manifest(unsigned, "moving")

    def refused() -> bool:
        try:
            api_server.api.trying().create(pod(mutating, images["moving"]))
        except Refused as error:
            return images.pinned(BAD) in error.message
        return False

    eventually("the tag leads elsewhere", refused)
