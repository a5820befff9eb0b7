"""Patterns over names in evidence: what they match, and above all what they do not."""

import pytest

from pyratify.core.errors import ConfigurationError
from pyratify.evidence.patterns import check_patterns, matches

REPOSITORY = "https://github.com/acme/*"
HOST = "https://*.acme.example/app"
ANYWHERE = "https://github.com/acme/**/release.yml"


@pytest.mark.parametrize(
    ("pattern", "text", "matched"),
    [
        ("https://github.com/acme/app", "https://github.com/acme/app", True),
        ("https://github.com/acme/app", "https://github.com/acme/App", False),
        ("https://github.com/acme/app", "https://github.com/acme/app/", False),
        (REPOSITORY, "https://github.com/acme/app", True),
        (REPOSITORY, "https://github.com/acme/", True),
        (REPOSITORY, "https://github.com/acme", False),
        (REPOSITORY, "https://github.com/acme/app/x", False),
        (REPOSITORY, "https://github.com/acme-evil/app", False),
        (REPOSITORY, "https://evil.example/https://github.com/acme/app", False),
        (REPOSITORY, "https://github.com/acme/app\n", False),
        ("https://github.com/acme/app-*-x", "https://github.com/acme/app-1-2-x", True),
        ("https://github.com/acme/app-*-x", "https://github.com/acme/app-x", False),
        ("https://github.com/acme/a*b*c", "https://github.com/acme/a-b-b-c", True),
        ("https://github.com/acme/a*b*c", "https://github.com/acme/a-c-b", False),
        (ANYWHERE, "https://github.com/acme/release.yml", True),
        (ANYWHERE, "https://github.com/acme/app/release.yml", True),
        (ANYWHERE, "https://github.com/acme/app/.github/workflows/release.yml", True),
        (ANYWHERE, "https://github.com/acme/app/release.yml/x", False),
        (ANYWHERE, "https://github.com/evil/app/release.yml", False),
        (ANYWHERE, "https://github.com/acme/app/other.yml", False),
        (ANYWHERE, "https://github.com/release.yml", False),
        (ANYWHERE, "https://github.com/acme/../evil/release.yml", False),
        (ANYWHERE, "https://github.com/acme/%2e%2E/evil/release.yml", False),
        (REPOSITORY, "https://github.com/acme/.%2e", False),
        (REPOSITORY, "https://github.com/acme/..app", True),
        (REPOSITORY, "https://github.com/acme/..?x", False),
        ("https://github.com/acme/**", "https://github.com/acme/..%2fevil/app", False),
        ("https://github.com/acme/**", "https://github.com/acme/x%2F%2e.%2Fevil", False),
        (REPOSITORY, "https://github.com/acme/..\\evil", False),
        (REPOSITORY, "https://github.com/acme/a%2fb", True),
        (HOST, "https://git.acme.example/app", True),
        (HOST, "https://git.acme.example:8443/app", False),
        (HOST, "https://evil.example?.acme.example/app", False),
        (HOST, "https://evil.example\\.acme.example/app", False),
        (HOST, "https://evil.example#.acme.example/app", False),
        (HOST, "https://evil.example%2f.acme.example/app", False),
        (HOST, "https://evil.example\u3002.acme.example/app", False),
        (HOST, "https://evil.example@git.acme.example/app", False),
        (HOST, "https://evil.example:.acme.example/app", False),
        (HOST, "https://evil.example:443.acme.example/app", False),
        (HOST, "https://[evil.example].acme.example/app", False),
        ("https://git.acme.example:*/app", "https://git.acme.example:8443/app", True),
        ("https://git.acme.example:*/app", "https://git.acme.example:x@evil.example/app", False),
        ("https://*/app", "https://[::1]:8443/app", True),
        ("https://*/app", "https://git.acme.example:8443/app", True),
        ("https://**/app", "https://acme.example?x/app", False),
        ("ssh://git@*.acme.example/app", "ssh://git@git.acme.example/app", True),
        ("ssh://git@*.acme.example/app", "ssh://git@evil.example@git.acme.example/app", False),
        ("ssh://git@*.acme.example/app", "ssh://git@evil.example:22.acme.example/app", False),
        ("*://acme.example/app", "ssh://acme.example/app", True),
        ("pkg:oci/app*", "pkg:oci/app?repository_url=acme.example%2fapp", True),
        ("https://github.com/acme/**", "https://github.com/acme", True),
        ("https://github.com/acme/**", "https://github.com/acme/a/b/c", True),
        ("https://github.com/acme/**", "https://github.com/acmeevil/a", False),
        ("**/acme/app", "https://github.com/acme/app", True),
        ("**/acme/app", "acme/app", True),
        ("**/acme/app", "https://github.com/xacme/app", False),
        ("a/**/b/c", "a/b", False),
        ("a/b/**/b/c", "a/b/c", False),
        ("a/b/**/b/c", "a/b/b/c", True),
        ("a.c/*", "abc/x", False),
        ("*", "", False),
    ],
)
def test_a_pattern_matches_the_whole_text_part_by_part(pattern: str, text: str, matched: bool) -> None:
    """A star stays within a part; two stars are any number of parts, none too; the parts around them never overlap."""
    assert matches((pattern,), text) is matched
    assert matches(("nothing/like/it", pattern), text) is matched


def test_what_is_longer_than_4096_characters_matches_no_wildcard() -> None:
    """The length of a name is its author's choice; the greatest one is as good as any."""
    check_patterns(("a" * 4096,), "p")
    assert matches(("a*",), "a" * 4096)
    assert not matches(("a*",), "a" * 4097)


def test_no_pattern_matches_nothing() -> None:
    """An empty list allows no text."""
    assert not matches((), "https://github.com/acme/app")


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("", "names nothing"),
        ("*", "names nothing"),
        ("**/*", "names nothing"),
        ("/", "names nothing"),
        ("https://**", "names nothing"),
        ("https://*", "names nothing"),
        ("https://*/**", "names nothing"),
        ("https://*.*/*", "names nothing"),
        ("git+https://**/", "names nothing"),
        ("http*://**", "names nothing"),
        ("*://**", "names nothing"),
        ("pkg:*/**", "names nothing"),
        ("https:*", "names nothing"),
        ("*:*", "names nothing"),
        ("a" * 4097, "4097 characters, more than the 4096"),
        ("acme/[ab]*", "'\\['"),
        ("acme/{a,b}/*", "'{'"),
        ("acme/?/*", r"'\?'"),
        ("acme/**x/app", "one whole part"),
        ("**/acme/**", "twice"),
    ],
)
def test_a_pattern_that_cannot_be_meant_is_refused(pattern: str, why: str) -> None:
    """With its path; wildcards of other matchers are not taken for text."""
    with pytest.raises(ConfigurationError, match=why) as caught:
        check_patterns(("acme/app", pattern), "builderIds")
    assert caught.value.path == "builderIds[1]"


@pytest.mark.parametrize(
    "pattern",
    [
        "acme/app",
        "acme/*",
        "acme/**/x",
        "a[b]",
        "a" * 4096,
        "https://*.example.com/**",
        "https://github.com/**",
        "*://github.com/acme/*",
        "**/release.yml",
        "refs/tags/v*",
        "v*",
        "urn:example:*",
        "pkg:npm/*",
        "https://*/app",
        "host:8443/*",
        "ä/*",
    ],
)
def test_a_pattern_that_names_something_is_accepted(pattern: str) -> None:
    """A host, a part of a path, a reference."""
    check_patterns((pattern,), "builderIds")
