"""Attacks on the admission webhook: tags, exceptions, containers that are forgotten, skips, error texts, floods, outages."""

import json
from argparse import ArgumentParser
from typing import Any

import aiohttp
import pytest

from manifests.objects import object_of, pod_spec
from pyratify.config.yaml import loads_all
from pyratify.core.errors import ConfigurationError, StoreError
from pyratify.core.reason import Reason
from pyratify.core.verifier import Details, Evidence
from pyratify.entrypoints.webhook.audit_manifests import weaknesses
from pyratify.entrypoints.webhook.serve_webhook import make
from pyratify.entrypoints.webhook.webhook_flags import add_flags
from pyratify.entrypoints.webhook.webhook_routes import MAX_BODY, webhook_site
from pyratify.serving.http.server import Address, listening
from pyratify.serving.process import Process
from pyratify.testing.fakes import FakeVerifier
from support.providers import BellClock
from support.webhooks import (
    APP,
    BARE,
    MUTATE,
    ROOT,
    VALIDATE,
    asked,
    message,
    patched,
    pod,
    posted,
    review,
    rules,
    store,
    webhook,
)

LOOSE = "rules: [{name: loose, requireDigest: false}]"
HERE = Address("127.0.0.1", 0)


@pytest.mark.parametrize("image", [APP, "example.com/app", "app:v1"])
async def test_atk_025_a_tag_is_refused_even_where_its_image_is_signed(image: str) -> None:
    """What a node has under that name may be another image; after mutation the digest decides."""
    one = store()
    one.tags["latest"] = one.tags["v1"]
    text = await message(webhook(one), pod(image))
    assert "TAG_NOT_PINNED: a tag can be moved after this decision." in text
    assert len(text.splitlines()) == 1
    document = patched(pod(image), await asked(webhook(one), pod(image), path=MUTATE))
    assert document["spec"]["containers"][0]["image"] == f"{image}@{one.tags['v1']}"
    one.tags["v1"] = one.tags["latest"] = one.tags["bare"]
    assert (await asked(webhook(one), document))["allowed"] is True


EXCEPTIONS = """
rules: [{{name: strict}}]
exceptions:
  - {{name: one, namespaces: [{0}], images: [{1}], until: "2026-06-02T00:00:00Z", reason: why, approvedBy: who, codes: [{2}]}}
  - {{name: two, namespaces: [{3}], images: [{4}], until: "2026-06-02T00:00:00Z", reason: why, approvedBy: who, codes: [{5}]}}
"""
A, B = "example.com/app", "example.com/other"
TAG, EVIDENCE = "TAG_NOT_PINNED", "NO_EVIDENCE"


@pytest.mark.parametrize(
    ("parts", "allowed"),
    [
        ((("team", A, TAG), ("team", A, EVIDENCE)), False),
        ((("team", A, EVIDENCE), ("team", A, TAG)), False),
        ((("team", B, f"{TAG}, {EVIDENCE}"), ("other", A, f"{TAG}, {EVIDENCE}")), False),
        ((("team", A, TAG), ("other", A, EVIDENCE)), False),
        ((("team", A, f"{TAG}, {EVIDENCE}"), ("other", B, TAG)), True),
        ((("other", B, TAG), ("team", A, "")), True),
    ],
)
async def test_atk_119_two_exceptions_never_add_up(parts: Any, allowed: bool) -> None:
    """The image is refused for its tag and for want of evidence: one exception has to cover both by itself."""
    text = EXCEPTIONS.format(*(each for part in parts for each in part))
    response = await asked(webhook(store(), text=text), pod(BARE))
    assert response["allowed"] is allowed
    assert ("exceptions" in response["auditAnnotations"]) is allowed
    assert len(response.get("warnings", ())) == (2 if allowed else 0)


@pytest.mark.parametrize("images", ["'*'", "example.com", "'*.example.com'", "example.com/*"])
def test_atk_119_an_exception_for_a_whole_registry_is_no_configuration(images: str) -> None:
    """It would be a second policy that no administrator sees."""
    text = EXCEPTIONS.format("team", images, "", "team", A, "")
    with pytest.raises(ConfigurationError, match="too broad"):
        rules(text)


async def test_atk_119_nothing_in_an_object_is_an_exception() -> None:
    """They come from the document of the cluster's administrators alone."""
    marks = {"ratify.sh/exception": "one", "ratify.sh/skip": "true"}
    document = {
        **pod(BARE),
        "metadata": {"name": "x", "namespace": "team", "labels": marks, "annotations": marks},
    }
    assert "NO_EVIDENCE" in await message(webhook(store(), text=LOOSE), document)


@pytest.mark.parametrize("path", [VALIDATE, MUTATE])
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b"null", b'{"a":1,"a":1}'])
async def test_atk_221_a_malformed_body_is_no_success(path: str, body: bytes) -> None:
    """Status 400 with a Status; a failure policy of Fail refuses then."""
    status, document = await posted(webhook(store()), path, body)
    assert (status, document["kind"], document["status"]) == (400, "Status", "Failure")


@pytest.mark.parametrize("namespace", [None, "", "Team", "a b", "[kube-system]"])
async def test_atk_223_an_object_without_a_namespace_is_refused(namespace: Any) -> None:
    """No rule and no tenant is guessed; what the object itself says does not count."""
    assert (await message(webhook(store()), pod(), namespace=namespace)).startswith("BAD_REQUEST: ")


@pytest.mark.parametrize("place", ["containers", "initContainers", "ephemeralContainers", "volumes"])
@pytest.mark.parametrize("kind", ["Pod", "Deployment", "Job", "CronJob", "ReplicationController"])
async def test_atk_226_no_list_of_images_is_forgotten(kind: str, place: str) -> None:
    """One bad image in any of them refuses the object."""
    spec = pod_spec(**{"containers": (APP,), place: (BARE,)})
    assert "NO_EVIDENCE" in await message(webhook(store(), text=LOOSE), object_of(kind, spec))


async def test_atk_226_what_is_shipped_asks_about_ephemeral_containers() -> None:
    """They come by a subresource, which has to be named."""
    for name in ("validating.yaml", "mutating.yaml"):
        (document,) = loads_all((ROOT / "deploy" / "webhook" / name).read_bytes())
        (hook,) = document["webhooks"]
        assert any("pods/ephemeralcontainers" in rule["resources"] for rule in hook["rules"])


SKIPS: tuple[dict[str, Any], ...] = (
    {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["x/y"]},
    {"ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "trusted", "uid": "1"}]},
    {"annotations": {"kubernetes.io/config.mirror": "x", "verified": "true", "ratify.sh/verified": "true"}},
    {"labels": {"admission.gatekeeper.sh/ignore": "", "control-plane": "controller-manager"}},
    {"generateName": "a-", "managedFields": [{"manager": "kube-controller-manager"}]},
)


@pytest.mark.parametrize("metadata", SKIPS)
async def test_atk_227_no_metadata_turns_verification_off(metadata: dict[str, Any]) -> None:
    """Nothing in the object can change that."""
    document = {**pod(BARE), "metadata": {"name": "x", "namespace": "team", **metadata}}
    assert "NO_EVIDENCE" in await message(webhook(store(), text=LOOSE), document)


@pytest.mark.parametrize(
    "fields",
    [{"dryRun": True}, {"userInfo": {"username": "system:node:a", "groups": ["system:masters"]}}, {"options": {}}],
)  # fmt: skip
async def test_atk_227_neither_a_dry_run_nor_a_user_turns_verification_off(fields: dict[str, Any]) -> None:
    """Who asks, and whether in earnest, is not asked."""
    assert "NO_EVIDENCE" in await message(webhook(store(), text=LOOSE), pod(BARE), **fields)


async def test_atk_227_a_workload_with_no_replicas_is_judged_and_its_pods_again() -> None:
    """Scaling brings no image, and the Pods that it makes are judged when they are made."""
    hook = webhook(store(), text=LOOSE)
    deployment = object_of("Deployment", pod_spec(containers=(BARE,)))
    deployment["spec"]["replicas"] = 0
    assert "NO_EVIDENCE" in await message(hook, deployment)
    owned = {**pod(BARE), "metadata": {"namespace": "team", "ownerReferences": [{"kind": "ReplicaSet"}]}}
    assert "NO_EVIDENCE" in await message(hook, owned)


async def test_atk_227_no_label_leads_out_of_a_namespaces_rule() -> None:
    """Labels add rules; they take none away, and without a rule nothing is admitted."""
    text = """
rules:
  - {name: all, requireDigest: false}
  - {name: tests, mode: audit, requireDigest: false, objectSelector: {matchLabels: {tier: test}}}
"""
    labelled = {**pod(BARE), "metadata": {"namespace": "team", "labels": {"tier": "test"}}}
    assert "rule all" in await message(webhook(store(), text=text), labelled)
    only = "rules: [{name: marked, objectSelector: {matchLabels: {judge: me}}}]"
    assert "POLICY_NOT_FOUND" in await message(webhook(store(), text=only), pod(BARE))


@pytest.mark.parametrize("path", [VALIDATE, MUTATE])
@pytest.mark.parametrize("mode", ["warn", "audit"])
async def test_atk_227_a_label_alone_leads_to_no_laxer_rule(mode: str, path: str) -> None:
    """A rule that only warns and is for certain labels admits nothing that without them no rule would admit."""
    text = f"""
rules:
  - {{name: elsewhere, namespaces: [other]}}
  - {{name: lax, mode: {mode}, requireDigest: false, objectSelector: {{matchLabels: {{tier: test}}}}}}
"""
    labelled = {**pod(BARE), "metadata": {"namespace": "team", "labels": {"tier": "test"}}}
    assert "POLICY_NOT_FOUND" in await message(webhook(store(), text=text), labelled, path=path)


@pytest.mark.parametrize("where", ["resolve", "referrers", "verifier"])
@pytest.mark.parametrize("path", [VALIDATE, MUTATE])
async def test_atk_229_messages_and_warnings_tell_nothing_of_others(where: str, path: str) -> None:
    """What registries and plugins say stays in the log; the sender of the object gets a code and what to do."""
    text = "\n\x1b[2J token=hunter2 http://registry.internal"
    one, verifier = store(), FakeVerifier()
    if where == "verifier":

        async def does(evidence: Evidence) -> Details:
            raise RuntimeError(text)

        verifier = FakeVerifier(does=does)
    else:
        one.faults[where] = StoreError(Reason.REGISTRY_ERROR, text)
    for mode in ("deny", "warn", "audit"):
        hook = webhook(one, verifier, text=f"rules: [{{name: a, mode: {mode}, requireDigest: false}}]")
        response = await asked(hook, pod(), path=path)
        said = json.dumps(response)
        assert "hunter2" not in said
        assert "internal" not in said
        matters = path == VALIDATE or where == "resolve"
        assert response["allowed"] is not (mode == "deny" and matters)


async def test_atk_229_an_image_that_is_no_reference_is_said_without_obeying_it() -> None:
    """Control characters and names without end are escaped and cut."""
    name = "\x1b[2J\u202eevil" + "x" * 5000
    text = await message(webhook(store(), text=LOOSE), pod(name))
    assert text.isprintable()
    assert len(text) < 1200


async def test_atk_230_a_patch_keeps_the_repository_and_nothing_is_half_pinned() -> None:
    """Where one image cannot be resolved the object is refused, and no patch leaves."""
    one = store()
    one.faults["gone"] = StoreError(Reason.RESOLVE_FAILED, "no")
    response = await asked(webhook(one), pod(APP, "example.com/app:gone"), path=MUTATE)
    assert response["allowed"] is False
    assert "patch" not in response


async def test_atk_231_mutation_is_a_fixed_point() -> None:
    """Asked again, as with reinvocationPolicy: IfNeeded, it changes nothing."""
    one = store()
    document = patched(pod(APP, APP), await asked(webhook(one), pod(APP, APP), path=MUTATE))
    assert "patch" not in await asked(webhook(one), document, path=MUTATE)


@pytest.mark.parametrize("path", [VALIDATE, MUTATE])
async def test_atk_232_an_object_with_too_many_images_costs_nothing(path: str) -> None:
    """It is refused before any request to a registry."""
    one = store()
    document = pod(*(f"example.com/a{number}:v1" for number in range(10_000)))
    assert (await message(webhook(one), document, path=path)).startswith("PARSE_LIMIT: ")
    assert one.calls == []


async def test_atk_232_a_body_that_is_too_large_is_not_read() -> None:
    """It is refused by its announcement."""
    async with (
        listening(webhook_site(webhook(store())), HERE, drain_seconds=0) as where,
        aiohttp.ClientSession(f"http://127.0.0.1:{where.port}") as client,
        client.post(VALIDATE, data=b"", headers={"Content-Length": str(MAX_BODY + 1)}) as answer,
    ):
        document = await answer.json()
    assert (answer.status, document["kind"]) == (413, "Status")


@pytest.mark.parametrize("path", [VALIDATE, MUTATE])
async def test_atk_233_a_host_out_of_scope_is_not_dialled(path: str) -> None:
    """The store is not even asked."""
    one = store()
    text = await message(webhook(one, scope="example.com"), pod("169.254.169.254/app:v1"), path=path)
    assert "SCOPE_NO_MATCH" in text
    assert one.calls == []


async def test_atk_233_other_machines_are_served_over_tls_alone() -> None:
    """There is no flag that says otherwise."""
    parser = ArgumentParser()
    add_flags(parser)
    with pytest.raises(ConfigurationError):
        await Process(parser.parse_args(["--address", "0.0.0.0:0"]), make, BellClock()).run()


PATHS = (
    "//validate",
    "/validate/",
    "/validateX",
    "/%76alidate",
    "/x/../validate",
    "/Validate",
    "/validate%3Ftimeout=1s",
    "/?/validate",
)


@pytest.mark.parametrize("path", PATHS)
async def test_atk_235_only_exact_paths_are_routes(path: str) -> None:
    """Nothing is decoded, joined or cut off."""
    import yarl

    async with (
        listening(webhook_site(webhook(store())), HERE) as where,
        aiohttp.ClientSession() as client,
        client.post(
            yarl.URL(f"http://127.0.0.1:{where.port}{path}", encoded=True), json=review(pod())
        ) as answer,
    ):
        document = await answer.json()
    assert (answer.status, document["kind"]) == (404, "Status")


@pytest.mark.parametrize("path", [VALIDATE, MUTATE])
async def test_atk_236_before_a_configuration_is_read_nothing_is_admitted(path: str) -> None:
    """Every image is refused."""
    assert "NO_EXECUTOR: no valid executor configured" in await message(webhook(None), pod(), path=path)


def test_atk_237_what_is_shipped_does_not_fail_open_and_what_does_is_said() -> None:
    """Also of Gatekeeper's own manifest, whose webhooks ignore failures as it is delivered."""
    documents = [
        document
        for name in ("validating.yaml", "mutating.yaml")
        for document in loads_all((ROOT / "deploy" / "webhook" / name).read_bytes())
    ]
    assert weaknesses(documents) == ()
    for document in documents:
        document["webhooks"][0]["failurePolicy"] = "Ignore"
    assert [each.message for each in weaknesses(documents)] == [
        "while the webhook is down, every image is admitted"
    ] * 2
