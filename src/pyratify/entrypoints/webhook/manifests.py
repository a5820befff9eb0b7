"""What of a cluster's manifests would let images through that nobody judged."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

_VALIDATING, _MUTATING = "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"
_PATHS = frozenset({"/validate", "/v1/admit"})  # where this webhook and Gatekeeper decide
_BY_NAME = "kubernetes.io/metadata.name"
_SYSTEM = frozenset({"kube-system", "kube-node-lease", "kube-public"})
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


@dataclass(frozen=True, slots=True)
class Weakness:
    """One way around the decision.

    Attributes:
        place: The object, and the part of it.
        message: What it lets through.
        remedy: What to do.
    """

    place: str
    message: str
    remedy: str


def weaknesses(documents: Iterable[Any]) -> tuple[Weakness, ...]:
    """Return every way around that documents of Kubernetes' API show, in their order.

    Webhook configurations that look at Pods are looked at, and what Gatekeeper does with an external data provider; all else,
    and what is no object, says nothing. Only webhooks behind which images are judged count as looking at them.
    """
    objects = tuple(_objects(documents))
    hooks = [
        (each, hook)
        for each in objects
        if each.get("kind") in (_VALIDATING, _MUTATING)
        for hook in _list(each.get("webhooks"))
        if any(_covers(rule, "", "pods", "CREATE") for rule in _list(hook.get("rules")))
    ]
    found = [weakness for each, hook in hooks for weakness in _of_hook(each, hook)]
    if any(each.get("kind") == _VALIDATING for each in objects):
        found += _uncovered([hook for each, hook in hooks if each["kind"] == _VALIDATING and _decides(hook)])
    found += [weakness for each in objects for weakness in _of_gatekeeper(each)]
    return tuple(found)


def _of_hook(each: Mapping[str, Any], hook: Mapping[str, Any]) -> Iterator[Weakness]:
    place = f"{_title(each)}, webhook {hook.get('name')}"
    if hook.get("failurePolicy", "Fail") != "Fail":
        yield Weakness(
            place, "while the webhook is down, every image is admitted", "Set failurePolicy: Fail."
        )
    if _map(hook.get("objectSelector")):
        yield Weakness(
            place,
            "whoever writes an object chooses its labels, and so whether it is looked at",
            "Leave out objectSelector; rules may have one.",
        )
    if _list(hook.get("matchConditions")):
        yield Weakness(
            place,
            "matchConditions leave requests out before they are judged",
            "Leave out matchConditions, or check that no user chooses what they look at.",
        )
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
    selector = _map(hook.get("namespaceSelector"))
    own = {
        str(_map(_map(other.get("clientConfig")).get("service")).get("namespace"))
        for other in _list(each.get("webhooks"))
    }
    remedy = f"Leave out only the namespaces that the cluster needs to start, by {_BY_NAME} NotIn."
    if _map(selector.get("matchLabels")):
        yield Weakness(place, "only namespaces with certain labels are looked at", remedy)
    for requirement in _list(selector.get("matchExpressions")):
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
        rules = (rule for hook in hooks for rule in _list(hook.get("rules")))
        if not any(_covers(rule, group, resource, operation) for rule in rules):
            missing.setdefault(f"{resource}.{group}" if group else resource, []).append(operation)
    for resource, operations in missing.items():
        yield Weakness(
            _VALIDATING,
            f"{' and '.join(operations)} of {resource} is not looked at",
            "Add it to the webhook's rules.",
        )


def _decides(hook: Mapping[str, Any]) -> bool:
    """Tell whether images are judged behind a webhook; what others decide about Pods says nothing about them."""
    client = _map(hook.get("clientConfig"))
    path = _map(client.get("service")).get("path") or urlsplit(str(client.get("url") or "")).path
    return path in _PATHS


def _covers(rule: Mapping[str, Any], group: str, resource: str, operation: str) -> bool:
    name, _, sub = resource.partition("/")
    resources = {resource, f"*/{sub}", f"{name}/*", "*/*"} if sub else {name, "*", "*/*"}
    return (
        rule.get("scope", "*") != "Cluster"
        and bool({group, "*"} & _texts(rule.get("apiGroups")))
        and bool({"v1", "*"} & _texts(rule.get("apiVersions")))
        and bool({operation, "*"} & _texts(rule.get("operations")))
        and bool(resources & _texts(rule.get("resources")))
    )


def _of_gatekeeper(each: Mapping[str, Any]) -> Iterator[Weakness]:
    group = str(each.get("apiVersion", "")).partition("/")[0]
    spec = _map(each.get("spec"))
    if group == "constraints.gatekeeper.sh" and spec.get("enforcementAction", "deny") != "deny":
        yield Weakness(
            _title(each),
            f"its enforcementAction is {spec['enforcementAction']}, which admits everything",
            "Set enforcementAction: deny.",
        )
    if group != "mutations.gatekeeper.sh":
        return
    external = _map(_map(_map(spec.get("parameters")).get("assign")).get("externalData"))
    if external and external.get("failurePolicy", "Fail") != "Fail":
        yield Weakness(
            _title(each),
            "what cannot be resolved stays as it is or becomes something else",
            "Set failurePolicy: Fail.",
        )


def _objects(documents: Iterable[Any]) -> Iterator[Mapping[str, Any]]:
    for document in documents:
        if isinstance(document, dict):
            yield document
            yield from _list(document.get("items"))


def _title(each: Mapping[str, Any]) -> str:
    return f"{each.get('kind')} {_map(each.get('metadata')).get('name')}"


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> tuple[Mapping[str, Any], ...]:
    return tuple(each for each in value if isinstance(each, dict)) if isinstance(value, list) else ()


def _texts(value: Any) -> set[str]:
    return {each for each in value if isinstance(each, str)} if isinstance(value, list) else set()
