"""DER is read strictly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyratify.pki.der import SEQUENCE, Element, InvalidDer, read_element, read_elements
from pyratify.testing.certificates import element


@given(st.integers(0, 0x1E), st.binary(max_size=300))
def test_what_is_written_is_read(tag: int, content: bytes) -> None:
    """Law: also for long contents, and one after another."""
    assert tuple(read_elements(element(tag, content) * 2)) == (Element(tag, content),) * 2


@pytest.mark.parametrize(
    "data",
    ["1f0100", "3080", "3081", "308100", "30810100", "3082000100", "3003", "30850000000001", "30ff", "30"],
)
def test_lengths_and_tags_in_another_form_are_refused(data: str) -> None:
    """Indefinite, not the shortest, cut off, or a tag of several octets."""
    with pytest.raises(InvalidDer):
        tuple(read_elements(bytes.fromhex(data)))


@pytest.mark.parametrize("data", [b"", b"\x30\x00\x30\x00", b"\x31\x00"])
def test_exactly_one_element_with_the_tag_is_asked_for(data: bytes) -> None:
    """None, two, or another one is refused."""
    with pytest.raises(InvalidDer):
        read_element(data, SEQUENCE)
