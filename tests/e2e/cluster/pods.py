"""Pods and workloads to try with."""

import copy
from collections.abc import Iterator
from itertools import count
from typing import Any

from e2e.cluster.api import Document

_NUMBERS: Iterator[int] = count(1)

WORKLOADS = {
    "ReplicationController": "v1",
    "Deployment": "apps/v1",
    "ReplicaSet": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
}


def pod(namespace: str, *images: str, init: tuple[str, ...] = ()) -> Document:
    """Return a Pod with containers of these images."""
    metadata = {"name": f"pod-{next(_NUMBERS)}", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": _spec(images, init)}


def with_volumes(document: Document, *images: str) -> Document:
    """Return the document of a Pod or a Deployment with image volumes and one of another kind."""
    found = copy.deepcopy(document)
    spec = found["spec"] if found["kind"] == "Pod" else found["spec"]["template"]["spec"]
    mounted = [{"name": f"v{number}", "image": {"reference": image}} for number, image in enumerate(images)]
    spec["volumes"] = [{"name": "scratch", "emptyDir": {}}, *mounted]
    return found


def workload(kind: str, namespace: str, *images: str) -> Document:
    """Return a workload of a kind of WORKLOADS, whose Pods have containers of these images."""
    labels = {"app": "trial"}
    template: dict[str, Any] = {"metadata": {"labels": labels}, "spec": _spec(images)}
    selector: Any = {"matchLabels": labels}
    specs: dict[str, Any] = {
        "ReplicationController": {"selector": labels, "template": template},
        "StatefulSet": {"selector": selector, "template": template, "serviceName": "none"},
        "Job": {"template": _ending(template)},
        "CronJob": {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"template": _ending(template)}}},
    }
    spec = specs.get(kind, {"selector": selector, "template": template})
    metadata = {"name": f"{kind.lower()}-{next(_NUMBERS)}", "namespace": namespace}
    return {"apiVersion": WORKLOADS[kind], "kind": kind, "metadata": metadata, "spec": spec}


def with_ephemeral(document: Document, image: str) -> Document:
    """Return the change that `kubectl debug` makes to a Pod."""
    debugger = {"name": f"debugger-{next(_NUMBERS)}", "image": image}
    same = {name: document[name] for name in ("apiVersion", "kind")}
    metadata = {name: document["metadata"][name] for name in ("name", "namespace")}
    return {**same, "metadata": metadata, "spec": {"ephemeralContainers": [debugger]}}


def with_volume(document: Document, image: str) -> Document:
    """Return a Pod with a volume that is an image."""
    volume = {"name": "data", "image": {"reference": image}}
    mount = {"name": "data", "mountPath": "/data"}
    containers = [{**container, "volumeMounts": [mount]} for container in document["spec"]["containers"]]
    return {**document, "spec": {**document["spec"], "containers": containers, "volumes": [volume]}}


def pod_spec(document: Document) -> dict[str, Any]:
    """Return where a Pod, or a workload, has its containers."""
    spec: dict[str, Any] = document["spec"]
    spec = spec.get("jobTemplate", {}).get("spec", spec)
    found: dict[str, Any] = spec.get("template", {}).get("spec", spec)
    return found


def _spec(images: tuple[str, ...], init: tuple[str, ...] = ()) -> dict[str, Any]:
    spec: dict[str, Any] = {"containers": _containers("main", images)}
    if init:
        spec["initContainers"] = _containers("init", init)
    return spec


def _containers(name: str, images: tuple[str, ...]) -> list[dict[str, str]]:
    return [{"name": f"{name}-{number}", "image": image} for number, image in enumerate(images)]


def _ending(template: dict[str, Any]) -> dict[str, Any]:
    return {**template, "spec": {**template["spec"], "restartPolicy": "Never"}}
