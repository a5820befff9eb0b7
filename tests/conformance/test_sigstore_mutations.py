"""Mutations: every field of every valid bundle, changed; none may verify.

A few parts are unsigned and may be changed without harm: what a timestamp's answer carries around its signature,
signatures of witnesses under a checkpoint, the hint at a key, the index over all shards where the log promised nothing, and a version of
bundles for another whose requirements hold as well. There the changed bundle may at most say what it said before.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pyratify.core.clock import SystemClock
from pyratify.core.errors import RatifyError
from pyratify.core.executor import Executor
from pyratify.core.key import KeyMaterial
from pyratify.core.reference import Reference
from pyratify.core.report import Decision
from pyratify.core.verifier import Details
from pyratify.pki.encoding import InvalidBase64, decode_base64, encode_base64
from pyratify.policies.threshold import Rule, ThresholdPolicy
from pyratify.sigstore.authenticator import load_authenticator
from pyratify.sigstore.blob_verification import verify_blob
from pyratify.sigstore.identity import CertificateIdentity
from pyratify.sigstore.signed_content import Artifact
from pyratify.testing.cosign import (
    REPOSITORY,
    ClassicSignature,
    CosignKey,
    attach_classic,
    simple_signing,
    statement,
)
from pyratify.testing.memory import MemoryStore
from pyratify.testing.sigstore import PrivateSigstore, Signing
from pyratify.verifiers.cosign.cosign_trust_policy import CosignTrustPolicy
from pyratify.verifiers.cosign.cosign_verifier import CosignVerifier

KEY = CosignKey.generate()
OTHER_TYPES = (None, [], {}, 0, -1, "", True, [{}], {"a": 1})
BYTE_CLASSES = {
    "structure": b"{}[]:,",
    "quotes": b'"',
    "digits": b"0123456789",
    "capitals": b"ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "letters": b"abcdefghijklmnopqrstuvwxyz",
    "base64": b"+/=",
    "others": b" .-_\\",
}
# What a good bundle may do without: the second of two sources of time, and what names a key that is known anyway.
OPTIONAL = ("timestampVerificationData", "rfc3161Timestamps", "hint", "keyid", "inclusionPromise")
HARMLESS = ("signedTimestamp", "envelope", "keyid", "mediaType", "logIndex", "hint")
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


def places(value: Any, trail: Trail = ()) -> Iterator[Trail]:
    """The way to every member, whatever it is."""
    if isinstance(value, dict | list):
        for name, member in value.items() if isinstance(value, dict) else enumerate(value):
            yield (*trail, name)
            yield from places(member, (*trail, name))


def removed(bundle: dict[str, Any], trail: Trail) -> bytes:
    """The bundle without a member."""
    copy = json.loads(json.dumps(bundle))
    holder = copy
    for name in trail[:-1]:
        holder = holder[name]
    del holder[trail[-1]]
    return json.dumps(copy).encode()


def survivors(
    bundle: dict[str, Any], artifact: Artifact, policy: CosignTrustPolicy, samples: int
) -> Iterator[tuple[Trail, Any]]:
    """Every change that verifies all the same and should not."""
    trusted = load_authenticator(policy, SystemClock())
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


def otherwise_harmless(bundle: dict[str, Any], data: bytes) -> bool:
    """Whether a changed bundle that verifies differs only in its unsigned parts."""
    other = json.loads(data)
    before, after = dict(leaves(bundle)), dict(leaves(other))
    different = {trail for trail in before.keys() | after.keys() if before.get(trail) != after.get(trail)}
    return all(trail[-1] in HARMLESS for trail in different)


SIGNINGS = {
    "promise": Signing(),
    "log-2": Signing(log=2),
    "stamp-only": Signing(promise=False),
    "p384": Signing(kind="p384"),
    "key": Signing(key=KEY),
    "key-log-2": Signing(key=KEY, log=2),
}


def of_private_instance(how: str, content: str) -> tuple[dict[str, Any], Artifact, CosignTrustPolicy]:
    """A good bundle, what it is for, and the policy that accepts it."""
    sigstore, artifact, signing = PrivateSigstore(), Artifact.of(b"artifact"), SIGNINGS[how]
    bundle = (
        sigstore.sign_message(b"artifact", signing)
        if content == "message"
        else sigstore.sign_statement(statement(artifact.digest), signing)
    )
    who = {"keys": (KEY.material,)} if signing.key else {"identities": (sigstore.identity,)}
    return bundle, artifact, CosignTrustPolicy(**who, trusted_root=sigstore.root)


@pytest.mark.parametrize("how", SIGNINGS)
@pytest.mark.parametrize("content", ["message", "statement"])
def test_no_changed_bundle_of_a_private_instance_verifies(how: str, content: str) -> None:
    """Of every kind that the test kit makes."""
    assert not list(survivors(*of_private_instance(how, content), 24))


@pytest.mark.parametrize("how", SIGNINGS)
@pytest.mark.parametrize("content", ["message", "statement"])
def test_no_member_can_be_left_out_or_be_of_another_type(how: str, content: str) -> None:
    """Every object, list and value: removed, and in its place a value of each other type."""
    bundle, artifact, policy = of_private_instance(how, content)
    trusted = load_authenticator(policy, SystemClock())
    for trail in places(bundle):
        for data in (removed(bundle, trail), *(changed(bundle, trail, other) for other in OTHER_TYPES)):
            try:
                verify_blob(data, artifact, trusted)
            except RatifyError:
                continue
            assert trail[-1] in OPTIONAL or otherwise_harmless(bundle, data), (trail, data)


@pytest.mark.parametrize("how", SIGNINGS)
@pytest.mark.parametrize("content", ["message", "statement"])
def test_no_byte_of_any_class_can_be_changed(how: str, content: str) -> None:
    """A sample of each class of bytes of the document itself, one bit flipped, and each replaced by another of its class."""
    bundle, artifact, policy = of_private_instance(how, content)
    trusted = load_authenticator(policy, SystemClock())
    whole = json.dumps(bundle).encode()
    assert set(whole) <= set(b"".join(BYTE_CLASSES.values()))
    for members in BYTE_CLASSES.values():
        found = [index for index, byte in enumerate(whole) if byte in members]
        for index in found[:: max(1, len(found) // 40)]:
            follower = members[(members.index(whole[index]) + 1) % len(members)]
            for byte in {whole[index] ^ 1, whole[index] ^ 0x80, follower} - {whole[index]}:
                data = whole[:index] + bytes([byte]) + whole[index + 1 :]
                try:
                    verify_blob(data, artifact, trusted)
                except RatifyError:
                    continue
                assert otherwise_harmless(bundle, data), (index, chr(byte))


@pytest.mark.parametrize("how", ["promise", "stamp-only", "key"])
async def test_no_changed_annotation_of_a_classic_signature_verifies(how: str) -> None:
    """Its payload, signature, certificate, entry and timestamp; the chain beside them is not read."""
    sigstore, signing = PrivateSigstore(), SIGNINGS[how]
    who = {"keys": (KEY.material,)} if signing.key else {"identities": (sigstore.identity,)}
    ignored = {"logs": 0} if how == "stamp-only" else {}
    policy = CosignTrustPolicy(**who, trusted_root=sigstore.root, **ignored)
    image = MemoryStore().add_image()
    good = sigstore.sign_classic(simple_signing(image.digest), replace(signing, log=0 if ignored else 1))
    assert await accepted(good, policy)
    tried = 0
    for changed_one in changed_classics(good):
        tried += 1
        assert not await accepted(changed_one, policy), changed_one
    assert tried > 50


def changed_classics(good: ClassicSignature) -> Iterator[ClassicSignature]:
    """The signature with every part of it changed."""
    for index in range(0, len(good.payload), 7):
        payload = good.payload[:index] + bytes([good.payload[index] ^ 1]) + good.payload[index + 1 :]
        yield replace(good, payload=payload)
    for name, text in good.annotations.items():
        if name == "dev.sigstore.cosign/chain":
            continue
        yield replace(
            good, annotations={key: value for key, value in good.annotations.items() if key != name}
        )
        for other in other_texts(text):
            yield replace(good, annotations={**good.annotations, name: other})


def other_texts(text: str) -> Iterator[str]:
    """Other texts in the place of an annotation: its JSON changed value by value, or its base64 bit by bit."""
    try:
        document = json.loads(text)
    except ValueError:
        lines = text.splitlines(keepends=True)
        for index in range(len(lines)):
            yield "".join((*lines[:index], lines[index].swapcase(), *lines[index + 1 :]))
            yield "".join((*lines[:index], *lines[index + 1 :]))
        return
    for trail, value in leaves(document):
        for other in () if trail[-1] == "SignedRFC3161Timestamp" else changes(value, 24):
            yield changed(document, trail, other).decode()
        for other in OTHER_TYPES:
            yield changed(document, trail, other).decode()


async def accepted(signature: ClassicSignature, policy: CosignTrustPolicy) -> bool:
    """Whether an image with this signature alone is allowed."""
    store = MemoryStore()
    image = store.add_image()
    attach_classic(store, image, signature)
    verifier = CosignVerifier("cosign", [policy])
    executor = Executor(
        store=store, verifiers=(verifier,), policy=ThresholdPolicy(Rule(None, (Rule("cosign"),), 1))
    )
    reference = Reference.parse(f"{REPOSITORY}@{image.digest}")
    return (await executor.validate(reference)).decision is Decision.ALLOW


def test_no_changed_bundle_of_sigstore_conformance_verifies(shared: Path) -> None:
    """All that are valid."""
    expected = json.loads((shared / "expected" / "sigstore-conformance.json").read_text())
    identity = CertificateIdentity(subject=expected["identity_default"], issuer=expected["issuer_default"])
    assets = shared / "sigstore-conformance" / "assets" / "bundle-verify"
    for case in expected["cases"]:
        if not case["ok"]:
            continue
        folder = assets / case["name"]
        key = folder / "key.pub"
        who = (
            {"keys": (KeyMaterial(key.read_bytes(), "key.pub"),)}
            if case["key"]
            else {"identities": (identity,)}
        )
        own = case["trusted_root"] == "own"
        root = folder if own else shared / "sigstore-trusted-roots" / case["trusted_root"]
        policy = CosignTrustPolicy(
            **who,
            trusted_root=KeyMaterial((root / "trusted_root.json").read_bytes(), case["name"]),
        )
        artifact = folder / "artifact" if case["artifact"] == "own" else assets / "a.txt"
        bundle = json.loads((folder / "bundle.sigstore.json").read_text())
        found = list(survivors(bundle, Artifact.of(artifact.read_bytes()), policy, 6))
        assert not found, case["name"]
