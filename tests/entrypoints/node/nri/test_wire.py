"""The wire format of NRI: Protocol Buffers, and ttrpc in the frames of a multiplexed connection."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyratify.core.protobuf import (
    InvalidMessage,
    encode,
    fields,
    integer,
    mapping,
    part,
    parts,
    texts,
)
from pyratify.entrypoints.node.nri.ttrpc import (
    MAX_MESSAGE,
    PLUGIN,
    REQUEST,
    RESPONSE,
    RUNTIME,
    Call,
    Frames,
    Message,
    failed,
    result_of,
    succeeded,
)

MESSAGES = st.builds(
    Message,
    st.sampled_from([PLUGIN, RUNTIME]),
    st.integers(0, 2**32 - 1),
    st.sampled_from([REQUEST, RESPONSE]),
    st.binary(max_size=300),
)


@given(st.text(), st.integers(0, 2**63 - 1), st.binary())
def test_what_is_written_is_read(text: str, number: int, data: bytes) -> None:
    """Texts, integers and messages; an empty one is not written, and read as empty."""
    message = encode(_1=text, _2=number, _15=data)
    assert texts(message, 1, 3) == (text, "")
    assert (integer(message, 2), part(message, 15)) == (number, data)


def test_it_reads_what_go_writes() -> None:
    """The bytes of `Container{Id: "a", State: CONTAINER_RUNNING, Annotations: {"k": "v"}, Image: {Name: "n"}}`."""
    data = bytes.fromhex("0a0161200332060a016b120176b201030a016e")
    assert texts(data, 1) == ("a",)
    assert integer(data, 4) == 3
    assert mapping(data, 6) == {"k": "v"}
    assert texts(part(data, 22), 1) == ("n",)


def test_other_kinds_of_fields_are_read_over() -> None:
    """Numbers of 32 and 64 bits; the last of several values counts."""
    data = b"\x09" + bytes(8) + b"\x15" + bytes(4) + encode(_3="a") + encode(_3="b")
    assert [number for number, _ in fields(data)] == [1, 2, 3, 3]
    assert texts(data, 3) == ("b",)
    assert parts(data, 3) == [b"a", b"b"]


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """With no other error."""
    for read in (
        lambda: list(fields(data)),
        lambda: mapping(data, 1),
        lambda: texts(data, 1),
        lambda: integer(data, 1),
    ):
        try:
            read()
        except InvalidMessage:
            continue


@pytest.mark.parametrize(
    "data", [b"\x0a\x05ab", b"\x08", b"\x08" + b"\xff" * 10, b"\x00\x00", b"\x0b", b"\x0d\x00"]
)
def test_what_is_not_whole_is_refused(data: bytes) -> None:
    """Lengths beyond the end, numbers without an end, groups, and the field 0."""
    with pytest.raises(InvalidMessage):
        list(fields(data))


def test_a_field_of_another_kind_is_refused() -> None:
    """A number for a text, and a text for a number; what is not UTF-8."""
    for data in (b"\x08\x01", b"\x0a\x01\xff"):
        with pytest.raises(InvalidMessage):
            texts(data, 1)
    with pytest.raises(InvalidMessage):
        integer(encode(_1="a"), 1)


@given(st.lists(MESSAGES, max_size=5), st.data())
def test_messages_are_whole_however_the_bytes_arrive(messages: list[Message], data: st.DataObject) -> None:
    """Cut anywhere."""
    stream = b"".join(message.frame() for message in messages)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    frames, found = Frames(), []
    for begin, stop in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += list(frames.feed(stream[begin:stop]))
    assert found == messages


def test_a_message_may_be_spread_over_frames() -> None:
    """Head and body are written one after another; frames of other connections are dropped."""
    inner = Message(PLUGIN, 3, REQUEST, b"body").frame()[8:]
    cut = [
        struct.pack(">II", number, len(part)) + part
        for number, part in ((1, inner[:4]), (7, b"x"), (1, inner[4:]))
    ]
    assert list(Frames().feed(b"".join(cut))) == [Message(PLUGIN, 3, REQUEST, b"body")]


def test_a_message_that_is_not_whole_is_waited_for() -> None:
    """A head alone, in a frame that is whole."""
    frames, whole = Frames(), Message(PLUGIN, 3, REQUEST, b"body").frame()
    head, rest = whole[8:18], whole[18:]
    assert list(frames.feed(struct.pack(">II", PLUGIN, len(head)) + head)) == []
    assert list(frames.feed(struct.pack(">II", PLUGIN, len(rest)) + rest)) == [
        Message(PLUGIN, 3, REQUEST, b"body")
    ]


def test_lengths_are_bounded() -> None:
    """Before anything of that length is waited for."""
    for data in (
        struct.pack(">II", 1, MAX_MESSAGE + 11),
        struct.pack(">IIIIBB", 1, 10, MAX_MESSAGE + 1, 1, 1, 0),
    ):
        with pytest.raises(InvalidMessage):
            list(Frames().feed(data))


def test_envelopes() -> None:
    """A call, a result and an error."""
    call = Call("a.B", "C", b"payload")
    assert Call.parse(call.encode()) == call
    assert Call.parse(call.encode() + encode(_4=2_000_000_000)).seconds == 2
    assert result_of(succeeded(b"x")) == ""
    assert result_of(failed(7, "why")) == "why"
    assert result_of(failed(7, "")) == "an error without a message"
