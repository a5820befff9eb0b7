"""Checkpoints as signed notes: one form, bounded, with every part where it belongs (C2SP signed-note, tlog-checkpoint)."""

import pytest

from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.pki.encoding import encode_base64
from pyratify.pki.transparency.note import parse_checkpoint

LARGEST, MOST = 64 * 1024, 100
ROOT = bytes(range(32))
BODY = f"log.test\n7\n{encode_base64(ROOT)}\n"
DASH = "\N{EM DASH}"


def line(name: str = "log.test", hint: bytes = b"hint", value: bytes = b"signature") -> str:
    """Return a signature line."""
    return f"{DASH} {name} {encode_base64(hint + value)}\n"


def note(body: str = BODY, *lines: str) -> str:
    """Return a note with these signature lines, or with one."""
    return f"{body}\n{''.join(lines or (line(),))}"


def refusal(text: str) -> str:
    """Return why a checkpoint is refused."""
    with pytest.raises(VerificationError) as caught:
        parse_checkpoint(text)
    assert caught.value.reason is Reason.TLOG_CHECKPOINT_INVALID
    return caught.value.message


def test_a_checkpoint_is_taken_apart() -> None:
    """Origin, size, root hash, the bytes that are signed, and each signature with its name and hint."""
    found = parse_checkpoint(note(BODY, line(), line("witness.test", b"wwww", b"w")))
    assert (found.origin, found.size, found.root, found.signed) == ("log.test", 7, ROOT, BODY.encode())
    assert [(each.name, each.hint, each.value) for each in found.signatures] == [
        ("log.test", b"hint", b"signature"),
        ("witness.test", b"wwww", b"w"),
    ]


def test_what_follows_the_root_hash_is_signed_with_it() -> None:
    """Extension lines mean nothing here; the last blank line ends what is signed, so none before it hides text."""
    body = f"{BODY}Timestamp: 1\n\nmore\n"
    assert parse_checkpoint(note(body)).signed == body.encode()


def test_a_note_is_bounded() -> None:
    """As large as allowed is read; one character more is not."""
    room = LARGEST - len(note(f"{BODY}\n"))
    whole = note(f"{BODY}{'x' * room}\n")
    assert len(whole) == LARGEST
    assert parse_checkpoint(whole).size == 7
    assert "too large" in refusal(note(f"{BODY}{'x' * (room + 1)}\n"))


def test_the_signatures_of_a_note_are_bounded() -> None:
    """Each may have to be verified."""
    assert len(parse_checkpoint(note(BODY, *[line()] * MOST)).signatures) == MOST
    assert "more than 100 signatures" in refusal(note(BODY, *[line()] * (MOST + 1)))


@pytest.mark.parametrize("character", ["\x00", "\t", "\x0b", "\r", "\x1b", "\x1f"])
@pytest.mark.parametrize("place", ["origin", "extension", "name"])
def test_control_characters_are_refused(character: str, place: str) -> None:
    """Wherever they stand: they could show a reader another text than the one that is signed."""
    body = BODY.replace("log", f"l{character}g") if place == "origin" else BODY
    body += f"a{character}b\n" if place == "extension" else ""
    name = f"l{character}g" if place == "name" else "log.test"
    assert "control characters" in refusal(note(body, line(name)))


@pytest.mark.parametrize("size", ["0", "9" * 19])
def test_a_size_is_a_number_without_leading_zeros(size: str) -> None:
    """Of up to 19 digits."""
    assert parse_checkpoint(note(BODY.replace("\n7\n", f"\n{size}\n"))).size == int(size)


@pytest.mark.parametrize(
    "size", ["", "07", "00", "+7", "-7", " 7", "7 ", "7.0", "0x7", "\N{ARABIC-INDIC DIGIT SEVEN}", "1" * 20]
)
def test_a_size_in_another_form_is_refused(size: str) -> None:
    """Two spellings of one number would be two signed texts for one tree."""
    assert "size is no number" in refusal(note(BODY.replace("\n7\n", f"\n{size}\n")))


@pytest.mark.parametrize(
    ("root", "why"),
    [
        (encode_base64(ROOT[:31]), "not of 32 bytes"),
        (encode_base64(ROOT + b"x"), "not of 32 bytes"),
        ("", "not of 32 bytes"),
        (encode_base64(ROOT).rstrip("="), "a part is"),
        ("!", "a part is"),
    ],
)
def test_a_root_hash_is_thirty_two_bytes_in_base64(root: str, why: str) -> None:
    """SHA-256, in canonical standard base64."""
    assert why in refusal(note(f"log.test\n7\n{root}\n"))


@pytest.mark.parametrize("body", ["\n", "log.test\n", "log.test\n7\n", f" \n7\n{encode_base64(ROOT)}\n"])
def test_a_checkpoint_has_an_origin_a_size_and_a_root_hash(body: str) -> None:
    """A note that is shorter, or whose origin is blank, is none."""
    assert "lacks its origin, size or root hash" in refusal(note(body))


@pytest.mark.parametrize("text", ["", "\n\n", BODY, note()[:-1], note() + "x", note().replace("\n\n", "\n")])
def test_what_is_no_signed_note_is_refused(text: str) -> None:
    """Without a blank line, without signatures, or with text after the last of them."""
    refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        line().replace(DASH, "-"),
        line().replace(f"{DASH} ", DASH),
        line().replace(" log.test ", "  log.test "),
        line("log test"),
        line("log+test"),
        line(""),
        line().replace("\n", " \n"),
        f"{DASH} log.test \n",
    ],
)
def test_a_malformed_signature_line_makes_the_note_unusable(text: str) -> None:
    """Also beside a good one: what is skipped could be read by another reader."""
    refusal(note(BODY, line(), text, line()))


def test_a_signature_has_bytes_after_its_hint() -> None:
    """Four bytes are a hint alone; five are the shortest signature."""
    assert "a signature is empty" in refusal(note(BODY, line(value=b"")))
    assert parse_checkpoint(note(BODY, line(value=b"x"))).signatures[0].value == b"x"
