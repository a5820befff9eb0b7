"""Entries of the shared cache: what counts, and every single thing that makes one a miss."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from pyratify.caches import verdict_entry
from pyratify.caches.shared_secret import SharedSecret
from pyratify.caches.verdict_entry import SKEW, entry_name, seal, unseal
from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import ConfigurationError
from pyratify.core.report import Decision
from pyratify.core.verifier import Details
from pyratify.testing.fakes import FakeClock
from support.sharing import OTHER, PINNED, SECRET, question, verdict

NOW = FakeClock().now()


def sealed(seconds: float = 5) -> bytes:
    """Return an entry of now."""
    entry = seal(SECRET, question(), verdict(), NOW, seconds)
    assert entry is not None
    return entry


def test_what_is_sealed_is_unsealed_whole() -> None:
    """The same verdict, and how long it may still be used."""
    found = unseal(SECRET, question(), sealed(), NOW + timedelta(seconds=2))
    assert found is not None
    assert found.result == verdict()
    assert found.seconds == 3


def test_every_byte_is_bound() -> None:
    """Whichever byte of an entry is another one, it is a miss; so is every shorter or longer entry."""
    entry = sealed()
    for index in range(len(entry)):
        forged = bytes([*entry[:index], entry[index] ^ 1, *entry[index + 1 :]])
        assert unseal(SECRET, question(), forged, NOW) is None, index
    for length in (*range(0, len(entry), 7), len(entry) - 1):
        assert unseal(SECRET, question(), entry[:length], NOW) is None
    assert unseal(SECRET, question(), entry + b" ", NOW) is None


@pytest.mark.parametrize(
    "other",
    [
        question("two"),
        question(namespace="team"),
        question("one|team"),
        question(reference=PINNED.at(Digest.of(b"other"))),
        question(reference=replace(PINNED, repository="other")),
        question(reference=replace(PINNED, registry="other.example")),
    ],
    ids=str,
)
def test_an_entry_answers_its_own_question_alone(other: object) -> None:
    """Filed under another generation, tenant, repository or digest it does not count, and is filed elsewhere."""
    assert unseal(SECRET, other, sealed(), NOW) is None  # type: ignore[arg-type]
    assert entry_name(SECRET, other) != entry_name(SECRET, question())  # type: ignore[arg-type]


def test_a_verdict_on_something_else_does_not_count() -> None:
    """Also where one of the processes itself put it in for this question, which is a defect."""
    wrong = verdict(reference=PINNED.at(Digest.of(b"other")))
    entry = seal(SECRET, question(), wrong, NOW, 5)
    assert unseal(SECRET, question(), entry or b"", NOW) is None


def test_an_entry_of_another_secret_is_a_miss() -> None:
    """Also under its own name, which is another one."""
    assert unseal(OTHER, question(), sealed(), NOW) is None
    assert entry_name(OTHER, question()) != entry_name(SECRET, question())


@pytest.mark.parametrize("seconds", [5, 5.001, 60, -SKEW - 0.01, -3600])
def test_time_ends_an_entry(seconds: float) -> None:
    """When it is over, and where it claims to come from the future by more than clocks differ."""
    assert unseal(SECRET, question(), sealed(), NOW + timedelta(seconds=seconds)) is None


def test_a_clock_that_is_ahead_prolongs_nothing() -> None:
    """An entry from a clock within the tolerance lives as long as it was meant to, by ours."""
    found = unseal(SECRET, question(), sealed(), NOW - timedelta(seconds=SKEW))
    assert found is not None
    assert found.seconds == 5


@pytest.mark.parametrize("seconds", [0, -1, 30 * 86400 + 1])
def test_what_has_no_lifetime_is_not_sealed(seconds: float) -> None:
    """Nor what has more than thirty days."""
    assert seal(SECRET, question(), verdict(), NOW, seconds) is None


def test_nothing_can_be_read_from_names() -> None:
    """Neither the repository nor the tenant nor the generation stands in a name."""
    name = entry_name(SECRET, question("generation", "tenant"))
    assert not any(word in name for word in ("example", "app", "tenant", "generation", DIGEST_HEX))


DIGEST_HEX = (PINNED.digest or Digest.of(b"")).hex


@pytest.mark.parametrize(
    "change",
    [
        lambda data: b"",
        lambda data: b"null",
        lambda data: b"[]",
        lambda data: data + b" ",
        lambda data: data.replace(b'"decision"', b'"other":1,"decision"'),
        lambda data: data.replace(b'"decision":"ALLOW"', b'"decision":"ALLOW","decision":"ALLOW"'),
        lambda data: data.replace(b'"ALLOW"', b'"MAYBE"'),
        lambda data: data.replace(b"sha256:", b"sha999:"),
        lambda data: data.replace(b'"size":5', b'"size":"5"'),
        lambda data: b"[" * 100_000,
        lambda data: b" " * (verdict_entry.MAX_BYTES + 1),
        lambda data: b"\xff" + data,
    ],
)
def test_bytes_that_were_not_encoded_are_not_decoded(change: Callable[[bytes], bytes]) -> None:
    """Whatever is missing, more, twice, or of another type."""
    data = verdict_entry.encode_verdict(verdict())
    assert data is not None
    assert verdict_entry.decode_verdict(data) == verdict()
    assert change(data) != data
    assert verdict_entry.decode_verdict(change(data)) is None


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, object(), b"x", "\ud800"])
def test_what_is_no_json_is_not_encoded(value: object) -> None:
    """A verdict with it is evaluated by every process for itself."""
    found = verdict()
    result = replace(found.artifacts[0].results[0], details=Details("good", data={"x": value}))
    report = replace(found.artifacts[0], results=(result,))
    assert verdict_entry.encode_verdict(replace(found, artifacts=(report,))) is None


def test_a_verdict_that_is_too_large_is_not_encoded() -> None:
    """256 KiB are enough for what is asked often."""
    subject = Descriptor("x" * verdict_entry.MAX_BYTES, Digest.of(b"image"), 5)
    assert verdict_entry.encode_verdict(replace(verdict(), subject=subject)) is None


def test_a_denial_is_carried_too() -> None:
    """It is a verdict like any other."""
    denied = verdict(Decision.DENY)
    entry = seal(SECRET, question(), denied, NOW, 2)
    found = unseal(SECRET, question(), entry or b"", NOW)
    assert found is not None
    assert found.result == denied


@pytest.mark.parametrize("data", [b"", b"short", b"x" * 31, b"a" * 64, b"x" * 5000, b"0123456789" * 3])
def test_a_secret_that_is_none_is_refused(data: bytes, tmp_path: Path) -> None:
    """Too short, too long, or one character over and over; and a file that is not there."""
    with pytest.raises(ConfigurationError):
        SharedSecret.of(data)
    with pytest.raises(ConfigurationError):
        SharedSecret.read(tmp_path / "missing")


def test_a_secret_is_read_without_its_line_break(tmp_path: Path) -> None:
    """As `openssl rand -hex 32` writes it; and nothing of it can be seen."""
    text = b"0123456789abcdef" * 4
    (tmp_path / "key").write_bytes(text + b"\n")
    secret = SharedSecret.read(tmp_path / "key")
    assert secret == SharedSecret.of(text)
    assert len({secret.entries, secret.names, secret.generations, secret.identifier}) == 4
    assert secret.entries.hex() not in repr(secret)
    assert "entries" not in repr(secret)
