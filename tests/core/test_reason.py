"""Every code says what it means and what to do."""

import re
from pathlib import Path

import pytest

import pyratify
from pyratify.core.reason import RESERVED, Reason
from pyratify.core.reason_meanings import MEANINGS

PACKAGE = Path(pyratify.__path__[0])
_OF_SERVERS = re.compile(
    r'(?:Rejection|Refused|problem)\(\s*\d{3},(?:\s*#[^\n]*)?\s*"([A-Z_]+)"|code="([A-Z][A-Z_]+)"'
)


@pytest.mark.parametrize("reason", list(Reason), ids=str)
def test_every_code_has_a_meaning_and_a_remedy(reason: Reason) -> None:
    """Whole sentences, and two different ones."""
    for text in (reason.meaning, reason.remedy):
        assert text.endswith(".")
        assert text[0].isupper()
        assert len(text) > 20
    assert reason.meaning != reason.remedy


def test_exactly_the_reserved_codes_are_raised_by_nothing() -> None:
    """A code that gains its first use leaves the list; one that loses its last use is listed or removed."""
    sources = [path for path in PACKAGE.rglob("*.py") if path.name not in {"reason.py", "reason_meanings.py"}]
    text = "\n".join(path.read_text() for path in sources)
    unused = {reason for reason in Reason if not re.search(rf'Reason\.{reason}\b|"{reason}"', text)}
    assert unused == RESERVED


def test_no_two_codes_mean_the_same() -> None:
    """Else one of them says nothing."""
    assert len(set(MEANINGS.values())) == len(Reason)


def test_codes_of_servers_are_codes() -> None:
    """What a server answers is in the list: each refusal of HTTP, each problem of the service."""
    found = {
        code
        for folder in ("entrypoints", "serving")
        for path in (PACKAGE / folder).rglob("*.py")
        for match in _OF_SERVERS.finditer(path.read_text())
        for code in match.groups()
        if code
    }
    assert {
        "REQUEST_TOO_LARGE",
        "MEDIA_TYPE",
        "BODY_BUDGET",
        "CROSS_SITE",
        "HOST_UNKNOWN",
        "UNAUTHORIZED",
    } <= found
    assert found <= set(Reason.__members__)


def test_the_page_of_codes_has_every_meaning() -> None:
    """`docs/reference/reasons.md`, one line for each code."""
    page = (PACKAGE.parents[1] / "docs" / "reference" / "reasons.md").read_text()
    for reason in Reason:
        assert f"| `{reason}` | {reason.meaning} | {reason.remedy} |" in page
