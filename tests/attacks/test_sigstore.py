"""Attacks on keyless signatures: logs, times, certificates and identities, against a private Sigstore."""

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import msgspec
import pytest
from cryptography import x509

from pyratify.core.descriptor import Descriptor
from pyratify.core.errors import ConfigurationError
from pyratify.core.executor import Executor
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import Decision, ValidationResult
from pyratify.pki.dsse import pre_authentication_encoding
from pyratify.pki.encoding import decode_base64, encode_base64
from pyratify.sigstore.identity import CertificateIdentity
from pyratify.sigstore.media_types import BUNDLE_TYPES, IN_TOTO
from pyratify.testing.certificates import pem
from pyratify.testing.cosign import (
    REPOSITORY,
    CosignKey,
    another_image,
    attach_bundle,
    attach_classic,
    simple_signing,
    statement,
)
from pyratify.testing.memory import MemoryStore
from pyratify.testing.sigstore import (
    ISSUER,
    SIGNED_AT,
    SUBJECT,
    PrivateSigstore,
    Signing,
    extension,
    username,
    utf8,
)
from pyratify.testing.sigstore_log import hashedrekord, log_dsse, log_intoto
from pyratify.testing.timestamps import TokenRecipe, make_response, make_token, timestamp_authority
from pyratify.verifiers.cosign.cosign_plugin import plugin
from pyratify.verifiers.cosign.cosign_trust_policy import CosignTrustPolicy
from pyratify.verifiers.cosign.cosign_verifier import CosignVerifier
from pyratify.verifiers.cosign.formats import CERTIFICATE_ANNOTATION
from support.cosign_setting import ONE, TWO, is_denied, passed

SIGSTORE = PrivateSigstore()
ELSEWHERE = PrivateSigstore("elsewhere")
WHO = f"sigstore:{ISSUER}#{SUBJECT}"
Bundle = dict[str, Any]


@dataclass
class Keyless:
    """An image, what is attached to it, and the identities that a policy trusts."""

    sigstore: PrivateSigstore = SIGSTORE
    store: MemoryStore = field(default_factory=MemoryStore)
    image: Descriptor = field(init=False)

    def __post_init__(self) -> None:
        """Push the image."""
        self.image = self.store.add_image()

    def sign(self, **how: Any) -> Bundle:
        """A bundle for the image."""
        return self.sigstore.sign_statement(statement(self.image.digest), Signing(**how))

    def attach(self, bundle: Bundle) -> None:
        """Attach a bundle to the image."""
        attach_bundle(self.store, self.image, bundle)

    async def validate(
        self, policy: Any = ONE, image: Descriptor | None = None, **terms: Any
    ) -> ValidationResult:
        """Verify against the trusted identity, under these terms."""
        trusted = {"identities": (self.sigstore.identity,), "trusted_root": self.sigstore.root} | terms
        verifier = CosignVerifier("cosign", [CosignTrustPolicy(**trusted)])
        executor = Executor(store=self.store, verifiers=(verifier,), policy=policy)
        return await executor.validate(Reference.parse(f"{REPOSITORY}@{(image or self.image).digest}"))


def entries(bundle: Bundle) -> list[dict[str, Any]]:
    """A bundle's log entries."""
    found: list[dict[str, Any]] = bundle["verificationMaterial"]["tlogEntries"]
    return found


def parts(bundle: Bundle) -> tuple[bytes, bytes, bytes]:
    """A bundle's payload, signature and certificate."""
    envelope = bundle["dsseEnvelope"]
    raw = bundle["verificationMaterial"]["certificate"]["rawBytes"]
    return tuple(map(decode_base64, (envelope["payload"], envelope["signatures"][0]["sig"], raw)))  # type: ignore[return-value]


async def outcome(bundle: Bundle, **terms: Any) -> Reason | None:
    """Why a bundle is refused that is attached to the image it was made for; None where it is not."""
    setting = Keyless()
    setting.attach(bundle)
    result = await setting.validate(**terms)
    if result.decision is Decision.ALLOW:
        return None
    (failure,) = [each.failure for report in result.artifacts for each in report.results if each.failure]
    return failure.reason


@pytest.mark.parametrize("how", [{}, {"log": 2}, {"promise": False}, {"stamp": True}, {"kind": "ed25519"}])
async def test_what_the_attacks_start_from_is_good(how: dict[str, Any]) -> None:
    """Else every refusal below would say nothing."""
    assert await outcome(Keyless().sign(**how)) is None


@pytest.mark.parametrize("as_referrer", [False, True], ids=["tag", "referrer"])
async def test_atk_172_a_keyless_signature_of_another_image_is_not_this_image_s(as_referrer: bool) -> None:
    """The manifest of one image's signatures under another's name; beside the good one it hides nothing."""
    setting = Keyless()
    signed = SIGSTORE.sign_classic(simple_signing(setting.image.digest))
    attach_classic(setting.store, setting.image, signed, as_referrer=as_referrer)
    assert passed(await setting.validate()).signers == (WHO,)
    other = another_image(setting.store)
    attach_classic(setting.store, other, signed, as_referrer=as_referrer)
    assert is_denied(await setting.validate(image=other), Reason.PAYLOAD_SUBJECT_MISMATCH)
    bundle = setting.sign()
    attach_bundle(setting.store, another_image(setting.store, b"third"), bundle)
    third = another_image(setting.store, b"third")
    assert is_denied(await setting.validate(image=third), Reason.PAYLOAD_SUBJECT_MISMATCH)


def swap_whole(bundle: Bundle, other: Bundle) -> None:
    """The other bundle's entries."""
    bundle["verificationMaterial"]["tlogEntries"] = entries(other)


def relog(make: Callable[[bytes, bytes, bytes], bytes], take: str) -> Callable[[Bundle, Bundle], None]:
    """A new entry, really in the log, with one of payload, signature and certificate from the other bundle."""

    def edit(bundle: Bundle, other: Bundle) -> None:
        mine, theirs = parts(bundle), parts(other)
        place = ("payload", "signature", "certificate").index(take)
        logged = [*mine[:place], theirs[place], *mine[place + 1 :]]
        entries(bundle)[:] = [SIGSTORE.logs[1].entry(make(*logged), SIGNED_AT)]

    return edit


@pytest.mark.parametrize("make", [log_dsse, log_intoto], ids=["dsse", "intoto"])
@pytest.mark.parametrize("take", ["payload", "signature", "certificate"])
async def test_atk_176_a_log_entry_of_another_signature_proves_nothing(
    make: Callable[[bytes, bytes, bytes], bytes], take: str
) -> None:
    """Whole or with one part of another signature: content, signature and certificate must all be these."""
    setting = Keyless()
    good = relog(make, "payload")
    bundle, other = setting.sign(), SIGSTORE.sign_statement({"other": True})
    untouched = copy.deepcopy(bundle)
    good(untouched, untouched)
    assert await outcome(untouched) is None
    relog(make, take)(bundle, other)
    assert await outcome(bundle) is Reason.TLOG_ENTRY_MISMATCH


@pytest.mark.parametrize("log", [1, 2])
async def test_atk_176_swapped_entries_of_two_good_bundles_are_refused(log: int) -> None:
    """Both bundles are good, for the same image, by the same signer."""
    setting = Keyless()
    bundle, other = setting.sign(log=log, stamp=True), setting.sign(log=log, stamp=True)
    swap_whole(bundle, other)
    assert await outcome(bundle) is Reason.TLOG_ENTRY_MISMATCH


@pytest.mark.parametrize("take", ["", "payload", "signature", "certificate"])
async def test_atk_176_an_envelope_in_the_second_log_is_bound_as_in_the_first(take: str) -> None:
    """The one kind of entry that this log has, with nothing or one part of another signature."""
    bundle, other = Keyless().sign(log=2), SIGSTORE.sign_statement({"other": True}, Signing(log=2))
    names = ("payload", "signature", "certificate")
    payload, signature, certificate = (
        theirs if name == take else mine
        for name, mine, theirs in zip(names, parts(bundle), parts(other), strict=True)
    )
    body = hashedrekord(2, pre_authentication_encoding(IN_TOTO, payload), signature, certificate)
    entries(bundle)[:] = [SIGSTORE.logs[2].entry(body, None)]
    assert await outcome(bundle) is (Reason.TLOG_ENTRY_MISMATCH if take else None)


async def test_atk_176_a_hashedrekord_of_another_message_in_a_classic_signature_is_refused() -> None:
    """The annotation of another image's signature by the same signer."""
    setting = Keyless()
    signed = SIGSTORE.sign_classic(simple_signing(setting.image.digest))
    other = SIGSTORE.sign_classic(simple_signing(another_image(setting.store).digest))
    name = "dev.sigstore.cosign/bundle"
    annotations = {**signed.annotations, name: other.annotations[name]}
    attach_classic(setting.store, setting.image, replace(signed, annotations=annotations))
    assert is_denied(await setting.validate(), Reason.TLOG_ENTRY_MISMATCH)


KINDS = [
    ("rekord", "0.0.1"),
    ("intoto", "0.0.1"),
    ("hashedrekord", "0.0.3"),
    ("DSSE", "0.0.1"),
    ("alpine", "0.0.1"),
]


@pytest.mark.parametrize(("kind", "version"), KINDS)
async def test_atk_177_entries_of_other_kinds_are_not_understood(kind: str, version: str) -> None:
    """Really in the log, with the right content under another name."""
    bundle = Keyless().sign(stamp=True)
    document = json.loads(log_dsse(*parts(bundle))) | {"kind": kind, "apiVersion": version}
    entry = SIGSTORE.logs[2].entry(json.dumps(document, sort_keys=True).encode(), None)
    entries(bundle)[:] = [entry]
    assert await outcome(bundle) is Reason.TLOG_ENTRY_MISMATCH
    entry["kindVersion"] = {"kind": "dsse", "version": "0.0.1"}
    assert await outcome(bundle) is Reason.TLOG_ENTRY_MISMATCH


def without(name: str) -> Callable[[dict[str, Any]], None]:
    """Drop a member of the entry."""
    return lambda entry: entry.pop(name)


def in_proof(**members: Any) -> Callable[[dict[str, Any]], None]:
    """Replace members of the proof."""
    return lambda entry: entry["inclusionProof"].update(members)


ZERO = encode_base64(bytes(32))
PROOFS: list[tuple[Callable[[dict[str, Any]], Any], Reason]] = [
    (without("inclusionProof"), Reason.TLOG_PROOF_INVALID),
    (in_proof(hashes=[ZERO]), Reason.TLOG_PROOF_INVALID),
    (in_proof(hashes=[]), Reason.TLOG_PROOF_INVALID),
    (in_proof(hashes=[ZERO, ZERO]), Reason.TLOG_PROOF_INVALID),
    (in_proof(hashes=[encode_base64(b"short")]), Reason.TLOG_PROOF_INVALID),
    (in_proof(logIndex="0"), Reason.TLOG_PROOF_INVALID),
    (in_proof(logIndex="2"), Reason.TLOG_PROOF_INVALID),
    (in_proof(logIndex="-1"), Reason.ENVELOPE_MALFORMED),
    (in_proof(treeSize="3"), Reason.TLOG_CHECKPOINT_INVALID),
    (in_proof(treeSize="1", hashes=[]), Reason.TLOG_CHECKPOINT_INVALID),
    (in_proof(rootHash=ZERO), Reason.TLOG_CHECKPOINT_INVALID),
    (in_proof(checkpoint={}), Reason.TLOG_PROOF_INVALID),
    (in_proof(hashes=[ZERO] * 65), Reason.PARSE_LIMIT),
]


@pytest.mark.parametrize(("edit", "reason"), PROOFS)
async def test_atk_178_an_inclusion_proof_must_be_there_and_hold(
    edit: Callable[[dict[str, Any]], Any], reason: Reason
) -> None:
    """The log's promise beside it does not help: bundles of version 0.2 and later need the proof."""
    bundle = Keyless().sign()
    edit(entries(bundle)[0])
    assert await outcome(bundle) is reason


async def test_atk_178_the_oldest_bundles_need_the_promise() -> None:
    """Version 0.1: the promise alone is good, the proof alone is not, neither is nothing."""
    for promise, proof, reason in (
        (True, False, None),
        (False, True, Reason.TLOG_PROOF_INVALID),
        (False, False, Reason.TLOG_PROOF_INVALID),
    ):
        bundle = Keyless().sign(promise=promise, proof=proof, stamp=False)
        bundle["mediaType"] = BUNDLE_TYPES[0]
        assert await outcome(bundle) is reason


def checkpoint(edit: Callable[[str], str]) -> Callable[[dict[str, Any]], None]:
    """Edit the checkpoint's text."""
    return lambda entry: in_proof(
        checkpoint={"envelope": edit(entry["inclusionProof"]["checkpoint"]["envelope"])}
    )(entry)


def resigned(name: str, log: int) -> Callable[[str], str]:
    """The log signs another origin."""
    key = SIGSTORE.logs[log]

    def edit(text: str) -> str:
        body = text.partition("\n\n")[0].split("\n")
        body[0] = name
        note = "\n".join(body) + "\n"
        return f"{note}\n{key.signature_line(note)}"

    return edit


def other_log(text: str) -> str:
    """Another log signs the same tree under the same name."""
    note = text.partition("\n\n")[0] + "\n"
    line = ELSEWHERE.logs[2].signature_line(note).replace("log2.elsewhere.test", "log2.sigstore.test")
    return f"{note}\n{line}"


def cosigned_only(text: str) -> str:
    """A witness's signature in the place of the log's."""
    note = text.partition("\n\n")[0] + "\n"
    return f"{note}\n{ELSEWHERE.logs[2].signature_line(note)}"


CHECKPOINTS: dict[str, Callable[[str], str]] = {
    "another origin": resigned("evil.test", 2),
    "the same origin longer": resigned("log2.sigstore.test.evil", 2),
    "another log": other_log,
    "cosigned only": cosigned_only,
    "not a note": lambda text: text.partition("\n\n")[0],
    "bad hint": lambda text: text[:-40] + "AAAA" + text[-36:],
    "huge size": lambda text: text.replace("\n2\n", f"\n{'9' * 30}\n"),
    "leading zero": lambda text: text.replace("\n2\n", "\n02\n"),
    "negative size": lambda text: text.replace("\n2\n", "\n-2\n"),
    "control characters": lambda text: text.replace("log2", "log2\r", 1),
    "too large": lambda text: text + "x" * 70_000,
    "text after the end": lambda text: f"{text}x",
}


@pytest.mark.parametrize("edit", CHECKPOINTS.values(), ids=CHECKPOINTS)
async def test_atk_179_a_checkpoint_that_the_log_did_not_make_is_refused(edit: Callable[[str], str]) -> None:
    """Origin, key, size, root hash and form are all the trusted log's."""
    bundle = Keyless().sign(log=2)
    checkpoint(edit)(entries(bundle)[0])
    assert await outcome(bundle) is Reason.TLOG_CHECKPOINT_INVALID


async def test_atk_179_the_checkpoint_of_another_tree_of_the_same_log_is_refused() -> None:
    """A good signature over another root hash."""
    bundle = Keyless().sign(log=2)
    other = entries(Keyless().sign(log=2))[0]["inclusionProof"]["checkpoint"]
    entries(bundle)[0]["inclusionProof"]["checkpoint"] = other
    assert await outcome(bundle) is Reason.TLOG_CHECKPOINT_INVALID


async def test_atk_179_witnesses_beside_the_log_change_nothing() -> None:
    """Their signatures before and after the log's."""
    bundle = Keyless().sign(log=2)

    def witnessed(text: str) -> str:
        note, _, lines = text.partition("\n\n")
        line = ELSEWHERE.logs[2].signature_line(f"{note}\n")
        return f"{note}\n\n{line}{lines}{line}"

    checkpoint(witnessed)(entries(bundle)[0])
    assert await outcome(bundle) is None


@pytest.mark.parametrize("log", [1, 2])
async def test_atk_180_an_unsigned_time_does_not_count(log: int) -> None:
    """A proof of inclusion, and an integrated time chosen inside of the certificate's life."""
    bundle = Keyless().sign(log=log, promise=False, stamp=False)
    entries(bundle)[0]["integratedTime"] = str(int(SIGNED_AT.timestamp()))
    assert await outcome(bundle) is Reason.TIME_SOURCE_MISSING


async def test_atk_180_a_promise_for_another_time_is_refused() -> None:
    """The signed entry timestamp covers the time."""
    bundle = Keyless().sign()
    entries(bundle)[0]["integratedTime"] = str(int(SIGNED_AT.timestamp()) + 1)
    assert await outcome(bundle) is Reason.TLOG_PROOF_INVALID


LATE = SIGNED_AT + timedelta(hours=1)


@pytest.mark.parametrize("where", ["log", "stamp", "one of two stamps", "before the certificate"])
async def test_atk_181_every_counted_time_lies_inside_the_certificate_s(where: str) -> None:
    """One hour late in the log or at the timestamp authority; one of several is enough."""
    bundle = Keyless().sign(stamp=True)
    _, signature, _ = parts(bundle)
    late = SIGNED_AT - timedelta(hours=1) if where == "before the certificate" else LATE
    if where == "log":
        body = decode_base64(entries(bundle)[0]["canonicalizedBody"])
        entries(bundle)[:] = [SIGSTORE.logs[1].entry(body, late)]
    else:
        stamp = {"signedTimestamp": encode_base64(SIGSTORE.stamp(signature, late))}
        listed = bundle["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"]
        listed[:] = [*listed, stamp] if where == "one of two stamps" else [stamp]
    assert await outcome(bundle) is Reason.TIME_OUTSIDE_VALIDITY


@pytest.mark.parametrize("member", ["tlogs", "certificateAuthorities"])
@pytest.mark.parametrize("end", ["2025-12-31T23:59:59Z", "2026-01-01T12:00:05Z"])
async def test_atk_181_keys_and_authorities_count_in_their_period_only(member: str, end: str) -> None:
    """One that ended before the signature, and one that ended with the very second, which still counts."""
    document = SIGSTORE.root_document()
    for entry in document[member]:
        holder = entry["publicKey"] if member == "tlogs" else entry
        holder["validFor"] = {"start": "2020-01-01T00:00:00Z", "end": end}
    root = SIGSTORE.root_with(**{member: document[member]})
    late = end.startswith("2025")
    assert await outcome(Keyless().sign(), trusted_root=root) is (
        Reason.TIME_OUTSIDE_VALIDITY if late else None
    )


@pytest.mark.parametrize("end", ["2025-12-31T23:59:59Z", "2026-01-01T12:00:05Z"])
@pytest.mark.parametrize(
    ("member", "reason"),
    [("tlogs", Reason.TIME_OUTSIDE_VALIDITY), ("timestampAuthorities", Reason.TIMESTAMP_INVALID)],
)
async def test_atk_181_a_second_log_and_its_timestamp_count_in_their_period_only(
    member: str, reason: Reason, end: str
) -> None:
    """The log says no time of its own: the timestamp has to lie in the periods of both."""
    document = SIGSTORE.root_document()
    for entry in document[member]:
        holder = entry["publicKey"] if member == "tlogs" else entry
        holder["validFor"] = {"start": "2020-01-01T00:00:00Z", "end": end}
    root = SIGSTORE.root_with(**{member: document[member]})
    wanted = reason if end.startswith("2025") else None
    assert await outcome(Keyless().sign(log=2), trusted_root=root) is wanted


async def test_atk_182_one_log_counts_once() -> None:
    """Two entries of one log are one witness, two logs are two, of one operator one again; the same for timestamps."""
    setting = Keyless()
    bundle = setting.sign(log=2)
    both = copy.deepcopy(bundle)
    entries(bundle).append(entries(bundle)[0])
    assert await outcome(bundle, logs=2) is Reason.TLOG_THRESHOLD
    payload, signature, certificate = parts(both)
    entries(both).append(SIGSTORE.logs[1].entry(log_dsse(payload, signature, certificate), SIGNED_AT))
    assert await outcome(both, logs=2) is None
    one = SIGSTORE.root_with(tlogs=[log.trusted(operator="same.test") for log in SIGSTORE.logs.values()])
    assert await outcome(both, logs=2, trusted_root=one) is Reason.TLOG_THRESHOLD
    stamped = setting.sign(stamp=True)
    stamps = stamped["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"]
    stamps.append({"signedTimestamp": encode_base64(SIGSTORE.stamp(parts(stamped)[1], SIGNED_AT))})
    assert await outcome(stamped, timestamps=1) is None
    assert await outcome(stamped, timestamps=2) is Reason.TIME_SOURCE_MISSING
    assert await outcome(stamped, certificate_logs=2) is Reason.SCT_INVALID


@pytest.mark.parametrize("operator", ["", "same.test"])
async def test_atk_182_two_timestamp_authorities_are_two_witnesses_unless_one_runs_both(
    operator: str,
) -> None:
    """Whatever keys they have; an authority that the root does not name is none."""
    other = timestamp_authority(ELSEWHERE.intermediate, kind="p384")
    bundle = Keyless().sign(stamp=True)
    token = make_token(other, parts(bundle)[1], TokenRecipe(time=SIGNED_AT))
    stamps = bundle["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"]
    stamps.append({"signedTimestamp": encode_base64(make_response(token))})
    (named,) = SIGSTORE.root_document()["timestampAuthorities"]
    chain = {"certificates": [{"rawBytes": encode_base64(der)} for der in other.chain]}
    both = [named | {"operator": operator}, named | {"operator": operator, "certChain": chain}]
    root = SIGSTORE.root_with(timestampAuthorities=both)
    wanted = Reason.TIME_SOURCE_MISSING if operator else None
    assert await outcome(bundle, timestamps=2, trusted_root=root) is wanted
    assert await outcome(bundle, timestamps=1, trusted_root=root) is None
    assert await outcome(bundle, timestamps=2) is Reason.TIMESTAMP_INVALID


@pytest.mark.parametrize("operator", ["", "same.test"])
async def test_atk_182_two_certificate_logs_are_two_witnesses_unless_one_runs_both(operator: str) -> None:
    """A log that the root does not name is none."""
    bundle, logs = Keyless().sign(sct="two"), (SIGSTORE.certificates, SIGSTORE.more_certificates)
    root = SIGSTORE.root_with(ctlogs=[log.trusted(operator=operator) for log in logs])
    wanted = Reason.SCT_INVALID if operator else None
    assert await outcome(bundle, certificate_logs=2, trusted_root=root) is wanted
    assert await outcome(bundle, certificate_logs=2) is Reason.SCT_INVALID
    assert await outcome(bundle) is None


@pytest.mark.parametrize("sct", ["none", "forged", "unknown", "early"])
async def test_atk_183_the_certificate_is_in_a_trusted_log(sct: str) -> None:
    """No timestamp of a certificate log, one that does not fit, of an untrusted log, or from before its key."""
    bundle = Keyless().sign(sct=sct)
    assert await outcome(bundle) is Reason.SCT_INVALID
    assert await outcome(bundle, certificate_logs=0) is None


async def test_atk_183_a_root_without_certificate_logs_does_not_turn_the_check_off() -> None:
    """An empty trusted root trusts no signer."""
    assert await outcome(Keyless().sign(), trusted_root=SIGSTORE.root_with(ctlogs=[])) is Reason.SCT_INVALID


@pytest.mark.parametrize(
    "names",
    [
        (x509.RFC822Name(SUBJECT), x509.RFC822Name("attacker@evil.test")),
        (x509.RFC822Name("attacker@evil.test"), x509.RFC822Name(SUBJECT)),
        (x509.RFC822Name(SUBJECT), x509.RFC822Name(SUBJECT)),
        (x509.UniformResourceIdentifier(SUBJECT),),
        (x509.DNSName(SUBJECT),),
        (username(SUBJECT),),
        (username(f"{SUBJECT}\x00.evil"),),
        (x509.RFC822Name(f"{SUBJECT}\x00.evil"),),
        (x509.OtherName(x509.ObjectIdentifier("1.2.3"), utf8(SUBJECT)),),
        (x509.OtherName(x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.7"), b"\x13" + utf8(SUBJECT)[1:]),),
        (x509.DirectoryName(x509.Name.from_rfc4514_string(f"CN={SUBJECT}")),),
    ],
)
async def test_atk_185_a_name_of_another_kind_or_several_names_match_no_identity(
    names: tuple[x509.GeneralName, ...],
) -> None:
    """The text is that of the trusted signer each time."""
    regex = CertificateIdentity(subject_regex="signer@example.com.*", issuer=ISSUER)
    bundle = Keyless().sign(names=names)
    assert await outcome(bundle) in (Reason.IDENTITY_MISMATCH, Reason.CHAIN_INVALID)
    if len(names) > 1 or "\x00" in str(names):
        assert await outcome(bundle, identities=(regex,)) in (Reason.IDENTITY_MISMATCH, Reason.CHAIN_INVALID)


@pytest.mark.parametrize(
    ("names", "subject"),
    [
        ((x509.UniformResourceIdentifier("https://ci.test/a@b"),), "https://ci.test/a@b"),
        ((username("user!example.com"),), "user!example.com"),
        ((x509.RFC822Name("a@b.test"),), "a@b.test"),
        ((x509.DNSName("ci.test"),), "ci.test"),
        ((x509.IPAddress(IPv4Address("192.0.2.1")),), "192.0.2.1"),
        ((x509.IPAddress(IPv6Address("2001:db8::1")),), "2001:db8::1"),
    ],
)
async def test_atk_185_every_kind_of_name_verifies_as_itself(
    names: tuple[x509.GeneralName, ...], subject: str
) -> None:
    """So that the refusals above are about ambiguity and not about the kind."""
    identity = CertificateIdentity(subject=subject, issuer=ISSUER)
    assert await outcome(Keyless().sign(names=names), identities=(identity,)) is None


V1, V2 = extension(1), extension(8)


@pytest.mark.parametrize(
    ("issuers", "good"),
    [
        ({V1: ISSUER.encode()}, True),
        ({V2: utf8(ISSUER)}, True),
        ({V1: ISSUER.encode(), V2: utf8("https://evil.test")}, False),
        ({V1: b"https://evil.test", V2: utf8(ISSUER)}, False),
        ({V2: utf8(ISSUER) + b"x"}, False),
        ({V2: ISSUER.encode()}, False),
        ({V1: utf8(ISSUER)}, False),
        ({V2: b"\x13" + utf8(ISSUER)[1:]}, False),
        ({V2: b""}, False),
        ({}, False),
        ({V1: b"\xff\xfe"}, False),
    ],
)
async def test_atk_186_the_issuer_is_said_once_or_twice_the_same(
    issuers: Mapping[str, bytes], good: bool
) -> None:
    """The older extension holds bare bytes, the newer one exactly a UTF8String."""
    found = await outcome(Keyless().sign(issuers=issuers))
    assert found is (None if good else Reason.IDENTITY_MISMATCH)


@pytest.mark.parametrize(
    "issuer",
    [
        f"{ISSUER}.evil.io",
        f"{ISSUER}/",
        ISSUER.replace("https", "http"),
        ISSUER.replace("issuer", "ISSUER"),
        ISSUER[:-4],
        f" {ISSUER}",
        f"{ISSUER}#x",
        f"x{ISSUER}",
    ],
)
async def test_atk_187_an_issuer_is_the_same_text_or_another_issuer(issuer: str) -> None:
    """No prefix, no normalisation; an expression too matches the whole text."""
    bundle = Keyless().sign(issuers={V2: utf8(issuer)})
    assert await outcome(bundle) is Reason.IDENTITY_MISMATCH
    regex = CertificateIdentity(subject=SUBJECT, issuer_regex=ISSUER.replace(".", r"\."))
    assert await outcome(bundle, identities=(regex,)) is Reason.IDENTITY_MISMATCH


@pytest.mark.parametrize(
    "subject",
    ["\u0430dmin@org.test", "admin@ORG.test", "\u212aevin@org.test", "admin\u200b@org.test", "a\u0301dmin@org.test", "adm\u0131n@org.test", "\uff41dmin@org.test", "ADMIN@org.test"],
)  # fmt: skip
async def test_atk_188_an_identity_that_only_looks_the_same_does_not_match(subject: str) -> None:
    """Cyrillic, upper case, signs that fold to letters, invisible and combining ones: code points are compared."""
    bundle = Keyless().sign(names=(username(subject),))
    for wanted in ("admin@org.test", "kevin@org.test", "\u00e1dmin@org.test"):
        identity = CertificateIdentity(subject=wanted, issuer=ISSUER)
        regex = CertificateIdentity(subject_regex=wanted.replace(".", r"\."), issuer=ISSUER)
        assert await outcome(bundle, identities=(identity,)) is Reason.IDENTITY_MISMATCH
        assert await outcome(bundle, identities=(regex,)) is Reason.IDENTITY_MISMATCH


CLAIMS = [
    ("githubWorkflowTrigger", 2),
    ("githubWorkflowSha", 3),
    ("githubWorkflowName", 4),
    ("githubWorkflowRepository", 5),
    ("githubWorkflowRef", 6),
    ("buildSignerURI", 9),
    ("runnerEnvironment", 11),
    ("sourceRepositoryURI", 12),
    ("sourceRepositoryDigest", 13),
    ("sourceRepositoryRef", 14),
    ("sourceRepositoryOwnerURI", 16),
    ("buildConfigURI", 18),
    ("buildTrigger", 20),
    ("runInvocationURI", 21),
    ("sourceRepositoryVisibilityAtSigning", 22),
]


@pytest.mark.parametrize(("name", "number"), CLAIMS)
@pytest.mark.parametrize("by_number", [False, True])
async def test_atk_189_every_claim_that_a_policy_names_is_enforced(
    name: str, number: int, by_number: bool
) -> None:
    """Only this claim makes the difference: the same, another, or none."""
    oid = extension(number)
    value = (lambda text: text.encode()) if number < 7 else utf8
    identity = CertificateIdentity(
        subject=SUBJECT, issuer=ISSUER, extensions={oid if by_number else name: "org/a"}
    )
    for stated, reason in (({oid: value("org/a")}, None), ({oid: value("org/b")}, Reason.IDENTITY_MISMATCH),
                           ({}, Reason.IDENTITY_MISMATCH)):  # fmt: skip
        assert await outcome(Keyless().sign(extensions=stated), identities=(identity,)) is reason


def test_atk_189_a_claim_that_no_certificate_states_is_refused_in_the_policy() -> None:
    """A misspelt name would be a claim that is never checked."""
    for name in ("githubRepository", "1.2.3.4", ""):
        with pytest.raises(ConfigurationError, match="no certificate states"):
            CertificateIdentity(subject=SUBJECT, issuer=ISSUER, extensions={name: "x"})


async def test_atk_190_a_reusable_workflow_called_from_elsewhere_is_refused_where_the_source_is_pinned() -> (
    None
):
    """The subject is the trusted workflow's for every caller; the source repository names the caller."""
    workflow = "https://github.com/org/workflows/.github/workflows/build.yml@refs/tags/v1"
    repository = extension(12)
    bundle = Keyless().sign(
        names=(x509.UniformResourceIdentifier(workflow),),
        extensions={repository: utf8("https://github.com/attacker/fork")},
    )
    pinned = CertificateIdentity(
        subject=workflow, issuer=ISSUER, extensions={"sourceRepositoryURI": "https://github.com/org/app"}
    )
    assert await outcome(bundle, identities=(pinned,)) is Reason.IDENTITY_MISMATCH
    own = Keyless().sign(
        names=(x509.UniformResourceIdentifier(workflow),),
        extensions={repository: utf8("https://github.com/org/app")},
    )
    assert await outcome(own, identities=(pinned,)) is None


@pytest.mark.parametrize("how", ["tag", "bundle", "bundle-pem"])
async def test_atk_191_a_key_in_the_place_of_the_certificate_is_malformed_without_keys_too(how: str) -> None:
    """An attacker's key, which verifies the attacker's signature, never becomes the signer."""
    setting, key = Keyless(), CosignKey.generate()
    if how == "tag":
        signed = SIGSTORE.sign_classic(simple_signing(setting.image.digest))
        annotations = {**signed.annotations, CERTIFICATE_ANNOTATION: key.pem.decode()}
        attach_classic(setting.store, setting.image, replace(signed, annotations=annotations))
    else:
        bundle = setting.sign()
        raw = key.der if how == "bundle" else key.pem
        bundle["verificationMaterial"]["certificate"]["rawBytes"] = encode_base64(raw)
        setting.attach(bundle)
    assert is_denied(await setting.validate(), Reason.ENVELOPE_MALFORMED)


async def test_atk_192_a_policy_of_identities_accepts_no_key() -> None:
    """A signature by a key, with and without a hint at one, in a bundle and under the tag."""
    from pyratify.testing.cosign import sign_classic, sign_statement

    key = CosignKey.generate()
    setting = Keyless()
    setting.attach(sign_statement(key, statement(setting.image.digest)))
    attach_classic(setting.store, setting.image, sign_classic(key, simple_signing(setting.image.digest)))
    assert is_denied(await setting.validate(), Reason.SIGNER_KIND)
    mixed = setting.sign()
    mixed["verificationMaterial"]["publicKey"] = {"hint": key.hint}
    assert await outcome(mixed) is Reason.ENVELOPE_MALFORMED


@pytest.mark.parametrize("how", ["root", "intermediates", "empty", "another root"])
async def test_atk_193_certificates_that_come_with_a_signature_extend_no_trust(how: str) -> None:
    """A root among them, an attacker's whole chain, or none at all."""
    setting = Keyless()
    by = ELSEWHERE if how == "another root" else SIGSTORE
    bundle = by.sign_statement(statement(setting.image.digest))
    material = bundle["verificationMaterial"]
    leaf = material.pop("certificate")
    above = [{"rawBytes": encode_base64(der)} for der in by.intermediate.chain]
    listed = {"empty": [], "intermediates": [leaf, above[0]]}.get(how, [leaf, *above])
    material["x509CertificateChain"] = {"certificates": listed}
    assert await outcome(bundle) is Reason.CHAIN_UNTRUSTED  # since version 0.3 there are no chains at all
    bundle["mediaType"] = BUNDLE_TYPES[1]
    assert await outcome(bundle) is (None if how == "intermediates" else Reason.CHAIN_UNTRUSTED)


async def test_atk_193_the_chain_annotation_of_a_classic_signature_extends_no_trust() -> None:
    """A whole other instance: its certificates come along, and count for nothing."""
    setting = Keyless()
    signed = ELSEWHERE.sign_classic(simple_signing(setting.image.digest))
    chain = pem(*ELSEWHERE.intermediate.chain).decode()
    assert signed.annotations["dev.sigstore.cosign/chain"] == chain
    attach_classic(setting.store, setting.image, signed)
    assert is_denied(await setting.validate(), Reason.CHAIN_UNTRUSTED)


IDENTITY = {"certificateIdentity": SUBJECT, "certificateOIDCIssuer": ISSUER}


@pytest.mark.parametrize("tlog", [False, True])
@pytest.mark.parametrize("ctlog", [False, True])
@pytest.mark.parametrize("timestamps", [False, True])
async def test_atk_194_flags_that_ignore_checks_never_leave_a_certificate_without_a_time(
    tlog: bool, ctlog: bool, timestamps: bool
) -> None:
    """All combinations: refused where they leave no source of time, denied where the signature has none."""
    flags = {"ignoreTLog": tlog, "ignoreCTLog": ctlog, "ignoreObserverTimestamps": timestamps}
    msgspec.convert({"trustPolicies": [{**IDENTITY, **flags}]}, plugin.options)
    terms = {"logs": int(not tlog), "certificate_logs": int(not ctlog), "use_timestamps": not timestamps}
    if tlog and timestamps:
        with pytest.raises(ConfigurationError, match="no time"):
            await outcome(Keyless().sign(), **terms)
        return
    promised, stamped = Keyless().sign(stamp=False), Keyless().sign(promise=False, stamp=True)
    missing = Reason.TIME_SOURCE_MISSING
    assert await outcome(promised, **terms) is (missing if tlog else None)
    assert await outcome(stamped, **terms) is (missing if timestamps else None)
    assert await outcome(Keyless().sign(sct="none", stamp=True), **terms) is (
        None if ctlog else Reason.SCT_INVALID
    )
    assert await outcome(Keyless().sign(at=datetime(2019, 1, 1, tzinfo=UTC), stamp=True), **terms)


async def test_atk_194_attestations_without_any_log_verify_by_their_timestamp() -> None:
    """As private attestations are: no log at all, no certificate log, a timestamp authority instead."""
    bundle = Keyless().sign(log=0, sct="none", stamp=True)
    assert await outcome(bundle, logs=0, certificate_logs=0) is None
    assert await outcome(bundle, certificate_logs=0) is Reason.TLOG_PROOF_INVALID


async def test_atk_112_one_identity_counts_once_however_often_it_signs() -> None:
    """Every keyless signature has a key of its own; the signer is the identity, not the key."""
    setting = Keyless()
    for _ in range(2):
        setting.attach(setting.sign())
    result = await setting.validate(TWO)
    assert is_denied(result, Reason.POLICY_UNSATISFIED) or result.decision is Decision.DENY
    other = Signing(names=(x509.RFC822Name("second@example.com"),))
    setting.attach(SIGSTORE.sign_statement(statement(setting.image.digest), other))
    both = CertificateIdentity(subject_regex="(signer|second)@example\\.com", issuer=ISSUER)
    assert (await setting.validate(TWO, identities=(both,))).decision is Decision.ALLOW


async def test_atk_200_no_log_is_asked_over_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A signature without an entry is refused, whatever a log would answer; no connection is opened."""
    import socket

    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert await outcome(Keyless().sign(log=0, stamp=True)) is Reason.TLOG_PROOF_INVALID
    bundle = Keyless().sign()
    payload, signature, certificate = parts(bundle)
    other = hashedrekord(1, payload, signature, certificate)
    entries(bundle)[:] = [SIGSTORE.logs[1].entry(other, SIGNED_AT)]
    assert await outcome(bundle) is Reason.TLOG_ENTRY_MISMATCH
