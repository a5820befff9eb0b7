"""Section G: expressions over identities."""

import pytest

from pyratify.sigstore.expression import compile_pattern

PATTERN = r"https://github\.com/org/.*"


@pytest.mark.parametrize(
    "identity",
    [
        "https://evil.com/?https://github.com/org/repo",
        "https://githubXcom/org/repo",
        "https://GITHUB.com/org/repo",
        "https://github.com/organisation/repo",
        "https://github.com/org/repo\nhttps://evil.com",
    ],
)
def test_atk_121_an_expression_matches_the_whole_identity_as_it_is_written(identity: str) -> None:
    """Anchored at both ends, without folding case, and a line break ends nothing."""
    assert compile_pattern(PATTERN).matches("https://github.com/org/repo")
    assert not compile_pattern(PATTERN).matches(identity)
