"""PEM as tools write it: any text around the blocks, strict blocks, and nothing that was a block passes for text."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyratify.pki.pem import UNTRUSTED, Block, InvalidPem, is_pem, read_pem
from pyratify.testing.certificates import authority

ROOT = authority()
PEM = ROOT.pem
BLOCK = Block("CERTIFICATE", ROOT.der)
TEXT = b"""Certificate:
    Data:
        Version: 3 (0x2)
        Subject: O=Caf\xc3\xa9 \xff, CN=root
                Modulus:
                    00:b4:31:98:0a:c4:bc:62:c1:88:aa:dc:b0:c8:bb:
Modulus=B43198AC4BC62C188AADCB0C8BB33185B43198AC4BC62C188AADCB0C8BB33185B43198AC4BC62C188AADCB0C8BB33185
"""
BAGS = b"""Bag Attributes
    localKeyID: 54 69 6D 65
    friendlyName: My --end to end-- test
subject=/C=US/O=example
issuer=/C=US/O=example
"""
MOZILLA = b"""##
## Bundle of CA Root Certificates
##

Entrust Root -- Begin of 2009
=============================
---
 0 s:C = US, O = example
   i:C = US, O = example
-----------------------------------------
"""


@pytest.mark.parametrize("text", [TEXT, BAGS, MOZILLA, b"0 s:O=a\n", b"\xef\xbb\xbf", b"\n \n# note\n"])
def test_text_around_the_blocks_is_ignored(text: bytes) -> None:
    """Before, between and after, with each kind of line end."""
    data = text + PEM + text.removeprefix(b"\xef\xbb\xbf") + PEM + text.removeprefix(b"\xef\xbb\xbf")
    for written in (data, data.replace(b"\n", b"\r\n"), data.replace(b"\n", b"\r"), data.rstrip(b"\n")):
        assert is_pem(written)
        assert read_pem(written) == (BLOCK, BLOCK)


def test_a_block_may_have_blanks_at_line_ends_and_lines_of_any_length() -> None:
    """RFC 7468, section 3, the lax grammar."""
    head, *body, end = PEM.decode().splitlines()
    assert read_pem(f"{head} \n\n{''.join(body)} \t\n{end}\t".encode()) == (BLOCK,)
    assert read_pem("\n".join((head, *(" ".join(line) for line in body), end)).encode()) == (BLOCK,)


def test_a_block_is_written_as_it_was() -> None:
    """Lines of 64 characters (RFC 7468, section 2)."""
    assert BLOCK.encode() == PEM.decode()


BEGIN, END = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (BEGIN, b"----BEGIN CERTIFICATE-----"),
        (BEGIN, b"-----BEGIN CERTIFICATE----"),
        (BEGIN, b"-----BEGIN CERTIFICATE"),
        (BEGIN, b"BEGIN CERTIFICATE-----"),
        (BEGIN, b"-----BEGINCERTIFICATE-----"),
        (BEGIN, b"-----BEGN CERTIFICATE-----"),
        (BEGIN, b"-----begin certificate-----"),
        (BEGIN, b"--- BEGIN CERTIFICATE ---"),
        (BEGIN, b"  " + BEGIN),
        (BEGIN, b"root: " + BEGIN),
        (BEGIN, BEGIN.replace(b"--", "\u2013".encode())),
        (BEGIN, "\u2014BEGIN CERTIFICATE\u2014".encode()),
        (BEGIN, b""),
        (BEGIN, b"# " + BEGIN),
        (BEGIN + b"\n", BEGIN),
        (b"\n" + END, END),
        (END, b"-----END CERTIFICATE----"),
        (END, b"----END CERTIFICATE-----"),
        (END, b"-----END CERT-----"),
        (END, b"-----END CERTIFICATE----- x"),
        (END, b""),
        (END + b"\n", b""),
        (BEGIN + b"\n", BEGIN + b"\nProc-Type: 4,ENCRYPTED\n"),
        (BEGIN + b"\n", BEGIN + b"\nMI!I\n"),
        (BEGIN + b"\n", BEGIN + b"\nTWlj\xc3\xa9\n"),
        (b"\n" + END, b"A\n" + END),
    ],
)
@pytest.mark.parametrize("form", [b"%b", PEM + b"%b", b"%b" + PEM, TEXT + PEM + b"%b" + PEM])
def test_atk_238_a_damaged_block_is_no_text(old: bytes, new: bytes, form: bytes) -> None:
    """A reader that skips it makes a smaller set of keys out of a damaged file."""
    damaged = PEM.replace(old, new)
    assert damaged != PEM
    with pytest.raises(InvalidPem, match=r"line|block"):
        read_pem(form.replace(b"%b", damaged))


def test_atk_238_base64_that_lost_both_its_markers_is_no_text() -> None:
    """What is left is still recognised as a DER sequence."""
    body = b"".join(PEM.splitlines(keepends=True)[1:-1])
    with pytest.raises(InvalidPem, match="line 1 looks like a part of a damaged PEM block"):
        read_pem(body + PEM)


@pytest.mark.parametrize(
    "line", [b"-" * 300_000, b"END " * 75_000, b"BEGIN" + b" " * 300_000, b"A" * 300_000, b"--- A" * 60_000]
)
def test_a_hostile_line_is_searched_once(line: bytes) -> None:
    """A search that begins anew at every octet would not come to an end here."""
    with suppress(InvalidPem):
        assert read_pem(line + b"\n" + PEM) == (BLOCK,)
    with pytest.raises(InvalidPem, match="more than the 131072 allowed"):
        read_pem(line, UNTRUSTED)


def test_der_is_told_from_text_by_its_content() -> None:
    """DER may have a marker in one of its texts, and text may begin with the octet that DER begins with."""
    marked = b"\x30\x0b" + b"-----BEGIN "
    assert not is_pem(marked)
    assert not is_pem(ROOT.der)
    assert not is_pem(ROOT.der + ROOT.der)
    assert not is_pem(ROOT.der[:-1])
    assert is_pem(b"0 s:C=US\n" + PEM)
    assert is_pem(b"hello")


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Law: nothing but the one error, and never fewer blocks than there are whole ones."""
    for written in (data, data + b"\n" + PEM, PEM + data):
        with suppress(InvalidPem):
            assert len(read_pem(written)) >= (written is not data)


@given(st.integers(0, len(PEM) - 2), st.sampled_from([b"", b"x", b"\n", b"-", b" ", b"\x00"]))
def test_atk_238_no_damage_makes_a_block_disappear(position: int, octet: bytes) -> None:
    """Law: with one octet changed or taken out there is one block still, or the file is refused."""
    damaged = PEM[:position] + octet + PEM[position + 1 :]
    with suppress(InvalidPem):
        assert len(read_pem(damaged + PEM)) == 2
