"""A registry on loopback, and the programs that `make peers` built, as `make_material.py` uses them."""

import hashlib
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
PEERS = CACHE / "pyratify" / "peers" / "bin"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
NOTATION = "application/vnd.cncf.notary.signature"
INDEX = "application/vnd.oci.image.index.v1+json"


class Repository:
    """One repository of a plain registry: enough of the distribution API to push what no signer would."""

    def __init__(self, address: str) -> None:
        """Name the registry by `host:port`."""
        self.name = f"{address}/demo"
        self._url = f"http://{address}/v2/demo"

    def push_image(self, tag: str) -> None:
        """Push an OCI image with one file that says its tag."""
        with tempfile.TemporaryDirectory() as folder:
            layer = Path(folder) / "layer.tar"
            with tarfile.open(layer, "w") as tar:
                text = f"pyratify test image: {tag}\n".encode()
                member = tarfile.TarInfo("README")
                member.size = len(text)
                tar.addfile(member, BytesIO(text))
            run("crane", "append", "--oci-empty-base", "-f", str(layer), "-t", f"{self.name}:{tag}")

    def get(self, path: str) -> bytes:
        """The body of `manifests/REF`, `blobs/DIGEST` or `referrers/DIGEST`."""
        request = urllib.request.Request(f"{self._url}/{path}", headers={"Accept": f"{MANIFEST}, {INDEX}"})
        with urllib.request.urlopen(request) as response:
            return bytes(response.read())

    def descriptor(self, tag: str) -> dict[str, Any]:
        """What the subject field of a signature of this tag contains."""
        body = self.get(f"manifests/{tag}")
        return {"mediaType": MANIFEST, "digest": digest_of(body), "size": len(body)}

    def referrer(self, tag: str, mediatype: str) -> dict[str, Any]:
        """The manifest of this tag's first referrer of an artifact type: from the API, or from the tag schema."""
        digest = self.descriptor(tag)["digest"]
        try:
            index = json.loads(self.get(f"referrers/{digest}"))
        except urllib.error.HTTPError:
            index = json.loads(self.get(f"manifests/{digest.replace(':', '-')}"))
        for entry in index["manifests"]:
            manifest: dict[str, Any] = json.loads(self.get(f"manifests/{entry['digest']}"))
            if manifest.get("artifactType", manifest["config"]["mediaType"]) == mediatype:
                return manifest
        raise LookupError(f"no {mediatype} at {tag}")

    def attach(self, manifest: Mapping[str, Any], subject: Mapping[str, Any]) -> None:
        """Push a referrer, and name it in the tag schema's index as a client does where there is no API."""
        body = to_json({**manifest, "subject": subject})
        self.push_manifest(body)
        fallback = subject["digest"].replace(":", "-")
        try:
            index = json.loads(self.get(f"manifests/{fallback}"))
        except urllib.error.HTTPError:
            index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": []}
        entry = {"mediaType": MANIFEST, "digest": digest_of(body), "size": len(body)}
        index["manifests"].append(entry | {"artifactType": manifest.get("artifactType", NOTATION)})
        self.push_manifest(to_json(index), fallback, INDEX)

    def push_blob(self, body: bytes) -> None:
        """Push a blob: open an upload, then close it with all there is."""
        place = urllib.parse.urljoin(self._url, self._send("POST", f"{self._url}/blobs/uploads/", b"", ""))
        mark = "&" if "?" in place else "?"
        self._send("PUT", f"{place}{mark}digest={digest_of(body)}", body, "application/octet-stream")

    def push_manifest(self, body: bytes, name: str = "", mediatype: str = MANIFEST) -> None:
        """Push a manifest under a tag, or under its digest."""
        self._send("PUT", f"{self._url}/manifests/{name or digest_of(body)}", body, mediatype)

    def _send(self, method: str, url: str, body: bytes, mediatype: str) -> str:
        request = urllib.request.Request(url, body, {"Content-Type": mediatype}, method=method)
        with urllib.request.urlopen(request) as response:
            return str(response.headers.get("Location", ""))


@contextmanager
def registry(*flags: str) -> Iterator[Repository]:
    """A registry in memory, ended with the block."""
    with subprocess.Popen([PEERS / "registry", *flags], stdout=subprocess.PIPE, text=True) as server:
        try:
            yield Repository(server.stdout.readline().strip() if server.stdout else "")
        finally:
            server.terminate()


def run(program: str, *args: str) -> None:
    """Run a peer; end with its own words when it fails."""
    done = peer(program, *args)
    if done.returncode:
        sys.exit(f"{program} {' '.join(args)}\n{done.stdout}{done.stderr}")


def accepts(program: str, *args: str) -> bool:
    """Whether a verifier says yes."""
    return peer(program, *args).returncode == 0


def peer(program: str, *args: str) -> "subprocess.CompletedProcess[str]":
    """Run one of the programs that `make peers` built."""
    environment = os.environ | {"COSIGN_PASSWORD": "", "SIGSTORE_NO_CACHE": "true"}
    return subprocess.run(
        [PEERS / program, *args], env=environment, capture_output=True, text=True, check=False
    )


def digest_of(body: bytes) -> str:
    """The digest of some bytes, as OCI writes it."""
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def to_json(value: Mapping[str, Any]) -> bytes:
    """Compact JSON."""
    return json.dumps(value, separators=(",", ":")).encode()
