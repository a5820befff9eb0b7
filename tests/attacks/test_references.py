"""Section A of the catalogue: references and scopes that different readers could understand differently."""

import pytest

from pyratify.core.engine import Engine
from pyratify.core.errors import ConfigurationError, InvalidReference
from pyratify.core.executor import Executor
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import Decision
from pyratify.core.scope import ScopeMap
from pyratify.testing.fakes import FakeVerifier
from pyratify.testing.memory import MemoryStore
from support.scenes import KIND, ONE, codes, validate

HEX = "0" * 64


def refused(text: str) -> None:
    """Expect a refusal whose message is short and printable."""
    with pytest.raises(InvalidReference) as caught:
        Reference.parse(text)
    assert caught.value.reason is Reason.REF_INVALID
    assert len(caught.value.message) < 400
    assert caught.value.message.isascii()


def engine(**stores: MemoryStore) -> Engine:
    """Return an engine whose scopes are the names, with `__` for a slash and `ALL` for everything."""
    executors = [
        (
            "*" if name == "ALL" else name.replace("__", "/").replace("_", ".").replace("ANY", "*"),
            Executor(store=store, verifiers=(FakeVerifier(),), policy=ONE),
        )
        for name, store in stores.items()
    ]
    return Engine(ScopeMap(executors))


def signed() -> MemoryStore:
    """Return a store whose every tag `latest` is signed."""
    store = MemoryStore()
    store.attach(store.add_image("latest"), KIND)
    return store


@pytest.mark.parametrize(
    "text",
    [
        "good.io\\@evil.io/app:v1",
        "good.io/../evil.io/x",
        "good.io/./x",
        "ghcr.io%2fevil/x",
        " ghcr.io/x",
        "\tghcr.io/x",
        "\0ghcr.io/x",
        "ghcr.io/x\0",
        "good.io:443@evil.io/x",
        "user:password@good.io/x",
        "good.io#evil.io/x",
        "good.io?evil.io/x",
        "//evil.io/x",
        "http://evil.io/x",
        "good.io/x;evil.io",
        "good.io/x,evil.io/y",
        "good.io\\evil.io/x",
        "good.io/x y",
        "good.io:80:80/x",
        "[good.io]/x",
        "good.io/x:v1:v2",
        "good.io/x$(id)",
        "good.io/`id`",
        "*.good.io/x",
        f"good.io/x@sha256:{HEX}@sha256:{HEX}",
    ],
)
def test_atk_001_what_components_could_parse_differently_is_refused(text: str) -> None:
    """One parser, and nothing outside the grammar passes it; the store is never asked."""
    refused(text)


@pytest.mark.parametrize(
    "spelling",
    [
        "nginx",
        "library/nginx",
        "docker.io/nginx",
        "docker.io/library/nginx",
        "index.docker.io/library/nginx",
        "registry-1.docker.io/library/nginx",
        "DOCKER.IO:443/nginx",
    ],
)
async def test_atk_002_all_spellings_of_a_docker_hub_name_meet_the_same_policy(spelling: str) -> None:
    """A denial for one spelling denies all; none falls to the laxer default."""
    result = await engine(docker_io__library__nginx=MemoryStore(), ALL=signed()).validate(
        Reference.parse(spelling)
    )
    assert result.decision is Decision.DENY
    assert str(result.reference) == "docker.io/library/nginx:latest"


async def test_atk_003_the_digest_decides_beside_a_signed_tag() -> None:
    """`app:signed@D2` is about D2, which is not signed."""
    store = MemoryStore()
    store.attach(store.add_image("signed"), KIND)
    unsigned = store.add_image("unsigned", b"other")
    result = await validate(store, reference=Reference.parse(f"r.io/a:signed@{unsigned.digest}"))
    assert result.decision is Decision.DENY
    assert result.subject is not None
    assert result.subject.digest == unsigned.digest


@pytest.mark.parametrize("text", ["r.io/a:", "r.io/a@", "r.io/a:@sha256:" + HEX, "r.io/a:v1@"])
def test_atk_003_empty_tags_and_digests_are_refused(text: str) -> None:
    """Nothing is not the default."""
    refused(text)


@pytest.mark.parametrize("text", ["GHCR.IO/x", "ghcr.io./x", "ghcr.io:443/x", "Ghcr.io.:443/x"])
async def test_atk_004_all_spellings_of_a_host_meet_the_same_policy(text: str) -> None:
    """Case, trailing dot and default port make no other registry."""
    result = await engine(ghcr_io=MemoryStore(), ALL=signed()).validate(Reference.parse(text))
    assert result.decision is Decision.DENY
    assert result.reference.registry == "ghcr.io"


@pytest.mark.parametrize("text", ["ghcr.io/X", "ghcr.io/team/App", "ghcr.io:0443/x", "OCI/x", "FOO/x"])
def test_atk_004_spellings_that_have_no_canonical_form_are_refused(text: str) -> None:
    """Upper-case repositories, padded ports, and hosts that would be read as something else again."""
    refused(text)


@pytest.mark.parametrize(
    "text",
    [
        "ghcr\u3002io/a",
        "\uff47\uff48\uff43\uff52.io/a",
        "gh\u0441r.io/a",
        "\u212aubernetes.io/a",
        "ghcr.io\u200b/a",
        "ghcr.io/\u0430",
        "ghcr.io/a:v\uff11",
        "\u202eoi.rchg/a",
    ],
)
def test_atk_005_references_are_ascii_only(text: str) -> None:
    """Homographs, full-width letters and invisible characters are refused and shown escaped."""
    refused(text)


@pytest.mark.parametrize("suffix", ["\n", "\r", "\r\n", "\u2028", "\x85", "\v"])
@pytest.mark.parametrize("text", [f"r.io/a@sha256:{HEX}", "r.io/a:v1", "r.io/a/b", "r.io:5000/a"])
def test_atk_006_nothing_may_follow_a_field(text: str, suffix: str) -> None:
    """A trailing line break is part of no field, wherever it stands."""
    refused(text + suffix)
    with pytest.raises(ConfigurationError):
        ScopeMap([(text.partition("@")[0].removesuffix(":v1") + suffix, 1)])


@pytest.mark.parametrize(
    "text",
    [
        "r.io/" + "a" * 65_536,
        "r.io/" + "a/" * 10_000 + "a",
        "r.io/a:" + "t" * 129,
        "a." * 10_000 + "io/a",
        "r.io/" + "a-" * 30_000 + "!",
        f"r.io/a@sha256:{'0' * 1_000_000}",
    ],
)
def test_atk_007_overlong_references_are_refused_before_they_are_read(text: str) -> None:
    """Length is bounded before any grammar, and the message does not repeat it all."""
    refused(text)


@pytest.mark.parametrize(
    ("scope", "image"),
    [
        ("*.trusted.io", "attacker.com/x.trusted.io/org/evil"),
        ("*.trusted.io", "xtrusted.io/a"),
        ("*.trusted.io", "trusted.io/a"),
        ("*.trusted.io", "a.b.trusted.io/a"),
        ("*.trusted.io", "a.trusted.io.evil.io/a"),
        ("*.trusted.io", "a.trusted.io:5000/a"),
        ("trusted.io", "trusted.io.evil.io/a"),
        ("trusted.io", "evil.io/trusted.io/a"),
        ("trusted.io/org/*", "trusted.io/org"),
        ("trusted.io/org/*", "evil.io/trusted.io/org/a"),
        ("trusted.io/org/*", "a.trusted.io/org/a"),
        ("trusted.io/org/app", "trusted.io/org/app/evil"),
    ],
)
async def test_atk_009_a_wildcard_crosses_no_boundary(scope: str, image: str) -> None:
    """A star is one leading label, or the rest of a path below a slash."""
    executor = Executor(store=signed(), verifiers=(FakeVerifier(),), policy=ONE)
    result = await Engine(ScopeMap([(scope, executor)])).validate(Reference.parse(image))
    assert result.decision is Decision.DENY
    assert codes(result) == {Reason.SCOPE_NO_MATCH}


@pytest.mark.parametrize("scope", ["*.trusted.io/org/*", "trusted.io/o*", "*", "tr*.io", "*.*.io"])
def test_atk_009_other_wildcards_are_refused(scope: str) -> None:
    """What the matcher does not know is no scope; the star alone is the default, asked for by name."""
    if scope == "*":
        assert ScopeMap([(scope, 1)]).match(Reference.parse("any.io/a")) == 1
        return
    with pytest.raises(ConfigurationError):
        ScopeMap([(scope, 1)])


@pytest.mark.parametrize("scope", ["ghcr.io/org", "ghcr.io/org/*"])
@pytest.mark.parametrize("image", ["ghcr.io/org-evil/app", "ghcr.io/orgx", "ghcr.io/organisation/app"])
async def test_atk_010_a_prefix_ends_at_a_slash(scope: str, image: str) -> None:
    """`org` is not the beginning of `org-evil`."""
    executor = Executor(store=signed(), verifiers=(FakeVerifier(),), policy=ONE)
    result = await Engine(ScopeMap([(scope, executor)])).validate(Reference.parse(image))
    assert codes(result) == {Reason.SCOPE_NO_MATCH}


def test_atk_010_a_prefix_without_its_star_is_refused() -> None:
    """`ghcr.io/org/` could be meant as either."""
    with pytest.raises(ConfigurationError):
        ScopeMap([("ghcr.io/org/", 1)])


@pytest.mark.parametrize("image", ["a.b.example.com/x", "example.com/x", "b-example.com/x"])
async def test_atk_011_a_zone_has_exactly_one_label_more(image: str) -> None:
    """What it does not cover is denied: there is no default that was not asked for."""
    result = await engine(ANY_example_com=signed()).validate(Reference.parse(image))
    assert codes(result) == {Reason.SCOPE_NO_MATCH}


@pytest.mark.parametrize(
    "scope",
    [
        "Docker.io/library/nginx",
        "ghcr.io:443/a",
        "index.docker.io/library/nginx",
        "docker.io/nginx",
        "nginx",
        "team/app",
        "ghcr.io./a",
        "GHCR.io",
        "*.GHCR.io",
        "ghcr.io/a:v1",
    ],
)
def test_atk_012_a_scope_that_would_never_match_is_refused(scope: str) -> None:
    """With the spelling that does match."""
    with pytest.raises(ConfigurationError) as caught:
        ScopeMap([(scope, 1)])
    canonical = caught.value.remedy.removeprefix("Write '").removesuffix("'.")
    ScopeMap([(canonical, 1)])
