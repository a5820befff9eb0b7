"""What Ratify's own acceptance tests (test/bats/base-test.bats) ask about signatures and Secrets, under the names of its bats tests."""

from asyncio import to_thread
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from e2e.cluster import programs
from e2e.cluster.api import Document
from e2e.cluster.bats import (
    ALTERNATE,
    CLASSIC,
    KEYED,
    NAME,
    NUMBERS,
    SIGNED,
    UNSIGNED,
    certificate,
    changed,
    inline,
    kubectl_run,
    trusting,
)
from e2e.cluster.executors import Tenants, executor
from e2e.cluster.images import Images
from e2e.cluster.programs import eventually
from e2e.cluster.provider import notation
from interop import live, sigstore_instance
from interop.sigstore_scene import Scene
from interop.test_notation_stamped import timestamp_server
from pyratify.core.key import KeyMaterial
from pyratify.pki.certificates import load_certificates
from pyratify.testing.certificates import authority, pem, signer
from pyratify.testing.registry import RegistrySimulator
from pyratify.testing.registry_auth import BasicAuth
from pyratify.testing.revocation import RevocationServer, Revoked, looked_up, make_list

pytestmark = pytest.mark.e2e


def test_notation_test_timestamping(
    tenants: Tenants, base: Document, default: str, images: Images, tmp_path: Path
) -> None:
    """A signature whose certificate has ended meanwhile counts when the timestamp's authority is trusted, and only then."""
    if programs.missing("timestamp-server"):
        pytest.skip("run `make peers` first: there is no timestamp-server")
    root, roots = authority("stamped signers"), tmp_path / "tsa.pem"
    with ExitStack() as stack:
        address = eventually("a timestamp authority runs", lambda: started(stack))
        images.repository.push_image("stamped")
        write_authority(address, roots)
        ends = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=8)
        sign_with_timestamp(images, "stamped", signer(root, not_after=ends), address, roots)
    trusted = inline(root.pem.decode())
    assert tenants.apply(trusting(base, trusted))["succeeded"] is True
    eventually("the certificate has ended", lambda: datetime.now(UTC) > ends)
    eventually("it counts no more", lambda: not tenants.admitted(default, images["stamped"]))
    stamped = trusting(base, trusted, inline(roots.read_text(), "tsa"))
    assert tenants.apply(stamped)["succeeded"] is True
    assert kubectl_run(tenants.server, default, images["stamped"])


def started(stack: ExitStack) -> str:
    """Return the address of a timestamp authority; of a machine's programs only one at a time has its port for metrics."""
    try:
        return stack.enter_context(timestamp_server())
    except RuntimeError:
        return ""


def write_authority(address: str, roots: Path) -> None:
    """Write a timestamp authority's root to a file."""
    with urlopen(f"{address}/api/v1/timestamp/certchain") as response:
        chain = load_certificates(KeyMaterial(response.read(), address))
    roots.write_bytes(pem(chain[-1].der))


def sign_with_timestamp(images: Images, tag: str, leaf: Any, address: str, roots: Path) -> None:
    """Have notation-go sign an image, with a timestamp."""
    stamp = ("-tsa", f"{address}/api/v1/timestamp", "-tsa-root", str(roots))
    sign(images, tag, leaf, roots.parent, *stamp)


def sign(images: Images, tag: str, leaf: Any, folder: Path, *flags: str) -> None:
    """Have notation-go sign an image."""
    key, certificates = folder / "leaf.key", folder / "leaf.pem"
    key.write_bytes(leaf.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    certificates.write_bytes(pem(*leaf.chain))
    live.loopback.run(
        "notary", "sign", "-plain-http", "-key", str(key), "-chain", str(certificates), *flags,
        live.signers.at_digest(images.repository, tag),
    )  # fmt: skip


@pytest.mark.parametrize("what", ["revoked", "unknown"])
async def test_notation_test_with_audit_crl(
    tenants: Tenants, base: Document, default: str, images: Images, tmp_path: Path, what: str
) -> None:
    """What a real revocation list says, or a place without one, refuses; at the level audit it is only reported."""
    async with RevocationServer() as server:
        root, now = authority("revoking signers"), datetime.now(UTC)
        leaf = signer(root, extensions=looked_up(lists=f"{server.origin}/root.crl"))
        if what == "revoked":
            hour = timedelta(hours=1)
            server.places["/root.crl"] = make_list(
                root, [Revoked(leaf)], this_update=now - hour, next_update=now + hour
            )
        trusted = trusting(base, inline(root.pem.decode()))
        await to_thread(_strict_and_audit, tenants, trusted, default, images, (f"crl-{what}", leaf, tmp_path))
        assert "/root.crl" in server.asked


def _strict_and_audit(
    tenants: Tenants, trusted: Document, namespace: str, images: Images, signed: tuple[str, Any, Path]
) -> None:
    tag, leaf, folder = signed
    images.repository.push_image(tag)
    sign(images, tag, leaf, folder)
    for level, admitted in (("strict", False), ("audit", True)):
        executor = changed(trusted, _looking_up(level))
        assert tenants.apply(executor)["succeeded"] is True
        assert kubectl_run(tenants.server, namespace, images[tag]) is admitted
        assert not kubectl_run(tenants.server, namespace, images[UNSIGNED])


def _looking_up(level: str) -> Callable[[Document], object]:
    """Return what makes the notation verifier look revocation up on this machine."""
    here = {"level": level, "revocation": {"allowedHosts": ["127.0.0.1"]}}
    return lambda spec: spec["verifiers"][0]["parameters"].update(here)


def test_notation_test_with_certs_across_namespace(
    tenants: Tenants, base: Document, default: str, images: Images
) -> None:
    """The cluster's executor takes certificates of a Secret in another namespace; a tenant's may not name any but its own."""
    elsewhere = tenants.namespace(f"certificates-{next(NUMBERS)}")
    metadata = {"name": "certs", "namespace": elsewhere}
    data = {"ca.crt": certificate("other-ca")}
    tenants.server.api.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data})
    tenants.let_read(elsewhere, "certs")
    there = {"type": "ca", "kubernetes": {"secret": "certs", "namespace": elsewhere}}
    assert not kubectl_run(tenants.server, default, images[ALTERNATE])
    assert tenants.apply(trusting(base, there))["succeeded"] is True
    assert kubectl_run(tenants.server, default, images[ALTERNATE])
    assert not kubectl_run(tenants.server, default, images[SIGNED])
    own = executor("across", notation("ca"), scopes=(images.repository.name,), namespace=default)
    try:
        status = tenants.apply(trusting(own, there))
        assert status["succeeded"] is False
        assert "of its own namespace only" in status["error"]
        eventually("no executor decides", lambda: not tenants.admitted(default, images[ALTERNATE]))
    finally:
        tenants.server.api.delete(own)


def test_cosign_test(tenants: Tenants, base: Document, default: str, images: Images) -> None:
    """A signature by a key that no log has seen."""
    assert kubectl_run(tenants.server, default, images[KEYED])
    assert not kubectl_run(tenants.server, default, images[UNSIGNED])
    assert not kubectl_run(tenants.server, default, images["wrong-key"])


def test_cosign_legacy_keyed_test(tenants: Tenants, base: Document, default: str, images: Images) -> None:
    """Cosign 2's own form, under its tag."""
    assert kubectl_run(tenants.server, default, images[CLASSIC])


@pytest.fixture(scope="module")
def keyless(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Images that no key has signed, with a private Sigstore: cosign 3's bundle, and cosign 2's own form."""
    if absent := sigstore_instance.missing():
        pytest.skip(f"run `make peers` first: there is no {', '.join(absent)}")
    folder = tmp_path_factory.mktemp("sigstore")
    with sigstore_instance.running(folder) as instance, live.loopback.registry() as repository:
        found = Scene(instance, repository.name.partition("/")[0], instance.trusted_root("root"))
        for name in ("bundle", "classic", "nobody"):
            found.repository(name).push_image("image")
        found.sign_v3("bundle", *found.keyless())
        found.sign_v2("classic", *found.keyless())
        yield found


def identity(scene: Scene, subject: str = "signer@example.com") -> Document:
    """Return a verifier that trusts an identity of the private Sigstore."""
    policy = {
        "certificateIdentity": subject,
        "certificateOIDCIssuer": f"{scene.instance.urls['oidc']}/email",
        "trustedRoot": str(scene.root),
    }
    return {"name": "cosign-1", "type": "cosign", "parameters": {"trustPolicies": [policy]}}


@pytest.mark.parametrize("image", ["bundle", "classic"])
def test_cosign_keyless_test(tenants: Tenants, default: str, keyless: Scene, image: str) -> None:
    """Without a key: the identity that is trusted is admitted and no other; the second is "cosign legacy keyless test"."""
    document = executor(NAME, identity(keyless), scopes=(keyless.registry,))
    try:
        assert tenants.apply(document)["succeeded"] is True
        assert kubectl_run(tenants.server, default, keyless.at_digest(image))
        assert not kubectl_run(tenants.server, default, keyless.at_digest("nobody"))
        other = executor(NAME, identity(keyless, "somebody@example.com"), scopes=(keyless.registry,))
        assert tenants.apply(other)["succeeded"] is True
        eventually("another is trusted", lambda: not tenants.admitted(default, keyless.at_digest(image)))
    finally:
        tenants.server.api.delete(document)


def test_validate_k8s_secrets_oras_auth_provider(tenants: Tenants, images: Images) -> None:
    """A registry that wants a password is read with the one in the tenant's Secret, and not without it."""
    namespace, server = tenants.namespace(f"pulling-{next(NUMBERS)}"), tenants.server
    with RegistrySimulator(auth=BasicAuth("reader", "a test's password")) as registry:
        registry.load_layout(live.MATERIAL / "layout", "demo")
        image = f"{registry.host}/demo:{SIGNED}"
        store = {
            "type": "registry-store",
            "parameters": {"credential": {"provider": "kubernetes", "secret": "pull"}},
        }
        document = executor(
            "pulling", notation("ca"), scopes=(registry.host,), namespace=namespace, stores=[store]
        )
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/basic-auth",
            "metadata": {"name": "pull", "namespace": namespace},
            "stringData": {"username": "reader", "password": "wrong"},
        }
        tenants.let_read(namespace, "pull")
        server.api.apply(secret)
        try:
            assert tenants.apply(document)["succeeded"] is True
            assert not tenants.admitted(namespace, image)
            server.api.apply(
                {**secret, "stringData": {**secret["stringData"], "password": "a test's password"}}
            )
            eventually("the Secret is read again", lambda: tenants.admitted(namespace, image))
            assert not tenants.admitted(namespace, f"{registry.host}/demo:{UNSIGNED}")
        finally:
            server.api.delete(document)
