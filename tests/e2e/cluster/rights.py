"""What service accounts may do."""

from typing import Any

from e2e.cluster.api import Document
from e2e.cluster.apiserver import ApiServer

_API = "rbac.authorization.k8s.io"
Rule = dict[str, Any]


def rule(group: str, resources: str, verbs: str, *names: str) -> Rule:
    """Return a rule; resources and verbs are words, names those of the only objects that it is about."""
    found: Rule = {"apiGroups": [group], "resources": resources.split(), "verbs": verbs.split()}
    return {**found, "resourceNames": list(names)} if names else found


def grant(server: ApiServer, namespace: str, account: str, *rules: Rule, where: str = "") -> None:
    """Let a service account do what the rules say.

    Args:
        server: The API server.
        namespace: The account's namespace.
        account: The account.
        rules: What it may do.
        where: In which namespace; in the whole cluster when omitted.
    """
    kind, name = "Role" if where else "ClusterRole", f"e2e-{namespace}-{account}"
    metadata = {"name": name, **({"namespace": where} if where else {})}
    binding = {
        "roleRef": {"apiGroup": _API, "kind": kind, "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": namespace}],
    }
    server.api.apply(
        _document(kind, metadata, {"rules": list(rules)}), _document(f"{kind}Binding", metadata, binding)
    )


def _document(kind: str, metadata: Document, members: Document) -> Document:
    return {"apiVersion": f"{_API}/v1", "kind": kind, "metadata": metadata, **members}
