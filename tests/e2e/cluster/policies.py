"""Gatekeeper's policies as `deploy/templates` has them, narrowed to the namespaces of the trials."""

import copy
from pathlib import Path
from typing import Any

import yaml

from e2e.cluster.api import Api, Document, Refused
from e2e.cluster.programs import eventually

TEMPLATES = Path(__file__).resolve().parents[3] / "deploy" / "templates"

VALIDATION, MUTATION = "ratify-gatekeeper-provider", "ratify-gatekeeper-mutation-provider"

# Namespaces with the label LABEL are looked at by Gatekeeper, and which of its policies are for one says the value; or by our
# own webhook alone.
LABEL, WEBHOOK = "e2e-admission", "webhook"
DEFAULT, MUTATED = "default", "default-and-mutation"


def template(name: str, kind: str = "", provider: str = VALIDATION) -> Document:
    """Return a constraint template of `deploy/templates`.

    Args:
        name: The name of its folder.
        kind: Another kind for it, so that templates which share theirs can be tried side by side.
        provider: The Provider that it asks.
    """
    (document,) = read(f"{name}/template.yaml")
    renamed = _renamed(document, kind) if kind else document
    for target in renamed["spec"]["targets"]:
        target["rego"] = target["rego"].replace(f'"{VALIDATION}"', f'"{provider}"')
    return renamed


def constraint(name: str, *labels: str, kind: str = "", **parameters: Any) -> Document:
    """Return the constraint beside a template.

    Args:
        name: The name of its folder.
        labels: For which namespaces it is, by the value of LABEL.
        kind: As in `template`.
        parameters: Its parameters where they are to be others.
    """
    (document,) = read(f"{name}/constraint.yaml")
    spec = {**document["spec"], "match": {**document["spec"]["match"], "namespaceSelector": _in(labels)}}
    spec["parameters"] = spec["parameters"] | parameters
    return {**document, "kind": kind or document["kind"], "spec": spec}


def mutations(*labels: str) -> tuple[Document, ...]:
    """Return the mutations that pin images, for namespaces whose LABEL has one of these values."""
    found = read("mutation/assign.yaml")
    for document in found:
        document["spec"]["match"]["namespaceSelector"] = _in(labels)
    return tuple(found)


def read(name: str) -> list[Document]:
    """Return the documents of a file of `deploy/templates`."""
    return list(yaml.load_all((TEMPLATES / name).read_text(), Loader=yaml.CSafeLoader))


def put_in_force(api: Api, *documents: Document) -> None:
    """Apply templates, constraints and mutations, and wait until Gatekeeper says of each that it is in force."""
    for document in documents:
        _serve(api, document)
        api.apply(document)
    for document in documents:
        _await_force(api, document)


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


def _serve(api: Api, document: Document) -> None:
    version, kind = document["apiVersion"], document["kind"]
    eventually(f"{kind} is served", lambda: api.knows(version, kind))


def _await_force(api: Api, document: Document) -> None:
    eventually(f"{document['metadata']['name']} is in force", lambda: in_force(api, document))


def _in(labels: tuple[str, ...]) -> Document:
    return {"matchExpressions": [{"key": LABEL, "operator": "In", "values": list(labels)}]}


def _renamed(template: Document, kind: str) -> Document:
    document = copy.deepcopy(template)
    old, new = document["metadata"]["name"], kind.lower()
    document["metadata"]["name"] = new
    document["spec"]["crd"]["spec"]["names"]["kind"] = kind
    for target in document["spec"]["targets"]:
        target["rego"] = target["rego"].replace(f"package {old}", f"package {new}")
    return document
