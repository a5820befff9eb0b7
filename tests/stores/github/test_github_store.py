"""GitHub's attestations beside a registry: over TLS, bounded, and the token for one host."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from pyratify.config.build import open_engine
from pyratify.config.load import decode_config
from pyratify.core.descriptor import Descriptor
from pyratify.core.engine import Engine
from pyratify.core.errors import ConfigurationError
from pyratify.core.reason import Reason
from pyratify.core.report import ValidationResult
from pyratify.core.store import Discovery
from pyratify.sigstore.expression import compile_pattern
from pyratify.testing.cosign import CosignKey, another_image, attach_bundle, sign_statement, statement
from pyratify.testing.github import GitHubSimulator
from pyratify.testing.registry import RegistrySimulator
from pyratify.testing.tls import Authority
from support.scenes import codes

KEY = CosignKey.generate()
AUTHORITY = Authority()
TOKEN = "test-only-token"


@pytest.fixture
def registry() -> Iterator[RegistrySimulator]:
    """A registry with one image, `app:v1`, and nothing attached."""
    with RegistrySimulator() as found:
        found.repository().add_image()
        yield found


@pytest.fixture
def github() -> Iterator[GitHubSimulator]:
    """GitHub, over TLS with a certificate of the test's own authority."""
    with GitHubSimulator(AUTHORITY.server_context()) as found:
        yield found


@pytest.fixture
def image(registry: RegistrySimulator) -> Descriptor:
    """The image."""
    store = registry.repository()
    digest = store.tags["v1"]
    return Descriptor(store.types[digest], digest, len(store.manifests[digest]))


@asynccontextmanager
async def engine(
    github: GitHubSimulator,
    folder: Path,
    token: str = "",
    require: str = "any",
    **attestations: Any,
) -> AsyncIterator[Engine]:
    """Open an engine that reads the simulator beside registries, and trusts one key."""
    (folder / "ca.pem").write_text(AUTHORITY.pem)
    (folder / "cosign.pub").write_bytes(KEY.pem)
    given = {"repository": "octo/app", "url": github.url, "caFile": "ca.pem"} | attestations
    api = {name: value for name, value in given.items() if value is not None}
    if token:
        host = github.url.partition("//")[2]
        api["credential"] = {"provider": "static", "password": token, "registries": [host]}
    policy = {"keys": {"files": ["cosign.pub"]}}
    verifier = {"name": "cosign", "type": "cosign", "parameters": {"trustPolicies": [policy]}}
    store = {"type": "github-store", "parameters": {"attestations": api}}
    rules = {"policy": {"rules": [{"verifierName": "cosign", "require": require}]}}
    enforcer = {"type": "threshold-policy", "parameters": rules}
    executor = {"scopes": ["*"], "verifiers": [verifier], "stores": [store], "policyEnforcer": enforcer}
    document = {"executors": [executor]}
    async with open_engine(decode_config(document, folder)) as found:
        yield found


async def validate(
    registry: RegistrySimulator, github: GitHubSimulator, folder: Path, token: str = "", **attestations: Any
) -> ValidationResult:
    """Return the result for the image."""
    async with engine(github, folder, token, **attestations) as found:
        return await found.validate(registry.reference())


def good(image: Descriptor, key: CosignKey = KEY) -> dict[str, Any]:
    """Return a bundle with a statement about the image."""
    return sign_statement(key, statement(image.digest))


@pytest.mark.parametrize("stored", [False, True], ids=["inline", "bundle_url"])
async def test_an_attestation_that_only_github_has_is_evidence(
    stored: bool, registry: RegistrySimulator, github: GitHubSimulator, image: Descriptor, tmp_path: Path
) -> None:
    """In the list itself, or compressed where the list says."""
    github.add(image.digest, good(image), stored=stored)
    result = await validate(registry, github, tmp_path)
    assert result.succeeded, result.to_json()
    (report,) = result.artifacts
    assert report.discovery is Discovery.GITHUB
    assert report.artifact.artifact_type == "application/vnd.dev.sigstore.bundle.v0.3+json"


async def test_what_the_registry_has_is_enough_whatever_github_answers(
    registry: RegistrySimulator, github: GitHubSimulator, image: Descriptor, tmp_path: Path
) -> None:
    """The registry is asked first; GitHub may be down."""
    attach_bundle(registry.repository(), image, good(image))
    github.status = 500
    assert (await validate(registry, github, tmp_path)).succeeded


@pytest.mark.parametrize("stored", [False, True])
async def test_a_bundle_of_another_image_or_key_is_refused(
    stored: bool, registry: RegistrySimulator, github: GitHubSimulator, image: Descriptor, tmp_path: Path
) -> None:
    """GitHub's list binds nothing: what is signed has to."""
    other = another_image(registry.repository())
    github.add(image.digest, good(other), stored=stored)
    github.add(image.digest, good(image, CosignKey.generate()), stored=stored)
    result = await validate(registry, github, tmp_path)
    assert not result.succeeded
    assert {Reason.PAYLOAD_SUBJECT_MISMATCH, Reason.SIG_INVALID} <= codes(result)


async def test_nothing_at_github_is_no_evidence_and_no_error(
    registry: RegistrySimulator, github: GitHubSimulator, tmp_path: Path
) -> None:
    """It answers 404."""
    result = await validate(registry, github, tmp_path)
    assert (result.error, codes(result)) == (None, {Reason.NO_EVIDENCE})


async def test_the_token_goes_to_the_api_alone(
    registry: RegistrySimulator, github: GitHubSimulator, image: Descriptor, tmp_path: Path
) -> None:
    """Neither to the registry nor to where bundles are stored."""
    github.token = TOKEN
    github.add(image.digest, good(image), stored=True)
    assert (await validate(registry, github, tmp_path, TOKEN)).succeeded
    assert [hit.headers.get("authorization") for hit in github.hits] == [f"Bearer {TOKEN}", None]
    assert not any("authorization" in hit.headers for hit in registry.hits)


@pytest.mark.parametrize(
    ("status", "headers", "reason"),
    [
        (401, (), Reason.REGISTRY_AUTH),
        (403, (), Reason.REGISTRY_AUTH),
        (403, (("X-RateLimit-Remaining", "0"),), Reason.REGISTRY_BUSY),
        (403, (("X-RateLimit-Remaining", "58"), ("Retry-After", "60")), Reason.REGISTRY_BUSY),
        (429, (), Reason.REGISTRY_BUSY),
        (500, (), Reason.REGISTRY_ERROR),
        (302, (("Location", "https://elsewhere.example/"),), Reason.REDIRECT_BLOCKED),
        (301, (("Location", "https://user@elsewhere.example/"),), Reason.REGISTRY_ERROR),
        (301, (), Reason.REGISTRY_ERROR),
    ],
)
async def test_what_github_refuses_leaves_it_undecided(
    status: int,
    headers: tuple[tuple[str, str], ...],
    reason: Reason,
    registry: RegistrySimulator,
    github: GitHubSimulator,
    tmp_path: Path,
) -> None:
    """The evidence that is missing may be there; a redirect to another host is not followed."""
    github.status, github.headers = status, headers
    result = await validate(registry, github, tmp_path)
    assert result.error is not None
    assert result.error.reason is reason
    assert len(github.hits) == 1


async def test_pages_are_read_up_to_the_limit(
    registry: RegistrySimulator, github: GitHubSimulator, image: Descriptor, tmp_path: Path
) -> None:
    """The good one is the last of 70: with a limit of 60 it is not read."""
    bad = good(image, CosignKey.generate())
    for _ in range(69):
        github.add(image.digest, bad)
    github.add(image.digest, good(image))
    assert (await validate(registry, github, tmp_path)).succeeded
    assert len(github.hits) == 3
    github.hits.clear()
    result = await validate(registry, github, tmp_path, maxAttestations=60)
    assert result.error is not None
    assert result.error.reason is Reason.REFERRERS_LIMIT
    assert len(github.hits) == 2


@pytest.mark.parametrize("most", [2, 31])
async def test_a_list_that_is_cut_does_not_look_whole(
    most: int, registry: RegistrySimulator, github: GitHubSimulator, image: Descriptor, tmp_path: Path
) -> None:
    """Where all have to be good, one beyond the limit may be bad; where one is enough, it does not matter."""
    for _ in range(most):
        github.add(image.digest, good(image))
    whole = await validate(registry, github, tmp_path, require="all", maxAttestations=most)
    assert whole.succeeded, whole.to_json()
    github.add(image.digest, good(image, CosignKey.generate()))
    result = await validate(registry, github, tmp_path, require="all", maxAttestations=most)
    assert result.error is not None
    assert result.error.reason is Reason.REFERRERS_LIMIT
    assert (await validate(registry, github, tmp_path, maxAttestations=most)).succeeded


async def test_a_repository_that_was_renamed_is_asked_under_its_new_name(
    registry: RegistrySimulator, github: GitHubSimulator, image: Descriptor, tmp_path: Path
) -> None:
    """GitHub redirects within its API, and the token goes along."""
    github.add(image.digest, good(image))
    github.token, github.former = TOKEN, "repos/octo/former"
    assert (await validate(registry, github, tmp_path, TOKEN, repository="octo/former")).succeeded
    assert [hit.path.partition("/attestations")[0] for hit in github.hits] == [
        "/repos/octo/former",
        "/repos/octo/app",
    ]


async def test_redirects_that_go_in_a_circle_are_followed_four_times(
    registry: RegistrySimulator, github: GitHubSimulator, tmp_path: Path
) -> None:
    """Then it is undecided."""
    github.status, github.headers = 301, (("Location", "/repos/octo/app/attestations/x"),)
    result = await validate(registry, github, tmp_path)
    assert result.error is not None
    assert result.error.reason is Reason.REGISTRY_ERROR
    assert len(github.hits) == 4


@pytest.mark.parametrize(("token", "remedy"), [("", "a token: with one"), (TOKEN, "Try again later")])
async def test_a_spent_rate_limit_says_what_helps(
    token: str, remedy: str, registry: RegistrySimulator, github: GitHubSimulator, tmp_path: Path
) -> None:
    """A token, where there is none yet."""
    github.status, github.token = 429, token
    result = await validate(registry, github, tmp_path, token)
    assert result.error is not None
    assert remedy in result.error.remedy


async def test_a_next_page_elsewhere_is_not_asked_for(
    registry: RegistrySimulator, github: GitHubSimulator, image: Descriptor, tmp_path: Path
) -> None:
    """The token would go along."""
    github.next_host = "https://evil.example"
    for _ in range(31):
        github.add(image.digest, good(image, CosignKey.generate()))
    result = await validate(registry, github, tmp_path, TOKEN)
    assert result.error is not None
    assert result.error.reason is Reason.REDIRECT_BLOCKED


@pytest.mark.parametrize("host", ["http://127.0.0.1:1", "https://10.0.0.1", "https://169.254.169.254"])
async def test_bundles_come_from_public_addresses_over_tls(
    host: str, registry: RegistrySimulator, github: GitHubSimulator, image: Descriptor, tmp_path: Path
) -> None:
    """An answer must not lead requests into the network."""
    github.bundle_host = host
    github.add(image.digest, good(image), stored=True)
    result = await validate(registry, github, tmp_path)
    assert result.error is not None
    assert result.error.reason in (Reason.REDIRECT_BLOCKED, Reason.SSRF_BLOCKED)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", Reason.JSON_INVALID),
        (b"[]", Reason.JSON_INVALID),
        (b"{}", Reason.REGISTRY_ERROR),
        (b'{"attestations":null}', Reason.REGISTRY_ERROR),
        (b'{"attestations":{}}', Reason.REGISTRY_ERROR),
        (b'{"attestations":{"bundle":{}}}', Reason.REGISTRY_ERROR),
        (b'{"attestations":[1]}', Reason.REGISTRY_ERROR),
        (b'{"attestations":[{}]}', Reason.REGISTRY_ERROR),
        (b'{"attestations":[{"bundle_url":7}]}', Reason.REGISTRY_ERROR),
        (b'{"attestations":[{"bundle_url":""}]}', Reason.REGISTRY_ERROR),
        (b'{"attestations":[{"bundle_url":"ftp://x"}]}', Reason.REGISTRY_ERROR),
        (b'{"attestations":[],"attestations":[]}', Reason.JSON_DUPLICATE_KEY),
        (b"{" * 100, Reason.PARSE_LIMIT),
    ],
)
async def test_an_answer_that_is_none_leaves_it_undecided(
    body: bytes, reason: Reason, registry: RegistrySimulator, github: GitHubSimulator, tmp_path: Path
) -> None:
    """Strictly parsed: nothing is guessed, and nothing is taken for "no attestations"."""
    github.body = body
    result = await validate(registry, github, tmp_path)
    assert result.error is not None
    assert result.error.reason is reason


async def test_a_stored_bundle_that_is_not_compressed_is_refused(
    registry: RegistrySimulator, github: GitHubSimulator, image: Descriptor, tmp_path: Path
) -> None:
    """Its announced length is held to the limit, too."""
    github.add(image.digest, good(image), stored=b"{}")
    result = await validate(registry, github, tmp_path)
    assert result.error is not None
    assert result.error.reason in (Reason.REGISTRY_ERROR, Reason.DECOMPRESS_LIMIT)


@pytest.mark.parametrize(
    ("attestations", "path"),
    [
        ({"repository": ""}, "attestations.repository"),
        ({"owner": "octo"}, "attestations.repository"),
        ({"repository": "octo"}, "attestations.repository"),
        ({"repository": "octo/.."}, "attestations.repository"),
        ({"repository": "octo/app?x"}, "attestations.repository"),
        ({"repository": "", "owner": "a/b"}, "attestations.owner"),
        ({"url": "http://api.github.com"}, "attestations.url"),
        ({"url": "https://x.example/?q"}, "attestations.url"),
        ({"url": "github"}, "attestations.url"),
        ({"caFile": "none.pem"}, "attestations.caFile"),
        ({"maxAttestations": 0}, "attestations.maxAttestations"),
    ],
)
async def test_what_cannot_be_used_is_said_when_the_configuration_is_read(
    attestations: dict[str, Any], path: str, github: GitHubSimulator, tmp_path: Path
) -> None:
    """With the path of the parameter."""
    with pytest.raises(ConfigurationError) as refused:
        async with engine(github, tmp_path, **attestations):
            pass
    assert refused.value.path == f"executors[0].stores[0].parameters.{path}"


async def test_an_organization_is_asked_under_its_own_path(
    registry: RegistrySimulator, github: GitHubSimulator, image: Descriptor, tmp_path: Path
) -> None:
    """Below the path of an enterprise's server, too."""
    github.owner = "api/v3/orgs/octo"
    github.add(image.digest, good(image))
    url = f"{github.url}/api/v3"
    for absent in ("", None):
        result = await validate(registry, github, tmp_path, repository=absent, owner="octo", url=url)
        assert result.succeeded


@pytest.mark.parametrize("kind", ["orgs", "users"])
async def test_an_owner_is_an_organization_or_a_user(
    kind: str, registry: RegistrySimulator, github: GitHubSimulator, image: Descriptor, tmp_path: Path
) -> None:
    """GitHub answers 404 under the path of the other kind; what one has is not asked for again."""
    github.owner = f"{kind}/octo"
    github.add(image.digest, good(image))
    assert (await validate(registry, github, tmp_path, repository="", owner="octo")).succeeded
    paths = [hit.path.partition("/attestations")[0] for hit in github.hits]
    assert paths == (["/orgs/octo"] if kind == "orgs" else ["/orgs/octo", "/users/octo"])


async def test_an_owner_without_attestations_has_none_of_either_kind(
    registry: RegistrySimulator, github: GitHubSimulator, tmp_path: Path
) -> None:
    """Two answers, and no error."""
    result = await validate(registry, github, tmp_path, repository="", owner="octo")
    assert (result.error, codes(result), len(github.hits)) == (None, {Reason.NO_EVIDENCE}, 2)


@pytest.mark.parametrize("file", ["", None])
async def test_the_systems_authorities_are_used_where_none_are_named(
    file: str | None, registry: RegistrySimulator, github: GitHubSimulator, image: Descriptor, tmp_path: Path
) -> None:
    """They do not know the test's own."""
    github.add(image.digest, good(image))
    result = await validate(registry, github, tmp_path, caFile=file)
    assert result.error is not None
    assert result.error.reason is Reason.TLS_VERIFY


async def test_a_bundle_that_its_storage_does_not_have_leaves_it_undecided(
    registry: RegistrySimulator, github: GitHubSimulator, image: Descriptor, tmp_path: Path
) -> None:
    """It may be the evidence."""
    github.add(image.digest, good(image), stored=True)
    github.missing = True
    result = await validate(registry, github, tmp_path)
    assert result.error is not None
    assert result.error.reason is Reason.REGISTRY_ERROR


async def test_a_next_page_that_is_no_url_leaves_it_undecided(
    registry: RegistrySimulator, github: GitHubSimulator, image: Descriptor, tmp_path: Path
) -> None:
    """Nothing is guessed."""
    github.next_host = "https://user@host"
    for _ in range(31):
        github.add(image.digest, good(image, CosignKey.generate()))
    result = await validate(registry, github, tmp_path)
    assert result.error is not None
    assert result.error.reason is Reason.REGISTRY_ERROR


async def test_what_was_made_of_a_bundle_can_be_read_again(
    registry: RegistrySimulator, github: GitHubSimulator, image: Descriptor, tmp_path: Path
) -> None:
    """Its manifest and its blob, by their digests; and GitHub is not asked what is attached to it."""
    github.add(image.digest, good(image))
    async with engine(github, tmp_path) as found:
        (executor,) = found.executors.values()
        store, reference = executor.store, registry.reference().at(image.digest)
        (referrer,) = [each async for each in store.referrers(reference)]
        assert await store.fetch_manifest(reference, referrer.descriptor, 10_000) == referrer.manifest
        asked = len(github.hits)
        nested = reference.at(referrer.descriptor.digest)
        assert [each async for each in store.referrers(nested)] == []
        assert len(github.hits) == asked


PAGE = Path(__file__).resolve().parents[3] / "docs" / "github.md"


def documented_addresses() -> list[str]:
    """Return the addresses of APIs that the page names, with names in place of its placeholders."""
    found = re.findall(r"`url: (https://[^`]+)`", PAGE.read_text())
    return [each.replace("HOST", "github.example.com").replace("SUBDOMAIN", "octo") for each in found]


@pytest.mark.parametrize("url", documented_addresses())
async def test_the_addresses_of_the_documentation_can_be_configured(
    url: str, github: GitHubSimulator, tmp_path: Path
) -> None:
    """As they stand there; what each leads to is tested with the API."""
    async with engine(github, tmp_path, url=url) as found:
        assert found.executors


def test_the_identity_of_the_documentation_is_that_of_its_workflow() -> None:
    """In every version: an expression has to match the whole name."""
    page = (Path(__file__).parents[3] / "docs" / "github.md").read_text()
    found = re.findall(r"certificateIdentityRegex: (.*)", page)
    workflow = "https://github.com/octo/app/.github/workflows/release.yml"
    assert found
    for expression in found:
        assert compile_pattern(expression).matches(f"{workflow}@refs/tags/v1")
        assert not compile_pattern(expression).matches(f"{workflow.replace('octo', 'evil')}@refs/tags/v1")


def test_the_documentation_names_both_kinds_of_enterprises() -> None:
    """Those with a server of their own, and those with data residency."""
    assert documented_addresses() == ["https://github.example.com/api/v3", "https://api.octo.ghe.com"]
