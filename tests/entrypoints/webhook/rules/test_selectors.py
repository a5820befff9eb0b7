"""Patterns of namespaces: a whole name, where a star is any part of one."""

import pytest

from pyratify.core.errors import ConfigurationError
from pyratify.entrypoints.webhook.pod_images import Kind
from pyratify.entrypoints.webhook.rules.match import ObjectAttributes
from pyratify.entrypoints.webhook.rules.selectors import names
from support.webhooks import rules

POD = Kind("", "Pod")


@pytest.mark.parametrize(
    ("namespace", "denied"),
    [
        ("kube-system", False),
        ("kube-system-2", True),
        ("kube-systems", True),
        ("my-kube-system", True),
        ("kube", True),
        ("sandbox-a", False),
        ("sandbox-", False),
        ("a-sandbox-a", True),
        ("team-test-eu", False),
        ("team-test-eu-2", True),
    ],
)
def test_a_longer_name_is_not_excluded(namespace: str, denied: bool) -> None:
    """A tenant who may choose a name could else step out of every rule by adding to an excluded one."""
    text = "rules: [{name: all, excludeNamespaces: [kube-system, sandbox-*, team-*-eu]}]"
    assert bool(rules(text).matching(ObjectAttributes(namespace=namespace, kind=POD))) is denied


@pytest.mark.parametrize(
    ("namespace", "covered"),
    [("prod", True), ("prod-eu", False), ("xprod", False), ("prod\n", False), ("", False)],
)
def test_a_longer_name_is_not_included_either(namespace: str, covered: bool) -> None:
    """A rule for `prod` says nothing of `prod-eu`."""
    text = "rules: [{name: one, namespaces: [prod]}]"
    assert bool(rules(text).matching(ObjectAttributes(namespace=namespace, kind=POD))) is covered


def test_no_pattern_matches_no_name() -> None:
    """An empty list of exclusions excludes none, not even the empty name."""
    for name in ("", "team"):
        assert names((), "x").fullmatch(name) is None


@pytest.mark.parametrize("pattern", ["a**b", "*-*-*-*", "**"])
def test_a_pattern_with_too_many_stars_is_refused(pattern: str) -> None:
    """It would be slow and say no more."""
    with pytest.raises(ConfigurationError, match="too many stars"):
        names((pattern,), "rules[0].namespaces")
    assert names(("*-*-*",), "x").fullmatch("a-b-c")
