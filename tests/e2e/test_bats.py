"""What Ratify's own acceptance tests (test/bats/base-test.bats) ask, each under the name of its bats test.

Those that Ratify v2 skips are here where they ask for something that exists. `kubectl` is used as they use it.
"""

import json
from pathlib import Path

import pytest

from e2e.cluster import programs
from e2e.cluster.api import Document
from e2e.cluster.apiserver import ApiServer
from e2e.cluster.bats import (
    ALTERNATE,
    KEYED,
    NAME,
    NUMBERS,
    SIGNED,
    UNSIGNED,
    certificate,
    changed,
    inline,
    kubectl_debug,
    kubectl_run,
    trusting,
)
from e2e.cluster.executors import Tenants, executor
from e2e.cluster.gatekeeper import Gatekeeper
from e2e.cluster.images import Images
from e2e.cluster.programs import eventually
from e2e.cluster.provider import COSIGN, Provider, notation
from manifests.helm import CHART, NotRendered, run

pytestmark = pytest.mark.e2e


def test_base_test_without_cert_rotator(
    tenants: Tenants, base: Document, default: str, images: Images
) -> None:
    """Signed and unsigned, as containers, init containers and ephemeral containers."""
    server = tenants.server
    assert server.kubectl("run", "demo", "-n", default, f"--image={images[SIGNED]}").returncode == 0
    assert not kubectl_run(server, default, images[UNSIGNED])
    for image, admitted in ((images[SIGNED], True), (images[UNSIGNED], False)):
        document = json.dumps(with_init(images[SIGNED], image))
        done = server.kubectl("apply", "-n", default, "-f", "-", text=document)
        assert (done.returncode == 0) is admitted, done.stderr
    assert kubectl_debug(server, default, "demo", images[SIGNED])
    assert not kubectl_debug(server, default, "demo", images[UNSIGNED])


def with_init(image: str, init: str) -> Document:
    """Return a Pod with an init container."""
    spec = {
        "containers": [{"name": "main", "image": image}],
        "initContainers": [{"name": "init", "image": init}],
    }
    metadata = {"name": f"initcontainer-pod-{next(NUMBERS)}"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def test_rendering_notation_verifier_with_modified_trust_policies(tmp_path: Path) -> None:
    """By the chart, from the same settings; an unknown provider of certificates is refused by its name."""
    if programs.missing("helm"):
        pytest.skip("run `make peers` first: there is no helm")
    for number in range(3):
        (tmp_path / f"{number}.crt").write_text(f"fake cert {number}\n")
    certs = [f"--set-file=notation.certs[{number}].cert={tmp_path / f'{number}.crt'}" for number in range(3)]
    settings = (
        "--set",
        "image.repository=registry.example.com/platform/pyratify",
        "--set",
        "executor.scopes[0]=registry1.azurecr.io",
        "--set",
        "stores[0].credential.provider=static",
    )
    where = ("-n", "gatekeeper-system", "--kube-version", "1.34.4")
    kinds = [word for number in range(3) for word in ("--set", f"notation.certs[{number}].provider=inline")]
    text = run(
        "template", "multiple-trust-policies", CHART, *where, *settings, *certs, *kinds,
        "--set", "notation.scopes[0]=registry1.azurecr.io",
        "--set", "notation.trustedIdentities[0]=x509.subject: cert identity 1",
    )  # fmt: skip
    for line in (
        "name: notation-1",
        "type: notation",
        "- registry1.azurecr.io",
        "x509.subject: cert identity 1",
    ):
        assert line in text
    assert all(f"fake cert {number}" in text for number in range(3))
    unknown = (
        "--set",
        "notation.trustedIdentities[0]=*",
        "--set",
        "notation.certs[0].provider=unknownProvider",
    )
    with pytest.raises(NotRendered, match="Unsupported notation certificate provider: unknownProvider"):
        run("template", "x", CHART, *where, *settings, *certs[:1], *unknown)


def test_crd_version_test(tenants: Tenants) -> None:
    """There is one version of each kind, so nothing is converted."""
    for kind in ("executors", "namespacedexecutors"):
        shown = tenants.server.kubectl(
            "get", "crd", f"{kind}.config.ratify.sh", "-o", "jsonpath={.status.storedVersions}"
        )
        assert json.loads(shown.stdout) == ["v2alpha1"]


def test_notation_test(tenants: Tenants, base: Document, default: str, images: Images) -> None:
    """Signed and unsigned."""
    assert tenants.status(base)["succeeded"] is True
    assert kubectl_run(tenants.server, default, images[SIGNED])
    assert not kubectl_run(tenants.server, default, images[UNSIGNED])


def test_validate_crd_add_replace_and_delete(
    tenants: Tenants, base: Document, default: str, images: Images
) -> None:
    """Without the notation verifier its signatures count no more; with it again they do; without an Executor nothing does."""
    without = executor(NAME, COSIGN, scopes=(images.repository.name,))
    assert tenants.apply(without)["succeeded"] is True
    assert not kubectl_run(tenants.server, default, images[SIGNED])
    assert kubectl_run(tenants.server, default, images[KEYED])
    assert tenants.apply(base)["succeeded"] is True
    assert kubectl_run(tenants.server, default, images[SIGNED])
    tenants.server.api.delete(base)
    eventually("no executor decides", lambda: not tenants.admitted(default, images[SIGNED]))


def test_store_crd_status_check(tenants: Tenants, base: Document) -> None:
    """A store of an unknown type is named in the status."""

    def change(spec: Document) -> None:
        spec["stores"] = [{"type": "invalid-store-type", "parameters": {"plainHttp": True}}]

    tenants.apply(changed(base, change))
    shown = tenants.server.kubectl("get", f"executors/{NAME}", "-o", "jsonpath={.status.error}")
    assert "store" in shown.stdout
    assert "invalid-store-type" in shown.stdout


def test_validate_mutation_tag_to_digest(api_server: ApiServer, mutating: str, images: Images) -> None:
    """What `kubectl get` shows of a Pod that `kubectl run` made is a digest."""
    done = api_server.kubectl("run", "mutate-demo", "-n", mutating, f"--image={images[SIGNED]}")
    assert done.returncode == 0, done.stderr
    path = "jsonpath={.spec.containers[0].image}"
    shown = api_server.kubectl("get", "pod", "mutate-demo", "-n", mutating, "-o", path)
    assert shown.stdout == images.pinned(SIGNED)


@pytest.mark.parametrize("kind", ["certificate store", "key management provider"])
def test_validate_inline(tenants: Tenants, base: Document, default: str, images: Images, kind: str) -> None:
    """Signed by another authority: refused until the Executor gets that one. Two names in v1, one thing in v2."""
    assert not kubectl_run(tenants.server, default, images[ALTERNATE])
    assert tenants.apply(trusting(base, inline(certificate("other-ca"))))["succeeded"] is True
    assert kubectl_run(tenants.server, default, images[ALTERNATE])
    assert not kubectl_run(tenants.server, default, images[SIGNED])


def test_validate_inline_key_management_provider_with_inline_certificate_store(
    tenants: Tenants, base: Document, default: str, images: Images
) -> None:
    """An Executor that is applied again without any change stays in service, and its status as it was."""
    assert kubectl_run(tenants.server, default, images[SIGNED])
    before = tenants.status(base)
    assert tenants.apply(base) == before
    assert kubectl_run(tenants.server, default, images[SIGNED])


def test_validate_image_signed_by_leaf_cert(
    tenants: Tenants, base: Document, default: str, images: Images
) -> None:
    """A root is an anchor; a leaf is none, and the status says so; as it last was valid the Executor serves until a restart."""
    leaf = certificate("ec").partition("-----END CERTIFICATE-----\n")
    assert kubectl_run(tenants.server, default, images[SIGNED])
    status = tenants.apply(trusting(base, inline("".join(leaf[:2]))))
    assert status["succeeded"] is False
    assert "certificate" in status["error"]
    assert kubectl_run(tenants.server, default, images[SIGNED])
    tenants.provider.kill()
    tenants.provider.start()
    assert not kubectl_run(tenants.server, default, images[SIGNED])


def test_validate_ratify_gatekeeper_tls_cert_rotation(
    api_server: ApiServer, admitting: str, images: Images, provider: Provider, gatekeeper: Gatekeeper
) -> None:
    """Both certificates are replaced in place, and verification works on."""
    before = (provider.serial(), gatekeeper.serial())
    provider.replace_certificate()
    gatekeeper.replace_certificate()
    eventually("the provider's is served", lambda: provider.serial() != before[0])
    eventually("Gatekeeper's is served", lambda: gatekeeper.serial() != before[1])
    assert kubectl_run(api_server, admitting, images[SIGNED])
    assert not kubectl_run(api_server, admitting, images[UNSIGNED])


def test_namespaced_executor_multi_tenancy_routing(
    tenants: Tenants, base: Document, default: str, images: Images
) -> None:
    """A tenant with another authority refuses what the cluster admits, in its namespace only, until its executor is deleted."""
    tenant = tenants.namespace(f"tenant-{next(NUMBERS)}")
    own = executor(
        "executor-notation-namespaced",
        notation("other-ca"),
        scopes=(images.repository.name,),
        namespace=tenant,
    )
    assert kubectl_run(tenants.server, tenant, images[SIGNED])
    assert tenants.apply(own)["succeeded"] is True
    eventually("the tenant decides", lambda: not tenants.admitted(tenant, images[SIGNED]))
    assert kubectl_run(tenants.server, default, images[SIGNED])
    tenants.server.api.delete(own)
    eventually("the cluster decides", lambda: tenants.admitted(tenant, images[SIGNED]))


@pytest.mark.parametrize(
    ("verifier", "image"), [(notation("other-ca"), ALTERNATE), (COSIGN, KEYED)], ids=["notation", "cosign"]
)
def test_namespaced_executor_positive_verification(
    tenants: Tenants, default: str, images: Images, verifier: Document, image: str
) -> None:
    """A tenant's executor admits what the cluster's refuses; also "namespaced notation/cosign verifiers test"."""
    tenant = tenants.namespace(f"tenant-{next(NUMBERS)}")
    cluster = executor(NAME, notation("ca"), scopes=(images.repository.name,))
    own = executor("own", verifier, scopes=(images.repository.name,), namespace=tenant)
    try:
        for document in (cluster, own):
            assert tenants.apply(document)["succeeded"] is True
        assert kubectl_run(tenants.server, tenant, images[image])
        assert not kubectl_run(tenants.server, tenant, images[UNSIGNED])
        assert not kubectl_run(tenants.server, default, images[image])
    finally:
        tenants.server.api.delete(cluster, own)
