"""What rules find in a document, counted whole and shown in part."""

import pytest

from pyratify.evidence.findings import SHOWN, Finding, count_and_show


@pytest.mark.parametrize("number", [1, 2, SHOWN, SHOWN + 1, 100])
def test_all_are_counted_and_the_first_are_shown(number: int) -> None:
    """The rest is a number."""
    findings = [Finding(f"package {each}", "denied") for each in range(number)]
    shown = "; ".join(f"package {each}: denied" for each in range(min(number, SHOWN)))
    more = f"; and {number - SHOWN} more" if number > SHOWN else ""
    what = "package is bad" if number == 1 else "packages are bad"
    assert (
        count_and_show(iter(findings), "package is bad", "packages are bad")
        == f"{number} {what}: {shown}{more}"
    )


def test_a_long_name_is_cut() -> None:
    """A document chooses its length."""
    assert str(Finding("a" * 1000, "b" * 1000)) == f"{'a' * 160}: {'b' * 160}"
