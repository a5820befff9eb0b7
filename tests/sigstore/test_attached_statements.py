"""Layers with one document, and with several as JSON lines."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.sigstore.attached_statements import split_layer
from pyratify.sigstore.media_types import BUNDLE, IN_TOTO
from pyratify.sigstore.statement_formats import DSSE, IN_TOTO_BUNDLE

DOCUMENTS = st.dictionaries(
    st.text(), st.recursive(st.text() | st.integers(-(2**53), 2**53), st.lists, max_leaves=5)
)


def split(raw: bytes, media_type: str = BUNDLE, most: int = 100) -> list[tuple[int | None, bytes]]:
    """Return the lines and what stands in them."""
    layer = Descriptor(media_type, Digest.of(raw), len(raw))
    return [(each.line, each.raw) for each in split_layer(raw, layer, most)]


@given(
    st.lists(DOCUMENTS, min_size=2, max_size=6),
    st.sampled_from([b"\n", b"\r\n", b"\n\n", b" \n\t"]),
    st.booleans(),
)
def test_each_line_is_a_document_of_its_own(documents: list[dict[str, Any]], end: bytes, final: bool) -> None:
    """Whatever stands in them; empty lines count and hold nothing."""
    lines = [json.dumps(each).encode() for each in documents]
    found = split(end.join(lines) + (end if final else b""))
    step = end.count(b"\n")
    assert found == [(1 + step * index, line) for index, line in enumerate(lines)]


@given(DOCUMENTS, st.sampled_from([None, 0, 2]), st.sampled_from([b"", b"\n", b"\n\n"]))
def test_one_document_is_no_list_of_lines(document: dict[str, Any], indent: int | None, end: bytes) -> None:
    """However it is indented."""
    raw = json.dumps(document, indent=indent).encode() + end
    assert [line for line, _ in split(raw)] == [None]


def test_an_indented_document_may_hold_whole_objects_in_lines() -> None:
    """They are parts of it."""
    raw = b'{"signatures": [\n{"sig": "a"}\n]}'
    assert split(raw) == [(None, raw)]


@pytest.mark.parametrize("bad", [b"nonsense", b"{", b'{"a": 1}}', b'{"a": 1, "a": 2}', b"\xff", b"[]"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_broken_line_leaves_the_others_what_they_are(bad: bytes, place: int) -> None:
    """Wherever it stands."""
    lines = [b'{"first": 1}', b'{"second": 2}']
    lines.insert(place, bad)
    assert split(b"\n".join(lines)) == list(enumerate(lines, 1))


def test_more_lines_than_allowed_are_refused() -> None:
    """A list that is cut must not look whole; empty lines are none."""
    assert len(split(b"{}\n\n" * 4, most=4)) == 4
    with pytest.raises(VerificationError) as caught:
        split(b"{}\n" * 5, most=4)
    assert caught.value.reason is Reason.SIGNATURE_LIMIT
    assert len(split(b"\n" * 1_000_000 + b"{}", most=4)) == 1


@pytest.mark.parametrize(
    ("line", "read_as"),
    [
        (b'{"mediaType":"x","verificationMaterial":{},"dsseEnvelope":{}}', BUNDLE),
        (b'{"payload":"","payloadType":"x","signatures":[]}', IN_TOTO),
        (b'{"_type":"x"}', IN_TOTO),
        (b"nonsense", IN_TOTO),
    ],
)
def test_lines_of_an_in_toto_bundle_are_bundles_or_envelopes(line: bytes, read_as: str) -> None:
    """Its media type says neither; layers whose type does are read as that."""
    layer = Descriptor(IN_TOTO_BUNDLE, Digest.of(line), len(line))
    assert [each.layer.media_type for each in split_layer(line, layer, 9)] == [read_as]
    several = split_layer(b"{}\n" + line, layer, 9)
    assert [each.layer.media_type for each in several] == [IN_TOTO, read_as]
    envelopes = Descriptor(DSSE, Digest.of(line), len(line))
    assert [each.layer.media_type for each in split_layer(line, envelopes, 9)] == [DSSE]
