"""Revocation and timestamps, judged by notation-go and by us: equal verdicts at every level, in both formats."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from cryptography.x509 import CRLDistributionPoints, ReasonFlags, load_der_x509_certificate
from cryptography.x509.ocsp import OCSPCertStatus

from interop import live
from pyratify.core.clock import SystemClock
from pyratify.core.descriptor import Descriptor
from pyratify.core.report import Decision
from pyratify.pki.revocation.checker import RevocationChecker
from pyratify.pki.revocation.fetch_http import HttpFetcher
from pyratify.pki.revocation.remembered_responses import RevocationMemory
from pyratify.pki.revocation.revocation_options import RevocationOptions
from pyratify.testing.certificates import Issued, authority, signer
from pyratify.testing.memory import MemoryStore, make_manifest
from pyratify.testing.notation import SIGNERS, Recipe
from pyratify.testing.revocation import (
    RevocationServer,
    Revoked,
    looked_up,
    make_answer,
    make_list,
    refusal,
    responder,
)
from pyratify.testing.timestamps import TokenRecipe, stamped_cose, stamped_jws, timestamp_authority
from pyratify.verifiers.notation.envelope import JWS_TYPE, TIMESTAMP
from pyratify.verifiers.notation.notation_verifier import ARTIFACT_TYPE, NotationVerifier
from pyratify.verifiers.notation.policy_document import short_trust_policy
from pyratify.verifiers.notation.trust_policy import StoreName
from support.notation_bench import FORMATS
from support.notation_layouts import validate

pytestmark = pytest.mark.interop
LEVELS = ("strict", "permissive", "audit")
NOW = datetime.now(UTC).replace(microsecond=0)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ROOT = authority()
TSA_ROOT = authority("tsa root")
TSA = timestamp_authority(TSA_ROOT)
HOLD, COMPROMISE = ReasonFlags.certificate_hold, ReasonFlags.key_compromise


@dataclass(frozen=True)
class Case:
    """What a certificate names, and what is found there."""

    places: Callable[[Issued], dict[str, bytes]] = lambda leaf: {}
    ocsp: bool = False
    lists: bool = False
    deltas: bool = False

    def leaf(self, origin: str, **changes: Any) -> Issued:
        """Return a signer that names the places."""
        names = {
            "ocsp": f"{origin}/ocsp" if self.ocsp else "",
            "lists": f"{origin}/list" if self.lists else (),
            "deltas": f"{origin}/delta" if self.deltas else (),
        }
        return signer(ROOT, extensions=looked_up(**names), **changes)


def listed(*entries: Revoked, **options: Any) -> bytes:
    """Return a list of this hour."""
    return make_list(ROOT, entries, **({"this_update": NOW - HOUR, "next_update": NOW + DAY} | options))


def says(leaf: Issued, **options: Any) -> bytes:
    """Return an OCSP answer of this hour."""
    return make_answer(leaf, ROOT, **({"this_update": NOW - HOUR, "next_update": NOW + DAY} | options))


def with_list(make: Callable[[Issued], bytes]) -> Case:
    """Return a case with one list."""
    return Case(lambda leaf: {"/list": make(leaf)}, lists=True)


def with_ocsp(make: Callable[[Issued], bytes]) -> Case:
    """Return a case with one responder."""
    return Case(lambda leaf: {"/ocsp": make(leaf)}, ocsp=True)


def with_delta(make: Callable[[Issued], bytes]) -> Case:
    """Return a case with a list that itself names a delta list, beside it."""

    def places(leaf: Issued) -> dict[str, bytes]:
        parsed = load_der_x509_certificate(leaf.der)
        (point,) = parsed.extensions.get_extension_for_class(CRLDistributionPoints).value
        delta = f"{point.full_name[0].value.removesuffix('list')}delta"
        freshest = looked_up(deltas=delta)
        return {"/list": listed(number=5, extra=freshest), "/delta": make(leaf)}

    return Case(places, lists=True)


REVOCATION = {
    "nothing-named": Case(),
    "list-good": with_list(lambda leaf: listed()),
    "list-revoked": with_list(lambda leaf: listed(Revoked(leaf, COMPROMISE))),
    "list-on-hold": with_list(lambda leaf: listed(Revoked(leaf, HOLD))),
    "list-missing": Case(lists=True),
    "list-ended": with_list(lambda leaf: listed(this_update=NOW - DAY, next_update=NOW - HOUR)),
    "list-of-another": with_list(
        lambda leaf: make_list(TSA_ROOT, this_update=NOW - HOUR, next_update=NOW + DAY)
    ),
    "list-by-another-key": with_list(lambda leaf: listed(key=TSA_ROOT.key)),
    "list-garbage": with_list(lambda leaf: b"garbage"),
    "delta-good": Case(
        lambda leaf: {"/list": listed(number=5), "/delta": listed(number=6, base=5)}, lists=True, deltas=True
    ),
    "delta-revokes": Case(
        lambda leaf: {"/list": listed(number=5), "/delta": listed(Revoked(leaf), number=6, base=5)},
        lists=True,
        deltas=True,
    ),
    "list-names-delta-good": with_delta(lambda leaf: listed(number=6, base=5)),
    "list-names-delta-that-revokes": with_delta(lambda leaf: listed(Revoked(leaf), number=6, base=5)),
    "list-names-delta-for-a-later-list": with_delta(lambda leaf: listed(number=7, base=6)),
    "list-names-delta-that-is-none": with_delta(lambda leaf: listed(number=6)),
    "delta-missing": Case(lambda leaf: {"/list": listed(number=5)}, lists=True, deltas=True),
    "ocsp-good": with_ocsp(says),
    "ocsp-revoked": with_ocsp(lambda leaf: says(leaf, status=OCSPCertStatus.REVOKED, reason=COMPROMISE)),
    "ocsp-unknown": with_ocsp(lambda leaf: says(leaf, status=OCSPCertStatus.UNKNOWN)),
    "ocsp-refused": with_ocsp(lambda leaf: refusal()),
    "ocsp-garbage": with_ocsp(lambda leaf: b"garbage"),
    "ocsp-missing": Case(ocsp=True),
    "ocsp-by-a-delegate": with_ocsp(lambda leaf: says(leaf, by=responder(ROOT))),
    "ocsp-by-a-stranger": with_ocsp(lambda leaf: says(leaf, by=responder(TSA_ROOT))),
    "ocsp-ended": with_ocsp(lambda leaf: says(leaf, this_update=NOW - DAY, next_update=NOW - HOUR)),
    "ocsp-missing-list-good": Case(lambda leaf: {"/list": listed()}, ocsp=True, lists=True),
    "ocsp-missing-list-revoked": Case(lambda leaf: {"/list": listed(Revoked(leaf))}, ocsp=True, lists=True),
}


def garbage(whole: Any) -> Any:
    """Put something that is no token where the token is."""
    if isinstance(whole, dict):
        whole["header"][TIMESTAMP] = "QUFB"
    else:
        whole.value[1][TIMESTAMP] = b"AAA"
    return whole


def stamped(tsa: Issued = TSA, **options: Any) -> Callable[[str], Recipe]:
    """Return how to make a recipe with a timestamp for a format."""
    token = TokenRecipe(**({"time": NOW - HOUR, "accuracy": 1} | options))
    return lambda kind: Recipe(whole=(stamped_jws if kind == JWS_TYPE else stamped_cose)(tsa, token))


EXPIRED = {"not_after": NOW - timedelta(minutes=30)}
LONG_EXPIRED = {"not_after": NOW - DAY}
TIMESTAMPS: dict[str, tuple[dict[str, Any], Callable[[str], Recipe]]] = {
    "good": ({}, stamped()),
    "good-and-expired-since": (EXPIRED, stamped()),
    "good-and-expired-before": (LONG_EXPIRED, stamped()),
    "none": ({}, lambda kind: Recipe()),
    "none-and-expired": (EXPIRED, lambda kind: Recipe()),
    "garbage": ({}, lambda kind: Recipe(whole=garbage)),
    "another-message": ({}, stamped(imprint=lambda digest: bytes(len(digest)))),
    "wrong-signature": ({}, stamped(signature=lambda s: s[:-1] + bytes((s[-1] ^ 1,)))),
    "another-root": ({}, stamped(timestamp_authority(authority("elsewhere")))),
    "no-purpose": ({}, stamped(timestamp_authority(TSA_ROOT, extended=None))),
    "two-purposes": (
        {},
        stamped(timestamp_authority(TSA_ROOT, extended=("1.3.6.1.5.5.7.3.8", "1.3.6.1.5.5.7.3.3"))),
    ),
    "sha384": ({}, stamped(hash="sha384", digest="sha384")),
    "rsa": ({}, stamped(timestamp_authority(TSA_ROOT, kind="rsa-2048"))),
}


# notation-core-go 1.3 fetches no delta list that a certificate names, and takes the status for unknown.
BEYOND = ("delta-good",)


async def peer(reference: str, folder: Path, level: str, tsa: Issued | None = None) -> bool:
    """Return notation-go's verdict."""
    (folder / "ca.pem").write_bytes(ROOT.pem)
    flags = ["-ca", str(folder / "ca.pem"), "-level", level, "-plain-http"]
    if tsa:
        (folder / "tsa.pem").write_bytes(tsa.pem)
        flags += ["-tsa", str(folder / "tsa.pem")]
    program = live.loopback.PEERS / "notary"
    process = await asyncio.create_subprocess_exec(
        program, "verify", *flags, reference, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    _, errors = await process.communicate()
    assert process.returncode in (0, 1), errors
    assert b"flag provided but not defined" not in errors, "run `make peers` again"
    return process.returncode == 0


def push(
    repository: live.loopback.Repository, envelope: Callable[[Descriptor], bytes], kind: str
) -> MemoryStore:
    """Push an image of its own with one signature, and return the same content as a store."""
    store, tag = MemoryStore(), uuid4().hex
    image = store.add_image(tag, tag.encode())
    layer = store.add_blob(envelope(image), kind)
    config = store.add_blob(b"{}", ARTIFACT_TYPE)
    manifest = make_manifest(layers=[layer], config=config, subject=image)
    store.list_under(image.digest, store.add_manifest(manifest))
    for blob in store.blobs.values():
        repository.push_blob(blob)
    for body in store.manifests.values():
        repository.push_manifest(body)
    repository.push_manifest(store.manifests[image.digest], tag)
    return store


@pytest.fixture(scope="module")
def repository(peers: None) -> Iterator[live.loopback.Repository]:
    """A repository on a registry with the referrers API."""
    with live.loopback.registry() as found:
        yield found


async def ours(store: MemoryStore, level: str, tsa: Issued | None = None) -> bool:
    """Return our verdict."""
    kinds = {"ca": ROOT} | ({"tsa": tsa} if tsa else {})
    policy = short_trust_policy(identities=("*",), stores=[f"{kind}:x" for kind in kinds], level=level)
    stores = {StoreName(kind, "x"): (anchor.material,) for kind, anchor in kinds.items()}
    memory = RevocationMemory(SystemClock(), RevocationOptions())
    checker = RevocationChecker(HttpFetcher(frozenset({"127.0.0.1"})), memory)
    verifier = NotationVerifier("notation", policy, stores, SystemClock(), revocation=checker)
    (tag,) = store.tags
    result = await validate(store, f"example.com/demo:{tag}", verifier)
    return result.decision is Decision.ALLOW


@pytest.mark.parametrize("media_type", FORMATS)
@pytest.mark.parametrize("name", REVOCATION)
async def test_revocation_has_notations_verdict(
    name: str, media_type: str, repository: live.loopback.Repository, tmp_path: Path
) -> None:
    """Good, revoked and unknown, from OCSP, lists and delta lists."""
    case = REVOCATION[name]
    async with RevocationServer() as server:
        leaf = case.leaf(server.origin)
        server.places |= case.places(leaf)
        store = push(repository, lambda image: SIGNERS[media_type](leaf, image, Recipe()), media_type)
        (tag,) = store.tags
        for level in LEVELS:
            expected = await peer(f"{repository.name}:{tag}", tmp_path, level)
            assert await ours(store, level) is (expected or name in BEYOND), level


@pytest.mark.parametrize("media_type", FORMATS)
@pytest.mark.parametrize("name", TIMESTAMPS)
async def test_timestamps_have_notations_verdict(
    name: str, media_type: str, repository: live.loopback.Repository, tmp_path: Path
) -> None:
    """Good, missing and broken ones, with certificates that are valid and that have expired."""
    changes, make = TIMESTAMPS[name]
    leaf = signer(ROOT, **changes)
    recipe = replace(make(media_type), signed_at=NOW - 2 * DAY)
    store = push(repository, lambda image: SIGNERS[media_type](leaf, image, recipe), media_type)
    (tag,) = store.tags
    for level in LEVELS:
        for tsa in (None, TSA_ROOT):
            expected = await peer(f"{repository.name}:{tag}", tmp_path, level, tsa)
            assert await ours(store, level, tsa) is expected, (level, bool(tsa))
