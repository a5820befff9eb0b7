"""Notation again and again: CPU of one verification with chains, revocation and timestamps remembered, and dead servers."""

import asyncio
import time

from bench.measure import table
from pyratify.core.content import Content
from pyratify.core.errors import InconclusiveError
from pyratify.core.manifest import parse_manifest
from pyratify.core.reference import Reference
from pyratify.core.verifier import Evidence
from pyratify.pki.revocation.checker import RevocationChecker
from pyratify.pki.revocation.remembered_responses import RevocationMemory
from pyratify.pki.revocation.revocation_options import RevocationOptions
from pyratify.testing.certificates import Issued, authority, signer
from pyratify.testing.fakes import FakeClock
from pyratify.testing.memory import MemoryStore
from pyratify.testing.notation import SIGNERS, Recipe, attach_signature
from pyratify.testing.revocation import FakeFetcher, looked_up, make_answer
from pyratify.testing.timestamps import stamped_cose, stamped_jws, timestamp_authority
from pyratify.verifiers.notation.envelope import JWS_TYPE
from pyratify.verifiers.notation.notation_verifier import NotationVerifier
from pyratify.verifiers.notation.policy_document import short_trust_policy
from pyratify.verifiers.notation.trust_policy import StoreName

OCSP = "http://ca.test/ocsp"
ROOT, TSA_ROOT = authority(), authority("tsa root")
ROUNDS, IMAGES = 500, 100


def report() -> str:
    """Measure and return the table."""
    rows = [
        (media_type, kind, f"{asyncio.run(_warm(media_type, kind)) * 1000:.2f} ms")
        for media_type in SIGNERS
        for kind in ("p256", "rsa-2048")
    ]
    head = ("envelope", "key", "CPU (aim: 0.5 ms)")
    warm = table("One more verification (Notation, with OCSP and timestamp)", head, rows)
    return f"{warm}\n\nA dead OCSP responder, {IMAGES} images: asked {asyncio.run(_dead())} time(s).\n"


async def _warm(media_type: str, kind: str) -> float:
    leaf = signer(ROOT, kind=kind, extensions=looked_up(OCSP))
    verifier = _verifier(FakeFetcher({OCSP: make_answer(leaf, ROOT)}))
    evidence = await _evidence(leaf, media_type)
    await verifier.verify(evidence)
    start = time.process_time()
    for _ in range(ROUNDS):
        evidence = await _again(evidence)
        await verifier.verify(evidence)
    return (time.process_time() - start) / ROUNDS


async def _dead() -> int:
    fetcher = FakeFetcher()
    verifier = _verifier(fetcher)
    for which in range(IMAGES):
        leaf = signer(ROOT, which=which, extensions=looked_up(OCSP))
        try:
            await verifier.verify(await _evidence(leaf, JWS_TYPE))
        except InconclusiveError:
            continue
        raise RuntimeError("revocation was not looked up")
    return len(fetcher.asked)


def _verifier(fetcher: FakeFetcher) -> NotationVerifier:
    policy = short_trust_policy(identities=("*",), stores=["ca:x", "tsa:x"], level="strict")
    stores = {StoreName("ca", "x"): (ROOT.material,), StoreName("tsa", "x"): (TSA_ROOT.material,)}
    clock = FakeClock()
    checker = RevocationChecker(fetcher, RevocationMemory(clock, RevocationOptions()))
    return NotationVerifier("notation", policy, stores, clock, revocation=checker)


async def _evidence(leaf: Issued, media_type: str) -> Evidence:
    tsa, store = timestamp_authority(TSA_ROOT), MemoryStore()
    stamp = stamped_jws if media_type == JWS_TYPE else stamped_cose
    image = store.add_image()
    envelope = SIGNERS[media_type](leaf, image, Recipe(whole=stamp(tsa)))
    descriptor = attach_signature(store, image, envelope, media_type)
    reference = Reference.parse("example.com/app").at(image.digest)
    content = Content(store)
    manifest = parse_manifest(await content.manifest(reference, descriptor), descriptor)
    return Evidence(reference, image, manifest, content)


async def _again(evidence: Evidence) -> Evidence:
    """Return the same evidence with a budget of bytes of its own, as another validation has."""
    content = Content(evidence.content.store)
    return Evidence(evidence.reference, evidence.subject, evidence.manifest, content)
