"""The admission webhook over a store in memory, for the tests of the entry point and of attacks."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from manifests.objects import object_of, pod_spec
from pyratify.caches.verdicts import Verdicts
from pyratify.config.decode import decode
from pyratify.config.yaml import loads
from pyratify.core.engine import Engine
from pyratify.core.executor import Executor
from pyratify.core.scope import ScopeMap
from pyratify.entrypoints.webhook.admission import Webhook
from pyratify.entrypoints.webhook.rules.match import Rules
from pyratify.entrypoints.webhook.rules.rules_document import RulesConfig
from pyratify.entrypoints.webhook.rules.watch_rules import FollowedRules
from pyratify.entrypoints.webhook.webhook_routes import webhook_site
from pyratify.serving.http.server import Request
from pyratify.testing.fakes import FakeClock, FakeVerifier
from pyratify.testing.memory import MemoryStore
from support.providers import BellClock, Held, Here, signed
from support.scenes import ONE

VALIDATE, MUTATE = "/validate", "/mutate"
APP, BARE = "example.com/app:v1", "example.com/app:bare"
UID = "705ab4f5-6393-11e8-b7cc-42010a800002"
ROOT = Path(__file__).resolve().parents[2]


def store() -> MemoryStore:
    """Return a store where `v1` has evidence and `bare` has none."""
    found = signed()
    found.add_image("bare", b"bare")
    return found


def rules(text: str = "", clock: FakeClock | None = None) -> Rules:
    """Return the rules that YAML describes."""
    clock = clock or FakeClock()
    return Rules.read(decode(RulesConfig, loads(text.encode()) or {}), clock.now())


def webhook(
    one: MemoryStore | None,
    *verifiers: FakeVerifier,
    text: str = "",
    scope: str = "*",
    clock: FakeClock | None = None,
) -> Webhook:
    """Return a webhook over a store; without one it has no configuration.

    Args:
        one: The store.
        verifiers: Who verifies; one that passes everything where none are given.
        text: The rules, YAML.
        scope: What the executor is for.
        clock: The clock.
    """
    clock = clock or BellClock()
    held = None
    if one is not None:
        executor = Executor(store=one, verifiers=verifiers or (FakeVerifier(),), policy=ONE)
        held = Held(Engine(ScopeMap([(scope, executor)]), "one"))
    followed = FollowedRules(None, clock)
    followed.current = rules(text, clock)
    return Webhook(Here(held), Verdicts(clock), followed, clock)


def pod(*names: str, **lists: tuple[Any, ...]) -> dict[str, Any]:
    """Return a Pod whose containers have these images; `lists` has those of other lists."""
    return object_of("Pod", pod_spec(containers=names or (APP,), **lists))


def review(document: Mapping[str, Any] | None, **fields: Any) -> dict[str, Any]:
    """Return an AdmissionReview about an object, as the API server writes it; `fields` replaces members of the request."""
    document = document or {}
    group, _, version = str(document.get("apiVersion", "v1")).rpartition("/")
    request = {
        "uid": UID,
        "kind": {"group": group, "version": version, "kind": document.get("kind", "")},
        "name": document.get("metadata", {}).get("name", ""),
        "namespace": document.get("metadata", {}).get("namespace", "team"),
        "operation": "CREATE",
        "userInfo": {"username": "a-user"},
        "object": document,
        "oldObject": None,
        "dryRun": False,
        **fields,
    }
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}


async def posted(
    one: Webhook, path: str, body: Any, query: str = "timeout=10s"
) -> tuple[int, dict[str, Any]]:
    """Return the status and the document that a body is answered with."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    reply = await webhook_site(one).routes["POST", path](Request(body=data, query=query))
    document: dict[str, Any] = json.loads(reply.body)
    return reply.status, document


async def asked(
    one: Webhook, document: Mapping[str, Any] | None, *, path: str = VALIDATE, **fields: Any
) -> dict[str, Any]:
    """Return the response about an object; whatever it is, it is an AdmissionReview with the request's uid."""
    status, body = await posted(one, path, review(document, **fields))
    assert (status, body["apiVersion"], body["kind"]) == (200, "admission.k8s.io/v1", "AdmissionReview")
    response: dict[str, Any] = body["response"]
    assert response["uid"] == UID
    assert response["allowed"] in (True, False)
    return response


async def message(one: Webhook, document: Mapping[str, Any] | None, **fields: Any) -> str:
    """Return why an object is refused; it has to be."""
    response = await asked(one, document, **fields)
    assert response["allowed"] is False
    assert response["status"]["code"] == 403
    text: str = response["status"]["message"]
    return text


def patched(document: Any, response: Mapping[str, Any]) -> Any:
    """Return an object with the response's patch applied, strictly as RFC 6902 and RFC 6901 say."""
    if "patch" not in response:
        return document
    assert response["patchType"] == "JSONPatch"
    found = json.loads(json.dumps(document))
    for operation in json.loads(base64.b64decode(response["patch"], validate=True)):
        assert operation["op"] == "replace"
        assert operation["path"].startswith("/")
        *way, last = [step.replace("~1", "/").replace("~0", "~") for step in operation["path"].split("/")[1:]]
        target = found
        for step in way:
            target = target[int(step)] if isinstance(target, list) else target[step]
        assert last in target  # replace is of what is there
        target[last] = operation["value"]
    return found
