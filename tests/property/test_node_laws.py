"""Laws of a node: no bytes but a whole answer of 0 let a pull through, and no question is taken for another one."""

from hypothesis import given
from hypothesis import strategies as st

from pyratify.core.digest import Digest
from pyratify.core.errors import RatifyError
from pyratify.entrypoints.node.check.check_bin_dir import settings_of
from pyratify.entrypoints.node.containerd.containerd_settings import go_seconds
from pyratify.entrypoints.node.containerd.ratify_containerd_verifier import Refused, answer_of
from pyratify.entrypoints.node.containerd.request import parse_question
from pyratify.testing.memory import MemoryStore
from support.nodes import body

SUBJECT = MemoryStore().add_image()
QUESTION = body(SUBJECT)
TEXT = b"0\nratify: ALLOWED example.com/app\n"
ANSWER = b"HTTP/1.1 200 OK\r\nServer: ratify\r\nContent-Length: %d\r\n\r\n%s" % (len(TEXT), TEXT)


def code_of(response: bytes) -> int:
    """Return the exit code that the program ends with for a response."""
    try:
        return answer_of(response)[0]
    except Refused:
        return 2


@given(st.binary())
def test_no_other_bytes_allow(response: bytes) -> None:
    """Whatever answers at the socket."""
    assert code_of(response) == 2


@given(st.integers(0, len(ANSWER) - 1))
def test_no_part_of_an_answer_allows(length: int) -> None:
    """A daemon that was killed, a connection that broke."""
    assert code_of(ANSWER) == 0
    assert code_of(ANSWER[:length]) == 2


@given(st.binary(min_size=1))
def test_an_answer_with_more_behind_it_is_none(more: bytes) -> None:
    """Two answers in one connection."""
    assert code_of(ANSWER + more) == 2


@given(st.integers(0, len(QUESTION) - 1), st.binary(max_size=3))
def test_a_changed_question_is_refused_or_about_the_same_digest(place: int, piece: bytes) -> None:
    """Name, digest and descriptor agree in what is judged, or nothing is."""
    changed = QUESTION[:place] + piece + QUESTION[place + 1 :]
    try:
        question = parse_question(changed)
    except RatifyError:
        return
    wanted = Digest(changed.split(b"\n")[2].decode())
    assert question.reference.digest == wanted
    assert wanted.encode() in changed.split(b"\n", 4)[4]


@given(st.binary())
def test_bytes_are_no_question(data: bytes) -> None:
    """A refusal of ours, and no other exception."""
    try:
        parse_question(data)
    except RatifyError:
        return
    raise AssertionError(data)


@given(st.one_of(st.text(), st.floats(), st.none()))
def test_what_is_no_duration_is_no_time(value: object) -> None:
    """The reader of durations ends for every value."""
    assert go_seconds(value) >= 0


@given(st.text())
def test_any_text_may_stand_in_a_program(text: str) -> None:
    """A check of a node ends whatever its files hold."""
    assert set(settings_of(f"SECONDS = {text}\nSOCKET = '/x'")) <= {
        "SECONDS",
        "SOCKET",
        "OWNERS",
        "WITHOUT_DAEMON",
    }
