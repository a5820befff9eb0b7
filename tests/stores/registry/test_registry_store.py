"""The registry store: what the contract does not say."""

import asyncio
import base64
import json
from pathlib import Path

import pytest

from pyratify.core.credential import Credential
from pyratify.core.digest import Digest
from pyratify.core.errors import StoreError
from pyratify.core.manifest import DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import Decision
from pyratify.core.store import Discovery
from pyratify.credentials.docker_config import DockerCredentials
from pyratify.http.transport import Headers, Response
from pyratify.http.transport_asyncio import AsyncioTransport
from pyratify.http.url import Url
from pyratify.stores.registry.referrers import cosign_tags, next_link, referrers_tag
from pyratify.stores.registry.registry_options import ReferrersMode, RegistryOptions
from pyratify.testing.memory import make_manifest
from pyratify.testing.registry import BasicAuth, BearerAuth, Fault, RegistrySimulator, redirect
from pyratify.testing.tls import Authority
from support.registries import (
    SIGNATURE,
    USER,
    Credentials,
    executor,
    listed,
    listed_until_error,
    open_store,
    record_dialling,
    sign,
)

MATERIAL = Path(__file__).resolve().parents[3] / "examples" / "material" / "layout"


async def _reason(registry: RegistrySimulator, name: str = "v1", **options: object) -> StoreError:
    async with open_store(**options) as store:  # type: ignore[arg-type]
        with pytest.raises(StoreError) as caught:
            await store.resolve(registry.reference("app", name))
    return caught.value


async def test_an_index_is_resolved_too(registry: RegistrySimulator) -> None:
    """Images for several platforms are verified as the index they are."""
    body = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}).encode()
    index = registry.repository("app").add_manifest(body, tag="v1", media_type=OCI_INDEX)
    async with open_store() as store:
        descriptor = await store.resolve(registry.reference("app", "v1"))
    assert descriptor.same_content(index)


async def test_a_manifest_is_asked_for_in_every_type(registry: RegistrySimulator) -> None:
    """OCI's and Docker's, image and index; nothing is encoded."""
    registry.repository("app").add_manifest(
        json.dumps({**json.loads(make_manifest()), "mediaType": DOCKER_MANIFEST}).encode(),
        tag="v1",
        media_type=DOCKER_MANIFEST,
    )
    async with open_store(user_agent="test/1") as store:
        await store.resolve(registry.reference("app", "v1"))
    headers = registry.hits[0].headers
    assert DOCKER_MANIFEST in headers["accept"]
    assert OCI_INDEX in headers["accept"]
    assert headers["user-agent"] == "test/1"


@pytest.mark.parametrize(
    ("fault", "reason", "words"),
    [
        (Fault(status=403), Reason.REGISTRY_AUTH, "HTTP 403"),
        (Fault(status=418), Reason.REGISTRY_ERROR, "HTTP 418"),
        (Fault(status=404), Reason.NOT_FOUND, "was not found"),
        (Fault(status=401), Reason.REGISTRY_AUTH, "does not say how to authenticate"),
        (Fault(status=503), Reason.REGISTRY_ERROR, "3 tries"),
        (Fault(close=True), Reason.REGISTRY_UNREACHABLE, "3 tries"),
        (Fault(body=b"{", headers={"Docker-Content-Digest": None}), Reason.JSON_INVALID, "not JSON"),
        (
            Fault(body=b"<html>", headers={"Content-Type": "text/html; charset=utf-8"}),
            Reason.REGISTRY_ERROR,
            "a web page (text/html) in place of the manifest",
        ),
        (Fault(headers={"Content-Type": ""}), Reason.MEDIATYPE_MISMATCH, "an empty Content-Type"),
        (Fault(headers={"Content-Type": None}), Reason.MEDIATYPE_MISMATCH, "no Content-Type"),
        (
            Fault(headers={"Docker-Content-Digest": ""}),
            Reason.DIGEST_INVALID,
            "an empty Docker-Content-Digest",
        ),
        (
            Fault(
                status=400,
                body=b'{"errors":[{"code":"NAME_INVALID","message":"no such name"}]}',
            ),
            Reason.REGISTRY_ERROR,
            "NAME_INVALID: no such name",
        ),
    ],
)
async def test_a_failure_says_where_and_what(
    registry: RegistrySimulator, fault: Fault, reason: Reason, words: str
) -> None:
    """The host, the operation, what was tried, and what the registry says of it."""
    registry.repository("app").add_image("v1")
    registry.fault(fault)
    error = await _reason(registry)
    assert error.reason is reason
    assert words in error.message
    assert registry.host in error.message
    assert "v1" in error.message
    assert error.remedy


async def test_the_deadline_holds_over_all_tries(registry: RegistrySimulator) -> None:
    """No wait begins that would end after it."""
    from pyratify.testing.fakes import FakeClock

    clock = FakeClock()
    registry.fault(Fault(status=503, headers={"Retry-After": "9"}))
    error = await _reason(registry, timeout=8.0, clock=clock)
    assert error.reason is Reason.REGISTRY_ERROR
    assert clock.slept == []
    assert len(registry.hits) == 1


async def test_a_registry_without_an_answer_in_time_is_a_timeout(registry: RegistrySimulator) -> None:
    """Where the waits together have used up the time, the last try is not made."""
    from pyratify.testing.fakes import FakeClock

    class Jump(FakeClock):
        async def sleep(self, seconds: float) -> None:
            self.advance(100.0)

    registry.fault(Fault(status=503))
    assert (await _reason(registry, clock=Jump())).reason is Reason.TIMEOUT


async def test_what_is_no_registry_is_unreachable() -> None:
    """A port that no network has."""
    async with open_store() as store:
        with pytest.raises(StoreError) as caught:
            await store.resolve(Reference("example.com:99999", "app", "v1"))
    assert caught.value.reason is Reason.REGISTRY_UNREACHABLE


async def test_referrers_are_listed_by_digest_only(registry: RegistrySimulator) -> None:
    """A tag has to be resolved first, once."""
    async with open_store() as store:
        with pytest.raises(StoreError):
            await listed(store, registry.reference("app", "v1"))


async def test_cosigns_tags_come_first_in_order_then_referrers(registry: RegistrySimulator) -> None:
    """`.sig`, `.att`, `.sbom`, referrers, however fast each is; manifests under cosign's tags come with their bytes."""
    memory = registry.repository("app")
    image = memory.add_image("v1")
    referrer = sign(memory, image)
    tagged = [
        memory.add_manifest(
            make_manifest(annotations={"kind": kind}), tag=f"sha256-{image.digest.hex}.{kind}"
        )
        for kind in ("sbom", "sig", "att")
    ]
    registry.fault(Fault(path=r"\.sig", drip=0.0))
    async with open_store(cosign_tags=True) as store:
        found = await listed(store, registry.reference("app", str(image.digest)))
    assert [entry.descriptor.digest for entry in found] == [
        tagged[1].digest,
        tagged[2].digest,
        tagged[0].digest,
        referrer.digest,
    ]
    assert [entry.discovery for entry in found] == [*[Discovery.COSIGN_TAG] * 3, Discovery.REFERRERS_API]
    assert found[0].manifest == memory.manifests[tagged[1].digest]


async def test_cosigns_tags_are_not_looked_at_unless_wanted(registry: RegistrySimulator) -> None:
    """As in Ratify v2."""
    memory = registry.repository("app")
    image = memory.add_image("v1")
    memory.add_manifest(make_manifest(), tag=f"sha256-{image.digest.hex}.sig")
    async with open_store() as store:
        assert await listed(store, registry.reference("app", str(image.digest))) == []


@pytest.mark.parametrize("status", [403, 500])
async def test_a_cosign_tag_that_cannot_be_read_is_no_missing_one(
    registry: RegistrySimulator, status: int
) -> None:
    """What was listed before still counts; the list ends with the error."""
    memory = registry.repository("app")
    image = memory.add_image("v1")
    referrer = sign(memory, image)
    registry.fault(Fault(path=r"\.att", status=status))
    async with open_store(cosign_tags=True) as store:
        found, error = await listed_until_error(store, registry.reference("app", str(image.digest)))
    assert [entry.descriptor.digest for entry in found] == [referrer.digest]
    assert error is not None


async def test_leaving_a_listing_ends_what_was_begun(registry: RegistrySimulator) -> None:
    """Requests for cosign's tags whose results are not needed are cancelled."""
    memory = registry.repository("app")
    image = memory.add_image("v1")
    sign(memory, image)
    registry.fault(Fault(path=r"\.(sig|att|sbom)", endless=True, status=404, drip=1.0))
    async with open_store(cosign_tags=True) as store:
        listing = store.referrers(registry.reference("app", str(image.digest)))
        await anext(listing)
        await listing.aclose()  # type: ignore[attr-defined]
        others = asyncio.all_tasks() - {asyncio.current_task()}
    assert others == set()


async def test_an_artifact_type_is_asked_for(registry: RegistrySimulator) -> None:
    """The registry may filter; what it lists is looked at all the same."""
    memory = registry.repository("app")
    image = memory.add_image("v1")
    signature = sign(memory, image)
    memory.attach(image, "application/vnd.example.other")
    reference = registry.reference("app", str(image.digest))
    async with open_store() as store:
        found = [r.descriptor.digest async for r in store.referrers(reference, f"{SIGNATURE}+a/b c")]
        assert found == []
        found = [r.descriptor.digest async for r in store.referrers(reference, SIGNATURE)]
    assert found == [signature.digest]
    assert "artifactType=application%2Fvnd.example.signature%2Ba%2Fb%20c" in registry.hits[0].path


async def test_the_tag_schema_can_be_all_that_is_used(registry: RegistrySimulator) -> None:
    """With `referrers: tag` the API is never asked."""
    registry.features.referrers_api = False
    memory = registry.repository("app")
    image = memory.add_image("v1")
    sign(memory, image)
    async with open_store(referrers=ReferrersMode.TAG) as store:
        found = await listed(store, registry.reference("app", str(image.digest)))
    assert [entry.discovery for entry in found] == [Discovery.REFERRERS_TAG]
    assert not any("/referrers/" in hit.path for hit in registry.hits)


async def test_an_unknown_repository_says_nothing_of_the_api(registry: RegistrySimulator) -> None:
    """404 for a name that is not known falls back, and is not remembered of the registry."""
    memory = registry.repository("app")
    image = memory.add_image("v1")
    sign(memory, image)
    async with open_store() as store:
        assert await listed(store, registry.reference("missing", str(image.digest))) == []
        assert len(await listed(store, registry.reference("app", str(image.digest)))) == 1
    assert registry.hits[-1].path.startswith("/v2/app/referrers/")


async def test_a_redirect_of_the_listing_that_ends_nowhere_is_no_api(registry: RegistrySimulator) -> None:
    """Some registries redirect what they do not know to a page that is not there."""
    memory = registry.repository("app")
    image = memory.add_image("v1")
    memory.add_manifest(
        json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}).encode(),
        tag=referrers_tag(image.digest),
        media_type=OCI_INDEX,
    )
    registry.fault(redirect("/referrers/", "/somewhere", status=303))
    async with open_store() as store:
        assert await listed(store, registry.reference("app", str(image.digest))) == []
    assert f"/manifests/{referrers_tag(image.digest)}" in registry.hits[-1].path


async def test_readable_entries_come_before_the_error(registry: RegistrySimulator) -> None:
    """One entry that cannot be read hides none of the others, and is not passed over in silence."""
    memory = registry.repository("app")
    image = memory.add_image("v1")
    signature = sign(memory, image)
    entries = [
        {"mediaType": OCI_MANIFEST, "digest": "md5:1", "size": 1},
        {"mediaType": OCI_MANIFEST, "digest": str(signature.digest), "size": signature.size},
    ]
    body = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}).encode()
    registry.fault(Fault(path="/referrers/", body=body))
    async with open_store() as store:
        found, error = await listed_until_error(store, registry.reference("app", str(image.digest)))
        result = await executor(store).validate(registry.reference("app", "v1"))
    assert [entry.descriptor.digest for entry in found] == [signature.digest]
    assert error is not None
    assert error.reason is Reason.DIGEST_INVALID
    assert "a registry" in error.remedy
    assert result.decision is Decision.ALLOW


async def test_a_page_that_vanished_is_an_error(registry: RegistrySimulator) -> None:
    """404 for the second page is not the end of the list."""
    registry.features.page_size = 1
    memory = registry.repository("app")
    image = memory.add_image("v1")
    sign(memory, image)
    sign(memory, image, b"another")
    registry.fault(Fault(path="last=1", status=404))
    async with open_store() as store:
        found, error = await listed_until_error(store, registry.reference("app", str(image.digest)))
    assert len(found) == 1
    assert error is not None
    assert error.reason is Reason.REGISTRY_ERROR


@pytest.mark.parametrize("kind", ["reachable", "down", "empty"])
async def test_mirrors_are_read_first_and_the_origin_last(registry: RegistrySimulator, kind: str) -> None:
    """What a mirror does not have is read from the registry."""
    memory = registry.repository("app")
    sign(memory, memory.add_image("v1"))
    with RegistrySimulator() as mirror:
        if kind == "reachable":
            copy = mirror.repository("app")
            sign(copy, copy.add_image("v1"))
        if kind == "down":
            mirror.fault(Fault(close=True))
        async with open_store(mirrors=(mirror.host, registry.host)) as store:
            result = await executor(store).validate(registry.reference("app", "v1"))
        assert result.decision is Decision.ALLOW
        assert mirror.hits
        assert bool(registry.hits) is (kind != "reachable")


async def test_credentials_are_asked_for_by_the_canonical_name(registry: RegistrySimulator) -> None:
    """Once, and only when the registry asks."""
    credentials = Credentials({registry.host: USER})
    registry.repository("app").add_image("v1")
    async with open_store(credentials=credentials) as store:
        await store.resolve(registry.reference("app", "v1"))
        assert credentials.asked == []
        registry.auth = BasicAuth()
        for _ in range(2):
            await store.resolve(registry.reference("app", "v1"))
    assert credentials.asked == [registry.host]


async def test_a_credential_that_changed_is_asked_for_again(registry: RegistrySimulator) -> None:
    """After a refusal, once."""
    credentials = Credentials({registry.host: USER})
    registry.repository("app").add_image("v1")
    registry.auth = BasicAuth()
    async with open_store(credentials=credentials) as store:
        await store.resolve(registry.reference("app", "v1"))
        registry.auth = BasicAuth(password="new")
        credentials.by_registry[registry.host] = Credential("user", "new")
        await store.resolve(registry.reference("app", "v1"))
    assert credentials.asked == [registry.host] * 2


async def test_a_wrong_password_is_not_tried_again_and_again(registry: RegistrySimulator) -> None:
    """Two requests, then the refusal."""
    registry.auth = BasicAuth()
    error = await _reason(registry, credentials=Credentials({registry.host: Credential("user", "wrong")}))
    assert error.reason is Reason.REGISTRY_AUTH
    assert "docker login" in error.remedy
    assert len(registry.hits) == 2


async def test_an_identity_token_is_exchanged(registry: RegistrySimulator) -> None:
    """OAuth2 at the registry's own token server."""
    registry.repository("app").add_image("v1")
    registry.auth = BearerAuth(identity_token="refresh")
    credential = Credential("<token>", identity_token="refresh")
    async with open_store(credentials=Credentials({registry.host: credential})) as store:
        await store.resolve(registry.reference("app", "v1"))
    assert [hit.method for hit in registry.hits] == ["GET", "POST", "GET"]


async def test_a_token_server_that_is_ill_is_asked_again(registry: RegistrySimulator) -> None:
    """Retries are for token servers too."""
    registry.repository("app").add_image("v1")
    registry.auth = BearerAuth(anonymous=True)
    registry.fault(Fault(path="/token", status=503, times=1))
    async with open_store() as store:
        await store.resolve(registry.reference("app", "v1"))
    assert len(registry.hits) == 4


async def test_docker_hub_is_reached_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its name is docker.io, its host registry-1.docker.io, its token server auth.docker.io."""
    authority = Authority()
    hosts = ("registry-1.docker.io", "auth.docker.io")
    bearer = BearerAuth(anonymous=True, realm="https://auth.docker.io/token", service="registry.docker.io")
    with RegistrySimulator(tls=authority.server_context(*hosts), auth=bearer) as hub:
        hub.repository("library/nginx").add_image("latest")
        options = RegistryOptions(ca_pem=authority.pem)
        dialled = record_dialling(monkeypatch, lambda place: ("127.0.0.1", hub.port))
        addresses = {"registry-1.docker.io": "8.8.8.8", "auth.docker.io": "8.8.4.4"}
        transport = AsyncioTransport(options, resolve=lambda name, port: [addresses[name]], environ={})
        async with open_store(transport=transport, auth_realms=("auth.docker.io",)) as store:
            await store.resolve(Reference.parse("nginx"))
    assert dialled == [("8.8.4.4", 443), ("8.8.8.8", 443)]
    assert [hit.headers["host"] for hit in hub.hits] == ["auth.docker.io", "registry-1.docker.io"]


def test_tags_follow_the_specification() -> None:
    """The fallback tag is cut to fit; cosign's tags do not exist where they would not fit."""
    short, long = Digest.of(b"x"), Digest.of(b"x", "sha512")
    assert referrers_tag(short) == f"sha256-{short.hex}"
    assert referrers_tag(long) == f"sha512-{long.hex[:64]}"
    assert cosign_tags(short) == tuple(f"sha256-{short.hex}.{kind}" for kind in ("sig", "att", "sbom"))
    assert cosign_tags(long) == ()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (('</next>; rel="next"',), "/next"),
        (("</next>; rel=next",), "/next"),
        (("</next>;rel=NEXT",), "/next"),
        (('</a>; rel="prev", </b>; title="x"; rel="last next"',), "/b"),
        (('</a>; rel="prev"', '</b>; rel="next"'), "/b"),
        (('</a>; rel="nextish"',), None),
        (("</a>; rel=nextish",), None),
        (("garbage",), None),
        ((), None),
    ],
)
def test_links_are_read(values: tuple[str, ...], expected: str | None) -> None:
    """RFC 8288, as far as listings use it."""
    headers = Headers(tuple(("link", value) for value in values))
    assert next_link(Response(200, headers, b"", Url.parse("https://example.com/"))) == expected


async def test_the_material_of_real_signers_is_served_and_listed(registry: RegistrySimulator) -> None:
    """A layout with what real tools made can be read through a registry."""
    store_in_memory = registry.load_layout(MATERIAL, "demo")
    assert store_in_memory.tags
    async with open_store(cosign_tags=True) as store:
        kinds = set()
        for tag in store_in_memory.tags:
            if "sha256-" in tag:
                continue
            image = await store.resolve(registry.reference("demo", tag))
            kinds |= {
                entry.discovery for entry in await listed(store, registry.reference("demo", image.digest))
            }
    assert kinds == {Discovery.REFERRERS_API, Discovery.COSIGN_TAG}


async def test_a_repository_has_the_credential_of_its_own_entry(
    registry: RegistrySimulator, tmp_path: Path
) -> None:
    """Docker's configuration has a key with a path beside the host's; the challenge is met once for all repositories."""
    registry.auth = BasicAuth()
    for name in ("team/app", "other/app", "team/more"):
        registry.repository(name).add_image("v1")
    host = registry.reference("team/app", "v1").registry
    auth = base64.b64encode(b"user:password").decode()
    wrong = base64.b64encode(b"user:wrong").decode()
    auths = {host: {"auth": wrong}, f"{host}/team": {"auth": auth}}
    (tmp_path / "config.json").write_text(json.dumps({"auths": auths}))
    async with open_store(credentials=DockerCredentials(tmp_path / "config.json")) as store:
        await store.resolve(registry.reference("team/app", "v1"))
        assert [hit.headers.get("authorization") for hit in registry.hits] == [None, f"Basic {auth}"]
        await store.resolve(registry.reference("team/more", "v1"))
        assert len(registry.hits) == 3
        with pytest.raises(
            StoreError, match=rf"the configured credential \('{host}' in .*config.json\) read other/app"
        ):
            await store.resolve(registry.reference("other/app", "v1"))
        await store.resolve(registry.reference("team/app", "v1"))
    del auths[host]
    (tmp_path / "config.json").write_text(json.dumps({"auths": auths}))
    async with open_store(credentials=DockerCredentials(tmp_path / "config.json")) as store:
        with pytest.raises(
            StoreError, match=rf"anonymous access \(of .* '{host}/team' is not for {host}/other/app\)"
        ):
            await store.resolve(registry.reference("other/app", "v1"))
