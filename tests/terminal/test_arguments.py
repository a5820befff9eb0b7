"""Values of flags."""

from argparse import ArgumentTypeError

import pytest

from pyratify.terminal.arguments import count


@pytest.mark.parametrize("text", ["0", "10001", "-1", "1.0", " 1", "1e3", "²", "0000000019999", "1" * 5000])
def test_a_number_is_whole_and_within_its_limit(text: str) -> None:
    """However it is written: leading zeros make no number smaller."""
    with pytest.raises(ArgumentTypeError, match="no whole number from 1 to 10000"):
        count(text)


@pytest.mark.parametrize(("text", "number"), [("1", 1), ("0010", 10), ("10000", 10_000)])
def test_a_number_within_its_limit_is_taken(text: str, number: int) -> None:
    """Both ends count."""
    assert count(text) == number
