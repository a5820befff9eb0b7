"""What of a cluster's manifests would let images through unjudged, or refuse what has none."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from pyratify.entrypoints.webhook.audit_findings import Weakness, mapping, mappings, texts, title
from pyratify.entrypoints.webhook.audit_kinds import unknown_kinds
from pyratify.entrypoints.webhook.pod_images import POD_SPECS
from pyratify.entrypoints.webhook.rules.match import Rules

_VALIDATING, _MUTATING = "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"
_PATHS = frozenset({"/validate", "/v1/admit"})  # where this webhook and Gatekeeper decide
_OURS = frozenset({"/validate", "/mutate"})
# The one label that the API server sets itself: no edit of a namespace can change it.
_BY_NAME = "kubernetes.io/metadata.name"
# What the cluster starts with: a webhook that judges these may lock itself out.
_SYSTEM = frozenset({"kube-system", "kube-node-lease", "kube-public"})
# Pods alone are enough to deny; with their owners the refusal comes at once and says why.
_NEEDED = (
    ("", "pods", "CREATE"),
    ("", "pods", "UPDATE"),
    ("", "pods/ephemeralcontainers", "UPDATE"),
    *(("", each, operation) for each in ("replicationcontrollers",) for operation in ("CREATE", "UPDATE")),
    *(
        ("apps", each, operation)
        for each in ("daemonsets", "deployments", "replicasets", "statefulsets")
        for operation in ("CREATE", "UPDATE")
    ),
    *(("batch", each, operation) for each in ("cronjobs", "jobs") for operation in ("CREATE", "UPDATE")),
)


def weaknesses(documents: Iterable[Any], rules: Rules | None = None) -> tuple[Weakness, ...]:
    """Return every way around that documents of Kubernetes' API show, in their order, and what they refuse for nothing.

    Webhook configurations that look at Pods are looked at, and what Gatekeeper does with an external data provider; all else,
    and what is no object, says nothing. Only webhooks behind which images are judged count as looking at them.

    Args:
        documents: The documents.
        rules: The rules by which the webhook judges; the default ones when omitted.
    """
    objects = tuple(_objects(documents))
    hooks = [
        (each, hook)
        for each, hook in _hooks(objects)
        if any(_covers(rule, "", "pods", "CREATE") for rule in mappings(hook.get("rules")))
    ]
    found = [weakness for each, hook in hooks for weakness in _of_hook(each, hook)]
    if any(each.get("kind") == _VALIDATING for each in objects):
        found += _uncovered([hook for each, hook in hooks if each["kind"] == _VALIDATING and _decides(hook)])
    if rules is None or not rules.admits_unknown_kinds:
        kinds = rules.pod_specs if rules else POD_SPECS
        asked = [(each, hook) for each, hook in _hooks(objects) if _path(hook) in _OURS]
        found += [weakness for each, hook in asked for weakness in unknown_kinds(each, hook, kinds)]
    found += [weakness for each in objects for weakness in _of_gatekeeper(each)]
    return tuple(found)


def _hooks(
    objects: Iterable[Mapping[str, Any]],
) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Iterate over all webhooks, each with its configuration."""
    for each in objects:
        if each.get("kind") in (_VALIDATING, _MUTATING):
            yield from ((each, hook) for hook in mappings(each.get("webhooks")))


def _of_hook(each: Mapping[str, Any], hook: Mapping[str, Any]) -> Iterator[Weakness]:
    place = f"{title(each)}, webhook {hook.get('name')}"
    # The defaults here and below are those of admissionregistration.k8s.io/v1.
    if hook.get("failurePolicy", "Fail") != "Fail":
        yield Weakness(
            place, "while the webhook is down, every image is admitted", "Set failurePolicy: Fail."
        )
    if mapping(hook.get("objectSelector")):
        yield Weakness(
            place,
            "the author of an object chooses its labels, and so whether it is looked at",
            "Leave out objectSelector; rules may have one.",
        )
    # CEL is not evaluated here: any condition may leave out a request.
    if mappings(hook.get("matchConditions")):
        yield Weakness(
            place,
            "matchConditions leave requests out before they are judged",
            "Leave out matchConditions, or check that no user chooses what they look at.",
        )
    # Exact leaves out an object sent in an older version of its API.
    if hook.get("matchPolicy", "Equivalent") != "Equivalent":
        yield Weakness(
            place, "the same object sent in another version is not looked at", "Set matchPolicy: Equivalent."
        )
    if each["kind"] == _MUTATING and hook.get("reinvocationPolicy", "Never") != "IfNeeded":
        yield Weakness(
            place,
            "images that other webhooks add later are not pinned",
            "Set reinvocationPolicy: IfNeeded.",
        )
    yield from _left_out(place, each, hook)


def _left_out(place: str, each: Mapping[str, Any], hook: Mapping[str, Any]) -> Iterator[Weakness]:
    selector = mapping(hook.get("namespaceSelector"))
    # The webhook's own namespace: while it is down, its Pods could not be admitted.
    own = {
        str(mapping(mapping(other.get("clientConfig")).get("service")).get("namespace"))
        for other in mappings(each.get("webhooks"))
    }
    remedy = f"Leave out only the namespaces that the cluster needs to start, by {_BY_NAME} NotIn."
    if mapping(selector.get("matchLabels")):
        yield Weakness(place, "only namespaces with certain labels are looked at", remedy)
    for requirement in mappings(selector.get("matchExpressions")):
        # Any other label can be set by an update of the namespace.
        if requirement.get("key") != _BY_NAME or requirement.get("operator") != "NotIn":
            yield Weakness(place, f"namespaces are left out by the label {requirement.get('key')}", remedy)
            continue
        names = {str(name) for name in requirement.get("values") or ()} - _SYSTEM - own
        if names:
            yield Weakness(place, f"namespaces are left out: {', '.join(sorted(names))}", remedy)


def _uncovered(hooks: list[Mapping[str, Any]]) -> Iterator[Weakness]:
    if not hooks:
        why = "none of Ratify's or Gatekeeper's looks at Pods"
        yield Weakness(_VALIDATING, why, "Apply the validating webhook, too.")
        return
    missing: dict[str, list[str]] = {}
    for group, resource, operation in _NEEDED:
        rules = (rule for hook in hooks for rule in mappings(hook.get("rules")))
        if not any(_covers(rule, group, resource, operation) for rule in rules):
            missing.setdefault(f"{resource}.{group}" if group else resource, []).append(operation)
    for resource, operations in missing.items():
        yield Weakness(
            _VALIDATING,
            f"{' and '.join(operations)} of {resource} is not looked at",
            "Add it to the webhook's rules.",
        )


def _decides(hook: Mapping[str, Any]) -> bool:
    """Return whether images are judged behind a webhook; what others decide about Pods says nothing about them."""
    return _path(hook) in _PATHS


def _path(hook: Mapping[str, Any]) -> str:
    client = mapping(hook.get("clientConfig"))
    # The path of a URL counts as well: clientConfig has a service or a url.
    return str(mapping(client.get("service")).get("path") or urlsplit(str(client.get("url") or "")).path)


def _covers(rule: Mapping[str, Any], group: str, resource: str, operation: str) -> bool:
    name, _, sub = resource.partition("/")
    # The API server's own wildcards: `*` covers no subresource.
    resources = {resource, f"*/{sub}", f"{name}/*", "*/*"} if sub else {name, "*", "*/*"}
    return (
        rule.get("scope", "*") != "Cluster"  # Pods stand in namespaces
        and bool({group, "*"} & texts(rule.get("apiGroups")))
        and bool({"v1", "*"} & texts(rule.get("apiVersions")))
        and bool({operation, "*"} & texts(rule.get("operations")))
        and bool(resources & texts(rule.get("resources")))
    )


def _of_gatekeeper(each: Mapping[str, Any]) -> Iterator[Weakness]:
    group = str(each.get("apiVersion", "")).partition("/")[0]
    spec = mapping(each.get("spec"))
    if group == "constraints.gatekeeper.sh" and spec.get("enforcementAction", "deny") != "deny":
        yield Weakness(
            title(each),
            f"its enforcementAction is {spec['enforcementAction']}, which admits everything",
            "Set enforcementAction: deny.",
        )
    if group != "mutations.gatekeeper.sh":
        return
    external = mapping(mapping(mapping(spec.get("parameters")).get("assign")).get("externalData"))
    # With Ignore a tag stays a tag, and may be moved after the decision (externaldata.md).
    if external and external.get("failurePolicy", "Fail") != "Fail":
        yield Weakness(
            title(each),
            "what cannot be resolved stays as it is or becomes something else",
            "Set failurePolicy: Fail.",
        )


def _objects(documents: Iterable[Any]) -> Iterator[Mapping[str, Any]]:
    for document in documents:
        if isinstance(document, dict):
            yield document
            yield from mappings(document.get("items"))  # `kubectl get -o yaml` prints a List
