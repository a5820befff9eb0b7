"""Images that both cosigns sign with the servers of a private Sigstore, and the same signatures spoilt one by one."""

import base64
import json
import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from interop import live
from interop.sigstore_instance import Instance

TAG = "image"
EMAIL = "signer@example.com"
WORKFLOW = {
    "sub": "repo:example/app:ref:refs/heads/main",
    "job_workflow_ref": "example/app/.github/workflows/release.yml@refs/heads/main",
    "job_workflow_sha": "a" * 40,
    "sha": "b" * 40,
    "event_name": "push",
    "repository": "example/app",
    "workflow": "release",
    "ref": "refs/heads/main",
    "runner_environment": "github-hosted",
    "repository_id": "1",
    "repository_owner": "example",
    "repository_owner_id": "2",
    "repository_visibility": "public",
    "workflow_ref": "example/app/.github/workflows/release.yml@refs/heads/main",
    "workflow_sha": "a" * 40,
    "run_id": "3",
    "run_attempt": "1",
}
NOWHERE = "http://127.0.0.1:9"
CLASSIC = "dev.sigstore.cosign/"
Edit = Callable[[dict[str, Any]], None]


class Named(live.loopback.Repository):
    """A repository of its own for each image, so that one signature is all there is."""

    def __init__(self, address: str, name: str) -> None:
        """Name the registry by `host:port`, and the repository."""
        self.name = f"{address}/{name}"
        self._url = f"http://{address}/v2/{name}"


@dataclass(frozen=True)
class Scene:
    """An instance, a registry, and how images are signed there.

    Attributes:
        instance: The servers.
        registry: Where images are, as `host:port`.
        root: A trusted root of the whole instance.
    """

    instance: Instance
    registry: str
    root: Path

    def sign_everything(self) -> None:
        """Push, sign and spoil every image of `SIGNED`, `SPOILT` and `REPLAYED`."""
        for image, sign in SIGNED.items():
            self.repository(image).push_image(TAG)
            sign(self, image)
        for image, (source, edit) in SPOILT.items():
            subject = self._copy(source, image)
            self._attach(source, image, subject, edit)
        for image, source in REPLAYED.items():
            self.repository(image).push_image("another")
            subject = self._copy(image, image, "another")
            self._attach(source, image, subject, lambda _: None)

    def repository(self, image: str) -> Named:
        """The repository of an image."""
        return Named(self.registry, image)

    def at_digest(self, image: str) -> str:
        """An image by digest."""
        return live.signers.at_digest(self.repository(image), TAG)

    def token(self, kind: str) -> str:
        """An identity token, as one of the kinds of issuer gives them."""
        claims: Mapping[str, Any] = {
            "email": {"sub": "1", "email": EMAIL, "email_verified": True},
            "github": WORKFLOW,
            "username": {"sub": "someone"},
        }[kind]
        return self.instance.issuer.token(kind, **claims)

    def who(self, kind: str = "email") -> tuple[str, ...]:
        """The flags that name the signer of one of the kinds."""
        subject = {
            "email": EMAIL,
            "github": f"https://github.com/{WORKFLOW['job_workflow_ref']}",
            "username": "someone!127.0.0.1",
        }[kind]
        issuer = f"{self.instance.urls['oidc']}/{kind}"
        return ("--certificate-identity", subject, "--certificate-oidc-issuer", issuer)

    def sign_v3(
        self,
        image: str,
        *flags: str,
        leave_out: tuple[str, ...] = (),
        command: str = "sign",
        program: str = "cosign",
    ) -> None:
        """Have cosign write a bundle, with services that are left out of its configuration."""
        config = f"--signing-config={self.instance.signing_config(*leave_out)}"
        root = f"--trusted-root={self.root}"
        _run(program, {}, command, "--yes", config, root, *flags, self.at_digest(image))

    def sign_v2(self, image: str, *flags: str, command: str = "sign") -> None:
        """Have cosign 2 sign in its classic form."""
        urls, files = self.instance.urls, self.instance.files
        services = (f"--fulcio-url={urls['fulcio']}", f"--rekor-url={urls['rekor1']}")
        environment = {
            "SIGSTORE_ROOT_FILE": files["fulcio"],
            "SIGSTORE_REKOR_PUBLIC_KEY": files["rekor1"],
            "SIGSTORE_CT_LOG_PUBLIC_KEY_FILE": files["ct"],
        }
        _run("cosign2", environment, command, "--yes", *services, *flags, self.at_digest(image))

    def keyless(self, kind: str = "email") -> tuple[str, ...]:
        """The flags for a signature without a key."""
        return ("--identity-token", self.token(kind))

    @property
    def stamped(self) -> tuple[str, ...]:
        """The flag for a timestamp."""
        return ("--timestamp-server-url", self.instance.urls["tsa"])

    def predicate(self) -> tuple[str, ...]:
        """The flags for an attestation."""
        path = self.instance.folder / "predicate.json"
        path.write_text('{"fine": true}')
        return ("--predicate", str(path), "--type", "https://example.com/predicate")

    def _copy(self, source: str, image: str, tag: str = TAG) -> dict[str, Any]:
        """Give another repository the very same image, so that nothing but the signature differs."""
        self.repository(image).push_manifest(self.repository(source).get(f"manifests/{tag}"), TAG)
        return self.repository(image).descriptor(TAG)

    def _attach(self, source: str, image: str, subject: dict[str, Any], edit: Edit) -> None:
        """Attach another image's signature, edited."""
        if source.startswith("v2"):
            name = live.signers.signature_tag(self.repository(source), TAG)
            manifest = json.loads(self.repository(source).get(f"manifests/{name}"))
            self._blob(source, image, manifest["layers"][0]["digest"])
            edit(manifest["layers"][0]["annotations"])
            tag = f"{subject['digest'].replace(':', '-')}.sig"
            self.repository(image).push_manifest(live.loopback.to_json(manifest), tag)
            return
        manifest = self.repository(source).referrer(TAG, live.loopback.BUNDLE)
        bundle = json.loads(self.repository(source).get(f"blobs/{manifest['layers'][0]['digest']}"))
        edit(bundle)
        body = live.loopback.to_json(bundle)
        self.repository(image).push_blob(body)
        layer = manifest["layers"][0] | {"digest": live.loopback.digest_of(body), "size": len(body)}
        self._blob(source, image, manifest["config"]["digest"])
        self.repository(image).attach(manifest | {"layers": [layer]}, subject)

    def _blob(self, source: str, image: str, digest: str) -> None:
        self.repository(image).push_blob(self.repository(source).get(f"blobs/{digest}"))


def _run(program: str, environment: Mapping[str, Any], *args: str) -> None:
    done = peer(program, environment, *args)
    if done.returncode:
        raise RuntimeError(f"{program} {' '.join(args)}\n{done.stderr}")


def peer(program: str, environment: Mapping[str, Any], *args: str) -> "subprocess.CompletedProcess[str]":
    """Run a peer with more in its environment."""
    settings = os.environ | {"COSIGN_PASSWORD": "", "SIGSTORE_NO_CACHE": "true", "TUF_MIRROR": NOWHERE}
    settings |= {name: str(value) for name, value in environment.items()}
    command = [str(live.loopback.PEERS / program), *args]
    return subprocess.run(command, env=settings, capture_output=True, text=True, check=False)


def _with_key(algorithm: str, scene: Scene, image: str) -> None:
    scene.sign_v3(image, "--key", f"{live.import_key(algorithm, scene.instance.folder)}.key")


def _bundle2(scene: Scene, image: str, *flags: str) -> None:
    # cosign 2 offers logs of the second version an entry of a kind that they take no more.
    scene.sign_v3(image, "--new-bundle-format", *flags, leave_out=("rekor",), program="cosign2")


# With Ed25519 it refuses its own envelope and signs nothing.
KINDS = tuple(kind for kind, digest in live.ALGORITHMS.items() if digest)
KEY = ("--key", str(live.signers.KEYS / "cosign.key"))
NO_LOG = ("--tlog-upload=false",)
SIGNED: Mapping[str, Callable[[Scene, str], None]] = {
    "v3": lambda scene, image: scene.sign_v3(image, *scene.keyless()),
    "v3-github": lambda scene, image: scene.sign_v3(image, *scene.keyless("github")),
    "v3-username": lambda scene, image: scene.sign_v3(image, *scene.keyless("username")),
    "v3-annotated": lambda scene, image: scene.sign_v3(image, *scene.keyless(), "-a", "env=prod"),
    "v3-no-log": lambda scene, image: scene.sign_v3(image, *scene.keyless(), leave_out=("rekor", "rekor1")),
    "v3-log1": lambda scene, image: scene.sign_v3(image, *scene.keyless(), leave_out=("rekor", "tsa")),
    "v3-key-log1": lambda scene, image: scene.sign_v3(image, *KEY, leave_out=("rekor", "tsa")),
    "v3-key": lambda scene, image: scene.sign_v3(image, *KEY),
    "v3-key-offline": lambda scene, image: scene.sign_v3(image, *KEY, leave_out=("rekor", "rekor1", "tsa")),
    "v3-key-annotated": lambda scene, image: scene.sign_v3(image, *KEY, "-a", "env=prod"),
    "v3-attested": lambda scene, image: scene.sign_v3(
        image, *scene.keyless(), *scene.predicate(), command="attest"
    ),
    "v3-key-attested": lambda scene, image: scene.sign_v3(image, *KEY, *scene.predicate(), command="attest"),
    "v2": lambda scene, image: scene.sign_v2(image, *scene.keyless()),
    "v2-github": lambda scene, image: scene.sign_v2(image, *scene.keyless("github")),
    "v2-username": lambda scene, image: scene.sign_v2(image, *scene.keyless("username")),
    "v2-annotated": lambda scene, image: scene.sign_v2(image, *scene.keyless(), "-a", "env=prod"),
    "v2-stamped": lambda scene, image: scene.sign_v2(image, *scene.keyless(), *scene.stamped),
    "v2-no-log": lambda scene, image: scene.sign_v2(image, *scene.keyless(), *scene.stamped, *NO_LOG),
    "v2-key": lambda scene, image: scene.sign_v2(image, *KEY),
    "v2-key-offline": lambda scene, image: scene.sign_v2(image, *KEY, *NO_LOG),
    "v2-key-stamped": lambda scene, image: scene.sign_v2(image, *KEY, *scene.stamped),
    "v2-attested": lambda scene, image: scene.sign_v2(
        image, *scene.keyless(), *scene.predicate(), command="attest"
    ),
    "v2-key-attested": lambda scene, image: scene.sign_v2(image, *KEY, *scene.predicate(), command="attest"),
    "bundle2": lambda scene, image: _bundle2(scene, image, *scene.keyless()),
    "bundle2-key": lambda scene, image: _bundle2(scene, image, *KEY),
    **{f"v3-{kind}": partial(_with_key, kind) for kind in KINDS},
    "unsigned": lambda scene, image: None,
}


def at(*trail: str | int) -> Edit:
    """Flip a bit in the middle of the base64 there."""

    def edit(document: dict[str, Any]) -> None:
        holder: Any = document
        for name in trail[:-1]:
            holder = holder[name]
        data = bytearray(base64.b64decode(holder[trail[-1]]))
        data[len(data) // 2] ^= 1
        holder[trail[-1]] = base64.b64encode(data).decode()

    return edit


def without(*trail: str | int) -> Edit:
    """Remove what is there."""

    def edit(document: dict[str, Any]) -> None:
        holder: Any = document
        for name in trail[:-1]:
            holder = holder[name]
        del holder[trail[-1]]

    return edit


def in_annotation(name: str, change: Edit) -> Edit:
    """Change the JSON of an annotation."""

    def edit(annotations: dict[str, Any]) -> None:
        document = json.loads(annotations[CLASSIC + name])
        change(document)
        annotations[CLASSIC + name] = json.dumps(document)

    return edit


def later(document: dict[str, Any]) -> None:
    """Let a log have taken its entry one second later."""
    document["Payload"]["integratedTime"] += 1


def other_index(bundle: dict[str, Any]) -> None:
    """Name another place in the log."""
    entry = bundle["verificationMaterial"]["tlogEntries"][0]
    entry["logIndex"] = entry["inclusionProof"]["logIndex"] = "7"


def other_content(bundle: dict[str, Any]) -> None:
    """Let a log of the second version have taken a signature of something else."""
    entry = bundle["verificationMaterial"]["tlogEntries"][0]
    body = json.loads(base64.b64decode(entry["canonicalizedBody"]))
    at("digest")(body["spec"]["hashedRekordV002"]["data"])
    entry["canonicalizedBody"] = base64.b64encode(live.loopback.to_json(body)).decode()


def checkpoint(bundle: dict[str, Any]) -> None:
    """Spoil the signature of the log's statement about its tree."""
    proof = bundle["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]
    text = proof["checkpoint"]["envelope"].rstrip()
    proof["checkpoint"]["envelope"] = f"{text[:-6]}{'A' if text[-6] != 'A' else 'B'}{text[-5:]}\n"


_ENTRY = ("verificationMaterial", "tlogEntries", 0)
_STAMP = ("verificationMaterial", "timestampVerificationData")
SPOILT: Mapping[str, tuple[str, Edit]] = {
    "v3-entry": ("v3", other_content),
    "v3-root-hash": ("v3", at(*_ENTRY, "inclusionProof", "rootHash")),
    "v3-index": ("v3", other_index),
    "v3-checkpoint": ("v3", checkpoint),
    "v3-without-entry": ("v3", without("verificationMaterial", "tlogEntries")),
    "v3-without-proof": ("v3", without(*_ENTRY, "inclusionProof")),
    "v3-without-stamp": ("v3", without(*_STAMP)),
    "v3-stamp": ("v3", at(*_STAMP, "rfc3161Timestamps", 0, "signedTimestamp")),
    "v3-signature": ("v3", at("dsseEnvelope", "signatures", 0, "sig")),
    "v3-payload": ("v3", at("dsseEnvelope", "payload")),
    "v3-certificate": ("v3", at("verificationMaterial", "certificate", "rawBytes")),
    "v3-key-entry": ("v3-key", other_content),
    "v3-key-without-entry": ("v3-key", without("verificationMaterial", "tlogEntries")),
    "v3-key-signature": ("v3-key", at("dsseEnvelope", "signatures", 0, "sig")),
    "v2-entry": ("v2", in_annotation("bundle", at("Payload", "body"))),
    "v2-promise": ("v2", in_annotation("bundle", at("SignedEntryTimestamp"))),
    "v2-later": ("v2", in_annotation("bundle", later)),
    "v2-without-entry": ("v2", without(f"{CLASSIC}bundle")),
    "v2-without-certificate": ("v2", without(f"{CLASSIC}certificate")),
    "v2-without-chain": ("v2", without(f"{CLASSIC}chain")),
    "v2-signature": ("v2", at("dev.cosignproject.cosign/signature")),
    "v2-stamp": (
        "v2-no-log",
        in_annotation("rfc3161timestamp", at("SignedRFC3161Timestamp")),
    ),
    "v2-without-stamp": ("v2-no-log", without(f"{CLASSIC}rfc3161timestamp")),
    "v2-key-signature": ("v2-key", at("dev.cosignproject.cosign/signature")),
}
REPLAYED: Mapping[str, str] = {
    "v3-replayed": "v3",
    "v3-key-replayed": "v3-key",
    "v2-replayed": "v2",
    "v2-key-replayed": "v2-key",
}
KEYED = tuple(image for image in SIGNED if "-key" in image or image.removeprefix("v3-") in KINDS)
KEYLESS = tuple(image for image in SIGNED if image not in KEYED)
IMAGES = (*SIGNED, *SPOILT, *REPLAYED)
