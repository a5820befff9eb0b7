"""Challenges."""

import pytest

from pyratify.stores.registry.challenge import Challenge, parse_challenges


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (
            ('Bearer realm="https://a/t",service="s",scope="repository:x:pull,push"',),
            [("bearer", {"realm": "https://a/t", "service": "s", "scope": "repository:x:pull,push"})],
        ),
        (('bEARER Realm="https://a/t"',), [("bearer", {"realm": "https://a/t"})]),
        (('Basic realm="x", Bearer realm="y"',), [("basic", {"realm": "x"}), ("bearer", {"realm": "y"})]),
        (('Basic realm="x"', "Negotiate"), [("basic", {"realm": "x"}), ("negotiate", {})]),
        (('Bearer realm="a\\"b", realm="second"',), [("bearer", {"realm": 'a"b'})]),
        (("Bearer realm=plain,service=s",), [("bearer", {"realm": "plain", "service": "s"})]),
        (('realm="without scheme"',), []),
        (("",), []),
        (('Bearer realm="unterminated',), [("bearer", {})]),
    ],
)
def test_challenges_are_read(values: tuple[str, ...], expected: list[tuple[str, dict[str, str]]]) -> None:
    """Several fields, several challenges in one field, quoting, and what is broken."""
    assert [(c.scheme, dict(c.parameters)) for c in parse_challenges(values)] == expected


def test_the_essence_of_a_challenge_is_the_same_for_every_repository() -> None:
    """Two challenges that differ in their scope alone are one."""
    first = Challenge("bearer", {"realm": "r", "service": "s", "scope": "repository:a:pull"})
    second = Challenge("bearer", {"realm": "r", "service": "s", "scope": "repository:b:pull"})
    assert first != second
    assert first.essence == second.essence
    assert first.essence != Challenge("bearer", {"realm": "other", "service": "s"}).essence


def test_a_very_long_challenge_is_cut() -> None:
    """A registry cannot make a client chew on megabytes."""
    assert len(parse_challenges(["a " * 1_000_000])) <= 4096
