"""JSON of untrusted origin."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyratify.core.limits import MIB
from pyratify.core.reason import Reason
from pyratify.core.strictjson import MAX_DEPTH, InvalidJson, load_object, loads


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"{}", {}),
        (b" [1, 2.5, -0, true, false, null] \n", [1, 2.5, 0, True, False, None]),
        (b'{"a": {"a": "\\u00e9"}}', {"a": {"a": "é"}}),
        ('"é"'.encode(), "é"),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b'"\\\\ud800"', "\\ud800"),
        (b"12345678901234567890", 12345678901234567890),
        (b"1e10", 1e10),
    ],
)
def test_json_is_read(data: bytes, value: object) -> None:
    """What RFC 8259 allows and every reader understands alike is read."""
    assert loads(data) == value


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", Reason.JSON_INVALID),
        (b"{", Reason.JSON_INVALID),
        (b"{} {}", Reason.JSON_INVALID),
        (b"{}x", Reason.JSON_INVALID),
        (b"{'a': 1}", Reason.JSON_INVALID),
        (b'{"a": 1,}', Reason.JSON_INVALID),
        (b"[01]", Reason.JSON_INVALID),
        (b"// x\n{}", Reason.JSON_INVALID),
        (b'"a\nb"', Reason.JSON_INVALID),
        (b"NaN", Reason.JSON_INVALID),
        (b"[Infinity]", Reason.JSON_INVALID),
        (b"[-Infinity]", Reason.JSON_INVALID),
        (b"1e400", Reason.JSON_INVALID),
        (b"1" + b"0" * 32, Reason.JSON_INVALID),
        (b"1" + b"0" * 5000, Reason.JSON_INVALID),
        (b"0." + b"1" * 5000, Reason.JSON_INVALID),
        (b"\xef\xbb\xbf{}", Reason.JSON_INVALID),
        ("{}".encode("utf-16"), Reason.JSON_INVALID),
        (b'"\xff"', Reason.JSON_INVALID),
        (b'"\xed\xa0\x80"', Reason.JSON_INVALID),
        (b'"\\ud800"', Reason.JSON_INVALID),
        (b'{"\\uDFFF": 1}', Reason.JSON_INVALID),
        (b'{"a": 1, "a": 1}', Reason.JSON_DUPLICATE_KEY),
        (b'{"a": 1, "\\u0061": 2}', Reason.JSON_DUPLICATE_KEY),
        (b'[{"b": {"a": 1, "a": 2}}]', Reason.JSON_DUPLICATE_KEY),
        (b"[" * 100_000, Reason.PARSE_LIMIT),
        (b'{"a":' * 100_000, Reason.PARSE_LIMIT),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), Reason.PARSE_LIMIT),
        (b"]" * 40_000 + b"[" * 40_000, Reason.JSON_INVALID),
    ],
)
def test_json_that_readers_could_understand_differently_is_refused(data: bytes, reason: Reason) -> None:
    """Each has its reason, and a message that names the document and stays short."""
    with pytest.raises(InvalidJson) as caught:
        loads(data, what="payload")
    assert caught.value.reason is reason
    assert caught.value.message.startswith("payload: ")
    assert len(caught.value.message) < 200


def test_depth_is_counted_outside_strings_only() -> None:
    """Brackets in strings nest nothing; 64 levels are read and so are many brackets beside each other."""
    text = b'["' + b"[" * 1000 + b'\\"[[", ' + b"[" * (MAX_DEPTH - 1) + b"]" * (MAX_DEPTH - 1) + b"]"
    assert loads(text)[0] == "[" * 1000 + '"[['
    assert loads(b"[" + b"[]," * 1000 + b"[]]") == [[]] * 1001


@pytest.mark.parametrize("ending", [b"", b"\\", b'\\"', b'"'])
def test_a_string_of_escapes_without_an_end_is_refused_in_one_pass(ending: bytes) -> None:
    """A megabyte of escaped quotes would take hours if each were tried as the start of a string again."""
    with pytest.raises(InvalidJson):
        loads(b"[" * (MAX_DEPTH + 1) + b'"' + b'\\"' * 1_000_000 + ending)


@pytest.mark.parametrize("beginning", [b"", b"[1", b"[" * (MAX_DEPTH + 1)])
@pytest.mark.parametrize("separator", [b",", b" ", b", "])
def test_separators_before_the_end_are_read_in_one_pass(beginning: bytes, separator: bytes) -> None:
    """A megabyte of commas would take an hour if a token were looked for after each of them again."""
    with pytest.raises(InvalidJson):
        loads(beginning + separator * 1_000_000)


def test_a_recursion_that_the_count_does_not_foresee_is_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever makes the decoder recurse too deeply, it is a refusal and no crash."""

    class Deep:
        def decode(self, text: str) -> None:
            raise RecursionError

    monkeypatch.setattr("pyratify.core.strictjson._DECODER", Deep())
    with pytest.raises(InvalidJson) as caught:
        loads(b"{}")
    assert caught.value.reason is Reason.PARSE_LIMIT


@pytest.mark.parametrize("data", [b"[]", b"1", b"null", b'"a"'])
def test_an_object_is_asked_for_and_nothing_else_is_given(data: bytes) -> None:
    """Where an object must stand, other JSON is refused."""
    with pytest.raises(InvalidJson, match="not a JSON object"):
        load_object(data)


def nested(depth: int, opening: bytes = b"[", closing: bytes = b"]") -> bytes:
    """Return brackets around a number."""
    return opening * depth + b"0" + closing * depth


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (nested(64), nested(65)),
        (nested(64, b'{"a":', b"}"), nested(65, b'{"a":', b"}")),
        (b"[" + b"0," * 99_997 + b"0]", b"[" + b"0," * 99_998 + b"0]"),
        (b'"' + b"x" * (4 * 1024 * 1024 - 2) + b'"', b'"' + b"x" * (4 * 1024 * 1024 - 1) + b'"'),
    ],
    ids=["lists", "objects", "tokens", "bytes"],
)
def test_depth_tokens_and_bytes_are_bounded(good: bytes, bad: bytes) -> None:
    """64 levels, a hundred thousand tokens, 4 MiB: as much as allowed is read."""
    loads(good)
    with pytest.raises(InvalidJson) as caught:
        loads(bad)
    assert caught.value.reason is Reason.PARSE_LIMIT


class Watched(bytes):
    """Bytes that note how far they are looked at in pieces."""

    end = 0

    def __getitem__(self, key: Any) -> Any:
        """Note the end of a slice."""
        if isinstance(key, slice):
            Watched.end = max(Watched.end, key.stop)
        return super().__getitem__(key)


@pytest.mark.parametrize("token", [b"[]", b"1", b'"a"', b'{"a":1}'])
def test_what_has_too_many_tokens_is_refused_by_its_beginning(token: bytes) -> None:
    """The price of a refusal is that of as many tokens as are allowed, whatever the size: the rest is not looked at."""
    Watched.end = 0
    data = Watched(b"[" + (token + b",") * (3 * MIB // (len(token) + 1)) + token + b"]")
    with pytest.raises(InvalidJson, match="more than the 100000 JSON tokens"):
        loads(data)
    assert 0 < Watched.end < MIB


def tokens_of(data: bytes) -> int:
    """Count brackets, strings, numbers and words, one byte after the other."""
    count, inside, word, escaped = 0, False, False, False
    for each in map(chr, data):
        if inside:
            inside, escaped = each != '"' or escaped, each == "\\" and not escaped
            continue
        inside, free = each == '"', each in " \n,:"
        count += each in '[]{}"' or not (free or word)
        word = not free and each not in '[]{}"'
    return count


@pytest.mark.parametrize("around", [1000, 2000, 3000])
@given(more=st.integers(-3, 3), data=st.lists(st.sampled_from('[]{},:" \\a1\n'), min_size=40).map("".join))
def test_every_token_is_counted_once(around: int, more: int, data: str) -> None:
    """Whatever stands before it, whether it is JSON or not, and however many are counted in one go."""
    document = b"[0, " * ((around + more) // 2) + data.encode() + b'""'
    most = tokens_of(document)
    with pytest.raises(InvalidJson, match="JSON tokens allowed"):
        loads(document, max_tokens=most - 1)
    with pytest.raises(InvalidJson) as caught:
        loads(document, max_tokens=most)
    assert "tokens" not in caught.value.message


@pytest.mark.parametrize("number", [b"1" * 32, b"-" + b"1" * 31, b"1." + b"1" * 30, b"1e" + b"0" * 30])
def test_the_length_of_a_number_is_bounded(number: bytes) -> None:
    """32 characters: longer ones are read in different ways, and cost more than they weigh."""
    loads(number)
    with pytest.raises(InvalidJson) as caught:
        loads(number + number[-1:])
    assert caught.value.reason is Reason.JSON_INVALID


def test_a_byte_order_mark_is_called_so() -> None:
    """Editors of Windows write one, and it cannot be seen."""
    with pytest.raises(InvalidJson, match="it begins with a byte order mark"):
        loads(b"\xef\xbb\xbf{}")
