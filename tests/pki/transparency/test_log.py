"""Trusted logs: whose signature under a checkpoint counts, by origin, key name, hint and signature, each alone."""

from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512

from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.pki.encoding import encode_base64
from pyratify.pki.public_keys import PublicKey
from pyratify.pki.transparency.log import TrustedLog, check_checkpoint
from pyratify.pki.transparency.note import parse_checkpoint
from pyratify.testing.certificates import make_key
from pyratify.testing.sigstore_log import TestLog

LOG = TestLog(make_key("ed25519", "log"), "log.test")
OTHER = TestLog(make_key("ed25519", "another log"), "log.test")
ROOT = encode_base64(bytes(32))


def trusted(log: TestLog = LOG, **changes: Any) -> TrustedLog:
    """Return a log as a trusted root names it."""
    return replace(TrustedLog(PublicKey(log.key.public_key(), ""), log.log_id, name=log.name), **changes)


def checkpoint(
    origin: str = "log.test",
    *,
    name: str = "",
    by: TestLog = LOG,
    hint: bytes | None = None,
    over: str | None = None,
) -> str:
    """Return a checkpoint.

    Args:
        origin: Its origin.
        name: The name of the key in the signature line; the origin where it is not given.
        by: Whose key signs.
        hint: The hint at the key; the log's own where it is not given.
        over: What is signed; the note itself where it is not given.
    """
    text = f"{origin}\n2\n{ROOT}\n"
    signature = by.sign((text if over is None else over).encode())
    value = encode_base64((LOG.log_id[:4] if hint is None else hint) + signature)
    return f"{text}\n\N{EM DASH} {name or origin} {value}\n"


def refusal(text: str, log: TrustedLog | None = None, *, named: bool = True) -> str:
    """Return why a checkpoint is refused; it has to be."""
    with pytest.raises(VerificationError) as caught:
        check_checkpoint(parse_checkpoint(text), log or trusted(), named=named)
    assert caught.value.reason is Reason.TLOG_CHECKPOINT_INVALID
    return caught.value.message


def accept(text: str, log: TrustedLog | None = None, *, named: bool = True) -> None:
    """Check a checkpoint that has to be accepted."""
    check_checkpoint(parse_checkpoint(text), log or trusted(), named=named)


def test_a_checkpoint_of_the_log_is_accepted() -> None:
    """Origin, key name, hint and signature are the log's."""
    accept(checkpoint())
    accept(LOG.checkpoint(2, bytes(32)))


@pytest.mark.parametrize(
    "origin", ["evil.test", "log.test.evil", "evil.log.test", "log.test/evil", "LOG.TEST"]
)
def test_another_origin_alone_is_refused(origin: str) -> None:
    """The log's own key signs it, under the name of that origin: one key may serve several logs."""
    assert "is not the trusted log" in refusal(checkpoint(origin))


def test_another_key_name_alone_is_refused() -> None:
    """The log's own key signs the right origin, under another name (C2SP signed-note)."""
    assert "no signature names the log's key" in refusal(checkpoint(name="evil.test"))
    assert "no signature names the log's key" in refusal(checkpoint(name="evil.test"), named=False)


def test_another_hint_alone_is_refused() -> None:
    """Also the empty one of a log without an identifier of its own for checkpoints."""
    for hint in (b"evil", OTHER.log_id[:4], bytes(4)):
        assert "no signature names the log's key" in refusal(checkpoint(hint=hint))


def test_another_signature_alone_is_refused() -> None:
    """By another key, or over another text, under the right name with the right hint."""
    assert "does not fit" in refusal(checkpoint(by=OTHER))
    assert "does not fit" in refusal(checkpoint(over=f"log.test\n3\n{ROOT}\n"))


def test_an_origin_counts_where_the_kind_of_log_has_one() -> None:
    """Shards of Rekor v1 have origins of their own, and a log without a known name has any; the key name is the origin's."""
    accept(checkpoint("evil.test"), named=False)
    accept(checkpoint("evil.test"), trusted(name=""))
    refusal(checkpoint("log.test - 42", name="log.test"))
    accept(checkpoint("log.test - 42", name="log.test"), named=False)
    refusal(checkpoint("log.test - 42", name="log.test - 42".replace(" ", "")), named=False)


@pytest.mark.parametrize(
    ("name", "origins"),
    [
        ("log.test", {"log.test"}),
        ("log.test/2026", {"log.test/2026", "log.test"}),
        ("log.test:3000", {"log.test:3000", "log.test"}),
        ("log.test:3000/2026", {"log.test:3000/2026", "log.test"}),
        ("[::1]", {"[::1]"}),
    ],
)
def test_a_log_is_called_by_its_name_or_by_its_host(name: str, origins: set[str]) -> None:
    """As clients of Rekor v2 expect; no other part of the name is an origin."""
    assert set(trusted(name=name).origins) == origins
    for origin in origins:
        accept(checkpoint(origin), trusted(name=name))


def test_an_identifier_for_checkpoints_is_a_second_hint() -> None:
    """Where the trusted root names one (`checkpointKeyId`) it counts, as the log's own still does."""
    both = trusted(checkpoint_id=b"check point identifier")
    accept(checkpoint(hint=b"chec"), both)
    accept(checkpoint(), both)
    assert "no signature names the log's key" in refusal(checkpoint(hint=b"chec"))
    assert "does not fit" in refusal(checkpoint(hint=b"chec", by=OTHER), both)


def test_one_good_signature_among_those_that_name_the_key_suffices() -> None:
    """Signatures of witnesses, and broken ones under the log's name, neither help nor harm."""
    good = checkpoint()
    bad = checkpoint(by=OTHER).partition("\n\n")[2]
    witness = checkpoint(name="witness.test", hint=b"wwww").partition("\n\n")[2]
    accept(good + bad + witness)
    accept(good.replace("\n\n", f"\n\n{witness}{bad}"))
    assert "does not fit" in refusal(checkpoint(by=OTHER) + witness)


SCHEMES = [
    ("p256", (ECDSA(SHA256()),)),
    ("p384", (ECDSA(SHA384()),)),
    ("p521", (ECDSA(SHA512()),)),
    ("rsa-2048", (PKCS1v15(), SHA256())),
    ("ed25519", ()),
]


@pytest.mark.parametrize(("kind", "scheme"), SCHEMES, ids=[kind for kind, _ in SCHEMES])
def test_every_kind_of_key_has_one_algorithm(kind: str, scheme: tuple[Any, ...]) -> None:
    """The curve's own hash, SHA-256 for RSA: good over this message, and over no other."""
    key = make_key(kind, "a log")
    log = TrustedLog(PublicKey(key.public_key(), ""), b"id")
    signature = key.sign(b"message", *scheme)
    assert log.verify(b"message", signature)
    assert not log.verify(b"massage", signature)
    assert not log.verify(b"message", signature[:-1] + bytes((signature[-1] ^ 1,)))


@pytest.mark.parametrize(
    ("kind", "scheme"),
    [
        ("p256", (ECDSA(SHA384()),)),
        ("p384", (ECDSA(SHA256()),)),
        ("p521", (ECDSA(SHA256()),)),
        ("rsa-2048", (PKCS1v15(), SHA512())),
    ],
)
def test_another_hash_is_another_algorithm(kind: str, scheme: tuple[Any, ...]) -> None:
    """A log's key signs in one way."""
    key = make_key(kind, "a log")
    assert not TrustedLog(PublicKey(key.public_key(), ""), b"id").verify(b"m", key.sign(b"m", *scheme))


def test_a_witness_is_the_operator_where_it_is_known() -> None:
    """Two logs of one operator are one."""
    assert trusted(operator="who.test").witness == "who.test"
    assert trusted().witness == LOG.log_id.hex()
