"""What Ratify's acceptance tests do again and again, as they do it: with kubectl."""

from collections.abc import Callable
from copy import deepcopy
from itertools import count

from e2e.cluster.api import Document
from e2e.cluster.apiserver import ApiServer
from interop import live

NAME = "ratify-gatekeeper-provider-executor-1"
SIGNED, ALTERNATE, UNSIGNED = "notation-jws-ec", "wrong-ca", "unsigned"
KEYED, CLASSIC = "cosign-v3", "cosign-v2"
NUMBERS = count(1)


def kubectl_run(server: ApiServer, namespace: str, image: str) -> bool:
    """Return whether `kubectl run` makes a Pod; a refusal has to be Gatekeeper's."""
    name = f"demo-{next(NUMBERS)}"
    done = server.kubectl("run", name, "-n", namespace, f"--image={image}", "--restart=Never")
    assert done.returncode == 0 or "admission webhook" in done.stderr, done.stderr
    return done.returncode == 0


def kubectl_debug(server: ApiServer, namespace: str, pod: str, image: str) -> bool:
    """Return whether `kubectl debug` adds a container to a Pod."""
    done = server.kubectl("debug", pod, "-n", namespace, f"--image={image}", "--target=demo")
    assert done.returncode == 0 or "admission webhook" in done.stderr, done.stderr
    return done.returncode == 0


def changed(document: Document, change: Callable[[Document], object]) -> Document:
    """Return an Executor with another specification."""
    found = deepcopy(document)
    change(found["spec"])
    return found


def trusting(document: Document, *certificates: Document) -> Document:
    """Return an Executor whose notation verifier trusts these certificates, of any signer."""

    def change(spec: Document) -> None:
        parameters = spec["verifiers"][0]["parameters"]
        parameters.update(certificates=list(certificates), trustedIdentities=["*"])

    return changed(document, change)


def inline(pem_text: str, kind: str = "ca") -> Document:
    """Return certificates of an Executor."""
    return {"type": kind, "inline": {"certs": pem_text}}


def certificate(name: str) -> str:
    """Return a certificate of the material, in PEM."""
    return (live.signers.CERTS / f"{name}.pem").read_text()
