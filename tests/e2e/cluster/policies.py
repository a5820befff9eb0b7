"""Gatekeeper's policies: which constraint asks the provider, and which mutation."""

from pathlib import Path
from typing import Any

import yaml

from e2e.cluster.api import Api, Document, Refused
from e2e.cluster.gatekeeper import LABEL, WATCHED
from e2e.cluster.programs import eventually

MUTATED = "e2e-mutation"
SHIPPED = Path(__file__).resolve().parents[3] / "deploy" / "templates"


def template(name: str = "default") -> Document:
    """Return a constraint template as it is shipped."""
    found: Document = yaml.safe_load((SHIPPED / name / "template.yaml").read_text())
    return found


def constraint(name: str = "default", **parameters: Any) -> Document:
    """Return the constraint that is shipped with a template, for namespaces that Gatekeeper looks at."""
    found: Document = yaml.safe_load((SHIPPED / name / "constraint.yaml").read_text())
    found["spec"]["match"]["namespaceSelector"] = {"matchLabels": {LABEL: WATCHED}}
    found["spec"]["parameters"] |= parameters
    return found


def mutations() -> tuple[Document, ...]:
    """Return the mutations that are shipped, for namespaces that are mutated."""
    found = tuple(yaml.safe_load_all((SHIPPED / "mutation" / "assign.yaml").read_text()))
    for document in found:
        document["spec"]["match"]["namespaceSelector"] = {"matchLabels": {MUTATED: "on"}}
    return found


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
