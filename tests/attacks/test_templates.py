"""Attacks on what Gatekeeper asks for and believes: constraint templates, mutation and their settings."""

from typing import Any

import pytest
import yaml

from manifests.objects import (
    DIGEST,
    GOOD,
    GROUPS,
    IMAGE,
    OTHER,
    PARAMETERS,
    key_of,
    object_of,
    pod,
    pod_spec,
    review_of,
    value,
)
from manifests.rego_engines import MISSING, ROOT, TEMPLATES, Case, answer_of, asked, violations

FOLDERS = tuple(PARAMETERS)
ASSIGN = TEMPLATES / "mutation" / "assign.yaml"


def case(folder: str, review: dict[str, Any], answer: Any, **parameters: Any) -> Case:
    """Return a case with the template's parameters, and further ones."""
    return Case("tried", folder, review, answer, {**PARAMETERS[folder], **parameters})


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize(
    "found",
    [None, {}, {"succeeded": "false"}, {"succeeded": None}, '{"succeeded":true}', {"succeeded": 1}],
    ids=["null", "empty", "text", "null-inside", "json-in-a-text", "number"],
)
def test_atk_219_a_template_admits_on_true_only(folder: str, found: Any) -> None:
    """Whatever is not `succeeded: true` is refused, though it is not `false` either."""
    assert violations(case(folder, pod(), answer_of((key_of(folder), found))))


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize(
    "answer",
    [answer_of(), answer_of(status=500), {}, MISSING, {**answer_of(), "responses": None}],
    ids=["no-items", "http-500", "nothing", "no-call", "null-items"],
)
def test_atk_219_a_template_refuses_without_an_item(folder: str, answer: Any) -> None:
    """An answer without an item for the image admits nothing."""
    assert violations(case(folder, pod(), answer))


@pytest.mark.parametrize("folder", FOLDERS)
def test_atk_220_a_key_without_an_item_is_refused(folder: str) -> None:
    """Of two images the one that the provider forgot is refused by name."""
    answer = answer_of((key_of(folder), GOOD))
    (message,) = violations(case(folder, pod(containers=(IMAGE, OTHER)), answer))
    assert OTHER in message


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("image", ["[kube-system]registry.test/app:v1", "[]registry.test/app:v1"])
def test_atk_222_no_image_chooses_a_namespace(folder: str, image: str) -> None:
    """An image that is spelled with a namespace is refused and never asked for."""
    tried = case(folder, pod(containers=(image,)), answer_of((image, GOOD), (f"[team]{image}", GOOD)))
    assert asked(tried) == []
    assert violations(tried)


@pytest.mark.parametrize("folder", FOLDERS)
def test_an_image_of_a_registry_at_an_ipv6_address_is_asked_for(folder: str) -> None:
    """Its brackets hold an address and no namespace; a prefix stands before them where the template writes one."""
    image = "[2001:db8::10]:5000/team/app:v1"
    key = key_of(folder).replace(IMAGE, image)
    tried = case(folder, pod(containers=(image,)), answer_of((key, GOOD)))
    assert asked(tried) == [key]
    assert violations(tried) == []


@pytest.mark.parametrize("namespace", [None, "", "Team", "a b", "team]x", 7])
def test_atk_223_without_a_namespace_nothing_is_admitted(namespace: Any) -> None:
    """No key is asked for and there is a violation, instead of no key and no violation."""
    review = {**pod(), "namespace": namespace}
    if namespace is None:
        del review["namespace"]
    tried = case("multi-tenancy-validation", review, answer_of((key_of("multi-"), GOOD)))
    assert asked(tried) == []
    assert any("no namespace" in message for message in violations(tried))


@pytest.mark.parametrize("own", [None, "kube-system"])
def test_atk_223_the_namespace_is_what_the_api_server_says(own: str | None) -> None:
    """The object's own word for its namespace may be missing or another's; it is not what is asked with."""
    document = object_of("Pod", pod_spec())
    document["metadata"]["namespace"] = own
    review = {**review_of(document), "namespace": "team"}
    tried = case("multi-tenancy-validation", review, answer_of((f"[team]{IMAGE}", GOOD)))
    assert asked(tried) == [f"[team]{IMAGE}"]
    assert violations(tried) == []


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize(
    ("kind", "place"),
    [
        ("Pod", "initContainers"),
        ("Pod", "ephemeralContainers"),
        ("Pod", "volumes"),
        ("Job", "containers"),
        ("CronJob", "containers"),
        ("CronJob", "volumes"),
        ("ReplicationController", "initContainers"),
    ],
)
def test_atk_226_every_source_of_images_is_covered(folder: str, kind: str, place: str) -> None:
    """The unsigned image is found in init and ephemeral containers, image volumes and pod templates."""
    document = object_of(kind, pod_spec(**{"containers": (IMAGE,), place: (IMAGE, OTHER)}))
    tried = case(folder, review_of(document, operation="UPDATE"), answer_of((key_of(folder), GOOD)))
    assert any(OTHER in message for message in violations(tried))


@pytest.mark.parametrize("folder", FOLDERS)
def test_atk_226_the_shipped_constraints_match_every_kind_with_a_pod(folder: str) -> None:
    """A constraint names all kinds that can hold containers; ephemeral containers come as Pods."""
    constraint = yaml.safe_load((TEMPLATES / folder / "constraint.yaml").read_text())
    matched = {name for match in constraint["spec"]["match"]["kinds"] for name in match["kinds"]}
    assert matched == set(GROUPS)


ABUSES: dict[str, dict[str, Any]] = {
    "deletion": {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["x/y"]}},
    "owner": {"metadata": {"ownerReferences": [{"kind": "Verified", "name": "x", "controller": True}]}},
    "annotation": {"metadata": {"annotations": {"ratify.sh/verified": "true", "verified": "true"}}},
    "label": {"metadata": {"labels": {"ratify.sh/skip": "true", "admission.gatekeeper.sh/ignore": "x"}}},
    "no replicas": {"spec": {"replicas": 0}},
    "paused": {"spec": {"paused": True, "suspend": True}},
}


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("abuse", ABUSES)
@pytest.mark.parametrize("dry_run", [False, True])
def test_atk_227_nothing_the_object_says_skips_verification(folder: str, abuse: str, dry_run: bool) -> None:
    """Deletion marks, owners, annotations, labels, replicas and dry runs change nothing."""
    kind = "Deployment" if "spec" in ABUSES[abuse] else "Pod"
    document = object_of(kind, pod_spec())
    for part, fields in ABUSES[abuse].items():
        document[part] |= fields
    review = review_of(document, operation="UPDATE", dryRun=dry_run)
    tried = case(folder, review, answer_of((key_of(folder), value(succeeded=False))))
    assert asked(tried) == [key_of(folder)]
    assert violations(tried)


@pytest.mark.parametrize("folder", FOLDERS)
def test_atk_228_a_tag_can_be_refused(folder: str) -> None:
    """With `requireDigest` only what mutation has pinned is admitted: an answer kept by digest cannot be outrun by a tag."""
    pinned = f"registry.test/app@{DIGEST}"
    known = answer_of((key_of(folder), GOOD), (key_of(folder, pinned), GOOD))
    assert violations(case(folder, pod(containers=(pinned,)), known, requireDigest=True)) == []
    (message,) = violations(case(folder, pod(), known, requireDigest=True))
    assert "digest" in message
    assert violations(case(folder, pod(), known, requireDigest=False)) == []


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize(
    "image", [f"a.test/x@{DIGEST[:-1]}", f"a.test/x@{DIGEST}x", "a.test/x@sha256:", f"a.test/x:{DIGEST[7:]}"]
)
def test_atk_228_what_only_looks_like_a_digest_is_none(folder: str, image: str) -> None:
    """The digest must be whole and stand at the end."""
    known = answer_of((key_of(folder, image), GOOD))
    assert violations(case(folder, pod(containers=(image,)), known, requireDigest=True))


def test_atk_230_mutation_never_fails_open() -> None:
    """Every shipped Assign asks with the value that stands there, and refuses what cannot be resolved."""
    shipped = list(yaml.safe_load_all(ASSIGN.read_text()))
    assert len(shipped) == 12
    for document in shipped:
        external = document["spec"]["parameters"]["assign"]["externalData"]
        assert external == {
            "provider": "ratify-gatekeeper-mutation-provider",
            "dataSource": "ValueAtLocation",
            "failurePolicy": "Fail",
        }


def test_atk_237_nothing_shipped_ignores_an_outage() -> None:
    """No manifest has a policy that admits when the provider is down, and no constraint only warns."""
    found = [path for path in (ROOT / "deploy").rglob("*.yaml") if "{{" not in path.read_text()]
    assert found
    for path in found:
        for document in yaml.safe_load_all(path.read_text()):
            words = set(_values(document, ("failurePolicy", "enforcementAction")))
            assert words <= {"Fail", "deny"}, f"{path}: {words}"


def _values(document: Any, names: tuple[str, ...]) -> list[Any]:
    """Return the values of these fields anywhere in a document, schemas aside."""
    if isinstance(document, list):
        return [found for item in document for found in _values(item, names)]
    if not isinstance(document, dict) or document.get("kind") == "CustomResourceDefinition":
        return []
    here = [document[name] for name in names if name in document]
    return here + [found for item in document.values() for found in _values(item, names)]


def updated(new: dict[str, Any], old: Any, **fields: Any) -> dict[str, Any]:
    """Return the review of an update."""
    return review_of(new, operation="UPDATE", oldObject=old, **fields)


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("kind", ["Pod", "Deployment", "CronJob"])
def test_atk_227_an_update_is_judged_by_what_it_changes(folder: str, kind: str) -> None:
    """What is no longer trusted can be scaled down and finished off; nothing new comes in with that."""
    before = object_of(kind, pod_spec(containers=(IMAGE, OTHER)))
    after = object_of(kind, pod_spec(containers=(IMAGE, OTHER)))
    after["metadata"] |= ABUSES["deletion"]["metadata"]
    nothing = answer_of()
    assert asked(case(folder, updated(after, before), nothing)) == []
    assert violations(case(folder, updated(after, before), nothing)) == []
    judged = case(folder, updated(after, before), nothing, verifyUnchanged=True)
    assert len(asked(judged)) == len(violations(judged)) == 2
    brought = object_of(kind, pod_spec(containers=(IMAGE, "registry.test/new:v1")))
    (message,) = violations(case(folder, updated(brought, before), nothing))
    assert "registry.test/new:v1" in message


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize(
    "spec",
    [
        pod_spec(containers=(OTHER, IMAGE)),
        pod_spec(containers=(IMAGE, OTHER), initContainers=(OTHER,)),
        pod_spec(containers=(IMAGE, OTHER), volumes=(OTHER,)),
        {"containers": [{"name": "c0", "image": IMAGE}, {"name": "c9", "image": OTHER}]},
        {"containers": [{"name": "c0", "image": IMAGE}, {"name": "c1", "image": f"{OTHER}2"}]},
    ],
    ids=["swapped", "init", "volume", "renamed", "longer"],
)
def test_atk_227_unchanged_is_the_same_text_at_the_same_place(folder: str, spec: dict[str, Any]) -> None:
    """An image that stood elsewhere in the object is new where it stands now."""
    before = object_of("Pod", pod_spec(containers=(IMAGE, OTHER)))
    assert violations(case(folder, updated(object_of("Pod", spec), before), answer_of()))


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("old", [None, {}, [], "x", {"spec": None}, {"spec": {"containers": None}}])
@pytest.mark.parametrize("operation", ["CREATE", "UPDATE", "CONNECT", "", None, "delete"])
def test_atk_227_without_what_was_there_everything_is_new(
    folder: str, old: Any, operation: str | None
) -> None:
    """Only the API server's own word that this is an update, and of what, leaves anything out."""
    review = {**pod(), "operation": operation, "oldObject": old}
    tried = case(folder, {name: value for name, value in review.items() if value is not None}, answer_of())
    assert asked(tried) == [key_of(folder)]
    assert violations(tried)


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("operation", ["CREATE", None])
def test_atk_227_what_was_there_counts_for_updates_only(folder: str, operation: str | None) -> None:
    """A creation, and what an audit looks at, is judged whole, whatever else stands in the review."""
    review = {**pod(), "operation": operation, "oldObject": object_of("Pod", pod_spec())}
    tried = case(folder, {name: value for name, value in review.items() if value is not None}, answer_of())
    assert violations(tried)
