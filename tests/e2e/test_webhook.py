"""The admission webhook against a real API server, without Gatekeeper."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from e2e.cluster.api import STRATEGIC, Document, Refused
from e2e.cluster.apiserver import ApiServer
from e2e.cluster.images import Images, tags
from e2e.cluster.pods import WORKLOADS, pod, pod_spec, with_ephemeral, with_volume, workload
from e2e.cluster.programs import eventually
from e2e.cluster.provider import SIGNED_BY_EITHER
from e2e.cluster.webhook import LABEL, PINNED, VALIDATED, Webhook, webhook

pytestmark = pytest.mark.e2e

GOOD, BAD = "cosign-v3", "unsigned"
DENY = {"name": "default", "mode": "deny"}
WARN = {"name": "dev", "mode": "warn", "namespaces": ["warned-*"], "requireDigest": False}
AUDIT = {"name": "look", "mode": "audit", "namespaces": ["audited-*"]}
STRICT = {**DENY, "excludeNamespaces": ["warned-*", "audited-*"]}
NUMBERS = count(1)


@pytest.fixture(scope="module")
def hook(api_server: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Webhook]:
    """The webhook, asked by the API server about the namespaces that `namespace_of` makes."""
    with webhook(
        api_server, tmp_path_factory.mktemp("webhook"), SIGNED_BY_EITHER, STRICT, WARN, AUDIT
    ) as found:
        yield found


def namespace_of(server: ApiServer, which: str, prefix: str = "webhook") -> str:
    """Make a namespace that is validated, or pinned and validated."""
    return server.namespace(f"{prefix}-{next(NUMBERS)}", **{LABEL: which})


@pytest.fixture
def validated(api_server: ApiServer, hook: Webhook, images: Images) -> str:
    """A namespace that is validated; the API server has been seen to ask about it."""
    name = namespace_of(api_server, VALIDATED)
    eventually("the API server asks", lambda: refusal(api_server, pod(name, images.pinned(BAD))))
    return name


@pytest.fixture
def pinned(api_server: ApiServer, hook: Webhook, images: Images) -> str:
    """A namespace whose images are pinned and validated; the API server has been seen to ask about it."""
    name = namespace_of(api_server, PINNED)
    eventually("the API server asks", lambda: refusal(api_server, pod(name, images[BAD])))
    return name


def refusal(server: ApiServer, document: Document) -> str:
    """Return why a document would be refused; nothing when it would not."""
    try:
        server.api.trying().create(document)
    except Refused as error:
        return error.message
    return ""


@pytest.mark.parametrize("tag", tags())
def test_every_image_of_the_material(api_server: ApiServer, pinned: str, images: Images, tag: str) -> None:
    """A Pod is admitted, by its digest, if and only if a signature of its image counts; a refusal names image, rule and reason."""
    document = pod(pinned, images[tag])
    if "pass" in tags()[tag].values():
        made = api_server.api.create(document)
        digest = images.pinned(tag).partition("@")[2]
        assert made["spec"]["containers"][0]["image"] == f"{images[tag]}@{digest}"
        return
    with pytest.raises(Refused) as caught:
        api_server.api.create(document)
    nothing = tags()[tag] == {"cosign": "none", "notation": "none"}
    assert caught.value.code == 403
    for said in (images[tag], "verify.ratify.sh", "rule default", "main-0"):
        assert said in caught.value.message
    assert ("NO_EVIDENCE" in caught.value.message) is nothing


@pytest.mark.parametrize("kind", WORKLOADS)
def test_workloads(api_server: ApiServer, pinned: str, images: Images, kind: str) -> None:
    """Are pinned and judged as Pods are."""
    made = api_server.api.create(workload(kind, pinned, images[GOOD]))
    assert pod_spec(made)["containers"][0]["image"].startswith(f"{images[GOOD]}@sha256:")
    message = refusal(api_server, workload(kind, pinned, images[GOOD], images[BAD]))
    assert images[BAD] in message
    assert f"image {images[GOOD]}" not in message


def test_init_containers_and_volumes(api_server: ApiServer, pinned: str, images: Images) -> None:
    """Count as containers do."""
    good, bad = images[GOOD], images[BAD]
    made = api_server.api.create(with_volume(pod(pinned, good, init=(good,)), images["both"]))
    assert "@sha256:" in made["spec"]["initContainers"][0]["image"]
    assert "@sha256:" in made["spec"]["volumes"][0]["image"]["reference"]
    assert bad in refusal(api_server, pod(pinned, good, init=(bad,)))
    assert bad in refusal(api_server, with_volume(pod(pinned, good), bad))


def test_ephemeral_containers(api_server: ApiServer, pinned: str, images: Images) -> None:
    """Are pinned and judged when they are added to a Pod that runs."""
    document = pod(pinned, images[GOOD])
    api_server.api.create(document)
    made = api_server.api.patch(
        with_ephemeral(document, images["both"]), "ephemeralcontainers", media=STRATEGIC
    )
    assert "@sha256:" in made["spec"]["ephemeralContainers"][0]["image"]
    with pytest.raises(Refused, match="NO_EVIDENCE"):
        api_server.api.patch(with_ephemeral(document, images[BAD]), "ephemeralcontainers", media=STRATEGIC)


def test_a_tag_that_nobody_pinned(api_server: ApiServer, validated: str, images: Images) -> None:
    """Is refused although its image is signed; by its digest the image is admitted."""
    assert "TAG_NOT_PINNED" in refusal(api_server, pod(validated, images[GOOD]))
    assert not refusal(api_server, pod(validated, images.pinned(GOOD)))


def test_what_was_admitted_once_can_be_scaled(api_server: ApiServer, pinned: str, images: Images) -> None:
    """An update is judged by the images that it brings: labels and replicas of an object whose image nobody would admit today
    are free, its image is not.
    """
    namespace = api_server.namespace(f"late-{next(NUMBERS)}")
    document = workload("Deployment", namespace, images[BAD])
    api_server.api.create(document)
    api_server.namespace(namespace, **{LABEL: PINNED})
    eventually("the API server asks", lambda: refusal(api_server, pod(namespace, images[BAD])))
    name = {key: document[key] for key in ("apiVersion", "kind", "metadata")}
    assert api_server.api.patch({**name, "spec": {"replicas": 3}})["spec"]["replicas"] == 3
    change = {"name": "main-0", "image": images["wrong-key"]}
    with pytest.raises(Refused, match="wrong-key"):
        api_server.api.patch(
            {**name, "spec": {"template": {"spec": {"containers": [change]}}}}, media=STRATEGIC
        )


def test_a_rule_that_warns(api_server: ApiServer, hook: Webhook, validated: str, images: Images) -> None:
    """The Pod is created, and whoever creates it is told."""
    namespace = namespace_of(api_server, VALIDATED, "warned")
    eventually("a warning", lambda: warned(api_server, pod(namespace, images[BAD]), images[BAD]))
    assert not warned(api_server, pod(namespace, images[GOOD]), images[GOOD])


def test_a_rule_that_only_audits(
    api_server: ApiServer, hook: Webhook, validated: str, images: Images
) -> None:
    """The Pod is created, nobody is told, and the webhook's log says why it should not have been."""
    namespace = namespace_of(api_server, VALIDATED, "audited")
    before = said(hook).count(images[BAD])
    assert api_server.api.create(pod(namespace, images[BAD]))["metadata"]["uid"]
    eventually("the log says why", lambda: said(hook).count(images[BAD]) > before)


def test_an_exception_with_an_end(
    api_server: ApiServer, hook: Webhook, validated: str, images: Images
) -> None:
    """Admits what it names, with a warning, and nothing after it was taken away."""
    granted = {
        "name": "vendor",
        "namespaces": [validated],
        "images": [images.repository.name],
        "until": (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "reason": "The vendor signs from next week on.",
        "approvedBy": "security@example.com",
        "codes": ["NO_EVIDENCE"],
    }
    hook.rule(STRICT, WARN, AUDIT, exceptions=(granted,))
    try:
        eventually("an exception", lambda: not refusal(api_server, pod(validated, images.pinned(BAD))))
        assert warned(api_server, pod(validated, images.pinned(BAD)), "vendor")
        assert refusal(api_server, pod(validated, images.pinned("wrong-key")))
    finally:
        hook.rule(STRICT, WARN, AUDIT)
    eventually("no exception", lambda: refusal(api_server, pod(validated, images.pinned(BAD))))


def test_the_webhook_is_away(api_server: ApiServer, hook: Webhook, pinned: str, images: Images) -> None:
    """Nobody is admitted, and everybody is again when it is back."""
    hook.kill()
    try:
        message = refusal(api_server, pod(pinned, images[GOOD]))
        assert "failed calling webhook" in message
    finally:
        hook.start()
    eventually("it is asked again", lambda: not refusal(api_server, pod(pinned, images[GOOD])))
    assert refusal(api_server, pod(pinned, images[BAD]))


def test_its_certificate_is_replaced(
    api_server: ApiServer, hook: Webhook, pinned: str, images: Images
) -> None:
    """In place, while it is asked."""
    before = hook.serial()
    hook.replace_certificate()

    def served() -> bool:
        assert not refusal(api_server, pod(pinned, images[GOOD]))
        return hook.serial() != before

    eventually("the new one is served", served)
    assert not refusal(api_server, pod(pinned, images[GOOD]))


def warned(server: ApiServer, document: Document, word: str) -> bool:
    """Return whether a document would be created with a warning that has a word in it."""
    before = len(server.api.warnings)
    server.api.trying().create(document)
    return any(word in warning for warning in server.api.warnings[before:])


def said(hook: Webhook) -> str:
    """Return the webhook's log."""
    return hook.program.said() if hook.program else ""
