"""Values of many kinds for the chart."""

from pathlib import Path
from typing import Any

MATERIAL = Path(__file__).resolve().parents[2] / "examples" / "material"
CERTIFICATE = (MATERIAL / "certs" / "ca.pem").read_text()
OTHER = (MATERIAL / "certs" / "other-ca.pem").read_text()
KEY = (MATERIAL / "keys" / "cosign.pub").read_text()
SCOPES = ["registry.example.com", "*.example.org"]
IDENTITIES = ["x509.subject: C=US, ST=WA, O=example"]


def merged(*parts: dict[str, Any]) -> dict[str, Any]:
    """Return mappings put into one, deeply."""
    found: dict[str, Any] = {}
    for part in parts:
        for name, value in part.items():
            both = isinstance(value, dict) and isinstance(found.get(name), dict)
            found[name] = merged(found[name], value) if both else value
    return found


NOTATION: dict[str, Any] = {
    "executor": {"scopes": SCOPES},
    "notation": {"trustedIdentities": IDENTITIES, "certs": [{"provider": "inline", "cert": CERTIFICATE}]},
}
COSIGN: dict[str, Any] = {
    "executor": {"scopes": SCOPES},
    "cosign": {"keys": {"provider": "inline", "key": KEY}},
}
KEYLESS: dict[str, Any] = {
    "executor": {"scopes": SCOPES},
    "cosign": {
        "certificateIdentity": "me@example.com",
        "certificateOIDCIssuer": "https://issuer.example.com",
    },
}
IN_A_FILE: dict[str, Any] = {"provider": {"disableCRDManager": True}}
OWN_TLS: dict[str, Any] = {"provider": {"tls": {"crt": "CRT", "key": "KEY", "caCert": CERTIFICATE}}}
EVERYTHING: dict[str, Any] = {
    "image": {"digest": "sha256:" + "ab" * 32},
    "imagePullSecrets": [{"name": "pull"}],
    "replicaCount": 3,
    "autoscaling": {"enabled": True, "targetMemoryUtilizationPercentage": 70},
    "podDisruptionBudget": {"enabled": True, "minAvailable": "50%"},
    "metrics": {"enabled": True, "serviceMonitor": {"enabled": True, "labels": {"release": "p"}}},
    "constraintTemplates": {
        "enabled": True,
        "names": [
            "ratify-verification",
            "notation-issuer",
            "cosign-identity",
            "sbom",
            "vulnerability-report",
        ],
    },
    "networkPolicy": {"enabled": True, "metricsFrom": [{"podSelector": {}}], "egress": [{}]},
    "service": {"annotations": {"a": "b"}},
    "serviceAccount": {"annotations": {"azure.workload.identity/client-id": "x"}},
    "env": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}],
    "envFrom": [{"secretRef": {"name": "more"}}],
    "podAnnotations": {"prometheus.io/scrape": "false", "x": "y"},
    "podLabels": {"team": "security"},
    "commonLabels": {"part-of": "platform"},
    "deploymentAnnotations": {"c": "d"},
    "nodeSelector": {"kubernetes.io/os": "linux"},
    "tolerations": [{"key": "a", "operator": "Exists"}],
    "affinity": {"nodeAffinity": {}},
    "topologySpreadConstraints": [
        {
            "maxSkew": 2,
            "topologyKey": "zone",
            "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": {"matchLabels": {"app.kubernetes.io/instance": "r"}},
        }
    ],
    "priorityClassName": "system-cluster-critical",
    "extraVolumes": [{"name": "more", "emptyDir": {}}],
    "extraVolumeMounts": [{"name": "more", "mountPath": "/more"}],
    "provider": {"mutationExcludedNamespaces": ["cni"], "extraArgs": ["--drain=1s"]},
}
AZURE: dict[str, Any] = {
    "executor": {"scopes": SCOPES},
    "notation": {
        "trustedIdentities": ["*"],
        "certs": [
            {
                "provider": "azurekeyvault",
                "vaultURL": "https://v.vault.azure.net/",
                "tenantID": "t",
                "certificates": [{"name": "root", "version": ""}, {"name": "next", "version": "2"}],
            }
        ],
    },
    "stores": [
        {
            "scopes": [],
            "credential": {"provider": "azure", "clientID": "c", "identityBinding": {"enabled": True}},
        }
    ],
    "metrics": {"enabled": True},
}
FILES: dict[str, Any] = {
    "executor": {"scopes": SCOPES},
    "notation": {
        "trustedIdentities": IDENTITIES,
        "certs": [
            {"provider": "files", "cert": CERTIFICATE},
            {"provider": "files", "secretName": "company-roots"},
            {"provider": "files", "type": "tsa", "cert": OTHER},
        ],
    },
}
# A values file as Ratify v2's chart takes it, with every name that it has.
RATIFY_V2: dict[str, Any] = {
    "image": {
        "repository": "ghcr.io/notaryproject/ratify-gatekeeper-provider",
        "pullPolicy": "IfNotPresent",
        "tag": "v2.0.0",
    },
    "replicaCount": 1,
    "logger": {"level": "info"},
    "resources": {
        "limits": {"cpu": "1000m", "memory": "512Mi"},
        "requests": {"cpu": "600m", "memory": "512Mi"},
    },
    "metrics": {"enabled": True, "port": 8888},
    "executor": {"scopes": SCOPES, "concurrency": 3},
    "notation": {
        "scopes": ["registry.example.com/app"],
        "trustedIdentities": ["*"],
        "certs": [{"provider": "inline", "cert": CERTIFICATE}],
    },
    "cosign": {
        "scopes": [],
        "certificateIdentity": "",
        "certificateIdentityRegex": "",
        "certificateOIDCIssuer": "",
        "certificateOIDCIssuerRegex": "",
        "ignoreTLog": True,
        "ignoreCTLog": False,
        "ignoreObserverTimestamps": False,
        "keys": {"provider": "inline", "key": KEY},
    },
    "stores": [
        {
            "scopes": [],
            "plainHttp": False,
            "caBase64": "",
            "caPem": "",
            "credential": {"provider": "static", "username": "u", "password": "p"},
        }
    ],
    "provider": {
        "tls": {"crt": "", "key": "", "caCert": "", "disableCertRotation": False},
        "disableMutation": False,
        "disableCRDManager": False,
        "mutationExcludedNamespaces": ["cni-system"],
        "timeout": {"validationTimeoutSeconds": 5, "mutationTimeoutSeconds": 2},
        "probes": {
            "enabled": True,
            "scheme": "HTTPS",
            "liveness": {"initialDelaySeconds": 1, "periodSeconds": 10},
            "readiness": {"initialDelaySeconds": 1, "periodSeconds": 10},
        },
        "leaderElection": {"enabled": True},
    },
    "gatekeeper": {"namespace": "gatekeeper-system"},
    "serviceAccount": {"create": True, "name": "ratify-gatekeeper-provider-admin", "annotations": {}},
    "podDisruptionBudget": {"enabled": True, "minAvailable": 1},
    "autoscaling": {
        "enabled": False,
        "minReplicas": 1,
        "maxReplicas": 3,
        "targetCPUUtilizationPercentage": 80,
    },
}
WEBHOOK: dict[str, Any] = {"mode": "webhook"}
SHARED: dict[str, Any] = {
    "cache": {
        "verdictLifetime": "1m30s",
        "shared": {
            "url": "rediss://ratify@redis.example:6379/0",
            "secretName": "shared-cache",
            "password": True,
            "ca": True,
        },
    },
    "tracing": {"enabled": True},
    "workers": 4,
    "executor": {"onInvalid": "remove", "namespaceFallback": "deny"},
}
SECRETS: dict[str, Any] = {
    "executor": {"scopes": SCOPES},
    "notation": {
        "trustedIdentities": IDENTITIES,
        "certs": [{"provider": "kubernetes", "secret": "authorities", "namespace": "gatekeeper-system"}],
    },
    "cosign": {"keys": {"provider": "kubernetes", "secret": "cosign", "key": "cosign.pub"}},
    "stores": [{"credential": {"provider": "kubernetes", "secret": "pull"}}],
    "rbac": {"readSecrets": [{"namespace": "default", "names": ["pull"]}]},
}
V2_EMPTY = {**NOTATION, "cosign": {"keys": None}}
WHOLE = {
    "executors": [
        {
            "scopes": ["a.example.com"],
            "stores": [{"type": "registry-store", "parameters": {"credential": {"provider": "anonymous"}}}],
            "verifiers": [
                {
                    "name": "c",
                    "type": "cosign",
                    "parameters": {
                        "trustPolicies": [{"ignoreTLog": True, "keys": {"inline": {"keys": KEY}}}]
                    },
                }
            ],
        },
        {
            "scopes": ["b.example.com"],
            "stores": [{"type": "registry-store", "parameters": {"credential": {"provider": "docker"}}}],
            "verifiers": [
                {
                    "name": "n",
                    "type": "notation",
                    "parameters": {
                        "trustedIdentities": ["*"],
                        "certificates": [{"inline": {"certs": CERTIFICATE}}],
                    },
                }
            ],
        },
    ]
}
SEVERAL_STORES = merged(
    COSIGN,
    {
        "stores": [
            {
                "scopes": ["registry.example.com"],
                "caPem": CERTIFICATE,
                "caBase64": "x",
                "credential": {"provider": "static", "username": "", "password": ""},
            },
            {"scopes": ["*.example.org"], "plainHttp": True, "credential": {"provider": "anonymous"}},
        ]
    },
)
SEVERAL_CERTIFICATES = {
    **NOTATION,
    "notation": {
        "trustedIdentities": IDENTITIES,
        "certs": [
            {"provider": "inline", "cert": CERTIFICATE},
            {"provider": "inline", "cert": OTHER},
            {"provider": "inline", "type": "tsa", "cert": OTHER},
        ],
    },
}
VALUES: dict[str, dict[str, Any]] = {
    "notation": NOTATION,
    "cosign": COSIGN,
    "keyless": KEYLESS,
    "both": merged(NOTATION, COSIGN),
    "everything": merged(NOTATION, COSIGN, EVERYTHING),
    "everything-in-a-file": merged(COSIGN, EVERYTHING, IN_A_FILE, OWN_TLS),
    "file": merged(NOTATION, IN_A_FILE),
    "own-tls": merged(COSIGN, OWN_TLS),
    "own-tls-in-a-secret": merged(
        COSIGN, {"provider": {"tls": {"existingSecret": "mine", "caCert": CERTIFICATE}}}
    ),
    "nothing-asked-of-the-api": merged(COSIGN, IN_A_FILE, OWN_TLS),
    "own-config": merged(IN_A_FILE, {"provider": {"existingConfig": "mine"}}),
    "no-executor": {"executor": {"create": False}},
    "no-mutation": merged(COSIGN, {"provider": {"disableMutation": True}}),
    "azure": AZURE,
    "files": FILES,
    "ratify-v2": RATIFY_V2,
    "v2-empty": V2_EMPTY,
    "whole-executors": WHOLE,
    "several-stores": SEVERAL_STORES,
    "several-certificates": SEVERAL_CERTIFICATES,
    "tenants": merged(
        COSIGN,
        {
            "constraintTemplates": {"enabled": True, "namespaced": True},
            "provider": {"namespaces": "required"},
        },
    ),
    "any-client": merged(COSIGN, {"provider": {"clientCA": {"allowAnyClient": True}}}),
    "client-ca-in-values": merged(COSIGN, {"provider": {"clientCA": {"cert": CERTIFICATE}}}),
    "secrets": SECRETS,
    "shared-cache": merged(COSIGN, SHARED),
    "webhook": merged(COSIGN, WEBHOOK),
    "webhook-of-files": merged(COSIGN, OWN_TLS, WEBHOOK, IN_A_FILE),
    "webhook-everything": merged(
        NOTATION,
        EVERYTHING,
        SHARED,
        OWN_TLS,
        WEBHOOK,
        {
            "webhook": {"excludedNamespaces": ["cni"]},
            "constraintTemplates": {"enabled": False, "namespaced": False},
            "provider": {"mutationExcludedNamespaces": []},
        },
    ),
    "webhook-by-labels": merged(
        COSIGN,
        OWN_TLS,
        WEBHOOK,
        IN_A_FILE,
        {
            "webhook": {
                "rules": {"rules": [{"name": "default", "namespaceSelector": {"matchLabels": {"a": "b"}}}]}
            }
        },
    ),
    "webhook-without-mutation": merged(COSIGN, WEBHOOK, {"provider": {"disableMutation": True}}),
    "webhook-of-cert-manager": merged(
        COSIGN,
        WEBHOOK,
        {
            "provider": {"tls": {"existingSecret": "made-elsewhere"}},
            "webhook": {
                "annotations": {"cert-manager.io/inject-ca-from": "gatekeeper-system/ratify"},
                "clientCA": CERTIFICATE,
            },
        },
    ),
    "no-account": merged(
        COSIGN, {"serviceAccount": {"create": False, "name": ""}, "rbac": {"create": False}}
    ),
    "long-name": merged(COSIGN, {"fullnameOverride": "x" * 70}),
}
CONFINED: dict[str, Any] = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
# How the Pods run where they run otherwise than those above.
PLACED: dict[str, dict[str, Any]] = {
    "openshift": merged(
        COSIGN,
        {
            "podSecurityContext": dict.fromkeys(("runAsUser", "runAsGroup", "fsGroup")),
            "securityContext": dict.fromkeys(("runAsUser", "runAsGroup")),
        },
    ),
    "beside-others": merged(
        COSIGN,
        {
            "initContainers": [
                {"name": "wait", "image": "registry.example.com/wait:1", "securityContext": CONFINED}
            ],
            "extraContainers": [
                {"name": "agent", "image": "registry.example.com/agent:1", "securityContext": CONFINED}
            ],
            "dnsPolicy": "Default",
            "updateStrategy": {"type": "Recreate"},
            "revisionHistoryLimit": 2,
            "service": {"type": "NodePort"},
            "networkPolicy": {"from": [{"ipBlock": {"cidr": "10.0.0.0/24"}}]},
            "provider": {"tenantAllowedHosts": ["10.20.0.0/16", "registry.corp.example:5000"]},
        },
    ),
    "watched": merged(
        COSIGN,
        {
            "metrics": {
                "enabled": True,
                "serviceMonitor": {"enabled": True, "scrapeTimeout": "10s"},
                "prometheusRule": {"enabled": True},
            }
        },
    ),
}
