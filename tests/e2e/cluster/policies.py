"""Gatekeeper's policies: which constraint asks the provider, and which mutation."""

from e2e.cluster.api import Api, Document, Refused
from e2e.cluster.gatekeeper import LABEL, WATCHED
from e2e.cluster.programs import eventually
from e2e.cluster.provider import MUTATION

MUTATED = "e2e-mutation"
_REGO = """
package ratifyverification

pods[spec] { spec := input.review.object.spec; spec.containers }
pods[spec] { spec := input.review.object.spec.template.spec }
pods[spec] { spec := input.review.object.spec.jobTemplate.spec.template.spec }

images[image] { image := pods[_][{"containers", "initContainers", "ephemeralContainers"}[_]][_].image }

answer := external_data({"provider": "ratify-gatekeeper-provider", "keys": [image | images[image]]})

allowed[image] { [image, value] := answer.responses[_]; value.succeeded == true }

violation[{"msg": msg}] { answer.system_error != ""; msg := sprintf("system error: %v", [answer.system_error]) }
violation[{"msg": msg}] { [image, error] := answer.errors[_]; msg := sprintf("%v: %v", [image, error]) }
violation[{"msg": msg}] {
  images[image]
  not allowed[image]
  failure := [value.failure.message | [image, value] := answer.responses[_]]
  msg := sprintf("%v: refused %v", [image, failure])
}
"""


def template() -> Document:
    """Return the constraint template."""
    return {
        "apiVersion": "templates.gatekeeper.sh/v1",
        "kind": "ConstraintTemplate",
        "metadata": {"name": "ratifyverification"},
        "spec": {
            "crd": {"spec": {"names": {"kind": "RatifyVerification"}}},
            "targets": [{"target": "admission.k8s.gatekeeper.sh", "rego": _REGO}],
        },
    }


def constraint() -> Document:
    """Return the constraint on everything in namespaces that Gatekeeper looks at."""
    kinds = [
        {"apiGroups": [""], "kinds": ["Pod", "ReplicationController"]},
        {"apiGroups": ["apps"], "kinds": ["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"]},
        {"apiGroups": ["batch"], "kinds": ["Job", "CronJob"]},
    ]
    match = {"kinds": kinds, "namespaceSelector": {"matchLabels": {LABEL: WATCHED}}}
    return {
        "apiVersion": "constraints.gatekeeper.sh/v1beta1",
        "kind": "RatifyVerification",
        "metadata": {"name": "ratify-constraint"},
        "spec": {"enforcementAction": "deny", "match": match},
    }


def mutation(name: str, location: str, group: str, kind: str) -> Document:
    """Return a mutation that pins the images at a location, in namespaces that are mutated."""
    source = {"provider": MUTATION, "dataSource": "ValueAtLocation", "failurePolicy": "Fail"}
    return {
        "apiVersion": "mutations.gatekeeper.sh/v1",
        "kind": "Assign",
        "metadata": {"name": f"ratify-{name}"},
        "spec": {
            "applyTo": [{"groups": [group], "kinds": [kind], "versions": ["v1"]}],
            "match": {
                "scope": "Namespaced",
                "kinds": [{"apiGroups": [group], "kinds": [kind]}],
                "namespaceSelector": {"matchLabels": {MUTATED: "on"}},
            },
            "location": location,
            "parameters": {"assign": {"externalData": source}},
        },
    }


def mutations() -> tuple[Document, ...]:
    """Return the mutations of Pods and Deployments."""
    found = [
        mutation(f"pod-{field.lower()}", f"spec.{field}[name:*].image", "", "Pod")
        for field in ("containers", "initContainers", "ephemeralContainers")
    ]
    found.append(mutation("deployment", "spec.template.spec.containers[name:*].image", "apps", "Deployment"))
    return tuple(found)


def put_in_force(api: Api, *documents: Document) -> None:
    """Apply templates, constraints and mutations, and wait until Gatekeeper says of each that it is in force."""
    for document in documents:
        version, kind = document["apiVersion"], document["kind"]
        eventually(f"{kind} is served", lambda v=version, k=kind: api.knows(v, k))  # type: ignore[misc]
        api.apply(document)
        eventually(f"{kind} is in force", lambda d=document: in_force(api, d))  # type: ignore[misc]


def in_force(api: Api, document: Document) -> bool:
    """Return whether Gatekeeper has taken over the newest generation of an object.

    Raises:
        AssertionError: It says what is wrong with it.
    """
    try:
        found = api.get(document)
    except Refused as error:
        raise AssertionError(error.message) from None
    generation, pods = found["metadata"].get("generation"), found.get("status", {}).get("byPod") or ()
    seen = [pod for pod in pods if pod.get("observedGeneration") == generation]
    if wrong := [pod["errors"] for pod in seen if pod.get("errors")]:
        raise AssertionError(str(wrong))
    return bool(seen)
