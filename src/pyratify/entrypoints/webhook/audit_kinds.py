"""What a webhook's rules send to Ratify though it has no images: without `unknownKinds: allow` every one of it is refused."""

from collections.abc import Iterator, Mapping
from typing import Any

from pyratify.entrypoints.webhook.audit_findings import Weakness, mappings, texts, title
from pyratify.entrypoints.webhook.pod_images import Kind

_WRITES = frozenset({"CREATE", "UPDATE"})
_OF_THE_OBJECT = frozenset(
    {"status", "ephemeralcontainers", "resize"}
)  # written with the kind of the object itself
_CONNECTIONS = frozenset(
    {"attach", "exec", "portforward", "proxy"}
)  # nothing but CONNECT, which brings no images
_SCALING = {"scale": ("UPDATE", "every scaling of it")}
_OF_OTHERS = {
    ("", "pods"): {
        "binding": ("CREATE", "every scheduling of a Pod"),
        "eviction": ("CREATE", "every eviction of a Pod"),
    },
    ("", "replicationcontrollers"): _SCALING,
    ("", "serviceaccounts"): {"token": ("CREATE", "every token of a service account")},
    ("apps", "deployments"): _SCALING,
    ("apps", "replicasets"): _SCALING,
    ("apps", "statefulsets"): _SCALING,
}
"""Kubernetes' subresources that are written with a kind of their own (Binding, Eviction, Scale, TokenRequest), and how."""
_WHOLE_GROUPS = frozenset({"batch"})  # all of its resources hold Pods


def unknown_kinds(
    each: Mapping[str, Any], hook: Mapping[str, Any], kinds: Mapping[Kind, tuple[str, ...]]
) -> Iterator[Weakness]:
    """Iterate over the resources in a webhook's rules whose objects would all be refused.

    A webhook without any resource that holds Pods says nothing: others have the same paths.

    Args:
        each: The webhook configuration.
        hook: One webhook of it, behind which Ratify answers.
        kinds: Where the specification of a Pod is, by kind.
    """
    known = {(kind.group, plural) for kind in kinds for plural in _plurals(kind.name)}
    rules = mappings(hook.get("rules"))
    owners = {"*", *(plural for _, plural in known)}
    named = (name.partition("/")[0] for rule in rules for name in texts(rule.get("resources")))
    if owners.isdisjoint(named):
        return
    for rule in rules:
        named_operations = texts(rule.get("operations"))
        # DELETE and CONNECT bring no images, so they are admitted whatever the kind.
        operations = _WRITES if "*" in named_operations else _WRITES & named_operations
        if not operations:
            continue
        groups = texts(rule.get("apiGroups"))
        for resource in sorted(texts(rule.get("resources"))):
            if rule.get("scope") == "Cluster" and resource.partition("/")[0] in owners - {"*"}:
                continue  # what holds Pods stands in namespaces, so the rule is never for it
            found = _refused(groups, resource, operations, known)
            if found:
                yield Weakness(
                    f"{title(each)}, webhook {hook.get('name')}",
                    f"{resource} brings what has no images that are known, and {found} would be refused",
                    _remedy(resource),
                )


def _refused(groups: set[str], resource: str, operations: frozenset[str], known: set[tuple[str, str]]) -> str:
    """Return what is refused of a resource as rules name it; empty for nothing."""
    name, _, sub = resource.partition("/")
    # In rules `*` means all resources, and only `*/*` their subresources too.
    if not sub or resource == "*/*":
        return _objects(groups, name, known)
    if name not in ("*", *(plural for _, plural in known)):
        return "every one of it"
    # The whole object is in such a review, so its images are found as usual.
    if sub in _OF_THE_OBJECT:
        return "every one of other kinds" if name == "*" and not groups <= _WHOLE_GROUPS else ""
    found = [
        (operation in operations, what)
        for (group, owner), subs in _OF_OTHERS.items()
        if {group, "*"} & groups and name in (owner, "*")
        for each, (operation, what) in subs.items()
        if sub in (each, "*")
    ]
    if not found and sub != "*" and sub not in _CONNECTIONS:
        return "every one of it"
    return " and ".join(dict.fromkeys(what for written, what in found if written))


def _objects(groups: set[str], name: str, known: set[tuple[str, str]]) -> str:
    if name == "*":
        return "" if groups <= _WHOLE_GROUPS else "every object of other kinds"
    mine = {group for group, plural in known if plural == name}
    # A foreign group with the same plural is another kind, whose images are not known.
    return "" if mine and ("*" in groups or groups <= mine) else "every one of it"


def _plurals(name: str) -> tuple[str, ...]:
    """Return how a kind may be called as a resource; which one it is, only its definition says."""
    lower = name.lower()
    return (f"{lower}s", f"{lower}es", f"{lower[:-1]}ies", lower) if name else ()


def _remedy(resource: str) -> str:
    if "/" in resource or "*" in resource:
        return "Name the resources that hold Pods; of subresources only pods/ephemeralcontainers adds images."
    return "Leave it out of the webhook's rules, or add its kind to podTemplates where it holds a Pod."
