"""Section E of the catalogue: documents that cost much, or that readers understand differently."""

import json

import pytest

from pyratify.core.reason import Reason
from pyratify.core.report import Decision, ValidationResult
from pyratify.testing.memory import as_json, make_manifest
from support.scenes import KIND, codes, image, validate


async def _with_referrer(change: tuple[bytes, bytes]) -> ValidationResult:
    """Validate an image to which a good artifact is attached, and one whose bytes are changed."""
    store, subject = image()
    data = make_manifest(artifact_type=KIND, subject=subject, annotations={"a": "MARK"})
    assert change[0] in data
    store.list_under(subject.digest, store.add_manifest(data.replace(*change)))
    return await validate(store)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ((b'"size": 2', b'"size": 1' + b"0" * 5000), Reason.JSON_INVALID),
        ((b'"size": 2', b'"size": 1' + b"0" * 30), Reason.SIZE_MISMATCH),
        ((b'"size": 2', b'"size": 1e400'), Reason.JSON_INVALID),
        ((b'"size": 2', b'"size": -' + b"9" * 5000), Reason.JSON_INVALID),
    ],
)
async def test_atk_077_huge_numbers_are_malformed(change: tuple[bytes, bytes], reason: Reason) -> None:
    """They are never converted, and no message repeats them."""
    result = await _with_referrer(change)
    assert result.decision is Decision.DENY
    assert reason in codes(result)
    assert len(repr(result)) < 5000


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
async def test_atk_078_deep_nesting_is_a_limit(opening: bytes) -> None:
    """A hundred thousand levels end in a refusal; the next validation works as before."""
    result = await _with_referrer((b'"MARK"', opening * 100_000))
    assert result.decision is Decision.DENY
    assert Reason.PARSE_LIMIT in codes(result)
    store, _ = image(KIND)
    assert (await validate(store)).succeeded


@pytest.mark.parametrize(
    "data",
    [
        "\ufeff{MANIFEST}".encode(),
        "{MANIFEST}".encode("utf-16"),
        b"{MANIFEST}\xff",
    ],
)
async def test_atk_082_other_encodings_are_refused(data: bytes) -> None:
    """A byte order mark, UTF-16 and broken UTF-8 are not JSON here."""
    store, subject = image()
    text = make_manifest(artifact_type=KIND, subject=subject).decode()
    if data.startswith(b"\xff\xfe"):
        hostile = text.encode("utf-16")
    else:
        hostile = data.replace(b"{MANIFEST}", text.encode())
    store.list_under(subject.digest, store.add_manifest(hostile))
    result = await validate(store)
    assert result.decision is Decision.DENY
    assert Reason.JSON_INVALID in codes(result)


@pytest.mark.parametrize("lone", [b'"\\ud800"', b'"\\uDC00x"', b'"\\udfff\\ud800"', b'"\xed\xa0\x80"'])
async def test_atk_082_lone_surrogates_are_refused(lone: bytes) -> None:
    """They could not be written again; a report has none."""
    result = await _with_referrer((b'"MARK"', lone))
    assert result.decision is Decision.DENY
    assert Reason.JSON_INVALID in codes(result)
    assert repr(result).encode()


async def test_atk_082_pairs_of_surrogates_are_characters() -> None:
    """What JSON allows is read."""
    store, subject = image()
    data = make_manifest(artifact_type=KIND, subject=subject, annotations={"a": "\U0001f600"})
    assert b"\\ud83d" in data
    store.list_under(subject.digest, store.add_manifest(data))
    result = await validate(store)
    assert result.succeeded
    assert json.dumps(as_json(result.artifacts[0].artifact))
