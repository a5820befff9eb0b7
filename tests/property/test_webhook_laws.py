"""Laws of the admission webhook: no image is missed, patches pin and change nothing else, and no shape escapes."""

import asyncio
import copy
from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from manifests.objects import GROUPS, object_of
from support.webhooks import APP, BARE, MUTATE, UID, VALIDATE, asked, patched, posted, review, store, webhook

GOOD = f"example.com/app@{store().tags['v1']}"
BAD = (BARE, "example.com/app:gone", "UPPER/case", " ", "a" * 300, f"x@sha256:{'0' * 64}", "\u202e")
LOOSE = "rules: [{name: loose, requireDigest: false}]\nmaxImages: 1000"
LISTS = ("containers", "initContainers", "ephemeralContainers", "volumes")

names = st.text(st.sampled_from("abc-"), min_size=1, max_size=6)


def holder(field: str, name: str, image: str) -> dict[str, Any]:
    """Return a container or volume with an image."""
    return (
        {"name": name, "image": {"reference": image}}
        if field == "volumes"
        else {"name": name, "image": image}
    )


def specs(images: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Return specifications of Pods with these images, at least one."""
    lists = {
        field: st.lists(st.builds(holder, st.just(field), names, images), max_size=3) for field in LISTS[1:]
    }
    containers = st.lists(st.builds(holder, st.just("containers"), names, images), min_size=1, max_size=3)
    return st.fixed_dictionaries({"containers": containers}, optional=lists)


objects = st.builds(object_of, st.sampled_from(sorted(GROUPS)), specs(st.just(GOOD)))


def places(value: Any) -> Iterator[tuple[dict[str, Any], str]]:
    """Iterate over everything in an object that names an image, found without knowing where it should be."""
    if isinstance(value, dict):
        for key, member in value.items():
            if key in ("image", "reference") and isinstance(member, str):
                yield value, key
            yield from places(member)
    elif isinstance(value, list):
        for member in value:
            yield from places(member)


@given(objects, st.data())
def test_one_bad_image_anywhere_refuses_the_object(document: dict[str, Any], data: st.DataObject) -> None:
    """And without it the object is admitted."""
    hook = webhook(store(), text=LOOSE)
    assert asyncio.run(asked(hook, document))["allowed"] is True
    changed = copy.deepcopy(document)
    where, key = data.draw(st.sampled_from(list(places(changed))))
    where[key] = data.draw(st.sampled_from(BAD))
    assert asyncio.run(asked(webhook(store(), text=LOOSE), changed))["allowed"] is False


TAGS = st.sampled_from(
    (APP, "app:v1", "localhost:5000/a/b:v1", "EXAMPLE.com/app:v1", GOOD, f"{APP}@{store().tags['v1']}")
)


@given(st.builds(object_of, st.sampled_from(sorted(GROUPS)), specs(TAGS)))
def test_a_patch_pins_every_image_and_changes_nothing_else(document: dict[str, Any]) -> None:
    """Applied by the rules of RFC 6902; a second time there is nothing to change, and the result is admitted."""
    response = asyncio.run(asked(webhook(store()), document, path=MUTATE))
    found = patched(document, response)
    before, after = list(places(document)), list(places(found))
    digest = store().tags["v1"]
    for (old, key), (new, _) in zip(before, after, strict=True):
        assert new[key] == (old[key] if "@" in old[key] else f"{old[key]}@{digest}")
        new[key] = old[key]
    assert found == document
    found = patched(document, response)
    assert "patch" not in asyncio.run(asked(webhook(store()), found, path=MUTATE))
    assert asyncio.run(asked(webhook(store()), found))["allowed"] is True


MIXED = specs(st.sampled_from((BARE, GOOD)))


@given(st.sampled_from(sorted(GROUPS)), MIXED, MIXED)
def test_an_update_never_brings_in_a_bad_image(
    kind: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    """It is admitted exactly where every bad image was there before, in the same list under the same name."""
    hook = webhook(store(), text=LOOSE)
    old = object_of(kind, before)
    response = asyncio.run(asked(hook, object_of(kind, after), operation="UPDATE", oldObject=old))
    assert response["allowed"] is (_bad(after) <= _bad(before))


def _bad(spec: dict[str, Any]) -> set[tuple[str, str]]:
    return {
        (field, each["name"])
        for field in LISTS
        for each in spec.get(field, ())
        if each["image"] in (BARE, {"reference": BARE})
    }


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
MEMBERS = (
    "operation",
    "kind",
    "namespace",
    "object",
    "oldObject",
    "userInfo",
    "name",
    "dryRun",
    "subResource",
)


@given(objects, st.sampled_from(MEMBERS), json_values, st.sampled_from((VALIDATE, MUTATE)))
def test_no_review_escapes_its_answer(document: dict[str, Any], member: str, value: Any, path: str) -> None:
    """Whatever a member of the request is, there is an answer with the uid; it allows what is good, or what brings nothing."""
    status, body = asyncio.run(posted(webhook(store()), path, review(document, **{member: value})))
    assert (status, body["response"]["uid"]) == (200, UID)
    if member in ("operation", "kind", "namespace", "object"):
        assert body["response"]["allowed"] is False or value == review(document)["request"].get(member)


@given(st.sampled_from(sorted(GROUPS)), specs(st.just(BARE)), json_values, st.data())
def test_no_shape_of_an_object_escapes(
    kind: str, spec: dict[str, Any], value: Any, data: st.DataObject
) -> None:
    """A bad object with any part replaced by anything is refused, unless its bad images are really gone."""
    document = copy.deepcopy(object_of(kind, spec))
    nodes = [
        (node, key)
        for node in _nodes(document)
        for key in (node if isinstance(node, dict) else range(len(node)))
    ]
    node, key = data.draw(st.sampled_from(nodes))
    node[key] = value
    hook = webhook(store(), text=LOOSE)
    response = asyncio.run(asked(hook, object_of(kind, spec), object=document))
    if response["allowed"]:
        assert not [1 for where, name in places(document) if where[name] == BARE]


def _nodes(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        yield value
        for member in value.values() if isinstance(value, dict) else value:
            yield from _nodes(member)


@given(st.binary(max_size=200), st.sampled_from((VALIDATE, MUTATE)))
def test_no_body_escapes(body: bytes, path: str) -> None:
    """Bytes are a bad request."""
    status, document = asyncio.run(posted(webhook(store()), path, body))
    assert (status, document["kind"]) == (400, "Status")
