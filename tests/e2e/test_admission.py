"""What Gatekeeper admits and refuses, asking the provider about really signed and unsigned images."""

import pytest

from e2e.cluster.api import STRATEGIC, Api, Document, Refused
from e2e.cluster.apiserver import ApiServer
from e2e.cluster.images import Images, tags
from e2e.cluster.pods import WORKLOADS, pod, with_ephemeral, workload

pytestmark = pytest.mark.e2e

GOOD, BAD = "cosign-v3", "unsigned"


def accepted(marks: dict[str, str]) -> bool:
    """Return what the policy makes of the marks of cosign and notation: one good signature is enough."""
    return "pass" in marks.values()


def refusal(api: Api, document: Document, image: str) -> str:
    """Return why Gatekeeper refuses a document; the message names the image."""
    with pytest.raises(Refused) as caught:
        api.create(document)
    assert caught.value.code == 403
    assert 'admission webhook "validation.gatekeeper.sh" denied the request' in caught.value.message
    assert image in caught.value.message
    return caught.value.message


@pytest.mark.parametrize("tag", tags())
def test_every_image_of_the_material(api_server: ApiServer, admitting: str, images: Images, tag: str) -> None:
    """A Pod is admitted if, and only if, a signature of its image counts; a refusal says whether there was any."""
    document = pod(admitting, images[tag])
    if accepted(tags()[tag]):
        assert api_server.api.create(document)["metadata"]["uid"]
        return
    message = refusal(api_server.api, document, images[tag])
    nothing = tags()[tag] == {"cosign": "none", "notation": "none"}
    assert ("no signature" in message) is nothing
    assert ("nothing that is attached was accepted" in message) is not nothing


def test_nothing_is_refused_where_gatekeeper_does_not_look(
    api_server: ApiServer, namespace: str, images: Images
) -> None:
    """The same unsigned Pod is created elsewhere: what refused it is the policy and nothing else."""
    assert api_server.api.create(pod(namespace, images[BAD]))["metadata"]["uid"]


def test_one_unsigned_image_among_signed_ones(api_server: ApiServer, admitting: str, images: Images) -> None:
    """Is enough to refuse, and only it is named."""
    document = pod(admitting, images[GOOD], images[BAD], images["notation-jws-ec"])
    message = refusal(api_server.api, document, images[BAD])
    assert images[GOOD] not in message


def test_init_containers(api_server: ApiServer, admitting: str, images: Images) -> None:
    """Count as containers do."""
    api_server.api.create(pod(admitting, images[GOOD], init=(images[GOOD],)))
    refusal(api_server.api, pod(admitting, images[GOOD], init=(images[BAD],)), images[BAD])


def test_ephemeral_containers(api_server: ApiServer, admitting: str, images: Images) -> None:
    """A Pod is not debugged with an unsigned image, though the Pod itself was admitted."""
    document = pod(admitting, images[GOOD])
    api_server.api.create(document)
    api_server.api.patch(with_ephemeral(document, images["both"]), "ephemeralcontainers", media=STRATEGIC)
    with pytest.raises(Refused, match=images[BAD]):
        api_server.api.patch(with_ephemeral(document, images[BAD]), "ephemeralcontainers", media=STRATEGIC)


def test_an_image_that_is_replaced_later(api_server: ApiServer, admitting: str, images: Images) -> None:
    """A running Pod's image is not changed to an unsigned one."""
    document = pod(admitting, images[GOOD])
    api_server.api.create(document)
    change = {"name": document["spec"]["containers"][0]["name"], "image": images["cosign-v2"]}
    changed = {**document, "spec": {"containers": [change]}}
    api_server.api.patch(changed, media=STRATEGIC)
    change["image"] = images[BAD]
    with pytest.raises(Refused, match=images[BAD]):
        api_server.api.patch(changed, media=STRATEGIC)


@pytest.mark.parametrize("kind", WORKLOADS)
def test_workloads(api_server: ApiServer, admitting: str, images: Images, kind: str) -> None:
    """Are refused themselves, not only their Pods, whose refusal would go unseen."""
    assert api_server.api.create(workload(kind, admitting, images[GOOD]))["metadata"]["uid"]
    refusal(api_server.api, workload(kind, admitting, images[GOOD], images[BAD]), images[BAD])


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        ("{name}:nobody", "NOT_FOUND"),
        ("127.0.0.1:9/demo:v1", "REGISTRY_UNREACHABLE"),
        ("{name}@sha256:" + "0" * 64, "NOT_FOUND"),
        ("127.0.0.1/Upper/Case:v1", "REF_INVALID"),
    ],
)
def test_an_image_that_cannot_be_decided_about(
    api_server: ApiServer, admitting: str, images: Images, image: str, reason: str
) -> None:
    """Is refused with the code of the reason."""
    spelled = image.format(name=images.repository.name)
    assert reason in refusal(api_server.api, pod(admitting, spelled), spelled)


@pytest.mark.parametrize("image", ["not a reference", "[kube-system]{good}", "{good}]"])
def test_an_image_whose_name_would_mean_something_else_to_the_provider(
    api_server: ApiServer, admitting: str, images: Images, image: str
) -> None:
    """Is refused before any request: an object cannot choose another namespace's rules."""
    document = pod(admitting, image.format(good=images[GOOD]))
    with pytest.raises(Refused, match="main-0"):
        api_server.api.create(document)
