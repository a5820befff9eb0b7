"""The command without keys: from the start of the process to its verdict, against `cosign verify` on the same image and root."""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.command import DELAYS_MS, RATIFY, RUNS
from bench.measure import in_turn, table, wall
from bench.peers import MATERIAL, program, registry
from pyratify.core.digest import Digest
from pyratify.testing.cosign import statement
from pyratify.testing.sigstore import ISSUER, SUBJECT, PrivateSigstore, Signing

sys.path.insert(0, str(MATERIAL))
import loopback

TAG = "unsigned"
EMPTY = b"{}"


def report() -> str:
    """Measure and return the table."""
    sigstore = PrivateSigstore("bench")
    rows = [_row(delay, log, sigstore) for delay in DELAYS_MS for log in (1, 2)]
    head = ("delay of each answer", "log", "ratify", "cosign", "ratio")
    return table("`verify --certificate-identity --trusted-root`, whole process", head, rows)


def _row(delay: int, log: int, sigstore: PrivateSigstore) -> tuple[str, ...]:
    with tempfile.TemporaryDirectory() as folder, registry(delay_ms=delay) as address:
        root = Path(folder) / "root.json"
        root.write_bytes(sigstore.root.data)
        reference = _sign(address, sigstore, Signing(log=log))
        who = ("--certificate-identity", SUBJECT, "--certificate-oidc-issuer", ISSUER)
        flags = (*who, "--trusted-root", str(root), reference)
        ours = (RATIFY, "verify", "--no-cache", *flags)
        peer = (program("cosign"), "verify", *flags)
        result = in_turn(lambda: wall(ours), lambda: wall(peer), RUNS)
    times = (f"{seconds * 1000:.0f} ms" for seconds in (result.ours, result.peer))
    return (f"{delay} ms", f"version {log}", *times, f"{result.ratio:.2f} x")


def _sign(address: str, sigstore: PrivateSigstore, signing: Signing) -> str:
    """Attach a bundle to an image, and return the image by digest."""
    repository = loopback.Repository(address)
    subject: dict[str, Any] = repository.descriptor(TAG)
    bundle = json.dumps(sigstore.sign_statement(statement(Digest(subject["digest"])), signing)).encode()
    for blob in (bundle, EMPTY):
        repository.push_blob(blob)
    manifest = {
        "schemaVersion": 2,
        "mediaType": loopback.MANIFEST,
        "artifactType": loopback.BUNDLE,
        "config": _described("application/vnd.oci.empty.v1+json", EMPTY),
        "layers": [_described(loopback.BUNDLE, bundle)],
    }
    repository.attach(manifest, subject)
    return f"{repository.name}@{subject['digest']}"


def _described(media_type: str, data: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": loopback.digest_of(data), "size": len(data)}
