"""Mutations: every field of every valid bundle, changed; none may verify.

A few things are signed by nobody and may be changed without harm: what a timestamp's answer carries around its signature,
signatures of witnesses under a checkpoint, the index over all shards where the log promised nothing, and a version of
bundles for another whose requirements hold as well. There the changed bundle may at most say what it said before.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pyratify.core.clock import SystemClock
from pyratify.core.errors import RatifyError
from pyratify.core.key import KeyMaterial
from pyratify.core.verifier import Details
from pyratify.pki.encoding import InvalidBase64, decode_base64, encode_base64
from pyratify.testing.cosign import statement
from pyratify.testing.sigstore import PrivateSigstore, Signing
from pyratify.verifiers.cosign.blobs import verify_blob
from pyratify.verifiers.cosign.bundle_material import Artifact
from pyratify.verifiers.cosign.policy import CertificateIdentity, CosignTrustPolicy
from pyratify.verifiers.cosign.verifier import load_policy

HARMLESS = ("signedTimestamp", "envelope", "keyid", "mediaType", "logIndex")
Trail = tuple[str | int, ...]


def leaves(value: Any, trail: Trail = ()) -> Iterator[tuple[Trail, Any]]:
    """Every value that is no object or list, with the way to it."""
    if isinstance(value, dict | list):
        for name, member in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(member, (*trail, name))
    else:
        yield trail, value


def changes(value: Any, samples: int) -> Iterator[Any]:
    """Other values in the place of one: a flipped bit in several bytes, another character, another number."""
    if not isinstance(value, str):
        yield value + 1
        return
    try:
        data = decode_base64(value) if len(value) > 8 else b""
    except InvalidBase64:
        data = b""
    for index in range(0, len(data), max(1, len(data) // samples)):
        yield encode_base64(data[:index] + bytes([data[index] ^ (1 << index % 8)]) + data[index + 1 :])
    if data:
        yield encode_base64(data[:-1])
        yield encode_base64(data + b"\x00")
    for index in sorted({0, len(value) // 2, max(len(value) - 1, 0)}):
        other = "1" if value[index : index + 1] != "1" else "2"
        yield value[:index] + other + value[index + 1 :]


def changed(bundle: dict[str, Any], trail: Trail, value: Any) -> bytes:
    """The bundle with another value."""
    copy = json.loads(json.dumps(bundle))
    holder = copy
    for name in trail[:-1]:
        holder = holder[name]
    holder[trail[-1]] = value
    return json.dumps(copy).encode()


def survivors(
    bundle: dict[str, Any], artifact: Artifact, policy: CosignTrustPolicy, samples: int
) -> Iterator[tuple[Trail, Any]]:
    """Every change that verifies all the same and should not."""
    trusted = load_policy(policy, SystemClock())
    wanted: Details = verify_blob(json.dumps(bundle).encode(), artifact, trusted)
    for trail, value in leaves(bundle):
        for other in changes(value, samples):
            try:
                found = verify_blob(changed(bundle, trail, other), artifact, trusted)
            except RatifyError:
                continue
            name = trail[-1]
            if name not in HARMLESS or (name != "signedTimestamp" and found.data != wanted.data):
                yield trail, other
            assert set(found.data["times"]) <= set(wanted.data["times"])


SIGNINGS = {
    "promise": Signing(),
    "log-2": Signing(log=2),
    "stamp-only": Signing(promise=False),
    "p384": Signing(kind="p384"),
}


@pytest.mark.parametrize("how", SIGNINGS)
@pytest.mark.parametrize("content", ["message", "statement"])
def test_no_changed_bundle_of_a_private_instance_verifies(how: str, content: str) -> None:
    """Of every kind that the test kit makes."""
    sigstore, artifact = PrivateSigstore(), Artifact.of(b"artifact")
    signing = SIGNINGS[how]
    bundle = (
        sigstore.sign_message(b"artifact", signing)
        if content == "message"
        else sigstore.sign_statement(statement(artifact.digest), signing)
    )
    policy = CosignTrustPolicy(identities=(sigstore.identity,), trusted_root=sigstore.root)
    assert not list(survivors(bundle, artifact, policy, 24))


def test_no_changed_bundle_of_sigstore_conformance_verifies(shared: Path) -> None:
    """All that are valid and keyless."""
    expected = json.loads((shared / "expected" / "sigstore-conformance.json").read_text())
    identity = CertificateIdentity(subject=expected["identity_default"], issuer=expected["issuer_default"])
    assets = shared / "sigstore-conformance" / "assets" / "bundle-verify"
    for case in expected["cases"]:
        if not case["ok"] or case["key"]:
            continue
        folder = assets / case["name"]
        own = case["trusted_root"] == "own"
        root = folder if own else shared / "sigstore-trusted-roots" / case["trusted_root"]
        policy = CosignTrustPolicy(
            identities=(identity,),
            trusted_root=KeyMaterial((root / "trusted_root.json").read_bytes(), case["name"]),
        )
        artifact = folder / "artifact" if case["artifact"] == "own" else assets / "a.txt"
        bundle = json.loads((folder / "bundle.sigstore.json").read_text())
        found = list(survivors(bundle, Artifact.of(artifact.read_bytes()), policy, 6))
        assert not found, case["name"]
