"""The admission webhook against a real API server, without Gatekeeper, by the manifests that are shipped."""

import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from e2e.cluster.api import Document, Refused
from e2e.cluster.apiserver import ApiServer
from e2e.cluster.gatekeeper import LABEL
from e2e.cluster.images import Images
from e2e.cluster.pods import WORKLOADS, pod, pod_spec, with_ephemeral, with_volume, workload
from e2e.cluster.programs import eventually
from e2e.cluster.provider import COSIGN, SIGNED_BY_EITHER, configuration, notation
from e2e.cluster.webhook import WATCHED, Webhook, sidecars, webhook, webhook_of_cluster
from pyratify.entrypoints.cli import main as ratify
from pyratify.serving.deadline_group import late_after

pytestmark = pytest.mark.e2e

_NUMBERS = count(1)
GOOD, BAD = "cosign-v3", "unsigned"
CRDS = Path(__file__).resolve().parents[2] / "deploy" / "crds"
CONFIG = "config.ratify.sh/v2alpha1"
TOMORROW = (datetime.now(UTC) + timedelta(days=1)).isoformat(timespec="seconds")


def rules(*exceptions: Document) -> Document:
    """Return rules: some namespaces are warned, others are only recorded, all others are held."""
    return {
        "rules": [
            {"name": "held", "namespaces": ["*"], "excludeNamespaces": ["warned-*", "recorded-*"]},
            {"name": "warned", "namespaces": ["warned-*"], "mode": "warn", "requireDigest": False},
            {"name": "recorded", "namespaces": ["recorded-*"], "mode": "audit"},
        ],
        "exceptions": list(exceptions),
    }


@pytest.fixture(scope="module")
def hook(
    api_server: ApiServer, images: Images, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Webhook]:
    """The webhook, asked about namespaces that `watched` makes."""
    folder = tmp_path_factory.mktemp("webhook")
    with webhook(api_server, folder, SIGNED_BY_EITHER, rules()) as found:
        probe = watched(api_server)

        def asked() -> bool:
            try:
                api_server.api.trying().create(pod(probe, "no.such.registry.invalid/app:v1"))
            except Refused as error:
                return "ratify.sh" in error.message
            return False

        eventually("the API server asks the webhook", asked)
        yield found


def watched(server: ApiServer, name: str = "held") -> str:
    """Return a new namespace that the webhook is asked about."""
    return server.namespace(f"{name}-{next(_NUMBERS)}", **{LABEL: WATCHED})


def test_a_signed_pod_is_admitted_with_its_digest(
    api_server: ApiServer, hook: Webhook, images: Images
) -> None:
    """The tag stays in front of it, in containers and init containers."""
    made = api_server.api.create(pod(watched(api_server), images[GOOD], init=(images["notation-jws-ec"],)))
    digest = images.pinned(GOOD).partition("@")[2]
    assert made["spec"]["containers"][0]["image"] == f"{images[GOOD]}@{digest}"
    assert made["spec"]["initContainers"][0]["image"].startswith(f"{images['notation-jws-ec']}@sha256:")


@pytest.mark.parametrize(
    "tag", ["unsigned", "wrong-key", "wrong-ca", "replayed", "tampered", "expired-signature"]
)
def test_a_pod_without_a_good_signature_is_refused(
    api_server: ApiServer, hook: Webhook, images: Images, tag: str
) -> None:
    """Whatever else is attached."""
    with pytest.raises(
        Refused, match=r'admission webhook "verify\.ratify\.sh" denied the request: image'
    ) as caught:
        api_server.api.create(pod(watched(api_server), images[GOOD], images[tag]))
    assert caught.value.code == 403
    assert "container main-1 is refused by rule held" in caught.value.message


def test_kubectl_shows_why(api_server: ApiServer, hook: Webhook, images: Images) -> None:
    """The image with its digest, the container, the rule, the reason and what to do, on the terminal."""
    where = watched(api_server)
    done = api_server.kubectl("run", "shop", "-n", where, f"--image={images[BAD]}", "--restart=Never")
    assert done.returncode == 1
    assert done.stderr.startswith(
        'Error from server (Forbidden): admission webhook "verify.ratify.sh" denied the request: image '
        f"{images[BAD]}@sha256:"
    )
    assert " of container shop is refused by rule held: NO_EVIDENCE: no signature" in done.stderr
    assert "Sign the image, or check that its signatures were pushed" in done.stderr


def test_what_does_not_exist_is_refused_when_it_is_pinned(
    api_server: ApiServer, hook: Webhook, images: Images
) -> None:
    """By the mutating webhook, which comes first."""
    with pytest.raises(Refused, match=r'"pin\.ratify\.sh" denied the request: .*NOT_FOUND'):
        api_server.api.create(pod(watched(api_server), images["nothing"]))


@pytest.mark.parametrize("kind", WORKLOADS)
def test_every_workload_is_pinned_and_judged(
    api_server: ApiServer, hook: Webhook, images: Images, kind: str
) -> None:
    """A good one is admitted with a digest, a bad one refused."""
    where = watched(api_server)
    made = api_server.api.create(workload(kind, where, images[GOOD]))
    assert pod_spec(made)["containers"][0]["image"].startswith(f"{images[GOOD]}@sha256:")
    with pytest.raises(Refused, match="NO_EVIDENCE"):
        api_server.api.create(workload(kind, where, images[BAD]))


def test_a_pod_template_is_judged(api_server: ApiServer, hook: Webhook, images: Images) -> None:
    """It is no workload, and has a Pod all the same."""
    where = watched(api_server)
    template = {"metadata": {"labels": {"a": "b"}}, "spec": pod("x", images[BAD])["spec"]}
    document = {
        "apiVersion": "v1",
        "kind": "PodTemplate",
        "metadata": {"name": "t", "namespace": where},
        "template": template,
    }
    with pytest.raises(Refused, match="NO_EVIDENCE"):
        api_server.api.create(document)


def test_an_ephemeral_container_is_judged(api_server: ApiServer, hook: Webhook, images: Images) -> None:
    """As `kubectl debug` adds it; a signed one is pinned."""
    made = api_server.api.create(pod(watched(api_server), images[GOOD]))
    with pytest.raises(Refused, match="ephemeral container debugger-"):
        api_server.api.patch(with_ephemeral(made, images[BAD]), "ephemeralcontainers")
    changed = api_server.api.patch(with_ephemeral(made, images[GOOD]), "ephemeralcontainers")
    (debugger,) = changed["spec"]["ephemeralContainers"]
    assert debugger["image"].startswith(f"{images[GOOD]}@sha256:")


def test_an_image_volume_is_judged(api_server: ApiServer, hook: Webhook, images: Images) -> None:
    """Where the API server has them."""
    where = watched(api_server)
    tried = api_server.api.trying().create(with_volume(pod(where, images[GOOD]), images[GOOD]))
    (volume,) = (each for each in tried["spec"]["volumes"] if each["name"] == "data")
    if "image" not in volume:
        pytest.skip("this API server drops image volumes")
    assert volume["image"]["reference"].startswith(f"{images[GOOD]}@sha256:")
    with pytest.raises(Refused, match="image volume data is refused"):
        api_server.api.create(with_volume(pod(where, images[GOOD]), images[BAD]))


def test_an_update_is_judged_by_what_it_changes(api_server: ApiServer, hook: Webhook, images: Images) -> None:
    """A workload from before the webhook can be scaled and labelled, and its image exchanged for a good one only."""
    where = api_server.namespace(f"old-{next(_NUMBERS)}")
    old = api_server.api.create(workload("Deployment", where, images[BAD]))
    api_server.namespace(where, **{LABEL: WATCHED})

    def change(**spec: Any) -> Document:
        kept = {name: old[name] for name in ("apiVersion", "kind")}
        return api_server.api.patch(
            {**kept, "metadata": {"name": old["metadata"]["name"], "namespace": where}, "spec": spec}
        )

    def image(tag: str) -> Document:
        return {"spec": {"containers": [{"name": "main-0", "image": images[tag]}]}}

    assert change(replicas=3)["spec"]["template"]["spec"]["containers"][0]["image"] == images[BAD]
    with pytest.raises(Refused, match="container main-0 is refused"):
        change(template=image("wrong-key"))
    assert change(template=image(GOOD))["spec"]["template"]["spec"]["containers"][0]["image"].startswith(
        f"{images[GOOD]}@sha256:"
    )
    with pytest.raises(Refused, match="NO_EVIDENCE"):
        change(template=image(BAD))


def test_a_rule_that_warns_shows_a_warning(api_server: ApiServer, hook: Webhook, images: Images) -> None:
    """`kubectl` prints it, and the Pod is there."""
    where = watched(api_server, "warned")
    done = api_server.kubectl("run", "shop", "-n", where, f"--image={images[BAD]}", "--restart=Never")
    assert (done.returncode, done.stdout) == (0, "pod/shop created\n")
    assert done.stderr.startswith(f"Warning: image {images[BAD]}@sha256:")
    assert "NO_EVIDENCE, rule warned only warns" in done.stderr
    api_server.api.warnings.clear()
    api_server.api.create(pod(where, images[BAD]))
    (warning,) = api_server.api.warnings
    assert warning.startswith('299 - "image ')
    api_server.api.warnings.clear()
    api_server.api.create(pod(where, images[GOOD]))
    assert api_server.api.warnings == []


def test_a_rule_that_records_changes_nothing(api_server: ApiServer, hook: Webhook, images: Images) -> None:
    """Neither the image nor what the user sees; the log of the webhook says it."""
    api_server.api.warnings.clear()
    made = api_server.api.create(pod(watched(api_server, "recorded"), images[BAD]))
    assert made["spec"]["containers"][0]["image"] == images[BAD]
    assert api_server.api.warnings == []
    assert hook.program is not None
    assert f"audit: image {images[BAD]} of container main-0" in hook.program.said()


def test_the_audit_log_keeps_what_was_decided(api_server: ApiServer, hook: Webhook, images: Images) -> None:
    """Under the webhook's name, for every mode; a decision that is only recorded is seen nowhere else."""
    recorded, held = watched(api_server, "recorded"), watched(api_server)
    api_server.api.create(pod(recorded, images[BAD]))
    with pytest.raises(Refused):
        api_server.api.create(pod(held, images[BAD]))
    api_server.api.create(pod(held, images[GOOD]))

    def kept(where: str) -> list[dict[str, str]]:
        found = [each for each in api_server.audited() if each["objectRef"]["namespace"] == where]
        return [each.get("annotations", {}) for each in found]

    (quiet,) = eventually("it is written", lambda: kept(recorded))
    bad, good = eventually("they are written", lambda: found if len(found := kept(held)) == 2 else None)
    assert quiet["verify.ratify.sh/decision"] == "allowed"
    assert quiet["verify.ratify.sh/problems"].startswith(f"audit: image {images[BAD]} of container main-0")
    assert bad["verify.ratify.sh/decision"] == "denied"
    assert "NO_EVIDENCE" in bad["verify.ratify.sh/problems"]
    assert good["verify.ratify.sh/decision"] == good["pin.ratify.sh/decision"] == "allowed"
    assert "verify.ratify.sh/problems" not in good


def test_an_exception_admits_until_it_is_taken_away(
    api_server: ApiServer, hook: Webhook, images: Images
) -> None:
    """With a warning that says its name and its end; rules are followed while the webhook runs."""
    where = watched(api_server)
    exception: Document = {
        "name": "legacy",
        "namespaces": [where],
        "images": [images.repository.name],
        "until": TOMORROW,
        "reason": "not signed yet",
        "approvedBy": "somebody",
    }
    hook.rule(rules(exception))
    api_server.api.warnings.clear()
    api_server.api.create(pod(where, images[BAD]))
    assert "NO_EVIDENCE, exception legacy until" in api_server.api.warnings[0]
    with pytest.raises(Refused, match="NO_EVIDENCE"):
        api_server.api.create(pod(watched(api_server), images[BAD]))
    hook.rule(rules())
    with pytest.raises(Refused, match="NO_EVIDENCE"):
        api_server.api.create(pod(where, images[BAD]))


def test_deleting_and_a_dry_run(api_server: ApiServer, hook: Webhook, images: Images) -> None:
    """A dry run is judged like everything else; whatever was admitted can be deleted."""
    where = watched(api_server)
    with pytest.raises(Refused, match="NO_EVIDENCE"):
        api_server.api.trying().create(pod(where, images[BAD]))
    made = api_server.api.create(pod(where, images[GOOD]))
    api_server.api.delete(made)


def test_atk_237_without_the_webhook_nothing_is_admitted(
    api_server: ApiServer, hook: Webhook, images: Images
) -> None:
    """Killed, it refuses everything by the shipped failure policy; started again it is as before."""
    where = watched(api_server)
    api_server.api.create(pod(where, images[GOOD]))
    hook.kill()
    try:
        with pytest.raises(Refused, match=r'failed calling webhook "pin\.ratify\.sh"') as caught:
            api_server.api.create(pod(where, images[GOOD]))
        assert caught.value.code == 500
        with pytest.raises(Refused, match="failed calling webhook"):
            api_server.api.create(workload("Deployment", where, images[GOOD]))
    finally:
        hook.start()
    api_server.api.create(pod(where, images[GOOD]))
    with pytest.raises(Refused, match="NO_EVIDENCE"):
        api_server.api.create(pod(where, images[BAD]))


def test_what_other_webhooks_add_is_pinned_and_judged(
    api_server: ApiServer, hook: Webhook, images: Images, tmp_path: Path
) -> None:
    """A container that another webhook adds after ours was asked: ours is asked again, and then judges the whole."""
    where = watched(api_server)
    with sidecars(api_server, tmp_path, where, images["both"]):

        def added() -> list[str]:
            made = api_server.api.trying().create(pod(where, images[GOOD]))
            found = [each["image"] for each in made["spec"]["containers"]]
            return found if len(found) == 2 else []

        first, second = eventually("the sidecar is added", added)
        assert first.startswith(f"{images[GOOD]}@sha256:")
        assert second.startswith(f"{images['both']}@sha256:")
    where = watched(api_server)
    with sidecars(api_server, tmp_path, where, images[BAD]):

        def refused() -> str:
            try:
                api_server.api.trying().create(pod(where, images[GOOD]))
            except Refused as error:
                return error.message
            return ""

        assert "of container sidecar is refused by rule held: NO_EVIDENCE" in eventually(
            "it is refused", refused
        )


def test_a_registry_that_says_nothing_is_refused_in_time(
    api_server: ApiServer, hook: Webhook, images: Images
) -> None:
    """By our own answer, a moment before the API server would stop waiting."""
    where, late = watched(api_server), late_after(1.9).message
    configurations = hook.configurations()
    for document in configurations:
        document["webhooks"][0]["timeoutSeconds"] = 2
    with socket.create_server(("127.0.0.1", 0)) as silent:
        document = pod(where, f"127.0.0.1:{silent.getsockname()[1]}/silent:v1", images[GOOD])

        def refused() -> str:
            with pytest.raises(Refused) as caught:
                api_server.api.trying().create(document)
            return caught.value.message if late in caught.value.message else ""

        try:
            api_server.api.apply(*configurations)
            message = eventually("the shorter time is used", refused)
        finally:
            api_server.api.apply(*hook.configurations())
    assert f"silent:v1 of container main-0 is refused by rule held: TIMEOUT: {late}" in message
    assert "main-1" not in message


def test_applying_again_changes_nothing(api_server: ApiServer, hook: Webhook, images: Images) -> None:
    """What is applied with the same tag again and again stays as it is, and `kubectl diff` sees no difference."""
    document = workload("Deployment", watched(api_server), images[GOOD])
    text = json.dumps(document)
    assert api_server.kubectl("apply", "-f", "-", text=text).stdout.endswith("created\n")
    before = api_server.api.get(document)
    assert api_server.kubectl("diff", "-f", "-", text=text).returncode == 0
    assert api_server.kubectl("apply", "-f", "-", text=text).returncode == 0
    after = api_server.api.get(document)
    assert (after["spec"], after["metadata"]["generation"]) == (before["spec"], 1)


def test_a_configuration_that_becomes_wrong_changes_nothing(
    api_server: ApiServer, hook: Webhook, images: Images
) -> None:
    """The last good one decides on."""
    where, path = watched(api_server), hook.folder / "config.json"
    good = path.read_bytes()
    program = hook.program
    assert program is not None
    before = program.said().count("configuration refused")
    try:
        path.write_text("{}")
        eventually("the fault is seen", lambda: program.said().count("configuration refused") > before)
        api_server.api.create(pod(where, images[GOOD]))
        with pytest.raises(Refused, match="NO_EVIDENCE"):
            api_server.api.create(pod(where, images[BAD]))
    finally:
        path.write_bytes(good)


def test_what_is_applied_is_checked(
    api_server: ApiServer, hook: Webhook, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As kubectl prints it: namespaces have to be marked, as the trials want it, and nothing says what `ratify-system` is."""
    kinds = "validatingwebhookconfigurations,mutatingwebhookconfigurations"
    for form in ("json", "yaml"):
        path = tmp_path / f"applied.{form}"
        path.write_text(api_server.kubectl("get", kinds, "-o", form).stdout)
        assert ratify(["webhook", "check", str(path)]) == 3
        said = [line for line in capsys.readouterr().err.splitlines() if " ratify-webhook, " in line]
        assert sorted(said) == [
            f"ratify: {kind}WebhookConfiguration ratify-webhook, webhook {name}.ratify.sh: namespaces are left out{what}"
            for kind, name in (("Mutating", "pin"), ("Validating", "verify"))
            for what in (f" by the label {LABEL}", ": ratify-system")
        ]


def test_tenants_have_executors_of_their_own(
    api_server: ApiServer, images: Images, namespace: str, tmp_path: Path
) -> None:
    """As in a Pod: it follows the cluster's resources, makes its certificate, and the namespace of an object is its tenant; labels too."""
    done = api_server.kubectl("apply", "--server-side", "-f", CRDS)
    assert done.returncode == 0, done.stderr
    eventually("the definitions are served", lambda: api_server.api.knows(CONFIG, "NamespacedExecutor"))
    tenant, other = (
        api_server.namespace(f"{name}-{next(_NUMBERS)}", **{LABEL: "executors", "looked": "at"})
        for name in ("tenant", "other")
    )
    cluster = {"kind": "Executor", "metadata": {"name": "webhook"}, "spec": executor(COSIGN)}
    own = {
        "kind": "NamespacedExecutor",
        "metadata": {"name": "own", "namespace": tenant},
        "spec": executor(notation("ca")),
    }
    resources = [{"apiVersion": CONFIG, **each} for each in (cluster, own)]
    api_server.api.apply(*resources)
    try:
        by_label = {"rules": [{"name": "marked", "namespaceSelector": {"matchLabels": {"looked": "at"}}}]}
        with webhook_of_cluster(api_server, tmp_path, by_label, namespace, "executors"):
            eventually(
                "the tenant has its executor",
                lambda: "NO_EVIDENCE" in refusal(api_server, tenant, images["cosign-v3"]),
            )
            assert refusal(api_server, tenant, images["notation-jws-ec"]) == ""
            assert "NO_EVIDENCE" in refusal(api_server, other, images["notation-jws-ec"])
            assert refusal(api_server, other, images["cosign-v3"]) == ""
            api_server.namespace(other, **{LABEL: "executors"})
            eventually(
                "the label is gone",
                lambda: "POLICY_NOT_FOUND" in refusal(api_server, other, images["cosign-v3"]),
            )
            api_server.api.delete(resources[1])
            eventually(
                "the cluster decides for the tenant",
                lambda: refusal(api_server, tenant, images["cosign-v3"]) == "",
            )
    finally:
        api_server.api.delete(*resources)


def executor(*verifiers: Document) -> Document:
    """Return the specification of an Executor."""
    found: Document = configuration(*verifiers)["executors"][0]
    return found


def refusal(server: ApiServer, where: str, image: str) -> str:
    """Return why a Pod would be refused; empty where it would not."""
    try:
        server.api.trying().create(pod(where, image))
    except Refused as error:
        return error.message
    return ""
