"""Scopes: which configuration is responsible."""

import pytest

from pyratify.core.errors import ConfigurationError
from pyratify.core.reference import Reference
from pyratify.core.scope import ScopeMap

SCOPES = [
    "*",
    "*.example.com",
    "*.example.com:5000",
    "reg.example.com",
    "reg.example.com/team/*",
    "reg.example.com/team/inner/*",
    "reg.example.com/team/inner/app",
    "docker.io/library/nginx",
]


@pytest.mark.parametrize(
    ("reference", "scope"),
    [
        ("reg.example.com/team/inner/app:v1", "reg.example.com/team/inner/app"),
        ("reg.example.com/team/inner/app/more", "reg.example.com/team/inner/*"),
        ("reg.example.com/team/inner/other", "reg.example.com/team/inner/*"),
        ("reg.example.com/team/inner", "reg.example.com/team/*"),
        ("reg.example.com/team/app", "reg.example.com/team/*"),
        ("reg.example.com/team", "reg.example.com"),
        ("reg.example.com/team-evil/app", "reg.example.com"),
        ("REG.example.com:443/team-evil/app", "reg.example.com"),
        ("other.example.com/team/app", "*.example.com"),
        ("other.example.com:5000/team/app", "*.example.com:5000"),
        ("other.example.com:5001/team/app", "*"),
        ("a.other.example.com/app", "*"),
        ("example.com/app", "*"),
        ("localhost/app", "*"),
        ("nginx", "docker.io/library/nginx"),
        ("index.docker.io/nginx", "docker.io/library/nginx"),
        ("nginx/nginx", "*"),
    ],
)
def test_the_most_specific_scope_decides(reference: str, scope: str) -> None:
    """Exact, then the longest prefix, the registry, the zone, and everything."""
    for order in (SCOPES, SCOPES[::-1]):
        assert ScopeMap((text, text) for text in order).match(Reference.parse(reference)) == scope


def test_there_is_no_implicit_default() -> None:
    """What no scope covers has no value."""
    assert ScopeMap([("ghcr.io", 1)]).match(Reference.parse("quay.io/app")) is None
    assert ScopeMap[int]([]).match(Reference.parse("quay.io/app")) is None


def test_a_layout_is_covered_by_everything_only() -> None:
    """A path is no registry's repository, whatever it is called."""
    scopes = ScopeMap([("docker.io/library/oci", 1), ("*", 2)])
    assert scopes.match(Reference.parse_layout("oci:images:v1")) == 2


def test_a_scope_given_twice_is_refused() -> None:
    """Which of two would decide could not be said."""
    with pytest.raises(ConfigurationError, match="twice"):
        ScopeMap([("ghcr.io", 1), ("ghcr.io", 2)])


def test_scopes_and_values_keep_their_order() -> None:
    """A map is a collection of what it was given."""
    scopes = ScopeMap([("quay.io", 1), ("ghcr.io", 2)])
    assert (len(scopes), list(scopes), scopes.values()) == (2, ["quay.io", "ghcr.io"], (1, 2))


@pytest.mark.parametrize(
    ("scope", "canonical"),
    [
        ("nginx", "docker.io/library/nginx"),
        ("team/app", "docker.io/team/app"),
        ("team/*", "docker.io/team/*"),
        ("docker.io/nginx", "docker.io/library/nginx"),
        ("Docker.io/library/nginx", "docker.io/library/nginx"),
        ("index.docker.io", "docker.io"),
        ("ghcr.io:443", "ghcr.io"),
        ("ghcr.io:443/app", "ghcr.io/app"),
        ("GHCR.io/team/*", "ghcr.io/team/*"),
        ("ghcr.io/*", "ghcr.io"),
        ("ghcr.io.", "ghcr.io"),
        ("ghcr.io/app:v1", "ghcr.io/app"),
        ("*.Example.com", "*.example.com"),
        ("*.example.com:443", "*.example.com"),
        ("*.io:443", "*.io"),
    ],
)
def test_a_scope_that_would_never_match_is_refused_with_its_canonical_form(
    scope: str, canonical: str
) -> None:
    """References are canonical, so that another spelling in the configuration would silently cover nothing."""
    with pytest.raises(ConfigurationError) as caught:
        ScopeMap([(scope, 1)])
    assert caught.value.remedy == f"Write {canonical!r}."
    ScopeMap([(canonical, 1)])


@pytest.mark.parametrize(
    "scope",
    [
        "",
        "/",
        "ghcr.io/",
        "ghcr.io//*",
        "ghcr.io/a*",
        "ghcr.io/*/app",
        "ghcr.io/team/**",
        "ghcr.io/Team/app",
        "*.trusted.io/org/*",
        "*.",
        "*.*.io",
        "**",
        "*io",
        "a.*.io",
        "*.io:0",
        "*.io:99999",
        "ghcr.io\n",
        "ghcr.io/app ",
        "gh\u0441r.io",
        "FOO",
    ],
)
def test_a_malformed_scope_is_refused(scope: str) -> None:
    """A star stands for everything, for one leading label, or for the rest of a path, and for nothing else."""
    with pytest.raises(ConfigurationError) as caught:
        ScopeMap([(scope, 1)])
    assert "is not a scope" in caught.value.message


def test_a_layout_without_a_default_is_covered_by_nothing() -> None:
    """Files on this machine need the scope that covers everything."""
    assert ScopeMap([("docker.io", 1)]).match(Reference.parse_layout("oci:images")) is None
