"""Members of documents of untrusted origin: the path of what is missing or of another type is named."""

from typing import Any

import pytest

from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.evidence.members import Members

DOCUMENT = {"a": {"b": "text", "n": 1, "l": ["x"], "o": [{"t": "2026-01-01T00:00:00Z"}]}, "none": None}


def test_members_are_read_by_their_types() -> None:
    """What is not set is empty."""
    inner = Members(DOCUMENT, "thing").object("a", required=True)
    assert inner.text("b", required=True) == "text"
    assert inner.texts("l") == ("x",)
    assert inner.objects("o")[0].time("t") is not None
    assert (inner.text("x"), inner.texts("x"), inner.objects("x"), inner.time("x")) == ("", (), (), None)
    assert Members(DOCUMENT, "thing").object("none").value == {}


@pytest.mark.parametrize(
    ("read", "path"),
    [
        (lambda found: Members([], "thing"), "the document is a list"),
        (lambda found: Members(None, "thing"), "the document is missing"),
        (lambda found: found.object("x", required=True), "x is missing"),
        (lambda found: found.object("a").object("b"), "a.b is a text"),
        (lambda found: found.object("a").text("n"), "a.n is a number"),
        (lambda found: found.object("a").text("x", required=True), "a.x is missing"),
        (lambda found: found.object("a").texts("b"), "a.b is a text"),
        (lambda found: found.object("a").texts("o"), "a.o has an entry"),
        (lambda found: found.object("a").objects("l"), "a.l[0] is a text"),
        (lambda found: found.object("a").time("b"), "a.b is not a time"),
        (lambda found: found.object("a").objects("o")[0].object("t"), "a.o[0].t is a text"),
        (lambda found: found.text("a"), "a is an object"),
        (lambda found: Members(1.5, "thing"), "the document is a number"),
        (lambda found: Members(True, "thing"), "the document is true or false"),
        (lambda found: Members("", "thing"), "the document is an empty text"),
        (lambda found: Members(b"", "thing"), "the document is another value"),
    ],
)
def test_what_is_of_another_type_is_named(read: Any, path: str) -> None:
    """With the code of the kind of document."""
    with pytest.raises(VerificationError) as caught:
        read(Members(DOCUMENT, "thing"))
    assert caught.value.reason is Reason.PREDICATE_TYPE
    assert path in caught.value.message
    assert "thing" in caught.value.message


def test_every_part_of_a_document_is_refused_with_the_code_of_the_whole() -> None:
    """An object, one of a list, and what is below them."""
    found = Members(DOCUMENT, "thing", reason=Reason.REPORT_INVALID)
    for read in (
        lambda: found.text("a"),
        lambda: found.object("a").text("n"),
        lambda: found.object("a").objects("o")[0].object("t"),
        lambda: found.object("a").objects("l"),
    ):
        with pytest.raises(VerificationError) as caught:
            read()
        assert caught.value.reason is Reason.REPORT_INVALID
