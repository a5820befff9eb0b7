"""Where the images of objects are."""

from typing import Any

import pytest

from manifests.objects import GROUPS, PLACES, object_of, pod_spec
from pyratify.entrypoints.webhook.patch import pointer
from pyratify.entrypoints.webhook.pod_images import (
    POD_SPECS,
    Image,
    InadmissibleObject,
    Kind,
    changed,
    images,
    labels,
)

POD = ("spec",)


def kind_of(document: dict[str, Any]) -> Kind:
    """Return the kind of an object."""
    return Kind(document["apiVersion"].rpartition("/")[0], document["kind"])


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", GROUPS)
def test_every_list_of_every_kind_is_looked_at(kind: str, place: str) -> None:
    """The path of each image leads to its text."""
    document = object_of(kind, pod_spec(**{"containers": ("a",), place: ("one", "two")}))
    found = images(document, POD_SPECS[kind_of(document)])
    assert {"one", "two"} <= {image.text for image in found}
    for image in found:
        at: Any = document
        for step in image.path:
            at = at[int(step)] if isinstance(at, list) else at[step]
        assert at == image.text


def test_a_pod_template_is_known() -> None:
    """It has no spec around its template."""
    document = {"template": {"spec": pod_spec(containers=("a",))}}
    (image,) = images(document, POD_SPECS[Kind("", "PodTemplate")])
    assert pointer(image.path) == "/template/spec/containers/0/image"


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        (None, "not an object"),
        ([], "not an object"),
        ({}, "no images"),
        ({"containers": []}, "no images"),
        ({"containers": {}}, "not a list"),
        ({"containers": ["app"]}, "not an object"),
        ({"containers": [{"name": "a"}]}, "no image is named"),
        ({"containers": [{"name": "a", "image": ""}]}, "no image is named"),
        ({"containers": [{"name": "a", "image": 7}]}, "no image is named"),
        ({"containers": [{"image": "x"}]}, "no name"),
        ({"containers": [{"name": "a", "image": "x"}], "volumes": [{"name": "v", "image": "x"}]}, "not an object"),
        ({"containers": [{"name": "a", "image": "x"}], "volumes": [{"name": "v", "image": {}}]}, "no image is named"),
        ({"containers": [{"name": "a", "image": "x"}], "initContainers": "x"}, "not a list"),
    ],
)  # fmt: skip
def test_what_is_not_shaped_like_a_pod_is_refused(spec: Any, why: str) -> None:
    """It says where and what; nothing is passed over."""
    with pytest.raises(InadmissibleObject, match=why):
        images({"spec": spec}, POD)


def test_a_pod_without_a_spec_is_refused() -> None:
    """It is not taken for one without images."""
    with pytest.raises(InadmissibleObject, match="spec: it is not an object"):
        images({}, POD)


def test_an_image_is_unchanged_only_in_its_own_container() -> None:
    """The same text in another list, or under another name, is new."""
    before = images({"spec": pod_spec(containers=("a", "b"))}, POD)
    after = images({"spec": pod_spec(containers=("a", "a"), initContainers=("a",))}, POD)
    found = [(image.field, image.name, image.text) for image in changed(after, before)]
    assert found == [("containers", "c1", "a"), ("initContainers", "c0", "a")]
    assert changed(before, before) == ()


@pytest.mark.parametrize("metadata", [7, [], {"labels": []}, {"labels": {"a": 1}}])
def test_labels_that_are_none_are_refused(metadata: Any) -> None:
    """No selector guesses what they mean."""
    with pytest.raises(InadmissibleObject):
        labels({"metadata": metadata})


def test_places_are_named_for_people() -> None:
    """Names of others are cleaned and cut."""
    image = Image((), "ephemeralContainers", "a\x1b[2J" + "x" * 90, "")
    assert image.place.startswith("ephemeral container a\\x1b[2Jxxx")
    assert len(image.place) < 130
    assert labels({}) == {}
