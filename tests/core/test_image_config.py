"""What an image says of itself: read only for policies that ask, for every platform, and strictly."""

from typing import Any

import pytest

from pyratify.core.errors import StoreError
from pyratify.core.manifest import OCI_MANIFEST
from pyratify.core.policy import NoPolicy, Subject
from pyratify.core.reason import Reason
from pyratify.core.report import Decision, Verdict
from pyratify.testing.image_configs import add_configured_image
from pyratify.testing.indexes import add_index, entry
from pyratify.testing.memory import MemoryStore
from support.scenes import KIND, validate

USER = {
    "User": "1000",
    "Labels": {"a": "b"},
    "Entrypoint": ["/app"],
    "Cmd": None,
    "Env": ["PATH=/bin"],
}


class Asking(NoPolicy):
    """Allows, and records what it is given of the image."""

    reads_image = True

    def __init__(self) -> None:
        self.images: tuple[Any, ...] = ()

    def decide(self, subject: Subject, reports: object) -> Verdict:
        """Allow."""
        self.images = subject.images
        return Verdict(Decision.ALLOW)


async def test_a_policy_that_asks_is_told_what_the_image_says() -> None:
    """The members of its configuration; what is not said is empty."""
    store, policy = MemoryStore(), Asking()
    store.attach(add_configured_image(store, USER), KIND)
    assert (await validate(store, policy=policy)).succeeded
    (image,) = policy.images
    assert image["platform"] == "linux/amd64"
    assert image["platforms"] == ["linux/amd64"]
    assert (image["user"], image["labels"], image["entrypoint"]) == ("1000", {"a": "b"}, ["/app"])
    assert (image["cmd"], image["env"], image["created"]) == ([], ["PATH=/bin"], "2026-05-01T00:00:00Z")
    (layer,) = image["layers"]
    assert layer.startswith("sha256:")


async def test_nothing_is_fetched_for_a_policy_that_does_not_ask() -> None:
    """Neither manifest nor configuration."""
    store, policy = MemoryStore(), Asking()
    policy.reads_image = False
    image = add_configured_image(store, USER)
    store.attach(image, KIND)
    assert (await validate(store, policy=policy)).succeeded
    assert policy.images == ()
    asked = {text for name, text in store.calls if name in ("fetch_blob", "fetch_manifest")}
    assert not any(str(image.digest) in text for text in asked)


async def test_of_an_index_every_platform_is_read() -> None:
    """Each with the platforms of all."""
    store, policy = MemoryStore(), Asking()
    images = [add_configured_image(store, USER, architecture=name, tag=None) for name in ("amd64", "arm64")]
    index = add_index(
        store,
        *(entry(image, f"linux/{name}") for image, name in zip(images, ("amd64", "arm64"), strict=True)),
    )
    store.attach(index, KIND)
    assert (await validate(store, policy=policy)).succeeded
    assert [image["platform"] for image in policy.images] == ["linux/amd64", "linux/arm64"]
    assert all(image["platforms"] == ["linux/amd64", "linux/arm64"] for image in policy.images)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"config": {"User": 0}}, Reason.JSON_INVALID),
        ({"config": []}, Reason.JSON_INVALID),
        ({"config": {"Env": "PATH"}}, Reason.JSON_INVALID),
        ({"config": {"Env": [1]}}, Reason.JSON_INVALID),
        ({"config": {"Labels": {"a": 1}}}, Reason.JSON_INVALID),
        ({"os": 1}, Reason.JSON_INVALID),
        ([], Reason.JSON_INVALID),
    ],
)
async def test_a_configuration_of_other_types_denies(document: object, reason: Reason) -> None:
    """Another reader could take it for something else."""
    store = MemoryStore()
    store.attach(add_configured_image(store, document=document), KIND)
    result = await validate(store, policy=Asking())
    assert result.decision is Decision.DENY
    assert result.failure is not None
    assert result.failure.reason is reason


async def test_what_is_no_image_denies() -> None:
    """An artifact has no configuration of an image, and an index of nothing has no platform."""
    store = MemoryStore()
    store.attach(store.add_image(), KIND)
    empty = MemoryStore()
    empty.attach(add_index(empty), KIND)
    other = MemoryStore()
    other.attach(add_configured_image(other, config_type=OCI_MANIFEST), KIND)
    for each in (store, empty, other):
        result = await validate(each, policy=Asking())
        assert result.decision is Decision.DENY
        assert result.failure is not None
        assert result.failure.reason is Reason.MEDIATYPE_UNSUPPORTED
        assert "another policy" in result.failure.remedy


async def test_a_configuration_that_cannot_be_read_leaves_it_undecided() -> None:
    """The registry's fault, not the image's."""
    store = MemoryStore()
    store.attach(add_configured_image(store, USER), KIND)
    store.faults["fetch_blob"] = StoreError(Reason.REGISTRY_UNREACHABLE, "the network is down")
    result = await validate(store, policy=Asking())
    assert (result.decision, result.decided) == (Decision.DENY, False)
