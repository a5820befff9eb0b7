"""A registry in a process of its own whose images are signed, or attack what verifies them; its answers can be made to fail.

`python -m bench.hostile_registry FOLDER [PORT]` writes the public key of the good signatures to FOLDER/cosign.pub and prints its
address. A repository's first segment says what hangs on its image: one of `KINDS`, or `honest`, a good signature.
"""

import asyncio
import itertools
import json
import os
import random
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from urllib.parse import parse_qs

from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.limits import MIB
from pyratify.core.manifest import OCI_INDEX, OCI_MANIFEST
from pyratify.sigstore.media_types import BUNDLE
from pyratify.testing.cosign import CosignKey, sign_classic, simple_signing
from pyratify.testing.memory import as_json, make_manifest
from pyratify.verifiers.cosign.formats import SIGNATURE_ANNOTATION, SIMPLE_SIGNING

KINDS = ("document", "tokens", "manifests", "chunks", "junk")
"""What is hostile: a document of 32 MiB, one of 4 MiB full of tokens, eight manifests of 4 MiB, tiny chunks, 1,000 signatures."""
_HEAD = re.compile(rb"(GET|HEAD|POST) (\S+) HTTP/1\.1\r\n", re.ASCII)
_CONFIG = Descriptor("application/vnd.oci.image.config.v1+json", Digest.of(b"{}"), 2)
IMAGE = make_manifest(config=_CONFIG)
SUBJECT = Descriptor(OCI_MANIFEST, Digest.of(IMAGE), len(IMAGE))


@dataclass(slots=True)
class Faults:
    """What happens to answers.

    Attributes:
        latency: Seconds before each.
        status: What a share of them says instead of 200.
        share: That share.
        truncate: The share that ends in the middle.
    """

    latency: float = 0.0
    status: int = 503
    share: float = 0.0
    truncate: float = 0.0


@dataclass(slots=True)
class Registry:
    """All contents, and what is listed for each kind."""

    key: CosignKey
    faults: Faults = field(default_factory=Faults)
    blobs: dict[str, bytes] = field(default_factory=dict)
    listed: dict[str, list[dict[str, object]]] = field(default_factory=dict)
    tagged: dict[str, bytes] = field(default_factory=dict)

    def fill(self) -> None:
        """Make everything that is served."""
        self._add(IMAGE)
        good = sign_classic(self.key, simple_signing(SUBJECT.digest))
        self.tagged["honest"] = self._signatures([(good.payload, good.annotations[SIGNATURE_ANNOTATION])])
        junk = (self.key.sign(str(number).encode()) for number in range(1000))
        self.tagged["junk"] = self._signatures((good.payload, _base64(each)) for each in junk)
        self.listed["document"] = [self._bundle(b'{"a":"' + b"x" * (32 * MIB - 8) + b'"}')]
        self.listed["tokens"] = [self._bundle(b"[" + b"[]," * (4 * MIB // 3 - 4) + b"[]]")]
        sizes = range(8)
        self.listed["manifests"] = [self._listed(self._large(number)) for number in sizes]

    def _add(self, data: bytes) -> Descriptor:
        digest = Digest.of(data)
        self.blobs[str(digest)] = data
        return Descriptor(OCI_MANIFEST, digest, len(data))

    def _layer(self, data: bytes, media_type: str, annotations: dict[str, str] | None = None) -> Descriptor:
        found = self._add(data)
        return Descriptor(media_type, found.digest, found.size, annotations=annotations or {})

    def _signatures(self, signed: Iterable[tuple[bytes, str]]) -> bytes:
        layers = [self._layer(data, SIMPLE_SIGNING, {SIGNATURE_ANNOTATION: text}) for data, text in signed]
        manifest = make_manifest(layers=layers, config=_CONFIG)
        self._add(manifest)
        return manifest

    def _bundle(self, data: bytes) -> dict[str, object]:
        return self._listed(
            make_manifest(artifact_type=BUNDLE, layers=[self._layer(data, BUNDLE)], subject=SUBJECT)
        )

    def _large(self, number: int) -> bytes:
        size = 4 * MIB - 4096
        annotations = {f"k{number}-{index}": "" for index in range(size // 20)}
        return make_manifest(artifact_type=BUNDLE, subject=SUBJECT, annotations=annotations)

    def _listed(self, manifest: bytes) -> dict[str, object]:
        return {**as_json(self._add(manifest)), "artifactType": BUNDLE}

    def answer(self, path: str) -> tuple[int, str, bytes]:
        """Return status, media type and body for a path."""
        repository, _, rest = path.removeprefix("/v2/").partition("/manifests/")
        if rest:
            kind = repository.partition("/")[0]
            body = self.tagged.get(kind) if rest.endswith(".sig") else self.blobs.get(rest)
            return (200, OCI_MANIFEST, body) if body is not None else _NOT_FOUND
        repository, _, rest = path.removeprefix("/v2/").partition("/referrers/")
        if rest:
            manifests = self.listed.get(repository.partition("/")[0], [])
            document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests}
            return 200, OCI_INDEX, json.dumps(document).encode()
        body = self.blobs.get(path.rpartition("/")[2])
        return (200, "application/octet-stream", body) if body is not None else _NOT_FOUND


_NOT_FOUND = (404, "application/json", b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}')


def _base64(data: bytes) -> str:
    from pyratify.pki.encoding import encode_base64

    return encode_base64(data)


# A registry knows its digests: to hash 4 MiB for each answer would take a core from the server that is measured.
@lru_cache(maxsize=4096)
def _digest(data: bytes) -> str:
    return str(Digest.of(data))


async def serve(registry: Registry, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the requests of one connection."""
    try:
        while match := _HEAD.match(await reader.readuntil(b"\r\n\r\n")):
            path, _, query = match[2].decode().partition("?")
            if path == "/control":
                _control(registry.faults, query)
                writer.write(_head(200, "text/plain", 0))
            elif path.startswith("/v2/chunks/") and "/referrers/" in path:
                await _chunks(writer)
            elif not await _answer(registry, writer, path, body=match[1] != b"HEAD"):
                break
            await writer.drain()
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        pass
    finally:
        writer.close()


async def _answer(registry: Registry, writer: asyncio.StreamWriter, path: str, *, body: bool) -> bool:
    """Answer, or fail as the faults say; return whether the connection goes on."""
    faults = registry.faults
    if faults.latency:
        await asyncio.sleep(faults.latency)
    status, media_type, data = registry.answer(path)
    if random.random() < faults.share:
        writer.write(_head(faults.status, "text/plain", 0, "Retry-After: 1\r\n"))
        return True
    writer.write(_head(status, media_type, len(data), f"Docker-Content-Digest: {_digest(data)}\r\n"))
    if body and random.random() < faults.truncate:
        writer.write(data[: len(data) // 2])
        return False
    if body:
        writer.write(data)
    return True


async def _chunks(writer: asyncio.StreamWriter) -> None:
    """Send chunks of one byte with long extensions, until the client has enough of them."""
    writer.write(
        f"HTTP/1.1 200 OK\r\nContent-Type: {OCI_INDEX}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    )
    block = (b"1;extension=" + b"a" * 64 + b"\r\n \r\n") * 500
    for _ in itertools.count():
        writer.write(block)
        await writer.drain()


def _head(status: int, media_type: str, length: int, more: str = "") -> bytes:
    return f"HTTP/1.1 {status} X\r\nContent-Type: {media_type}\r\nContent-Length: {length}\r\n{more}\r\n".encode()


def _control(faults: Faults, query: str) -> None:
    for name, (value, *_) in parse_qs(query).items():
        setattr(faults, name, type(getattr(faults, name))(float(value)))


async def run(folder: Path, port: int, started: Callable[[str], None]) -> None:
    """Serve until the process is ended."""
    registry = Registry(_key(folder))
    registry.fill()
    server = await asyncio.start_server(
        lambda reader, writer: serve(registry, reader, writer), "127.0.0.1", port, limit=65536
    )
    host, port = server.sockets[0].getsockname()
    started(f"{host}:{port}")
    await server.serve_forever()


def _key(folder: Path) -> CosignKey:
    """Return the key of a registry that is started again, or a new one."""
    from cryptography.hazmat.primitives.asymmetric import ed25519

    path = folder / "signer.bin"
    if not path.exists():
        path.write_bytes(os.urandom(32))
    key = CosignKey(ed25519.Ed25519PrivateKey.from_private_bytes(path.read_bytes()), "ed25519")
    (folder / "cosign.pub").write_bytes(key.pem)
    return key


if __name__ == "__main__":
    where = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    asyncio.run(run(Path(sys.argv[1]), where, lambda address: print(address, flush=True)))
