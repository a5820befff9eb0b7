"""Attestations: the command against `cosign verify-attestation`, the cost beside a signature, and the turns of the event loop."""

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from bench.command import AIMS, DELAYS_MS, RATIFY, RUNS
from bench.measure import in_turn, table, wall
from bench.peers import MATERIAL, program, registry
from bench.setup import executor
from pyratify.core.digest import Digest
from pyratify.core.executor import Executor
from pyratify.core.key import KeyMaterial
from pyratify.core.limits import Limits
from pyratify.core.reference import Reference
from pyratify.core.verifier import Verifier
from pyratify.evidence.provenance import ProvenanceRules, provenance_judge
from pyratify.sigstore.trust_policy import TrustPolicy
from pyratify.testing.attestations import (
    DSSE,
    REPOSITORY,
    SLSA_V1,
    attach_attestation,
    bundle,
    envelope,
    in_toto,
    provenance_v1,
)
from pyratify.testing.cosign import CosignKey, attach_bundle, sign_statement, statement
from pyratify.testing.memory import MemoryStore
from pyratify.verifiers.attestation.attestation_verifier import AttestationVerifier
from pyratify.verifiers.attestation.requirement import Requirement
from pyratify.verifiers.cosign.cosign_trust_policy import CosignTrustPolicy
from pyratify.verifiers.cosign.cosign_verifier import CosignVerifier
from pyratify.verifiers.cosign.formats import SIGNATURE_ANNOTATION

sys.path.insert(0, str(MATERIAL))
import loopback

TAG = "unsigned"
EMPTY = b"{}"
LONG_AGO = "2024-01-01T00:00:00Z"
ROUNDS = 300


def report() -> str:
    """Measure and return the tables."""
    rows = [_row(delay, form) for delay in DELAYS_MS for form in ("bundle", "tag")]
    head = ("delay of each answer", "form", "ratify", "cosign", "ratio", "aim")
    command = table("`verify --key --type --source-uri`, whole process", head, rows)
    beside = table(
        "one verification in the process", ("what", "processor time", "aim"), asyncio.run(_beside())
    )
    return f"{command}\n{beside}"


def _row(delay: int, form: str) -> tuple[str, ...]:
    key = CosignKey.generate()
    with tempfile.TemporaryDirectory() as folder, registry(delay_ms=delay) as address:
        public = Path(folder) / "cosign.pub"
        public.write_bytes(key.pem)
        reference = _attest(address, key, form)
        common = ("--key", str(public), "--type", "slsaprovenance1")
        ours = (RATIFY, "verify", "--no-cache", *common, "--source-uri", REPOSITORY, reference)
        peer = (program("cosign"), "verify-attestation", *common, "--insecure-ignore-tlog=true", reference)
        result = in_turn(lambda: wall(ours), lambda: wall(peer), RUNS)
    times = (f"{seconds * 1000:.0f} ms" for seconds in (result.ours, result.peer))
    return (f"{delay} ms", form, *times, f"{result.ratio:.2f} x", AIMS[delay])


def _attest(address: str, key: CosignKey, form: str) -> str:
    """Attach provenance to an image, as cosign 3 or as cosign 2 does, and return the image by digest."""
    repository = loopback.Repository(address)
    subject: dict[str, Any] = repository.descriptor(TAG)
    claimed = in_toto(Digest(subject["digest"]), SLSA_V1, provenance_v1(finished=LONG_AGO))
    kind = loopback.BUNDLE if form == "bundle" else DSSE
    document = json.dumps(bundle(key, claimed) if form == "bundle" else envelope(key, claimed)).encode()
    for blob in (document, EMPTY):
        repository.push_blob(blob)
    manifest = {
        "schemaVersion": 2,
        "mediaType": loopback.MANIFEST,
        "config": _described("application/vnd.oci.image.config.v1+json", EMPTY),
        "layers": [
            _described(kind, document) | {"annotations": {SIGNATURE_ANNOTATION: "", "predicateType": SLSA_V1}}
        ],
    }
    if form == "bundle":
        repository.attach(manifest | {"artifactType": kind}, subject)
    else:
        tag = f"{subject['digest'].replace(':', '-')}.att"
        repository.push_manifest(loopback.to_json(manifest), tag)
    return f"{repository.name}@{subject['digest']}"


def _described(media_type: str, data: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": loopback.digest_of(data), "size": len(data)}


async def _beside() -> list[tuple[str, ...]]:
    key = CosignKey.generate()
    cosign = CosignVerifier("cosign", [CosignTrustPolicy(keys=(key.material,))])
    signature, attestation = await _each(
        (_image(key, 0), cosign), (_image(key, 1), _attestation_verifier(key.material))
    )
    turn = await _longest_turn(_image(key, 100), _attestation_verifier(key.material))
    return [
        ("signature bundle", f"{signature * 1e3:.2f} ms", "-"),
        (
            "provenance bundle",
            f"{attestation * 1e3:.2f} ms, {attestation / signature:.2f} x",
            "1.2 x",
        ),
        ("longest turn of the loop, 100 attestations", f"{turn * 1e3:.0f} ms", "100 ms"),
    ]


def _attestation_verifier(key: KeyMaterial) -> AttestationVerifier:
    judge = provenance_judge(ProvenanceRules(source_uris=(REPOSITORY,)), "provenance")
    required = Requirement((SLSA_V1,), {"provenance": judge}, "provenance")
    return AttestationVerifier("attestation", [TrustPolicy(keys=(key,))], [required])


def _image(key: CosignKey, attestations: int) -> tuple[MemoryStore, Reference]:
    """Return an image with a signature in a bundle, or with so many attestations of it, only the last of which counts."""
    store = MemoryStore()
    image = store.add_image()
    if not attestations:
        attach_bundle(store, image, sign_statement(key, statement(image.digest)))
    for number in range(attestations):
        source = REPOSITORY if number == attestations - 1 else f"https://github.com/org/other{number}"
        claimed = in_toto(image.digest, SLSA_V1, provenance_v1(source=source, finished=LONG_AGO))
        attach_attestation(store, image, bundle(key, claimed))
    return store, Reference.parse(f"example.com/app@{image.digest}")


async def _each(*measured: tuple[tuple[MemoryStore, Reference], Verifier]) -> list[float]:
    """Return the seconds of the processor that one verification takes, for each image the median of many."""
    engines: list[tuple[Executor, Reference, list[float]]] = [
        (executor(store, verifier), reference, [])  # type: ignore[arg-type]
        for (store, reference), verifier in measured
    ]
    # In turn: the machine's other work slows all of them alike.
    for _ in range(ROUNDS):
        for engine, reference, times in engines:
            before = time.process_time()
            result = await engine.validate(reference)
            times.append(time.process_time() - before)
            if not result.succeeded:
                raise RuntimeError(f"not allowed: {result}")
    return [median(times) for _, _, times in engines]


async def _longest_turn(image: tuple[MemoryStore, Reference], verifier: Verifier) -> float:
    """Return the longest time for which the loop served nothing else while an image was verified."""
    store, reference = image
    work = asyncio.create_task(executor(store, verifier, Limits(referrers=200)).validate(reference))  # type: ignore[arg-type]
    longest, before = 0.0, time.perf_counter()
    while not work.done():
        await asyncio.sleep(0)
        now = time.perf_counter()
        longest, before = max(longest, now - before), now
    if not work.result().succeeded:
        raise RuntimeError("not allowed")
    return longest
